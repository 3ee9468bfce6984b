"""Transition states found again from perturbed starts: the same energy and the same two minima, also where modes are soft."""

from collections import Counter

import numpy as np
import pytest

from common.errors import ConvergenceError
from optim.connect import Connector, as_minimum
from optim.path import follow_path
from optim.settings import default_settings
from optim.single_ended import search
from optim.transition_state import locate, searcher
from potentials.characterise import hessian_spectrum
from potentials.datasets.ljat3 import generate
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron


def prediction_network():
    """[2, 10, 4] on 1000 quenches of three atoms, the data set D1 of Chitturi et al. (2020)."""
    data = generate(2.0 * np.sqrt(3.0), 1000, 6)
    return MultilayerPerceptron((2, 10, 4), data.inputs, data.classes, 1e-4)


SYSTEMS = {
    "LJ13": lambda: LennardJones(13),
    "LJ38": lambda: LennardJones(38),
    "XOR": lambda: MultilayerPerceptron((2, 6, 2), *xor_data(), 1e-6),
    "D1": prediction_network,
}


#: Length of the perturbation, in the units of the variables. The region around a transition state in which a search stays is
#: small where curvatures are 6e-8 and the next saddle is 0.02 away.
PERTURBATION = {"LJ13": 0.01, "LJ38": 0.01, "XOR": 3e-4, "D1": 3e-3}


def explore(potential, settings, count, seed):
    """Distinct triples of single-ended searches from random minima."""
    rng = np.random.default_rng(seed)
    known, triples = Connector(potential, settings, rng), []
    known.add_minimum(as_minimum(potential, potential.random_coordinates(rng), settings))
    k = 0
    while len(triples) < count and k < 20 * count:
        states = [triple.transition_state for triple in triples]
        for triple in search(potential, known.minima[k % len(known.minima)], settings, rng, 4, states):
            triples.append(triple)
            known.add_minimum(triple.plus)
            known.add_minimum(triple.minus)
        k += 1
    return triples


def again(potential, settings, triple, rng, length):
    """What a search and its paths from beside a transition state give, against what was found before."""
    ts, n = triple.transition_state, potential.n_variables

    def same(a, b):
        return abs(a.energy - b.energy) < 1e-9 and potential.symmetry.same(
            a.coordinates, b.coordinates, settings.distance_tolerance
        )

    push = rng.standard_normal(n)
    push *= length / np.linalg.norm(push)
    start = ts.coordinates + push
    vector = hessian_spectrum(potential, start, vectors=True).vectors[:, 0] + 0.3 * rng.standard_normal(n) / np.sqrt(n)
    try:
        record, vector = locate(potential, searcher(potential, settings), start, vector, settings)
        if not same(record, ts):
            return "another transition state"
        found = follow_path(potential, record, settings, vector).triple
    except ConvergenceError as error:
        return str(error)
    straight = same(found.plus, triple.plus) and same(found.minus, triple.minus)
    crossed = same(found.plus, triple.minus) and same(found.minus, triple.plus)
    return "the same" if straight or crossed else "other minima"


def outcomes(name, count, repeats=1):
    potential = SYSTEMS[name]()
    settings = default_settings(potential).with_changes(eigenvalues=False)
    triples = explore(potential, settings, count, 3)
    assert len(triples) >= count
    rng = np.random.default_rng(4)
    return Counter(again(potential, settings, triple, rng, PERTURBATION[name]) for triple in triples for _ in range(repeats))


@pytest.mark.parametrize(("name", "count"), [("LJ13", 50), ("LJ38", 8), ("XOR", 8)])
def test_found_again(name, count):
    found = outcomes(name, count)
    assert found["the same"] >= 0.98 * found.total(), found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("LJ13", 600), ("LJ38", 300), ("XOR", 30), ("D1", 40)])
def test_ninety_nine_in_a_hundred_are_found_again(name, count):
    found = outcomes(name, count)
    assert found["the same"] >= 0.99 * found.total(), found


def test_soft_connections_do_not_depend_on_the_start():
    """Eigenvalues of 1e-9 and barriers of 1e-11 (Mehta et al. 2018, section III): ten starts, the same two minima each time."""
    found = outcomes("XOR", 6, repeats=10)
    assert set(found) == {"the same"}
