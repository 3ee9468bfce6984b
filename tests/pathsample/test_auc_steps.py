"""AUCSTEPS: networks trained on what quenches pass through."""

from types import SimpleNamespace

import numpy as np
import pytest

from common.errors import InputError
from pathsample.learning.auc_steps import auc_steps, different
from potentials.network_file import read_network_file

NETWORK = """layers: [2, 3, 4]
lambda: 1e-3
data: {generator: ljat3, side: 3.4641016, items: 80, test_items: 60, seed: 3, normalise: standard}
"""


@pytest.fixture
def described(tmp_path):
    path = tmp_path / "network.yaml"
    path.write_text(NETWORK)
    return read_network_file(path)


def test_inputs_are_those_of_the_option_before(described, tmp_path):
    found = list(described.quench_inputs(90))
    for s in (0, 7, 90):
        path = tmp_path / f"before{s}.yaml"
        path.write_text(NETWORK.replace("seed: 3", f"seed: 3, before: {s}"))
        data = read_network_file(path).data
        np.testing.assert_array_equal(found[s][0], data.inputs)
        np.testing.assert_array_equal(found[s][1], data.test_inputs)
        np.testing.assert_array_equal(described.data.classes, data.classes)


def test_prediction_is_easy_near_convergence(described):
    found = auc_steps(described, [1, 30, 60], 3, 1, lambdas=[1e-2], known=[np.zeros(25)])
    # the inputs of converged geometries tell the triangle by themselves
    assert found.test[0] == 1.0
    assert found.test[2] < 0.9
    assert (found.best >= found.test).all()
    assert set(found.best_from) <= {-1, 1, 30, 60}
    assert found.n_minima >= 1 + 2 * 3
    again = auc_steps(described, [1, 30, 60], 3, 1, lambdas=[1e-2], known=[np.zeros(25)])
    np.testing.assert_array_equal(found.test, again.test)
    with pytest.raises(InputError, match="need items of class 9"):
        auc_steps(described, [1], 0, 1, outcome=9)


def test_one_minimum_for_each_loss():
    search = SimpleNamespace(energy=1.0, energies=np.array([1.5, 1.0 + 1e-9, np.inf, 1.5 + 1e-8, 1.2]), minima=list("abcde"))
    assert different(search) == ["e", "a"]


def test_other_data_have_no_quenches(tmp_path):
    path = tmp_path / "network.yaml"
    path.write_text("layers: [2, 3, 2]\nlambda: 1e-3\ndata: {generator: spirals, items: 20}\n")
    with pytest.raises(InputError, match="no outcomes of geometry optimisation"):
        next(read_network_file(path).quench_inputs(3))
