"""gmin as its user sees it: results, determinism, restart, bad input."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from gmin_inputs import EXAMPLES, LJ13, ROOT

from common import stop
from common.database import Database
from common.errors import InputError, StoppedError
from common.formats import lowest
from gmin.job import container_radius, read_job
from gmin.run import run
from potentials.characterise import hessian_spectrum
from potentials.lj import LennardJones

LJ13_GLOBAL_MINIMUM = -44.326801


def trajectory(lines):
    """The Qu lines without their times."""
    return [line[: line.index(" t=")] for line in lines if line.startswith("Qu ")]


def test_finds_the_icosahedron(lj13, lines_of):
    directory = lj13()
    lines_of(directory)
    found = lowest.read(directory / "lowest")
    assert found[0].energy == pytest.approx(LJ13_GLOBAL_MINIMUM, abs=1e-6)
    assert [m.energy for m in found] == sorted(m.energy for m in found)
    assert len(found) == 5


def test_saved_minima_are_tight_and_sorted_by_binding(lj13, lines_of):
    directory = lj13()
    lines_of(directory)
    potential = LennardJones(13)
    from gmin.pair_energies import lennard_jones_atom_energies

    for m in lowest.read(directory / "lowest"):
        # ten decimals in the file, curvatures up to some hundreds
        assert np.sqrt(np.mean(potential.gradient(m.coordinates) ** 2)) < 1e-6
        e = lennard_jones_atom_energies(m.coordinates)
        assert (np.diff(e) < 1e-6).all()
        assert e.sum() / 2 == pytest.approx(m.energy, abs=1e-7)


def test_same_seed_same_run_other_seed_other_run(lj13, lines_of):
    first, again = lines_of(lj13()), lines_of(lj13())
    assert trajectory(first) == trajectory(again)
    other = lines_of(lj13(data=LJ13.replace("RANSEED 7", "RANSEED 8")))
    assert trajectory(first) != trajectory(other)


def test_block_size_and_database_do_not_change_the_run(lj13, lines_of, monkeypatch):
    first = lines_of(lj13())
    monkeypatch.setattr("gmin.search.MAX_BLOCK", 1)
    assert trajectory(lines_of(lj13("NODATABASE\n"))) == trajectory(first)


def test_database_holds_verified_distinct_minima(lj13, lines_of):
    directory = lj13()
    lines_of(directory)
    potential = LennardJones(13)
    with Database(directory / "landscape.db", symmetry=potential.symmetry, fingerprint=potential.fingerprint()) as database:
        minima = database.minima()
        assert len(minima) > 20
        assert database.check() == []
    for m in minima:
        assert np.sqrt(np.mean(potential.gradient(m.coordinates) ** 2)) < 1e-9
        spectrum = hessian_spectrum(potential, m.coordinates)
        assert spectrum.index == 0
        assert spectrum.values[0] > 1e-3
        assert spectrum.log_product == pytest.approx(m.log_product, abs=1e-8)
    for a in range(len(minima)):
        for b in range(a):
            if abs(minima[a].energy - minima[b].energy) < 1e-6:
                assert not potential.symmetry.same(minima[a].coordinates, minima[b].coordinates, 0.1)
    best = min(minima, key=lambda m: m.energy)
    assert (best.order, best.point_group) == (120, "Ih")


def test_second_run_adds_to_the_database(lj13, lines_of):
    directory = lj13()
    lines = lines_of(directory)
    assert any(re.match(r"database> [1-9]\d* minima added", line) for line in lines)
    lines = lines_of(directory)
    assert any(re.match(r"database> 0 minima added", line) for line in lines)


def test_no_database(lj13, lines_of):
    directory = lj13("NODATABASE\n")
    lines_of(directory)
    assert not (directory / "landscape.db").exists()


def test_target_ends_the_run(lj13, lines_of):
    directory = lj13("TARGET -44.3268\n")
    lines = lines_of(directory)
    hit = next(line for line in lines if "hit" in line)
    match = re.fullmatch(r"saveit> Target hit after (.{15}) quenches (.{15}) function calls\.", hit)
    assert match
    last = [line for line in lines if line.startswith("Qu ")][-1]
    assert int(match[1]) == int(last[3:13]) < 200


def test_all_of_mlowest(lj13, lines_of):
    lines = lines_of(lj13("MLOWEST -44.326801 -41.471980\n", data=LJ13.replace("STEPS 200", "STEPS 5000")))
    energies = [float(line[16:36]) for line in lines if line.startswith("Qu ")]
    for goal in (-44.326801, -41.471980):
        assert min(abs(e - goal) for e in energies) < 0.001
    assert len(energies) < 5000


@pytest.mark.parametrize("extra", ["", "NEWRESTART 10\nAVOID 1.0 5 F\nTRACKDATA\n", "NEWRESTART 10\nAVOID 1.0 5 T\nPERMDIST\n"])
def test_restart_equals_uninterrupted_run(lj13, lines_of, extra):
    whole = lj13(extra)
    expected = trajectory(lines_of(whole))
    parts = lj13(extra, data=LJ13.replace("STEPS 200", "STEPS 90"))
    first = trajectory(lines_of(parts))
    (parts / "data").write_text(LJ13 + extra + "RESTORE GMIN.dump\n")
    # output goes on after the lines of the first part; those of steps after the dump give way
    with (parts / "output").open("a") as file:
        file.write("Qu         91 E=    -40.0000000     steps=  100 RMS= 0.50000E-03 Markov E=    -40.0")
    second = trajectory(lines_of(parts))
    assert second[: len(first)] == first
    assert second == expected
    assert (parts / "lowest").read_bytes() == (whole / "lowest").read_bytes()
    if "TRACKDATA" in extra:
        for name in ("energy", "markov", "best"):
            assert (parts / name).read_bytes() == (whole / name).read_bytes()


def test_classic_dump_is_read(lj13, lines_of):
    directory = lj13("NEWRESTART 10\nAVOID 1.0 5 F\n", data=LJ13.replace("STEPS 200", "STEPS 90"))
    lines_of(directory)
    path = directory / "GMIN.dump"
    classic = path.read_text().splitlines()[:-2]
    path.write_text("\n".join(classic) + "\n")
    (directory / "data").write_text(LJ13 + "NEWRESTART 10\nAVOID 1.0 5 F\nRESTORE GMIN.dump\n")
    quenches = [int(line[3:13]) for line in trajectory(lines_of(directory))]
    # the lines up to the dump are those of the first part
    assert quenches == list(range(201))
    path.write_text("\n".join(classic[:40]) + "\n")
    with pytest.raises(InputError, match="truncated"):
        run(directory)


def test_stop_at_a_safe_point_and_continue(lj13, lines_of, monkeypatch):
    expected = trajectory(lines_of(lj13()))
    directory = lj13()
    monkeypatch.setattr("gmin.search.MAX_BLOCK", 16)
    from gmin.search import WalkerRun

    original = WalkerRun._run_block

    def interrupted(self, records):
        original(self, records)
        if self.walker.quench > 50:
            stop.request("test")

    monkeypatch.setattr(WalkerRun, "_run_block", interrupted)
    with pytest.raises(StoppedError):
        run(directory)
    stop.reset()
    monkeypatch.setattr(WalkerRun, "_run_block", original)
    (directory / "data").write_text(LJ13 + "RESTORE GMIN.dump\n")
    assert trajectory(lines_of(directory)) == expected


def test_sigterm_gives_status_3(lj13):
    directory = lj13(data=LJ13.replace("STEPS 200", "STEPS 100000000"))
    process = subprocess.Popen([sys.executable, "-m", "gmin.cli", "-C", str(directory)], cwd=ROOT, stderr=subprocess.PIPE)
    for _ in range(200):
        time.sleep(0.05)
        output = directory / "output"
        if output.exists() and "Qu        100" in output.read_text():
            break
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert b"RESTORE GMIN.dump" in errors
    assert (directory / "GMIN.dump").exists()


def test_walkers_side_by_side_do_not_depend_on_the_number_of_cores(lj13, lines_of, monkeypatch):
    first = lj13("PARALLEL 3\n")
    lines = lines_of(first)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    second = lj13("PARALLEL 3\n")
    def quenches(text):
        return [re.sub(r" t=.*", "", line) for line in text if "Qu " in line]

    assert quenches(lines) == quenches(lines_of(second))
    assert {line[:6] for line in lines if "]Qu" in line} == {"[1]Qu ", "[2]Qu ", "[3]Qu "}
    assert (first / "lowest").read_bytes() == (second / "lowest").read_bytes()
    assert lowest.read(first / "lowest")[0].energy == pytest.approx(LJ13_GLOBAL_MINIMUM, abs=1e-6)


def test_mean_first_encounter(lj13, capsys):
    directory = lj13("MFET 4 100 -44.326801\n", data=LJ13.replace("STEPS 200", "STEPS 20000"))
    assert run(directory) == 0
    hits = np.loadtxt(directory / "hits")
    assert hits.shape == (4, 3)
    text = capsys.readouterr().out
    assert "4 of 4 starts hit the target" in text
    numbers = [float(x) for x in re.search(r"mu/sig of t, Q, V  are (.*)", text)[1].split()]
    assert numbers[2] == pytest.approx(hits[:, 0].mean(), abs=0.01)
    assert numbers[3] == pytest.approx(hits[:, 0].std(ddof=1), abs=0.01)
    assert (directory / "hits.png").stat().st_size > 1000


def test_network_without_coords(tmp_path):
    rng = np.random.default_rng(3)
    rows = [f"{rng.integers(3)} {a:.6f} {b:.6f}" for a, b in rng.normal(size=(60, 2))]
    (tmp_path / "MLPdata").write_text("\n".join(rows) + "\n")
    data = "STEPS 20\nSTEP 1.0\nTEMPERATURE 0.1\nSLOPPYCONV 1D-5\nTIGHTCONV 1D-9\nMAXIT 2000 5000\nEDIFF 1D-6\nFIXBOTH\n"
    (tmp_path / "data").write_text(data + "MLPVB3 2 1 3 3 60 1.0D-3\n")
    assert run(tmp_path) == 0
    job = read_job(tmp_path)
    found = lowest.read(tmp_path / "lowest")
    assert len(found[0].coordinates) == job.potential.n_variables == 3 * (2 + 3) + 3 + 3
    with Database(tmp_path / "landscape.db", symmetry=job.potential.symmetry) as database:
        minima = database.minima()
    assert minima
    assert min(m.energy for m in minima) == pytest.approx(found[0].energy, abs=1e-9)
    for m in minima:
        assert np.sqrt(np.mean(job.potential.gradient(m.coordinates) ** 2)) < 1e-9
        assert hessian_spectrum(job.potential, m.coordinates).index == 0
    # a wrong number of variables in coords
    (tmp_path / "coords").write_text("0.1\n0.2\n")
    with pytest.raises(InputError, match="21"):
        run(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: (d / "data").unlink(), r"data: no such file"),
        (lambda d: (d / "coords").unlink(), r"coords: no such file.*starting point"),
        (lambda d: (d / "data").write_text(LJ13 + "STEEP 1\n"), r"data:12: STEEP 1: unknown keyword; did you mean STEP"),
        (lambda d: (d / "data").write_text(LJ13.replace("0.8", "o.8")), r"data:2: .*real number.*o\.8"),
        (lambda d: (d / "data").write_text(LJ13.replace("STEPS 200 1.0", "STEPS")), r"data:1: STEPS: missing argument n"),
        (lambda d: (d / "data").write_text(LJ13 + "GROUPROTATION 10\n"), r"data:12: .*known but not supported"),
        (lambda d: (d / "data").write_text(LJ13 + "AVOID 1.0\n"), r"data:12: .*NEWRESTART"),
        (lambda d: (d / "data").write_text(LJ13 + "RESTORE GMIN.dump\n"), r"no file GMIN.dump"),
        (lambda d: (d / "coords").write_text("0.0 0.0 0.0\n1.0 x 0.0\n"), r"coords:2: .*x"),
        (lambda d: (d / "coords").write_text("0.0 0.0 0.0\n1.0 0.0\n"), r"coords"),
        (lambda d: (d / "coords").write_text("0.0 0.0 0.0\n1.0 0.0 inf\n"), r"coords:2: coordinate 3 is not finite"),
        (lambda d: (d / "coords").write_text("0 0 0\n1 0 0\n0 0 0\n"), r"coords: atoms 1 and 3 are at one place"),
    ],
)
def test_bad_input_writes_nothing(lj13, change, message):
    directory = lj13()
    change(directory)
    before = sorted(p.name for p in directory.iterdir())
    with pytest.raises(InputError, match=message) as caught:
        run(directory)
    assert caught.value.exit_status == 2
    assert sorted(p.name for p in directory.iterdir()) == before


def test_check_writes_nothing(lj13, capsys):
    directory = lj13()
    assert run(directory, check=True) == 0
    assert sorted(p.name for p in directory.iterdir()) == ["coords", "data"]


def test_container_radius_of_the_example():
    assert f"{container_radius(38):.10f}" == "4.3305271907"


@pytest.mark.skipif(not EXAMPLES.exists(), reason="needs the reference examples beside the project")
def test_tutorial_input_runs_unchanged(tmp_path, lines_of):
    source = EXAMPLES / "LJ38_01_gmin"
    for name in ("data", "coords"):
        (tmp_path / name).write_text((source / name).read_text())
    lines = lines_of(tmp_path)
    assert sum(line.startswith("Qu ") for line in lines) == 5001
    assert lowest.read(tmp_path / "lowest")[0].energy < -172.8
    for name in ("energy", "markov", "best"):
        assert len((tmp_path / name).read_text().splitlines()) == 5000
    assert any(re.match(r"database> [1-9]\d* minima added to landscape\.db", line) for line in lines)


@pytest.mark.validation
@pytest.mark.skipif(not EXAMPLES.exists(), reason="needs the reference examples beside the project")
@pytest.mark.parametrize("surface", [0.5, 1.0])
def test_averages_of_the_tutorial_run(tmp_path, lines_of, surface):
    """FORMATS S1 over a few repetitions: the averages of the published run within a few percent.

    One run of 5000 steps scatters by 0.2 in the mean energy, 4.5 in the steps of a quench and 0.01 in the acceptance ratio.
    """
    source = EXAMPLES / "LJ38_01_gmin"
    energy, markov, steps, accepted, stretches, avoided = [], [], [], [], [], []
    for seed in range(1, 5):
        directory = tmp_path / str(seed)
        directory.mkdir()
        (directory / "coords").write_text((source / "coords").read_text())
        extra = f"\nNODATABASE\nRANSEED {seed}\nSURFACE {surface}\n"
        (directory / "data").write_text((source / "data").read_text() + extra)
        lines = lines_of(directory)
        quenches = [line for line in lines if line.startswith("Qu ")][1:]
        energy.append(np.mean([e for e in (float(line[16:36]) for line in quenches) if e < -100.0]))
        markov.append(np.mean([float(line.split("Markov E=")[1].split()[0]) for line in quenches]))
        steps.append(np.mean([int(line[43:48]) for line in quenches]))
        accepted.append(float(next(line for line in lines if line.startswith("Acceptance ratio for run"))[25:37]))
        stretches.append(sum("has not improved since" in line for line in lines))
        avoided.append(sum("due to taboo condition" in line for line in lines))
    assert np.mean(energy) == pytest.approx(-169.31, abs=0.5)
    assert np.mean(markov) == pytest.approx(-170.66, abs=0.5)
    assert np.mean(steps) == pytest.approx(131.6, rel=0.06 if surface == 1.0 else 0.1)
    assert np.mean(accepted) == pytest.approx(0.4846, abs=0.04)
    assert np.mean(stretches) == pytest.approx(79, abs=10)
    assert 5 <= np.mean(avoided) <= 35


@pytest.mark.slow
@pytest.mark.validation
@pytest.mark.skipif(not EXAMPLES.exists(), reason="needs the reference examples beside the project")
@pytest.mark.parametrize("surface", [0.5, 1.0])
def test_first_encounters_are_distributed_as_published(tmp_path, surface):
    """FORMATS S2: 100 random starts against the 100 of the example, by the test of Kolmogorov and Smirnov."""
    from scipy.stats import ks_2samp

    source = EXAMPLES / "LJ38_02_mfet"
    published = np.loadtxt(source / "expected/hits")
    (tmp_path / "coords").write_text((source / "coords").read_text())
    (tmp_path / "data").write_text((source / "data").read_text() + f"\nMFET 100\nSURFACE {surface}\n")
    assert run(tmp_path) == 0
    ours = np.loadtxt(tmp_path / "hits")
    assert ours.shape == (100, 3)
    for column in (0, 1):
        assert ks_2samp(ours[:, column], published[:, column]).pvalue > 0.01
    assert ours[:, 0].mean() < 3464
    assert ours[:, 1].sum() / ours[:, 0].sum() == pytest.approx(137.3, rel=0.06)
