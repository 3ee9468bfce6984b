"""Problems with thousands of variables: no Hessian is formed, and what is found is right."""

import subprocess
import sys

import numpy as np
import pytest

from common.errors import ConvergenceError
from optim.connect import as_minimum
from optim.jobs import connect
from optim.lanczos import lowest_eigenpairs
from optim.settings import default_settings
from optim.stationary import WrongIndexError, characterise_transition_state
from potentials.callable import CallablePotential
from potentials.characterise import hessian_spectrum
from potentials.lj import LennardJones
from potentials.mlp import MultilayerPerceptron


@pytest.mark.parametrize("count", [1, 2, 5])
def test_lanczos_agrees_with_the_dense_spectrum(count):
    potential = LennardJones(38)
    x = as_minimum(potential, potential.random_coordinates(np.random.default_rng(3)), default_settings(potential)).coordinates
    dense = hessian_spectrum(potential, x).values[:count]
    found = lowest_eigenpairs(potential, x, count)
    assert np.all(np.abs(found.values - dense) <= 0.05 * dense)
    assert found.index == 0
    # the zero modes are left out
    assert found.values[0] > 0.1


def test_lanczos_on_a_small_problem_is_exact():
    matrix = np.diag([-2.0, -1.0, 3.0, 3.0, 3.0])
    saddle = CallablePotential(lambda x: (0.5 * x @ matrix @ x, matrix @ x), 5)
    found = lowest_eigenpairs(saddle, np.zeros(5), 2)
    assert found.values == pytest.approx([-2.0, -1.0], abs=1e-8)
    assert found.index == 2
    assert np.abs(found.vectors[:, 0]) == pytest.approx([1, 0, 0, 0, 0], abs=1e-6)


def test_products_with_vectors_agree_with_the_hessian():
    rng = np.random.default_rng(0)
    potential = LennardJones(13)
    x, v = potential.random_coordinates(rng), rng.standard_normal(39)
    exact = potential.hessian(x) @ v
    assert potential.hessian_vector(x, v) == pytest.approx(exact, rel=1e-4, abs=1e-4 * np.abs(exact).max())
    assert potential.hessian_vector(x, 0.0 * v) == pytest.approx(np.zeros(39), abs=0.0)


def test_wrong_index_is_refused_without_a_hessian():
    matrix = np.diag(np.concatenate([[-2.0, -1.0], np.linspace(0.5, 3.0, 498)]))
    saddle = CallablePotential(lambda x: (0.5 * x @ matrix @ x, matrix @ x), 500)
    settings = default_settings(saddle)
    with pytest.raises(WrongIndexError, match="at least 2 negative eigenvalues") as caught:
        characterise_transition_state(saddle, np.zeros(500), settings=settings)
    assert caught.value.vectors.shape == (500, 2)
    with pytest.raises(ConvergenceError, match="not a minimum: lowest eigenvalue -2"):
        as_minimum(saddle, np.zeros(500), settings)


def network(lam=1e-2):
    """2230 variables on 300 items drawn at random, and two of its minima."""
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 10, 300)
    inputs = rng.uniform(size=(300, 200)) * (rng.uniform(size=(300, 200)) < 0.2)
    potential = MultilayerPerceptron((200, 10, 10, 10), inputs, classes, lam)
    settings = default_settings(potential)
    ends = []
    while len(ends) < 2:
        try:
            ends.append(as_minimum(potential, 0.5 * rng.normal(size=potential.n_variables), settings))
        except ConvergenceError:
            continue
    return potential, settings, ends, rng


MEMORY = """
import os
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import resource
from tests.optim.test_large import connect, network

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
potential, settings, ends, rng = network()
result = connect(*ends, potential, settings.with_changes(cycles=1, image_max=10), rng)
assert potential.n_variables == 2230
print(potential.hessian_calls, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_no_hessian_of_a_network_is_formed():
    # in a process of its own, whose peak of memory is that of the search
    outcome = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stderr
    hessians, kilobytes = map(int, outcome.stdout.split())
    assert hessians == 0
    # a Hessian has 40 MB
    assert kilobytes < 0.8 * 2230**2 * 8 / 1024


@pytest.mark.slow
@pytest.mark.parametrize("lam", [1e-2, 1e-3, 1e-4])
def test_transition_states_of_a_large_network_have_index_one(lam):
    # at 1e-3 and below random labels are learnt by heart: eigenvalues of 1e-5 beside some of 1
    potential, settings, ends, rng = network(lam)
    result = connect(*ends, potential, settings.with_changes(cycles=1), rng)
    assert len(result) > 0
    assert potential.hessian_calls == 0
    ts = result[0].transition_state
    values = np.linalg.eigvalsh(potential.hessian(ts.coordinates))
    assert np.count_nonzero(values < -1e-9) == 1
    assert values[0] == pytest.approx(ts.negative_eigenvalue, rel=1e-3)
