"""Searches as coroutines that ask for what is expensive, so that one device can work for many of them at once.

A coroutine (a generator; the functions whose names end in ``_steps``) yields a request and is sent the reply. `on_processor`
serves the requests one by one where they arise, which is how every search runs by default; `optim.on_device` collects the
requests of all searches under way and serves them in one launch. What is decided from the replies is the same code.
"""

from dataclasses import dataclass

import numpy as np

from common.lbfgs import minimise


@dataclass(slots=True, eq=False)
class Together:
    """Coroutines that do not wait for each other; the reply is the list of what they return.

    Attributes
    ----------
    steps : list of generators
        The processor runs them in this order, each to its end.
    """

    steps: list

    def run(self):
        """The reply of the processor."""
        return [on_processor(steps) for steps in self.steps]


@dataclass(slots=True, eq=False)
class RelaxBand:
    """Relax a band; the reply is that of ``Band.optimise``.

    Attributes
    ----------
    band : optim._dneb.Band
    points : ndarray of shape (images, n_variables)
    settings : OptimSettings
    iterations : int
    rms, relative : float
        Convergence, and the same as a fraction of the first force.
    """

    band: object
    points: np.ndarray
    settings: object
    iterations: int
    rms: float
    relative: float

    def run(self):
        """The reply of the processor."""
        return self.band.optimise(self.points, self.settings, self.iterations, self.rms, self.relative)


@dataclass(slots=True, eq=False)
class FindSaddle:
    """Follow an eigenvector uphill; the reply is that of ``engine.run``.

    Attributes
    ----------
    engine : HybridEF or EigenvectorFollowing
    point, direction : ndarray of shape (n_variables,)
    settings : OptimSettings
    max_energy : float
    """

    engine: object
    point: np.ndarray
    direction: np.ndarray
    settings: object
    max_energy: float

    def run(self):
        """The reply of the processor."""
        return self.engine.run(self.point, self.direction, max_energy=self.max_energy)


@dataclass(slots=True, eq=False)
class GoAhead:
    """Follow a downhill path from a point as far as it can be followed cheaply.

    The reply is None, or the coordinates, energy and length of the way to a point further down the same path: the processor,
    whose own method needs few steps, does not go ahead.

    Attributes
    ----------
    point : ndarray of shape (n_variables,)
    settings : OptimSettings
    rms : float
        Where to end.
    lbfgs : bool
        By L-BFGS instead.
    """

    point: np.ndarray
    settings: object
    rms: float
    lbfgs: bool = False

    def run(self):
        """The reply of the processor."""
        return None


@dataclass(slots=True, eq=False)
class Minimise:
    """L-BFGS from a point; the reply is a `common.results.Result`.

    Attributes
    ----------
    potential : Potential
    point : ndarray of shape (n_variables,)
    settings : OptimSettings
    rms : float
    max_iterations : int
    """

    potential: object
    point: np.ndarray
    settings: object
    rms: float
    max_iterations: int

    def run(self):
        """The reply of the processor."""
        s = self.settings
        return minimise(
            self.potential, self.point, history=s.history, rms=self.rms, max_iterations=self.max_iterations,
            max_step=s.max_step, max_rise=s.max_rise, diagonal=s.diagonal,
        )  # fmt: skip


def on_processor(steps):
    """Run a coroutine to its end and return what it returns, its requests served one by one as they arise."""
    reply, problem = None, None
    while True:
        try:
            request = steps.send(reply) if problem is None else steps.throw(problem)
        except StopIteration as end:
            return end.value
        reply, problem = None, None
        try:
            reply = request.run()
        except Exception as error:
            # the coroutine decides what a failure means
            problem = error
