"""The library entry for programs that make many searches: no files, no printing, one result."""

import numpy as np

from optim.connect import Connector, as_minimum
from optim.settings import default_settings


def connect(start, finish, potential, settings=None, rng=None, listener=None):
    """Connect two minima by transition states.

    Parameters
    ----------
    start, finish : Minimum or ndarray of shape (n_variables,)
        Coordinates are minimised first.
    potential : Potential
    settings : OptimSettings, optional
        Default `optim.settings.default_settings`.
    rng : numpy.random.Generator, optional
        The same seed gives the same result.
    listener : optim.connect.Silent, optional
        Told of every event (the program prints from it).

    Returns
    -------
    ConnectResult
        A sequence of all `common.stationary_points.Triple` found, verified, whether connected or not; ``connected``, ``path``
        (numbers of those that connect the two), ``failures`` and the cost are its attributes.

    Raises
    ------
    ConvergenceError
        If an end point given by its coordinates does not converge to a minimum.

    Examples
    --------
    >>> from potentials.lj import LennardJones
    >>> cluster = LennardJones(7)
    >>> rng = np.random.default_rng(1)
    >>> triples = connect(cluster.random_coordinates(rng), cluster.random_coordinates(rng), cluster, rng=rng)
    >>> triples.connected, all(t.transition_state.energy > t.plus.energy for t in triples)
    (True, True)
    """
    settings = default_settings(potential) if settings is None else settings
    connector = Connector(potential, settings, np.random.default_rng(0) if rng is None else rng, listener)
    return connector.run(as_minimum(potential, start, settings), as_minimum(potential, finish, settings))
