"""Connection of two minima by the missing-connection cycle (NEWCONNECT).

Carr, Trygubenko and Wales, J. Chem. Phys. 122, 234903 (2005): Dijkstra's shortest path on the complete graph of the known
minima, where known connections cost nothing and others a function of the distance, tells which pairs to join by a band;
every maximum of the band is refined to a transition state, whose two minima join the graph; and so on until the ends are
connected.
"""

import time
from dataclasses import dataclass, field

import numpy as np

from common.errors import ConvergenceError
from common.stationary_points import Minimum
from common.stop import requested
from optim.dneb import dneb_steps
from optim.graph import MissingConnections
from optim.minimise import quench_steps
from optim.path import follow_path_steps
from optim.requests import Together, on_processor
from optim.stationary import characterise_minimum
from optim.transition_state import locate_steps, searcher


@dataclass(slots=True)
class ConnectResult:
    """Outcome of a connection run; a sequence of its triples.

    Attributes
    ----------
    connected : bool
    triples : list of Triple
        All distinct ones found, in order.
    message : str
    cycles, calls : int
    seconds : float
    minima : list of Minimum
        All known minima; the first is the start, the second the finish (one record where they are the same).
    path : list of int
        Indices into ``triples`` along the connected path.
    paths : list of Path
        The paths of ``triples``.
    failures : dict
        Number of failed searches by reason.
    """

    connected: bool
    triples: list
    message: str
    cycles: int
    calls: int
    seconds: float
    minima: list = field(default_factory=list)
    path: list = field(default_factory=list)
    paths: list = field(default_factory=list)
    edges: list = field(default_factory=list)
    failures: dict = field(default_factory=dict)

    def __len__(self):
        return len(self.triples)

    def __getitem__(self, index):
        return self.triples[index]


class Silent:
    """Listener that does nothing; the program prints from one that overrides these."""

    def cycle(self, number, minima, triples):
        """A cycle begins."""

    def decided(self, pairs, steps, weight):
        """The pairs to join were chosen."""

    def band(self, first, second, images, iterations, attempt):
        """A band starts."""

    def band_done(self, band, seconds):
        """A band ended."""

    def search(self, result):
        """A transition state search ended."""

    def known_ts(self, number):
        """A search found a transition state again."""

    def path_found(self, number, path, plus, minus):
        """A new triple; ``plus`` and ``minus`` are (index of the minimum, new or not)."""

    def failed(self, reason):
        """A search or path failed."""


class Connector:
    """State of one connection run: minima, transition states, failed attempts.

    Parameters
    ----------
    potential : Potential
    settings : OptimSettings
    rng : numpy.random.Generator
    listener : Silent, optional
    serve : callable
        Runs a coroutine of `optim.requests` to its end.
    """

    def __init__(self, potential, settings, rng, listener=None, serve=on_processor):
        self.serve = serve
        self.potential = potential
        self.settings = settings
        self.rng = rng
        self.listener = Silent() if listener is None else listener
        self.minima = []
        self.triples = []
        self.paths = []
        self.edges = []
        # transition states that were refused: above a limit, or without a path
        self.rejected = []
        self.failures = {}
        self.searcher = searcher(potential, settings)
        self.graph = MissingConnections(potential.symmetry, settings)

    # --- identity -----------------------------------------------------------------------------------------------
    def _find(self, records, energy, coordinates):
        for index, record in enumerate(records):
            if abs(record.energy - energy) < self.settings.energy_tolerance and self.potential.symmetry.same(
                coordinates, record.coordinates, self.settings.distance_tolerance
            ):
                return index
        return None

    def add_minimum(self, minimum):
        """(index, new): a minimum is known when energy and aligned distance agree."""
        index = self._find(self.minima, minimum.energy, minimum.coordinates)
        if index is not None:
            return index, False
        self.minima.append(minimum)
        self.graph.add(minimum)
        return len(self.minima) - 1, True

    def known_transition_state(self, energy, coordinates):
        """Index of the triple with this transition state, or None."""
        return self._find([t.transition_state for t in self.triples], energy, coordinates)

    def fail(self, reason):
        """Count a failure."""
        self.failures[reason] = self.failures.get(reason, 0) + 1
        self.listener.failed(reason)

    # --- one attempt ----------------------------------------------------------------------------------------------
    def pair_steps(self, i, j, first_cycle):
        """Band between minima i and j, refinement of its maxima, paths, as a coroutine; number of new triples."""
        s = self.settings
        if self.graph.joined(i, j) or requested():
            # by the pair before
            return 0
        attempt = self.graph.attempts(i, j)
        start, finish = self.minima[i].coordinates, self.minima[j].coordinates
        if s.align:
            finish, distance = self.graph.aligned(j, i)
        else:
            distance = float(np.linalg.norm(finish - start))
        density = s.image_density * (1.0 + s.image_increment * attempt)
        images = int(min(max(round(density * distance), s.image_min), s.image_max))
        iterations, rms = max(1, round(s.iteration_density * images)), s.band_rms
        if first_cycle:
            images = s.first_images or images
            iterations = s.first_iterations or iterations
            rms = s.first_rms or rms
        self.listener.band(i, j, images, iterations, attempt)
        began = time.perf_counter()
        bend = self.rng if attempt else None
        band = yield from dneb_steps(self.potential, start, finish, images, s, iterations=iterations, rms=rms, bend=bend)
        self.listener.band_done(band, time.perf_counter() - began)
        self.graph.record_attempt(i, j)
        found = 0
        if not band.maxima:
            self.fail("no maximum along the band")
        candidates = zip(band.candidates, band.tangents, strict=True)
        found += sum((yield Together([self.refine_steps(point, tangent) for point, tangent in candidates])))
        for k in band.maxima:
            # the images beside a maximum that led to nothing new lead elsewhere where the band cuts a corner
            for image in (k - 1, k + 1):
                if not found and 1 <= image <= images:
                    tangent = band.images[image + 1] - band.images[image - 1]
                    found += yield from self.refine_steps(band.images[image], tangent / np.linalg.norm(tangent))
        return found

    def refine(self, point, tangent):
        """Transition state from a candidate and its two paths; 1 if the triple is new."""
        return self.serve(self.refine_steps(point, tangent))

    def refine_steps(self, point, tangent):
        """`refine` as a coroutine (`optim.requests`)."""
        s = self.settings
        state = {"known": None}

        def is_known(energy, coordinates):
            state["known"] = self.known_transition_state(energy, coordinates)
            return state["known"] is not None or self._find(self.rejected, energy, coordinates) is not None

        try:
            found = yield from locate_steps(
                self.potential, self.searcher, point, tangent, s, is_known=is_known, on_search=self.listener.search
            )
            if found is None:
                if state["known"] is None:
                    self.fail("transition state refused before")
                else:
                    self.listener.known_ts(state["known"])
                return 0
            record, vector = found
            self.rejected.append(record)
            if record.energy > s.max_ts_energy:
                self.fail("transition state above MAXTSENERGY")
                return 0
            path = yield from follow_path_steps(self.potential, record, s, vector, self.minima)
        except ConvergenceError as error:
            self.fail(str(error).split(":")[0])
            return 0
        barriers = record.energy - path.triple.plus.energy, record.energy - path.triple.minus.energy
        if min(barriers) > s.max_barrier or max(barriers) > s.max_larger_barrier:
            self.fail(f"barrier above {'MAXBARRIER' if min(barriers) > s.max_barrier else 'MAXMAXBARRIER'}")
            return 0
        self.rejected = [other for other in self.rejected if other is not record]
        plus = self.add_minimum(path.triple.plus)
        minus = self.add_minimum(path.triple.minus)
        self.triples.append(path.triple)
        self.paths.append(path)
        self.edges.append((plus[0], minus[0]))
        self.graph.connect(plus[0], minus[0], len(self.triples) - 1)
        self.listener.path_found(len(self.triples), path, plus, minus)
        return 1

    # --- the cycle --------------------------------------------------------------------------------------------------
    def run(self, start, finish):
        """Connect two minima; see `connect`."""
        return self.serve(self.steps(start, finish))

    def steps(self, start, finish):
        """`run` as a coroutine (`optim.requests`)."""
        s = self.settings
        began = time.perf_counter()
        calls = self.potential.calls
        first, _ = self.add_minimum(start)
        second, _ = self.add_minimum(finish)
        connected, message, cycles = first == second, "the end points are the same minimum", 0
        path = []
        while not connected:
            path = self.graph.connection(first, second)
            if path is not None:
                connected, message = True, "connected"
                break
            if cycles >= s.cycles:
                message = f"not connected after {cycles} cycles"
                break
            if requested():
                message = "stopped on request"
                break
            cycles += 1
            self.listener.cycle(cycles, len(self.minima), len(self.triples))
            pairs, steps, weight = self.graph.missing(first, second)
            if pairs is None:
                message = "every pair on every path was tried as often as allowed"
                break
            self.listener.decided([(i, j, self.graph.distance(i, j)) for i, j in pairs], steps, weight)
            yield Together([self.pair_steps(i, j, cycles == 1) for i, j in pairs])
        return ConnectResult(
            connected=connected,
            triples=self.triples,
            message=message,
            cycles=cycles,
            calls=int(self.potential.calls - calls),
            seconds=time.perf_counter() - began,
            minima=self.minima,
            path=path or [],
            paths=self.paths,
            edges=self.edges,
            failures=self.failures,
        )


def as_minimum(potential, point, settings):
    """A verified `Minimum` from a record or from coordinates, which are minimised first."""
    return on_processor(as_minimum_steps(potential, point, settings))


def as_minimum_steps(potential, point, settings):
    """`as_minimum` as a coroutine (`optim.requests`)."""
    if isinstance(point, Minimum):
        return point
    result = yield from quench_steps(potential, point, settings)
    if not result.converged:
        raise ConvergenceError(f"an end point did not converge: {result.message} (RMS gradient {result.rms:.3g})")
    return characterise_minimum(potential, result.coordinates, result.energy, settings)
