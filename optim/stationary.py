"""Verification and records of stationary points: nothing is accepted before its gradient and its index were checked."""

import numpy as np

from common.errors import ConvergenceError
from common.stationary_points import Minimum, TransitionState
from potentials import characterise
from potentials.characterise import gradient_rms, hessian_spectrum, stored_rms

MAX_NEWTON = 20
#: Rayleigh quotient iterations for a downhill eigenvector (convergence is cubic), and the residual that is enough, in units of
#: the largest diagonal element of the Hessian.
RAYLEIGH_ITERATIONS = 4
EIGENVECTOR_RESIDUAL = 1e-12
#: A step that does not lower the gradient is halved so often, unless the RMS gradient is below this: rounding error.
MAX_HALVINGS = 8
SETTLED_RMS = 1e-13
#: A Newton step this short is within reach of quadratic convergence.
CLOSE_STEP = 1e-3


class WrongIndexError(ConvergenceError):
    """A stationary point with another number of negative eigenvalues than was asked for.

    Attributes
    ----------
    coordinates : ndarray of shape (n_variables,)
        The stationary point.
    energy : float
    index : int
    vectors : ndarray of shape (n_variables, index)
        Eigenvectors of the negative eigenvalues, the lowest first.
    """

    def __init__(self, text, coordinates, energy, spectrum):
        super().__init__(text)
        self.coordinates = coordinates
        self.energy = energy
        self.index = spectrum.index
        self.vectors = spectrum.vectors[:, : spectrum.index]


def newton_stationary(potential, x, max_step, max_iterations=MAX_NEWTON):
    """Newton-Raphson steps to the nearest stationary point of whatever index, zero modes projected out.

    The step solves (H + s Z^T Z) d = -g, is at most ``max_step`` long, and the iteration ends when the RMS gradient
    no longer falls.

    Returns
    -------
    coordinates, energy, rms, hessian
    """
    from scipy.linalg.lapack import dsysv

    x = np.array(x, dtype=float).ravel()
    e, g = potential.energy_gradient(x)
    rms = gradient_rms(g)
    hessian = potential.hessian(x)
    for _ in range(max_iterations):
        if rms == 0.0 or not np.isfinite(rms):
            break
        _, _, step, info = dsysv(characterise.lifted(hessian, potential.symmetry.zero_modes(x)), -g, lower=1)
        if info:
            break
        length = float(np.linalg.norm(step))
        if not np.isfinite(length):
            break
        if length > max_step:
            step *= max_step / length
        for _ in range(MAX_HALVINGS):
            x_new = x + step
            e_new, g_new = potential.energy_gradient(x_new)
            rms_new = gradient_rms(g_new)
            # the gradient falls along a short enough step; the whole one may go too far where the curvature is soft
            if rms_new < rms or rms < SETTLED_RMS:
                break
            step *= 0.5
        if not rms_new < rms:
            break
        slow = rms_new > 0.5 * rms
        x, e, g, rms = x_new, e_new, g_new, rms_new
        hessian = potential.hessian(x)
        # quadratic convergence ends at the rounding error of the gradient
        if (slow and rms < 1e-12) or rms < 1e-14 * characterise.stiffness(hessian):
            break
    return x, float(e), rms, hessian


def newton_raphson(potential, x, max_step, max_iterations):
    """Newton-Raphson steps from anywhere to a stationary point of whatever index (SEARCH 1).

    The step is uphill along the modes of negative and downhill along those of positive curvature and at most ``max_step`` long;
    within reach of the stationary point `newton_stationary` takes over.

    Returns
    -------
    coordinates, energy, rms, hessian
    """
    x = np.array(x, dtype=float).ravel()
    for _ in range(max_iterations):
        g = potential.gradient(x)
        if not np.isfinite(g).all():
            break
        spectrum = hessian_spectrum(potential, x, vectors=True)
        size = np.where(np.abs(spectrum.values) > spectrum.cutoff, spectrum.values, np.inf)
        step = -spectrum.vectors @ ((spectrum.vectors.T @ g) / size)
        length = float(np.linalg.norm(step))
        if length <= CLOSE_STEP:
            break
        x = x + min(1.0, max_step / length) * step
    return newton_stationary(potential, x, max_step)


def characterise_minimum(potential, x, energy=None, settings=None, *, eigenvalues=None, polish=True):
    """Polish, verify and describe a minimum.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
        A converged minimisation.
    energy : float, optional
        Ignored.
    settings : OptimSettings, optional
    eigenvalues : bool, optional
        Keep all Hessian eigenvalues in the record (path.info needs them); default ``settings.eigenvalues``.
    polish : bool
        Take Newton steps first; False verifies the point as it is.

    Returns
    -------
    Minimum

    Raises
    ------
    ConvergenceError
        If the RMS gradient stays too large or an eigenvalue beyond the zero modes is negative.
    """
    if settings is not None and not settings.uses_newton(potential):
        return _large_minimum(potential, x, settings)
    if eigenvalues is None:
        eigenvalues = settings is None or settings.eigenvalues
    return characterise.characterise_minimum(
        potential, x, eigenvalues=eigenvalues, max_step=None if settings is None else settings.max_step, polish=polish
    )


def _large_minimum(potential, x, settings):
    """Record of a minimum of a problem too large for its Hessian: gradient, and sign of the lowest eigenvalue."""
    from optim.lanczos import lowest_eigenpairs

    x = np.array(x, dtype=float).ravel()
    e, g = potential.energy_gradient(x)
    if not gradient_rms(g) <= settings.rms:
        raise ConvergenceError(f"not a minimum: RMS gradient {gradient_rms(g):.3g}, {settings.rms:.3g} needed")
    lowest = lowest_eigenpairs(potential, x, 1)
    if lowest.index:
        raise ConvergenceError(f"not a minimum: lowest eigenvalue {lowest.values[0]:.6g}")
    return Minimum(energy=e, coordinates=potential.symmetry.standard_frame(x))


def characterise_transition_state(potential, x, energy=None, settings=None, *, eigenvalues=None, vector=None):
    """Polish, verify and describe a transition state.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
        End of a search.
    energy : float, optional
        Ignored.
    settings : OptimSettings, optional
    eigenvalues : bool, optional
        Keep all Hessian eigenvalues in the record; default ``settings.eigenvalues``.
    vector : ndarray of shape (n_variables,), optional
        The downhill eigenvector as the search left it. With it the index is proved by two factorisations instead of
        eigenvectors; the Lanczos method of large problems starts with it.

    Returns
    -------
    record : TransitionState
        In the coordinates of the search (so that its paths start where it is).
    vector : ndarray of shape (n_variables,)
        The downhill eigenvector.

    Raises
    ------
    ConvergenceError
        If the RMS gradient stays too large or the Hessian has not exactly one negative eigenvalue beyond the zero modes.
    """
    if settings is not None and not settings.uses_newton(potential):
        return _large_transition_state(potential, x, settings, vector)
    if eigenvalues is None:
        eigenvalues = settings is None or settings.eigenvalues
    limit = 0.1 if settings is None else settings.ef_max_step
    x, e, rms, hessian = newton_stationary(potential, x, limit)
    goal = stored_rms(potential, x, hessian)
    if not rms <= goal:
        raise ConvergenceError(f"not a transition state: RMS gradient {rms:.3g} after Newton steps, {goal:.3g} needed")
    proof = None if vector is None else _index_one(potential, x, hessian, vector)
    values = None
    if proof is not None:
        lowest, vector, log_product = proof
        if eigenvalues:
            values = hessian_spectrum(potential, x, hessian=hessian).all_descending()
    else:
        spectrum = hessian_spectrum(potential, x, vectors=True, hessian=hessian)
        if spectrum.index != 1:
            raise WrongIndexError(f"not a transition state: {spectrum.index} negative eigenvalues", x, e, spectrum)
        lowest, vector, log_product = spectrum.values[0], np.ascontiguousarray(spectrum.vectors[:, 0]), spectrum.log_product
        values = spectrum.all_descending() if eigenvalues else None
    symmetry = potential.symmetry
    record = TransitionState(
        energy=e,
        coordinates=x,
        log_product=log_product,
        order=int(symmetry.order(x)),
        inertia=tuple(float(v) for v in symmetry.inertia(x)),
        negative_eigenvalue=float(lowest),
        eigenvalues=values,
        point_group=symmetry.point_group(x),
    )
    return record, vector


def _index_one(potential, x, hessian, vector):
    """(lowest eigenvalue, eigenvector, ln of the product of the others) where the Hessian has index one; None if unsure.

    The eigenvector v with eigenvalue l is converged by Rayleigh quotient iteration. If then H + s Z^T Z + (s - l) v v^T, in
    which the zero modes and v have the eigenvalue s, has a Cholesky factor, l < 0 is the only negative eigenvalue, and the
    factor gives the product of the others.
    """
    from scipy.linalg.lapack import dpotrf, dsysv

    zero = potential.symmetry.zero_modes(x)
    n = len(x)
    v = vector - zero.T @ (zero @ vector) if len(zero) else np.array(vector, dtype=float)
    v /= np.linalg.norm(v)
    raised = characterise.lifted(hessian, zero)
    stiff = characterise.stiffness(hessian)
    for attempt in range(RAYLEIGH_ITERATIONS + 1):
        product = raised @ v
        value = float(v @ product)
        product -= value * v
        if np.linalg.norm(product) < EIGENVECTOR_RESIDUAL * stiff:
            break
        if attempt == RAYLEIGH_ITERATIONS or not value < 0.0:
            return None
        shifted = raised.copy()
        shifted.flat[:: n + 1] -= value
        _, _, w, info = dsysv(shifted, v, lower=1, overwrite_a=1)
        if info or not np.isfinite(w).all():
            return None
        v = w / np.linalg.norm(w)
    if not value < -characterise.ZERO_CUTOFF:
        return None
    shift = max(1.0, stiff)
    total = characterise.log_determinant(raised + ((shift - value) * v)[:, None] * v, shift, dpotrf)
    if total is None:
        return None
    return value, v, total - np.log(shift) - len(zero) * np.log(characterise.lift(hessian))


def _large_transition_state(potential, x, settings, guess):
    """Record without a Hessian: gradient, and signs of the two lowest eigenvalues."""
    from optim.lanczos import lowest_eigenpairs

    x = np.array(x, dtype=float).ravel()
    e, g = potential.energy_gradient(x)
    if not gradient_rms(g) <= settings.ts_rms:
        raise ConvergenceError(f"not a transition state: RMS gradient {gradient_rms(g):.3g}, {settings.ts_rms:.3g} needed")
    lowest = lowest_eigenpairs(potential, x, 2, guess)
    if lowest.index != 1:
        number = "at least 2" if lowest.index else "0"
        raise WrongIndexError(f"not a transition state: {number} negative eigenvalues", x, e, lowest)
    record = TransitionState(energy=e, coordinates=x, negative_eigenvalue=float(lowest.values[0]))
    return record, np.ascontiguousarray(lowest.vectors[:, 0])
