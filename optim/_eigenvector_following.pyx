"""Eigenvector-following with the full Hessian to a stationary point of chosen index.

Uphill along the chosen modes, downhill along all others, with components g_i / (|l_i| + mu). The level shift mu limits the
length of the step (trust-region image minimisation: Helgaker, Chem. Phys. Lett. 182, 503 (1991)); without it the step is the
Newton step. Stiff modes so relax at once while the soft ones still move. Only the modes that are not clearly positive are
computed; the part of the step along all others solves a tridiagonal system (`optim._tridiagonal`).
Cerjan and Miller, J. Chem. Phys. 75, 2800 (1981); Wales, J. Chem. Phys. 101, 3750 (1994).
"""

from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy

from common._vectors cimport vector_add, vector_dot, vector_move, vector_scale
from optim._tridiagonal cimport Tridiagonal
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
#: The Hessian is updated instead of computed after steps with a smaller error.
cdef double UPDATED = 0.15


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
    cdef Py_ssize_t index, max_iterations, hessian_every
    cdef double max_step, step_ceiling, step_floor, trust, rms, max_distance, min_energy, max_energy
    cdef Tridiagonal form
    cdef double[::1] work

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
        self.hessian_every = settings.hessian_steps(potential)
        self.form = Tridiagonal(n)
        self.work = np.empty(n * n + 13 * n)

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
        cdef Tridiagonal form = self.form
        self.min_energy = min_energy
        self.max_energy = max_energy
        with nogil:
            status = self.search(form, &xv[0], &gv[0], &vv[0], self.rms if rms < 0.0 else rms, &energy, &value, &iterations)
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
        self, Tridiagonal form, double* x, double* g, double* v, double goal, double* energy, double* value,
        Py_ssize_t* iterations
    ) noexcept nogil:
        cdef Py_ssize_t n = self.potential.n_variables, i, j, followed, negative, age = 0
        cdef double* h = &self.work[0]
        cdef double* start = h + n * n
        cdef double* x_new = start + n
        cdef double* g_new = x_new + n
        cdef double* step = g_new + n
        cdef double* moved = step + n
        cdef double* slopes = moved + n
        cdef double* rest = slopes + n
        cdef double* ahead = rest + n
        cdef double* predicted = ahead + n
        cdef double* spare = predicted + n
        # components of slopes and of errors along the deflated eigenvectors
        cdef double* parts = spare + n
        cdef double* errors = parts + n
        cdef double e, e_new, rms, bound, row, best, overlap, c, max_step = self.max_step, root, mu, error = 0.0
        cdef double length = 0.0, along = 0.0
        cdef int _, climbed = 0
        cdef int patience = min(PATIENCE, max(LEAST_PATIENCE, <int>(PATIENCE_SHARE * n)))
        cdef bint convex, ends, update = False
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
            ends = rms < goal or iterations[0] >= self.max_iterations
            if update and not ends and age < self.hessian_every - 1:
                self.update_hessian(h, step, spare)
                age += 1
            else:
                self.potential.c_hessian(x, h)
                self.potential.hessian_calls += 1
                age = 0
            memcpy(&form.reduced[0], h, n * n * sizeof(double))
            self.zero.update(x)
            if self.zero.count:
                bound = 0.0
                for i in range(n):
                    row = 0.0
                    for j in range(n):
                        row += fabs(h[i * n + j])
                    if row > bound:
                        bound = row
                if not isfinite(bound):
                    return FOLLOW_NOT_FINITE
                self.zero.shift(&form.reduced[0], 2.0 * bound + 1.0, spare)
            if not form.reduce():
                return FOLLOW_NOT_FINITE
            negative = form.count(-ZERO)
            # all that is not clearly positive is treated apart, and so are the modes that are followed
            j = form.count(LEAST_CURVATURE)
            if self.index != 1:
                j = max(j, self.index)
            elif ends or not guided:
                j = max(j, 1)
            if not form.deflate(j):
                return FOLLOW_NOT_FINITE
            if form.deflated:
                value[0] = form.values[0]
            if ends:
                if form.deflated:
                    memcpy(v, &form.vectors[0], n * sizeof(double))
                    form.leave(v)
                if rms < goal:
                    return FOLLOW_CONVERGED if negative == self.index else FOLLOW_WRONG_INDEX
                return FOLLOW_MAX_ITERATIONS

            # Uphill along the negative mode that resembles the last direction. Where no mode is negative none is special (soft
            # ones are degenerate and mix from step to step), so the direction itself is kept until one becomes negative.
            followed = 0
            convex = self.index == 1 and negative == 0
            if self.index == 1:
                memcpy(ahead, v, n * sizeof(double))
                form.enter(ahead)
                if not convex and guided:
                    best = -1.0
                    for i in range(negative):
                        overlap = fabs(vector_dot(n, &form.vectors[i * n], ahead))
                        if overlap > best:
                            best = overlap
                            followed = i
                if not (convex and guided):
                    memcpy(ahead, &form.vectors[followed * n], n * sizeof(double))
                    memcpy(v, ahead, n * sizeof(double))
                    form.leave(v)
                guided = True
                climbed = climbed + 1 if convex else 0
                if climbed > patience:
                    form.deflate(1)
                    value[0] = form.values[0]
                    return FOLLOW_CONVEX
            memcpy(slopes, g, n * sizeof(double))
            self.zero.project(slopes)
            form.enter(slopes)
            memcpy(rest, slopes, n * sizeof(double))
            if convex:
                length = sqrt(vector_dot(n, ahead, ahead))
                if not length > 0.0:
                    return FOLLOW_NOT_FINITE
                vector_scale(n, 1.0 / length, ahead)
                along = vector_dot(n, ahead, slopes)
                vector_add(n, -along, ahead, rest)
            form.split(rest, parts)
            # steps that the quadratic model mispredicts are shortened; that costs an evaluation but no Hessian
            for _ in range(MAX_SHORTENINGS):
                mu = level_shift(form, rest, parts, max_step, moved, spare)
                # ``moved`` is downhill along all modes; what is followed is turned
                vector_scale(n, -1.0, moved)
                for i in range(form.deflated):
                    c = parts[i] / (size_of(form.values[i]) + mu)
                    if convex or not (i == followed if self.index == 1 else i < self.index):
                        c = -c
                    vector_add(n, c, &form.vectors[i * n], moved)
                if convex:
                    length = (max_step if along >= 0.0 else -max_step) - vector_dot(n, ahead, moved)
                    vector_add(n, length, ahead, moved)
                form.multiply(moved, predicted)
                vector_add(n, 1.0, slopes, predicted)
                memcpy(step, moved, n * sizeof(double))
                form.leave(step)
                vector_move(n, x, 1.0, step, x_new)
                e_new = self.potential.c_energy_gradient(x_new, g_new)
                self.potential.calls += 1
                memcpy(spare, g_new, n * sizeof(double))
                self.zero.project(spare)
                form.enter(spare)
                # what the model missed of the gradient
                vector_add(n, -1.0, predicted, spare)
                # the error of the gradient counts by the displacement that would mend it, in units of the step taken
                memcpy(predicted, spare, n * sizeof(double))
                form.split(predicted, errors)
                form.factorise(max(mu, LEAST_CURVATURE))
                form.solve(predicted)
                form.split(predicted, &form.work[0])
                error = vector_dot(n, predicted, predicted)
                for i in range(form.deflated):
                    c = errors[i] / (size_of(form.values[i]) + mu)
                    error += c * c
                error = sqrt(error / vector_dot(n, moved, moved))
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
            update = self.hessian_every > 1 and error < UPDATED
            if update:
                form.leave(spare)
            memcpy(x, x_new, n * sizeof(double))
            memcpy(g, g_new, n * sizeof(double))
            e = e_new
            energy[0] = e
            if e < self.min_energy or e > self.max_energy:
                return FOLLOW_ENERGY
            vector_move(n, x, -1.0, start, moved)
            if sqrt(vector_dot(n, moved, moved)) > self.max_distance:
                return FOLLOW_TOO_FAR

    cdef void update_hessian(self, double* h, const double* step, const double* missed) noexcept nogil:
        """Bofill's update by what the quadratic model missed of the gradient at the end of the step.

        The symmetric rank-one formula and Powell's, weighted by how well the former is defined: Bofill, J. Comput. Chem. 15, 1
        (1994), eqs 14-18.
        """
        cdef Py_ssize_t n = self.potential.n_variables, i
        cdef double ss = vector_dot(n, step, step), mm = vector_dot(n, missed, missed), sm = vector_dot(n, step, missed)
        cdef double rank_one, cross, square, weight
        if not (ss > 0.0 and mm > 0.0):
            return
        weight = sm * sm / (ss * mm)
        # weight / sm, which stays finite
        rank_one = sm / (ss * mm)
        cross = (1.0 - weight) / ss
        square = -(1.0 - weight) * sm / (ss * ss)
        for i in range(n):
            vector_add(n, rank_one * missed[i] + cross * step[i], missed, h + i * n)
            vector_add(n, cross * missed[i] + square * step[i], step, h + i * n)


cdef double size_of(double value) noexcept nogil:
    return max(fabs(value), LEAST_CURVATURE)


cdef double level_shift(
    Tridiagonal form, const double* rest, const double* parts, double limit, double* moved, double* spare
) noexcept nogil:
    """The shift mu >= 0 with which the step with components slopes / (size + mu) is no longer than the limit (to 1e-3).

    ``moved`` receives (T + mu)^-1 rest. Newton steps for the inverse length, which is nearly linear in mu: More and Sorensen,
    SIAM J. Sci. Stat. Comput. 4, 553 (1983).
    """
    cdef Py_ssize_t i, n = form.n
    cdef double low = 0.0, high = 0.0, mu = 0.0, total, slope, size, length
    cdef int _k
    for i in range(form.deflated):
        high += parts[i] * parts[i]
    # the norm of the gradient over the limit is always enough
    high = sqrt(high + vector_dot(n, rest, rest)) / limit
    for _k in range(60):
        memcpy(moved, rest, n * sizeof(double))
        form.factorise(max(mu, LEAST_CURVATURE))
        form.solve(moved)
        total = 0.0
        for i in range(form.deflated):
            vector_add(n, -vector_dot(n, &form.vectors[i * n], moved), &form.vectors[i * n], moved)
            size = size_of(form.values[i]) + mu
            total += (parts[i] / size) ** 2
        total += vector_dot(n, moved, moved)
        length = sqrt(total)
        if mu == 0.0 and length <= limit:
            return 0.0
        if fabs(length - limit) < 1e-3 * limit or high - low < 1e-12 * high:
            break
        if length > limit:
            low = mu
        else:
            high = mu
        memcpy(spare, moved, n * sizeof(double))
        form.solve(spare)
        slope = vector_dot(n, spare, moved)
        for i in range(form.deflated):
            size = size_of(form.values[i]) + mu
            slope += parts[i] * parts[i] / (size * size * size)
        mu += (length / limit - 1.0) * total / slope
        if not low < mu < high:
            mu = 0.5 * (low + high)
    return mu
