"""Rates, committors and targets at the end of every cycle of growth."""

import numpy as np
import pytest
from engines import ShuffledEngine

from common.database import Database
from pathsample.growth import Growing
from pathsample.kinetics.graph_transformation import transform
from pathsample.kinetics.rates import canonical, make_network, read_arrays
from potentials.symmetry import NoSymmetry

GROWTH = "TEMPERATURE 0.5\nJOBSPERCYCLE 2\nNEWCONNECTIONS 4 9\n"


@pytest.fixture
def grow(tmp_path, plane, plane_setup, quiet, monkeypatch):
    """Grows the landscape of the plane from two of its corners; returns the growth and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(text):
        last = plane.side - 1
        path = tmp_path / "landscape.db"
        path.unlink(missing_ok=True)
        with Database(path, symmetry=NoSymmetry(), n_variables=2) as database:
            database.add_minima([plane.minimum(a, b) for a in (0, last) for b in (0, last)])
            database.add_triples(plane.connect(plane.minimum(0, 0), plane.minimum(last, last), np.random.default_rng(1)))
            database.set_endpoints("A", [1])
            database.set_endpoints("B", [4])
            growth = Growing(plane_setup(GROWTH + text, workers=1), database, ShuffledEngine(1, 0), quiet)
            growth.run()
            minima, states, sets = read_arrays(database)
            growth.exact = transform(make_network(minima, states, sets, *canonical(minima, states, 0.5)))
        return growth, quiet.stream.getvalue()

    return run


def test_rates_after_every_cycle(grow, tmp_path):
    growth, text = grow("CYCLES 4\nRATESCYCLE 0.5 1.0\nGT 0 2\nPFOLD 50 3")
    cycles = text.count("cycle2> end of cycle")
    assert cycles == 4
    assert text.count("NGT> temperature") == 2 * cycles
    # GT every other cycle, PFOLD every third
    assert text.count("NGT> kSS") == 2 * cycles + cycles // 2
    assert text.lower().count("pfold> ") >= 1
    table = np.loadtxt(tmp_path / "NGT.rates.new")
    assert table[:, 0].tolist() == [0.5, 1.0]
    assert table[0, 1] == pytest.approx(np.exp(growth.exact.ab.ln_k), rel=1e-9)


def test_growth_ends_when_the_target_rates_are_reached(grow):
    growth, text = grow("CYCLES 12\nTARGETRATES 1e-30 1e-30")
    assert growth.on_target
    assert text.count("cycle2> end of cycle") < 12
    assert "the targets have been reached" in text
    growth, text = grow("CYCLES 3\nTARGETRATES 1e30 1e30")
    assert not growth.on_target
    assert text.count("have not been reached") == 3


def test_cycles_without_a_path_between_the_sets_go_on(grow):
    _, text = grow("CYCLES 1\nRATESCYCLE 0.5\nTARGETRATES 1e-30 1e-30\nNCONNMIN 50")
    assert text.count("cycle2> end of cycle") == 1
