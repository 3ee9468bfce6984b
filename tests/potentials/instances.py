"""One list of all potentials, each with a point at which its properties are tested."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from potentials.callable import CallablePotential
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller
from potentials.mlp import MultilayerPerceptron
from potentials.pspin import SphericalPSpin
from potentials.regression import NonlinearRegression
from potentials.shared_bias import SharedBiasPerceptron


@dataclass(frozen=True)
class Instance:
    """How to build a potential and where to look at it."""

    build: callable
    scale: float = 1.0
    #: Lives on a curved space: the Hessian is the covariant one, defined between tangent vectors.
    curved: bool = False

    def point(self, potential, seed=0):
        """A point where all derivatives are of ordinary size."""
        rng = np.random.default_rng(seed)
        if hasattr(potential, "n_atoms"):
            n = potential.n_atoms
            side = int(np.ceil(n ** (1 / 3)))
            lattice = np.array(np.unravel_index(np.arange(n), (side,) * 3)).T - 0.5 * (side - 1)
            return (1.15 * lattice + rng.uniform(-0.06, 0.06, (n, 3))).ravel()
        if self.curved:
            return potential.random_coordinates(rng)
        return rng.uniform(-self.scale, self.scale, potential.n_variables)


def network(layers, n_items, lam=1e-3, seed=5, **options):
    """A network on random data."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(1.0, 1.0, (n_items, layers[0]))
    return MultilayerPerceptron(layers, inputs, rng.integers(0, layers[-1], n_items), lam, **options)


def taught():
    """A network that learns probabilities."""
    return network((3, 5, 4), 29, targets=np.random.default_rng(8).dirichlet(np.ones(4), 29))


def regression():
    """The data of Ballard et al. without noise."""
    x = np.linspace(0.0, 3.0 * np.pi, 40)
    return NonlinearRegression(x, np.exp(-0.1 * x) * np.sin(2.13 * x) * np.sin(1.34 * x))


def shared_bias(**options):
    """A small network of MLPB3."""
    rng = np.random.default_rng(2)
    return SharedBiasPerceptron((3, 4, 3), rng.normal(size=(21, 3)), rng.integers(0, 3, 21), 1e-2, **options)


def chain(x):
    """(energy, gradient) of particles in double wells with springs."""
    apart = np.diff(x)
    gradient = 4 * x**3 - 2 * x
    gradient[1:] += apart
    gradient[:-1] -= apart
    return np.sum(x**4 - x**2) + 0.5 * np.sum(apart**2), gradient


def chain_hessian(x):
    """Its Hessian."""
    springs = np.diff(np.eye(x.size), axis=0)
    return np.diag(12 * x**2 - 2) + springs.T @ springs


INSTANCES = {
    "LJ2": Instance(partial(LennardJones, 2)),
    "LJ7": Instance(partial(LennardJones, 7)),
    "LJ38": Instance(partial(LennardJones, 38)),
    "LJ13 in a container": Instance(partial(LennardJones, 13, radius=1.7)),
    "LJAT3": Instance(partial(LennardJonesAxilrodTeller, 3, 2.0)),
    "LJAT13": Instance(partial(LennardJonesAxilrodTeller, 13, 0.7)),
    "LJAT9 in a container": Instance(partial(LennardJonesAxilrodTeller, 9, -0.4, radius=1.3)),
    "MLP 2-10-4": Instance(partial(network, (2, 10, 4), 133)),
    "MLP 3-3-4, biases free": Instance(partial(network, (3, 3, 4), 25, regularise_biases=False)),
    "MLP 2-6-2": Instance(partial(network, (2, 6, 2), 4, lam=1e-6)),
    "MLP 2-5-5-4": Instance(partial(network, (2, 5, 5, 4), 70)),
    "MLP 2-4-3-5-4": Instance(partial(network, (2, 4, 3, 5, 4), 9)),
    "MLP 2-10-4, 2 neighbours": Instance(partial(network, (2, 10, 4), 50, neighbours=2)),
    "MLP 2-4-5-3, 2 neighbours, biases free": Instance(
        partial(network, (2, 4, 5, 3), 31, neighbours=2, regularise_biases=False)
    ),
    "MLP 2-7-3 without biases": Instance(partial(network, (2, 7, 3), 31, has_biases=False)),
    "MLP 3-5-4 that learns probabilities": Instance(taught),
    "MLP 2-4-3, nothing regularised": Instance(partial(network, (2, 4, 3), 40, lam=0.0)),
    "MLP 2-4-5-3, 2 neighbours, nothing regularised": Instance(partial(network, (2, 4, 5, 3), 31, lam=0.0, neighbours=2)),
    "MLP 2-7-3 without biases, nothing regularised": Instance(partial(network, (2, 7, 3), 31, lam=0.0, has_biases=False)),
    "MLP 70-3-3": Instance(partial(network, (70, 3, 3), 40), scale=0.2),
    "XOR 3": Instance(partial(MultilayerPerceptron, (2, 3, 2), *xor_data(), 1e-2)),
    "MLPB3": Instance(shared_bias),
    "MLPB3, bias free": Instance(partial(shared_bias, regularise_biases=False)),
    "regression": Instance(regression),
    "p-spin 3": Instance(partial(SphericalPSpin.from_seed, 9, 3, 1), curved=True),
    "p-spin 4": Instance(partial(SphericalPSpin.from_seed, 7, 4, 2), curved=True),
    "p-spin 5": Instance(partial(SphericalPSpin.from_seed, 5, 5, 3), curved=True),
    "a Python function": Instance(partial(CallablePotential, chain, 5, hessian=chain_hessian)),
}
