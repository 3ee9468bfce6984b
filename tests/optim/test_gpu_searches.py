"""Bands, searches and descents on a device, beside those of the processor; `make test-gpu` on a machine that has one."""

import numpy as np
import pytest

from common.errors import ConvergenceError, InputError
from optim._dneb import Band
from optim.connect import as_minimum
from optim.dneb import interpolate
from optim.minimise import quench
from optim.on_device import DeviceServer
from optim.path import follow_path, follow_path_steps
from optim.requests import FindSaddle, GoAhead, Minimise, RelaxBand
from optim.settings import default_settings
from optim.single_ended import search, search_steps
from optim.stationary import characterise_transition_state
from optim.transition_state import MAX_ENERGY, searcher
from potentials.cuda.device import Device
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller
from potentials.mlp import MultilayerPerceptron

pytestmark = pytest.mark.gpu


def exclusive_or():
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    return MultilayerPerceptron((2, 2, 2), x, np.array([0, 1, 1, 0]), 1e-2)


BUILDS = {
    "LJ7": lambda: LennardJones(7),
    "LJ38": lambda: LennardJones(38),
    "LJ75": lambda: LennardJones(75),
    "LJAT13": lambda: LennardJonesAxilrodTeller(13, 0.3),
    "XOR": exclusive_or,
}


@pytest.fixture(scope="module")
def device():
    try:
        made = Device()
    except InputError as error:
        pytest.skip(str(error))
    yield made
    made.close()


def setting(name):
    potential = BUILDS[name]()
    return potential, default_settings(potential).with_changes(hessian=False), np.random.default_rng(1)


@pytest.mark.parametrize("name", BUILDS)
def test_bands(name, device):
    """Many bands of several sizes in one launch: the first iterations are the same numbers."""
    potential, settings, rng = setting(name)
    requests, wanted = [], []
    for k in range(40):
        start, finish = (potential.random_coordinates(rng) for _ in range(2))
        images = 3 + k % 7
        points = interpolate(potential, start, finish, images)
        bands = [Band(potential, start, finish, images, settings.spring) for _ in range(2)]
        wanted.append(RelaxBand(bands[0], points, settings, 3, 1e-12, 1.0).run())
        requests.append(RelaxBand(bands[1], points, settings, 3, 1e-12, 1.0))
    server = DeviceServer(potential, device)
    for (found, _), reference in zip(server.serve(requests), wanted, strict=True):
        assert np.abs(found["images"] - reference["images"]).max() < 1e-6
        assert found["rms"] == pytest.approx(reference["rms"], rel=1e-5)
    assert server.launches == 1


@pytest.mark.parametrize("name", BUILDS)
def test_searches_descents_and_minimisations_in_one_launch(name, device):
    potential, settings, rng = setting(name)
    start = quench(potential, potential.random_coordinates(rng), settings).coordinates
    requests = []
    for k in range(90):
        direction = rng.standard_normal(potential.n_variables)
        point = start + 0.5 * potential.step_scale * direction / np.linalg.norm(direction)
        if k % 3 == 0:
            requests.append(FindSaddle(searcher(potential, settings), point, direction, settings, MAX_ENERGY))
        elif k % 3 == 1:
            requests.append(GoAhead(point, settings, settings.newton_rms))
        else:
            requests.append(Minimise(potential, point, settings, 1e-4, 2000))
    replies = [reply for reply, _ in DeviceServer(potential, device).serve(requests)]
    for saddle in replies[::3]:
        if saddle["status"] == 0:
            assert potential.energy(saddle["coordinates"]) == pytest.approx(saddle["energy"], rel=1e-12)
            assert np.linalg.norm(potential.gradient(saddle["coordinates"])) / np.sqrt(len(start)) < settings.ts_rms
    for request, ahead in zip(requests[1::3], replies[1::3], strict=True):
        assert ahead["energy"] <= potential.energy(request.point)
        assert ahead["length"] >= 0.99 * np.linalg.norm(ahead["coordinates"] - request.point)
    for minimised in replies[2::3]:
        assert minimised.converged
        assert np.abs(minimised.gradient - potential.gradient(minimised.coordinates)).max() < 1e-10


@pytest.mark.parametrize("name", ["LJ7", "LJ38", "LJAT13", "XOR"])
def test_the_ends_of_paths(name, device):
    potential, settings, rng = setting(name)
    minimum = quench(potential, potential.random_coordinates(rng), settings).coordinates
    server, compared = DeviceServer(potential, device), 0
    for _ in range(20):
        direction = rng.standard_normal(potential.n_variables)
        point = minimum + 0.5 * potential.step_scale * direction / np.linalg.norm(direction)
        out = searcher(potential, settings).run(point, direction)
        try:
            record, vector = characterise_transition_state(potential, out["coordinates"], None, settings)
            here = follow_path(potential, record, settings, vector)
        except ConvergenceError:
            continue
        there = server.run(follow_path_steps(potential, record, settings, vector))
        assert there.plus.minimum.energy == pytest.approx(here.plus.minimum.energy, abs=1e-8)
        assert there.minus.minimum.energy == pytest.approx(here.minus.minimum.energy, abs=1e-8)
        compared += 1
    assert compared > 0


def test_the_same_transition_states(device):
    """Of LJ7, from many single-ended searches side by side."""
    potential, settings, rng = setting("LJ7")
    minimum = as_minimum(potential, potential.random_coordinates(rng), settings)
    server = DeviceServer(potential, device)
    ended = server.run_all([search_steps(potential, minimum, settings, np.random.default_rng(k), 10) for k in range(60)])
    assert all(e.error is None for e in ended)
    found = {round(t.transition_state.energy, 6) for e in ended for t in e.value}
    known = {
        round(t.transition_state.energy, 6)
        for k in range(60)
        for t in search(potential, minimum, settings, np.random.default_rng(k), 10)
    }
    assert len(found & known) >= 0.9 * max(len(found), len(known))
