"""Eigenvector-following with the full Hessian to a stationary point of chosen index.

Every step diagonalises the Hessian: uphill along the chosen modes, downhill along all others, with components
g_i / (|l_i| + mu). The level shift mu limits the length of the step (trust-region image minimisation: Helgaker, Chem. Phys.
Lett. 182, 503 (1991)); without it the step is the Newton step. Stiff modes so relax at once while the soft ones still move.
Cerjan and Miller, J. Chem. Phys. 75, 2800 (1981); Wales, J. Chem. Phys. 101, 3750 (1994).
"""

from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy, memset
from scipy.linalg.cython_lapack cimport dsyevd

from common._vectors cimport vector_add, vector_dot, vector_move
from optim._zero_modes cimport ZeroModes
from potentials.potential cimport Potential

import numpy as np

cdef enum FollowStatus:
    FOLLOW_CONVERGED = 0
    FOLLOW_MAX_ITERATIONS = 1
    FOLLOW_NOT_FINITE = 2
    FOLLOW_WRONG_INDEX = 3
    FOLLOW_TOO_FAR = 4
    FOLLOW_ENERGY = 5
    FOLLOW_CONVEX = 6

MESSAGES = {
    FOLLOW_CONVERGED: "converged",
    FOLLOW_MAX_ITERATIONS: "maximum number of eigenvector-following steps reached",
    FOLLOW_NOT_FINITE: "energy, gradient or Hessian is not finite",
    FOLLOW_WRONG_INDEX: "converged to a stationary point of another index",
    FOLLOW_TOO_FAR: "went too far from the starting point",
    FOLLOW_ENERGY: "energy out of bounds",
    FOLLOW_CONVEX: "no negative curvature uphill",
}

cdef double TRUST_FACTOR = 1.5
#: Curvatures below this count as this in a step.
cdef double LEAST_CURVATURE = 1e-12
#: A step is refused when mending the error of the predicted gradient would take a displacement of this many steps.
cdef double REJECTED = 1.0
#: The limit of the step shrinks when it would take more than this times the trust ratio.
cdef double ACCEPTED = 0.5
cdef int MAX_SHORTENINGS = 30
#: Most consecutive steps in a convex region, and the share of the number of variables after which a search is given up: what
#: climbs for longer climbs the regularisation.
cdef int PATIENCE = 40
cdef double PATIENCE_SHARE = 0.5
cdef int LEAST_PATIENCE = 10
#: Eigenvalues of smaller size are zero (as in potentials.characterise).
cdef double ZERO = 1e-9
cdef double TIGHT = 1e-9


cdef class EigenvectorFollowing:
    """Work space and settings for one potential; ``run`` may be called many times.

    Parameters
    ----------
    potential : Potential
    settings : optim.settings.OptimSettings
    index : int
        Number of modes followed uphill: 0 a minimum, 1 a transition state, more a saddle of higher index (HINDEX).
    """

    cdef Potential potential
    cdef ZeroModes zero
    cdef Py_ssize_t index, max_iterations
    cdef double max_step, step_ceiling, step_floor, trust, rms, max_distance, min_energy, max_energy
    cdef double[::1] work
    cdef int[::1] iwork
    cdef int lwork

    def __init__(self, Potential potential not None, settings, Py_ssize_t index=1):
        n = potential.n_variables
        self.potential = potential
        self.zero = ZeroModes(potential)
        self.index = index
        self.max_iterations = settings.ts_iterations
        self.max_step = settings.ef_max_step
        self.step_ceiling = settings.ef_step_ceiling
        self.step_floor = settings.ef_step_floor
        self.trust = settings.ef_trust
        # quadratic convergence makes the last decades nearly free, and soft modes need them
        self.rms = min(settings.ts_rms, TIGHT)
        self.max_distance = settings.ts_max_distance
        self.lwork = 1 + 6 * n + 2 * n * n
        self.work = np.empty(n * n + 10 * n + self.lwork)
        self.iwork = np.empty(3 + 5 * n, dtype=np.intc)

    def run(self, x0, direction=None, double min_energy=-1e300, double max_energy=1e300, double rms=-1.0):
        """Search from x0; the first step goes up the mode with the largest overlap with ``direction`` where one is given.

        Returns
        -------
        dict
            coordinates, gradient, energy, rms, eigenvalue (the lowest), eigenvector, iterations, calls, status, message.
        """
        cdef Py_ssize_t n = self.potential.n_variables, iterations = 0
        cdef int status
        cdef double energy = 0.0, value = 0.0
        cdef unsigned long long calls = self.potential.calls
        x = np.array(x0, dtype=float).ravel()
        if x.shape[0] != n:
            raise ValueError(f"expected {n} variables")
        g = np.empty(n)
        v = np.zeros(n) if direction is None else np.array(direction, dtype=float).ravel()
        cdef double[::1] xv = x, gv = g, vv = v
        self.min_energy = min_energy
        self.max_energy = max_energy
        with nogil:
            status = self.search(&xv[0], &gv[0], &vv[0], self.rms if rms < 0.0 else rms, &energy, &value, &iterations)
        self.zero.raise_pending()
        self.potential.raise_pending()
        return {
            "coordinates": x,
            "gradient": g,
            "energy": energy,
            "rms": float(np.linalg.norm(g)) / np.sqrt(n),
            "eigenvalue": value,
            "eigenvector": v,
            "iterations": iterations,
            "calls": int(self.potential.calls - calls),
            "status": status,
            "message": MESSAGES[status],
        }

    cdef int search(
        self, double* x, double* g, double* v, double goal, double* energy, double* value, Py_ssize_t* iterations
    ) noexcept nogil:
        cdef Py_ssize_t n = self.potential.n_variables, i, j, followed, active, negative
        cdef double* h = &self.work[0]
        cdef double* w = h + n * n
        cdef double* start = w + n
        cdef double* x_new = start + n
        cdef double* g_new = x_new + n
        cdef double* step = g_new + n
        cdef double* spare = step + n
        cdef double* slopes = spare + n
        cdef double* size = slopes + n
        cdef double* predicted = size + n
        cdef double* ahead = predicted + n
        cdef double* lapack_work = ahead + n
        cdef int order = <int>n, lwork = self.lwork, liwork = <int>(3 + 5 * n), info = 0
        cdef char jobz = b'V'
        cdef char uplo = b'U'
        cdef double e, e_new, rms, bound, row, best, overlap, c, max_step = self.max_step, root, mu, error = 0.0
        cdef double length = 0.0, along = 0.0
        cdef int _, climbed = 0
        cdef int patience = min(PATIENCE, max(LEAST_PATIENCE, <int>(PATIENCE_SHARE * n)))
        cdef bint convex
        cdef bint guided = vector_dot(n, v, v) > 0.0
        root = sqrt(<double>n)
        memcpy(start, x, n * sizeof(double))
        e = self.potential.c_energy_gradient(x, g)
        self.potential.calls += 1
        while True:
            energy[0] = e
            rms = sqrt(vector_dot(n, g, g)) / root
            if not (isfinite(e) and isfinite(rms)):
                return FOLLOW_NOT_FINITE
            self.potential.c_hessian(x, h)
            self.potential.hessian_calls += 1
            self.zero.update(x)
            bound = 0.0
            for i in range(n):
                row = 0.0
                for j in range(n):
                    row += fabs(h[i * n + j])
                if row > bound:
                    bound = row
            if not isfinite(bound):
                return FOLLOW_NOT_FINITE
            self.zero.shift(h, 2.0 * bound + 1.0, spare)
            dsyevd(&jobz, &uplo, &order, h, &order, w, lapack_work, &lwork, &self.iwork[0], &liwork, &info)
            if info != 0:
                return FOLLOW_NOT_FINITE
            # the eigenvectors are the rows of h now (columns for LAPACK); the zero modes are the last ones
            active = n - self.zero.count
            negative = 0
            for i in range(active):
                if w[i] < -ZERO:
                    negative += 1
            value[0] = w[0]
            if rms < goal:
                memcpy(v, h, n * sizeof(double))
                return FOLLOW_CONVERGED if negative == self.index else FOLLOW_WRONG_INDEX
            if iterations[0] >= self.max_iterations:
                memcpy(v, h, n * sizeof(double))
                return FOLLOW_MAX_ITERATIONS

            # Uphill along the negative mode that resembles the last direction. Where no mode is negative none is special (soft
            # ones are degenerate and mix from step to step), so the direction itself is kept until one becomes negative.
            followed = 0
            convex = self.index == 1 and negative == 0
            if self.index == 1:
                if not convex and guided:
                    best = -1.0
                    for i in range(negative):
                        overlap = fabs(vector_dot(n, h + i * n, v))
                        if overlap > best:
                            best = overlap
                            followed = i
                if not (convex and guided):
                    memcpy(v, h + followed * n, n * sizeof(double))
                guided = True
                climbed = climbed + 1 if convex else 0
                if climbed > patience:
                    return FOLLOW_CONVEX
            for i in range(active):
                slopes[i] = vector_dot(n, h + i * n, g)
                size[i] = max(fabs(w[i]), LEAST_CURVATURE)
            if convex:
                length = 0.0
                along = 0.0
                for i in range(active):
                    ahead[i] = vector_dot(n, h + i * n, v)
                    length += ahead[i] * ahead[i]
                length = sqrt(length)
                if not length > 0.0:
                    return FOLLOW_NOT_FINITE
                for i in range(active):
                    ahead[i] /= length
                    along += ahead[i] * slopes[i]
                for i in range(active):
                    slopes[i] -= along * ahead[i]
            # steps that the quadratic model mispredicts are shortened; that costs an evaluation but no Hessian
            for _ in range(MAX_SHORTENINGS):
                mu = level_shift(active, slopes, size, max_step)
                memset(step, 0, n * sizeof(double))
                memcpy(predicted, g, n * sizeof(double))
                if convex:
                    length = 0.0
                    for i in range(active):
                        length -= ahead[i] * slopes[i] / (size[i] + mu)
                    length = (max_step if along >= 0.0 else -max_step) - length
                for i in range(active):
                    c = slopes[i] / (size[i] + mu)
                    if convex:
                        c = length * ahead[i] - c
                    elif not (i == followed if self.index == 1 else i < self.index):
                        c = -c
                    vector_add(n, c, h + i * n, step)
                    vector_add(n, c * w[i], h + i * n, predicted)
                vector_move(n, x, 1.0, step, x_new)
                e_new = self.potential.c_energy_gradient(x_new, g_new)
                self.potential.calls += 1
                vector_add(n, -1.0, g_new, predicted)
                # the error of the gradient counts by the displacement that would mend it, in units of the step taken
                error = 0.0
                for i in range(active):
                    c = vector_dot(n, h + i * n, predicted) / (size[i] + mu)
                    error += c * c
                error = sqrt(error / vector_dot(n, step, step))
                if isfinite(e_new) and error < REJECTED:
                    break
                max_step = 0.4 * min(max_step, sqrt(vector_dot(n, step, step)))
            else:
                return FOLLOW_NOT_FINITE
            iterations[0] += 1
            if error > self.trust * ACCEPTED:
                max_step = max(max_step / TRUST_FACTOR, self.step_floor)
            elif error < 0.3 * self.trust * ACCEPTED:
                max_step = min(max_step * TRUST_FACTOR, self.step_ceiling)
            memcpy(x, x_new, n * sizeof(double))
            memcpy(g, g_new, n * sizeof(double))
            e = e_new
            energy[0] = e
            if e < self.min_energy or e > self.max_energy:
                return FOLLOW_ENERGY
            vector_move(n, x, -1.0, start, step)
            if sqrt(vector_dot(n, step, step)) > self.max_distance:
                return FOLLOW_TOO_FAR


cdef double level_shift(Py_ssize_t n, const double* slopes, const double* size, double limit) noexcept nogil:
    """The shift mu >= 0 with which the step with components slopes / (size + mu) is no longer than the limit."""
    cdef double low = 0.0, high, mid, total
    cdef Py_ssize_t i
    cdef int _k
    total = 0.0
    for i in range(n):
        total += (slopes[i] / size[i]) ** 2
    if total <= limit * limit:
        return 0.0
    # the norm of the gradient over the limit is always enough
    high = 0.0
    for i in range(n):
        high += slopes[i] * slopes[i]
    high = sqrt(high) / limit
    for _k in range(60):
        mid = 0.5 * (low + high)
        total = 0.0
        for i in range(n):
            total += (slopes[i] / (size[i] + mid)) ** 2
        if total > limit * limit:
            low = mid
        else:
            high = mid
        if high - low < 1e-3 * high:
            break
    return high
