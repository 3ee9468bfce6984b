"""Adapters to other packages: the logic with small stand-ins, the packages themselves where they are installed."""

import copy
import pickle

import numpy as np
import pytest

from common.errors import InputError
from potentials.adapters import AtomsPotential, JaxFunction, TorchFunction
from potentials.lj import LennardJones
from potentials.user_function import user_potential


class Springs:
    """A calculator of harmonic bonds between all atoms, stiffer with the atomic numbers."""

    calls = 0

    def evaluate(self, atoms):
        self.calls += 1
        x, z = atoms.positions, atoms.numbers
        apart = x[:, None] - x[None]
        r = np.linalg.norm(apart, axis=2) + np.eye(len(x))
        k = np.sqrt(np.outer(z, z)) * (1 - np.eye(len(x)))
        forces = -(k * (r - 2.0) / r)[:, :, None] * apart
        return 0.25 * np.sum(k * (r - 2.0) ** 2), forces.sum(axis=1)


class Atoms:
    """What the adapter needs of ase.Atoms."""

    def __init__(self, numbers, positions, calc=None, pbc=False):
        self.numbers, self.positions, self.calc, self.pbc = np.array(numbers), np.array(positions, dtype=float), calc, pbc

    def get_positions(self):
        return self.positions.copy()

    def set_positions(self, positions):
        self.positions[:] = positions

    def get_potential_energy(self):
        return self.calc.evaluate(self)[0]

    def get_forces(self):
        return self.calc.evaluate(self)[1]

    def copy(self):
        return Atoms(self.numbers, self.positions)


@pytest.fixture
def atoms():
    return Atoms([6, 8, 6, 8, 8], 2.0 * np.random.default_rng(0).normal(size=(5, 3)), Springs())


def test_gradient_and_hessian_of_atoms(atoms):
    potential = AtomsPotential(atoms)
    x = potential.random_coordinates(np.random.default_rng(1))
    gradient = potential.gradient(x)
    for k in range(15):
        step = 1e-5 * np.eye(15)[k]
        assert (potential.energy(x + step) - potential.energy(x - step)) / 2e-5 == pytest.approx(gradient[k], abs=1e-7)
    assert potential.n_atoms == 5
    assert not potential.has_hessian
    modes = potential.symmetry.zero_modes(x)
    assert np.abs(modes[:3] @ potential.hessian(x)).max() < 1e-6


def test_like_atoms_are_those_of_one_element(atoms):
    potential = AtomsPotential(atoms)
    rng = np.random.default_rng(1)
    x = potential.random_coordinates(rng)
    energy = potential.energy(x)
    for _ in range(20):
        assert potential.energy(potential.symmetry.random_copy(x, rng)) == pytest.approx(energy, rel=1e-12)
    swapped = x.reshape(5, 3)[[1, 0, 2, 3, 4]].ravel()
    assert abs(potential.energy(swapped) - energy) > 1e-6
    assert not potential.symmetry.same(swapped, x, 1e-3)


def test_length_unit_follows_the_positions(atoms):
    near, far = AtomsPotential(atoms), AtomsPotential(Atoms(atoms.numbers, 3.0 * atoms.positions, Springs()))
    assert far.length_unit == pytest.approx(3.0 * near.length_unit)
    assert far.step_scale == pytest.approx(3.0 * near.step_scale)
    assert AtomsPotential(Atoms([6, 6], np.zeros((2, 3)), Springs())).length_unit > 0.5


def test_copies_have_atoms_of_their_own(atoms):
    potential = AtomsPotential(atoms)
    x = potential.random_coordinates(np.random.default_rng(1))
    energy = potential.energy(x)
    for twin in (copy.copy(potential), pickle.loads(pickle.dumps(potential))):
        assert twin.energy(2 * x) != energy
        np.testing.assert_array_equal(atoms.positions.ravel(), x)
        assert twin.fingerprint() == potential.fingerprint()
    energies, _ = potential.energy_gradient_batch(np.array([x] * 6), threads=3)
    np.testing.assert_array_equal(energies, energy)


def test_atoms_that_will_not_do():
    with pytest.raises(ValueError, match="no calculator"):
        AtomsPotential(Atoms([6], np.zeros((1, 3))))
    with pytest.raises(ValueError, match="periodic"):
        AtomsPotential(Atoms([6], np.zeros((1, 3)), Springs(), pbc=[True, False, False]))


def test_factory_may_return_atoms(tmp_path, atoms, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_atoms.py").write_text("made = []\n\n\ndef make():\n    return made[0]\n")
    import own_atoms

    own_atoms.made.append(atoms)
    potential = user_potential("data:1", "own_atoms:make", [], tmp_path)
    assert isinstance(potential, AtomsPotential)
    assert potential.fingerprint()["numbers"] == [6, 8, 6, 8, 8]
    assert atoms.calc.calls == 0
    own_atoms.made[0] = Atoms([6], np.zeros((1, 3)))
    with pytest.raises(InputError, match="data:1: make: the atoms have no calculator"):
        user_potential("data:1", "own_atoms:make", [], tmp_path)


def test_ase_lennard_jones_is_ours():
    ase = pytest.importorskip("ase")
    from ase.calculators.lj import LennardJones as Calculator

    ours = LennardJones(7)
    x = ours.random_coordinates(np.random.default_rng(0))
    atoms = ase.Atoms("Ar7", positions=x.reshape(-1, 3), calculator=Calculator(sigma=1.0, epsilon=1.0, rc=1000.0, smooth=False))
    potential = AtomsPotential(atoms)
    assert potential.energy(x) == pytest.approx(ours.energy(x), rel=1e-12)
    np.testing.assert_allclose(potential.gradient(x), ours.gradient(x), rtol=1e-10, atol=1e-10)


def quartic(x):
    """x^4 with a coupling; in the arithmetic that NumPy, JAX and PyTorch share."""
    return (x**4).sum() - 3.0 * (x[1:] * x[:-1]).sum()


def quartic_by_hand(x):
    gradient = 4 * x**3
    gradient[1:] -= 3 * x[:-1]
    gradient[:-1] -= 3 * x[1:]
    return np.diag(12 * x**2) - 3 * (np.eye(len(x), k=1) + np.eye(len(x), k=-1)), gradient


@pytest.mark.parametrize(("package", "kind"), [("jax", JaxFunction), ("torch", TorchFunction)])
def test_differentiated_functions(package, kind):
    pytest.importorskip(package)
    x = np.array([0.3, -1.0, 2.0, 0.1])
    hessian, gradient = quartic_by_hand(x)
    potential = kind(quartic, 4, step_scale=0.5)
    assert potential.energy(x) == pytest.approx(quartic(x), rel=1e-14)
    np.testing.assert_allclose(potential.gradient(x), gradient, rtol=1e-13)
    np.testing.assert_allclose(potential.hessian(x), hessian, rtol=1e-13)
    assert potential.has_hessian
    assert not kind(quartic, 4, hessian=False).has_hessian
    twin = pickle.loads(pickle.dumps(potential))
    assert twin.energy(x) == potential.energy(x)
    assert twin.step_scale == 0.5
    assert twin.fingerprint() == potential.fingerprint()


@pytest.mark.parametrize(("package", "kind", "extra"), [("jax", JaxFunction, "jax"), ("torch", TorchFunction, "torch")])
def test_missing_package_names_the_extra(package, kind, extra, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"energy-landscapes\[{extra}\]"):
        kind(quartic, 4)


class Doubling(JaxFunction):
    """The common part of the adapters over a package of our own."""

    @staticmethod
    def derive(function):
        def evaluate(x):
            gradient = np.array([(function(x + 1e-6 * e) - function(x - 1e-6 * e)) / 2e-6 for e in np.eye(len(x))])
            gradient.flags.writeable = False
            return function(x), gradient

        return evaluate, lambda x: quartic_by_hand(x)[0]


def test_the_common_part_of_the_adapters():
    potential = Doubling(quartic, 4, start=start, name="quartic")
    x = np.array([0.3, -1.0, 2.0, 0.1])
    assert potential.energy(x) == quartic(x)
    np.testing.assert_allclose(potential.gradient(x), quartic_by_hand(x)[1], atol=1e-7)
    np.testing.assert_array_equal(potential.hessian(x), quartic_by_hand(x)[0])
    assert potential.random_coordinates(np.random.default_rng(0)).shape == (4,)
    twin = pickle.loads(pickle.dumps(potential))
    assert twin.fingerprint() == potential.fingerprint() == {
        "potential": "CallablePotential", "function": "quartic", "n_variables": 4,
    }  # fmt: skip
    assert copy.copy(potential).energy(x) == quartic(x)


def start(rng):
    return rng.standard_normal(4)
