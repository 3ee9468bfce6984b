"""Relaxation rates and modes of a network: eigenvalues of its rate matrix, each right to many digits of its own.

The symmetrised rate matrix S_ij = -c_ij/sqrt(w_i w_j), S_ii = sum_j c_ij/w_i has eigenvalues that span as many decades as the
rates do. An eigenvalue solver is right to a fraction of the largest; here S = G G^T with G from elimination without
subtraction, fastest minima first, so that G is a well-conditioned matrix times a diagonal one. The one-sided Jacobi method then
finds all singular values of G, large or small, to nearly full precision (Demmel, Gu, Eisenstat, Slapnicar, Veselic and Drmac,
Linear Algebra Appl. 299, 21 (1999); Drmac and Veselic, SIAM J. Matrix Anal. Appl. 29, 1322 (2008)).
"""

from dataclasses import dataclass

import numpy as np

#: Largest number of minima for the Jacobi method, which takes about a minute there.
MOST_FOR_JACOBI = 2000
#: Largest number of minima whose rate matrix is diagonalised at all: its eigenvectors take 0.3 GB.
MOST_MINIMA = 6000
#: Smallest over largest rate above which an eigenvalue solver gives ten digits.
WELL_CONDITIONED = 1e-5
#: Rates of one run of the Lanczos method, relative to its slowest, that are right to ten digits.
BATCH = 1e-5
#: Largest ratio of rates that have nine digits with the slow modes projected out.
SPAN = 1e7
#: A diagonal entry that only served to choose the next pivot is computed anew when it fell to this fraction.
STALE = 1e-3


@dataclass
class Spectrum:
    """Relaxation modes.

    Attributes
    ----------
    nodes : ndarray of int64
        Minima, counted from 0.
    rates : ndarray of shape (k,)
        Eigenvalues in units of exp(ln_unit), ascending.
    vectors : ndarray of shape (len(nodes), k)
        Orthonormal eigenvectors of the symmetrised matrix; times sqrt(w) they are the right eigenvectors of the rate matrix.
    ln_unit : float
    """

    nodes: np.ndarray
    rates: np.ndarray
    vectors: np.ndarray
    ln_unit: float


def spectrum(n, low, high, ln_conductance, ln_weight, target=(), jacobi=True):
    """All modes of a network without its target set.

    Parameters
    ----------
    n : int
    low, high : ndarray of int64
        Merged edges between the n minima.
    ln_conductance, ln_weight : ndarray
    target : sequence of int
        Absorbing minima; without any the rate matrix has one eigenvalue 0 for each component, which must be one.
    jacobi : bool
        False diagonalises S as it is.

    Returns
    -------
    Spectrum
    """
    target = np.asarray(target, dtype=np.int64)
    absorbing = np.zeros(n, dtype=bool)
    absorbing[target] = True
    free = np.flatnonzero(~absorbing)
    place = np.full(n, len(free), dtype=np.int64)
    place[free] = np.arange(len(free))
    # all absorbing minima are one node, the last
    a, b = place[low], place[high]
    keep = a != b
    a, b, ln_c = a[keep], b[keep], ln_conductance[keep]
    ln_w = np.append(ln_weight[free], ln_weight[free].max(initial=-np.inf))
    size = len(free)
    from pathsample.kinetics.rates import sum_by_group

    ln_escape = sum_by_group(size + 1, np.concatenate([a, b]), np.concatenate([ln_c, ln_c]))[:size]
    ln_rate = ln_escape - ln_w[:size]
    ln_unit = float(ln_rate.max())
    matrix = np.zeros((size + 1, size + 1))
    np.add.at(matrix, (a, b), np.exp(ln_c - 0.5 * (ln_w[a] + ln_w[b]) - ln_unit))
    matrix += matrix.T
    diagonal = np.exp(ln_rate - ln_unit)
    if not jacobi:
        from scipy.linalg import eigh

        values, vectors = eigh(np.diag(diagonal) - matrix[:size, :size], overwrite_a=True)
        return Spectrum(free, np.maximum(values, 0.0), vectors, ln_unit)
    factor, left = _factor(matrix, diagonal, ln_w, singular=not len(target))
    values, vectors = _left_singular(factor)
    if left is not None:
        # the mode of equilibrium
        half = np.exp(0.5 * (ln_w[:size] - ln_w[:size].max()))
        values = np.append(values, 0.0)
        vectors = np.column_stack([vectors, half / np.linalg.norm(half)])
    return Spectrum(free, values[::-1].copy(), vectors[:, ::-1].copy(), ln_unit)


def _factor(matrix, diagonal, ln_w, singular):
    """G of S = G G^T by elimination of the largest diagonal entry first, each the sum of what is left of its row.

    Parameters
    ----------
    matrix : ndarray of shape (m + 1, m + 1)
        Symmetric, c_ij/sqrt(w_i w_j) with zero diagonal; the last row is the target (zero without one). Overwritten.
    diagonal : ndarray of shape (m,)
    ln_w : ndarray of shape (m + 1,)
    singular : bool
        There is no target: the last pivot is zero.

    Returns
    -------
    factor : ndarray of shape (m, k)
    left : int or None
        The row without a pivot.
    """
    size = len(diagonal)
    factor = np.zeros((size, size - 1 if singular else size))
    # positions are exchanged, so that what is left is a leading block with the target in front
    order = np.append(size, np.arange(size))
    work = np.ascontiguousarray(matrix[np.ix_(order, order)])
    weight, estimate = ln_w[order], np.append(0.0, diagonal)
    exact = estimate.copy()
    end = size
    for k in range(factor.shape[1]):
        while True:
            at = 1 + int(np.argmax(estimate[1 : end + 1]))
            if estimate[at] > STALE * exact[at]:
                break
            estimate[at] = exact[at] = _row_sum(work, weight, at, end)
        _exchange(work, order, weight, estimate, exact, at, end)
        pivot = _row_sum(work, weight, end, end)
        row = work[end, :end].copy()
        rows = order[1:end]
        factor[order[end], k] = np.sqrt(pivot)
        factor[rows, k] = -row[1:] / np.sqrt(pivot)
        touched = np.flatnonzero(row)
        share = row[touched] / pivot
        block = np.ix_(touched, touched)
        work[block] += np.outer(share, row[touched])
        work[touched, touched] = 0.0
        estimate[touched] -= share * row[touched]
        stale = touched[(estimate[touched] <= STALE * exact[touched]) & (touched > 0)]
        for j in stale.tolist():
            estimate[j] = exact[j] = _row_sum(work, weight, j, end - 1)
        end -= 1
    return factor, int(order[1]) if singular else None


def _row_sum(work, weight, at, end):
    """Diagonal entry of a row: the sum of its conductances over its weight."""
    row = work[at, : end + 1]
    at_work = np.flatnonzero(row)
    return float(np.exp(np.log(row[at_work]) + 0.5 * (weight[at_work] - weight[at])).sum())


def _exchange(work, order, weight, estimate, exact, a, b):
    """Exchange two positions."""
    if a == b:
        return
    for array in (order, weight, estimate, exact):
        array[a], array[b] = array[b], array[a]
    work[[a, b]] = work[[b, a]]
    work[:, [a, b]] = work[:, [b, a]]


def _left_singular(factor):
    """Squared singular values, descending, and left singular vectors, by the preconditioned Jacobi method."""
    from scipy.linalg.lapack import dgejsv

    values, left, _, work, _, info = dgejsv(np.asfortranarray(factor), joba=0, jobu=0, jobv=3, jobr=0)
    if info < 0:
        raise ValueError(f"dgejsv: argument {-info} is wrong")
    values = values * (work[0] / work[1])
    return values**2, left[:, : factor.shape[1]]


def slowest_rates(network, nodes, count, digits=1e-13):
    """The smallest non-zero eigenvalues of the rate matrix of one component, by the Lanczos method on its inverse.

    The inverse is applied by elimination without subtraction, once for the positive and once for the negative part of a vector.
    Rates are right to a fraction of the slowest that is still in the vectors, so that modes far slower than the rest are found
    first and then projected out.

    Parameters
    ----------
    network : RateNetwork
    nodes : ndarray of int64
        One connected component.
    count : int
    digits : float
        Relative accuracy asked of the eigenvalues.

    Returns
    -------
    ln_rates : ndarray of shape (at most count,)
        Ascending; fewer where faster modes are more than `SPAN` times as fast as the slowest.
    """
    from scipy.sparse.linalg import LinearOperator, eigsh

    from pathsample.kinetics._graph_transformation import Elimination

    place = np.full(network.n_minima, -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    low, high, ln_c = network.merged()
    inside = place[low] >= 0
    top = network.ln_weight[nodes].max()
    ln_w = network.ln_weight[nodes] - top
    ground = int(np.argmax(ln_w))
    elimination = Elimination(len(nodes), place[low[inside]], place[high[inside]], ln_c[inside], ln_w)
    final = np.zeros(len(nodes), dtype=bool)
    final[ground] = True
    elimination.eliminate(~final)
    nothing = np.full(len(nodes), -np.inf)
    half = np.exp(0.5 * ln_w)
    known = (half / np.linalg.norm(half))[:, None]
    ln_scale = None

    def one_sign(part):
        elimination.set_mass(part)
        return elimination.solve(nothing, True)

    def projected(y):
        for _ in range(2):
            y = y - known @ (known.T @ y)
        return y

    def inverse(y):
        nonlocal ln_scale
        y = projected(np.ravel(y))
        with np.errstate(divide="ignore"):
            logs = [0.5 * ln_w + np.log(np.maximum(sign * y, 0.0)) for sign in (1.0, -1.0)]
        up, down = (0.5 * ln_w + one_sign(part) for part in logs)
        if ln_scale is None:
            ln_scale = max(up.max(), down.max())
        return projected(np.exp(up - ln_scale) - np.exp(down - ln_scale))

    count, ln_rates = min(count, len(nodes) - 1), np.empty(0)
    start = np.random.default_rng(0).standard_normal(len(nodes))
    while len(ln_rates) < count:
        wanted = count - len(ln_rates)
        ln_scale = None
        inverse(start)
        if len(nodes) <= 2 * wanted + 20:
            dense = np.stack([inverse(column) for column in np.eye(len(nodes))], axis=1)
            values, vectors = np.linalg.eigh(0.5 * (dense + dense.T))
        else:
            operator = LinearOperator((len(nodes), len(nodes)), matvec=inverse, dtype=float)
            values, vectors = eigsh(operator, wanted, which="LM", tol=digits, v0=start)
        order = np.argsort(-values)[:wanted]
        values, vectors = values[order], vectors[:, order]
        right = values > BATCH * values[0]
        new = -np.log(values[right]) - ln_scale - top
        new = new[new < (ln_rates[0] if len(ln_rates) else new[0]) + np.log(SPAN)]
        if not len(new) or (len(ln_rates) and new[0] < ln_rates[-1]):
            break
        ln_rates = np.append(ln_rates, new)
        known = np.column_stack([known, projected(vectors[:, : len(new)])])
        known = np.linalg.qr(known)[0]
    return ln_rates
