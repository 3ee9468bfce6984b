"""Values computed independently by automatic differentiation (a directory beside the project, skipped where it is absent)."""

import json
from pathlib import Path

import numpy as np
import pytest

from potentials.ljat import LennardJonesAxilrodTeller
from potentials.mlp import MultilayerPerceptron

REFERENCE = Path(__file__).resolve().parents[2] / "../shared/reference/values.json"
pytestmark = [pytest.mark.validation, pytest.mark.skipif(not REFERENCE.exists(), reason="reference values are not here")]


def cases(kind):
    return json.loads(REFERENCE.read_text(encoding="utf-8"))[kind] if REFERENCE.exists() else []


def close(value, expected, scale=None):
    """To 1e-10 of the expected value, or of the scale where it is one of many numbers."""
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-10 * abs(scale) if scale else 0.0)


@pytest.mark.parametrize("case", cases("mlp"), ids=lambda c: "-".join(map(str, c["layers"])))
def test_network(case):
    layers, n, s = case["layers"], case["n_data"], case["s"]
    a = np.arange(n)
    inputs = 1.5 + np.cos(0.37 * a[:, None] * (1 + 0.1 * s) + 1.1 * np.arange(layers[0]) + 0.5 * s)
    potential = MultilayerPerceptron(layers, inputs, (3 * a + a * a + s) % layers[-1], case["lam"], case["regularise_biases"])
    i = np.arange(potential.n_variables)
    w = 0.7 * np.sin(1.3 * i + 0.4 + 0.2 * s) + 0.2 * np.cos(0.31 * i**2)
    energy, gradient = potential.energy_gradient(w)
    close(energy, case["loss"])
    close(np.linalg.norm(gradient), case["grad_norm"])
    close(gradient[:3], case["grad_first3"], case["grad_norm"])
    close(gradient[-3:], case["grad_last3"], case["grad_norm"])
    hessian = potential.hessian(w)
    values = np.linalg.eigvalsh(hessian)
    close(np.trace(hessian), case["hess_trace"], case["hess_max"])
    close(values[[0, -1]], [case["hess_min"], case["hess_max"]])


@pytest.mark.parametrize("case", cases("ljat"), ids=lambda c: f"{c['n_atoms']} atoms")
def test_axilrod_teller(case):
    n = case["n_atoms"]
    lattice = np.array([(a, b, c) for a in range(3) for b in range(2) for c in range(2)][:n])
    x = 1.2 * lattice.ravel() + 0.1 * np.sin(2.1 * np.arange(3 * n) + case["s"])
    potential = LennardJonesAxilrodTeller(n, case["Z"])
    energy, gradient = potential.energy_gradient(x)
    close(energy, case["energy"])
    close(np.linalg.norm(gradient), case["grad_norm"])
    close(gradient[:3], case["grad_first3"], case["grad_norm"])
    values = np.linalg.eigvalsh(potential.hessian(x))
    close(values[-1], case["hess_max"])
    close(values[0], case["hess_min"], case["hess_max"])
