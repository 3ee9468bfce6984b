"""Hybrid eigenvector-following: uphill along the lowest eigenvector, L-BFGS in the space orthogonal to it.

Munro and Wales, Phys. Rev. B 59, 3969 (1999); Kumeda, Munro and Wales, Chem. Phys. Lett. 341, 185 (2001); Zeng, Xiao and
Henkelman, J. Chem. Phys. 140, 044115 (2014). The whole search is one loop without the GIL.
"""

from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcmp, memcpy

from common._vectors cimport vector_add, vector_dot, vector_move
from common.function cimport Function
from common.lbfgs cimport LBFGSSettings, lbfgs, lbfgs_workspace
from optim._rayleigh_ritz cimport Eigenpair, RayleighQuotient, lapack_workspace, lowest_by_lapack, lowest_by_rayleigh_ritz
from optim._zero_modes cimport ZeroModes
from potentials.potential cimport Potential

import numpy as np

cdef enum HybridStatus:
    HYBRID_CONVERGED = 0
    HYBRID_MAX_ITERATIONS = 1
    HYBRID_NOT_FINITE = 2
    HYBRID_MINIMUM = 3
    HYBRID_TOO_FAR = 4
    HYBRID_ENERGY = 5

MESSAGES = {
    HYBRID_CONVERGED: "converged",
    HYBRID_MAX_ITERATIONS: "maximum number of eigenvector-following steps reached",
    HYBRID_NOT_FINITE: "energy or gradient is not finite",
    HYBRID_MINIMUM: "fell back to a minimum",
    HYBRID_TOO_FAR: "went too far from the starting point",
    HYBRID_ENERGY: "energy out of bounds",
}

#: Rayleigh-Ritz: residual |H v - R v| relative to |R| that is enough while the search is far from the saddle.
cdef double LOOSE_RESIDUAL = 0.03
#: Consecutive steps with a positive lowest eigenvalue and a small gradient after which a search counts as fallen back.
cdef int PATIENCE = 25
cdef double TRUST_FACTOR = 1.1
#: The first eigenvector of a search may take this many times the usual Rayleigh-Ritz steps: its guess is poor, and a search
#: that begins beside a transition state leaves it again along a wrong one.
cdef Py_ssize_t FIRST_RITZ = 4
#: The sign of an eigenvalue is trusted when its residual |H v - R v| is below this fraction of |R|. Soft networks have
#: eigenvalues far below the criterion of the Rayleigh-Ritz minimisation, which then goes on, so many times at most.
cdef double CERTAIN = 0.3
cdef int REFINEMENTS = 4


cdef class TangentSpace(Function):
    """The potential restricted to the space orthogonal to one vector; remembers its newest evaluation."""

    cdef Potential potential
    cdef double[::1] vector
    cdef double[::1] last_x
    cdef double[::1] last_gradient
    cdef double last_energy
    cdef bint known

    def __init__(self, Potential potential not None):
        n = potential.n_variables
        self.potential = potential
        self.n_variables = n
        self.vector = np.zeros(n)
        self.last_x = np.zeros(n)
        self.last_gradient = np.zeros(n)
        self.known = False

    cdef double full(self, const double* x, double* gradient) noexcept nogil:
        """Energy and whole gradient; free of charge where x is the point evaluated last."""
        cdef size_t size = self.n_variables * sizeof(double)
        if not (self.known and memcmp(x, &self.last_x[0], size) == 0):
            self.last_energy = self.potential.c_energy_gradient(x, &self.last_gradient[0])
            self.potential.calls += 1
            memcpy(&self.last_x[0], x, size)
            self.known = True
        memcpy(gradient, &self.last_gradient[0], size)
        return self.last_energy

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double e = self.full(x, gradient)
        cdef double* v = &self.vector[0]
        vector_add(self.n_variables, -vector_dot(self.n_variables, v, gradient), v, gradient)
        return e


cdef class HybridEF:
    """Work space and settings of hybrid eigenvector-following for one potential; ``run`` may be called many times.

    Parameters
    ----------
    potential : Potential
    settings : optim.settings.OptimSettings
    analytic : bool
        Lowest eigenpair from the analytic Hessian by LAPACK (NOIT) instead of Rayleigh-Ritz minimisation (NOHESS).
    """

    cdef Potential potential
    cdef ZeroModes zero
    cdef RayleighQuotient quotient
    cdef TangentSpace tangent
    cdef readonly bint analytic
    cdef LBFGSSettings ritz
    cdef LBFGSSettings minimiser
    cdef double[::1] work
    cdef int[::1] iwork
    cdef double max_step, step_ceiling, step_floor, trust, rms, overlap_tolerance, max_distance, max_energy, min_energy
    cdef double ritz_rms
    cdef Py_ssize_t max_iterations, few, many, ritz_iterations

    def __init__(self, Potential potential not None, settings, bint analytic=False):
        cdef Py_ssize_t n = potential.n_variables, size
        self.potential = potential
        self.zero = ZeroModes(potential)
        # an analytic product costs as much as a central difference; large problems have no Newton steps to mend its error
        exact = potential.has_hessian_vector and (settings.central_differences or not settings.uses_newton(potential))
        self.quotient = RayleighQuotient(
            potential, self.zero, settings.difference_step, settings.central_differences, exact
        )
        self.tangent = TangentSpace(potential)
        self.analytic = analytic
        self.ritz.history = settings.ritz_history
        self.ritz_iterations = settings.ritz_iterations
        self.ritz.max_step = settings.ritz_max_step
        self.ritz.max_rise = settings.ritz_max_rise
        self.ritz.diagonal = settings.ritz_diagonal
        self.ritz.floor = -1e300
        self.ritz_rms = settings.ritz_rms
        self.minimiser.history = settings.history
        self.minimiser.max_step = settings.max_step
        self.minimiser.max_rise = settings.max_rise
        self.minimiser.diagonal = settings.diagonal
        self.minimiser.floor = -1e300
        self.max_step = settings.ef_max_step
        self.step_ceiling = settings.ef_step_ceiling
        self.step_floor = settings.ef_step_floor
        self.trust = settings.ef_trust
        self.rms = settings.ts_rms
        self.overlap_tolerance = settings.overlap_tolerance
        self.max_iterations = settings.ts_iterations
        self.few = settings.tangent_few
        self.many = settings.tangent_many
        self.max_distance = settings.ts_max_distance
        size = n + max(lbfgs_workspace(n, self.ritz.history), lbfgs_workspace(n, self.minimiser.history))
        if analytic:
            size = max(size, lapack_workspace(n))
        self.work = np.empty(5 * n + size)
        self.iwork = np.empty(12 * n + 2, dtype=np.intc)

    def run(self, x0, direction, double min_energy=-1e300, double max_energy=1e300, double rms=-1.0):
        """Search from x0 with the first guess ``direction`` of the eigenvector.

        Returns
        -------
        dict
            coordinates, gradient, energy, rms, eigenvalue, eigenvector, iterations, calls, status, message.
        """
        cdef Py_ssize_t n = self.potential.n_variables
        cdef int status
        x = np.array(x0, dtype=float).ravel()
        v = np.array(direction, dtype=float).ravel()
        g = np.empty(n)
        if x.shape[0] != n or v.shape[0] != n:
            raise ValueError(f"expected {n} variables")
        cdef double[::1] xv = x, vv = v, gv = g
        cdef double energy = 0.0, value = 0.0, goal = self.rms if rms < 0.0 else rms
        cdef Py_ssize_t iterations = 0
        cdef unsigned long long calls = self.potential.calls
        self.min_energy = min_energy
        self.max_energy = max_energy
        self.tangent.known = False
        with nogil:
            status = self.search(&xv[0], &vv[0], &gv[0], goal, &energy, &value, &iterations)
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

    cdef Eigenpair lowest(self, double old_value, bint first, double* v, double* work) noexcept nogil:
        """Rayleigh-Ritz minimisation from v, to a criterion that suits the eigenvalue it finds."""
        cdef double root = sqrt(<double>self.potential.n_variables)
        cdef LBFGSSettings finer = self.ritz
        cdef Eigenpair pair
        cdef int _
        finer.rms = max(self.ritz_rms, 2.0 * LOOSE_RESIDUAL * fabs(old_value) / root)
        finer.max_iterations = self.ritz_iterations * (FIRST_RITZ if first else 1)
        pair = lowest_by_rayleigh_ritz(self.quotient, &finer, v, work)
        for _ in range(REFINEMENTS):
            # the gradient of the quotient is twice the residual
            if not pair.converged or 0.5 * pair.rms * root < CERTAIN * fabs(pair.value):
                break
            finer.rms = min(0.3 * finer.rms, 2.0 * LOOSE_RESIDUAL * fabs(pair.value) / root)
            finer.max_rise = min(finer.max_rise, LOOSE_RESIDUAL * fabs(pair.value))
            pair = lowest_by_rayleigh_ritz(self.quotient, &finer, v, work)
        return pair

    cdef int search(
        self, double* x, double* v, double* g, double goal, double* energy, double* value, Py_ssize_t* iterations
    ) noexcept nogil:
        cdef Py_ssize_t n = self.potential.n_variables
        cdef double* start = &self.work[0]
        cdef double* v_old = start + n
        cdef double* x_old = v_old + n
        cdef double* g_old = x_old + n
        cdef double* work = g_old + n
        cdef double e, rms, slope, step = 0.0, max_step = self.max_step, ratio, overlap = 0.0, ss, sy, yy, old_value
        cdef Eigenpair pair
        cdef int positive = 0
        cdef double root = sqrt(<double>n)
        memcpy(start, x, n * sizeof(double))
        pair.value = 0.0
        e = self.tangent.full(x, g)
        iterations[0] = 0
        energy[0] = e
        while True:
            rms = sqrt(vector_dot(n, g, g)) / root
            if not (isfinite(e) and isfinite(rms)):
                return HYBRID_NOT_FINITE
            self.zero.update(x)
            memcpy(v_old, v, n * sizeof(double))
            old_value = pair.value
            if self.analytic:
                pair = lowest_by_lapack(self.potential, self.zero, x, v, work, &self.iwork[0])
            else:
                self.quotient.place(x, g)
                pair = self.lowest(old_value, iterations[0] == 0, v, work)
            value[0] = pair.value
            energy[0] = e
            if not isfinite(pair.value):
                return HYBRID_NOT_FINITE
            if rms < goal and pair.value < 0.0:
                return HYBRID_CONVERGED
            if iterations[0] >= self.max_iterations:
                return HYBRID_MAX_ITERATIONS
            if pair.value > 0.0:
                positive += 1
                if positive > PATIENCE:
                    return HYBRID_MINIMUM
            else:
                positive = 0
            overlap = fabs(vector_dot(n, v, v_old))

            slope = vector_dot(n, v, g)
            # eigenvector-following step uphill; in a convex region the curvature says nothing and the step is a full one
            if pair.value > 0.0:
                step = max_step
            else:
                step = fabs(pair.value)
                step = 2.0 * fabs(slope) / (step * (1.0 + sqrt(1.0 + 4.0 * (slope / step) ** 2)))
                if step > max_step:
                    step = max_step
            if slope < 0.0:
                step = -step
            vector_move(n, x, step, v, x)
            iterations[0] += 1

            # minimise in the tangent space, longer once the eigenvector has settled
            memcpy(&self.tangent.vector[0], v, n * sizeof(double))
            e = self.tangent.c_energy_gradient(x, g)
            if not isfinite(e):
                return HYBRID_NOT_FINITE
            # trust radius: the curvature met along the step against the eigenvalue
            ratio = fabs(1.0 - (vector_dot(n, v, &self.tangent.last_gradient[0]) - slope) / (step * pair.value))
            if ratio > self.trust:
                max_step = max(max_step / TRUST_FACTOR, self.step_floor)
            else:
                max_step = min(max_step * TRUST_FACTOR, self.step_ceiling)
            memcpy(x_old, x, n * sizeof(double))
            memcpy(g_old, g, n * sizeof(double))
            self.minimiser.max_iterations = self.many if overlap > 1.0 - self.overlap_tolerance else self.few
            self.minimiser.rms = 0.5 * goal
            lbfgs(self.tangent, &self.minimiser, x, g, work)
            # the inverse curvature met on the way starts the next minimisation
            vector_add(n, -1.0, x, x_old)
            vector_add(n, -1.0, g, g_old)
            sy = fabs(vector_dot(n, x_old, g_old))
            yy = vector_dot(n, g_old, g_old)
            if sy > 0.0 and yy > 0.0:
                self.minimiser.diagonal = sy / yy
            e = self.tangent.full(x, g)
            if e < self.min_energy or e > self.max_energy:
                energy[0] = e
                return HYBRID_ENERGY
            vector_move(n, x, -1.0, start, x_old)
            ss = vector_dot(n, x_old, x_old)
            if ss > self.max_distance * self.max_distance:
                energy[0] = e
                return HYBRID_TOO_FAR
