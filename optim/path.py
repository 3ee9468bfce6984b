"""The two downhill paths of a transition state (PATH): a verified minimum, transition state, minimum triple."""

import time
from dataclasses import dataclass, replace

import numpy as np

from common.errors import ConvergenceError
from common.stationary_points import Minimum, TransitionState, Triple
from optim import _chebyshev, _steepest_descent, steepest_descent
from optim._descent import downhill
from optim.minimise import positive_definite
from optim.requests import GoAhead, Together, on_processor
from optim.stationary import characterise_minimum, characterise_transition_state
from potentials.characterise import hessian_spectrum, newton_minimise

#: Each retry divides push and step limit by this (REDOTS).
RETRY_FACTOR = 10.0
#: RMS gradient below which Newton steps have nothing to add.
POLISHED = 1e-9
#: Saddles in which a path of exact symmetry may end on its way, each of which it leaves downhill.
MAX_SADDLES = 3
#: A push-off must lower the energy by more than this fraction of its size, or rounding decides which way the path goes.
RESOLVABLE = 1e-14
#: The drop in energy of a push-off agrees with the curvature within this factor, or the push is divided by `PUSH_FACTOR`, at
#: most `PUSH_TRIALS` times: beside a soft transition state the minimum may be nearer than the usual push is long.
QUADRATIC = 2.0
PUSH_FACTOR = 3.0
PUSH_TRIALS = 12
#: Energies (relative to that of the larger of them and one) and aligned distances of copies of one minimum, both converged to
#: machine precision.
SAME_ENERGY = 1e-11
SAME_DISTANCE = 1e-5
#: How a side is followed, all with the same arguments and result.
METHODS = {
    "chebyshev": _chebyshev.descend,
    "rosenbrock": _steepest_descent.descend,
    "pagemciver": _steepest_descent.page_mciver,
    "ode": steepest_descent.integrate,
    "lbfgs": downhill,
}
#: Those that converge to machine precision by themselves: Newton steps finish them.
SECOND_ORDER = ("chebyshev", "rosenbrock", "pagemciver")
#: Methods that a device may go ahead of (`optim.requests.GoAhead`): they end from wherever they are put on their path.
AHEAD = ("chebyshev", "rosenbrock", "lbfgs")


@dataclass(slots=True)
class Side:
    """One side of a path, from the transition state down.

    Attributes
    ----------
    end : ndarray of shape (n_variables,)
        Where it ended, in the frame of the path.
    minimum : Minimum
    length : float
    steps : int
    frames, energies, lengths : ndarray
        Recorded points; lengths count from the transition state.
    seconds : float
    """

    end: np.ndarray
    minimum: Minimum
    length: float
    steps: int
    frames: np.ndarray
    energies: np.ndarray
    lengths: np.ndarray
    seconds: float = 0.0


@dataclass(slots=True)
class Path:
    """Both sides of a transition state and the classic figures of its path.

    Attributes
    ----------
    triple : Triple
    plus, minus : Side
    pushoff : float
    method : str
    """

    triple: Triple
    plus: Side
    minus: Side
    pushoff: float
    method: str

    @property
    def length(self):
        """Integrated path length S."""
        return self.plus.length + self.minus.length

    @property
    def distance(self):
        """Straight distance D between the ends, as the path left them."""
        return float(np.linalg.norm(self.plus.end - self.minus.end))

    @property
    def moment(self):
        """Moment ratio gamma = N sum |dr|^4 / (sum |dr|^2)^2 of the displacements of the atoms (of the variables)."""
        squares = _squared_displacements(self.plus.end, self.minus.end)
        total = float(squares.sum())
        return len(squares) * float((squares**2).sum()) / total**2 if total > 0.0 else 1.0

    @property
    def cooperativity(self):
        """Number of atoms (variables) that take part, N / gamma (Stillinger and Weber 1983)."""
        return len(_squared_displacements(self.plus.end, self.minus.end)) / self.moment

    def profile(self):
        """(path length, energy, coordinates) from the minus end through the transition state to the plus end.

        Lengths are negative on the plus side, as in ``EofS.k``, when the plus side comes first there; here they rise.
        """
        ts = self.triple.transition_state
        s = np.concatenate([-self.plus.lengths[::-1], [0.0], self.minus.lengths])
        e = np.concatenate([self.plus.energies[::-1], [ts.energy], self.minus.energies])
        x = np.concatenate([self.plus.frames[::-1], ts.coordinates[None], self.minus.frames])
        return s, e, x


def _squared_displacements(first, second):
    d = first - second
    if len(d) % 3 == 0:
        return (d.reshape(-1, 3) ** 2).sum(axis=1)
    return d**2


def best_push(potential, x, vector, settings):
    """Displacement along ``vector`` that lowers the energy most, by golden-section search up to ``pushoff`` (PUSHOPT)."""
    golden = 0.5 * (np.sqrt(5.0) - 1.0)
    low, high = 0.0, settings.pushoff
    a, b = high - golden * (high - low), low + golden * (high - low)
    ea, eb = potential.energy(x + a * vector), potential.energy(x + b * vector)
    for _ in range(settings.pushopt_iterations):
        if high - low < settings.pushopt_tolerance * settings.pushoff:
            break
        if ea < eb:
            high, b, eb = b, a, ea
            a = high - golden * (high - low)
            ea = potential.energy(x + a * vector)
        else:
            low, a, ea = a, b, eb
            b = low + golden * (high - low)
            eb = potential.energy(x + b * vector)
    end = potential.energy(x + settings.pushoff * vector)
    best = min((ea, a), (eb, b), (end, settings.pushoff))
    return float(best[1])


def _quadratic_push(potential, ts, direction, push):
    """A push of at most the given length that stays where the energy falls as the downhill curvature says."""
    curvature = abs(ts.negative_eigenvalue or 0.0)
    least = 10.0 * RESOLVABLE * max(1.0, abs(ts.energy))
    trial = push
    for _ in range(PUSH_TRIALS):
        expected = 0.5 * curvature * trial**2
        if expected < least:
            break
        drop = ts.energy - potential.energy(ts.coordinates + trial * direction)
        if expected / QUADRATIC < drop < expected * QUADRATIC:
            return trial
        trial /= PUSH_FACTOR
    return push


def _side_steps(potential, ts, vector, sign, push, settings, minima):
    """One side, as a coroutine: push, then downhill by the chosen method; the end is a verified minimum."""
    began = time.perf_counter()
    origin = ts.coordinates
    direction = sign * vector
    if settings.pushopt:
        push = min(push, best_push(potential, origin, direction, settings))
    else:
        push = _quadratic_push(potential, ts, direction, push)
    first = origin + push * direction
    energy = potential.energy(first)
    if not energy < ts.energy - RESOLVABLE * max(1.0, abs(ts.energy)):
        raise ConvergenceError(f"a push of {push:g} does not lower the energy of the transition state")
    newton = settings.uses_newton(potential)
    method = settings.path_by(potential)
    goal = max(settings.rms, settings.newton_rms) if newton and method not in SECOND_ORDER else settings.rms
    frames, energies, lengths, steps, length, saddles = [], [], [], 0, 0.0, 0
    x, e = origin, ts.energy
    if method in AHEAD and not settings.frames:
        ahead = yield GoAhead(first, settings, max(settings.rms, settings.newton_rms), method == "lbfgs")
        if ahead is not None:
            length = float(np.linalg.norm(first - x)) + ahead["length"]
            x = first = ahead["coordinates"]
            e, steps = ahead["energy"], ahead["iterations"]
    while True:
        run = METHODS[method](potential, x, e, first, settings, goal, max(settings.max_iterations - steps, 0))
        steps += run["iterations"]
        frames.append(run["frames"])
        energies.append(run["frame_energies"])
        lengths.append(run["frame_lengths"] + length)
        length += run["length"]
        x = first = run["coordinates"]
        e = run["energy"]
        if not run["converged"]:
            raise ConvergenceError(f"a downhill path did not converge in {steps} steps (RMS gradient {run['rms']:.3g})")
        if not newton or run.get("minimum") or positive_definite(potential, x):
            break
        if goal > settings.rms:
            goal = max(settings.rms, 0.1 * goal)
            continue
        beside = _beside_saddle(potential, x, push) if saddles < MAX_SADDLES else None
        if beside is None:
            break
        saddles += 1
        first = beside
    end = x
    if newton and run["rms"] > POLISHED:
        end = newton_minimise(potential, x, max_step=settings.path_max_step)[0]
    minimum = None
    if run.get("minimum") and run["rms"] <= POLISHED:
        minimum = copy_of_known(potential, minima, e, end)
    if minimum is None:
        minimum = characterise_minimum(potential, end, e, settings, polish=False)
    last = minimum.energy
    length += float(np.linalg.norm(end - x))
    if settings.frames:
        frames.append(end[None])
        energies.append(np.array([last]))
        lengths.append(np.array([length]))
    if not minimum.energy < ts.energy:
        raise ConvergenceError("a downhill path ended above its transition state")
    recorded = [np.concatenate(parts) for parts in (frames, energies, lengths)]
    return Side(end, minimum, length, steps, *recorded, time.perf_counter() - began)


def copy_of_known(potential, minima, energy, x):
    """Record of a converged point that is a copy of one of the minima, to many digits; None where it is not.

    Parameters
    ----------
    potential : Potential
    minima : iterable of Minimum
        Verified.
    energy : float
    x : ndarray of shape (n_variables,)

    Returns
    -------
    Minimum or None
        What is known of it, with the energy and the coordinates of this copy.
    """
    for known in minima:
        if abs(known.energy - energy) < SAME_ENERGY * max(1.0, abs(energy)) and potential.symmetry.same(
            x, known.coordinates, SAME_DISTANCE
        ):
            return replace(known, energy=energy, coordinates=potential.symmetry.standard_frame(x))
    return None


def _beside_saddle(potential, x, push):
    """A point beside a saddle in which a path of exact symmetry ended, down its softest direction; None at a minimum.

    Without rounding errors such a path ends there. Either side is as good where the symmetry maps one to the other; the lower
    one is taken.
    """
    spectrum = hessian_spectrum(potential, x, vectors=True)
    if spectrum.index == 0:
        return None
    shift = push * spectrum.vectors[:, 0]
    sides = [x + shift, x - shift]
    return sides[int(np.argmin([potential.energy(side) for side in sides]))]


def follow_path(potential, ts, settings, vector=None):
    """Both downhill paths of a verified transition state.

    Parameters
    ----------
    potential : Potential
    ts : TransitionState
    settings : OptimSettings
    vector : ndarray of shape (n_variables,), optional
        Its downhill eigenvector; computed otherwise.

    Returns
    -------
    Path

    Raises
    ------
    ConvergenceError
        With the reason of the last attempt, when a side does not end in a verified minimum below the transition state or
        both sides end in the very same point, also after ``path_retries`` smaller pushes and the second-order method.
    """
    return on_processor(follow_path_steps(potential, ts, settings, vector))


def follow_path_steps(potential, ts, settings, vector=None, minima=()):
    """`follow_path` as a coroutine (`optim.requests`). Ends that are copies of ``minima`` are not described again."""
    if vector is None:
        vector = _downhill_vector(potential, ts, settings)
    attempts = [(settings.pushoff / RETRY_FACTOR**k, settings) for k in range(settings.path_retries)]
    attempts = attempts or [(settings.pushoff, settings)]
    # a push that is too small to be resolved in energy is enlarged instead
    attempts.append((settings.pushoff * 3.0, settings))
    if settings.path_by(potential) in ("lbfgs", "chebyshev") and settings.uses_newton(potential):
        attempts.append((settings.pushoff, settings.with_changes(path_method="rosenbrock")))
    problem = None
    for push, with_settings in attempts:
        try:
            plus, minus = yield Together(
                [_side_steps(potential, ts, vector, sign, push, with_settings, minima) for sign in (1.0, -1.0)]
            )
        except ConvergenceError as error:
            problem = error
            continue
        if np.linalg.norm(plus.end - minus.end) < settings.distance_tolerance * 1e-2:
            problem = ConvergenceError("both sides of the path end in the same point")
            continue
        triple = Triple(plus.minimum, ts, minus.minimum, path_length=plus.length + minus.length)
        return Path(triple, plus, minus, push, with_settings.path_by(potential))
    raise problem


def _downhill_vector(potential, ts, settings):
    if settings.uses_newton(potential):
        return hessian_spectrum(potential, ts.coordinates, vectors=True).vectors[:, 0]
    from optim.lanczos import lowest_eigenpairs

    return lowest_eigenpairs(potential, ts.coordinates, 1).vectors[:, 0]


def descend(potential, ts, settings):
    """Triple of a transition state.

    Parameters
    ----------
    potential : Potential
    ts : TransitionState or ndarray of shape (n_variables,)
        Coordinates are polished and verified first.
    settings : OptimSettings

    Returns
    -------
    Triple

    Raises
    ------
    ConvergenceError
        If the point is no transition state or its paths do not end in two minima.
    """
    vector = None
    if not isinstance(ts, TransitionState):
        ts, vector = characterise_transition_state(potential, ts, None, settings)
    return follow_path(potential, ts, settings, vector).triple
