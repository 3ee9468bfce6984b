"""Complete surveys of the smallest clusters: the published numbers of minima and transition states, not one more."""

import numpy as np
import pytest

from optim.connect import Connector, as_minimum
from optim.settings import OptimSettings
from optim.single_ended import search
from potentials.lj import LennardJones


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
