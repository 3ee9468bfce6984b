"""Arithmetic of the doubly nudged elastic band: forces of all images, its optimisation, interpolation without clashes.

Trygubenko and Wales, J. Chem. Phys. 120, 2082 (2004), eqs 9-13; Henkelman and Jónsson, J. Chem. Phys. 113, 9978 (2000),
eqs 8-11.
"""

from libc.math cimport fabs, isfinite, sqrt
from libc.string cimport memcpy

from common._lbfgs_arithmetic cimport LBFGS_LANES, lbfgs_direction, lbfgs_move, lbfgs_pair, lbfgs_stride
from common._vectors cimport vector_dot, vector_scale
from common.function cimport Function
from potentials.potential cimport Potential

import numpy as np

cdef extern from "_dneb.h" nogil:
    void dneb_products(Py_ssize_t n, const double* previous, const double* x, const double* next, const double* g, double* sums)
    void dneb_combine(Py_ssize_t n, const double* previous, const double* x, const double* next, const double* g, double cg,
                      double ca, double cb, double* out)

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
        self.spacing = np.zeros(images + 1)

    cdef void weights(self, Py_ssize_t i, double* p, double* q) noexcept nogil:
        """The improved tangent at image i points along p (next - x) + q (x - previous)."""
        cdef double e = self.energies[i], up = self.energies[i + 1], down = self.energies[i - 1], larger, smaller
        p[0] = q[0] = 0.0
        if up > e > down:
            p[0] = 1.0
        elif up < e < down:
            q[0] = 1.0
        else:
            larger = max(fabs(up - e), fabs(down - e))
            smaller = min(fabs(up - e), fabs(down - e))
            if larger == 0.0:
                larger = smaller = 1.0
            # of size one, as a clash makes differences of energies of any size
            smaller /= larger
            p[0], q[0] = (1.0, smaller) if up > down else (smaller, 1.0)

    cdef void find_tangent(self, Py_ssize_t i) noexcept nogil:
        """Improved tangent at image i into ``tangent``."""
        cdef Py_ssize_t n = self.size
        cdef double p, q, length
        cdef double* t = &self.tangent[0]
        self.weights(i, &p, &q)
        dneb_combine(n, &self.points[i - 1, 0], &self.points[i, 0], &self.points[i + 1, 0], t, 0.0, p, q, t)
        length = sqrt(vector_dot(n, t, t))
        if length > 0.0:
            vector_scale(n, 1.0 / length, t)

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef Py_ssize_t i, n = self.size, m = self.images
        cdef double total = 0.0, along, spring_along, norm, component, p, q, length, ahead, behind, turned, kept
        cdef double k = self.spring
        cdef double[6] sums
        memcpy(&self.points[1, 0], x, m * n * sizeof(double))
        for i in range(1, m + 1):
            self.energies[i] = self.potential.c_energy_gradient(&self.points[i, 0], &self.true_gradients[i, 0])
            total += self.energies[i]
        self.potential.calls += m
        for i in range(1, m + 1):
            self.weights(i, &p, &q)
            dneb_products(
                n, &self.points[i - 1, 0], &self.points[i, 0], &self.points[i + 1, 0], &self.true_gradients[i, 0], sums
            )
            ahead = sqrt(sums[0])
            behind = sqrt(sums[2])
            self.spacing[i - 1] = behind
            if i == m:
                self.spacing[i] = ahead
            length = sqrt(p * p * sums[0] + 2.0 * p * q * sums[1] + q * q * sums[2])
            if length > 0.0:
                p /= length
                q /= length
            # what the gradient and the spring gradient k (behind - ahead) have along the tangent
            along = p * sums[3] + q * sums[4]
            turned = -along
            kept = 1.0
            if self.doubly:
                spring_along = p * (sums[1] - sums[0]) + q * (sums[2] - sums[1])
                norm = sums[5] - along * along
                component = 0.0
                if norm > 0.0:
                    component = (sums[4] - sums[3] - spring_along * along) / norm
                kept -= k * component
                turned = -along * kept - k * spring_along
            # of the spring force along the tangent the difference of lengths takes the place
            turned -= k * (ahead - behind)
            p *= turned
            q *= turned
            if self.doubly:
                p -= k
                q += k
            dneb_combine(
                n, &self.points[i - 1, 0], &self.points[i, 0], &self.points[i + 1, 0], &self.true_gradients[i, 0], kept, p, q,
                gradient + (i - 1) * n
            )
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
        cdef double rms, ys, yy, gg, length, e, slope
        cdef double tolerance_settled = settings.band_settled
        cdef Py_ssize_t maxima = -1, quiet = 0, stride = lbfgs_stride(size)
        cdef bint finite = True, converged = False
        cdef double[::1] heights = np.zeros(self.images + 1)
        x0 = np.asarray(x0, dtype=float).ravel()
        if x0.shape[0] != size:
            raise ValueError(f"expected {size} variables")
        # rows begin on cache lines and are padded with zeros
        cdef double[::1] work = np.zeros((2 * m + 5) * stride + 2 * m + LBFGS_LANES)
        cdef double* steps = <double*>((<size_t>&work[0] + 63) & ~<size_t>63)
        cdef double* changes = steps + m * stride
        cdef double* d = changes + m * stride
        cdef double* x = d + stride
        cdef double* x_new = x + stride
        cdef double* g = x_new + stride
        cdef double* g_new = g + stride
        cdef double* rho = g_new + stride
        cdef double* alpha = rho + m
        cdef const double[::1] first = x0
        memcpy(x, &first[0], size * sizeof(double))
        with nogil:
            e = self.c_energy_gradient(x, g)
            gg = vector_dot(size, g, g)
            while True:
                rms = sqrt(gg / size)
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
                lbfgs_direction(stride, m, stored, head, steps, changes, rho, alpha, h0, g, d, &slope)
                if slope > 0.0:
                    vector_scale(size, -1.0, d)
                for i in range(self.images):
                    length = sqrt(vector_dot(n, d + i * n, d + i * n))
                    if length > limit:
                        vector_scale(n, limit / length, d + i * n)
                lbfgs_move(stride, x, 1.0, d, x_new)
                e = self.c_energy_gradient(x_new, g_new)
                iterations += 1
                ys = lbfgs_pair(stride, x_new, x, g_new, g, steps + head * stride, changes + head * stride, &yy, &gg)
                x, x_new = x_new, x
                g, g_new = g_new, g
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
