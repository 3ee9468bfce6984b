"""Transition state searches as samples of a landscape: each from a starting point drawn at random, for surveys.

No starting points reach everything equally well, so that four kinds take turns:

random     anywhere, whatever is known
beside     a known stationary point, displaced by a random length in a random direction
between    on the straight line between two known stationary points, one of them as a random copy
exchanged  a known stationary point with one atom, one hidden node or one variable put somewhere else; also a node like another

A search that converges to a known transition state is recognised at once and costs neither paths nor a place in the database.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from common.errors import ConvergenceError
from optim.path import follow_path_steps
from optim.requests import on_processor
from optim.single_ended import DECADES
from optim.transition_state import locate_steps, searcher
from potentials.symmetry import NetworkNodes, PeriodicCluster, RigidCluster

#: Share of each kind among the searches where something is known.
KINDS = ("random", "beside", "exchanged", "between")
SHARES = (0.3, 0.3, 0.3, 0.1)
#: Decades of the length of a displacement beside a known point, in units of ``potential.step_scale``; the second pair where the
#: potential has no length of its own: with weak regularisation neighbours lie a thousand times closer than usual.
LENGTHS = (-1.0, 0.7)
LENGTHS_WITHOUT_SCALE = (-2.0, 1.5)
#: Decades over which random variables are scaled there: saturated nodes have large weights, and points of the second pair reach
#: the transition states between them five times as often.
WIDE, LARGE = DECADES, (0.0, 1.3)
#: Noise on a node that is made like another.
LIKENESS = 0.1
#: Random clusters are contracted to this fraction at least: some transition states are reached from dense ones only, and
#: searches from those take half the time.
CONTRACTION = 0.3
#: Length of the random displacement from the line between two points, in the same units.
OFF_LINE = 0.1


@dataclass
class KnownPoints:
    """Stationary points that searches start from and recognise.

    Attributes
    ----------
    minima : ndarray of shape (n_minima, n_variables)
    states : ndarray of shape (n_states, n_variables)
    energies : ndarray of shape (n_states,)
        Of the transition states.
    minimum_ids, state_ids : ndarray of int
        Their numbers, all above zero.
    """

    minima: np.ndarray
    states: np.ndarray
    energies: np.ndarray
    minimum_ids: np.ndarray
    state_ids: np.ndarray

    @classmethod
    def nothing(cls, n_variables):
        """Nothing known."""
        none = np.empty((0, n_variables))
        return cls(none, none, np.empty(0), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))

    def source(self, k):
        """(coordinates, label) of point k, minima first; the label of minimum i is -i, that of transition state i is i."""
        if k < len(self.minima):
            return self.minima[k], -int(self.minimum_ids[k])
        k -= len(self.minima)
        return self.states[k], int(self.state_ids[k])


@dataclass
class Samples:
    """What some searches found.

    Attributes
    ----------
    triples : list of Triple
        Transition states that were not known, verified and distinct.
    found : list of (tuple of int, int)
        For every search that ended in a transition state: the labels of the points that it started from (none for a random
        point), and the transition state, by its number if it was known and as -1 - k if it is triple k.
    searches : int
        All of them.
    without_paths : int
        Transition states left out because their paths do not lead to two minima.
    """

    triples: list = field(default_factory=list)
    found: list = field(default_factory=list)
    searches: int = 0
    without_paths: int = 0


def sample(potential, settings, rng, known, n_searches, most_calls=None):
    """Make searches from random starting points of all kinds.

    Parameters
    ----------
    potential : Potential
    settings : OptimSettings
    rng : numpy.random.Generator
    known : KnownPoints
    n_searches : int
    most_calls : int, optional
        No search is started after so many evaluations.

    Returns
    -------
    Samples
    """
    return on_processor(sample_steps(potential, settings, rng, known, n_searches, most_calls))


def sample_steps(potential, settings, rng, known, n_searches, most_calls=None):
    """`sample` as a coroutine (`optim.requests`); one search after the other, for each may find what the next recognises."""
    samples = Samples()
    engine = searcher(potential, settings)
    starts = Starts(potential, rng, known)
    recognise = _Recognition(potential.symmetry, settings, known)
    first = potential.calls
    while samples.searches < n_searches and (most_calls is None or potential.calls - first < most_calls):
        point, direction, sources = starts.draw()
        samples.searches += 1
        recognise.number = None
        try:
            found = yield from locate_steps(potential, engine, point, direction, settings, is_known=recognise)
        except ConvergenceError:
            continue
        if found is not None:
            recognise.number = yield from _follow_steps(potential, found, settings, samples)
            if recognise.number is None:
                continue
            recognise.add(found[0], recognise.number)
        samples.found.append((sources, recognise.number))
    return samples


def _follow_steps(potential, found, settings, samples):
    """Add the triple of a new transition state; its number, or None where there is none or it is too high."""
    record, vector = found
    if record.energy > settings.max_ts_energy:
        return None
    try:
        triple = (yield from follow_path_steps(potential, record, settings, vector)).triple
    except ConvergenceError:
        samples.without_paths += 1
        return None
    barriers = record.energy - triple.plus.energy, record.energy - triple.minus.energy
    if min(barriers) > settings.max_barrier or max(barriers) > settings.max_larger_barrier:
        return None
    samples.triples.append(triple)
    return -len(samples.triples)


class Starts:
    """Draws starting points.

    Parameters
    ----------
    potential : Potential
    rng : numpy.random.Generator
    known : KnownPoints
    """

    def __init__(self, potential, rng, known):
        self.potential, self.rng, self.known = potential, rng, known
        self.symmetry = potential.symmetry
        self.n_known = len(known.minima) + len(known.states)
        self.has_scale = isinstance(self.symmetry, RigidCluster | PeriodicCluster)
        self.units = units(self.symmetry, potential.n_variables)

    def draw(self):
        """A starting point, a direction to follow uphill, and the labels of the known points that they were made from."""
        kind = "random" if not self.n_known else KINDS[int(np.searchsorted(np.cumsum(SHARES[:-1]), self.rng.random(), "right"))]
        point, direction, sources = getattr(self, kind)()
        return point, direction / np.linalg.norm(direction), sources

    def random(self):
        """Anywhere."""
        point = self.potential.random_coordinates(self.rng)
        if isinstance(self.symmetry, RigidCluster):
            point = point * self.rng.uniform(CONTRACTION, 1.0)
        elif not self.has_scale:
            point = point * self._factors(len(point))
        return point, self.rng.standard_normal(self.potential.n_variables), ()

    def beside(self):
        """Displaced from a known point."""
        x, label = self._any()
        length = self.potential.step_scale * 10.0 ** self.rng.uniform(*(LENGTHS if self.has_scale else LENGTHS_WITHOUT_SCALE))
        return self.symmetry.standard_frame(x + length * self._direction(x)), self._direction(x), (label,)

    def between(self):
        """On the line between two known points."""
        (x, first), (y, second) = self._any(), self._any()
        y = self.symmetry.random_copy(y, self.rng)
        # atoms on the way to a copy at random meet; networks may be anywhere
        if self.has_scale or self.rng.random() < 0.5:
            y = self.symmetry.align(y, x)[0]
        along = self.rng.random()
        point = (1.0 - along) * x + along * y
        point += OFF_LINE * self.rng.random() * self.potential.step_scale * self._direction(x) * np.sqrt(len(x))
        direction = y - x
        if not np.linalg.norm(direction) > 0.0:
            direction = self._direction(x)
        return self.symmetry.standard_frame(point), direction, (first, second)

    def exchanged(self):
        """A known point with one unit put somewhere else.

        A node may come to lie near zero, as in a network with one node less, or near another one.
        """
        x, label = self._any()
        unit = self.units[int(self.rng.integers(len(self.units)))]
        point = self.symmetry.standard_frame(x)
        model = self.units[int(self.rng.integers(len(self.units)))]
        if isinstance(self.symmetry, NetworkNodes) and len(model) == len(unit) and self.rng.random() < 1.0 / 3.0:
            point[unit] = self.rng.choice((-1.0, 1.0)) * point[model] + LIKENESS * self.rng.standard_normal(len(unit))
        else:
            point[unit] = self.potential.random_coordinates(self.rng)[unit]
            if not self.has_scale:
                point[unit] *= self._factors(len(unit))
        return self.symmetry.standard_frame(point), self.rng.standard_normal(len(x)), (label,)

    def _factors(self, n):
        """Random factors for n variables where the potential has no length of its own: one for all, or one for each."""
        decades = WIDE if self.rng.random() < 0.5 else LARGE
        return 10.0 ** self.rng.uniform(*decades, size=1 if self.rng.random() < 0.5 else n)

    def _any(self):
        return self.known.source(int(self.rng.integers(self.n_known)))

    def _direction(self, x):
        """A random unit vector without zero modes."""
        zero = self.symmetry.zero_modes(x)
        direction = self.rng.standard_normal(len(x))
        direction -= zero.T @ (zero @ direction)
        return direction / np.linalg.norm(direction)


def units(symmetry, n_variables):
    """The variables that belong together: those of an atom, or of a hidden node (weights in and out and bias); else each alone.

    Returns
    -------
    list of ndarray of int
    """
    if isinstance(symmetry, RigidCluster | PeriodicCluster):
        return list(np.arange(n_variables).reshape(-1, 3))
    if not isinstance(symmetry, NetworkNodes):
        return list(np.arange(n_variables)[:, None])
    weights, at = [], 0
    for before, after in pairwise(symmetry.layers):
        weights.append(np.arange(at, at + before * after).reshape(after, before))
        at += before * after
    found = []
    for layer, n in enumerate(symmetry.layers[1:-1]):
        for node in range(n):
            parts = [weights[layer][node], weights[layer + 1][:, node]]
            parts += [[at + node]] if symmetry.has_biases else []
            found.append(np.concatenate(parts).astype(np.int64))
        at += n
    return found


class _Recognition:
    """Asked by a search whether it ended in a known transition state, whose number it keeps."""

    def __init__(self, symmetry, settings, known):
        self.symmetry = symmetry
        self.energy_tolerance, self.distance_tolerance = settings.energy_tolerance, settings.distance_tolerance
        self.number = None
        order = np.argsort(known.energies, kind="stable")
        self.energies = known.energies[order]
        self.states = known.states[order]
        self.numbers = known.state_ids[order]
        self.new = []

    def add(self, record, number):
        """Know a new transition state as well."""
        self.new.append((record.energy, record.coordinates, number))

    def __call__(self, energy, coordinates):
        low, high = np.searchsorted(self.energies, (energy - self.energy_tolerance, energy + self.energy_tolerance))
        for k in range(low, high):
            if self.symmetry.same(coordinates, self.states[k], self.distance_tolerance):
                self.number = int(self.numbers[k])
                return True
        for other, x, number in self.new:
            if abs(other - energy) < self.energy_tolerance and self.symmetry.same(coordinates, x, self.distance_tolerance):
                self.number = number
                return True
        return False
