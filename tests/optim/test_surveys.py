"""Complete surveys of the smallest clusters: the published numbers of minima and transition states, not one more."""

import numpy as np
import pytest

from optim.connect import Connector, as_minimum
from optim.settings import OptimSettings, default_settings
from optim.single_ended import random_start, search, search_anywhere
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron


def survey(n_atoms, searches, wanted=None):
    """(minima, transition states) known after single-ended searches from every minimum in turn."""
    potential, settings = LennardJones(n_atoms), OptimSettings()
    rng = np.random.default_rng(0)
    known = Connector(potential, settings, rng)
    known.add_minimum(as_minimum(potential, potential.random_coordinates(rng), settings))
    states = []
    for k in range(searches // 10):
        minimum = known.minima[k % len(known.minima)]
        for triple in search(potential, minimum, settings, rng, 10, states, displacement=(1.0, 3.0)[k % 2]):
            states.append(triple.transition_state)
            known.add_minimum(triple.plus)
            known.add_minimum(triple.minus)
        if wanted is not None and len(states) > wanted:
            break
    return len(known.minima), len(states)


@pytest.mark.parametrize(("n_atoms", "searches", "minima", "states"), [(7, 600, 4, 12), (8, 6000, 8, 42)])
def test_published_counts(n_atoms, searches, minima, states):
    # Doye and Wales, J. Chem. Phys. 116, 3777 (2002)
    assert survey(n_atoms, searches, states) == (minima, states)


def test_random_starts_lead_to_every_transition_state():
    # the same 12 as above, without knowing any minimum
    rng = np.random.default_rng(1)
    states = search_anywhere(LennardJones(7), OptimSettings(), rng, 150)
    assert len(states) == 12
    assert len({round(m.energy, 6) for t in states for m in (t.plus, t.minus)}) == 4


def test_random_starts_of_networks_span_the_scales():
    potential = xor(1, 1e-3)
    rng = np.random.default_rng(1)
    lengths = [np.linalg.norm(random_start(potential, rng)) for _ in range(100)]
    assert min(lengths) < 0.02
    assert max(lengths) > 5.0
    cluster = LennardJones(7)
    lengths = [np.linalg.norm(random_start(cluster, rng)) for _ in range(20)]
    assert max(lengths) < 3.0 * min(lengths)


def xor(n_hidden, lam):
    return MultilayerPerceptron((2, n_hidden, 2), *xor_data(), lam)


def test_transition_states_of_exclusive_or_with_one_hidden_node():
    # energies of an independent search: 1,200 starts of a trust-region Newton search in the reduced variables
    settings = default_settings(xor(1, 1e-3))
    settings.energy_tolerance, settings.distance_tolerance, settings.ts_rms = 1e-12, 1e-4, 1e-10
    states = search_anywhere(xor(1, 1e-3), settings, np.random.default_rng(3), 80)
    energies = sorted(t.transition_state.energy for t in states)
    expected = [0.69315331994233, 0.69316174756737, 0.69316174756737, 0.69320003210862]
    assert np.allclose(energies, expected, rtol=0, atol=1e-13)
