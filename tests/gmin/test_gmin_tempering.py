"""BHPT, PTMC and BSPT as their user sees them: input, files, restart, bad input."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from gmin_inputs import LJ13, ROOT

from common import stop
from common.database import Database
from common.errors import InputError, StoppedError
from common.formats import lowest
from gmin.heat_capacity import plot as plot_heat_capacity
from gmin.job import read_job
from gmin.monte_carlo import run_monte_carlo
from gmin.plot import plot
from gmin.run import run
from gmin.visits import read_table, read_visits

PTMC = """\
PTMC -45 -30 -44.4 0 0.15 0.40 0.1 1000 4000 400 10 I SET
PARALLEL 4
NATOMS 13
RADIUS 2.5
STEP 0.1
RANSEED 3
"""
BSPT = PTMC.replace("PTMC -45 -30", "BSPT -45 -30").replace("1000 4000 400 10 I SET", "1000 2000 2000 400 60 50 I SET")
TABLES = ("heat_capacity", "replica_averages", "density_of_states", "1/Visits.his", "4/Visits.his", "lowest")


@pytest.fixture
def directory(tmp_path):
    """Make a directory with this text in data."""
    count = 0

    def make(data, **files):
        nonlocal count
        count += 1
        path = tmp_path / f"run{count}"
        path.mkdir()
        (path / "data").write_text(data)
        for name, text in files.items():
            (path / name).write_text(text)
        return path

    return make


def results(path, names=TABLES):
    """Text of the result files."""
    return {name: re.sub(r"after.*", "", (path / name).read_text()) for name in names}


def problems(path):
    with pytest.raises(InputError) as error:
        read_job(path)
    return str(error.value)


# ------------------------------------------------------------------------------------------------------------- PTMC


def test_ptmc_writes_histograms_and_thermodynamics(directory):
    path = directory(PTMC + "PTMCDUMPENER\nPTMCDUMPSTRUCT 1000\nBSPTDUMPFRQ 2000\nHISTTEMP 0.2 0.35 16\n")
    assert run(path) == 0
    lines = (path / "output").read_text().splitlines()
    assert lines[0].startswith("Starting 4 replicas of parallel tempering Monte Carlo")
    ratio = (0.40 / 0.15) ** (1 / 3)
    for k in range(4):
        temperature, edges, visits, quench, _ = read_visits(path / str(k + 1) / "Visits.his")
        assert temperature == pytest.approx(0.15 * ratio**k, rel=1e-9)
        assert edges[0] == -44.4
        assert len(edges) == 400
        assert visits.sum() == 4000
        assert len(quench) == 0
    assert read_visits(path / "2" / "Visits.his.2000.0")[2].sum() == 1000
    assert read_visits(path / "2" / "Visits.his.4000.0")[2].sum() == 3000
    names, curve = read_table(path / "heat_capacity")
    assert names == ["T", "U", "dU", "C_V", "dC_V"]
    assert curve[0] == pytest.approx(np.linspace(0.2, 0.35, 16))
    assert (np.diff(curve[1]) > 0).all()
    _, at_replicas = read_table(path / "replica_averages")
    # solid at T = 0.15: 3N - 6 vibrations, 3N momenta
    assert at_replicas[3, 0] == pytest.approx(36, abs=8)
    energies = np.loadtxt(path / "3" / "energies")
    assert energies.shape == (2000, 2)
    assert energies[:2, 0].tolist() == [1002, 1004]
    assert energies[:, 1].mean() == pytest.approx(at_replicas[1, 2], abs=0.5)
    frames = (path / "dumpstruct.1").read_text().splitlines()
    assert len(frames) == 5 * 15
    assert frames[0] == "13"
    assert frames[1].split()[1] == "1000"
    assert frames[2].startswith("LA  ")
    assert lowest.read(path / "lowest")[0].energy < -40
    assert any(line.startswith("exchange> T=") for line in lines)
    assert not (path / "landscape.db").exists()


def test_result_does_not_depend_on_the_number_of_threads(directory):
    outcomes = []
    for threads in (1, 2):
        path = directory(BSPT)
        run_monte_carlo(read_job(path), "output", "gmin", threads=threads)
        outcomes.append(results(path, (*TABLES, "2/Visits2.his", "basins", "heat_capacity_basins")))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("data", [PTMC + "PTMCDUMPSTRUCT 500\n", BSPT], ids=["PTMC", "BSPT"])
def test_a_run_that_was_stopped_continues_as_if_it_had_not_been(directory, data, monkeypatch):
    names = (*TABLES, "dumpstruct.2") if "PTMC " in data else (*TABLES, "basins", "heat_capacity_basins", "1/Visits2.his")
    whole = directory(data)
    assert run(whole) == 0
    broken = directory(data)
    from gmin.monte_carlo import MonteCarloRun

    collect = MonteCarloRun.collect

    def and_stop(self, before, store):
        collect(self, before, store)
        if self.replicas.done >= 3111:
            stop.request("test")

    monkeypatch.setattr("gmin.monte_carlo.ROUND_SECONDS", 1e-3)
    with monkeypatch.context() as patch:
        patch.setattr(MonteCarloRun, "collect", and_stop)
        with pytest.raises(StoppedError, match="BSPTRESTART continues"):
            run(broken)
    assert "stopped> test after" in (broken / "output").read_text()
    stop.reset()
    (broken / "data").write_text(data + "BSPTRESTART\n")
    assert run(broken) == 0
    assert "Continuing from bsptrestart after" in (broken / "output").read_text()
    assert results(broken, names) == results(whole, names)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_signals(directory, number):
    path = directory(PTMC.replace("1000 4000", "1000 400000000") + "BSPTDUMPFRQ 2000\n")
    process = subprocess.Popen([sys.executable, "-m", "gmin.cli", "-C", str(path)], cwd=ROOT, stderr=subprocess.PIPE)
    for _ in range(400):
        time.sleep(0.05)
        if (path / "bsptrestart.save").exists():
            break
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    if number == signal.SIGTERM:
        assert process.returncode == 3
        assert b"BSPTRESTART continues" in errors
    (path / "data").write_text((path / "data").read_text() + "BSPTRESTART\n")
    from gmin.monte_carlo import MonteCarloRun
    from gmin.restart import read_state

    again = MonteCarloRun(read_job(path), threads=1)
    read_state(path / "bsptrestart", again)
    assert again.replicas.done >= 2000
    before = again.replicas.done
    again.replicas.advance(100)
    assert again.replicas.done == before + 100


def test_temperatures_from_a_file(directory):
    path = directory(PTMC.replace("PARALLEL 4\n", "") + "PTREADTEMPS\n", temperatures="0.2\n0.25 ! a comment\n\n0.4D0\n")
    assert read_job(path).tempering.temperatures == (0.2, 0.25, 0.4)
    assert run(path) == 0
    assert read_visits(path / "3" / "Visits.his")[0] == 0.4
    path = directory(PTMC + "PTREADTEMPS\n", temperatures="0.2\n0.1\n")
    assert "temperatures:2: temperatures must be positive and ascend, found '0.1'" in problems(path)
    assert "no file temperatures in" in problems(directory(PTMC + "PTREADTEMPS\n"))
    path = directory(PTMC + "PTREADTEMPS\n", temperatures="0.2\n0.3\n")
    assert "temperatures holds 2 temperatures, PARALLEL says 4" in problems(path)


def test_restart_needs_the_state_of_the_same_run(directory):
    path = directory(PTMC + "BSPTRESTART\n")
    with pytest.raises(InputError, match="BSPTRESTART: no file bsptrestart"):
        run(path)
    (path / "bsptrestart").write_text("nonsense")
    with pytest.raises(InputError, match="no state of a tempering run"):
        run(path)
    first = directory(PTMC)
    assert run(first) == 0
    (first / "data").write_text(PTMC.replace("0.15 0.40", "0.15 0.45") + "BSPTRESTART\n")
    with pytest.raises(InputError, match="belongs to a run with temperatures"):
        run(first)


def test_networks_have_no_container(directory):
    path = directory("PTMC 0 1 0.0 3.0 0.001 0.01 10 200 2000 500 10\nXOR 3 1D-3\nPARALLEL 3\nSTEP 0.3\n")
    job = read_job(path)
    assert job.tempering.rate == 0.1
    assert not job.tempering.at_random
    assert not job.tempering.monte_carlo.pairs
    assert run(path) == 0
    assert read_visits(path / "1" / "Visits.his")[2].sum() > 1900
    assert "variables" in (path / "output").read_text()


def test_mbar_needs_its_package(directory, monkeypatch):
    monkeypatch.setattr("gmin.tempering._has_pymbar", lambda: False)
    assert "needs the package pymbar" in problems(directory(PTMC + "MBAR\n"))


def test_mbar(directory):
    pytest.importorskip("pymbar")
    path = directory(PTMC + "MBAR\nHISTTEMP 0.16 0.39 5\n")
    assert run(path) == 0
    _, by_mbar = read_table(path / "heat_capacity_mbar")
    _, by_wham = read_table(path / "heat_capacity")
    assert by_mbar[1] == pytest.approx(by_wham[1], abs=4 * np.hypot(by_mbar[2], by_wham[2]).max())


def test_bad_input(directory):
    text = problems(directory("PTMC -45 -30 0 -44.4 0.4 0.15 0.1 1000.5 10 400 10 Q SET\nBSPTRESTART\nPARALLEL 4\nNATOMS 13\n"))
    assert "when must be one of" in text or "R, I" in text
    text = problems(directory("PTMC -45 -30 0 -44.4 0.4 0.15 0.1 1000.5 10 400 10 R SET\nPARALLEL 4\nNATOMS 13\n"))
    assert "tmin must be below tmax" in text
    text = problems(directory("PTMC -45 -30 0 -44.4 0.1 0.15 0.1 1000.5 10 400 10 R SET\nPARALLEL 4\nNATOMS 13\n"))
    assert "ptemin must be below ptemax" in text
    assert "nequil must be a whole number" in text
    assert "at least 20 steps" in text
    assert "add PARALLEL n" in problems(directory(PTMC.replace("PARALLEL 4\n", "")))
    assert "exclude each other" in problems(directory(PTMC + "BHPT 0.1 0.4 10\nSTEPS 10\n"))
    assert "it belongs to PTMC or BSPT" in problems(directory("STEPS 10\nNATOMS 13\nBSPTRESTART\n"))
    assert "it belongs to BHPT, PTMC or BSPT" in problems(directory("STEPS 10\nNATOMS 13\nPTREADTEMPS\n"))
    assert "do not fit into memory" in problems(directory(PTMC.replace(" 400 10 I", " 40000000 10 I")))
    assert "tmin must be below tmax" in problems(directory(PTMC + "HISTTEMP 0.4 0.2 10\n"))
    assert "STEPS is missing" in problems(directory("NATOMS 13\n"))
    path = directory(PTMC)
    assert run(path, check=True) == 0
    assert os.listdir(path) == ["data"]


# ------------------------------------------------------------------------------------------------------------- BSPT


def test_bspt_counts_quenches_and_stores_minima(directory):
    path = directory(BSPT)
    assert run(path) == 0
    total = 0
    for k in range(4):
        _, _, visits, edges, quenches = read_visits(path / str(k + 1) / "Visits.his")
        assert visits.sum() == 4000
        assert edges[0] == -45.0
        assert len(edges) == 60
        pairs = np.loadtxt(path / str(k + 1) / "Visits2.his", ndmin=2)
        assert pairs[:, 2].sum() == quenches.sum() == 40
        assert (pairs[:, 0] + 44.4 / 400 >= pairs[:, 1] - 0.25).all()
        total += quenches.sum()
    _, basins = read_table(path / "basins")
    assert basins[1].sum() == total
    assert lowest.read(path / "lowest")[0].energy == pytest.approx(-44.326801, abs=1e-6)
    with Database(path / "landscape.db", read_only=True) as database:
        assert database.energies().min() == pytest.approx(-44.326801, abs=1e-6)
        assert len(database.energies()) > 5
    lines = (path / "output").read_text()
    assert "basin-sampling>" in lines
    assert "database>" in lines


def test_basin_sampling_reaches_the_harmonic_limit(directory):
    path = directory(BSPT.replace("2000 2000 400 60 50", "2000 6000 1500 60 20") + "HISTTEMP 0.02 0.1 5\nNODATABASE\n")
    assert run(path) == 0
    _, curve = read_table(path / "heat_capacity_basins")
    # 3N - 6 vibrations and 3N momenta, far below the coldest replica; anharmonicity adds some per cent
    assert curve[3, 0] == pytest.approx(0.5 * 33 + 0.5 * 39, abs=2.0)
    assert curve[1, 0] == pytest.approx(-44.3268 + 0.5 * 33 * 0.02, abs=0.05)


def test_pictures(directory):
    path = directory(BSPT + "HISTTEMP 0.2 0.35 8\nNODATABASE\n")
    assert run(path) == 0
    assert "drawn in heat_capacity.png" in plot(path / "output")[-1]
    assert (path / "heat_capacity.png").stat().st_size > 10000
    with pytest.raises(InputError, match="no such file"):
        plot_heat_capacity(path / "1")


# ------------------------------------------------------------------------------------------------------------- BHPT


def exchanges(path):
    return [line for line in (path / "output").read_text().splitlines() if line.startswith("exchange>")]


def quenches(path):
    return [re.sub(r" t=.*", "", line) for line in (path / "output").read_text().splitlines() if "]Qu " in line]


BHPT = LJ13.replace("TEMPERATURE 0.8\n", "").replace("STEPS 200", "STEPS 300") + "PARALLEL 3\nBHPT 0.2 1.8 10 INTERVAL SETS\n"


def test_bhpt_gives_walkers_a_ladder_and_swaps_their_minima(lj13):
    path = lj13(data=BHPT)
    job = read_job(path)
    assert [w.temperature for w in job.walkers] == pytest.approx([0.2, 0.6, 1.8])
    assert run(path) == 0
    tried = [int(line.split("of")[1].split()[0]) for line in exchanges(path)[:2]]
    assert tried == [15, 15]
    # after an exchange a walker goes on from the minimum of another
    markov = {}
    for line in quenches(path):
        walker, number = re.match(r"\[(\d)\]Qu +(\d+)", line).groups()
        energies = re.search(r"E= *(\S+).*Markov E= *(\S+)", line).groups()
        markov[int(walker), int(number)] = tuple(float(e) for e in energies)
    swapped = sum(
        markov[1, n + 1][1] in (markov[2, n][0], markov[2, n][1])
        and markov[1, n + 1][1] not in (markov[1, n][0], markov[1, n][1])
        for n in range(10, 300, 10)
    )
    assert swapped >= 1
    assert lowest.read(path / "lowest")[0].energy == pytest.approx(-44.326801, abs=1e-6)


def test_bhpt_continues_from_a_dump(lj13):
    whole = lj13(data=BHPT.replace("INTERVAL SETS", "RANDOM").replace("1.8 10", "1.8 0.1") + "NODATABASE\n")
    assert run(whole) == 0
    part = lj13(data=(whole / "data").read_text().replace("STEPS 300", "STEPS 117"))
    assert run(part) == 0
    (part / "data").write_text((whole / "data").read_text() + "RESTORE GMIN.dump\n")
    assert run(part) == 0
    assert sorted(quenches(part)) == sorted(quenches(whole))
    assert exchanges(part)[-len(exchanges(whole)) :] == exchanges(whole)


def test_bhpt_needs_walkers(lj13):
    assert "add PARALLEL n" in problems(lj13(data=BHPT.replace("PARALLEL 3\n", "")))
    assert "it belongs to PTMC or BSPT" in problems(lj13(data=BHPT + "HISTTEMP 0.1 0.2 5\n"))
