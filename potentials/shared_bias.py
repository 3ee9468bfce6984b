"""The network of the classic keyword MLPB3: one bias, shared by the outputs."""

import numpy as np

from potentials._shared_bias import ExtraHarmonic
from potentials.symmetry.symmetry import Symmetry


class SharedBiasPerceptron(ExtraHarmonic):
    r"""Training loss of a network with one hidden layer and a single bias that is added to every output. Keyword: MLPB3.

    .. math:: y_i = b + \sum_j w^{(1)}_{ij} \tanh\Bigl(\sum_k w^{(2)}_{jk} x_k\Bigr), \qquad
              E = -\frac{1}{N} \sum_d \ln p_{c(d)} + \lambda |V|^2

    The softmax does not depend on b: the loss is that of MLP3 plus :math:`\lambda b^2`. It is here to read what the classic
    programs wrote (their count of variables, n_hidden (n_in + n_out) + 1, and their order, b last); for biases that matter use
    `potentials.mlp.MultilayerPerceptron` (MLPVB3).

    Parameters
    ----------
    layers : (int, int, int)
    inputs : array_like of shape (N, layers[0])
    classes : array_like of int of shape (N,)
    lam : float
    regularise_biases : bool
        Without it b is a zero mode.

    Raises
    ------
    ValueError
        As `potentials.mlp.MultilayerPerceptron`.
    """

    has_hessian = True
    step_scale = 1.0

    def __new__(cls, layers, inputs, classes, lam, regularise_biases=True):
        """The Cython base takes the network without biases and the stiffness of b at creation."""
        from potentials.mlp import MultilayerPerceptron

        network = MultilayerPerceptron(layers, inputs, classes, lam, has_biases=False)
        stiffness = network.lam if regularise_biases else 0.0
        self = super().__new__(cls, network, stiffness)
        self.network = network
        self.layers = network.layers
        self.regularise_biases = bool(regularise_biases)
        self.symmetry = SharedBias(network.symmetry, free=stiffness == 0.0)
        return self

    def __init__(self, layers, inputs, classes, lam, regularise_biases=True):
        pass

    def __reduce__(self):
        network = self.network
        return type(self), (network.layers, network.inputs, network.classes, network.lam, self.regularise_biases)

    def probabilities(self, x, inputs=None):
        """Class probabilities of shape (N, n_out) of the network with variables x; the training inputs by default."""
        return self.network.probabilities(self._input(x)[:-1], inputs)

    def random_coordinates(self, rng):
        """Every variable uniform in [-1, 1]."""
        return rng.uniform(-1.0, 1.0, self.n_variables)

    def fingerprint(self):
        """Sizes, regularisation and a digest of the data."""
        found = {**self.network.fingerprint(), **super().fingerprint()}
        return {**found, "regularise_biases": self.regularise_biases, "has_biases": "one"}


class SharedBias(Symmetry):
    """The symmetry of a network with one more variable b at the end: b -> -b, or any shift of b where it is free."""

    def __init__(self, network, free):
        self.network = network
        self.free = free
        self.n_zero = network.n_zero + int(free)

    def zero_modes(self, x):
        """Those of the network, and b where it is free."""
        x = np.asarray(x, dtype=float).ravel()
        inner = self.network.zero_modes(x[:-1])
        modes = np.zeros((len(inner) + int(self.free), x.size))
        modes[: len(inner), :-1] = inner
        if self.free:
            modes[-1, -1] = 1.0
        return modes

    def _b(self, b, reference):
        return reference if self.free else abs(b) if reference >= 0 else -abs(b)

    def align(self, x, reference):
        """The closest copy of the network, and the closest b."""
        x, reference = np.asarray(x, dtype=float).ravel(), np.asarray(reference, dtype=float).ravel()
        aligned, _ = self.network.align(x[:-1], reference[:-1])
        aligned = np.append(aligned, self._b(x[-1], reference[-1]))
        return aligned, float(np.linalg.norm(aligned - reference))

    def order(self, x):
        """Copies of the network that coincide with it; twice as many where b is zero and not free."""
        x = np.asarray(x, dtype=float).ravel()
        return self.network.order(x[:-1]) * (2 if not self.free and x[-1] == 0.0 else 1)

    def standard_frame(self, x):
        """b is zero where it is free."""
        x = np.asarray(x, dtype=float).ravel()
        return np.append(self.network.standard_frame(x[:-1]), 0.0 if self.free else x[-1])

    def random_copy(self, x, rng):
        """A random copy of the network, with b reversed or shifted."""
        x = np.asarray(x, dtype=float).ravel()
        b = x[-1] + rng.normal() if self.free else rng.choice([-1.0, 1.0]) * x[-1]
        return np.append(self.network.random_copy(x[:-1], rng), b)

    def describe(self):
        """One line for the head of an output file."""
        return self.network.describe() + ", one shared bias"
