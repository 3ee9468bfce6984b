"""REDOPATH, BHINTERP, NEBRESEED, SEARCH 1: paths made again, chains of minima, bands mended, stationary points of any index."""

import numpy as np
import pytest

from common.formats import coordinates, min_data_info
from optim.connect import as_minimum
from optim.dneb import reseed, run_dneb
from optim.interpolation import InterpolationOptions, interpolate_minima
from optim.jobs import connect
from optim.run import run
from optim.settings import OptimSettings
from optim.stationary import newton_raphson
from potentials.lj import LennardJones


def write_input(directory, text, x):
    lines = "".join(f"LJ {a:.10f} {b:.10f} {c:.10f}\n" for a, b, c in np.reshape(x, (-1, 3)))
    (directory / "odata").write_text(f"{text}\nPOINTS\n{lines}")


@pytest.fixture(scope="module")
def lj13():
    """Two minima of LJ13 a few rearrangements apart, and the connection."""
    potential, settings = LennardJones(13), OptimSettings()
    rng = np.random.default_rng(5)
    ends = []
    while len(ends) < 2:
        end = as_minimum(potential, potential.random_coordinates(rng), settings)
        if all(abs(end.energy - other.energy) > 1e-3 for other in ends):
            ends.append(end)
    return potential, ends, connect(*ends, potential, settings, rng)


def redopoints(potential, result):
    from optim.report import path_sequence

    points = []
    for k, forward in path_sequence(result):
        triple = result.triples[k]
        first, last = (triple.plus, triple.minus) if forward else (triple.minus, triple.plus)
        points += [triple.transition_state.coordinates, last.coordinates]
        points = points if len(points) > 2 else [first.coordinates, *points]
    aligned = [points[0]]
    for x in points[1:]:
        aligned.append(potential.symmetry.align(x, aligned[-1])[0])
    return aligned


@pytest.mark.parametrize("gap", [False, True])
def test_redopath(lj13, tmp_path, capsys, gap):
    potential, ends, result = lj13
    points = redopoints(potential, result)
    more = "NEWCONNECT\n" if gap else ""
    write_input(tmp_path, more + "REDOPATH\nBFGSMIN 1D-6\nDUMPPATH\nPATH 5", ends[0].coordinates)
    if gap:
        # a transition state is missing: the point halfway between its minima stands in its place
        points[1] = 0.5 * (points[0] + points[2])
    (tmp_path / "redopoints").write_text("".join(coordinates.text(x, 15) for x in points))
    assert run(tmp_path) == 0
    out = capsys.readouterr().out
    assert f" redopath> {len(result.path)} transition states" in out
    assert "Connected path found" in out
    if not gap:
        highest = max(result.triples[k].transition_state.energy for k in result.path)
        assert f"{highest:17.7f}" in out
    assert (tmp_path / "EofS").is_file()


def test_redopoints_must_alternate(tmp_path, lj13):
    from common.errors import InputError

    potential, ends, _ = lj13
    write_input(tmp_path, "REDOPATH\nBFGSMIN 1D-6", ends[0].coordinates)
    (tmp_path / "redopoints").write_text(coordinates.text(ends[0].coordinates, 15) * 4)
    with pytest.raises(InputError, match="expected minimum, transition state, minimum"):
        run(tmp_path)
    assert potential.n_variables == 39


def test_bhinterp_finds_a_chain_of_minima(tmp_path, capsys):
    potential, settings = LennardJones(19), OptimSettings()
    rng = np.random.default_rng(2)
    ends = [as_minimum(potential, potential.random_coordinates(rng), settings) for _ in range(2)]
    options = InterpolationOptions(1.5, 1e100, 5, 1e-2, 1.0, 0.2, 0.3, 10.0, 0.5)
    chain, _ = interpolate_minima(potential, *ends, settings, options, np.random.default_rng(1))
    assert len(chain) > 2
    assert len({round(m.energy, 6) for m in chain}) == len(chain)
    write_input(tmp_path, "BFGSMIN 1D-6\nBHINTERP 1.5 0.0 5 1D-2 1.0 0.2 0.3 10.0 0.5\nDUMPDATA", ends[0].coordinates)
    coordinates.write(tmp_path / "finish", ends[1].coordinates)
    run(tmp_path)
    assert "bhinterp> Minimum of energy" in capsys.readouterr().out
    records = min_data_info.read(tmp_path / "min.data.info", 57)
    assert len(records) >= 3
    assert records[0].energy == pytest.approx(ends[0].energy, abs=1e-8)
    assert records[-1].energy == pytest.approx(ends[1].energy, abs=1e-8)


def test_nebreseed_brings_high_images_down(lj13):
    potential, ends, _ = lj13
    x, y = ends[0].coordinates, potential.symmetry.align(ends[1].coordinates, ends[0].coordinates)[0]
    # two atoms change places, so that the straight line would send them through each other
    crossed = y.reshape(-1, 3)[[1, 0, *range(2, 13)]].ravel()
    limit = max(e.energy for e in ends) + 20.0
    settings = OptimSettings(reseed_every=10, reseed_energy=limit)
    band = run_dneb(potential, x, crossed, 9, settings, iterations=300)
    assert band.energies.max() < limit
    assert band.iterations <= 300
    images = np.linspace(0.0, 1.0, 7)[:, None] * np.ones((1, 39))
    points = reseed(potential, images, np.array([False, True, True, False, True]), np.random.default_rng(0))
    assert points[[0, 3]] == pytest.approx(images[[1, 4]])
    assert not np.allclose(points[1], images[2])


def test_search_1_finds_the_nearest_stationary_point_of_any_index(lj13, tmp_path, capsys):
    potential, _, result = lj13
    rng = np.random.default_rng(0)
    ts = result.triples[0].transition_state
    x, energy, rms, _ = newton_raphson(potential, ts.coordinates + 0.01 * rng.standard_normal(39), 0.1, 100)
    assert energy == pytest.approx(ts.energy, abs=1e-9)
    assert rms < 1e-9
    write_input(tmp_path, "SEARCH 1\nBFGSMIN 1D-6\nSTEPS 100", ts.coordinates + 0.01 * rng.standard_normal(39))
    assert run(tmp_path) == 0
    assert "negative eigenvalues=     1: converged" in capsys.readouterr().out
    assert np.linalg.norm(x) > 0.0


def test_a_refused_transition_state_is_not_followed_again(lj13):
    potential, ends, _ = lj13
    settings = OptimSettings(cycles=4, max_larger_barrier=1e-6)
    result = connect(*ends, potential, settings, np.random.default_rng(0))
    assert not result.triples
    assert result.failures["barrier above MAXMAXBARRIER"] > 0
    followed = sum(n for reason, n in result.failures.items() if reason.startswith("barrier"))
    assert followed < 60
