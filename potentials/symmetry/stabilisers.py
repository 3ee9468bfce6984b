"""How many permutations and sign changes of hidden nodes leave a network unchanged."""

from math import factorial

import numpy as np


def stabiliser_order(weights, biases, classes, tolerance=1e-5):
    """Order of the stabiliser of a network of tanh nodes under exchange and sign change of its hidden nodes.

    Parameters
    ----------
    weights : list of ndarray of shape (n_l, n_{l-1})
    biases : list of ndarray of shape (n_l,)
    classes : list of sequence of int
        For each hidden layer the class of each node: nodes of one class may be exchanged.
    tolerance : float
        Values closer than this are equal.

    Returns
    -------
    int
        k unconnected nodes of a class give 2^k k!. The rest is counted by orbits and stabilisers:
        the product over the nodes of the size of a node's orbit under the elements that fix the nodes before it.
    """
    if len(weights) == 2 and _all_differ(weights, biases, tolerance):
        return 1
    weights = [np.array(w, dtype=float) for w in weights]
    biases = [np.array(b, dtype=float) for b in biases]
    classes = [np.asarray(kinds) for kinds in classes]
    total = 1
    for layer in range(len(weights) - 1):
        into, out = weights[layer], weights[layer + 1]
        size = np.abs(np.hstack([into, biases[layer][:, None], out.T])).max(axis=1)
        empty = size < tolerance
        if empty.any():
            for kind in set(classes[layer][empty]):
                k = int((classes[layer][empty] == kind).sum())
                total *= 2**k * factorial(k)
            classes[layer] = classes[layer][~empty]
            weights[layer], biases[layer], weights[layer + 1] = into[~empty], biases[layer][~empty], out[:, ~empty]
    if len(weights) == 2:
        return total * _equal_nodes(weights, biases, classes[0], tolerance)
    return total * _SignedNodes(weights, biases, classes, tolerance).order()


def _all_differ(weights, biases, tolerance):
    """Whether one column of sizes alone tells all nodes of one hidden layer apart, and none is empty."""
    sizes = np.abs(np.concatenate([weights[0], biases[0][:, None], weights[1].T], axis=1))
    if sizes.max(axis=1).min() < tolerance:
        return False
    sizes.sort(axis=0)
    return len(sizes) == 1 or bool((sizes[1:] - sizes[:-1]).min(axis=0).max() >= tolerance)


def _equal_nodes(weights, biases, kinds, tolerance):
    """One hidden layer: a class of m equal or opposite nodes gives m!."""
    nodes = np.hstack([weights[0], biases[0][:, None], weights[1].T])
    if len(nodes) < 2:
        return 1
    plus = np.abs(nodes[:, None] - nodes).max(axis=2)
    minus = np.abs(nodes[:, None] + nodes).max(axis=2)
    equal = (np.minimum(plus, minus) < tolerance) & (kinds[:, None] == kinds)
    total, counted = 1, np.zeros(len(nodes), dtype=bool)
    for i in range(len(nodes)):
        if not counted[i]:
            members = equal[i] & ~counted
            counted |= members
            total *= factorial(int(members.sum()))
    return total


class _SignedNodes:
    """Group of the maps of the hidden nodes (to a node of the same layer, with a sign) that preserve all weights and biases."""

    def __init__(self, weights, biases, classes, tolerance):
        self.tolerance = tolerance
        self.kinds = np.concatenate(classes)
        hidden = [len(b) for b in biases[:-1]]
        self.layer_of = np.repeat(np.arange(len(hidden)), hidden)
        first = np.concatenate([[0], np.cumsum(hidden)])
        n = int(first[-1])
        # Weights between hidden nodes, in both directions; what ties a node to things that do not move: bias, inputs, outputs.
        self.between = np.zeros((n, n))
        for layer in range(1, len(hidden)):
            rows, columns = slice(first[layer], first[layer + 1]), slice(first[layer - 1], first[layer])
            self.between[rows, columns] = weights[layer]
            self.between[columns, rows] = weights[layer].T
        fixed = np.zeros((n, 1 + weights[0].shape[1] + weights[-1].shape[0]))
        fixed[:, 0] = np.concatenate(biases[:-1])
        fixed[: hidden[0], 1 : 1 + weights[0].shape[1]] = weights[0]
        fixed[first[-2] :, 1 + weights[0].shape[1] :] = weights[-1].T
        self.images = [self._candidates(node, fixed) for node in range(n)]

    def _candidates(self, node, fixed):
        """Images (node, sign) that keep the ties to fixed things and the sizes of the weights to other nodes."""
        profile = np.sort(np.abs(self.between), axis=1)
        others = np.flatnonzero((self.layer_of == self.layer_of[node]) & (self.kinds == self.kinds[node]))
        found = []
        for other in others:
            if np.abs(profile[other] - profile[node]).max() > 2.0 * self.tolerance:
                continue
            for sign in (1, -1):
                if np.abs(sign * fixed[other] - fixed[node]).max() < self.tolerance:
                    found.append((int(other), sign))
        return found

    def order(self):
        """Product of the orbit sizes along the chain of stabilisers."""
        total, chain = 1, []
        for node, images in enumerate(self.images):
            total *= sum(1 for image in images if self._extends([*chain, image]))
            chain.append((node, 1))
        return total

    def _fits(self, chain, image):
        node = len(chain)
        for earlier, (other, sign) in enumerate(chain):
            if other == image[0]:
                return False
            if abs(sign * image[1] * self.between[image[0], other] - self.between[node, earlier]) > self.tolerance:
                return False
        return True

    def _extends(self, chain):
        """Whether the images chosen for the first nodes extend to all nodes."""
        if not self._fits(chain[:-1], chain[-1]):
            return False
        if len(chain) == len(self.images):
            return True
        return any(self._extends([*chain, image]) for image in self.images[len(chain)])
