"""Feed-forward networks of tanh nodes: permutation and sign of the hidden nodes."""

from itertools import pairwise
from math import factorial, prod

import numpy as np

from potentials.symmetry._networks import NetworkCore
from potentials.symmetry.stabilisers import stabiliser_order
from potentials.symmetry.symmetry import Symmetry

#: Starts of the coordinate descent over layers for networks with more than one hidden layer, beside the three constructed ones.
RESTARTS = 100
#: Deeper networks: a copy this close is not improved any more.
ENOUGH = 1e-7
#: Two weight vectors closer than this are one (stabiliser of a minimum).
STABILISER_TOLERANCE = 1e-5


class NetworkNodes(Symmetry):
    """The exchange of hidden nodes and the change of sign of all weights into and out of a hidden node.

    tanh is odd, so that flipping the sign of a node's bias, incoming and outgoing weights leaves every output unchanged;
    so does exchanging two nodes of a layer (Ballard et al. 2017, section V; Niroomand et al. 2022, section 4.1).

    Variables: all weight matrices (rows = nodes of the later layer) in forward order, then all bias vectors in forward order.

    Parameters
    ----------
    layers : sequence of int
        Numbers of nodes from inputs to outputs; at least one hidden layer.
    uniform_bias_shift : bool
        Whether adding a constant to all output biases is an exact symmetry (biases not regularised): it is then a zero mode
        and no part of any distance.
    permutations : bool
        False: signs only.
    has_biases : bool
        False where the variables are weights alone.
    frozen : array_like of bool of shape (n_variables,), optional
        Variables that the function ignores (reduced connectivity). Each is a zero mode and no part of any distance; only hidden
        nodes with the same frozen weights in and out can be exchanged.
    restarts : int
        Random starts for networks with more than one hidden layer.
    output_shifts : bool
        Whether nothing is regularised: adding a constant to all weights out of a node of the last hidden layer then changes no
        probability. Each of these shifts is a zero mode and no part of any distance; those that would touch a frozen weight are
        none.

    Notes
    -----
    One hidden layer: the closest copy is exact, a linear assignment over nodes with the better sign chosen per pair. Deeper:
    exact for each layer while the others are held, repeated to self-consistency from several starts (matched forward from the
    inputs, backward from the outputs, unchanged, and random with a fixed seed). That is a heuristic: the distance is an upper
    bound to the true one; for copies the forward or the backward start finds the exact match unless nodes coincide on one side.
    """

    def __init__(
        self, layers, uniform_bias_shift=False, permutations=True, has_biases=True, frozen=None, restarts=RESTARTS,
        output_shifts=False,
    ):  # fmt: skip
        self.layers = tuple(int(n) for n in layers)
        if len(self.layers) < 3 or min(self.layers) < 1:
            raise ValueError(f"layers {list(layers)}: inputs, hidden layers (at least one) and outputs are needed, none empty")
        self.has_biases = bool(has_biases)
        self.uniform_bias_shift = bool(uniform_bias_shift) and self.has_biases
        self.permutations = bool(permutations)
        self.restarts = int(restarts)
        self.n_weights = sum(m * n for m, n in pairwise(self.layers))
        self.n_variables = self.n_weights + (sum(self.layers[1:]) if self.has_biases else 0)
        self.frozen = None
        if frozen is not None:
            frozen = np.asarray(frozen, dtype=bool).reshape(-1)
            if frozen.size != self.n_variables:
                raise ValueError(f"network {list(layers)}: frozen has {frozen.size} entries, not {self.n_variables}")
            if frozen[self.n_weights :].any():
                raise ValueError(f"network {list(layers)}: only weights can be frozen, not biases")
            self.frozen = frozen if frozen.any() else None
        self._last = slice(self.n_weights - self.layers[-2] * self.layers[-1], self.n_weights)
        self.shifted = np.full(self.layers[-2], bool(output_shifts))
        if self.frozen is not None:
            self.shifted &= ~self._last_weights(self.frozen).any(axis=0)
        self.n_zero = int(self.uniform_bias_shift) + int(self.shifted.sum())
        self.n_zero += 0 if self.frozen is None else int(self.frozen.sum())
        self.classes = self._exchangeable()
        self._core = NetworkCore(self.layers, self.classes, self.has_biases, self.uniform_bias_shift)

    def _input(self, x):
        a = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
        if a.shape[0] != self.n_variables:
            raise ValueError(f"network {list(self.layers)}: expected {self.n_variables} variables, got {a.shape[0]}")
        if not np.isfinite(a).all():
            raise ValueError(f"network {list(self.layers)}: variables are not finite")
        if self.frozen is not None:
            a = np.where(self.frozen, 0.0, a)
        return self._without_shifts(a)

    def _last_weights(self, x):
        """View (..., outputs, nodes of the last hidden layer) of the weights between them."""
        return x[..., self._last].reshape(*x.shape[:-1], self.layers[-1], self.layers[-2])

    def _without_shifts(self, x):
        """x, or a copy of it in which the weights out of every node that may be shifted have mean zero."""
        if not self.shifted.any():
            return x
        x = x.copy()
        weights = self._last_weights(x)
        weights -= np.where(self.shifted, weights.mean(axis=-2), 0.0)[..., None, :]
        return x

    def _exchangeable(self):
        """For each hidden layer the class of every node: those with the same frozen weights in and out (all, without any)."""
        if not self.permutations:
            return [tuple(range(n)) for n in self.layers[1:-1]]
        if self.frozen is None:
            return [(0,) * n for n in self.layers[1:-1]]
        weights, _ = self._split(self.frozen)
        classes = []
        for layer in range(len(self.layers) - 2):
            masks = np.hstack([weights[layer], weights[layer + 1].T])
            _, numbers = np.unique(masks, axis=0, return_inverse=True)
            classes.append(tuple(int(number) for number in numbers.ravel()))
        return classes

    def _split(self, x):
        """Views (list of weight matrices, list of bias vectors) of a flat vector; zeros for biases that do not exist."""
        weights, biases, at = [], [], 0
        for m, n in pairwise(self.layers):
            weights.append(x[at : at + n * m].reshape(n, m))
            at += n * m
        for n in self.layers[1:]:
            biases.append(x[at : at + n] if self.has_biases else np.zeros(n))
            at += n
        return weights, biases

    def zero_modes(self, x):
        """The normalised uniform shift of the output biases and the frozen variables, shape (n_zero, n_variables)."""
        modes = np.zeros((self.n_zero, self.n_variables))
        if self.uniform_bias_shift:
            modes[0, -self.layers[-1] :] = self.layers[-1] ** -0.5
        first = int(self.uniform_bias_shift)
        for mode, node in zip(modes[first:], np.flatnonzero(self.shifted)):
            self._last_weights(mode)[:, node] = self.layers[-1] ** -0.5
        if self.frozen is not None:
            modes[np.arange(first + int(self.shifted.sum()), self.n_zero), np.flatnonzero(self.frozen)] = 1.0
        return modes

    def align(self, x, reference):
        """Closest copy of x to the reference, and its distance; exact for one hidden layer (see the class).

        What no part of the distance is (frozen variables, uniform shift of the output biases) is taken from the reference.
        """
        given, x, reference = reference, self._input(x), self._input(reference)
        aligned, distance = self._core.align(x, reference, self.restarts, ENOUGH)
        if self.uniform_bias_shift:
            n = self.layers[-1]
            aligned[-n:] += np.mean(reference[-n:] - aligned[-n:])
        if self.shifted.any():
            means = self._last_weights(np.ravel(np.asarray(given, dtype=float))).mean(axis=0)
            self._last_weights(aligned)[:] += np.where(self.shifted, means, 0.0)
        if self.frozen is not None:
            aligned[self.frozen] = np.ravel(given)[self.frozen]
        return aligned, distance

    def distances(self, X, reference):
        """Distance of each of the points X, shape (B, n_variables), from the reference: shape (B,)."""
        points = np.ascontiguousarray(X, dtype=np.float64)
        if self.frozen is not None and points.ndim == 2 and points.shape[1] == self.n_variables:
            points = np.where(self.frozen, 0.0, points)
        if points.ndim != 2 or points.shape[1] != self.n_variables:
            raise ValueError(f"network {list(self.layers)}: expected shape (B, {self.n_variables}), got {points.shape}")
        if not np.isfinite(points).all():
            raise ValueError(f"network {list(self.layers)}: variables are not finite")
        return self._core.distances(self._without_shifts(points), self._input(reference), self.restarts)

    def same(self, x, reference, tolerance):
        """Whether x is a copy of the reference within the tolerance; deeper networks are first rejected by ``lower_bound``."""
        x, reference = self._input(x), self._input(reference)
        if len(self.layers) == 3:
            return self._core.align(x, reference, 0, 0.0)[1] < tolerance
        if self.lower_bound(x, reference) >= tolerance:
            return False
        return self._core.align(x, reference, self.restarts, 0.99 * tolerance)[1] < tolerance

    def _norms(self, x):
        """Invariants: per layer the norms of (weights in, bias) of its nodes, hidden ones ascending."""
        weights, biases = self._split(x)
        if self.uniform_bias_shift:
            biases[-1] = biases[-1] - biases[-1].mean()
        norms = [np.sqrt((w * w).sum(axis=1) + b * b) for w, b in zip(weights[:-1], biases[:-1])]
        norms = [values[np.lexsort((values, kinds))] for values, kinds in zip(norms, self.classes)]
        return np.concatenate([*norms, np.sqrt((weights[-1] ** 2).sum(axis=1)), biases[-1]])

    def descriptor(self, x):
        """Sorted norms of the nodes' weights and biases, whose Euclidean distances never exceed the aligned distances."""
        return self._norms(self._input(x))

    def lower_bound(self, x, reference):
        """A rigorous lower bound to the distance, from the sorted norms of the nodes' incoming weights and biases.

        The norm of a difference is at least the difference of the norms, with any sign; sorting pairs them best; every
        variable enters once.
        """
        return float(np.linalg.norm(self._norms(self._input(x)) - self._norms(self._input(reference))))

    def lower_bounds(self, X, reference):
        """``lower_bound`` of each of the points X, shape (B, n_variables), and the reference: shape (B,)."""
        target = self._norms(self._input(reference))
        return np.array([np.linalg.norm(self._norms(self._input(x)) - target) for x in np.atleast_2d(X)])

    def group_order(self, as_published=False):
        """Number of elements of the group: prod over hidden layers of n_l! 2^n_l (Niroomand et al. 2022, eq 8).

        Parameters
        ----------
        as_published : bool
            Eq 8 as it is printed leaves out the factor 2^n of the last hidden layer where the number of hidden layers is even.
            With tanh in every hidden layer the sign of each node can be flipped whatever the number of layers, so that the
            default, the group that ``align`` runs over, keeps it.
        """
        hidden = self.layers[1:-1]
        signs = [2**n for n in hidden]
        if as_published and len(hidden) % 2 == 0:
            signs[-1] = 1
        exchanges = prod(factorial(kinds.count(kind)) for kinds in self.classes for kind in set(kinds))
        return prod(signs) * exchanges

    def order(self, x, tolerance=STABILISER_TOLERANCE):
        """Number of permutations and sign changes that leave x where it is (exact for any number of layers).

        k unconnected nodes of a layer (all weights and the bias zero) contribute 2^k k!, m equal or opposite nodes m!.
        A minimum has ``group_order() / order(x)`` distinct copies.
        """
        weights, biases = self._split(self._input(x))
        return stabiliser_order(weights, biases, self.classes, tolerance)

    def canonical(self, x, tolerance=STABILISER_TOLERANCE):
        """The copy of x in a standard order and with standard signs, for hashing and for pictures.

        Layer by layer forward: the first of a node's incoming weights, bias and outgoing weights that is not zero is made
        positive, then nodes are sorted by these, rounded to the tolerance, with unconnected ones last. A uniform shift of the
        output biases is removed where it is a symmetry. Copies give the same point but for values within rounding of a tie,
        so that a difference is no proof.
        """
        copy = self.standard_frame(x)
        weights, biases = self._split(copy)
        for layer in range(len(self.layers) - 2):
            into, bias, out = weights[layer], biases[layer], weights[layer + 1]
            table = np.round(np.hstack([into, bias[:, None], out.T]) / tolerance)
            for node, row in enumerate(table):
                filled = np.flatnonzero(row)
                if filled.size and row[filled[0]] < 0.0:
                    table[node] = -row
                    into[node] = -into[node]
                    bias[node] = -bias[node]
                    out[:, node] = -out[:, node]
            table = table[:, : into.shape[1] + 1] if layer < len(self.layers) - 3 else table
            kinds = np.array(self.classes[layer])
            order = np.lexsort((*-table.T[::-1], kinds))
            place = np.argsort(kinds, kind="stable")
            into[place] = into[order]
            bias[place] = bias[order]
            out[:, place] = out[:, order]
        return copy

    def standard_frame(self, x):
        """x with the mean of the output biases at zero where their uniform shift is a symmetry; otherwise a copy of x."""
        copy = self._input(x).copy()
        if self.uniform_bias_shift:
            copy[-self.layers[-1] :] -= copy[-self.layers[-1] :].mean()
        return copy

    def random_copy(self, x, rng):
        """x after a random element of the group, with a random shift of the output biases where that is a symmetry."""
        copy = self._input(x).copy()
        weights, biases = self._split(copy)
        for layer, n in enumerate(self.layers[1:-1]):
            order = np.arange(n)
            for kind in set(self.classes[layer]):
                members = np.flatnonzero(np.array(self.classes[layer]) == kind)
                order[members] = rng.permutation(members)
            sign = rng.choice([-1.0, 1.0], n)
            weights[layer][:] = weights[layer][order] * sign[:, None]
            biases[layer][:] = biases[layer][order] * sign
            weights[layer + 1][:] = weights[layer + 1][:, order] * sign
        if self.uniform_bias_shift:
            biases[-1][:] += rng.normal()
        weights[-1][:] += np.where(self.shifted, rng.normal(size=self.layers[-2]), 0.0)
        return copy

    def describe(self):
        """One line for the head of an output file."""
        parts = ["exchange and sign of hidden nodes" if self.permutations else "sign of hidden nodes"]
        if self.uniform_bias_shift:
            parts.append("uniform shift of the output biases")
        if self.shifted.any():
            parts.append("uniform shifts of the weights into the outputs")
        if self.frozen is not None:
            parts.append(f"{int(self.frozen.sum())} frozen variables")
        return f"{', '.join(parts)} ({self.group_order():.6g} copies)"
