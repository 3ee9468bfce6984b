"""Best permutation and signs of the hidden nodes of a network (the arithmetic of ``networks.py``)."""

from libc.math cimport fabs, sqrt
from libc.string cimport memcpy

from common._vectors cimport vector_dot
from potentials.symmetry._assignment cimport assign

import numpy as np

cdef Py_ssize_t MAX_SWEEPS = 100


cdef class NetworkCore:
    """Layout of the variables and the layer step.

    Parameters
    ----------
    layers : sequence of int
        n_0 (inputs), n_1, …, n_L (outputs).
    classes : sequence of sequence of int
        For each hidden layer the class of each node; nodes of one class may be exchanged.
    has_biases : bool
    shift : bool
        Whether a uniform shift of the output biases is a symmetry.
    """

    cdef Py_ssize_t n_layers, widest
    cdef Py_ssize_t[::1] width, weights, biases, n_classes
    cdef Py_ssize_t[:, ::1] nodes, first
    cdef bint has_biases, shift
    cdef readonly Py_ssize_t n_variables
    cdef object arguments

    def __init__(self, layers, classes, bint has_biases=True, bint shift=False):
        self.arguments = (tuple(layers), tuple(tuple(c) for c in classes), has_biases, shift)
        cdef Py_ssize_t l, at = 0
        self.n_layers = len(layers) - 1
        self.width = np.array(layers, dtype=np.intp)
        self.weights = np.zeros(self.n_layers + 1, dtype=np.intp)
        self.biases = np.zeros(self.n_layers + 1, dtype=np.intp)
        for l in range(1, self.n_layers + 1):
            self.weights[l] = at
            at += self.width[l] * self.width[l - 1]
        for l in range(1, self.n_layers + 1):
            self.biases[l] = at
            at += self.width[l] if has_biases else 0
        self.n_variables = at
        self.widest = max(layers[1 : len(layers) - 1])
        self.has_biases = has_biases
        self.shift = shift and has_biases
        # Nodes of each hidden layer sorted by class, and where each class begins.
        self.nodes = np.zeros((self.n_layers + 1, self.widest), dtype=np.intp)
        self.first = np.zeros((self.n_layers + 1, self.widest + 1), dtype=np.intp)
        self.n_classes = np.zeros(self.n_layers + 1, dtype=np.intp)
        for l in range(1, self.n_layers):
            given = np.asarray(classes[l - 1])
            order = np.argsort(given, kind="stable")
            starts = np.flatnonzero(np.diff(given[order], prepend=given[order[0]] - 1))
            np.asarray(self.nodes)[l, : order.size] = order
            np.asarray(self.first)[l, : starts.size + 1] = [*starts, order.size]
            self.n_classes[l] = starts.size

    def __reduce__(self):
        return (NetworkCore, self.arguments)

    cdef Py_ssize_t n_reals(self) noexcept nogil:
        """Doubles of work space: current copy, trial copy, costs, duals, distances."""
        return 2 * self.n_variables + self.widest * self.widest + 2 * self.widest

    cdef bint layer_step(self, Py_ssize_t layer, int sides, double* y, const double* r, double* real,
                         Py_ssize_t* integer) noexcept nogil:
        """Give the nodes of one hidden layer of y the order and signs closest to those of r; whether anything changed.

        ``sides``: 1 compares the weights in and the bias, 2 the weights out, 3 both. The sum of squared differences falls by
        2 |dot product| for a pair of nodes with the better sign, so that minus the absolute dot product is the cost.
        """
        cdef Py_ssize_t n = self.width[layer], m = self.width[layer - 1], o = self.width[layer + 1]
        cdef double* w_in = y + self.weights[layer]
        cdef double* w_out = y + self.weights[layer + 1]
        cdef double* b = y + self.biases[layer]
        cdef const double* r_in = r + self.weights[layer]
        cdef const double* r_out = r + self.weights[layer + 1]
        cdef const double* rb = r + self.biases[layer]
        cdef double* cost = real
        cdef double* v = cost + n * n
        cdef double* distance = v + n
        cdef double* copy = real + self.widest * self.widest + 2 * self.widest
        cdef Py_ssize_t* p = integer
        cdef Py_ssize_t* work = integer + n
        cdef Py_ssize_t* sign = integer + 5 * n
        cdef Py_ssize_t i, j, c, size
        cdef const Py_ssize_t* member
        cdef double dot
        cdef bint changed = False
        for i in range(n):
            p[i] = i
        for c in range(self.n_classes[layer]):
            size = self.first[layer, c + 1] - self.first[layer, c]
            if size == 1:
                continue
            member = &self.nodes[layer, self.first[layer, c]]
            for i in range(size):
                v[i] = 0.0
                for j in range(size):
                    dot = self.overlap(n, m, o, sides, member[i], member[j], w_in, w_out, b, r_in, r_out, rb)
                    cost[i * size + j] = -fabs(dot)
            assign(size, cost, sign, v, work, distance)
            for i in range(size):
                p[member[i]] = member[sign[i]]
        for i in range(n):
            dot = self.overlap(n, m, o, sides, i, p[i], w_in, w_out, b, r_in, r_out, rb)
            sign[i] = -1 if dot < 0.0 else 1
            if p[i] != i or sign[i] < 0:
                changed = True
        if not changed:
            return False
        self.apply(layer, y, p, sign, copy)
        return True

    cdef void apply(self, Py_ssize_t layer, double* y, const Py_ssize_t* p, const Py_ssize_t* sign,
                    double* copy) noexcept nogil:
        """Node i of a hidden layer becomes sign[i] times what node p[i] was."""
        cdef Py_ssize_t n = self.width[layer], m = self.width[layer - 1], o = self.width[layer + 1], i, k
        cdef double* w_in = y + self.weights[layer]
        cdef double* w_out = y + self.weights[layer + 1]
        cdef double* b = y + self.biases[layer]
        memcpy(copy, w_in, n * m * sizeof(double))
        for i in range(n):
            for k in range(m):
                w_in[i * m + k] = sign[i] * copy[p[i] * m + k]
        if self.has_biases:
            memcpy(copy, b, n * sizeof(double))
            for i in range(n):
                b[i] = sign[i] * copy[p[i]]
        memcpy(copy, w_out, n * o * sizeof(double))
        for k in range(o):
            for i in range(n):
                w_out[k * n + i] = sign[i] * copy[k * n + p[i]]

    cdef inline double overlap(self, Py_ssize_t n, Py_ssize_t m, Py_ssize_t o, int sides, Py_ssize_t i, Py_ssize_t j,
                               const double* w_in, const double* w_out, const double* b, const double* r_in,
                               const double* r_out, const double* rb) noexcept nogil:
        cdef Py_ssize_t k
        cdef double dot = 0.0
        if sides & 1:
            if self.has_biases:
                dot = rb[i] * b[j]
            dot += vector_dot(m, r_in + i * m, w_in + j * m)
        if sides & 2:
            for k in range(o):
                dot += r_out[k * n + i] * w_out[k * n + j]
        return dot

    cdef double squared_distance(self, const double* y, const double* r) noexcept nogil:
        """Squared Euclidean distance, without its part along the uniform shift of the output biases if that is a symmetry."""
        cdef Py_ssize_t i, n = self.n_variables, o = self.width[self.n_layers]
        cdef double total = 0.0, mean = 0.0, difference
        cdef Py_ssize_t end = n - o if self.shift else n
        for i in range(end):
            difference = y[i] - r[i]
            total += difference * difference
        if self.shift:
            for i in range(end, n):
                mean += y[i] - r[i]
            mean /= o
            for i in range(end, n):
                difference = y[i] - r[i] - mean
                total += difference * difference
        return total

    cdef void settle(self, double* y, const double* r, double* real, Py_ssize_t* integer) noexcept nogil:
        """Layer steps to self-consistency."""
        cdef Py_ssize_t layer, _sweep
        cdef bint changed
        for _sweep in range(MAX_SWEEPS):
            changed = False
            for layer in range(1, self.n_layers):
                if self.layer_step(layer, 3, y, r, real, integer):
                    changed = True
            if not changed or self.n_layers == 2:
                break

    cdef void scramble(self, double* y, unsigned long long* state, Py_ssize_t* integer, double* copy) noexcept nogil:
        """A random element of the group applied to y in place."""
        cdef Py_ssize_t layer, n, i, j, k, c, low
        cdef Py_ssize_t* p = integer
        cdef Py_ssize_t* sign = integer + self.widest
        for layer in range(1, self.n_layers):
            n = self.width[layer]
            for i in range(n):
                p[i] = i
                sign[i] = 1 if next_random(state) & 1 else -1
            for c in range(self.n_classes[layer]):
                low = self.first[layer, c]
                for i in range(self.first[layer, c + 1] - 1, low, -1):
                    j = low + <Py_ssize_t> (next_random(state) % <unsigned long long> (i - low + 1))
                    k = p[self.nodes[layer, i]]
                    p[self.nodes[layer, i]] = p[self.nodes[layer, j]]
                    p[self.nodes[layer, j]] = k
            self.apply(layer, y, p, sign, copy)

    cdef double align_one(self, const double* x, const double* r, double* best, Py_ssize_t restarts, double enough,
                          double* real, Py_ssize_t* integer) noexcept nogil:
        """Closest copy of x to r in ``best``; returns the distance. Exact for one hidden layer."""
        cdef Py_ssize_t n = self.n_variables, layer, start
        cdef double* y = real + self.widest * self.widest + 2 * self.widest + n
        cdef double least = -1.0, d
        cdef unsigned long long state = 0x9E3779B97F4A7C15ULL
        if self.n_layers == 2:
            memcpy(best, x, n * sizeof(double))
            self.layer_step(1, 3, best, r, real, integer)
            return sqrt(self.squared_distance(best, r))
        for start in range(3 + restarts):
            memcpy(y, x, n * sizeof(double))
            if start == 0:
                # The inputs have fixed names: match the first hidden layer by what enters it, then the next, and so on.
                for layer in range(1, self.n_layers):
                    self.layer_step(layer, 1, y, r, real, integer)
            elif start == 1:
                for layer in range(self.n_layers - 1, 0, -1):
                    self.layer_step(layer, 2, y, r, real, integer)
            elif start > 2:
                self.scramble(y, &state, integer, real + self.widest * self.widest + 2 * self.widest)
            self.settle(y, r, real, integer)
            d = self.squared_distance(y, r)
            if least < 0.0 or d < least:
                least = d
                memcpy(best, y, n * sizeof(double))
                if least <= enough * enough:
                    break
        return sqrt(least)

    def align(self, const double[::1] x, const double[::1] reference, Py_ssize_t restarts, double enough):
        """(closest copy of x, distance)."""
        best = np.empty(self.n_variables)
        cdef double[::1] bv = best
        cdef double[::1] real = np.empty(self.n_reals())
        cdef Py_ssize_t[::1] integer = np.empty(6 * self.widest, dtype=np.intp)
        cdef double d
        with nogil:
            d = self.align_one(&x[0], &reference[0], &bv[0], restarts, enough, &real[0], &integer[0])
        return best, d

    def distances(self, const double[:, ::1] X, const double[::1] reference, Py_ssize_t restarts):
        """Distance of every row of X from the reference."""
        out = np.empty(X.shape[0])
        cdef double[::1] ov = out
        cdef double[::1] best = np.empty(self.n_variables), real = np.empty(self.n_reals())
        cdef Py_ssize_t[::1] integer = np.empty(6 * self.widest, dtype=np.intp)
        cdef Py_ssize_t b
        with nogil:
            for b in range(X.shape[0]):
                ov[b] = self.align_one(&X[b, 0], &reference[0], &best[0], restarts, 0.0, &real[0], &integer[0])
        return out


cdef inline unsigned long long next_random(unsigned long long* state) noexcept nogil:
    """xorshift64* (Vigna, ACM Trans. Math. Softw. 42, 30 (2016))."""
    state[0] ^= state[0] >> 12
    state[0] ^= state[0] << 25
    state[0] ^= state[0] >> 27
    return (state[0] * 0x2545F4914F6CDD1DULL) >> 11
