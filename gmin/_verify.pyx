"""Quenches made into verified minima without the interpreter: Newton steps, index and log product from Cholesky factors.

What the potentials' ``characterise_minimum`` does for every potential and every case is done here for the ordinary one, a
cluster whose quench ends in the nearest minimum; anything else is left to it.
"""

from libc.math cimport fabs, isfinite, log, sqrt
from libc.string cimport memcpy

from common._vectors cimport vector_add, vector_dot, vector_scale
from common.lbfgs cimport LBFGS_CONVERGED, LBFGSOutcome, LBFGSSettings, lbfgs, lbfgs_defaults, lbfgs_workspace
from gmin._memory cimport N_INVARIANTS, Seen, cluster_invariants
from potentials._aligned cimport aligned_empty
from potentials.potential cimport Potential

import numpy as np

from potentials.characterise import STORED_RMS, ZERO_CUTOFF
from potentials.symmetry.rigid import POINT_GROUP_TOLERANCE

cdef extern from "_cholesky.h" nogil:
    ctypedef struct cholesky_kernels_t:
        double (*factor)(Py_ssize_t n, const double* h, int n_lift, const double* lift, double* u, double* inverses,
                         double* log_det) noexcept nogil
        void (*solve)(Py_ssize_t n, const double* u, const double* inverses, double* b) noexcept nogil
    int cholesky_choose_kernels(int lanes, cholesky_kernels_t* k)

#: Outcomes: a minimum of point group C1; a minimum that may have symmetry; for ``characterise_minimum`` to decide; a minimum
#: that this verifier has had before; a saddle, where quenches of symmetric clusters end.
C1, SYMMETRIC, UNDECIDED, AGAIN, SADDLE = range(5)
cdef enum:
    C1_C = 0
    SYMMETRIC_C = 1
    UNDECIDED_C = 2
    AGAIN_C = 3
    SADDLE_C = 4

#: Converged to rounding, copies of one minimum agree in energy and invariants to about 1e-11, relative.
SAME_ENERGY = 1e-8
SAME_INVARIANTS = 1e-9

#: Steps with one factor go on while each makes the gradient this much smaller.
cdef double GOOD_RATIO = 0.3
cdef int MAX_FACTORS = 8
cdef enum:
    #: Steps with one factor, whose curvature BFGS updates refine.
    MAX_STEPS = 14
#: Where Newton's method does not get there at once, L-BFGS brings the point closer, to this part of the sloppy gradient.
cdef double CLOSER = 1e-2

#: A pivot this far below zero, in units of the largest curvature, is no rounding error: an eigenvalue is negative.
cdef double DEFINITELY = 1e-8

#: Atoms lie in a plane when the least of their mean squares along an axis is below this part of their sum.
cdef double PLANE = 1e-6
#: Largest slope of 1/(1 + d^2), at d = 3^(-1/2).
cdef double STEEPEST = 0.65


cdef class ClusterVerifier:
    """Newton's method for quenched clusters.

    Parameters
    ----------
    potential : Potential
        One of its own: its work space is used without the GIL. Its symmetry is that of a free cluster.
    lanes : int
        Doubles per vector of the processor's instructions: 2, 4 or 8; 0 is the most it has.
    """

    cdef Potential potential
    cdef int n, n_atoms
    cdef double max_step
    cdef double[:, ::1] hessian
    # rows padded to a multiple of 8
    cdef double[:, ::1] lift
    cdef double[::1] factor, inverses
    cdef cholesky_kernels_t kernels
    cdef double[:, ::1] moves, changes
    cdef double[::1] work
    cdef LBFGSSettings settings
    cdef Seen had
    cdef double[::1] start, gradient, step, trial, trial_gradient
    cdef double[::1] radius
    cdef double[:, ::1] distances
    cdef unsigned char[::1] sorted_row
    cdef double shift, stiffness, log_determinant, smallest
    cdef double stored_rms, zero_cutoff, tolerance

    def __cinit__(self, Potential potential not None, int lanes=0):
        cdef int n = potential.n_variables, padded = (n + 7) // 8 * 8
        self.potential = potential
        self.n = n
        self.n_atoms = n // 3
        self.max_step = potential.step_scale
        self.hessian = np.empty((n, n))
        cholesky_choose_kernels(lanes, &self.kernels)
        self.factor = aligned_empty(padded * padded)
        self.inverses = aligned_empty(16 * padded)
        self.lift = aligned_empty(6 * padded).reshape(6, padded)
        self.lift[:] = 0.0
        self.moves = np.empty((MAX_STEPS, n))
        self.changes = np.empty((MAX_STEPS, n))
        self.settings = lbfgs_defaults()
        self.settings.max_iterations = 1000
        self.work = np.empty(lbfgs_workspace(n, self.settings.history))
        self.start = np.empty(n)
        self.gradient = np.empty(n)
        self.step = aligned_empty(padded)
        self.trial = np.empty(n)
        self.trial_gradient = np.empty(n)
        self.radius = np.empty(self.n_atoms)
        self.distances = np.empty((self.n_atoms, self.n_atoms))
        self.sorted_row = np.zeros(self.n_atoms, dtype=np.uint8)
        self.had = Seen(SAME_ENERGY, SAME_INVARIANTS)
        self.stored_rms = STORED_RMS
        self.zero_cutoff = ZERO_CUTOFF
        self.tolerance = POINT_GROUP_TOLERANCE

    def verify(self, candidates):
        """Take quenches to their minima.

        Parameters
        ----------
        candidates : ndarray of shape (k, n_variables)

        Returns
        -------
        outcomes : ndarray of int of shape (k,)
            C1, SYMMETRIC, UNDECIDED, AGAIN or SADDLE; the other arrays mean something for C1, SYMMETRIC and AGAIN.
        coordinates : ndarray of shape (k, n_variables)
            Centroid at the origin.
        figures : ndarray of shape (k, 5)
            Energy, log product, and the three moments of inertia, ascending.
        """
        x = np.array(candidates, dtype=np.float64, order="C")
        if x.ndim != 2 or x.shape[1] != self.n:
            raise ValueError(f"expected shape (k, {self.n}), got {x.shape}")
        cdef double[:, ::1] xv = x
        cdef double[:, ::1] figures = np.zeros((x.shape[0], 5))
        cdef double[:, ::1] tensors = np.zeros((x.shape[0], 9))
        cdef long long[::1] outcomes = np.empty(x.shape[0], dtype=np.int64)
        cdef Py_ssize_t k, count = x.shape[0]
        with nogil:
            for k in range(count):
                outcomes[k] = self.one(&xv[k, 0], &figures[k, 0], &tensors[k, 0])
        np.asarray(figures)[:, 2:] = np.linalg.eigvalsh(np.asarray(tensors).reshape(-1, 3, 3))
        return np.asarray(outcomes), x, np.asarray(figures)

    cdef int one(self, double* x, double* figures, double* tensor) noexcept nogil:
        cdef double rms
        cdef double invariants[N_INVARIANTS]
        cdef LBFGSOutcome out
        if self.n_atoms < 4:
            return UNDECIDED_C
        memcpy(&self.start[0], x, self.n * sizeof(double))
        rms = self.newton(x, &figures[0])
        if rms < 0.0:
            # the quench stopped where the Hessian is not positive definite, or the nearest minimum is too far for Newton steps
            memcpy(x, &self.start[0], self.n * sizeof(double))
            self.settings.rms = CLOSER * (-rms)
            out = lbfgs(self.potential, &self.settings, x, &self.gradient[0], &self.work[0])
            if out.status != LBFGS_CONVERGED:
                memcpy(x, &self.start[0], self.n * sizeof(double))
                return UNDECIDED_C
            rms = self.newton(x, &figures[0])
            if rms < 0.0:
                if self.is_saddle(x):
                    return SADDLE_C
                # slid off a saddle, or far from everything: once more from where L-BFGS has got
                rms = self.newton(x, &figures[0])
        if not 0.0 <= rms <= self.stored_rms * max(1.0, self.stiffness) or not isfinite(self.log_determinant):
            memcpy(x, &self.start[0], self.n * sizeof(double))
            return UNDECIDED_C
        figures[1] = self.log_determinant
        self.centre(x)
        if not self.inertia(x, tensor):
            memcpy(x, &self.start[0], self.n * sizeof(double))
            return UNDECIDED_C
        cluster_invariants(self.n_atoms, x, &self.trial[0], invariants)
        if not self.had.add(figures[0], invariants):
            return AGAIN_C
        return SYMMETRIC_C if self.may_be_symmetric(x, &self.trial[self.n_atoms]) else C1_C

    cdef bint is_saddle(self, double* x) noexcept nogil:
        """Whether L-BFGS from x, which keeps the symmetry, converges where the Hessian has a negative eigenvalue."""
        cdef LBFGSOutcome out
        self.settings.rms = self.stored_rms * max(1.0, self.stiffness)
        out = lbfgs(self.potential, &self.settings, x, &self.gradient[0], &self.work[0])
        if out.status != LBFGS_CONVERGED or self.factorise(x):
            return False
        return self.smallest < -DEFINITELY * self.shift

    cdef double newton(self, double* x, double* energy) noexcept nogil:
        """Converge x to its minimum; returns the RMS gradient there, or minus the one at the start where that fails."""
        cdef int n = self.n, i, k, stored, _factor
        cdef double e, rms, first, e_new, rms_new, length, noise, product
        cdef double rho[MAX_STEPS]
        cdef double alpha[MAX_STEPS]
        cdef double* g = &self.gradient[0]
        cdef double* d = &self.step[0]
        e = self.potential.c_energy_gradient(x, g)
        self.potential.calls += 1
        first = rms = self.norm(g) / sqrt(<double>n)
        for _factor in range(MAX_FACTORS):
            if not self.factorise(x):
                return -first
            stored = 0
            while stored < MAX_STEPS:
                # the end of quadratic convergence: the rounding error of the gradient
                if rms < 1e-14 * self.stiffness:
                    break
                memcpy(d, g, n * sizeof(double))
                for i in range(stored - 1, -1, -1):
                    alpha[i] = rho[i] * self.dot(&self.moves[i, 0], d)
                    vector_add(n, -alpha[i], &self.changes[i, 0], d)
                self.kernels.solve(n, &self.factor[0], &self.inverses[0], d)
                for i in range(stored):
                    product = alpha[i] - rho[i] * self.dot(&self.changes[i, 0], d)
                    vector_add(n, product, &self.moves[i, 0], d)
                length = self.norm(d)
                if not isfinite(length) or length > self.max_step:
                    return -first
                for k in range(n):
                    self.trial[k] = x[k] - d[k]
                e_new = self.potential.c_energy_gradient(&self.trial[0], &self.trial_gradient[0])
                self.potential.calls += 1
                rms_new = self.norm(&self.trial_gradient[0]) / sqrt(<double>n)
                noise = 1e-13 * (1.0 + fabs(e))
                if not (rms_new < rms and e_new <= e + noise):
                    # a first step that fails far from the minimum; close to it there is nothing left to gain
                    if stored == 0 and rms > self.stored_rms * max(1.0, self.stiffness):
                        return -first
                    break
                for k in range(n):
                    self.moves[stored, k] = self.trial[k] - x[k]
                    self.changes[stored, k] = self.trial_gradient[k] - g[k]
                memcpy(x, &self.trial[0], n * sizeof(double))
                memcpy(g, &self.trial_gradient[0], n * sizeof(double))
                e = e_new
                product = self.dot(&self.moves[stored, 0], &self.changes[stored, 0])
                if rms_new > GOOD_RATIO * rms or not product > 0.0:
                    rms = rms_new
                    break
                rms = rms_new
                rho[stored] = 1.0 / product
                stored += 1
            if rms < 1e-2 * self.stored_rms * max(1.0, self.stiffness):
                break
        energy[0] = e
        return rms if self.factorise(x) and self.is_minimum() else -first

    cdef double dot(self, const double* a, const double* b) noexcept nogil:
        return vector_dot(self.n, a, b)

    cdef double norm(self, const double* v) noexcept nogil:
        return sqrt(vector_dot(self.n, v, v))

    cdef bint factorise(self, const double* x) noexcept nogil:
        """Cholesky factor of the Hessian at x, its zero modes lifted; False: not positive definite, or atoms on a line."""
        cdef int k
        cdef double pivot, root
        self.potential.c_hessian(x, &self.hessian[0, 0])
        self.stiffness = 0.0
        for k in range(self.n):
            if fabs(self.hessian[k, k]) > self.stiffness:
                self.stiffness = fabs(self.hessian[k, k])
        # at a minimum H Z = 0: lifting k zero modes to the shift multiplies the determinant by its k-th power
        self.shift = max(1.0, self.stiffness)
        root = sqrt(self.shift)
        if not self.zero_modes(x, root):
            return False
        pivot = self.kernels.factor(self.n, &self.hessian[0, 0], 6, &self.lift[0, 0], &self.factor[0], &self.inverses[0],
                                    &self.log_determinant)
        self.log_determinant -= 6.0 * log(self.shift)
        self.smallest = pivot * pivot if pivot > 0.0 else pivot
        return pivot > 0.0

    cdef bint is_minimum(self) noexcept nogil:
        """Whether the factor proves that no eigenvalue beyond the zero modes is zero or negative.

        Its smallest pivot bounds the smallest eigenvalue from above only; a small one needs the eigenvalues themselves.
        """
        return self.smallest >= max(1e3 * self.zero_cutoff, 1e-10 * self.shift)

    cdef bint zero_modes(self, const double* x, double size) noexcept nogil:
        """Orthogonal translations and rotations at x, of the size given: the rows of ``lift``; False for atoms on a line."""
        cdef int i, j, k, a, b, n = self.n
        cdef double c[3]
        cdef double d[3]
        cdef double product, length, first = 0.0
        cdef double scale = size / sqrt(<double>self.n_atoms)
        for k in range(3):
            c[k] = 0.0
            for i in range(self.n_atoms):
                c[k] += x[3 * i + k]
            c[k] /= self.n_atoms
        for i in range(self.n_atoms):
            for k in range(3):
                d[k] = x[3 * i + k] - c[k]
                for j in range(3):
                    self.lift[j, 3 * i + k] = scale if j == k else 0.0
            for k in range(3):
                a = (k + 1) % 3
                b = (k + 2) % 3
                self.lift[3 + k, 3 * i + k] = 0.0
                self.lift[3 + k, 3 * i + a] = -d[b]
                self.lift[3 + k, 3 * i + b] = d[a]
        # rotations about the centroid are orthogonal to translations already; Gram and Schmidt, twice, among themselves
        for k in range(3, 6):
            for _ in range(2):
                for j in range(3, k):
                    product = self.dot(&self.lift[j, 0], &self.lift[k, 0]) / (size * size)
                    vector_add(n, -product, &self.lift[j, 0], &self.lift[k, 0])
            length = self.norm(&self.lift[k, 0])
            first = max(first, length)
            if not length > 1e-4 * first:
                return False
            vector_scale(n, size / length, &self.lift[k, 0])
        return True

    cdef void centre(self, double* x) noexcept nogil:
        cdef int i, k
        cdef double c
        for k in range(3):
            c = 0.0
            for i in range(self.n_atoms):
                c += x[3 * i + k]
            c /= self.n_atoms
            for i in range(self.n_atoms):
                x[3 * i + k] -= c

    cdef bint inertia(self, const double* x, double* t) noexcept nogil:
        """Inertia tensor about the centroid, with unit masses; False for atoms in a plane."""
        cdef int i, j, k
        cdef double trace = 0.0, second, det
        for j in range(3):
            for k in range(3):
                t[3 * j + k] = 0.0
                for i in range(self.n_atoms):
                    t[3 * j + k] += x[3 * i + j] * x[3 * i + k]
            trace += t[4 * j]
        # sums of products of one, two and three eigenvalues of the second moments, of which a plane has one zero
        second = t[0] * t[4] + t[0] * t[8] + t[4] * t[8] - t[1] * t[1] - t[2] * t[2] - t[5] * t[5]
        det = t[0] * (t[4] * t[8] - t[5] * t[5]) - t[1] * (t[1] * t[8] - t[5] * t[2]) + t[2] * (t[1] * t[5] - t[4] * t[2])
        if det < PLANE * trace * second:
            return False
        for j in range(3):
            for k in range(3):
                t[3 * j + k] = (trace if j == k else 0.0) - t[3 * j + k]
        return True

    cdef bint may_be_symmetric(self, const double* x, const double* near) noexcept nogil:
        """False only where no operation but the identity can map the cluster to itself within the tolerance for each atom.

        Atoms that change places have distances from the centroid, and sorted distances to the other atoms, that agree within
        twice the tolerance, and so do (n times) their sums ``near`` over 1/(1 + d^2); an operation that moves no atom is the
        identity, unless all atoms lie in a plane.
        """
        cdef int i, j, k, n = self.n_atoms
        cdef bint alike
        cdef double apart = 2.0 * self.tolerance * STEEPEST * n
        for i in range(n):
            self.sorted_row[i] = 0
            self.radius[i] = sqrt(x[3 * i] ** 2 + x[3 * i + 1] ** 2 + x[3 * i + 2] ** 2)
        for i in range(n):
            for j in range(i):
                if fabs(self.radius[i] - self.radius[j]) > 2.0 * self.tolerance or fabs(near[i] - near[j]) > apart:
                    continue
                self.sort_distances(x, i)
                self.sort_distances(x, j)
                alike = True
                for k in range(n):
                    if fabs(self.distances[i, k] - self.distances[j, k]) > 2.0 * self.tolerance:
                        alike = False
                        break
                if alike:
                    return True
        return False

    cdef void sort_distances(self, const double* x, int i) noexcept nogil:
        """Row i of ``distances``: those of atom i from all atoms, ascending."""
        cdef int j, k, at, n = self.n_atoms
        cdef double r, d
        if self.sorted_row[i]:
            return
        self.sorted_row[i] = 1
        for j in range(n):
            d = 0.0
            for k in range(3):
                r = x[3 * i + k] - x[3 * j + k]
                d += r * r
            d = sqrt(d)
            at = j
            while at > 0 and self.distances[i, at - 1] > d:
                self.distances[i, at] = self.distances[i, at - 1]
                at -= 1
            self.distances[i, at] = d
