"""The walker itself: acceptance, moves, saved list, the memory of quenches."""

import numpy as np
import pytest

from common.errors import ConvergenceError
from gmin._basin_hopping import RECORD, Walker
from gmin._memory import SavedList, Seen
from gmin.newrestart import rotation_distances
from gmin.search import memory_of_quenches
from gmin.settings import QuenchSettings, WalkerSettings
from potentials.callable import CallablePotential
from potentials.characterise import characterise_minimum
from potentials.lj import LennardJones
from potentials.symmetry import RigidCluster


def make_walker(potential, seed=1, n_atoms=0, pair_energies=False, **changes):
    n = potential.n_variables
    settings = WalkerSettings(**{"quench": QuenchSettings(rms=1e-6, max_iterations=500), **changes})
    return Walker(potential, np.random.PCG64(seed), settings, SavedList(10, n, 1e-6), None, n_atoms, pair_energies)


def take(walker, n):
    records = np.zeros(n, dtype=RECORD)
    done, _ = walker.run(records)
    assert done == n
    return records


def double_well(x):
    """Minima at +1 and -1 (about), 0.2 apart in energy."""
    q = x[0]
    return (q * q - 1.0) ** 2 + 0.1 * q, np.array([4.0 * q * (q * q - 1.0) + 0.1])


def test_metropolis_occupation_of_two_wells():
    # every step lands in either well with the same probability, so the occupations are those of Boltzmann
    walker = make_walker(CallablePotential(double_well, 1), step=60.0, temperature=0.2, adjust_step=False)
    y, e, *_ = walker.quench_point(np.array([1.0]))
    walker.set_state(y, e)
    records = take(walker, 6000)
    upper, lower = e, walker.best_energy
    assert upper - lower == pytest.approx(0.2, abs=0.01)
    in_upper, in_lower = (np.count_nonzero(np.abs(records["markov"] - level) < 1e-4) for level in (upper, lower))
    assert in_upper / in_lower == pytest.approx(np.exp(-(upper - lower) / 0.2), abs=0.05)


def test_records_follow_the_rules():
    walker = make_walker(LennardJones(13), n_atoms=13, pair_energies=True, step=0.4, astep=0.4, temperature=0.8)
    y, e, *_ = walker.quench_point(np.random.default_rng(2).uniform(-1.5, 1.5, 39))
    walker.set_state(y, e)
    r = take(walker, 400)
    after = np.append(r["markov"][1:], walker.markov_energy)
    accepted = r["accepted"].astype(bool)
    np.testing.assert_array_equal(after[accepted], r["energy"][accepted])
    np.testing.assert_array_equal(after[~accepted], r["markov"][~accepted])
    assert accepted[r["energy"] <= r["markov"]].all()
    blocks = accepted.reshape(-1, 50).mean(axis=1)
    np.testing.assert_allclose(r["ratio"][49::50], blocks)
    factors = r["step"][49::50] / np.append(0.4, r["step"][49::50][:-1])
    np.testing.assert_allclose(factors, np.where(blocks > 0.5, 1.05, 1 / 1.05))
    assert (r["rms"] < 1e-6).all()


def test_temperature_is_adjusted_where_the_step_is_fixed():
    walker = make_walker(
        LennardJones(7), n_atoms=7, step=0.3, astep=0.0, temperature=0.5, adjust_step=False, adjust_temperature=True
    )
    y, e, *_ = walker.quench_point(np.random.default_rng(2).uniform(-1.0, 1.0, 21))
    walker.set_state(y, e)
    r = take(walker, 100)
    assert (r["step"] == 0.3).all()
    assert r["temperature"][49] != 0.5


def test_angular_move_takes_the_weakest_atom_only():
    potential = LennardJones(13)
    walker = make_walker(
        potential, n_atoms=13, pair_energies=True, step=0.0, astep=0.99, temperature=1.0, adjust_step=False,
        quench=QuenchSettings(rms=1e9, max_iterations=1), reset=False,
    )  # fmt: skip
    x = np.random.default_rng(4).uniform(-1.5, 1.5, 39)
    x, *_ = make_walker(potential, n_atoms=13).quench_point(x)
    walker.set_state(x, potential.energy(x))
    take(walker, 1)
    moved = np.abs(walker.last_quench - x).reshape(-1, 3).max(axis=1) > 1e-12
    from gmin.pair_energies import lennard_jones_atom_energies

    assert np.flatnonzero(moved).tolist() == [int(np.argmax(lennard_jones_atom_energies(x)))]


def test_frozen_variables_stay_and_atoms_stay_inside():
    potential = LennardJones(7)
    settings = {"quench": QuenchSettings(rms=1e300, max_iterations=1), "step": 2.0, "astep": 0.0}
    walker = make_walker(potential, n_atoms=7, frozen=(0, 1, 2), radius=1.5, **settings)
    x = np.random.default_rng(4).uniform(-0.8, 0.8, 21)
    walker.set_state(x, 0.0)
    for _ in range(20):
        take(walker, 1)
        y = walker.last_quench.reshape(-1, 3)
        np.testing.assert_array_equal(y[0], x[:3])
        assert np.linalg.norm(y, axis=1).max() <= 1.5 + 1e-12


def test_quench_leaves_frozen_atoms_alone():
    walker = make_walker(LennardJones(7), n_atoms=7, frozen=(3, 4, 5))
    x = np.random.default_rng(4).uniform(-0.9, 0.9, 21)
    y, _, rms, *_ = walker.quench_point(x)
    assert rms < 1e-6
    np.testing.assert_array_equal(y[3:6], x[3:6])
    assert np.abs(y - x).max() > 0.1


def test_saved_list_keeps_the_lowest():
    rng = np.random.default_rng(1)
    energies = rng.uniform(-10, 0, 500).round(2)
    saved = SavedList(7, 2, 0.005)
    for k, e in enumerate(energies):
        saved.add(e, [e, k], k, 10 * k)
    distinct, first = np.unique(energies, return_index=True)
    found = saved.entries()
    assert [e for e, *_ in found] == distinct[:7].tolist()
    assert [q for _, _, q, _ in found] == first[:7].tolist()
    assert all(x[0] == e for e, x, *_ in found)


def test_saved_list_takes_the_better_copy_but_remembers_the_first_meeting():
    saved = SavedList(3, 1, 0.01)
    saved.add(-1.0, [0.0], 5, 50)
    saved.add(-1.002, [1.0], 9, 90)
    ((energy, x, quench, calls),) = saved.entries()
    assert (energy, x[0], quench, calls) == (-1.002, 1.0, 5, 50)


def lj13_quenches(n, temperature=5.0, rms=1e-3):
    """Walker, sloppy quenches of LJ13 and their energies."""
    walker = make_walker(
        LennardJones(13), n_atoms=13, pair_energies=True, step=0.4, astep=0.4, temperature=temperature,
        quench=QuenchSettings(rms=rms, max_iterations=1000),
    )  # fmt: skip
    y, e, *_ = walker.quench_point(np.random.default_rng(1).uniform(-1.5, 1.5, 39))
    walker.set_state(y, e)
    points, energies = [], []
    for _ in range(n):
        energies.append(float(take(walker, 1)["energy"][0]))
        points.append(walker.last_quench)
    return np.array(points), np.array(energies)


def test_seen_drops_no_distinct_minimum_and_most_repetitions():
    points, energies = lj13_quenches(600)
    potential = LennardJones(13)
    seen = memory_of_quenches(QuenchSettings(rms=1e-3), 39)
    kept = [x for x, e in zip(points, energies) if seen.meet(e, x, 13)]

    def distinct(quenches):
        found = []
        for x in quenches:
            try:
                m = characterise_minimum(potential, x)
            except ConvergenceError:
                continue
            if not any(
                abs(m.energy - other.energy) < 1e-6 and potential.symmetry.same(m.coordinates, other.coordinates, 0.1)
                for other in found
            ):
                found.append(m)
        return found

    every = distinct(points)
    assert len(every) > 60
    assert len(distinct(kept)) == len(every)
    assert len(kept) < 1.3 * len(every)


def test_seen_does_not_mind_symmetry_and_minds_shape():
    rng = np.random.default_rng(2)
    x = rng.normal(size=39)
    seen = Seen(1e-5, 1e-6)
    assert seen.meet(-1.0, x, 13)
    copy = RigidCluster(13).random_copy(x, rng)
    assert not seen.meet(-1.0 + 5e-6, copy, 13)
    assert seen.meet(-1.0 + 3e-5, copy, 13)
    assert seen.meet(-1.0, 1.001 * x, 13)
    # of variables that are no atoms: any order, any signs
    w = rng.normal(size=20)
    assert seen.meet(5.0, w)
    assert not seen.meet(5.0, -rng.permutation(w))
    assert seen.meet(5.0, np.append(w[:-1], w[-1] + 0.01))


def test_seen_has_a_fixed_size_and_forgets_the_oldest():
    seen = Seen(1e-6, 1e-6, n_sets=4)
    rng = np.random.default_rng(3)
    points = rng.normal(size=(1000, 6))
    for k, x in enumerate(points):
        assert seen.meet(float(k), x)
    assert len(seen) == 32
    assert not seen.meet(999.0, points[-1])
    assert seen.meet(0.0, points[0])


def test_rotation_distances_find_the_rotated_copy():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(10, 3))
    q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.linalg.det(q))
    mirror = x * [1, 1, -1]
    references = np.array([(x @ q + 3.0).ravel(), mirror.ravel(), (x + 0.01 * rng.normal(size=x.shape)).ravel()])
    d = rotation_distances(x.ravel(), references)
    assert d[0] < 1e-6
    assert d[1] > 1.0
    assert 0.01 < d[2] < 0.1
