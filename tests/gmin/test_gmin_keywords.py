"""Keywords that no other test of gmin names: each does what its table says."""

import re

import numpy as np
import pytest
from gmin_inputs import LJ13

from common.formats import coordinates
from gmin.job import read_job

QU = re.compile(r"^Qu +(\d+) E= *(-?[\d.E+]+)")


def steps_and_temperatures(lines):
    """(STEP, T) of every adjustment in the order of the run."""
    found = [re.search(r"STEP= *([\d.]+) .*Temperature is now: *([\d.]+)", line) for line in lines]
    return [(float(m[1]), float(m[2])) for m in found if m]


def acceptances(lines):
    """Acceptance ratio and number of steps of every adjustment."""
    found = [re.search(r"Acceptance ratio for previous +(\d+) steps= *([\d.]+)", line) for line in lines]
    return [(int(m[1]), float(m[2])) for m in found if m]


def test_changeaccept_and_acceptratio_adjust_the_step(lj13, lines_of):
    lines = lines_of(lj13("CHANGEACCEPT 20\nACCEPTRATIO 0.9\nNODATABASE\n"))
    ratios, adjusted = acceptances(lines), steps_and_temperatures(lines)
    assert [n for n, _ in ratios] == [20] * 10
    step = 0.40
    for (_, ratio), (now, temperature) in zip(ratios, adjusted, strict=True):
        step = step * 1.05 if ratio > 0.9 else step / 1.05
        assert now == pytest.approx(step, abs=2e-4)
        assert temperature == 0.8


def test_fixstep_adjusts_the_temperature_instead(lj13, lines_of):
    lines = lines_of(lj13("FIXSTEP\nACCEPTRATIO 1.0\nNODATABASE\n"))
    adjusted = steps_and_temperatures(lines)
    assert {step for step, _ in adjusted} == {0.4}
    temperatures = [t for _, t in adjusted]
    assert temperatures[-1] > 0.8
    assert temperatures == sorted(temperatures)


def test_fixtemp_with_fixstep_adjusts_nothing(lj13, lines_of):
    lines = lines_of(lj13("FIXSTEP\nFIXTEMP\nACCEPTRATIO 1.0\nNODATABASE\n"))
    assert set(steps_and_temperatures(lines)) <= {(0.4, 0.8)}


def test_noreset_goes_on_from_the_perturbed_geometry(lj13, lines_of):
    reset = [line for line in lines_of(lj13("NODATABASE\n")) if QU.match(line)]
    free = [line for line in lines_of(lj13("NORESET\nNODATABASE\n")) if QU.match(line)]
    assert QU.match(reset[0])[2] == QU.match(free[0])[2]
    assert [QU.match(line)[2] for line in reset[1:]] != [QU.match(line)[2] for line in free[1:]]


def test_resize_multiplies_the_coordinates(lj13):
    plain, doubled = read_job(lj13()), read_job(lj13("RESIZE 2.0\n"))
    np.testing.assert_allclose(doubled.starts[0], 2.0 * plain.starts[0], rtol=1e-12)


def test_setcentre_moves_the_centroid(lj13, lines_of):
    directory = lj13("SETCENTRE 1.0 -2.0 0.5\nNODATABASE\n", data=LJ13.replace("CENTRE\n", ""))
    lines_of(directory)
    block = (directory / "lowest").read_text().splitlines()[2:15]
    x = np.array([line.split()[1:] for line in block], dtype=float)
    np.testing.assert_allclose(x.mean(axis=0), [1.0, -2.0, 0.5], atol=1e-6)


def test_coldfusion_gives_up_a_collapsed_quench(lj13, lines_of):
    """With the limit above the minima every quench that falls below it is given up and never accepted."""
    lines = lines_of(lj13("COLDFUSION -30.0\nNODATABASE\n", data=LJ13.replace("STEPS 200", "STEPS 20")))
    energies = [float(QU.match(line)[2]) for line in lines if QU.match(line)]
    lowest = [float(line.split("Energy=")[1]) for line in lines if line.startswith("Lowest Minimum")]
    assert energies
    assert not any(e < -30.0 for e in lowest)


def test_dumpint_is_the_interval_of_the_restart_file(lj13, monkeypatch):
    import os

    from gmin.run import run

    replaced = []
    replace = os.replace

    def counted(source, target, **options):
        replaced.append(os.path.basename(target))
        return replace(source, target, **options)

    monkeypatch.setattr(os, "replace", counted)
    counts = {}
    for interval in (40, 1000):
        replaced.clear()
        assert run(lj13(f"DUMPINT {interval}\nNODATABASE\n")) == 0
        counts[interval] = replaced.count("GMIN.dump")
    assert counts[1000] >= 1
    assert counts[40] >= counts[1000] + 3


def test_prtfrq_prints_every_nth_quench(lj13, lines_of):
    numbers = [int(QU.match(line)[1]) for line in lines_of(lj13("PRTFRQ 25\nNODATABASE\n")) if QU.match(line)]
    assert [n for n in numbers if n > 0] == list(range(25, 201, 25))


def test_coords_of_another_size_are_read_for_every_walker(lj13):
    directory = lj13("PARALLEL 2\n", n_atoms=26)
    job = read_job(directory)
    assert len(job.starts) == 2
    assert all(start.size == 39 for start in job.starts)
    assert coordinates.read(directory / "coords").coordinates.size == 78
