"""Figures about the minima of a database: distances, numbers of connections, bond-orientational order."""

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError


def print_distances(setup, database, report):
    """DISTANCE: print the aligned distances of a minimum from a range of others."""
    values = setup.settings["DISTANCE"]
    last = values.last or database.n_minima
    for number in (values.n, values.first, last):
        if number > database.n_minima:
            raise InputError(f"{setup.settings.where('DISTANCE')}: minimum {number}, but the database has {database.n_minima}")
    x = database.coordinates([values.n])[0]
    for other in range(values.first, last + 1):
        if other != values.n:
            distance = setup.symmetry.align(database.coordinates([other])[0], x)[1]
            report.line(f"distance> minima {values.n:8d} and {other:8d} distance={distance:20.10f}")


def connection_counts(setup, database, report):
    """CHECKCONNECTIONS: print how many minima have how many different neighbours, and those with fewer than CONNECTIONS."""
    from pathsample.network import Network

    network = Network(database, setup.symmetry)
    degrees = network.degrees()
    counts = np.bincount(degrees) if len(degrees) else np.empty(0, dtype=int)
    for n in np.flatnonzero(counts).tolist():
        report.line(f"connections> {counts[n]:8d} minima have {n:8d} connections")
    wanted = setup.settings["CONNECTIONS"].n or 0 if setup.settings.given("CONNECTIONS") else 0
    for i in (np.flatnonzero(degrees < wanted) + 1).tolist():
        report.line(f"connections> minimum {i:8d} has {degrees[i - 1]:8d}, fewer than {wanted}")


def order_parameters(x, bond):
    """Bond-orientational order parameters Q4 and Q6 of a cluster.

    Q_l = (4 pi / (2 l + 1) sum_m |Y_lm averaged over the bonds|^2)^(1/2) (Steinhardt, Nelson and Ronchetti, Phys. Rev. B 28,
    784 (1983)).

    Parameters
    ----------
    x : ndarray of shape (3 n_atoms,)
    bond : float
        Pairs of atoms nearer than this are bonded.

    Returns
    -------
    q4, q6 : float
        NaN without bonds.
    """
    from scipy.special import eval_legendre

    atoms = np.asarray(x, dtype=float).reshape(-1, 3)
    first, second = np.triu_indices(len(atoms), 1)
    vectors = atoms[first] - atoms[second]
    lengths = np.linalg.norm(vectors, axis=1)
    near = lengths < bond
    if not near.any():
        return np.nan, np.nan
    directions = vectors[near] / lengths[near, None]
    # by the addition theorem the sum over m is the mean of a Legendre polynomial over all pairs of bonds
    cosines = np.clip(directions @ directions.T, -1.0, 1.0)
    return tuple(float(np.sqrt(max(eval_legendre(order, cosines).mean(), 0.0))) for order in (4, 6))


def bond_order(setup, database, report):
    """CALCORDER: Q4 and Q6 of minima as properties, and as lines of number, Q4, Q6 in min.order."""
    values = setup.settings["CALCORDER"]
    last = values.last or database.n_minima
    if max(values.first, last) > database.n_minima:
        raise InputError(
            f"{setup.settings.where('CALCORDER')}: minimum {max(values.first, last)}, but the database has {database.n_minima}"
        )
    if not hasattr(setup.symmetry, "n_atoms") and not setup.external:
        raise InputError(f"{setup.settings.where('CALCORDER')}: goes with a cluster of atoms; remove it")
    ids = list(range(values.first, last + 1))
    figures = np.array([order_parameters(database.coordinates([i])[0], values.bond) for i in ids]).reshape(-1, 2)
    for name, column in zip(("Q4", "Q6"), figures.T):
        database.set_property(name, ids, column)
    with atomic_write(setup.directory / "min.order") as file:
        file.writelines(f"{i:8d}{q4:20.10f}{q6:20.10f}\n" for i, (q4, q6) in zip(ids, figures))
    report.line(f"order> Q4 and Q6 of {len(ids)} minima stored as properties and written to min.order")
