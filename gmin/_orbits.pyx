"""Structures that are unions of orbits of a point group: made from a cluster, changed, and completed to a number of atoms.

An orbit is the set of images of one point under all operations. The point lies in a subspace that some of the operations leave
alone (everything, a mirror plane, an axis, the centre), which decides how many points the orbit has: the order of the group
divided by the number of those operations.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport M_PI, cbrt, cos, fabs, sin, sqrt
from libc.string cimport memcpy, memmove
from numpy.random cimport bitgen_t

from gmin._point_operations cimport apply, apply_transposed, difference, distance2, fixed_space, product

import numpy as np

#: Points of a structure closer than this, in units of the distance between neighbours, cannot both be occupied.
cdef double OVERLAP = 0.7
#: An atom nearer than this to a point of an orbit occupies it.
cdef double OCCUPIED = 0.4
#: Matrices of subspaces closer than this are equal (operations found from approximate symmetry are made exact before).
cdef double SAME_MATRIX = 1e-3
#: A pair energy of two points on top of each other, in units of the depth of the well.
cdef double WALL = 50.0
#: Attempts to complete a structure with orbits of allowed sizes.
cdef Py_ssize_t FILLINGS = 40
#: Orbits that go into the core go into a sphere of this fraction of the radius of the cluster.
cdef double CORE = 0.5
#: How often a move puts the most weakly bound orbit into the core (else all orbits are displaced farther), how often it takes
#: out a second one then, so that the numbers of points in the orbits can change, and how far the others are displaced.
cdef double INSERT = 0.75
cdef double SECOND = 0.3
cdef double GENTLE = 0.25


cdef double spacing_of(Py_ssize_t n, const double* x) noexcept nogil:
    """Mean distance of an atom to its nearest neighbour."""
    cdef Py_ssize_t i, j
    cdef double total = 0.0, least, d
    for i in range(n):
        least = 1e300
        for j in range(n):
            d = (x[3 * i] - x[3 * j]) ** 2 + (x[3 * i + 1] - x[3 * j + 1]) ** 2 + (x[3 * i + 2] - x[3 * j + 2]) ** 2
            if j != i and d < least:
                least = d
        total += sqrt(least)
    return total / n


cdef class Orbits:
    """Work place for structures of n atoms under a point group.

    Parameters
    ----------
    n : int
        Number of atoms.
    capacity : int
        Most operations that a group may have.
    bit_generator : numpy.random.BitGenerator
    """

    def __cinit__(self, Py_ssize_t n, Py_ssize_t capacity, bit_generator):
        self.n = n
        self.capacity = capacity
        self.bit_generator = bit_generator
        self.random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        self.operations = np.zeros(9 * capacity)
        self.projectors = np.zeros(9 * (capacity + 2))
        self.sizes = np.zeros(capacity + 2, dtype=np.intp)
        self.dimensions = np.zeros(capacity + 2, dtype=np.intp)
        self.cosets = np.zeros((capacity + 2) * capacity, dtype=np.intp)
        self.points = np.zeros(3 * n)
        self.energies = np.zeros(n + 1)
        self.first = np.zeros(n + 1, dtype=np.intp)
        self.space = np.zeros(n + 1, dtype=np.intp)
        self.candidates = np.zeros(3 * n)
        self.scores = np.zeros(n)
        self.candidate_space = np.zeros(n, dtype=np.intp)
        self.order = np.zeros(n, dtype=np.intp)
        self.matched = np.zeros(n, dtype=np.intp)
        self.covered = np.zeros(n, dtype=np.uint8)
        self.spacing = 1.0
        self.asymmetry = 1.0

    cdef inline double uniform(self) noexcept nogil:
        return self.random.next_double(self.random.state)

    # ------------------------------------------------------------------ the group

    def set_group(self, operations):
        """Take a point group, given as an array of shape (order, 3, 3) with the identity first."""
        cdef const double[::1] v = np.ascontiguousarray(operations, dtype=np.float64).reshape(-1)
        if v.shape[0] % 9 or v.shape[0] // 9 > self.capacity:
            raise ValueError(f"expected up to {self.capacity} matrices")
        self.set_operations(v.shape[0] // 9, &v[0])

    cdef void set_operations(self, Py_ssize_t m, const double* operations) noexcept nogil:
        """Take a group of m operations, the identity first, and find its subspaces and their orbits."""
        cdef Py_ssize_t g, k, f, size, i
        cdef double[9] p, image, other
        self.n_operations = m
        memcpy(&self.operations[0], operations, 9 * m * sizeof(double))
        self.n_spaces = 0
        self.oriented_by_nothing = True
        for g in range(m + 1):
            if g < m:
                fixed_space(&self.operations[9 * g], p)
                if fabs(self.operations[9 * g] ** 2 - 1.0) > 1e-9 or fabs(self.operations[9 * g + 4] ** 2 - 1.0) > 1e-9 or (
                    fabs(self.operations[9 * g] - self.operations[9 * g + 4])
                    + fabs(self.operations[9 * g] - self.operations[9 * g + 8]) > 1e-9
                ):
                    self.oriented_by_nothing = False
            else:
                # what the whole group leaves alone
                for i in range(9):
                    p[i] = 0.0
                    for k in range(m):
                        p[i] += self.operations[9 * k + i] / m
            for f in range(self.n_spaces):
                if difference(p, &self.projectors[9 * f]) < SAME_MATRIX:
                    break
            else:
                memcpy(&self.projectors[9 * self.n_spaces], p, 9 * sizeof(double))
                self.dimensions[self.n_spaces] = <Py_ssize_t>(p[0] + p[4] + p[8] + 0.5)
                self.n_spaces += 1
        for f in range(self.n_spaces):
            size = 0
            for g in range(m):
                product(&self.operations[9 * g], &self.projectors[9 * f], image)
                for k in range(size):
                    product(&self.operations[9 * self.cosets[f * self.capacity + k]], &self.projectors[9 * f], other)
                    if difference(image, other) < SAME_MATRIX:
                        break
                else:
                    self.cosets[f * self.capacity + size] = g
                    size += 1
            self.sizes[f] = size

    # ------------------------------------------------------------------ orbits

    cdef double self_distance2(self, Py_ssize_t f, const double* p) noexcept nogil:
        """Square of the shortest distance between points of the orbit of p in subspace f."""
        cdef Py_ssize_t k
        cdef double least = 1e300
        cdef double[3] q
        for k in range(1, self.sizes[f]):
            apply(&self.operations[9 * self.cosets[f * self.capacity + k]], p, q)
            least = min(least, distance2(p, q))
        return least

    cdef Py_ssize_t nearest_space(self, const double* y, double* p) noexcept nogil:
        """Nearest point to y whose orbit has room for its points and is not too large; returns its subspace."""
        cdef Py_ssize_t f, best = -1
        cdef double d, least = 1e300
        cdef double apart = (OVERLAP * self.spacing) ** 2
        cdef double[3] q
        for f in range(self.n_spaces):
            if self.sizes[f] > self.n:
                continue
            apply(&self.projectors[9 * f], y, q)
            d = distance2(q, y)
            if d >= least:
                continue
            if self.sizes[f] > 1 and self.self_distance2(f, q) < apart:
                continue
            least = d
            best = f
            p[0] = q[0]
            p[1] = q[1]
            p[2] = q[2]
            if f == 0:
                break
        return best

    cdef void add_orbit(self, Py_ssize_t f, const double* p) noexcept nogil:
        """Add the orbit of p, which lies in subspace f."""
        cdef Py_ssize_t k
        self.first[self.n_orbits] = self.total
        self.space[self.n_orbits] = f
        for k in range(self.sizes[f]):
            apply(&self.operations[9 * self.cosets[f * self.capacity + k]], p, &self.points[3 * (self.total + k)])
        self.total += self.sizes[f]
        self.n_orbits += 1
        self.first[self.n_orbits] = self.total

    cdef void remove_orbit(self, Py_ssize_t k) noexcept nogil:
        """Take an orbit out."""
        cdef Py_ssize_t size = self.first[k + 1] - self.first[k], j
        memmove(&self.points[3 * self.first[k]], &self.points[0] + 3 * self.first[k + 1],
                3 * (self.total - self.first[k + 1]) * sizeof(double))
        for j in range(k, self.n_orbits):
            self.first[j] = self.first[j + 1] - size
            self.space[j] = self.space[j + 1]
            self.energies[j] = self.energies[j + 1]
        self.n_orbits -= 1
        self.total -= size

    cdef double site_energy(self, const double* p, Py_ssize_t f, Py_ssize_t without) noexcept nogil:
        """Binding of a point p by the structure (less one orbit) and by the other points of its own orbit in subspace f.

        A pair well of unit depth at the distance between neighbours, the wall cut off, stands for any potential.
        """
        cdef Py_ssize_t i, begin = -1, end = -1
        cdef double e = 0.0, s, s3, a2 = self.spacing * self.spacing
        cdef double[3] q
        if without >= 0:
            begin = self.first[without]
            end = self.first[without + 1]
        for i in range(self.total):
            if begin <= i < end:
                continue
            s = a2 / max(distance2(p, &self.points[3 * i]), 0.2 * a2)
            s3 = s * s * s
            e += min(s3 * (s3 - 2.0), WALL)
        for i in range(1, self.sizes[f]):
            apply(&self.operations[9 * self.cosets[f * self.capacity + i]], p, q)
            s = a2 / max(distance2(p, q), 0.2 * a2)
            s3 = s * s * s
            e += min(s3 * (s3 - 2.0), WALL)
        return e

    cdef double extent(self) noexcept nogil:
        """Distance of the outermost point from the origin."""
        cdef Py_ssize_t i
        cdef double most = 0.0
        for i in range(self.total):
            most = max(most, self.points[3 * i] ** 2 + self.points[3 * i + 1] ** 2 + self.points[3 * i + 2] ** 2)
        return sqrt(most)

    # ------------------------------------------------------------------ structures

    cdef void fold(self, const double* y) noexcept nogil:
        """Make the symmetric structure that a cluster y, centred and oriented, comes nearest to.

        Each atom proposes the orbit of itself, moved into a subspace where its images would overlap; orbits whose points are
        best occupied by atoms are taken first, the inner ones before the outer ones, each at the mean of its atoms; orbits that
        would overlap with those taken are left out. The structure may have fewer atoms than the cluster: see `fill`.
        ``asymmetry`` becomes the mean square distance of the atoms from their points over that from the origin, or 1 where
        some atom has none.
        """
        cdef Py_ssize_t i, j, k, f, n = self.n, count, low, high, best
        cdef double tolerance = (OCCUPIED * self.spacing) ** 2, apart = (OVERLAP * self.spacing) ** 2
        cdef double d, least, radius2 = 0.0, deviation = 0.0, score
        cdef double[3] p, q, mean
        cdef double* c = &self.candidates[0]
        cdef bint clash
        for i in range(n):
            f = self.nearest_space(y + 3 * i, c + 3 * i)
            self.candidate_space[i] = f
            count = 0
            for k in range(self.sizes[f]):
                apply(&self.operations[9 * self.cosets[f * self.capacity + k]], c + 3 * i, q)
                for j in range(n):
                    if distance2(y + 3 * j, q) < tolerance:
                        count += 1
                        break
            d = y[3 * i] ** 2 + y[3 * i + 1] ** 2 + y[3 * i + 2] ** 2
            radius2 += d
            score = <double>count / self.sizes[f] - 0.01 * sqrt(d) / (self.spacing * n)
            if self.sizes[f] > 1 or self.dimensions[f] > 0:
                score -= 0.1 * sqrt(distance2(c + 3 * i, y + 3 * i)) / self.spacing
            # insertion into the descending order
            low = 0
            high = i
            while low < high:
                k = (low + high) // 2
                if self.scores[k] >= score:
                    low = k + 1
                else:
                    high = k
            for k in range(i, low, -1):
                self.scores[k] = self.scores[k - 1]
                self.order[k] = self.order[k - 1]
            self.scores[low] = score
            self.order[low] = i
            self.covered[i] = 0
        self.n_orbits = 0
        self.total = 0
        self.first[0] = 0
        for high in range(n):
            i = self.order[high]
            f = self.candidate_space[i]
            if self.covered[i] or self.total + self.sizes[f] > n:
                continue
            # atoms on the points, carried back to the first one
            count = 0
            mean[0] = mean[1] = mean[2] = 0.0
            for k in range(self.sizes[f]):
                apply(&self.operations[9 * self.cosets[f * self.capacity + k]], c + 3 * i, q)
                best = -1
                least = tolerance
                for j in range(n):
                    if not self.covered[j]:
                        d = distance2(y + 3 * j, q)
                        if d < least:
                            least = d
                            best = j
                if best >= 0:
                    apply_transposed(&self.operations[9 * self.cosets[f * self.capacity + k]], y + 3 * best, q)
                    for j in range(3):
                        mean[j] += q[j]
                    self.covered[best] = 2
                    count += 1
            if count:
                for j in range(3):
                    mean[j] /= count
                apply(&self.projectors[9 * f], mean, p)
            else:
                memcpy(p, c + 3 * i, 3 * sizeof(double))
            clash = self.sizes[f] > 1 and self.self_distance2(f, p) < apart
            for k in range(self.total):
                if distance2(&self.points[3 * k], p) < apart:
                    clash = True
                    break
            if not clash:
                self.add_orbit(f, p)
            for j in range(n):
                if self.covered[j] == 2:
                    self.covered[j] = 0 if clash else 1
        for i in range(n):
            least = 1e300
            for k in range(self.total):
                least = min(least, distance2(y + 3 * i, &self.points[3 * k]))
            deviation += least
            if least > tolerance:
                deviation = 1e300
                break
        self.asymmetry = min(1.0, deviation / max(radius2, 1e-300)) if self.total == n else 1.0

    cdef bint fill(self, double low, double high, Py_ssize_t trials) noexcept nogil:
        """Add orbits until there are n atoms; False (and nothing added) where no sizes of orbits would do it.

        Each orbit is of a random kind that has room, its first point the best bound of ``trials`` random points between the
        radii given.
        """
        cdef Py_ssize_t total = self.total, n_orbits = self.n_orbits, _attempt, k, f, pick, _trial
        cdef double e, least, r, z, phi, norm
        cdef double[3] u, p, best
        for _attempt in range(FILLINGS):
            while self.total < self.n:
                pick = 0
                for f in range(self.n_spaces):
                    if self.fits(f):
                        pick += self.sizes[f]
                if pick == 0:
                    break
                pick = <Py_ssize_t>(self.uniform() * pick)
                f = 0
                while True:
                    if self.fits(f):
                        pick -= self.sizes[f]
                        if pick < 0:
                            break
                    f += 1
                least = 1e300
                best[0] = best[1] = best[2] = 0.0
                for _trial in range(trials if self.dimensions[f] else 0):
                    z = 2.0 * self.uniform() - 1.0
                    phi = 2.0 * M_PI * self.uniform()
                    r = cbrt(low ** 3 + (high ** 3 - low ** 3) * self.uniform())
                    u[0] = sqrt(1.0 - z * z) * cos(phi)
                    u[1] = sqrt(1.0 - z * z) * sin(phi)
                    u[2] = z
                    apply(&self.projectors[9 * f], u, p)
                    norm = sqrt(p[0] * p[0] + p[1] * p[1] + p[2] * p[2])
                    if norm < 1e-6:
                        continue
                    for k in range(3):
                        p[k] *= r / norm
                    e = self.site_energy(p, f, -1) if trials > 1 else 0.0
                    if e < least:
                        least = e
                        memcpy(best, p, 3 * sizeof(double))
                self.add_orbit(f, best)
            if self.total == self.n:
                return True
            self.total = total
            self.n_orbits = n_orbits
        return False

    cdef inline bint fits(self, Py_ssize_t f) noexcept nogil:
        """Whether one more orbit of this kind has room; the centre holds one atom only."""
        cdef Py_ssize_t k
        if self.total + self.sizes[f] > self.n:
            return False
        if self.dimensions[f] == 0:
            for k in range(self.n_orbits):
                if self.dimensions[self.space[k]] == 0:
                    return False
        return True

    cdef void fill_singly(self) noexcept nogil:
        """Put the atoms that are missing on the surface without regard to symmetry, each at the best of some random points."""
        cdef double radius = self.extent() + 0.5 * self.spacing, e, least, z, phi, r
        cdef double[3] p, best
        cdef Py_ssize_t _trial
        # add_orbit would add all images: the points are written directly, as orbits of subspace -1
        while self.total < self.n:
            least = 1e300
            for _trial in range(100):
                z = 2.0 * self.uniform() - 1.0
                phi = 2.0 * M_PI * self.uniform()
                r = radius * (0.6 + 0.4 * self.uniform())
                p[0] = r * sqrt(1.0 - z * z) * cos(phi)
                p[1] = r * sqrt(1.0 - z * z) * sin(phi)
                p[2] = r * z
                e = self.lone_energy(p)
                if e < least:
                    least = e
                    memcpy(best, p, 3 * sizeof(double))
            memcpy(&self.points[3 * self.total], best, 3 * sizeof(double))
            self.total += 1

    cdef void fill_sites(self, const double* y) noexcept nogil:
        """Put the atoms that are missing on images of the atoms of a cluster y, one by one.

        Each goes to the best bound image that is free. An orbit may stay
        incomplete. Where no image is free, atoms go on the surface.
        """
        cdef Py_ssize_t i, k, g, best_atom, best_operation
        cdef double apart = (OVERLAP * self.spacing) ** 2, e, least
        cdef double[3] p
        cdef bint clash
        while self.total < self.n:
            least = 0.0
            best_atom = -1
            best_operation = 0
            for i in range(self.n):
                for g in range(self.n_operations):
                    apply(&self.operations[9 * g], y + 3 * i, p)
                    clash = False
                    for k in range(self.total):
                        if distance2(p, &self.points[3 * k]) < apart:
                            clash = True
                            break
                    if not clash:
                        e = self.lone_energy(p)
                        if e < least:
                            least = e
                            best_atom = i
                            best_operation = g
            if best_atom < 0:
                self.fill_singly()
                return
            apply(&self.operations[9 * best_operation], y + 3 * best_atom, &self.points[3 * self.total])
            self.total += 1

    cdef double lone_energy(self, const double* p) noexcept nogil:
        """Binding of a point without images."""
        cdef Py_ssize_t i
        cdef double e = 0.0, s, s3, a2 = self.spacing * self.spacing
        for i in range(self.total):
            s = a2 / max(distance2(p, &self.points[3 * i]), 0.2 * a2)
            s3 = s * s * s
            e += min(s3 * (s3 - 2.0), WALL)
        return e

    cdef void move(self, double amplitude) noexcept nogil:
        """Change the structure: most often, the most weakly bound orbit goes into the core; else all orbits are displaced.

        What is pushed into the core drives the atoms there to a different packing, which small displacements do not (compare
        the interior operator of Takeuchi, J. Chem. Inf. Model. 46, 2066 (2006)).
        """
        cdef Py_ssize_t k, f, j, i, weakest, removed
        cdef double radius = self.extent()
        cdef double[3] d, q
        for k in range(self.n_orbits):
            self.energies[k] = self.site_energy(&self.points[3 * self.first[k]], self.space[k], k)
        if self.uniform() < INSERT:
            amplitude *= GENTLE
            weakest = 0
            for k in range(1, self.n_orbits):
                if self.energies[k] > self.energies[weakest]:
                    weakest = k
            self.remove_orbit(weakest)
            if self.n_orbits > 1 and self.uniform() < SECOND:
                self.remove_orbit(<Py_ssize_t>(self.uniform() * self.n_orbits))
        removed = self.n - self.total
        for k in range(self.n_orbits):
            f = self.space[k]
            for i in range(3):
                d[i] = amplitude * (2.0 * self.uniform() - 1.0)
            apply(&self.projectors[9 * f], d, q)
            for i in range(3):
                q[i] += self.points[3 * self.first[k] + i]
            for j in range(self.sizes[f]):
                apply(&self.operations[9 * self.cosets[f * self.capacity + j]], q, &self.points[3 * (self.first[k] + j)])
        # many atoms need more room than the core has
        self.fill(0.0, radius * max(CORE, cbrt(<double>removed / self.n)), 1)
        if self.total < self.n:
            self.fill_singly()

    cdef void scatter(self) noexcept nogil:
        """A random structure: orbits at random in a sphere of the density of a packed cluster and half as much again."""
        self.n_orbits = 0
        self.total = 0
        self.first[0] = 0
        # fcc packing: a volume of a^3 / sqrt(2) per atom
        self.fill(0.0, self.spacing * cbrt(1.5 * 3.0 * self.n / (4.0 * M_PI * sqrt(2.0))), 1)
        if self.total < self.n:
            self.fill_singly()

    cdef void emit(self, double* x) noexcept nogil:
        """Write the coordinates."""
        memcpy(x, &self.points[0], 3 * self.n * sizeof(double))

    # ------------------------------------------------------------------ seen from Python

    def symmetrised(self, y):
        """Nearest symmetric structure of a centred, oriented cluster, completed to all its atoms on its surface.

        Parameters
        ----------
        y : array_like of shape (n, 3)

        Returns
        -------
        ndarray of shape (n, 3)
        """
        cdef const double[::1] v = np.ascontiguousarray(y, dtype=np.float64).reshape(-1)
        if v.shape[0] != 3 * self.n:
            raise ValueError(f"expected {self.n} atoms")
        out = np.empty(3 * self.n)
        cdef double[::1] o = out
        self.spacing = spacing_of(self.n, &v[0])
        self.fold(&v[0])
        self.complete()
        self.emit(&o[0])
        return out.reshape(-1, 3)

    cdef void complete(self) noexcept nogil:
        """Fill the structure up on its surface; where sizes do not fit, the last orbits make room, in the end single atoms."""
        cdef Py_ssize_t dropped = 0
        cdef double radius = max(self.extent(), self.spacing)
        while not self.fill(0.6 * radius, 1.1 * radius, 30):
            if self.n_orbits == 0 or dropped == 3:
                self.fill_singly()
                return
            self.remove_orbit(self.n_orbits - 1)
            dropped += 1

    def moved(self, y, double amplitude):
        """A move of the symmetric structure y; shape (n, 3)."""
        self.symmetrised(y)
        out = np.empty(3 * self.n)
        cdef double[::1] o = out
        self.move(amplitude)
        self.emit(&o[0])
        return out.reshape(-1, 3)

    @property
    def orbit_sizes(self):
        """Number of points of each orbit."""
        return [int(self.first[k + 1] - self.first[k]) for k in range(self.n_orbits)]

    def scattered(self):
        """A random symmetric structure; shape (n, 3)."""
        out = np.empty(3 * self.n)
        cdef double[::1] o = out
        self.scatter()
        self.emit(&o[0])
        return out.reshape(-1, 3)
