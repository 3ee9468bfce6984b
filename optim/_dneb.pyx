"""Arithmetic of the doubly nudged elastic band: forces of all images, its optimisation, interpolation without clashes.

Trygubenko and Wales, J. Chem. Phys. 120, 2082 (2004), eqs 9-13; Henkelman and Jónsson, J. Chem. Phys. 113, 9978 (2000),
eqs 8-11.
"""

from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy

from common._two_loop cimport two_loop
from common._vectors cimport vector_add, vector_dot, vector_move, vector_scale
from common.function cimport Function
from potentials.potential cimport Potential

import numpy as np

#: The maxima of a band are looked at every so many iterations; it has settled when they are unchanged so many times running.
cdef Py_ssize_t SETTLING = 5
cdef Py_ssize_t QUIET = 3


cdef class Band(Function):
    """All images between two fixed end points as one function; its "gradient" is minus the doubly nudged force.

    That force is not the gradient of anything, so the returned energy (the sum over the images) must not be used to accept
    or refuse a step.

    Parameters
    ----------
    potential : Potential
    start, finish : ndarray of shape (n_variables,)
    images : int
        Number of moving images.
    spring : float
        Force constant.
    doubly : bool
        Keep the part of the perpendicular spring force that is orthogonal to the true perpendicular force.
    """

    cdef Potential potential
    cdef readonly Py_ssize_t images
    cdef Py_ssize_t size
    cdef public double spring
    cdef bint doubly
    cdef double[:, ::1] points
    cdef double[::1] energies
    cdef double[:, ::1] true_gradients
    cdef double[::1] tangent
    cdef double[::1] ahead
    cdef double[::1] behind
    cdef double[::1] spacing

    def __init__(self, Potential potential not None, start, finish, Py_ssize_t images, double spring, bint doubly=True):
        if images < 1:
            raise ValueError("a band needs at least one image")
        n = potential.n_variables
        self.potential = potential
        self.images = images
        self.size = n
        self.n_variables = images * n
        self.spring = spring
        self.doubly = doubly
        points = np.zeros((images + 2, n))
        points[0], points[images + 1] = start, finish
        self.points = points
        energies = np.zeros(images + 2)
        ends = potential.energy_gradient_batch(points[[0, images + 1]])[0]
        energies[0], energies[images + 1] = ends[0], ends[1]
        self.energies = energies
        self.true_gradients = np.zeros((images + 2, n))
        self.tangent = np.zeros(n)
        self.ahead = np.zeros(n)
        self.behind = np.zeros(n)
        self.spacing = np.zeros(images + 1)

    cdef void find_tangent(self, Py_ssize_t i) noexcept nogil:
        """Improved tangent at image i into ``tangent``; the differences to the neighbours into ``ahead`` and ``behind``."""
        cdef Py_ssize_t n = self.size
        cdef double e = self.energies[i], up = self.energies[i + 1], down = self.energies[i - 1], larger, smaller, length
        cdef double* a = &self.ahead[0]
        cdef double* b = &self.behind[0]
        cdef double* t = &self.tangent[0]
        vector_move(n, &self.points[i + 1, 0], -1.0, &self.points[i, 0], a)
        vector_move(n, &self.points[i, 0], -1.0, &self.points[i - 1, 0], b)
        if up > e > down:
            memcpy(t, a, n * sizeof(double))
        elif up < e < down:
            memcpy(t, b, n * sizeof(double))
        else:
            larger = max(fabs(up - e), fabs(down - e))
            smaller = min(fabs(up - e), fabs(down - e))
            if larger == 0.0:
                larger = smaller = 1.0
            memcpy(t, a, n * sizeof(double))
            if up > down:
                vector_scale(n, larger, t)
                vector_add(n, smaller, b, t)
            else:
                vector_scale(n, smaller, t)
                vector_add(n, larger, b, t)
        length = sqrt(vector_dot(n, t, t))
        if length > 0.0:
            vector_scale(n, 1.0 / length, t)

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef Py_ssize_t i, n = self.size, m = self.images
        cdef double total = 0.0, along, spring_along, norm, component
        cdef double* g
        cdef double* t = &self.tangent[0]
        cdef double* a = &self.ahead[0]
        cdef double* b = &self.behind[0]
        memcpy(&self.points[1, 0], x, m * n * sizeof(double))
        for i in range(1, m + 1):
            self.energies[i] = self.potential.c_energy_gradient(&self.points[i, 0], &self.true_gradients[i, 0])
            total += self.energies[i]
        self.potential.calls += m
        for i in range(1, m + 1):
            self.find_tangent(i)
            g = gradient + (i - 1) * n
            memcpy(g, &self.true_gradients[i, 0], n * sizeof(double))
            along = vector_dot(n, g, t)
            vector_add(n, -along, t, g)
            norm = vector_dot(n, g, g)
            self.spacing[i - 1] = sqrt(vector_dot(n, b, b))
            if i == m:
                self.spacing[i] = sqrt(vector_dot(n, a, a))
            # spring gradient k (behind - ahead), of which the part along the tangent is replaced by the difference of lengths
            vector_add(n, -1.0, a, b)
            if self.doubly:
                spring_along = vector_dot(n, b, t)
                vector_add(n, -spring_along, t, b)
                if norm > 0.0:
                    component = vector_dot(n, b, g) / norm
                    vector_add(n, -component, g, b)
                vector_add(n, self.spring, b, g)
            vector_add(n, -self.spring * (sqrt(vector_dot(n, a, a)) - self.spacing[i - 1]), t, g)
        return total

    cdef double deviation(self) noexcept nogil:
        """Mean deviation of the spacings from their mean, per cent."""
        cdef Py_ssize_t i, m = self.images + 1
        cdef double mean = 0.0, total = 0.0
        for i in range(m):
            mean += self.spacing[i]
        mean /= m
        if not mean > 0.0:
            return 0.0
        for i in range(m):
            total += fabs(self.spacing[i] - mean)
        return 100.0 * total / (m * mean)

    cdef bint settled(self, double tolerance, double[::1] heights, Py_ssize_t* count) noexcept nogil:
        """Whether the maxima of the profile are as many as at the last call and their energies hardly changed.

        ``heights`` and ``count`` hold the energies of the last call and are renewed. A change is measured against the range of
        energies along the band.
        """
        cdef Py_ssize_t i, found = 0
        cdef double low = self.energies[0], high = self.energies[0], change = 0.0
        for i in range(1, self.images + 2):
            low = min(low, self.energies[i])
            high = max(high, self.energies[i])
        for i in range(1, self.images + 1):
            if self.energies[i] > self.energies[i - 1] and self.energies[i] >= self.energies[i + 1]:
                change = max(change, fabs(self.energies[i] - heights[found]))
                heights[found] = self.energies[i]
                found += 1
        i = count[0]
        count[0] = found
        return found == i and change < tolerance * (high - low)

    def optimise(self, x0, settings, Py_ssize_t max_iterations, double goal, double relative=1.0):
        """Relax the images by L-BFGS.

        There is no energy to test a step against, so the only control is its length: each image moves by at most
        ``band_max_step``, and one that wants more is shortened alone, as a clash in one image must not freeze the others. Every
        ``adjust_every`` iterations the springs are stiffened when the images are unevenly spaced and softened otherwise.

        A band is also done when its maxima have settled: their number stayed the same and none of their energies changed by
        more than ``band_settled`` times the range of energies along the band between checks. Eigenvector-following from these
        maxima needs a few hundred evaluations where the last decade of a band's force takes ten thousand.

        Returns
        -------
        dict
            images of shape (images + 2, n_variables), energies, rms, goal, deviation, iterations, spring, length, converged.
        """
        cdef Py_ssize_t size = self.n_variables, m = settings.band_history, n = self.size
        cdef Py_ssize_t iterations = 0, stored = 0, head = 0, i, every = settings.adjust_every
        cdef double limit = settings.band_max_step, h0 = settings.band_diagonal, diagonal = settings.band_diagonal
        cdef double tolerance = settings.adjust_tolerance, factor = settings.adjust_factor
        cdef double spring_min = settings.spring_min, spring_max = settings.spring_max
        cdef double rms, ys, yy, length, e
        cdef double tolerance_settled = settings.band_settled
        cdef Py_ssize_t maxima = -1, quiet = 0
        cdef bint finite = True, converged = False
        cdef double[::1] heights = np.zeros(self.images + 1)
        x = np.array(x0, dtype=float).ravel()
        if x.shape[0] != size:
            raise ValueError(f"expected {size} variables")
        cdef double[::1] xv = x, g = np.empty(size), d = np.empty(size), g_new = np.empty(size)
        cdef double[:, ::1] steps = np.empty((m, size)), changes = np.empty((m, size))
        cdef double[::1] rho = np.empty(m), alpha = np.empty(m)
        with nogil:
            e = self.c_energy_gradient(&xv[0], &g[0])
            while True:
                rms = sqrt(vector_dot(size, &g[0], &g[0]) / size)
                if not (isfinite(e) and isfinite(rms)):
                    finite = False
                    break
                if iterations == 0:
                    goal = min(goal, relative * rms)
                if rms < goal:
                    converged = True
                    break
                if iterations >= max_iterations:
                    break
                if tolerance_settled > 0.0 and iterations > 0 and iterations % SETTLING == 0:
                    quiet = quiet + 1 if self.settled(tolerance_settled, heights, &maxima) else 0
                    if quiet == QUIET:
                        converged = True
                        break
                memcpy(&d[0], &g[0], size * sizeof(double))
                two_loop(size, m, stored, head, &steps[0, 0], &changes[0, 0], &rho[0], &alpha[0], -h0, &d[0])
                if vector_dot(size, &d[0], &g[0]) > 0.0:
                    vector_scale(size, -1.0, &d[0])
                for i in range(self.images):
                    length = sqrt(vector_dot(n, &d[i * n], &d[i * n]))
                    if length > limit:
                        vector_scale(n, limit / length, &d[i * n])
                vector_add(size, 1.0, &d[0], &xv[0])
                e = self.c_energy_gradient(&xv[0], &g_new[0])
                iterations += 1
                memcpy(&steps[head, 0], &d[0], size * sizeof(double))
                vector_move(size, &g_new[0], -1.0, &g[0], &changes[head, 0])
                memcpy(&g[0], &g_new[0], size * sizeof(double))
                ys = vector_dot(size, &steps[head, 0], &changes[head, 0])
                yy = vector_dot(size, &changes[head, 0], &changes[head, 0])
                if yy > 0.0 and ys != 0.0 and isfinite(ys) and isfinite(yy):
                    rho[head] = 1.0 / ys
                    h0 = fabs(ys) / yy
                    head = (head + 1) % m
                    if stored < m:
                        stored += 1
                else:
                    stored = head = 0
                    h0 = diagonal
                if every > 0 and iterations % every == 0:
                    if self.deviation() > tolerance:
                        self.spring = min(self.spring * factor, spring_max)
                    else:
                        self.spring = max(self.spring / factor, spring_min)
        self.potential.raise_pending()
        return {
            "images": np.array(self.points),
            "energies": np.array(self.energies),
            "rms": rms,
            "goal": goal,
            "deviation": self.deviation(),
            "iterations": iterations,
            "spring": self.spring,
            "length": float(np.sum(self.spacing)),
            "converged": converged,
            "finite": finite,
        }

    @property
    def ends(self):
        """Both end points, shape (2, n_variables)."""
        return np.array([self.points[0], self.points[self.images + 1]])

    def take(self, points, energies, double spring):
        """Take over a band relaxed elsewhere: points of shape (images + 2, n_variables), their energies, the springs."""
        cdef double[:, ::1] own = np.array(points, dtype=float)
        cdef double[::1] values = np.array(energies, dtype=float)
        if own.shape[0] != self.images + 2 or own.shape[1] != self.size or values.shape[0] != self.images + 2:
            raise ValueError(f"expected {self.images + 2} images of {self.size} variables")
        self.points, self.energies, self.spring = own, values, spring

    def tangents(self, images):
        """Improved tangents at the images with these indices (1 to images), shape (len(images), n_variables)."""
        found = np.empty((len(images), self.size))
        for k, i in enumerate(images):
            if not 1 <= i <= self.images:
                raise ValueError("only moving images have a tangent")
            self.find_tangent(i)
            found[k] = self.tangent
        return found


def separate_atoms(points, double closest, Py_ssize_t sweeps=20):
    """Push atoms apart that are closer than ``closest``, in each configuration of shape (B, 3 * n_atoms), in place.

    Linear interpolation between clusters can put atoms on top of each other, where the energy is astronomically large and
    its gradient says nothing about the landscape.
    """
    cdef double[:, ::1] x = points
    cdef Py_ssize_t b, i, j, _sweep, atoms = x.shape[1] // 3
    cdef double dx, dy, dz, r2, r, c, limit = closest * closest
    cdef bint moved
    with nogil:
        for b in range(x.shape[0]):
            for _sweep in range(sweeps):
                moved = False
                for i in range(atoms):
                    for j in range(i):
                        dx = x[b, 3 * i] - x[b, 3 * j]
                        dy = x[b, 3 * i + 1] - x[b, 3 * j + 1]
                        dz = x[b, 3 * i + 2] - x[b, 3 * j + 2]
                        r2 = dx * dx + dy * dy + dz * dz
                        if r2 < limit:
                            moved = True
                            r = sqrt(r2)
                            if r < 1e-8:
                                # exactly coincident: a fixed direction that differs between pairs
                                dx, dy, dz, r = 1e-8 * (1 + i), 1e-8 * (1 + j), 1e-8 * (1 + i * j % 7), 0.0
                                r2 = sqrt(dx * dx + dy * dy + dz * dz)
                                c = 0.5 * closest / r2
                            else:
                                c = 0.5 * (closest - r) / r
                            x[b, 3 * i] += c * dx
                            x[b, 3 * i + 1] += c * dy
                            x[b, 3 * i + 2] += c * dz
                            x[b, 3 * j] -= c * dx
                            x[b, 3 * j + 1] -= c * dy
                            x[b, 3 * j + 2] -= c * dz
                if not moved:
                    break
