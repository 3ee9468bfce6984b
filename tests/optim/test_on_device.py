"""Searches served by a device, which the emulator stands for, beside those of the processor."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import potentials.cuda.device
from common.errors import ConvergenceError, InputError
from common.formats import path_info
from optim.connect import Connector, as_minimum
from optim.dneb import Band, interpolate
from optim.job import read_job
from optim.minimise import quench
from optim.on_device import DeviceServer
from optim.path import follow_path, follow_path_steps
from optim.requests import FindSaddle, GoAhead, Minimise, RelaxBand, Together
from optim.run import run
from optim.settings import default_settings
from optim.stationary import characterise_transition_state
from optim.together import run_together
from optim.transition_state import MAX_ENERGY, find_transition_state, searcher
from potentials.cuda.emulated import EmulatedDevice
from potentials.cuda.tasks import NUMBERS, PLACES, TaskBatch
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller
from potentials.mlp import MultilayerPerceptron

XOR = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
POTENTIALS = {
    "LJ7": lambda: LennardJones(7),
    "LJ38": lambda: LennardJones(38),
    "LJAT4": lambda: LennardJonesAxilrodTeller(4, 0.5),
    "XOR": lambda: MultilayerPerceptron((2, 2, 2), XOR, np.array([0, 1, 1, 0]), 1e-2),
}
SMALL = ("LJ7", "LJAT4", "XOR")


@pytest.fixture(params=[0, 5], ids=["in order", "shuffled"])
def device(request):
    return make_device(request, request.param)


@pytest.fixture
def shuffled(request):
    return make_device(request, 3)


def make_device(request, seed):
    if not (shutil.which("g++") or shutil.which("c++")):
        pytest.skip("no C++ compiler")
    device = EmulatedDevice(seed, request.config.cache.mkdir("cuda_kernels"))
    device.close = lambda: None
    return device


@pytest.fixture
def emulated(shuffled, monkeypatch):
    """optim takes the emulator for the device; the numbers asked for are collected."""
    numbers = []
    monkeypatch.setattr(potentials.cuda.device, "Device", lambda number=None: numbers.append(number) or shuffled)
    return numbers


def minima(potential, settings, count=2, seed=3):
    """Different minima."""
    rng, found = np.random.default_rng(seed), []
    while len(found) < count:
        result = quench(potential, potential.random_coordinates(rng), settings)
        if result.converged and all(abs(result.energy - m.energy) > 1e-4 for m in found):
            found.append(as_minimum(potential, result.coordinates, settings))
    return found


# --- one request --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "iterations"), [("LJ7", 12), ("LJ38", 2), ("LJAT4", 12), ("XOR", 12)])
def test_the_first_iterations_of_a_band_are_those_of_the_processor(name, iterations, device):
    potential = POTENTIALS[name]()
    settings = default_settings(potential)
    rng = np.random.default_rng(1)
    start, finish = (potential.random_coordinates(rng) for _ in range(2))
    points = interpolate(potential, start, finish, 5)
    for doubly in (True, False):
        with_settings = settings.with_changes(doubly_nudged=doubly)
        bands = [Band(potential, start, finish, 5, settings.spring, doubly) for _ in range(2)]
        wanted, request = (RelaxBand(b, points, with_settings, iterations, 1e-9, 0.03) for b in bands)
        wanted = wanted.run()
        ((found, calls),) = DeviceServer(potential, device).serve([request])
        assert calls == 5 * (iterations + 1) + 2
        assert np.abs(found["images"] - wanted["images"]).max() < 1e-8
        assert found["energies"] == pytest.approx(wanted["energies"], rel=1e-8)
        for key in ("rms", "goal", "deviation", "spring", "length"):
            assert found[key] == pytest.approx(wanted[key], rel=1e-6), key
        assert (found["iterations"], found["finite"], found["converged"]) == (iterations, True, False)
        assert np.abs(bands[0].tangents([2, 3]) - bands[1].tangents([2, 3])).max() < 1e-6


def test_bands_that_settle_or_fail(shuffled):
    potential = POTENTIALS["XOR"]()
    settings = default_settings(potential)
    first, second = minima(potential, settings)
    points = interpolate(potential, first.coordinates, second.coordinates, 4)
    bands = [Band(potential, first.coordinates, second.coordinates, 4, settings.spring) for _ in range(2)]
    wanted, request = (RelaxBand(b, points, settings, 400, settings.band_rms, 0.03) for b in bands)
    wanted = wanted.run()
    server = DeviceServer(potential, shuffled)
    ((found, _),) = server.serve([request])
    assert found["converged"]
    assert wanted["converged"]
    assert found["iterations"] == wanted["iterations"]
    assert found["energies"] == pytest.approx(wanted["energies"], abs=1e-5)
    cluster = LennardJones(3)
    together = Band(cluster, np.zeros(9), np.arange(9.0), 2, 1.0)
    request = RelaxBand(together, np.zeros((2, 9)), default_settings(cluster), 5, 1e-3, 1.0)
    ((found, _),) = DeviceServer(cluster, shuffled).serve([request])
    assert not found["finite"]


@pytest.mark.parametrize("name", SMALL)
def test_the_first_steps_of_a_search_are_those_of_the_processor(name, device):
    potential = POTENTIALS[name]()
    rng = np.random.default_rng(2)
    settings = default_settings(potential).with_changes(hessian=False)
    minimum = minima(potential, settings, 1)[0]
    point, direction = (
        minimum.coordinates + 0.1 * rng.standard_normal(potential.n_variables),
        rng.standard_normal(potential.n_variables),
    )
    server = DeviceServer(potential, device)
    for changes in (
        {"ts_iterations": 0},
        {"ts_iterations": 2},
        {"ts_iterations": 2, "central_differences": True, "newton": True},
    ):
        some = settings.with_changes(**changes)
        request = FindSaddle(searcher(potential, some), point, direction, some, MAX_ENERGY)
        # with central differences the processor takes analytic products where there are any
        rough = 1e-3 if "central_differences" in changes else 1e-5
        wanted = request.run()
        ((found, calls),) = server.serve([request])
        assert (found["status"], found["iterations"]) == (wanted["status"], wanted["iterations"])
        assert found["eigenvalue"] == pytest.approx(wanted["eigenvalue"], rel=rough, abs=rough)
        assert found["energy"] == pytest.approx(wanted["energy"], rel=rough)
        if rough == 1e-5:
            assert calls == pytest.approx(wanted["calls"], abs=2)
            assert np.abs(found["coordinates"] - wanted["coordinates"]).max() < 1e-5


@pytest.mark.parametrize("name", SMALL)
def test_searches_end_in_transition_states_and_descents_in_their_minima(name, shuffled):
    potential = POTENTIALS[name]()
    settings = default_settings(potential).with_changes(hessian=False)
    rng = np.random.default_rng(4)
    minimum, server = minima(potential, settings, 1)[0], DeviceServer(potential, shuffled)
    requests = []
    for _ in range(4):
        direction = rng.standard_normal(potential.n_variables)
        point = minimum.coordinates + 0.4 * potential.step_scale * direction / np.linalg.norm(direction)
        requests.append(FindSaddle(searcher(potential, settings), point, direction, settings, MAX_ENERGY))
    replies = [reply for reply, _ in server.serve(requests)]
    assert server.launches == 1
    found = [reply for reply in replies if reply["status"] == 0]
    assert found
    record = None
    for reply in found:
        try:
            record, vector = characterise_transition_state(potential, reply["coordinates"], None, settings)
        except ConvergenceError:
            continue
        assert reply["energy"] == pytest.approx(record.energy, abs=1e-8)
        assert reply["eigenvalue"] == pytest.approx(record.negative_eigenvalue, rel=1e-2)
        here = follow_path(potential, record, settings, vector)
        there = server.run(follow_path_steps(potential, record, settings, vector))
        for side, other in ((here.plus, there.plus), (here.minus, there.minus)):
            assert side.minimum.energy == pytest.approx(other.minimum.energy, abs=1e-9)
            assert np.linalg.norm(side.end - other.end) < 1e-4
            assert other.length == pytest.approx(side.length, rel=0.05)
    assert record is not None


def test_minimisations_and_l_bfgs_paths(shuffled):
    potential = POTENTIALS["LJ7"]()
    settings = default_settings(potential)
    server = DeviceServer(potential, shuffled)
    x = minima(potential, settings, 1)[0].coordinates + 0.05
    x[::2] += 0.1
    before = potential.calls
    request = Minimise(potential, x, settings, 1e-4, 200)
    wanted = request.run()
    (found, calls), (ahead, _) = server.serve([request, GoAhead(x, settings, 1e-4, lbfgs=True)])
    assert (found.status, found.iterations, found.calls) == (0, wanted.iterations, wanted.calls)
    assert found.energy == pytest.approx(wanted.energy, rel=1e-12)
    assert np.abs(found.gradient - potential.gradient(found.coordinates)).max() < 1e-10
    assert potential.calls - before > wanted.calls + calls
    # steps half as long, and no shorter way than the straight one
    assert ahead["energy"] == pytest.approx(wanted.energy, abs=1e-7)
    assert ahead["length"] >= np.linalg.norm(ahead["coordinates"] - x)


def test_a_descent_beside_a_soft_saddle_goes_on_while_the_gradient_grows(shuffled):
    """The push leaves it with less gradient than the end has."""
    potential = POTENTIALS["XOR"]()
    settings = default_settings(potential).with_changes(hessian=False)
    start = minima(potential, settings, 1)[0].coordinates
    rng = np.random.default_rng(0)
    while True:
        result = find_transition_state(potential, start + rng.standard_normal(len(start)), settings, rng=rng)
        if result.converged and result.extra["eigenvalue"] > -0.2:
            break
    first = result.coordinates + 1e-3 * result.extra["eigenvector"]
    assert np.linalg.norm(potential.gradient(first)) / np.sqrt(len(first)) < settings.newton_rms
    ((found, _),) = DeviceServer(potential, shuffled).serve([GoAhead(first, settings, settings.newton_rms)])
    assert found["length"] > 0.1
    assert found["energy"] < result.energy - 1e-4


def test_searches_with_the_hessian_stay_on_the_processor(shuffled):
    """The default of networks, which hybrid eigenvector-following serves badly where they are soft."""
    potential = POTENTIALS["XOR"]()
    settings = default_settings(potential)
    server = DeviceServer(potential, shuffled)
    x = minima(potential, settings, 1)[0].coordinates + 0.3
    request = FindSaddle(searcher(potential, settings), x, np.ones(len(x)), settings, MAX_ENERGY)
    wanted = request.run()
    ((found, calls),) = server.serve([request])
    assert found["message"] == wanted["message"]
    assert np.array_equal(found["coordinates"], wanted["coordinates"])
    assert calls > 0
    assert (server.served, server.launches) == (0, 0)


# --- many searches ------------------------------------------------------------------------------------------------------


def test_coroutines_side_by_side():
    """Requests of a round are served together, replies go where they belong, failures where they are expected."""
    rounds = []

    def leaf(number, times):
        total = 0
        for _ in range(times):
            total += yield number
        return total

    def root(number):
        parts = yield Together([leaf(number, 1), leaf(10 * number, 2)])
        nothing = yield Together([])
        assert nothing == []
        try:
            yield "fail"
        except ConvergenceError:
            return sum(parts)

    def broken():
        yield Together([leaf(1, 1), leaf("fail", 1)])

    def serve(requests):
        rounds.append(list(requests))
        return [(ConvergenceError("no") if r == "fail" else r, 3) for r in requests]

    ended = run_together([root(1), root(2), broken()], serve, lambda: 0)
    assert [e.value for e in ended] == [21, 42, None]
    assert isinstance(ended[2].error, ConvergenceError)
    assert rounds == [[1, 10, 2, 20, 1, "fail"], [10, 20], ["fail", "fail"]]
    assert [e.calls for e in ended] == [12, 12, 6]


def test_a_connection_is_that_of_the_processor(shuffled):
    """The same transition states to tolerance, each verified; and the number of launches is that of rounds, not of searches."""
    potential = POTENTIALS["XOR"]()
    settings = default_settings(potential).with_changes(hessian=False)
    first, second = minima(potential, settings)
    here = Connector(potential, settings, np.random.default_rng(0)).run(first, second)
    server = DeviceServer(potential, shuffled)
    there = Connector(potential, settings, np.random.default_rng(0), serve=server.run).run(first, second)
    assert here.connected
    assert there.connected
    wanted, found = ({round(t.transition_state.energy, 7) for t in result.triples} for result in (here, there))
    assert wanted == found
    assert server.launches < server.served
    assert there.calls > 0


def test_the_numbers_of_a_task_have_one_place_each():
    assert sorted(PLACES.values()) == list(range(NUMBERS))


def test_networks_beyond_a_block_are_refused(shuffled):
    rng = np.random.default_rng(0)
    large = MultilayerPerceptron((784, 10, 10), rng.normal(size=(20, 784)), rng.integers(0, 10, 20), 0.1)
    shuffled.shared_limit = 64 * 1024
    with pytest.raises(InputError, match="too large for a block"):
        TaskBatch(large, shuffled)


# --- the keyword --------------------------------------------------------------------------------------------------------

CONNECT = "NEWCONNECT 20 2 10.0 20.0 20 0.5 0.025\nBFGSMIN 1.0D-6\nREOPTIMISEENDPOINTS\nDUMPALLPATHS\nPOINTS\n"


def write_input(directory, keywords=CONNECT):
    potential = LennardJones(7)
    ends = [m.coordinates.reshape(-1, 3) for m in minima(potential, default_settings(potential))]
    lines = ["".join(f"LJ {a:.10f} {b:.10f} {c:.10f}\n" for a, b, c in x) for x in ends]
    (directory / "odata").write_text(keywords + lines[0])
    (directory / "finish").write_text(lines[1])


def test_optim_with_the_keyword(tmp_path, emulated, capsys):
    energies = []
    for line in ("", "CUDA 1\n"):
        write_input(tmp_path, line + CONNECT)
        assert run(tmp_path) == 0
        triples = path_info.read(tmp_path / "path.info", 21)
        energies.append({round(t.transition_state.energy, 6) for t in triples})
    assert emulated == [1]
    assert "bands, searches and descents on emulator in" in capsys.readouterr().out
    # all pairs of a cycle are tried, also those that another one has joined meanwhile
    assert energies[0] <= energies[1]


def test_one_band_with_the_keyword(tmp_path, emulated, capsys):
    write_input(tmp_path, "CUDA\n" + CONNECT.replace(CONNECT.splitlines()[0], "NEWNEB 8 200 0.05"))
    assert run(tmp_path) == 0
    assert emulated == [None]
    assert "bands, searches and descents on emulator in" in capsys.readouterr().out


def test_what_has_no_work_for_a_device_is_refused(tmp_path):
    write_input(tmp_path, "CUDA\nBFGSTS\nBFGSMIN 1.0D-6\nPOINTS\n")
    with pytest.raises(InputError, match="only connections use the device"):
        read_job(tmp_path)
    write_input(tmp_path, "CUDA\nCUTOFF 2.5\n" + CONNECT)
    with pytest.raises(InputError, match="CUDA has no kernels for LennardJones"):
        read_job(tmp_path)


def test_without_a_device_one_line_and_status_2(tmp_path):
    """Whatever of package, driver and device is missing is named, and nothing is written."""
    write_input(tmp_path, "CUDA\n" + CONNECT)
    code = "import sys; sys.modules['pycuda'] = None; from optim.cli import main; sys.exit(main([]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 2
    assert "pip install 'energy-landscapes[gpu]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert sorted(p.name for p in tmp_path.iterdir()) == ["finish", "odata"]


def test_check_needs_no_device(tmp_path, capsys):
    write_input(tmp_path, "CUDA\n" + CONNECT)
    assert run(tmp_path, check=True) == 0
    assert "no problems" in capsys.readouterr().out
