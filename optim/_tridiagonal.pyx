"""Linear algebra with a Hessian in tridiagonal form, H = Q T Q^T, at a fraction of the cost of its diagonalisation.

Steps of eigenvector-following need the eigenpairs of the few negative eigenvalues only; of all others they need solutions of
(T + mu) y = s, which take a time proportional to n each. Golub and Van Loan, Matrix Computations, sections 8.3 and 8.4.
"""

from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy
from scipy.linalg.cython_lapack cimport dgttrf, dgttrs, dsteqr, dsytrd

from common._vectors cimport vector_add, vector_dot, vector_scale

import numpy as np

cdef extern from "_tridiagonal.h" nogil:
    void tridiagonal_reduce(Py_ssize_t n, double* a, double* d, double* e, double* tau, double* w)

cdef double EPSILON = 2.3e-16
#: Up to this size the matrix is reduced here, beyond by LAPACK, which works in blocks.
cdef Py_ssize_t SMALL = 64
#: Block of the reduction to tridiagonal form.
cdef Py_ssize_t BLOCK = 32
#: More eigenpairs than this are found together by the QL method.
cdef Py_ssize_t MOST_PAIRS = 12
#: Bisection finds an eigenvalue to this fraction; then inverse iteration, at most so many times, to this residual in units of
#: the norm of the matrix.
cdef double BISECTED = 0.02
cdef int INVERSE_ITERATIONS = 8
cdef double RESIDUAL = 1e-14
cdef double LARGEST_RESIDUAL = 1e-11


cdef class Tridiagonal:
    """Work space for matrices of one size.

    The matrix is written to ``reduced`` (n by n, symmetric) and reduced; afterwards the lowest eigenpairs can be deflated: they
    are known explicitly (``values``, rows of ``vectors`` in the tridiagonal basis) and treated apart.
    """

    def __init__(self, Py_ssize_t n):
        self.n = n
        self.deflated = 0
        self.reduced = np.empty(n * n)
        self.diagonal = np.empty(n)
        self.off = np.empty(n)
        self.tau = np.empty(n)
        self.values = np.empty(n)
        # dsteqr needs room for all vectors
        self.vectors = np.empty(n * n)
        self.factor = np.empty(4 * n)
        self.pivots = np.empty(n, dtype=np.intc)
        self.work = np.empty(max(BLOCK, 8) * n)

    cdef bint reduce(self) noexcept nogil:
        """T and Q of the matrix in ``reduced``; False where it is not finite."""
        cdef int order = <int>self.n, lwork = <int>(BLOCK * self.n), info = 0
        cdef char lower = b'L'
        cdef Py_ssize_t i, n = self.n
        cdef double row, largest = 0.0
        if n <= SMALL:
            tridiagonal_reduce(n, &self.reduced[0], &self.diagonal[0], &self.off[0], &self.tau[0], &self.work[0])
        else:
            dsytrd(&lower, &order, &self.reduced[0], &order, &self.diagonal[0], &self.off[0], &self.tau[0], &self.work[0],
                   &lwork, &info)
        self.deflated = 0
        self.norm = 0.0
        for i in range(n):
            row = fabs(self.diagonal[i])
            if i > 0:
                row += fabs(self.off[i - 1])
                largest = max(largest, fabs(self.off[i - 1]))
            if i < n - 1:
                row += fabs(self.off[i])
            if not isfinite(row):
                return False
            self.norm = max(self.norm, row)
        self.pivot = max(1e-300, 1e-292 * largest * largest)
        return info == 0

    cdef void enter(self, double* x) noexcept nogil:
        """x becomes Q^T x."""
        cdef Py_ssize_t i, m, n = self.n
        cdef double c
        cdef double* v
        for i in range(n - 1):
            m = n - 2 - i
            v = &self.reduced[0] + i * n + i + 2
            c = -self.tau[i] * (x[i + 1] + vector_dot(m, v, x + i + 2))
            x[i + 1] += c
            vector_add(m, c, v, x + i + 2)

    cdef void leave(self, double* x) noexcept nogil:
        """x becomes Q x."""
        cdef Py_ssize_t i, m, n = self.n
        cdef double c
        cdef double* v
        for i in range(n - 2, -1, -1):
            m = n - 2 - i
            v = &self.reduced[0] + i * n + i + 2
            c = -self.tau[i] * (x[i + 1] + vector_dot(m, v, x + i + 2))
            x[i + 1] += c
            vector_add(m, c, v, x + i + 2)

    cdef Py_ssize_t count(self, double bound) noexcept nogil:
        """Number of eigenvalues below the bound (Sturm sequence)."""
        cdef Py_ssize_t i, found = 0
        cdef double q = self.diagonal[0] - bound
        cdef const double* d = &self.diagonal[0]
        cdef const double* e = &self.off[0]
        for i in range(1, self.n):
            if fabs(q) < self.pivot:
                q = -self.pivot
            if q < 0.0:
                found += 1
            q = d[i] - bound - e[i - 1] * e[i - 1] / q
        return found + (1 if q < 0.0 else 0)

    cdef void multiply(self, const double* x, double* y) noexcept nogil:
        """y = T x."""
        cdef Py_ssize_t i, n = self.n
        cdef const double* d = &self.diagonal[0]
        cdef const double* e = &self.off[0]
        for i in range(n):
            y[i] = d[i] * x[i]
        for i in range(n - 1):
            y[i] += e[i] * x[i + 1]
            y[i + 1] += e[i] * x[i]

    cdef void factorise(self, double shift) noexcept nogil:
        """LU factors of T + shift."""
        cdef Py_ssize_t i, n = self.n
        cdef int order = <int>n, info = 0
        cdef double* lower = &self.factor[0]
        cdef double* middle = lower + n
        cdef double* upper = middle + n
        memcpy(lower, &self.off[0], (n - 1) * sizeof(double))
        memcpy(upper, &self.off[0], (n - 1) * sizeof(double))
        for i in range(n):
            middle[i] = self.diagonal[i] + shift
        dgttrf(&order, lower, middle, upper, upper + n, &self.pivots[0], &info)
        for i in range(n):
            if fabs(middle[i]) < EPSILON * self.norm * 1e-3:
                middle[i] = EPSILON * self.norm * 1e-3 + 1e-300

    cdef void solve(self, double* x) noexcept nogil:
        """x becomes (T + shift)^-1 x."""
        cdef Py_ssize_t n = self.n
        cdef int order = <int>n, one = 1, info = 0
        cdef char plain = b'N'
        cdef double* lower = &self.factor[0]
        dgttrs(&plain, &order, &one, lower, lower + n, lower + 2 * n, lower + 3 * n, &self.pivots[0], x, &order, &info)

    cdef void split(self, double* x, double* parts) noexcept nogil:
        """Remove the deflated eigenvectors from x; ``parts`` receives the components."""
        cdef Py_ssize_t k, n = self.n
        cdef double* u
        for k in range(self.deflated):
            u = &self.vectors[k * n]
            parts[k] = vector_dot(n, u, x)
            vector_add(n, -parts[k], u, x)

    cdef bint deflate(self, Py_ssize_t m) noexcept nogil:
        """Compute the m lowest eigenpairs."""
        cdef Py_ssize_t k
        if m > self.n:
            m = self.n
        if m <= MOST_PAIRS:
            for k in range(m):
                self.deflated = k
                if not self._pair(k):
                    break
            else:
                self.deflated = m
                return True
        return self._all_pairs(m)

    cdef bint _pair(self, Py_ssize_t k) noexcept nogil:
        """Eigenpair k by bisection and Rayleigh quotient iteration, where the lower ones are known; False where in doubt."""
        cdef Py_ssize_t i, n = self.n
        cdef double low = -1.01 * self.norm - 1e-300, high = -low, middle, size, value, residual = 0.0, c = 0.0
        cdef double* x = &self.vectors[k * n]
        cdef double* y = &self.work[0]
        cdef int _
        # from the size of what is sought: doubling away from zero
        if self.count(0.0) > k:
            high = 0.0
            middle = -1e-3 * self.norm
            while middle > low:
                if self.count(middle) > k:
                    high = middle
                    middle *= 4.0
                else:
                    low = middle
                    break
        else:
            low = 0.0
        while high - low > BISECTED * min(fabs(low), fabs(high)) and high - low > 1e-14 * self.norm:
            middle = 0.5 * (low + high)
            if self.count(middle) > k:
                high = middle
            else:
                low = middle
        # alone in its interval, or as good as equal to its neighbours
        while self.count(high) != k + 1 or self.count(low) != k:
            if not high - low > 1e-14 * self.norm:
                return False
            middle = 0.5 * (low + high)
            if self.count(middle) > k:
                high = middle
            else:
                low = middle
        value = 0.5 * (low + high)
        for i in range(n):
            x[i] = 1.0 + 0.37 * ((i * 7 + k * 3) % 11)
        for _ in range(INVERSE_ITERATIONS):
            self.factorise(-value)
            self.solve(x)
            for i in range(k):
                vector_add(n, -vector_dot(n, &self.vectors[i * n], x), &self.vectors[i * n], x)
            size = sqrt(vector_dot(n, x, x))
            if not (isfinite(size) and size > 0.0):
                return False
            vector_scale(n, 1.0 / size, x)
            self.multiply(x, y)
            c = vector_dot(n, x, y)
            vector_add(n, -c, x, y)
            residual = sqrt(vector_dot(n, y, y))
            if residual < RESIDUAL * self.norm:
                break
            value = c if low < c < high else 0.5 * (low + high)
        if residual > LARGEST_RESIDUAL * self.norm or not (low - residual <= c <= high + residual):
            return False
        self.values[k] = c
        return True

    cdef bint _all_pairs(self, Py_ssize_t m) noexcept nogil:
        cdef int order = <int>self.n, info = 0
        cdef char compute = b'I'
        cdef double* off = &self.factor[0]
        memcpy(&self.values[0], &self.diagonal[0], self.n * sizeof(double))
        memcpy(off, &self.off[0], (self.n - 1) * sizeof(double))
        dsteqr(&compute, &order, &self.values[0], off, &self.vectors[0], &order, &self.work[0], &info)
        self.deflated = m
        return info == 0


def lowest_pairs(matrix, Py_ssize_t m):
    """The m lowest eigenvalues of a symmetric matrix with their eigenvectors as rows, and the number of negative ones."""
    h = np.array(matrix, dtype=float)
    cdef Py_ssize_t k, n = h.shape[0], negative
    cdef Tridiagonal form = Tridiagonal(n)
    cdef bint done
    if h.shape[1] != n or not 0 <= m <= n:
        raise ValueError("a square matrix is needed, and no more pairs than rows")
    np.asarray(form.reduced)[:] = h.ravel()
    with nogil:
        done = form.reduce() and form.deflate(m)
        negative = form.count(0.0) if done else 0
        for k in range(m if done else 0):
            form.leave(&form.vectors[k * n])
    if not done:
        raise ValueError("the matrix is not finite")
    return np.array(form.values[:m]), np.array(form.vectors[: m * n]).reshape(m, n), negative
