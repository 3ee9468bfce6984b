"""Rates of bands, searches and descents on a device, printed as rows of the table in docs/gpu.md; `make test-gpu`."""

import time

import numpy as np
import pytest

from common.errors import InputError
from optim._dneb import Band
from optim.dneb import interpolate
from optim.minimise import quench
from optim.on_device import DeviceServer
from optim.requests import FindSaddle, GoAhead, RelaxBand
from optim.settings import default_settings
from optim.transition_state import MAX_ENERGY, searcher
from pathsample.run import run
from potentials.cuda.device import Device
from potentials.datasets.files import write_data
from potentials.datasets.ljat3 import generate
from potentials.lj import LennardJones

pytestmark = pytest.mark.gpu

#: Tasks in one launch; images of a band; searches of a survey by two cores, and with the device.
COUNT = 4096
IMAGES = 20
SEARCHES = {"two cores": 60, "device": 1200}


@pytest.fixture(scope="module")
def device():
    try:
        made = Device()
    except InputError as error:
        pytest.skip(str(error))
    yield made
    made.close()


@pytest.fixture
def row(capsys):
    def write(what, figure, unit, aim=""):
        with capsys.disabled():
            print(f"\n| {what} | {figure:.4g} {unit} | {aim} |")

    return write


def rate(server, requests):
    """Requests served per second, the second time."""
    server.serve(requests)
    began = time.perf_counter()
    server.serve(requests)
    return len(requests) / (time.perf_counter() - began)


def processor_rate(requests):
    """Requests served per second of one core."""
    began = time.process_time()
    for request in requests:
        request.run()
    return len(requests) / (time.process_time() - began)


def test_bands_searches_and_descents(device, row):
    potential = LennardJones(38)
    settings = default_settings(potential)
    rng = np.random.default_rng(3)
    ends = [quench(potential, potential.random_coordinates(rng), settings).coordinates for _ in range(16)]
    server = DeviceServer(potential, device)
    bands, saddles, descents = [], [], []
    for k in range(COUNT):
        start, finish = ends[k % 16], ends[(k // 16 + k + 1) % 16]
        points = interpolate(potential, start, finish, IMAGES)
        band = Band(potential, start, finish, IMAGES, settings.spring)
        bands.append(RelaxBand(band, points, settings, 100, 1e-9, 1.0))
        direction = rng.standard_normal(potential.n_variables)
        point = start + 0.5 * direction / np.linalg.norm(direction)
        saddles.append(FindSaddle(searcher(potential, settings), point, direction, settings, MAX_ENERGY))
        descents.append(GoAhead(start + 1.5 * direction / np.linalg.norm(direction), settings, settings.newton_rms))
    few = 20
    row("LJ38 bands of 20 images, 100 iterations", rate(server, bands), f"/s ({processor_rate(bands[:few]):.3g} by a core)")
    row("LJ38 eigenvector searches", rate(server, saddles), f"/s ({processor_rate(saddles[:few]):.3g} by a core)")
    row("LJ38 steepest descents", rate(server, descents), "/s")


def test_survey_of_a_network(device, row, tmp_path):
    """Searches per second of SURVEY for [2, 10, 4] on 1000 items (D1), beside two cores of this machine."""
    data = generate(2.0 * np.sqrt(3.0), 1000, 6)
    rates = {}
    for name, keywords in (("two cores", "CPUS 2"), ("device", "CPUS 0\nCUDA 512")):
        directory = tmp_path / name
        directory.mkdir()
        write_data(directory / "MLPdata", data.inputs, data.classes)
        (directory / "odata.connect").write_text(
            "MLPVB3 2 1 10 4 1000 1D-4\nNEWCONNECT 5 2 3.0 20.0 20 0.5 0.01\nUPDATES 100\nVARIABLES\n"
        )
        (directory / "pathdata").write_text(f"SEED 1\nSURVEY {SEARCHES[name]}\n{keywords}\n")
        began = time.perf_counter()
        assert run(directory) == 0
        rates[name] = SEARCHES[name] / (time.perf_counter() - began)
    row("D1 survey, searches", rates["device"], "/s")
    row("D1 survey beside two cores", rates["device"] / rates["two cores"], "times", "20 times")
