"""Checks of a database: is every stationary point what the database says it is?

For every transition state: RMS gradient below the criterion, exactly one negative eigenvalue of the Hessian recomputed at
its coordinates (zero modes apart), both steepest-descent paths end in its two minima. For every minimum: RMS gradient below
the criterion, no negative eigenvalue, and no other minimum is a copy of it under the symmetry of the potential. The
energies must be those of the potential.

The criterion for the RMS gradient is `potentials.characterise.stored_rms`: 1e-9 times the largest element of the Hessian,
or 1e-9 where that is below one; a stationary point cannot be located better than the rounding error of a gradient built
from such terms.
"""

from dataclasses import dataclass, field

import numpy as np

#: Relative difference between a stored and a recomputed energy that rounding cannot explain.
ENERGY_TOLERANCE = 1e-9


@dataclass
class Verification:
    """Result of `verify`.

    Attributes
    ----------
    problems : list of str
        One line for everything that failed.
    checked_minima, checked_transition_states : int
    worst : dict
        Largest figure met for each quantity.
    """

    problems: list = field(default_factory=list)
    checked_minima: int = 0
    checked_transition_states: int = 0
    worst: dict = field(default_factory=dict)

    @property
    def passed(self):
        """Whether nothing failed."""
        return not self.problems

    def note(self, name, value):
        """Keep the largest value of a quantity."""
        self.worst[name] = max(self.worst.get(name, 0.0), float(value))


def check_point(potential, energy, coordinates, index):
    """Compare one stationary point with the potential.

    Parameters
    ----------
    potential : Potential
    energy : float
        As stored.
    coordinates : ndarray of shape (n_variables,)
    index : int
        Number of negative eigenvalues it must have.

    Returns
    -------
    problems : list of str
    figures : dict
        ``rms`` over its criterion and relative ``energy`` difference.
    """
    from potentials.characterise import gradient_rms, hessian_spectrum, stored_rms

    found, gradient = potential.energy_gradient(coordinates)
    hessian = potential.hessian(coordinates)
    rms, goal = gradient_rms(gradient), stored_rms(potential, coordinates, hessian)
    difference = abs(found - energy) / max(1.0, abs(energy))
    problems = []
    if not difference <= ENERGY_TOLERANCE:
        problems.append(f"energy {energy:.10f} stored, {found:.10f} computed")
    if not rms <= goal:
        problems.append(f"RMS gradient {rms:.2e}, {goal:.2e} allowed")
    spectrum = hessian_spectrum(potential, coordinates, hessian=hessian)
    if spectrum.index != index:
        problems.append(f"{spectrum.index} negative eigenvalues, expected {index}")
    return problems, {"rms": rms / goal, "energy": difference}


def check_descent(potential, optim, ts, plus, minus, energy_tolerance, distance_tolerance):
    """Whether the two descent paths from a transition state end in its minima; a list of problems."""
    from common.errors import LandscapeError
    from optim.path import descend

    try:
        triple = descend(potential, ts, optim)
    except LandscapeError as error:
        return [f"descent failed: {error}"]

    def same(a, b):
        close = abs(a.energy - b.energy) < energy_tolerance
        return close and potential.symmetry.same(a.coordinates, b.coordinates, distance_tolerance)

    ends = (triple.plus, triple.minus)
    if (same(ends[0], plus) and same(ends[1], minus)) or (same(ends[0], minus) and same(ends[1], plus)):
        return []
    return [
        f"descent ends at {ends[0].energy:.10f} and {ends[1].energy:.10f}, its minima {ts.plus} and {ts.minus} "
        f"are at {plus.energy:.10f} and {minus.energy:.10f}"
    ]


def copies(ids, energies, coordinates, symmetry, energy_tolerance, distance_tolerance):
    """Pairs of minima that are copies of each other.

    Parameters
    ----------
    ids : array_like of int
    energies : array_like
        Of these minima.
    coordinates : callable
        Gives the coordinates of the minimum with an id; asked for minima of nearly equal energies only.
    symmetry : Symmetry
    energy_tolerance, distance_tolerance : float
        Those of the database.

    Returns
    -------
    pairs : list of (int, int)
    nearest : float
        Smallest aligned distance between minima of equal energy; inf when no energies are equal.
    """
    ids, energies = np.asarray(ids), np.asarray(energies)
    order = np.argsort(energies, kind="stable")
    ids, energies = ids[order].tolist(), energies[order].tolist()
    pairs, nearest = [], np.inf
    for place, a in enumerate(ids):
        for other in range(place + 1, len(ids)):
            if energies[other] - energies[place] >= energy_tolerance:
                break
            b = ids[other]
            distance = symmetry.align(coordinates(b), coordinates(a))[1]
            nearest = min(nearest, distance)
            if distance < distance_tolerance:
                pairs.append((min(a, b), max(a, b)))
    return pairs, nearest


def verify(setup, database, engine, minima=None, transition_states=None, progress=None):
    """Check stationary points of a database.

    Parameters
    ----------
    setup : Setup
        Potential and settings of the searches.
    database : Database
    engine : LocalEngine
        Runs the checks of single points; its workers were initialised by `pathsample.jobs.initialise`.
    minima, transition_states : list of int, optional
        Which ones; all by default.

    Returns
    -------
    Verification
    """
    from pathsample.jobs import check_minimum, check_transition_state

    minima = list(range(1, database.n_minima + 1)) if minima is None else minima
    if transition_states is None:
        transition_states = list(range(1, database.n_transition_states + 1))
    result = Verification(checked_minima=len(minima), checked_transition_states=len(transition_states))
    tolerances = (database.energy_tolerance, database.distance_tolerance)
    found = {}

    def collect(kind, function, jobs):
        for key, outcome in engine.run(function, jobs):
            if progress is not None:
                progress.update(1)
            failed = [f"the check failed: {outcome.error}"], {}
            problems, figures = failed if outcome.error is not None else outcome.value
            if problems:
                found[kind, key] = problems
            for name, value in figures.items():
                result.note(f"{kind} {name}", value)

    # read one by one, when a worker is ready for them
    collect("minimum", check_minimum, ((i, (database.minimum(i),)) for i in minima))

    def ts_jobs():
        for i in transition_states:
            ts = database.transition_state(i)
            yield i, (ts, database.minimum(ts.plus), database.minimum(ts.minus), *tolerances)

    collect("transition state", check_transition_state, ts_jobs())
    for (kind, number), problems in sorted(found.items()):
        result.problems += [f"{kind} {number}: {problem}" for problem in problems]
    energies = database.energies()[np.array(minima, dtype=np.int64) - 1]
    pairs, nearest = copies(minima, energies, lambda i: database.minimum(i).coordinates, setup.symmetry, *tolerances)
    result.problems += [f"minimum {j}: a copy of minimum {i}" for i, j in pairs]
    result.worst["nearest equal energies"] = nearest
    result.problems += database.check()
    return result


def table(result):
    """Lines of the table that a verification prints."""
    failed_ts = len({p.split(":")[0] for p in result.problems if p.startswith("transition state ")})
    failed_minima = len({p.split(":")[0] for p in result.problems if p.startswith("minimum ")})
    other = sum(1 for p in result.problems if not p.startswith(("transition state ", "minimum ")))
    worst = result.worst
    lines = [
        "verify>                       checked    failed   RMS/allowed   energy difference",
        f"verify> minima            {result.checked_minima:11d}{failed_minima:10d}"
        f"{worst.get('minimum rms', 0.0):14.1e}{worst.get('minimum energy', 0.0):20.1e}",
        f"verify> transition states {result.checked_transition_states:11d}{failed_ts:10d}"
        f"{worst.get('transition state rms', 0.0):14.1e}{worst.get('transition state energy', 0.0):20.1e}",
        f"verify> database          {'':>11s}{other:10d}",
    ]
    nearest = worst.get("nearest equal energies", np.inf)
    if np.isfinite(nearest):
        lines.append(f"verify> smallest distance between two minima of equal energy: {nearest:.4g}")
    lines += [f"verify> {problem}" for problem in result.problems]
    lines.append("verify> " + ("everything passed" if result.passed else f"{len(result.problems)} problems"))
    return lines
