"""Transition states without two end points: around one minimum, or from random starting points."""

import numpy as np

from common.errors import ConvergenceError
from common.stationary_points import Minimum
from optim.path import follow_path_steps
from optim.requests import Together, on_processor
from optim.transition_state import locate_steps, searcher
from potentials.characterise import hessian_spectrum
from potentials.symmetry import RigidCluster

#: Softest modes tried along, as a multiple of searches; displacement as a fraction of ``potential.step_scale``.
SOFT_MODES = 10
DISPLACEMENT = 1.0
#: Decades over which random starting points of networks are scaled. Where the regularisation is weak some stationary points are
#: a thousand times closer to the origin than others; clusters of atoms have one length.
DECADES = (-3.0, 1.0)


def search(potential, minimum, settings, rng, n_searches=4, known=(), displacement=DISPLACEMENT):
    """Transition states next to a minimum by eigenvector-following from displaced points.

    Half of the searches go along the softest modes (both senses, softest first, from a random one of the first), the others
    into random directions; the length of the displacement is random too.

    Parameters
    ----------
    potential : Potential
    minimum : Minimum or ndarray of shape (n_variables,)
    settings : OptimSettings
    rng : numpy.random.Generator
    n_searches : int
    known : sequence of TransitionState
        Transition states that need not be followed downhill again.
    displacement : float
        Typical length of the displacements as a multiple of ``potential.step_scale``.

    Returns
    -------
    list of Triple
        Distinct and verified. Not all need to contain the minimum: a search may leave its surroundings.
    """
    return on_processor(search_steps(potential, minimum, settings, rng, n_searches, known, displacement))


def search_steps(potential, minimum, settings, rng, n_searches=4, known=(), displacement=DISPLACEMENT):
    """`search` as a coroutine (`optim.requests`)."""
    x = np.asarray(getattr(minimum, "coordinates", minimum), dtype=float).ravel()
    n = len(x)
    modes = None
    if settings.uses_newton(potential):
        modes = hessian_spectrum(potential, x, vectors=True).vectors
    engine = searcher(potential, settings)
    zero = potential.symmetry.zero_modes(x)
    starts = []
    for k in range(n_searches):
        if modes is not None and k % 2 == 0:
            direction = modes[:, int(rng.integers(min(SOFT_MODES, modes.shape[1])))] * rng.choice((-1.0, 1.0))
        else:
            direction = rng.standard_normal(n)
            direction -= zero.T @ (zero @ direction)
            direction /= np.linalg.norm(direction)
        length = displacement * potential.step_scale * rng.uniform(0.3, 1.5)
        starts.append((x + length * direction, direction))
    minima = [minimum] if isinstance(minimum, Minimum) else []
    return (yield from _triples_steps(potential, engine, starts, settings, known, minima))


def random_start(potential, rng):
    """A random starting point, of random size where the potential has no length of its own.

    Parameters
    ----------
    potential : Potential
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_variables,)
    """
    x = potential.random_coordinates(rng)
    if isinstance(potential.symmetry, RigidCluster):
        return x
    # one factor for all variables, or one for each: either way alone is slow to find some transition states
    return x * 10.0 ** rng.uniform(*DECADES, size=1 if rng.random() < 0.5 else len(x))


def search_anywhere(potential, settings, rng, n_searches=8):
    """Transition states by eigenvector-following from random starting points, whatever is known of the landscape.

    Parameters
    ----------
    potential : Potential
    settings : OptimSettings
    rng : numpy.random.Generator
    n_searches : int

    Returns
    -------
    list of Triple
        Distinct and verified.
    """
    return on_processor(search_anywhere_steps(potential, settings, rng, n_searches))


def search_anywhere_steps(potential, settings, rng, n_searches=8):
    """`search_anywhere` as a coroutine (`optim.requests`)."""
    engine = searcher(potential, settings)
    starts = []
    for _ in range(n_searches):
        point, direction = random_start(potential, rng), rng.standard_normal(potential.n_variables)
        starts.append((point, direction / np.linalg.norm(direction)))
    return (yield from _triples_steps(potential, engine, starts, settings, ()))


class _KnownStates:
    """Transition states, looked up by their energies."""

    def __init__(self, potential, settings, states):
        self.symmetry, self.settings = potential.symmetry, settings
        self.states = list(states)
        self.energies = np.array([ts.energy for ts in self.states])

    def add(self, state):
        """One more."""
        self.states.append(state)
        self.energies = np.append(self.energies, state.energy)

    def holds(self, energy, coordinates):
        """Whether a point is a copy of one of them."""
        close = np.flatnonzero(np.abs(self.energies - energy) < self.settings.energy_tolerance)
        tolerance = self.settings.distance_tolerance
        return any(self.symmetry.same(coordinates, self.states[k].coordinates, tolerance) for k in close)


def _triples_steps(potential, engine, starts, settings, known, minima=()):
    """Distinct triples from (point, direction) each."""
    states, found = _KnownStates(potential, settings, known), []
    yield Together([_triple_steps(potential, engine, *start, settings, states, found, minima) for start in starts])
    return found


def _triple_steps(potential, engine, point, direction, settings, states, found, minima):
    """One more triple in ``found``, and its transition state in ``states``, unless it is known or the search fails."""
    try:
        located = yield from locate_steps(potential, engine, point, direction, settings, is_known=states.holds)
        if located is None or located[0].energy > settings.max_ts_energy:
            return
        record, vector = located
        triple = (yield from follow_path_steps(potential, record, settings, vector, minima)).triple
    except ConvergenceError:
        return
    barriers = record.energy - triple.plus.energy, record.energy - triple.minus.energy
    if min(barriers) > settings.max_barrier or max(barriers) > settings.max_larger_barrier:
        return
    # another search may have come here meanwhile
    if not states.holds(record.energy, record.coordinates):
        found.append(triple)
        states.add(triple.transition_state)
