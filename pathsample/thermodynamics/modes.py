"""Vibrational modes of minima: the non-zero eigenvalues of their Hessians (Ballard et al. 2017, eq. 5).

The variables less the zero modes of the symmetry, and fewer where a minimum has zero modes of its own: the bias of a hidden
node that no weight connects is free unless biases are regularised.
"""

from itertools import pairwise

import numpy as np

from common.errors import DatabaseError

#: A hidden node is looked at more closely when all weights in and out are below this size.
UNUSED = 1e-3


def modes_of_minima(setup, database):
    """kappa of the minima of a database.

    Parameters
    ----------
    setup : Setup
    database : Database

    Returns
    -------
    int or ndarray of int64, shape (n,)
        One number where all minima have the same.
    """
    from pathsample.kinetics.analysis import number_of_modes

    kappa = number_of_modes(setup, database)
    potential = setup.potential
    if potential is None or not getattr(potential.symmetry, "uniform_bias_shift", False) or not database.n_minima:
        return kappa
    from potentials.characterise import hessian_spectrum

    try:
        points = database.coordinates()
    except DatabaseError:
        return kappa
    modes = np.full(database.n_minima, kappa, dtype=np.int64)
    for k, x in enumerate(points):
        if np.isfinite(x).all() and unused_nodes(potential.symmetry, x):
            spectrum = hessian_spectrum(potential, x)
            modes[k] = np.count_nonzero(spectrum.values > spectrum.cutoff)
    return kappa if (modes == kappa).all() else modes


def unused_nodes(symmetry, x, size=UNUSED):
    """Hidden nodes all of whose weights in and out are below a size.

    Parameters
    ----------
    symmetry : NetworkNodes
    x : ndarray of shape (n_variables,)
    size : float

    Returns
    -------
    int
    """
    weights, at = [], 0
    for before, after in pairwise(symmetry.layers):
        weights.append(np.abs(x[at : at + before * after]).reshape(after, before))
        at += before * after
    return int(sum(((into.max(axis=1) < size) & (out.max(axis=0) < size)).sum() for into, out in pairwise(weights)))
