"""Moves of a walker over the weights of a multilayer perceptron (NETWORKMOVES): what changes is a node, or a layer.

A node is its row of weights from the layer before, its bias, and its column of weights to the layer after. The moves change one
node as a whole, or how its two halves go together, so that the rest of what the network has learnt survives the step.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport cos, exp, fabs, log, sqrt
from libc.string cimport memcpy
from numpy.random cimport bitgen_t

from gmin._memory cimport SavedList

from itertools import pairwise

import numpy as np

cdef double PI = 3.141592653589793

#: Names of the kinds of moves; plain is the displacement of all variables.
KINDS = ("plain", "redraw", "flip", "permute", "swap", "scale", "split", "merge")
cdef enum:
    PLAIN = 0
    REDRAW = 1
    FLIP = 2
    PERMUTE = 3
    SWAP = 4
    SCALE = 5
    SPLIT = 6
    MERGE = 7

#: Lowest minima from which nodes are taken.
cdef Py_ssize_t POOL = 10
#: Each step multiplies the weight of all before it by this, so that the choice follows a walker that comes to other regions.
cdef double FORGET = 0.995
#: Share of the steps that are spread evenly over the kinds, whatever their success.
cdef double EVEN_SHARE = 0.2
#: A success each kind is given to begin with, at the mean cost, so that few early steps do not decide.
cdef double PRIOR = 1.0
#: Largest factor of a layer (either way).
cdef double LARGEST_FACTOR = 4.0
#: Standard deviation of the relative difference between the two halves of a node that is split.
cdef double DIFFERENCE = 0.3


cdef class NetworkMoves:
    """Moves over the weights of a network and their choice by success.

    Which kind the next step has is drawn with probability

    .. math:: p_k = \\epsilon / K + (1 - \\epsilon) r_k / \\sum_j r_j,
        \\qquad r_k = (s_k + 1) / (c_k + \\bar c)

    with s the successes and c the evaluations of a kind, old ones forgotten exponentially, and c-bar the mean cost of a step:
    an adversarial bandit with exploration at a fixed rate (probability matching; Auer, Cesa-Bianchi, Freund and Schapire, SIAM
    J. Comput. 32, 48, 2002). A step is a success when its quench ends below the walker's minimum, in one that is not among the
    lowest ten yet.

    Parameters
    ----------
    layers : sequence of int
        Nodes per layer, inputs first.
    n : int
        Number of variables: all weight matrices in forward order, each (nodes out) x (nodes in), then all biases in forward
        order; further variables are displaced by plain steps only.
    has_biases : bool
    frozen : ndarray of bool of shape (n,) or None
        Weights that the network does not have.
    kinds : sequence of str
        Kinds allowed, of ``KINDS``; none: all.
    ediff : float
        Energies closer than this are one minimum.
    bit_generator : numpy.random.BitGenerator
    """

    def __cinit__(self, layers, Py_ssize_t n, bint has_biases, frozen, kinds, double ediff, bit_generator):
        layers = tuple(int(count) for count in layers)
        nodes = np.array(layers, dtype=np.intp)
        sizes = [a * b for a, b in pairwise(layers)]
        n_weights = sum(sizes)
        n_biases = int(nodes[1:].sum()) if has_biases else 0
        if len(layers) < 3 or n_weights + n_biases > n:
            raise ValueError(f"layers {list(layers)} do not fit {n} variables")
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise ValueError(f"{unknown[0]}: expected some of {', '.join(KINDS)}")
        self.bit_generator = bit_generator
        self.random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        self.n = n
        self.n_levels = len(layers) - 1
        self.n_in = nodes[: self.n_levels].copy()
        self.n_out = nodes[1:].copy()
        self.weights = np.cumsum(sizes) - sizes
        firsts = n_weights + np.cumsum(nodes[1:]) - nodes[1:]
        self.biases = firsts if has_biases else np.full(self.n_levels, -1)
        self.still = np.zeros(n, dtype=np.uint8) if frozen is None else np.ascontiguousarray(frozen).astype(np.uint8)
        self.allowed = np.array([not kinds or kind in kinds for kind in KINDS], dtype=np.uint8)
        self.pool = SavedList(POOL, n, ediff)
        self.successes = np.zeros(N_KINDS)
        self.evaluations = np.zeros(N_KINDS)
        self.tried = np.zeros(N_KINDS, dtype=np.int64)
        self.accepted = np.zeros(N_KINDS, dtype=np.int64)
        self.improved = np.zeros(N_KINDS, dtype=np.int64)
        self.spent = np.zeros(N_KINDS, dtype=np.int64)
        self.kind = PLAIN

    # ------------------------------------------------------------------ state seen from Python

    @property
    def statistics(self):
        """For each kind that was tried: (name, steps, accepted steps, successes, evaluations)."""
        return [
            (KINDS[k], int(self.tried[k]), int(self.accepted[k]), int(self.improved[k]), int(self.spent[k]))
            for k in range(N_KINDS)
            if self.tried[k]
        ]

    @property
    def state(self):
        """What a continuation needs: a dict of lists."""
        return {
            "successes": list(self.successes), "evaluations": list(self.evaluations), "tried": list(self.tried),
            "accepted": list(self.accepted), "improved": list(self.improved), "spent": list(self.spent),
        }  # fmt: skip

    @state.setter
    def state(self, values):
        for k in range(N_KINDS):
            self.successes[k] = values["successes"][<Py_ssize_t>k]
            self.evaluations[k] = values["evaluations"][<Py_ssize_t>k]
            self.tried[k] = values["tried"][<Py_ssize_t>k]
            self.accepted[k] = values["accepted"][<Py_ssize_t>k]
            self.improved[k] = values["improved"][<Py_ssize_t>k]
            self.spent[k] = values["spent"][<Py_ssize_t>k]

    @property
    def probabilities(self):
        """Probability of each kind at the next step: shape (len(KINDS),)."""
        p = np.empty(N_KINDS)
        cdef double[::1] v = p
        self.weigh(&v[0])
        return p

    def move(self, x, str kind):
        """Where a move of one kind leads from x: shape (n,); x itself for plain, and where a move is not possible."""
        cdef const double[::1] v = np.ascontiguousarray(x, dtype=np.float64)
        t = np.array(v)
        cdef double[::1] tv = t
        if v.shape[0] != self.n:
            raise ValueError(f"expected {self.n} variables, got {v.shape[0]}")
        self.kind = KINDS.index(kind)
        self.propose(&v[0], NULL, &tv[0])
        return t

    # ------------------------------------------------------------------ the choice

    cdef double uniform(self) noexcept nogil:
        return self.random.next_double(self.random.state)

    cdef double normal(self) noexcept nogil:
        return sqrt(-2.0 * log(1.0 - self.uniform())) * cos(2.0 * PI * self.uniform())

    cdef Py_ssize_t below(self, Py_ssize_t count) noexcept nogil:
        cdef Py_ssize_t k = <Py_ssize_t>(self.uniform() * count)
        return k if k < count else count - 1

    cdef void weigh(self, double* p) noexcept nogil:
        """The probability of each kind."""
        cdef double evaluations = 0.0, steps = 0.0, total = 0.0, mean
        cdef Py_ssize_t k, n_allowed = 0
        for k in range(N_KINDS):
            n_allowed += self.allowed[k]
            evaluations += self.spent[k]
            steps += self.tried[k]
        mean = evaluations / steps if steps > 0.0 and evaluations > 0.0 else 1.0
        for k in range(N_KINDS):
            p[k] = (self.successes[k] + PRIOR) / (self.evaluations[k] + PRIOR * mean) if self.allowed[k] else 0.0
            total += p[k]
        for k in range(N_KINDS):
            if self.allowed[k]:
                p[k] = EVEN_SHARE / n_allowed + (1.0 - EVEN_SHARE) * p[k] / total

    cdef bint choose(self) noexcept nogil:
        """Draw the kind of the next step; whether it is more than a plain one."""
        cdef double p[N_KINDS]
        cdef double u = self.uniform()
        cdef Py_ssize_t k
        self.weigh(p)
        self.kind = PLAIN
        for k in range(N_KINDS):
            if self.allowed[k]:
                self.kind = k
                u -= p[k]
                if u < 0.0:
                    break
        return self.kind != PLAIN

    cdef void settle(
        self, double energy, double markov, const double* x, bint good, long long quench, long long calls
    ) noexcept nogil:
        """Learn from the quench of a step from the minimum of energy ``markov``."""
        cdef Py_ssize_t k
        cdef bint success = good and energy < markov - self.pool.ediff and not self.known(energy)
        for k in range(N_KINDS):
            self.successes[k] *= FORGET
            self.evaluations[k] *= FORGET
        k = self.kind
        self.successes[k] += success
        self.evaluations[k] += calls
        self.tried[k] += 1
        self.improved[k] += success
        self.spent[k] += calls
        if good:
            self.pool.offer(energy, x, quench, calls)

    cdef bint known(self, double energy) noexcept nogil:
        """Whether one of the lowest minima has this energy."""
        cdef Py_ssize_t k
        for k in range(self.pool.count):
            if fabs(self.pool.energies[k] - energy) < self.pool.ediff:
                return True
        return False

    cdef void count(self, bint accepted) noexcept nogil:
        self.accepted[self.kind] += accepted

    # ------------------------------------------------------------------ the moves

    cdef double size(self, const double* x, Py_ssize_t first, Py_ssize_t stride, Py_ssize_t count) noexcept nogil:
        """Root of the sum of squares of numbers ``stride`` apart."""
        cdef double total = 0.0
        cdef Py_ssize_t k
        for k in range(count):
            total += x[first + k * stride] * x[first + k * stride]
        return sqrt(total)

    cdef double strength(self, const double* x, Py_ssize_t level, Py_ssize_t node) noexcept nogil:
        """How much a node takes part: the size of its weights in times that of its weights out."""
        return self.size(x, self.weights[level] + node * self.n_in[level], 1, self.n_in[level]) * self.size(
            x, self.weights[level + 1] + node, self.n_in[level + 1], self.n_out[level + 1]
        )

    cdef Py_ssize_t weakest(self, const double* x, Py_ssize_t level) noexcept nogil:
        cdef Py_ssize_t j, found = 0
        cdef double s, least = 1e300
        for j in range(self.n_out[level]):
            s = self.strength(x, level, j)
            if s < least:
                least = s
                found = j
        return found

    cdef void redraw(self, double* t, Py_ssize_t level, Py_ssize_t node) noexcept nogil:
        """New weights and bias for a node, normally distributed with the mean squares of those that the layers have."""
        cdef Py_ssize_t k, n_in = self.n_in[level], n_nodes = self.n_out[level], n_out = self.n_out[level + 1]
        cdef double inwards = self.size(t, self.weights[level], 1, n_in * n_nodes) / sqrt(<double>(n_in * n_nodes))
        cdef double outwards = self.size(t, self.weights[level + 1], 1, n_out * n_nodes) / sqrt(<double>(n_out * n_nodes))
        cdef double bias
        # a network without any weights has no scale: that of random starts then
        inwards = inwards if inwards > 1e-3 else 1.0
        outwards = outwards if outwards > 1e-3 else 1.0
        if self.biases[level] >= 0:
            bias = self.size(t, self.biases[level], 1, n_nodes) / sqrt(<double>n_nodes)
            t[self.biases[level] + node] = (bias if bias > 1e-3 else inwards) * self.normal()
        for k in range(n_in):
            t[self.weights[level] + node * n_in + k] = inwards * self.normal()
        for k in range(n_out):
            t[self.weights[level + 1] + k * n_nodes + node] = outwards * self.normal()

    cdef void copy_node(
        self, const double* x, Py_ssize_t source, double* t, Py_ssize_t level, Py_ssize_t node, bint inputs, double factor
    ) noexcept nogil:
        """Node of t := node of x: its weights out times the factor and, with ``inputs``, its weights in and bias."""
        cdef Py_ssize_t k, n_in = self.n_in[level], n_nodes = self.n_out[level]
        if inputs:
            for k in range(n_in):
                t[self.weights[level] + node * n_in + k] = x[self.weights[level] + source * n_in + k]
            if self.biases[level] >= 0:
                t[self.biases[level] + node] = x[self.biases[level] + source]
        for k in range(self.n_out[level + 1]):
            t[self.weights[level + 1] + k * n_nodes + node] = factor * x[self.weights[level + 1] + k * n_nodes + source]

    cdef bint propose(self, const double* x, const unsigned char* frozen, double* t) noexcept nogil:
        """t: where a move of the kind chosen leads from x; False where x has no such move, and the step is a plain one."""
        cdef Py_ssize_t level = 0, node, other, k, _k, row, n_nodes, n_in, count, j = self.below(self.n_total())
        cdef const double* y
        cdef double factor
        memcpy(t, x, self.n * sizeof(double))
        if self.kind == PLAIN:
            return False
        # every hidden node has the same chance
        while j >= self.n_out[level]:
            j -= self.n_out[level]
            level += 1
        node = j
        n_nodes, n_in = self.n_out[level], self.n_in[level]
        if n_nodes < 2 and (self.kind == PERMUTE or self.kind == SPLIT or self.kind == MERGE):
            self.kind = REDRAW
        other = self.below(n_nodes - 1) if n_nodes > 1 else 0
        if n_nodes > 1 and other >= node:
            other += 1
        if self.kind == REDRAW:
            # in half of the cases the node that matters least
            self.redraw(t, level, self.weakest(x, level) if self.uniform() < 0.5 else node)
        elif self.kind == FLIP:
            # weights out change sign, those in do not: flipping both would change nothing
            self.copy_node(x, node, t, level, node, False, -1.0)
        elif self.kind == PERMUTE:
            self.copy_node(x, other, t, level, node, False, 1.0)
            self.copy_node(x, node, t, level, other, False, 1.0)
        elif self.kind == SWAP:
            if self.pool.count < 2:
                self.kind = PLAIN
                return False
            row = self.pool.rows[self.below(self.pool.count)]
            y = &self.pool.coordinates[row, 0]
            count = 1 + self.below((n_nodes + 1) // 2)
            for _k in range(count):
                self.copy_node(y, self.below(n_nodes), t, level, self.below(n_nodes), True, 1.0)
        elif self.kind == SCALE:
            level = self.below(self.n_levels)
            factor = exp(log(LARGEST_FACTOR) * (2.0 * self.uniform() - 1.0))
            for k in range(self.n_in[level] * self.n_out[level]):
                t[self.weights[level] + k] *= factor
            if self.biases[level] >= 0:
                for k in range(self.n_out[level]):
                    t[self.biases[level] + k] *= factor
        else:
            # MERGE: other takes over what node does, which is free then; SPLIT: the node that matters least is free.
            # What is free becomes half of a node, a little different from the other half, or is drawn anew.
            if self.kind == MERGE:
                for k in range(self.n_out[level + 1]):
                    row = self.weights[level + 1] + k * n_nodes
                    t[row + other] += t[row + node]
                self.redraw(t, level, node)
            else:
                other = self.weakest(x, level)
                if other == node:
                    node = (node + 1) % n_nodes
                self.copy_node(x, node, t, level, other, True, 0.5)
                self.copy_node(x, node, t, level, node, False, 0.5)
                for k in range(n_in):
                    factor = DIFFERENCE * self.normal()
                    t[self.weights[level] + other * n_in + k] *= 1.0 + factor
                    t[self.weights[level] + node * n_in + k] *= 1.0 - factor
                if self.biases[level] >= 0:
                    factor = DIFFERENCE * self.normal()
                    t[self.biases[level] + other] *= 1.0 + factor
                    t[self.biases[level] + node] *= 1.0 - factor
        for k in range(self.n):
            if self.still[k] or (frozen != NULL and frozen[k]):
                t[k] = x[k]
        return True

    cdef Py_ssize_t n_total(self) noexcept nogil:
        """Number of hidden nodes."""
        cdef Py_ssize_t level, total = 0
        for level in range(self.n_levels - 1):
            total += self.n_out[level]
        return total
