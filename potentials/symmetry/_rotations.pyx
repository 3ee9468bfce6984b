"""Rotations of clusters stored as one array per axis: x of all atoms, y of all atoms, z of all atoms."""

from libc.math cimport M_PI, cos, fabs, sin, sqrt
from libc.stdint cimport uint64_t

cdef extern from "_rotations.h" nogil:
    void rotations_correlate(Py_ssize_t n, const double* x, const double* y, const Py_ssize_t* p, double* s)

cdef Py_ssize_t JACOBI_SWEEPS = 30
cdef Py_ssize_t NEWTON_STEPS = 50
#: A column of the adjugate (its square in units of the sixth power of the eigenvalue) below which its direction is uncertain.
cdef double ADJUGATE = 1e-8


cdef void largest_eigenvector(double[4][4] a, double* q) noexcept nogil:
    """Eigenvector of the largest eigenvalue of a symmetric 4 by 4 matrix by Jacobi rotations."""
    cdef double[4][4] u
    cdef Py_ssize_t i, j, k, _sweep, best
    cdef double off, theta, t, c, s, x, y, scale = 0.0
    for i in range(4):
        for j in range(4):
            u[i][j] = 1.0 if i == j else 0.0
            scale += a[i][j] * a[i][j]
    for _sweep in range(JACOBI_SWEEPS):
        off = 0.0
        for i in range(4):
            for j in range(i):
                off += a[i][j] * a[i][j]
        if off <= 1e-34 * scale:
            break
        for i in range(3):
            for j in range(i + 1, 4):
                if a[i][j] == 0.0:
                    continue
                theta = (a[j][j] - a[i][i]) / (2.0 * a[i][j])
                t = 1.0 / (fabs(theta) + sqrt(theta * theta + 1.0))
                if theta < 0.0:
                    t = -t
                c = 1.0 / sqrt(t * t + 1.0)
                s = t * c
                for k in range(4):
                    x = a[k][i]
                    y = a[k][j]
                    a[k][i] = c * x - s * y
                    a[k][j] = s * x + c * y
                for k in range(4):
                    x = a[i][k]
                    y = a[j][k]
                    a[i][k] = c * x - s * y
                    a[j][k] = s * x + c * y
                for k in range(4):
                    x = u[k][i]
                    y = u[k][j]
                    u[k][i] = c * x - s * y
                    u[k][j] = s * x + c * y
    best = 0
    for i in range(1, 4):
        if a[i][i] > a[best][best]:
            best = i
    x = 0.0
    for i in range(4):
        x += u[i][best] * u[i][best]
    x = 1.0 / sqrt(x)
    for i in range(4):
        q[i] = u[i][best] * x


cdef void quaternion_to_matrix(const double* q, double* m) noexcept nogil:
    cdef double w = q[0], x = q[1], y = q[2], z = q[3]
    m[0] = w * w + x * x - y * y - z * z
    m[1] = 2.0 * (x * y - w * z)
    m[2] = 2.0 * (x * z + w * y)
    m[3] = 2.0 * (x * y + w * z)
    m[4] = w * w - x * x + y * y - z * z
    m[5] = 2.0 * (y * z - w * x)
    m[6] = 2.0 * (x * z - w * y)
    m[7] = 2.0 * (y * z + w * x)
    m[8] = w * w - x * x - y * y + z * z


cdef void horn_matrix(
    Py_ssize_t n, const double* x, const double* y, const Py_ssize_t* p, double[4][4] k
) noexcept nogil:
    """Matrix whose largest eigenvector is the best rotation as a quaternion: Horn, J. Opt. Soc. Am. A 4, 629 (1987)."""
    cdef double[9] s
    cdef Py_ssize_t a, b
    rotations_correlate(n, x, y, p, s)
    k[0][0] = s[0] + s[4] + s[8]
    k[0][1] = s[5] - s[7]
    k[0][2] = s[6] - s[2]
    k[0][3] = s[1] - s[3]
    k[1][1] = s[0] - s[4] - s[8]
    k[1][2] = s[1] + s[3]
    k[1][3] = s[6] + s[2]
    k[2][2] = -s[0] + s[4] - s[8]
    k[2][3] = s[5] + s[7]
    k[3][3] = -s[0] - s[4] + s[8]
    for a in range(4):
        for b in range(a):
            k[a][b] = k[b][a]


cdef void best_rotation(Py_ssize_t n, const double* x, const double* y, const Py_ssize_t* p, double* m) noexcept nogil:
    """Rotation matrix that brings atoms p[i] of x closest to atoms i of y."""
    cdef double[4][4] k
    cdef double[4] q
    horn_matrix(n, x, y, p, k)
    largest_eigenvector(k, q)
    quaternion_to_matrix(q, m)


cdef void quick_rotation(
    Py_ssize_t n, const double* x, const double* y, const Py_ssize_t* p, double bound, double* m
) noexcept nogil:
    """``best_rotation`` to some ten digits; ``bound`` is half the sum of the squares of all coordinates of x and y.

    Newton steps from the bound to the largest root of the characteristic polynomial, then a column of the adjugate: Theobald,
    Acta Cryst. A 61, 478 (2005).
    """
    cdef double[4][4] k
    cdef double[4] q
    cdef double c0, c1, c2, value = bound, square, slope, move, size = 0.0, least
    cdef double m01, m02, m03, m12, m13, m23
    cdef Py_ssize_t a, b, _
    horn_matrix(n, x, y, p, k)
    # the trace of the matrix is zero: value^4 + c2 value^2 + c1 value + c0
    c2 = c1 = 0.0
    for a in range(4):
        for b in range(4):
            c2 -= 0.5 * k[a][b] * k[a][b]
    for a in range(4):
        for b in range(4):
            # trace of the cube
            c1 -= k[a][b] * (
                k[a][0] * k[0][b] + k[a][1] * k[1][b] + k[a][2] * k[2][b] + k[a][3] * k[3][b]
            ) / 3.0
    m01 = k[2][0] * k[3][1] - k[2][1] * k[3][0]
    m02 = k[2][0] * k[3][2] - k[2][2] * k[3][0]
    m03 = k[2][0] * k[3][3] - k[2][3] * k[3][0]
    m12 = k[2][1] * k[3][2] - k[2][2] * k[3][1]
    m13 = k[2][1] * k[3][3] - k[2][3] * k[3][1]
    m23 = k[2][2] * k[3][3] - k[2][3] * k[3][2]
    c0 = (
        (k[0][0] * k[1][1] - k[0][1] * k[1][0]) * m23 - (k[0][0] * k[1][2] - k[0][2] * k[1][0]) * m13
        + (k[0][0] * k[1][3] - k[0][3] * k[1][0]) * m12 + (k[0][1] * k[1][2] - k[0][2] * k[1][1]) * m03
        - (k[0][1] * k[1][3] - k[0][3] * k[1][1]) * m02 + (k[0][2] * k[1][3] - k[0][3] * k[1][2]) * m01
    )
    for _ in range(NEWTON_STEPS):
        square = value * value
        slope = (4.0 * square + 2.0 * c2) * value + c1
        if not slope > 0.0:
            break
        move = ((square + c2) * square + c1 * value + c0) / slope
        value -= move
        if fabs(move) < 1e-13 * value:
            break
    for a in range(4):
        k[a][a] -= value
    m01 = k[2][0] * k[3][1] - k[2][1] * k[3][0]
    m02 = k[2][0] * k[3][2] - k[2][2] * k[3][0]
    m03 = k[2][0] * k[3][3] - k[2][3] * k[3][0]
    m12 = k[2][1] * k[3][2] - k[2][2] * k[3][1]
    m13 = k[2][1] * k[3][3] - k[2][3] * k[3][1]
    m23 = k[2][2] * k[3][3] - k[2][3] * k[3][2]
    least = value * value * value
    least *= ADJUGATE * least
    for b in range(2):
        # cofactors of row b, from the other row of the upper half and the minors of the lower half
        a = 1 - b
        q[0] = k[a][1] * m23 - k[a][2] * m13 + k[a][3] * m12
        q[1] = -k[a][0] * m23 + k[a][2] * m03 - k[a][3] * m02
        q[2] = k[a][0] * m13 - k[a][1] * m03 + k[a][3] * m01
        q[3] = -k[a][0] * m12 + k[a][1] * m02 - k[a][2] * m01
        size = q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]
        if size > least:
            size = 1.0 / sqrt(size)
            for a in range(4):
                q[a] *= size
            quaternion_to_matrix(q, m)
            return
    best_rotation(n, x, y, p, m)


cdef double squared_distance(Py_ssize_t n, const double* x, const double* y, const Py_ssize_t* p) noexcept nogil:
    cdef Py_ssize_t a, i
    cdef double total = 0.0, d
    for a in range(3):
        for i in range(n):
            d = x[a * n + p[i]] - y[a * n + i]
            total += d * d
    return total


cdef double off_axis(Py_ssize_t n, const double* x, Py_ssize_t a, Py_ssize_t j) noexcept nogil:
    """Distance of atom j from the line through the origin and atom a."""
    cdef double cx = x[n + a] * x[2 * n + j] - x[2 * n + a] * x[n + j]
    cdef double cy = x[2 * n + a] * x[j] - x[a] * x[2 * n + j]
    cdef double cz = x[a] * x[n + j] - x[n + a] * x[j]
    cdef double r2 = x[a] * x[a] + x[n + a] * x[n + a] + x[2 * n + a] * x[2 * n + a]
    return sqrt((cx * cx + cy * cy + cz * cz) / r2) if r2 > 0.0 else 0.0


cdef void frame(Py_ssize_t n, const double* x, Py_ssize_t a, Py_ssize_t b, double* f) noexcept nogil:
    """Orthonormal right-handed axes (rows of f): towards atom a, towards atom b perpendicular to that, their product.

    b < 0 stands for any perpendicular direction.
    """
    cdef double[3] u, v
    cdef double r = 0.0, s = 0.0, t = 0.0
    cdef Py_ssize_t k, least = 0
    for k in range(3):
        u[k] = x[k * n + a]
        r += u[k] * u[k]
    r = sqrt(r)
    for k in range(3):
        u[k] /= r
        if fabs(u[k]) < fabs(u[least]):
            least = k
    for k in range(3):
        v[k] = x[k * n + b] if b >= 0 else (1.0 if k == least else 0.0)
        s += u[k] * v[k]
    for k in range(3):
        v[k] -= s * u[k]
        t += v[k] * v[k]
    t = sqrt(t)
    for k in range(3):
        v[k] /= t
        f[k] = u[k]
        f[3 + k] = v[k]
    f[6] = u[1] * v[2] - u[2] * v[1]
    f[7] = u[2] * v[0] - u[0] * v[2]
    f[8] = u[0] * v[1] - u[1] * v[0]


cdef void grid_matrix(Py_ssize_t i, Py_ssize_t n, double* m) noexcept nogil:
    """Rotation i of n spread evenly, for i from n the rotation i - n times the inversion.

    Super-Fibonacci spirals (Alexa, CVPR 2022, p. 8291).
    """
    cdef double sign = -1.0 if i >= n else 1.0
    cdef double s = (i - n if i >= n else i) + 0.5
    cdef double t = s / n, alpha = 2.0 * M_PI * s / 1.4142135623730951, beta = 2.0 * M_PI * s / 1.533751168755204288118041
    cdef double[4] q
    cdef Py_ssize_t a
    q[0] = sqrt(t) * sin(alpha)
    q[1] = sqrt(t) * cos(alpha)
    q[2] = sqrt(1.0 - t) * sin(beta)
    q[3] = sqrt(1.0 - t) * cos(beta)
    quaternion_to_matrix(q, m)
    for a in range(9):
        m[a] *= sign


cdef inline double uniform(uint64_t* state) noexcept nogil:
    """Number in (0, 1) from xorshift64* (Vigna, ACM Trans. Math. Softw. 42, 30 (2016))."""
    state[0] ^= state[0] >> 12
    state[0] ^= state[0] << 25
    state[0] ^= state[0] >> 27
    return (<double> ((state[0] * 0x2545F4914F6CDD1DULL) >> 12) + 0.5) / 4503599627370496.0


cdef void random_turn(uint64_t* state, double smallest, double largest, double* m) noexcept nogil:
    """Rotation about a random axis by an angle uniform between two limits."""
    cdef double z = 2.0 * uniform(state) - 1.0, phi = 2.0 * M_PI * uniform(state)
    cdef double half = 0.5 * (smallest + (largest - smallest) * uniform(state))
    cdef double[4] q
    q[0] = cos(half)
    q[1] = sin(half) * sqrt(1.0 - z * z) * cos(phi)
    q[2] = sin(half) * sqrt(1.0 - z * z) * sin(phi)
    q[3] = sin(half) * z
    quaternion_to_matrix(q, m)


cdef void multiply(const double* a, const double* b, double* c) noexcept nogil:
    """c = a b, 3 by 3, row-major."""
    cdef Py_ssize_t i, j
    for i in range(3):
        for j in range(3):
            c[3 * i + j] = a[3 * i] * b[j] + a[3 * i + 1] * b[3 + j] + a[3 * i + 2] * b[6 + j]
