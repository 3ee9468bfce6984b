"""Minimisation to a minimum: L-BFGS, finished by Newton steps where the Hessian is affordable (BFGSMIN, SEARCH 0)."""

import time

import numpy as np

from optim.requests import Minimise, on_processor
from potentials.characterise import gradient_rms, hessian_spectrum, newton_minimise

#: L-BFGS is resumed with a criterion this much smaller when the Hessian was not yet positive at the last one.
TIGHTEN = 0.1


def positive_definite(potential, x, hessian=None):
    """Whether the Hessian beyond the zero modes has no negative eigenvalue (decided by a Cholesky factorisation)."""
    from scipy.linalg.lapack import dpotrf

    from potentials.characterise import _shifted

    h = potential.hessian(x) if hessian is None else hessian
    if not np.isfinite(h).all():
        return False
    shifted, _ = _shifted(h, potential.symmetry.zero_modes(x))
    return dpotrf(shifted, lower=1, clean=0)[1] == 0


def finish_by_newton(potential, x, settings):
    """Newton steps from a point in the convex region of a minimum; None where the Hessian is not positive definite."""
    if not positive_definite(potential, x):
        return None
    return newton_minimise(potential, x, max_step=settings.max_step)


def quench(potential, x, settings):
    """Minimise from x.

    L-BFGS runs to ``newton_rms``; if the Hessian is positive definite there, Newton steps finish (quadratic convergence, which
    on soft landscapes replaces thousands of steps by a handful), otherwise L-BFGS goes on. Without Newton steps (large
    problems) L-BFGS runs to ``rms``.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
    settings : OptimSettings

    Returns
    -------
    Result
        ``converged`` when the RMS gradient is below ``settings.rms``.
    """
    return on_processor(quench_steps(potential, x, settings))


def quench_steps(potential, x, settings):
    """`quench` as a coroutine (`optim.requests`)."""
    start = time.perf_counter()
    calls = potential.calls
    newton = settings.uses_newton(potential)
    goal = max(settings.rms, settings.newton_rms) if newton else settings.rms
    steps = 0
    while True:
        result = yield Minimise(potential, x, settings, goal, max(settings.max_iterations - steps, 0))
        steps += result.iterations
        if newton and result.converged:
            finished = finish_by_newton(potential, result.coordinates, settings)
            if finished is not None and finished[2] < settings.rms:
                result.coordinates, result.energy, result.rms, _ = finished
                result.gradient = potential.gradient(result.coordinates)
                break
        if not result.converged or goal <= settings.rms:
            break
        goal = max(settings.rms, goal * TIGHTEN)
        x = result.coordinates
    result.iterations = steps
    result.converged = bool(result.rms < settings.rms)
    result.calls = int(potential.calls - calls)
    result.seconds = time.perf_counter() - start
    return result


__all__ = ["finish_by_newton", "gradient_rms", "hessian_spectrum", "positive_definite", "quench", "quench_steps"]
