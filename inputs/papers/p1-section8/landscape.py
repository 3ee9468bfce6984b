"""A sum of double wells whose basins are known."""

import numpy as np

#: Place of the barrier between the wells at -1 and 1: in [-2, 2] the basins have 0.6 and 0.4 of a side.
BARRIER = 0.4


def wells(n):
    """Energy and gradient, the number of variables, and the Hessian."""

    def energy_and_gradient(x):
        energy = x**4 / 4 - BARRIER * x**3 / 3 - x**2 / 2 + BARRIER * x
        return energy.sum(), (x + 1) * (x - BARRIER) * (x - 1)

    def hessian(x):
        return np.diag(3 * x**2 - 2 * BARRIER * x - 1)

    return energy_and_gradient, n, {"hessian": hessian, "start": lambda rng: rng.uniform(-2.0, 2.0, n), "step_scale": 0.5}
