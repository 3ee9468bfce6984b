"""Basin volumes against surfaces whose basins are known, and against counting random points."""

import math

import numpy as np
import pytest

from common.database import Database
from common.errors import InputError
from pathsample.basins import Ball, Basin, Box, basin_volume, entropies
from pathsample.basins.free_energy import frenkel_ladd, mbar
from pathsample.run import run
from potentials.callable import CallablePotential
from potentials.characterise import characterise_minimum
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron

#: Place of the barrier between the wells at -1 and 1.
BARRIER = 0.4


def wells(n):
    """A sum of double wells: the basins are boxes; in [-2, 2]^n their volumes are products of 2.4 and 1.6."""

    def function(x):
        e = x**4 / 4 - BARRIER * x**3 / 3 - x**2 / 2 + BARRIER * x
        return float(e.sum()), (x + 1) * (x - BARRIER) * (x - 1)

    def hessian(x):
        return np.diag(3 * x**2 - 2 * BARRIER * x - 1)

    return CallablePotential(function, n, hessian=hessian, name="wells", step_scale=0.5)


def harmonic(n, seed=0):
    """Springs and samples of a Gaussian in n dimensions: f(k) - f(0) = n/2 ln(k + 1), with a spring of 1 for walls."""
    rng = np.random.default_rng(seed)
    springs = np.concatenate([[0.0], np.geomspace(0.1, 200.0, 16)])
    y = rng.normal(size=(len(springs), 4000, n)) / np.sqrt(1.0 + springs)[:, None, None]
    return springs, 0.5 * (y**2).sum(axis=2)


@pytest.mark.parametrize("n", [2, 8])
def test_free_energies_of_a_gaussian(n):
    springs, halves = harmonic(n)
    exact = 0.5 * n * math.log(201.0)
    f = mbar(springs, halves)
    assert f[0] == 0.0
    assert f == pytest.approx(0.5 * n * np.log1p(springs), abs=0.1)
    assert -frenkel_ladd(springs, halves.mean(axis=1)) == pytest.approx(exact, abs=0.1)


def test_same_as_pymbar():
    pymbar = pytest.importorskip("pymbar")
    springs, halves = harmonic(3, 1)
    halves = halves[:, :300]
    peer = pymbar.MBAR(springs[:, None] * halves.ravel()[None], np.full(len(springs), 300))
    expected = peer.compute_free_energy_differences()["Delta_f"][0]
    assert mbar(springs, halves) == pytest.approx(expected, abs=1e-6)


def test_regions():
    assert Box(-2.0, 2.0).log_volume(3) == pytest.approx(3 * math.log(4))
    assert Ball(np.zeros(3), 2.0).log_volume(3) == pytest.approx(math.log(4 / 3 * math.pi * 8))
    assert Ball(np.zeros(2), 1.0).contains(np.array([0.6, 0.7]))
    assert not Box(-1.0, [1.0, 0.5]).contains(np.array([0.6, 0.7]))
    with pytest.raises(ValueError, match="lbfgs or steepest"):
        Basin(wells(1), [1.0], Box(-2, 2), "newton")
    with pytest.raises(ValueError, match="two sets"):
        basin_volume(Basin(wells(1), [1.0], Box(-2, 2)), 3.0, np.random.default_rng(0), 10, 1)


@pytest.mark.validation
@pytest.mark.parametrize(
    ("n", "n_samples", "descent"), [(1, 60, "lbfgs"), pytest.param(4, 400, "steepest", marks=pytest.mark.slow)]
)
def test_volume_of_a_box_between_barriers(n, n_samples, descent):
    x = -np.ones(n)
    x[0] = 1.0
    volume = basin_volume(Basin(wells(n), x, Box(-2, 2), descent), 3 * math.sqrt(n), np.random.default_rng(1), n_samples, 4)
    exact = math.log(1.6) + (n - 1) * math.log(2.4)
    assert volume.log_volume == pytest.approx(exact, abs=max(4 * volume.error, 0.1))
    assert volume.log_volume_integrated == pytest.approx(exact, abs=max(4 * volume.error_integrated, 0.1))
    assert volume.error < 0.2


def test_entropies_of_known_basins():
    # 2^n boxes of volumes 2.4^k 1.6^(n-k); points fall into them in proportion
    n, rng = 5, np.random.default_rng(2)
    right = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    logs = np.log(np.where(right, 1.6, 2.4)).sum(axis=1)
    p = np.exp(logs - n * math.log(4.0))
    counts = rng.multinomial(20_000, p)
    found = entropies(logs, np.zeros(2**n), counts, n * math.log(4.0), rng)
    assert found.omega == pytest.approx(32, abs=4 * found.omega_error)
    assert found.omega_error < 0.5
    assert found.boltzmann == pytest.approx(n * math.log(2), abs=4 * found.boltzmann_error)
    assert found.gibbs == pytest.approx(-float(p @ np.log(p)), abs=4 * found.gibbs_error)
    alike = entropies(logs, np.zeros(2**n), counts, n * math.log(4.0), rng, n_alike=3)
    assert found.gibbs - alike.gibbs == pytest.approx(math.log(6))


def triangle():
    potential = LennardJones(3)
    side = 2 ** (1 / 6)
    x = np.array([0, 0, 0, side, 0, 0, side / 2, side * math.sqrt(3) / 2, 0])
    return potential, characterise_minimum(potential, x)


def test_slice_of_a_cluster_leaves_rotations_out():
    potential, minimum = triangle()
    basin = Basin(potential, minimum.coordinates, Ball(minimum.coordinates, 0.5))
    assert basin.n_dimensions == 3
    rotated = minimum.coordinates.reshape(3, 3) @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]) + 0.3
    assert basin.is_minimum(rotated.ravel())
    # turned over is a rotation as well; with two atoms exchanged and not turned it is another labelling of the plane, but
    # the triangle is flat, so that turning it over undoes the exchange
    assert basin.is_minimum(rotated[[1, 0, 2]].ravel())
    assert not basin.is_minimum(None)
    assert basin.contains(np.zeros(3))


def test_keyword_for_lennard_jones(tmp_path, capsys):
    """The triangle is the only minimum of three atoms: its basin fills a ball that stays away from dissociation."""
    potential, minimum = triangle()
    arguments = {"symmetry": potential.symmetry, "fingerprint": potential.fingerprint(), "n_variables": 9}
    with Database(tmp_path / "landscape.db", **arguments) as database:
        database.add_minimum(minimum)
    (tmp_path / "pathdata").write_text("SYSTEM LJ\nNATOMS 3\nBASINVOLUME 1 0.25 80 3\n")
    assert run(tmp_path) == 0
    out = capsys.readouterr().out
    share = float(out.split("share of the ball")[1].split()[0])
    assert share == pytest.approx(1.0, abs=0.15)
    with Database(tmp_path / "landscape.db", read_only=True) as database:
        assert database.property("log_volume")[0] == pytest.approx(math.log(4 / 3 * math.pi * 0.25**3), abs=0.15)
    (tmp_path / "pathdata").write_text("SYSTEM LJ\nNATOMS 3\nBASINS 2.0\n")
    with pytest.raises(InputError, match="6 zero modes"):
        run(tmp_path)
    (tmp_path / "pathdata").write_text("SYSTEM LJ\nNATOMS 3\nBASINVOLUME 4 0.25\n")
    with pytest.raises(InputError, match="no minimum 4"):
        run(tmp_path)


@pytest.mark.slow
def test_keyword_for_a_network(tmp_path, capsys):
    """One hidden node, exclusive or: the volumes are the shares of random points, and together fill the box."""
    potential = MultilayerPerceptron((2, 1, 2), *xor_data(), 1e-2)
    arguments = {"symmetry": potential.symmetry, "fingerprint": potential.fingerprint(), "n_variables": 7}
    with Database(tmp_path / "landscape.db", **arguments) as database:
        database.add_minimum(characterise_minimum(potential, np.zeros(7)))
    (tmp_path / "odata.connect").write_text("XOR 1 1D-2\nVARIABLES\n")
    (tmp_path / "pathdata").write_text("SEED 2\nBASINS 3.0 400 150 4\n")
    assert run(tmp_path) == 0
    out = capsys.readouterr().out
    filled = float(out.split("volumes fill")[1].split()[0])
    assert filled == pytest.approx(1.0, abs=0.25)
    table = np.loadtxt(tmp_path / "basins", ndmin=2)
    assert table[:, 1].sum() == 400
    # shares of points and of volume agree within errors of both
    errors = np.sqrt(table[:, 2] * (1 - table[:, 2]) / 400 + table[:, 4] ** 2)
    assert (np.abs(table[:, 2] - table[:, 3]) < 5 * errors + 0.01).all()
