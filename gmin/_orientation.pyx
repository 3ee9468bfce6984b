"""The orientation in which a cluster comes closest to the symmetry of a point group.

The measure of Zabrodsky, Peleg and Avnir, J. Am. Chem. Soc. 114, 7843 (1992), is a sum of squared distances between atoms and
the images of others under the operations; it is enough to look at operations that generate the group. Here a distance d counts
as d^2 / (d^2 + c^2), so that a symmetric core is found whatever lies around it, and each image is compared with the nearest
atom, which costs less than a permutation of all atoms. From a random orientation nearest atoms and a small rotation (one step
of Gauss and Newton) are found in turn.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport M_PI, cos, fabs, sin, sqrt
from libc.string cimport memcpy
from numpy.random cimport bitgen_t

from gmin._orbits cimport spacing_of

import numpy as np

#: Distance c that counts one half, in units of the distance between neighbours.
cdef double HALF = 0.3
#: Cycles where the input sets no limit.
cdef Py_ssize_t MAX_CYCLES = 30
#: Longest rotation of one cycle, in radians.
cdef double LONGEST = 0.3


cdef Py_ssize_t orientation_workspace(Py_ssize_t n) noexcept nogil:
    """Number of doubles of work space for n atoms."""
    return 4 * n + 9


cdef void random_rotation(bitgen_t* random, double* m) noexcept nogil:
    """A rotation matrix uniform over all orientations (Shoemake, Graphics Gems III, 124 (1992))."""
    cdef double u = random.next_double(random.state)
    cdef double a = 2.0 * M_PI * random.next_double(random.state), b = 2.0 * M_PI * random.next_double(random.state)
    cdef double w = sqrt(1.0 - u) * sin(a), x = sqrt(1.0 - u) * cos(a), y = sqrt(u) * sin(b), z = sqrt(u) * cos(b)
    from_quaternion(w, x, y, z, m)


cdef inline void from_quaternion(double w, double x, double y, double z, double* m) noexcept nogil:
    m[0] = w * w + x * x - y * y - z * z
    m[1] = 2.0 * (x * y - w * z)
    m[2] = 2.0 * (x * z + w * y)
    m[3] = 2.0 * (x * y + w * z)
    m[4] = w * w - x * x + y * y - z * z
    m[5] = 2.0 * (y * z - w * x)
    m[6] = 2.0 * (x * z - w * y)
    m[7] = 2.0 * (y * z + w * x)
    m[8] = w * w - x * x - y * y + z * z


cdef void turn(Py_ssize_t n, const double* m, const double* x, double* y) noexcept nogil:
    """y = m x, x by atoms, y one array per axis."""
    cdef Py_ssize_t i
    for i in range(n):
        y[i] = m[0] * x[3 * i] + m[1] * x[3 * i + 1] + m[2] * x[3 * i + 2]
        y[n + i] = m[3] * x[3 * i] + m[4] * x[3 * i + 1] + m[5] * x[3 * i + 2]
        y[2 * n + i] = m[6] * x[3 * i] + m[7] * x[3 * i + 1] + m[8] * x[3 * i + 2]


cdef Py_ssize_t nearest(Py_ssize_t n, const double* y, const double* p, double* d) noexcept nogil:
    """Atom nearest to p."""
    cdef Py_ssize_t j
    cdef double dx, dy, dz, least = 1e300
    # four minima side by side, for each waits for the last
    cdef double a = 1e300, b = 1e300, c = 1e300, e = 1e300
    for j in range(n):
        dx = y[j] - p[0]
        dy = y[n + j] - p[1]
        dz = y[2 * n + j] - p[2]
        d[j] = dx * dx + dy * dy + dz * dz
    for j in range(0, n - 3, 4):
        a = d[j] if d[j] < a else a
        b = d[j + 1] if d[j + 1] < b else b
        c = d[j + 2] if d[j + 2] < c else c
        e = d[j + 3] if d[j + 3] < e else e
    for j in range(n - n % 4, n):
        least = d[j] if d[j] < least else least
    least = min(min(least, a), min(b, min(c, e)))
    for j in range(n):
        if d[j] == least:
            return j
    return 0


cdef double cycle(Py_ssize_t n, const double* y, Py_ssize_t n_maps, const double* maps, double c2, double* d,
                  double* omega) noexcept nogil:
    """Measure of the orientation y, mean over atoms and operations, and the rotation vector that should lower it."""
    cdef Py_ssize_t g, i, j, a, b
    cdef double det, r2, w, total = 0.0, scale
    cdef double[3] p, q, r, right
    cdef double[9] jacobian, s
    cdef double[3][3] normal
    cdef const double* m
    for a in range(3):
        right[a] = 0.0
        for b in range(3):
            normal[a][b] = 0.0
    for g in range(n_maps):
        m = maps + 9 * g
        det = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) + m[2] * (m[3] * m[7] - m[4] * m[6])
        det = 1.0 if det > 0.0 else -1.0
        for i in range(n):
            for a in range(3):
                p[a] = m[3 * a] * y[i] + m[3 * a + 1] * y[n + i] + m[3 * a + 2] * y[2 * n + i]
            j = nearest(n, y, p, d)
            r2 = d[j]
            total += r2 / (r2 + c2)
            w = c2 / (r2 + c2)
            w *= w
            for a in range(3):
                q[a] = y[a * n + j]
                r[a] = p[a] - q[a]
            # a rotation by o moves the image by det (m o) x p and the atom by o x q; [p] is the matrix of the product p x .
            s[0] = 0.0
            s[1] = -p[2]
            s[2] = p[1]
            s[3] = p[2]
            s[4] = 0.0
            s[5] = -p[0]
            s[6] = -p[1]
            s[7] = p[0]
            s[8] = 0.0
            for a in range(3):
                for b in range(3):
                    jacobian[3 * a + b] = -det * (s[3 * a] * m[b] + s[3 * a + 1] * m[3 + b] + s[3 * a + 2] * m[6 + b])
            jacobian[1] += -q[2]
            jacobian[2] += q[1]
            jacobian[3] += q[2]
            jacobian[5] += -q[0]
            jacobian[6] += -q[1]
            jacobian[7] += q[0]
            for a in range(3):
                right[a] -= w * (jacobian[a] * r[0] + jacobian[3 + a] * r[1] + jacobian[6 + a] * r[2])
                for b in range(a + 1):
                    normal[a][b] += w * (jacobian[a] * jacobian[b] + jacobian[3 + a] * jacobian[3 + b]
                                         + jacobian[6 + a] * jacobian[6 + b])
    # Cholesky with a little damping: rotations that change nothing have no curvature
    scale = 1e-4 * (normal[0][0] + normal[1][1] + normal[2][2]) + 1e-300
    for a in range(3):
        normal[a][a] += scale
    for a in range(3):
        for b in range(a + 1):
            w = normal[a][b]
            for j in range(b):
                w -= normal[a][j] * normal[b][j]
            normal[a][b] = sqrt(w) if a == b else w / normal[b][b]
    for a in range(3):
        for b in range(a):
            right[a] -= normal[a][b] * right[b]
        right[a] /= normal[a][a]
    for a in range(2, -1, -1):
        for b in range(a + 1, 3):
            right[a] -= normal[b][a] * right[b]
        right[a] /= normal[a][a]
    w = sqrt(right[0] * right[0] + right[1] * right[1] + right[2] * right[2])
    scale = LONGEST / w if w > LONGEST else 1.0
    for a in range(3):
        omega[a] = scale * right[a]
    return total / (n * n_maps)


cdef double orient(Py_ssize_t n, const double* x, Py_ssize_t n_maps, const double* maps, Py_ssize_t trials, Py_ssize_t cycles,
                   double tolerance, double spacing, bitgen_t* random, double* best, double* work) noexcept nogil:
    """Rotation matrix ``best`` under which a centred cluster x (by atoms) is most symmetric; returns the measure.

    ``maps`` are operations that generate the group. From ``trials`` random orientations at most ``cycles`` cycles each (0: as
    many as it takes) are run, until one changes the measure by less than ``tolerance``.
    """
    cdef double c2 = (HALF * spacing) ** 2, value, last, least = 2.0, angle, s
    cdef double* y = work
    cdef double* d = work + 3 * n
    cdef double* product = work + 4 * n
    cdef double[9] m, small
    cdef double[3] omega
    cdef Py_ssize_t _trial, k, a, b, most = cycles if cycles > 0 else MAX_CYCLES
    for _trial in range(trials):
        random_rotation(random, m)
        last = 2.0
        for k in range(most):
            turn(n, m, x, y)
            value = cycle(n, y, n_maps, maps, c2, d, omega)
            if value < least:
                least = value
                memcpy(best, m, 9 * sizeof(double))
            # a trial that is far behind after a few cycles does not come to the front
            if fabs(last - value) < tolerance or (k > 2 and value > least + 5.0 * fabs(last - value) + 0.02):
                break
            last = value
            angle = sqrt(omega[0] ** 2 + omega[1] ** 2 + omega[2] ** 2)
            if angle < 1e-12:
                break
            s = sin(0.5 * angle) / angle
            from_quaternion(cos(0.5 * angle), s * omega[0], s * omega[1], s * omega[2], small)
            for a in range(3):
                for b in range(3):
                    product[3 * a + b] = small[3 * a] * m[b] + small[3 * a + 1] * m[3 + b] + small[3 * a + 2] * m[6 + b]
            memcpy(m, product, 9 * sizeof(double))
    return least


def most_symmetric(x, maps, Py_ssize_t trials, bit_generator, *, Py_ssize_t cycles=0, double tolerance=1e-6):
    """Orientation in which a cluster is closest to the symmetry of a point group.

    Parameters
    ----------
    x : array_like of shape (n, 3)
    maps : array_like of shape (k, 3, 3)
        Operations that generate the group.
    trials : int
        Random orientations to begin with.
    bit_generator : numpy.random.BitGenerator
    cycles : int
        Most cycles from each (0: as many as it takes).
    tolerance : float
        Change of the measure at which a trial ends.

    Returns
    -------
    measure : float
        0 for a symmetric cluster, 1 for one without any symmetry.
    rotation : ndarray of shape (3, 3)
        The centred cluster times this, from the left, is the orientation.
    """
    centred = np.array(x, dtype=np.float64).reshape(-1, 3)
    centred -= centred.mean(axis=0)
    cdef double[::1] xv = centred.reshape(-1)
    cdef const double[::1] g = np.ascontiguousarray(maps, dtype=np.float64).reshape(-1)
    cdef Py_ssize_t n = xv.shape[0] // 3
    rotation = np.eye(3)
    cdef double[:, ::1] r = rotation
    cdef double[::1] work = np.empty(orientation_workspace(n))
    cdef double value
    cdef bitgen_t* random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
    with nogil:
        value = orient(n, &xv[0], g.shape[0] // 9, &g[0], trials, cycles, tolerance, spacing_of(n, &xv[0]), random, &r[0, 0],
                       &work[0])
    return value, rotation
