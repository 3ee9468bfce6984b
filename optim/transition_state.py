"""Transition state searches from one starting point (BFGSTS, SEARCH 2)."""

import time

import numpy as np

from common.errors import ConvergenceError
from common.results import Result
from optim._hybrid_ef import HybridEF
from optim.requests import FindSaddle, on_processor
from optim.stationary import WrongIndexError, characterise_transition_state

#: How often a search that ended in a saddle of higher index is resumed beside it.
RESUMPTIONS = 3
#: Length of the push off a saddle of higher index, as a multiple of PUSHOFF: it must leave the region that leads back.
INDEX_PUSH = 5.0
#: A search that climbs above this energy is lost.
MAX_ENERGY = 1e290


def find_transition_state(potential, x0, settings, direction=None, rng=None, *, min_energy=-1e300, max_energy=1e300):
    """Hybrid eigenvector-following from x0 to a stationary point with one negative eigenvalue.

    Parameters
    ----------
    potential : Potential
    x0 : ndarray of shape (n_variables,)
    settings : OptimSettings
    direction : ndarray of shape (n_variables,), optional
        First guess of the eigenvector to follow (the tangent of a band); random otherwise.
    rng : numpy.random.Generator, optional
        For the random direction.
    min_energy, max_energy : float
        The search is given up outside.

    Returns
    -------
    Result
        ``extra`` holds eigenvalue and eigenvector.

    Notes
    -----
    Munro and Wales, Phys. Rev. B 59, 3969 (1999).
    """
    start = time.perf_counter()
    if direction is None:
        direction = (np.random.default_rng(0) if rng is None else rng).standard_normal(potential.n_variables)
    search = searcher(potential, settings)
    out = search.run(x0, direction, min_energy, max_energy)
    return Result(
        coordinates=out["coordinates"],
        energy=out["energy"],
        rms=out["rms"],
        converged=out["status"] == 0,
        status=out["status"],
        message=out["message"],
        iterations=out["iterations"],
        calls=out["calls"],
        seconds=time.perf_counter() - start,
        gradient=out["gradient"],
        extra={"eigenvalue": out["eigenvalue"], "eigenvector": out["eigenvector"]},
    )


def searcher(potential, settings):
    """The search object for this potential: full eigenvector-following, or hybrid with or without the Hessian."""
    if settings.uses_hessian(potential):
        from optim._eigenvector_following import EigenvectorFollowing

        return EigenvectorFollowing(potential, settings)
    return HybridEF(potential, settings)


def locate(potential, engine, point, direction, settings, *, is_known=None, on_search=None):
    """A verified transition state from a candidate.

    A search that keeps a symmetry of its start can end in a saddle of higher index: the gradient has no component that would
    leave the symmetric space. It is then resumed beside it, along the other eigenvectors with negative eigenvalues.

    Parameters
    ----------
    potential : Potential
    engine : HybridEF or EigenvectorFollowing
        From `searcher`.
    point, direction : ndarray of shape (n_variables,)
    settings : OptimSettings
    is_known : callable, optional
        ``is_known(energy, coordinates)`` is asked as soon as a search has converged; when true nothing more is done.
    on_search : callable, optional
        Told the outcome of every search.

    Returns
    -------
    (TransitionState, eigenvector), or None where it is known.

    Raises
    ------
    ConvergenceError
        With the reason.
    """
    return on_processor(locate_steps(potential, engine, point, direction, settings, is_known=is_known, on_search=on_search))


def locate_steps(potential, engine, point, direction, settings, *, is_known=None, on_search=None):
    """`locate` as a coroutine (`optim.requests`)."""
    for attempt in range(RESUMPTIONS + 1):
        out = yield FindSaddle(engine, point, direction, settings, MAX_ENERGY)
        if on_search is not None:
            on_search(out)
        if out["status"] != 0:
            raise ConvergenceError(out["message"])
        if is_known is not None and is_known(out["energy"], out["coordinates"]):
            return None
        try:
            record, vector = characterise_transition_state(
                potential, out["coordinates"], out["energy"], settings, vector=out["eigenvector"]
            )
        except WrongIndexError as error:
            if error.index < 2 or attempt == RESUMPTIONS:
                raise
            direction = error.vectors[:, 0]
            push = error.vectors[:, 1:].sum(axis=1)
            point = error.coordinates + INDEX_PUSH * settings.pushoff / np.linalg.norm(push) * push
            continue
        if is_known is not None and is_known(record.energy, record.coordinates):
            return None
        return record, vector
    raise ConvergenceError("no transition state")
