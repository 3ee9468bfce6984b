"""A chain of particles, each in a tilted double well, with springs between neighbours."""

import numpy as np


def wells(n_particles, spring):
    """What POTENTIAL python landscape:wells calls with the arguments of its line.

    Returns the function, the number of variables, and options: Hessian, random starting points, symmetry, step_scale.
    """

    def energy_and_gradient(x):
        apart = np.diff(x)
        energy = np.sum(x**4 - 4.0 * x**2 + 0.5 * x) + 0.5 * spring * np.sum(apart**2)
        gradient = 4.0 * x**3 - 8.0 * x + 0.5
        gradient[1:] += spring * apart
        gradient[:-1] -= spring * apart
        return energy, gradient

    def hessian(x):
        h = np.diag(12.0 * x**2 - 8.0)
        for i in range(n_particles - 1):
            h[i : i + 2, i : i + 2] += spring * np.array([[1.0, -1.0], [-1.0, 1.0]])
        return h

    def start(rng):
        return rng.uniform(-2.0, 2.0, n_particles)

    return energy_and_gradient, n_particles, {"hessian": hessian, "start": start, "step_scale": 1.0}


def mueller_brown():
    """The surface of Mueller and Brown, Theor. Chim. Acta 53, 75 (1979): POTENTIAL python landscape:mueller_brown.

    Without a Hessian: it is then made from differences of the gradient.
    """
    height = np.array([-200.0, -100.0, -170.0, 15.0])
    a, b, c = np.array([-1.0, -1.0, -6.5, 0.7]), np.array([0.0, 0.0, 11.0, 0.6]), np.array([-10.0, -10.0, -6.5, 0.7])
    x0, y0 = np.array([1.0, 0.0, -0.5, -1.0]), np.array([0.0, 0.5, 1.5, 1.0])

    def energy_and_gradient(x):
        dx, dy = x[0] - x0, x[1] - y0
        terms = height * np.exp(a * dx**2 + b * dx * dy + c * dy**2)
        return terms.sum(), np.array([(terms * (2 * a * dx + b * dy)).sum(), (terms * (b * dx + 2 * c * dy)).sum()])

    return energy_and_gradient, 2, {"start": lambda rng: rng.uniform([-1.5, -0.5], [1.2, 2.0]), "step_scale": 0.3}
