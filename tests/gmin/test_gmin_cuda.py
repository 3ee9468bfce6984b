"""Keyword CUDA: walkers on a device, which the emulator stands for."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from gmin_inputs import LJ13

import potentials.cuda.device
from common import stop
from common.database import Database
from common.errors import InputError, StoppedError
from common.formats import lowest
from gmin.job import read_job
from gmin.run import run
from gmin.settings import WalkerSettings
from potentials.cuda.batch import device_potential
from potentials.cuda.emulated import EmulatedDevice
from potentials.cuda.walkers import DeviceWalkers
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller

LJ5 = """\
STEPS 6 1.0
TEMPERATURE 0.8
STEP 0.40 0.40
EDIFF 0.001
SAVE 5
CENTRE
SORT
RANSEED 7
NATOMS 5
"""
LJ5_MINIMUM = -9.103852


@pytest.fixture
def device(request):
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("no C++ compiler")
    return EmulatedDevice(2, request.config.cache.mkdir("cuda_kernels"))


@pytest.fixture
def emulated(device, monkeypatch):
    """gmin takes the emulator for the device; the numbers asked for are collected."""
    numbers = []

    def make(number=None):
        numbers.append(number)
        device.close = lambda: None
        return device

    monkeypatch.setattr(potentials.cuda.device, "Device", make)
    return numbers


@pytest.fixture
def directory(tmp_path):
    def make(data):
        (tmp_path / "data").write_text(data)
        return tmp_path

    return make


def test_many_walkers_find_the_minimum(directory, emulated):
    where = directory(LJ5 + "CUDA 6 1\n")
    assert run(where) == 0
    assert emulated == [1]
    assert lowest.read(where / "lowest")[0].energy == pytest.approx(LJ5_MINIMUM, abs=1e-6)
    lines = (where / "output").read_text().splitlines()
    assert "cuda> 6 walkers on emulator" in lines
    assert any("Qu " in line for line in lines)
    # 6 walkers, quench 0 and 6 steps
    assert "quenches=42 failed=0" in [line for line in lines if line.startswith("cuda> step")][-1]
    with Database(where / "landscape.db", symmetry=LennardJones(5).symmetry) as database:
        assert database.energies().min() == pytest.approx(LJ5_MINIMUM, abs=1e-6)


def test_a_target_ends_all_walkers(directory, emulated):
    where = directory(LJ5.replace("STEPS 6", "STEPS 500") + f"CUDA 4\nNODATABASE\nTARGET {LJ5_MINIMUM}\n")
    assert run(where) == 0
    text = (where / "output").read_text()
    assert text.count("saveit> Target hit after") == 1
    assert not (where / "landscape.db").exists()
    assert lowest.read(where / "lowest")[0].energy == pytest.approx(LJ5_MINIMUM, abs=1e-6)


def test_the_same_seed_is_the_same_run(directory, emulated):
    def energies(data):
        where = directory(data)
        run(where)
        return [line.split(" t=")[0].split("t=")[0] for line in (where / "output").read_text().splitlines() if "Qu " in line]

    data = LJ5 + "CUDA 3\nNODATABASE\n"
    assert energies(data) == energies(data) != energies(data.replace("RANSEED 7", "RANSEED 8"))


def test_a_stop_saves_what_was_found(directory, emulated):
    where = directory(LJ5 + "CUDA 2\n")
    stop.request("SIGTERM")
    with pytest.raises(StoppedError, match="after 0 steps"):
        run(where)
    with Database(where / "landscape.db", symmetry=LennardJones(5).symmetry) as database:
        assert database.n_minima > 0


def test_what_walkers_on_a_device_do_not_do_is_refused(directory):
    where = directory(LJ5 + "CUDA 8\nSHELLMOVE 5 0.1 0.5\nMONITOR\nPARALLEL 2\n")
    with pytest.raises(InputError) as problem:
        read_job(where)
    text = str(problem.value)
    assert all(name in text for name in ("SHELLMOVE", "MONITOR", "PARALLEL"))
    assert text.count("plain basin-hopping") == 3


def test_a_potential_without_kernels_is_refused(directory, emulated):
    where = directory(LJ5 + "CUDA 8\nCUTOFF 2.5\n")
    with pytest.raises(InputError, match="CUDA has no kernels for LennardJones"):
        run(where)
    assert sorted(p.name for p in where.iterdir()) == ["data"]


def test_without_a_device_one_line_and_status_2(directory):
    """The program as it is here: whatever of package, driver and device is missing is named, and nothing is written."""
    where = directory(LJ5 + "CUDA 8\n")
    code = "import sys; sys.modules['pycuda'] = None; from gmin.cli import main; sys.exit(main([]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=where, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 2
    assert "pip install 'energy-landscapes[gpu]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in where.iterdir()) == ["data"]


def test_check_needs_no_device(directory, capsys):
    assert run(directory(LJ5 + "CUDA 8\n"), check=True) == 0
    assert "8 walkers on a device" in capsys.readouterr().out


# --- the walkers themselves -------------------------------------------------------------------------------------------


def walkers(device, potential, n, **given):
    settings = WalkerSettings(**given)
    made = DeviceWalkers(device_potential(potential, device), n, 5, settings, angular=True)
    rng = np.random.default_rng(0)
    made.start(np.array([potential.random_coordinates(rng) for _ in range(n)]))
    return made


def test_the_metropolis_test_is_obeyed(device):
    """At no temperature only what lowers the energy is accepted; at a high one nearly everything."""
    potential = LennardJones(4)
    cold = walkers(device, potential, 3, temperature=1e-12, step=0.5, astep=0.4)
    before = cold.states["energy"].copy()
    done = cold.run(8)
    assert (np.diff(np.column_stack([before, done.markov])) <= 1e-9).all()
    assert (done.accepted == (np.column_stack([before, done.markov[:, :-1]]) >= done.energy)).all()
    hot = walkers(device, potential, 3, temperature=1e6, step=0.5).run(8)
    assert hot.accepted.all()
    assert (hot.markov == hot.energy).all()


def test_the_coordinates_belong_to_the_energies(device):
    potential = LennardJonesAxilrodTeller(4, 0.5)
    made = walkers(device, potential, 3, temperature=0.8, step=0.4, centre=(1.0, 2.0, 3.0), radius=3.0)
    done = made.run(4)
    x = done.coordinates()
    assert x.shape == (3, 4, 12)
    for w in range(3):
        for s in range(4):
            assert potential.energy(x[w, s]) == pytest.approx(done.energy[w, s], rel=1e-9)
            assert x[w, s].reshape(-1, 3).mean(axis=0) == pytest.approx([1.0, 2.0, 3.0], abs=1e-9)
    assert made.states["calls"].sum() == done.calls.sum()


def test_steps_and_temperature_are_adjusted(device):
    potential = LennardJones(4)
    made = walkers(device, potential, 2, temperature=1e6, step=0.4, astep=0.3, change_accept=2, accept_ratio=0.5)
    made.run(5, temperature_factor=0.5)
    # everything accepted: two adjustments in five steps
    assert made.states["step"] == pytest.approx(0.4 * 1.05**2)
    assert made.states["angular_step"] == pytest.approx(0.3 * 1.05**2)
    assert made.states["temperature"] == pytest.approx(1e6 * 0.5**5)
    assert (made.states["quench"] == 5).all()
    warm = walkers(device, potential, 2, temperature=1e6, change_accept=1, adjust_step=False, adjust_temperature=True)
    warm.run(1)
    assert warm.states["temperature"] == pytest.approx(1e6 / 1.05)


def test_launches_continue_each_other(device):
    potential = LennardJones(5)
    whole = walkers(device, potential, 3, temperature=0.5, step=0.4, astep=0.4).run(6)
    parts = walkers(device, potential, 3, temperature=0.5, step=0.4, astep=0.4)
    halves = [parts.run(2), parts.run(4)]
    assert (np.hstack([h.energy for h in halves]) == whole.energy).all()


def test_networks_walk_too(device, directory, emulated):
    from potentials.mlp import MultilayerPerceptron

    rng = np.random.default_rng(2)
    network = MultilayerPerceptron((2, 3, 2), rng.normal(size=(24, 2)), rng.integers(0, 2, 24), 0.01)
    made = walkers(device, network, 3, temperature=0.1, step=1.0)
    done = made.run(3)
    assert network.energy(done.coordinates()[2, 2]) == pytest.approx(done.energy[2, 2], rel=1e-9)
    assert (done.status == 0).all()


def test_large_networks_walk_in_step(device):
    from potentials.cuda.large_network import LargeNetworkBatch
    from potentials.cuda.walkers import SteppedWalkers, walkers_on
    from potentials.mlp import MultilayerPerceptron

    rng = np.random.default_rng(2)
    network = MultilayerPerceptron((2, 2, 2), rng.normal(size=(8, 2)), rng.integers(0, 2, 8), 0.01)
    batch = LargeNetworkBatch(network, device)
    batch.threads = 32
    settings = WalkerSettings(temperature=1e6, step=1.0, change_accept=1, targets=(-1.0,))
    settings.quench.max_iterations = 6
    made = walkers_on(batch, 2, 5, settings, angular=False)
    assert isinstance(made, SteppedWalkers)
    made.start(np.array([network.random_coordinates(rng) for _ in range(2)]))
    done = made.run(1)
    assert network.energy(done.coordinates()[1, 0]) == pytest.approx(done.energy[1, 0], rel=1e-12)
    assert done.accepted.all()
    assert not done.hit
    assert made.states["step"] == pytest.approx(1.05)
    settings.targets = (10.0,)
    done = made.run(3)
    assert done.hit
    assert done.taken.tolist() == [[True, False, False]] * 2


def test_no_device_is_looked_for_by_other_inputs(lj13, lines_of):
    assert read_job(lj13(data=LJ13)).cuda is None
