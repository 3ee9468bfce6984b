"""Basin-hopping interpolation: a chain of minima between two (BHINTERP)."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from common.errors import ConvergenceError
from common.lbfgs import minimise
from optim.minimise import quench
from optim.stationary import characterise_minimum
from potentials.callable import CallablePotential

#: Steps between adjustments of the step length, and the factor of one.
ADJUST_EVERY = 5
ADJUST_FACTOR = 1.1
#: Most minima of a chain.
MOST = 200


@dataclass(frozen=True, slots=True)
class InterpolationOptions:
    """The arguments of BHINTERP.

    Attributes
    ----------
    distance : float
        Neighbours further apart than this get a minimum between them.
    max_energy : float
        Minima above are refused.
    steps : int
        Basin-hopping steps for each.
    rms : float
        Convergence of the minimisations with springs.
    temperature, step, acceptance : float
        kT, first length of the displacements per variable, and the ratio of accepted steps to which it adapts.
    spring : float
        Force constant that ties the point to both neighbours.
    fraction : float
        Where it starts on the line between them; where that leads to nothing new, half-way from there to either end.
    """

    distance: float
    max_energy: float
    steps: int
    rms: float
    temperature: float
    step: float
    acceptance: float
    spring: float
    fraction: float


def between(potential, first, second, fraction, settings, options, rng):
    """Minima between two: where basin-hopping ended, and where it began.

    Basin-hopping on E(x) + k/2 (|x - a|^2 + |x - b|^2) with the neighbours a and b in closest copies; the best point, and the
    first, which may lie on the other side of a barrier, are then minimised without the springs.
    """
    a = first.coordinates
    b = potential.symmetry.align(second.coordinates, a)[0]

    def tied(x):
        e, g = potential.energy_gradient(x)
        to_a, to_b = x - a, x - b
        return e + 0.5 * options.spring * float(to_a @ to_a + to_b @ to_b), g + options.spring * (to_a + to_b)

    function = CallablePotential(tied, potential.n_variables)
    arguments = {
        "rms": options.rms, "max_iterations": settings.max_iterations, "max_step": settings.max_step,
        "history": settings.history, "diagonal": settings.diagonal,
    }  # fmt: skip
    first = current = minimise(function, a + fraction * (b - a), **arguments)
    best, step, accepted = current, options.step, 0
    for k in range(1, options.steps + 1):
        trial = minimise(function, current.coordinates + step * rng.uniform(-1.0, 1.0, potential.n_variables), **arguments)
        rise = trial.energy - current.energy
        if np.isfinite(rise) and (rise <= 0.0 or rng.random() < np.exp(-rise / options.temperature)):
            current = trial
            accepted += 1
            if current.energy < best.energy:
                best = current
        if k % ADJUST_EVERY == 0:
            step *= ADJUST_FACTOR if accepted > options.acceptance * ADJUST_EVERY else 1.0 / ADJUST_FACTOR
            accepted = 0
    found = []
    for point in (best, first):
        result = quench(potential, point.coordinates, settings)
        if result.converged:
            with suppress(ConvergenceError):
                found.append(characterise_minimum(potential, result.coordinates, result.energy, settings))
    return found


def interpolate_minima(potential, start, finish, settings, options, rng, on_minimum=None):
    """Minima between start and finish until neighbours are closer than ``options.distance`` or nothing more is found.

    Parameters
    ----------
    potential : Potential
    start, finish : Minimum
    settings : OptimSettings
    options : InterpolationOptions
    rng : numpy.random.Generator
    on_minimum : callable, optional
        Told ``(minimum, distance to the one before, distance to the one behind)`` for every new one.

    Returns
    -------
    chain : list of Minimum
        From start to finish.
    complete : bool
        Whether all neighbours are close enough.
    """
    chain, exhausted = [start, finish], set()

    def gap(i):
        return float(potential.symmetry.align(chain[i + 1].coordinates, chain[i].coordinates)[1])

    def is_new(minimum):
        return not any(
            abs(minimum.energy - known.energy) < settings.energy_tolerance
            and potential.symmetry.same(minimum.coordinates, known.coordinates, settings.distance_tolerance)
            for known in chain
        )

    def new_minimum(first, second):
        for fraction in (options.fraction, 0.5 * options.fraction, 0.5 * (1.0 + options.fraction)):
            for minimum in between(potential, first, second, fraction, settings, options, rng):
                if minimum.energy <= options.max_energy and is_new(minimum):
                    return minimum
        return None

    while len(chain) < MOST:
        gaps = [gap(i) for i in range(len(chain) - 1)]
        open_gaps = [
            i for i, d in enumerate(gaps) if d > options.distance and (id(chain[i]), id(chain[i + 1])) not in exhausted
        ]
        if not open_gaps:
            return chain, max(gaps) <= options.distance
        i = max(open_gaps, key=lambda k: gaps[k])
        minimum = new_minimum(chain[i], chain[i + 1])
        if minimum is None:
            exhausted.add((id(chain[i]), id(chain[i + 1])))
            continue
        chain.insert(i + 1, minimum)
        if on_minimum is not None:
            on_minimum(minimum, gap(i), gap(i + 1))
    return chain, False
