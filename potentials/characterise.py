"""What a stationary point is: Hessian eigenvalues without the zero modes, Newton polish, the record of a verified minimum.

The zero modes of a potential are known exactly from its symmetry (rows of ``symmetry.zero_modes(x)``), so they are not
guessed from the size of an eigenvalue: they are shifted above the spectrum, H' = P H P + s Z^T Z, with P = 1 - Z^T Z and s
larger than every eigenvalue of H.
"""

from dataclasses import dataclass

import numpy as np

from common.errors import ConvergenceError
from common.stationary_points import Minimum

#: Eigenvalues whose size is below this fraction of the largest are zero as far as double precision can tell.
RELATIVE_ZERO = 1e-13
#: Eigenvalues below this size (in the units of the potential) are zero: the cutoff of the XOR networks, SCIENCE 2.3.
ZERO_CUTOFF = 1e-9
#: RMS gradient that a stored stationary point must reach, in units of the scale of its gradient terms.
STORED_RMS = 1e-9
MAX_NEWTON = 60
#: Zero modes are computed anew when the point has moved further than this fraction of the longest step.
ZERO_MODES_KEPT = 0.5
MAX_HALVINGS = 12


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Hessian eigenvalues at a point.

    Attributes
    ----------
    values : ndarray of shape (n_variables - k,)
        Eigenvalues orthogonal to the k zero modes, ascending.
    zeros : ndarray of shape (k,)
        Eigenvalues of the Hessian within the space of the zero modes; zero but for rounding and a nonzero gradient.
    vectors : ndarray of shape (n_variables, n_variables - k) or None
        Eigenvectors of ``values`` as columns.
    cutoff : float
        Values of smaller size count as zero.
    """

    values: np.ndarray
    zeros: np.ndarray
    vectors: np.ndarray | None
    cutoff: float

    @property
    def index(self):
        """Number of negative eigenvalues beyond the zero modes."""
        return int(np.count_nonzero(self.values < -self.cutoff))

    @property
    def log_product(self):
        """Sum of ln of the positive eigenvalues."""
        return float(np.log(self.values[self.values > self.cutoff]).sum())

    def all_descending(self):
        """All n_variables eigenvalues, zero modes included, largest first."""
        return np.sort(np.concatenate([self.values, self.zeros]))[::-1]


def _shifted(hessian, zero_modes):
    """(P H P + s Z^T Z, s): the zero modes moved to the eigenvalue s above all others."""
    shift = 2.0 * float(np.abs(hessian).sum(axis=1).max()) + 1.0
    if len(zero_modes) == 0:
        return hessian, shift
    hz = hessian @ zero_modes.T
    zhz = zero_modes @ hz
    shifted = hessian - hz @ zero_modes - zero_modes.T @ hz.T
    shifted += zero_modes.T @ ((zhz + shift * np.eye(len(zero_modes))) @ zero_modes)
    return shifted, shift


def lift(hessian):
    """Eigenvalue that `lifted` gives the zero modes: positive, and of the size of the curvatures."""
    return 1.0 + stiffness(hessian)


def lifted(hessian, zero_modes):
    """H + s Z^T Z with s from `lift`: what `_shifted` is at a stationary point, where H Z = 0, at a tenth of the cost."""
    if len(zero_modes) == 0:
        return hessian
    return hessian + (zero_modes.T * lift(hessian)) @ zero_modes


def log_determinant(matrix, shift, dpotrf):
    """ln det of a symmetric matrix by its Cholesky factor; None where an eigenvalue may be zero or negative."""
    factor, info = dpotrf(matrix, lower=1, clean=0)
    if info:
        return None
    diagonal = np.diagonal(factor)
    # the smallest pivot bounds the smallest eigenvalue from above only; a small one needs the eigenvalues themselves
    if diagonal.min() ** 2 < max(1e3 * ZERO_CUTOFF, 1e-10 * shift):
        return None
    return float(2.0 * np.log(diagonal).sum())


def hessian_spectrum(potential, x, *, vectors=False, hessian=None):
    """Eigenvalues of the Hessian at x with the zero modes separated exactly.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
    vectors : bool
        Also compute the eigenvectors.
    hessian : ndarray of shape (n_variables, n_variables), optional
        The Hessian at x, where it is known already.

    Returns
    -------
    Spectrum
    """
    x = np.asarray(x, dtype=float).ravel()
    h = potential.hessian(x) if hessian is None else hessian
    zero = potential.symmetry.zero_modes(x)
    shifted, _ = _shifted(h, zero)
    k = len(zero)
    n = len(x)
    zeros = np.linalg.eigvalsh(zero @ h @ zero.T) if k else np.empty(0)
    if vectors:
        values, columns = np.linalg.eigh(shifted)
        columns = columns[:, : n - k]
    else:
        values, columns = np.linalg.eigvalsh(shifted), None
    values = values[: n - k]
    largest = float(np.abs(values).max()) if len(values) else 0.0
    return Spectrum(values, zeros, columns, max(ZERO_CUTOFF, RELATIVE_ZERO * largest))


def _newton_step(hessian, zero_modes, gradient):
    """-H^-1 g beyond the zero modes, or -|H|^-1 g where H is not positive definite.

    The gradient has no part along the zero modes, so it is enough to lift them, H + s Z^T Z; the projection of `_shifted`
    matters for eigenvalues away from stationary points only.
    """
    from scipy.linalg.lapack import dposv

    shift = 1.0 + float(np.trace(hessian)) / len(gradient)
    if shift > 0.0:
        lifted = hessian + (zero_modes.T * shift) @ zero_modes if len(zero_modes) else hessian
        _, step, info = dposv(lifted, -gradient, lower=1)
        if info == 0:
            return step
    shifted, shift = _shifted(hessian, zero_modes)
    values, columns = np.linalg.eigh(shifted)
    size = np.maximum(np.abs(values), max(ZERO_CUTOFF, RELATIVE_ZERO * shift))
    return -columns @ ((columns.T @ gradient) / size)


def stiffness(hessian):
    """Size of the Hessian: its largest diagonal element."""
    return float(np.abs(np.diagonal(hessian)).max())


def gradient_rms(gradient):
    """RMS of a gradient: its norm over sqrt(n_variables)."""
    return float(np.linalg.norm(gradient)) / np.sqrt(len(gradient))


def newton_minimise(potential, x, *, max_step=None, max_iterations=MAX_NEWTON):
    """Converge a roughly quenched point to machine precision by Newton steps in the space orthogonal to the zero modes.

    The step is -sum_i (g.v_i)/|l_i| v_i, at most ``max_step`` long, halved while it raises both energy and gradient. It
    ends when the RMS gradient no longer falls, which quadratic convergence makes two to four steps after a quench.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
        A point near a minimum (RMS gradient of a sloppy quench).
    max_step : float, optional
        Longest step; default ``potential.step_scale``.

    Returns
    -------
    coordinates : ndarray of shape (n_variables,)
    energy : float
    rms : float
        RMS gradient there.
    hessian : ndarray of shape (n_variables, n_variables)
        Hessian at ``coordinates``.
    """
    x = np.array(x, dtype=float).ravel()
    limit = float(potential.step_scale if max_step is None else max_step)
    e, g = potential.energy_gradient(x)
    rms = gradient_rms(g)
    hessian = potential.hessian(x)
    zero, since = None, 0.0
    for _ in range(max_iterations):
        if rms == 0.0 or not np.isfinite(rms):
            break
        if zero is None or since > ZERO_MODES_KEPT * limit:
            # they turn with the point; while it hardly moves, those from before still lift what they have to
            zero, since = potential.symmetry.zero_modes(x), 0.0
        step = _newton_step(hessian, zero, g)
        length = float(np.linalg.norm(step))
        since += length
        if not np.isfinite(length) or length == 0.0:
            break
        if length > limit:
            step *= limit / length
        noise = 1e-14 * max(1.0, abs(e))
        for _ in range(MAX_HALVINGS):
            x_new = x + step
            e_new, g_new = potential.energy_gradient(x_new)
            rms_new = gradient_rms(g_new)
            if e_new < e - noise or (rms_new < rms and e_new <= e + noise):
                break
            step *= 0.5
        else:
            break
        # quadratic convergence ends at the rounding error of the gradient, where the next step would change nothing
        done = abs(e_new - e) <= noise and (rms_new > 0.5 * rms or rms_new < 1e-14 * stiffness(hessian))
        x, e, g, rms = x_new, e_new, g_new, rms_new
        hessian = potential.hessian(x)
        if done:
            break
    return x, float(e), rms, hessian


def stored_rms(potential, x, hessian=None):
    """Largest RMS gradient allowed for a stored stationary point: 1e-9 times max(1, largest diagonal element of the Hessian).

    The gradient of a stiff potential cannot be better than its rounding error, which grows with the curvature.
    """
    h = potential.hessian(x) if hessian is None else hessian
    return STORED_RMS * max(1.0, stiffness(h))


def characterise_minimum(potential, x, *, rms=None, max_step=None, eigenvalues=False, polish=True):
    """Polish a quenched point, verify that it is a minimum, and describe it.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
        Result of a quench.
    rms : float, optional
        RMS gradient that must be reached; default `stored_rms`.
    max_step : float, optional
        Longest Newton step; default ``potential.step_scale``.
    eigenvalues : bool
        Keep all Hessian eigenvalues in the record (without, a Cholesky factorisation gives index and log product sooner).
    polish : bool
        Take Newton steps first; False verifies the point as it is.

    Returns
    -------
    Minimum
        In the standard frame of the symmetry, with log product, order, point group and inertia.

    Raises
    ------
    ConvergenceError
        If the gradient stays too large or the Hessian has a negative eigenvalue beyond the zero modes.
    """
    if polish:
        x, e, reached, hessian = newton_minimise(potential, x, max_step=max_step)
    else:
        x = np.array(x, dtype=float).ravel()
        e, g = potential.energy_gradient(x)
        reached, hessian = gradient_rms(g), potential.hessian(x)
    if not np.isfinite(e):
        raise ConvergenceError("not a minimum: the energy is not finite")
    goal = stored_rms(potential, x, hessian) if rms is None else rms
    if not reached <= goal:
        raise ConvergenceError(f"not a minimum: RMS gradient {reached:.3g} after Newton steps, {goal:.3g} needed")
    values = None
    log_product = None if eigenvalues else _log_product_by_cholesky(potential, x, hessian)
    if log_product is None:
        spectrum = hessian_spectrum(potential, x, hessian=hessian)
        if spectrum.index:
            raise ConvergenceError(
                f"not a minimum: {spectrum.index} negative eigenvalue(s), the lowest {spectrum.values[0]:.6g}"
            )
        log_product = spectrum.log_product
        values = spectrum.all_descending() if eigenvalues else None
    symmetry = potential.symmetry
    x = symmetry.standard_frame(x)
    return Minimum(
        energy=e,
        coordinates=x,
        log_product=log_product,
        order=int(symmetry.order(x)),
        inertia=tuple(float(v) for v in symmetry.inertia(x)),
        eigenvalues=values,
        point_group=symmetry.point_group(x),
    )


def _log_product_by_cholesky(potential, x, hessian):
    """ln det of the Hessian beyond the zero modes, or None where an eigenvalue may be zero or negative."""
    from scipy.linalg.lapack import dpotrf

    zero = potential.symmetry.zero_modes(x)
    # at a stationary point H Z = 0, so lifting the zero modes to s multiplies the determinant by s^k
    shift = max(1.0, stiffness(hessian))
    total = log_determinant(hessian + (zero.T * shift) @ zero if len(zero) else hessian, shift, dpotrf)
    return None if total is None else total - len(zero) * float(np.log(shift))
