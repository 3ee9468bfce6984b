"""Neural networks as energy landscapes: the training loss of a multilayer perceptron."""

import hashlib
from itertools import pairwise

import numpy as np

from potentials._mlp import MultilayerPerceptronCore


class MultilayerPerceptron(MultilayerPerceptronCore):
    r"""Training loss of a classifier with tanh layers and softmax outputs, as a function of its weights and biases.

    .. math:: E(V) = -\frac{1}{N} \sum_d \ln p_{c(d)}(x_d; V) + \lambda |V|^2

    with p the softmax of the last layer. One hidden layer is eq 2 of Ballard et al. (2017) and eq 1 of Chitturi et al. (2020);
    any number of hidden layers is possible. Classic keywords: MLP3, MLPVB3, MLPVB3NN, NOREGBIAS.

    The variables are all weight matrices in forward order, each (nodes out) x (nodes in) row-major, then all bias vectors in
    forward order; for one hidden layer this is the order of the Wales programs (w2 hidden-major, w1, hidden biases, output
    biases).

    Parameters
    ----------
    layers : sequence of int
        Nodes per layer, inputs first, outputs last; at least one hidden layer.
    inputs : array_like of shape (N, layers[0])
    classes : array_like of int of shape (N,)
        Class of each item, from 0 to layers[-1] - 1.
    lam : float
        Regularisation, not negative.
    regularise_biases : bool
        Whether the biases enter \|V\|^2. Without them a uniform shift of the output biases is an exact zero mode.
    neighbours : int, optional
        Locality m (Chitturi et al. eq 5): the nodes of every layer lie evenly on the unit line and each hidden node keeps the
        weights from its m nearest inputs and to its m nearest outputs (ties to the lower index); a weight between two hidden
        layers is kept when it is among the m nearest of both its nodes. The other weights are frozen at zero.
    has_biases : bool
        False for the classic MLP3, which has weights only.
    targets : array_like of shape (N, layers[-1]), optional
        Probabilities that the network is to learn in place of the classes (rows sum to 1). The first term of E is then the mean
        relative entropy sum_c t_c ln(t_c / p_c), zero where the outputs are the targets and positive elsewhere.

    Attributes
    ----------
    frozen : ndarray of bool of shape (n_variables,) or None
        Frozen variables. They stay in the vector of variables, count as zero whatever their value, and have zero gradient and
        zero rows and columns in the Hessian.

    Raises
    ------
    ValueError
        If sizes do not fit, a class is out of range, an input is not finite, or lam is negative.

    Notes
    -----
    The cost is that of the arithmetic: data are processed in blocks that fit in the cache, with the data item innermost.
    With frozen weights only those hidden nodes can be exchanged that keep the same inputs and outputs; the sign of each node
    stays a symmetry.
    """

    has_hessian = True
    has_hessian_vector = True
    step_scale = 1.0

    def __init__(
        self, layers, inputs, classes, lam, regularise_biases=True, neighbours=None, has_biases=True,
        targets=None,
    ):  # fmt: skip
        layers = tuple(int(n) for n in layers)
        if len(layers) < 3 or min(layers) < 1:
            raise ValueError("layers must name at least one hidden layer, and every layer must have at least one node")
        if layers[-1] < 2:
            raise ValueError("a classifier needs at least two output nodes")
        inputs = np.ascontiguousarray(inputs, dtype=np.float64)
        if inputs.ndim != 2 or inputs.shape[0] == 0 or inputs.shape[1] != layers[0]:
            raise ValueError(f"inputs must have shape (N, {layers[0]}), got {inputs.shape}")
        if not np.isfinite(inputs).all():
            raise ValueError("inputs must be finite")
        given = np.asarray(classes)
        classes = given.astype(np.intp)
        if classes.shape != (inputs.shape[0],) or (classes != given).any():
            raise ValueError(f"classes must be {inputs.shape[0]} integers")
        if classes.min() < 0 or classes.max() >= layers[-1]:
            raise ValueError(f"classes must lie between 0 and {layers[-1] - 1}, found {classes.min()} to {classes.max()}")
        if not lam >= 0 or not np.isfinite(lam):
            raise ValueError("lam must not be negative")
        if neighbours is not None and neighbours < 1:
            raise ValueError("neighbours must be at least 1")
        if targets is not None:
            targets = np.ascontiguousarray(targets, dtype=np.float64)
            if targets.shape != (inputs.shape[0], layers[-1]):
                raise ValueError(f"targets must have shape ({inputs.shape[0]}, {layers[-1]}), got {targets.shape}")
            if not (targets >= 0).all() or not (np.abs(targets.sum(axis=1) - 1.0) < 1e-9).all():
                raise ValueError("targets must be probabilities: not negative, and 1 in total for every item")
        self.targets = targets
        self.layers = layers
        self.inputs = inputs
        self.classes = classes
        self.lam = float(lam)
        self.regularise_biases = bool(regularise_biases)
        self.neighbours = None if neighbours is None else int(neighbours)
        self.has_biases = bool(has_biases)
        self.n_weights = sum(a * b for a, b in pairwise(layers))
        self.n_biases = sum(layers[1:]) if has_biases else 0
        self.frozen = None
        if neighbours is not None:
            kept = np.concatenate([matrix.ravel() for matrix in kept_weights(layers, neighbours)])
            if not kept.all():
                self.frozen = np.concatenate([~kept, np.zeros(self.n_biases, dtype=bool)])
        n_regularised = self.n_weights + (self.n_biases if regularise_biases else 0)
        super().__init__(layers, inputs, classes, self.lam, n_regularised, has_biases, self.frozen, targets=targets)
        self.symmetry = self._find_symmetry()

    def _find_symmetry(self):
        from potentials.symmetry import NetworkNodes

        return NetworkNodes(
            self.layers,
            uniform_bias_shift=self.has_biases and (not self.regularise_biases or self.lam == 0.0),
            has_biases=self.has_biases,
            frozen=self.frozen,
            output_shifts=self.lam == 0.0,
        )

    def __reduce__(self):
        return type(self), (
            self.layers, self.inputs, self.classes, self.lam, self.regularise_biases, self.neighbours, self.has_biases,
            self.targets,
        )  # fmt: skip

    def with_data(self, inputs, classes):
        """The same network and regularisation on other data of shapes (N, n_in) and (N,)."""
        return type(self)(self.layers, inputs, classes, self.lam, self.regularise_biases, self.neighbours, self.has_biases)

    def probabilities(self, x, inputs=None):
        """Class probabilities of the network with variables x.

        Parameters
        ----------
        x : array_like of shape (n_variables,)
        inputs : array_like of shape (N, n_in), optional
            The training inputs by default.

        Returns
        -------
        ndarray of shape (N, n_out)
            Rows sum to 1.
        """
        inputs = self.inputs if inputs is None else np.ascontiguousarray(inputs, dtype=np.float64)
        if inputs.ndim != 2 or inputs.shape[1] != self.layers[0]:
            raise ValueError(f"inputs must have shape (N, {self.layers[0]}), got {inputs.shape}")
        if inputs.shape[0] == 0:
            return np.empty((0, self.layers[-1]))
        return self._probabilities(x, inputs)

    def loss_terms(self, x):
        """(mean cross-entropy, regularisation) at x; their sum is the energy."""
        w = np.array(self._input(x))
        if self.frozen is not None:
            w[self.frozen] = 0.0
        kept = w if self.regularise_biases else w[: self.n_weights]
        penalty = self.lam * float(kept @ kept)
        return self.energy(w) - penalty, penalty

    def weight_matrices(self, x):
        """(weights, biases): one (nodes out, nodes in) matrix and one bias vector per layer; frozen weights are zero."""
        w = np.array(self._input(x))
        if self.frozen is not None:
            w[self.frozen] = 0.0
        weights, biases, position, bias = [], [], 0, self.n_weights
        for n_in, n_out in pairwise(self.layers):
            weights.append(w[position : position + n_in * n_out].reshape(n_out, n_in))
            biases.append(w[bias : bias + n_out] if self.has_biases else np.zeros(n_out))
            position += n_in * n_out
            bias += n_out
        return weights, biases

    def random_coordinates(self, rng):
        """Every variable uniform in [-1, 1], frozen ones zero; the scale of published basin-hopping starts."""
        x = rng.uniform(-1.0, 1.0, self.n_variables)
        if self.frozen is not None:
            x[self.frozen] = 0.0
        return x

    def fingerprint(self):
        """Sizes, regularisation, locality and a digest of the data."""
        digest = hashlib.sha256()
        digest.update(np.ascontiguousarray(self.inputs, dtype="<f8").tobytes())
        digest.update(np.ascontiguousarray(self.classes, dtype="<i8").tobytes())
        if self.targets is not None:
            digest.update(np.ascontiguousarray(self.targets, dtype="<f8").tobytes())
        return {
            **super().fingerprint(),
            "layers": list(self.layers),
            "n_items": int(self.inputs.shape[0]),
            "lambda": self.lam,
            "regularise_biases": self.regularise_biases,
            "has_biases": self.has_biases,
            "neighbours": self.neighbours,
            "data": digest.hexdigest(),
        }


def kept_weights(layers, neighbours):
    """Which weights the locality of Chitturi et al. (2020), eq 5, keeps.

    Parameters
    ----------
    layers : sequence of int
    neighbours : int

    Returns
    -------
    list of ndarray of bool of shape (nodes out, nodes in)
        One per layer of weights.
    """
    kept = []
    for level, (n_in, n_out) in enumerate(pairwise(layers)):
        from_inputs = nearest(n_out, n_in, neighbours)
        from_outputs = nearest(n_in, n_out, neighbours).T
        last = level == len(layers) - 2
        if level == 0:
            kept.append(from_inputs)
        elif last:
            kept.append(from_outputs)
        else:
            kept.append(from_inputs & from_outputs)
    return kept


def nearest(n_nodes, n_others, neighbours):
    """For each of n_nodes its nearest among n_others, both evenly on the unit line: bool, (n_nodes, n_others)."""
    result = np.zeros((n_nodes, n_others), dtype=bool)
    for node in range(n_nodes):
        # positions i/(n-1) (a single node sits in the middle); distances compared as integers, so that ties are ties
        own, scale = line_position(node, n_nodes) * line_scale(n_others), line_scale(n_nodes)
        distance = [abs(own - line_position(other, n_others) * scale) for other in range(n_others)]
        order = sorted(range(n_others), key=lambda other: (distance[other], other))
        result[node, order[:neighbours]] = True
    return result


def line_scale(n):
    """The common denominator of the positions of n nodes on the unit line."""
    return 2 * max(n - 1, 1)


def line_position(i, n):
    """Position of node i of n on the unit line, times ``line_scale(n)``."""
    return 2 * i if n > 1 else 1
