"""Rejection-free kinetic Monte Carlo: one step is two random numbers and one look into the table of aliases.

Leapfrog moves: a walk that flickers between two minima i and j makes a geometrically distributed number of returns, and
leaves from i with probability (1 - P_ij)/(1 - P_ij P_ji), else from j. Both, and the time that all these steps take, are drawn
at once; the statistics are those of single steps.
"""

import numpy as np

from libc.math cimport floor, log, sqrt
from libc.stdint cimport int32_t, int64_t, uint64_t


cdef struct choice_t:
    double threshold
    int32_t target
    int32_t other


cdef inline uint64_t rotated(uint64_t x, int k) noexcept nogil:
    return (x << k) | (x >> (64 - k))


cdef inline uint64_t draw(uint64_t* s) noexcept nogil:
    """xoshiro256++ of Blackman and Vigna."""
    cdef uint64_t result = rotated(s[0] + s[3], 23) + s[0]
    cdef uint64_t t = s[1] << 17
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = rotated(s[3], 45)
    return result


cdef inline double uniform(uint64_t* s) noexcept nogil:
    """In (0, 1], so that its logarithm is finite."""
    return <double>((draw(s) >> 11) + 1) * (1.0 / 9007199254740992.0)


cdef inline double normal(uint64_t* s) noexcept nogil:
    """Standard normal, by Marsaglia's polar method."""
    cdef double u, v, r
    while True:
        u = 2.0 * uniform(s) - 1.0
        v = 2.0 * uniform(s) - 1.0
        r = u * u + v * v
        if 0.0 < r < 1.0:
            return u * sqrt(-2.0 * log(r) / r)


cdef inline double gamma_time(double shape, uint64_t* s) noexcept nogil:
    """Sum of ``shape`` exponential times of mean 1 (Marsaglia and Tsang, ACM Trans. Math. Softw. 26, 363 (2000))."""
    cdef double d, c, x, v, u
    if shape < 1.0:
        return 0.0
    if shape == 1.0:
        return -log(uniform(s))
    d = shape - 1.0 / 3.0
    c = 1.0 / sqrt(9.0 * d)
    while True:
        x = normal(s)
        v = 1.0 + c * x
        if v <= 0.0:
            continue
        v = v * v * v
        u = uniform(s)
        if log(u) < 0.5 * x * x + d - d * v + d * log(v):
            return d * v


cdef class Walker:
    """Trajectories on a network of branching probabilities.

    Parameters
    ----------
    indptr, indices : ndarray
        Compressed rows of the network.
    probabilities : ndarray
        Branching probabilities; each row is normalised here.
    waiting : ndarray of shape (n,)
        Mean waiting times.
    final : ndarray of shape (n,), bool
        Where a trajectory ends.
    state : ndarray of 4 uint64
        Seed of the generator, not all zero.
    partner : ndarray of shape (n,), int, optional
        For each minimum another one with which it makes leapfrog moves, or -1.
    """

    cdef int64_t[::1] indptr
    cdef object table_memory
    cdef choice_t* table
    cdef double[::1] waiting
    cdef unsigned char[::1] final
    cdef uint64_t s[4]
    cdef int64_t current
    cdef readonly double steps
    cdef readonly double time
    cdef bint leaps
    cdef int32_t[::1] partner
    cdef double[::1] ln_return
    cdef double[::1] stays
    cdef int64_t[::1] outer_indptr
    cdef object outer_memory
    cdef choice_t* outer

    def __init__(self, indptr, indices, probabilities, waiting, final, state, partner=None):
        cdef int k
        self.indptr = np.ascontiguousarray(indptr, dtype=np.int64)
        self.waiting = np.ascontiguousarray(waiting, dtype=np.float64)
        self.final = np.ascontiguousarray(final, dtype=np.uint8)
        self.table_memory = np.zeros(2 * max(len(indices), 1), dtype=np.float64)
        cdef double[::1] memory = self.table_memory
        self.table = <choice_t*>&memory[0]
        self.build(self.indptr, self.table, np.ascontiguousarray(indices, dtype=np.int32), np.array(probabilities, dtype=float))
        self.leaps = partner is not None and bool((np.asarray(partner) >= 0).any())
        if self.leaps:
            self.pair(np.asarray(indptr), np.asarray(indices), np.asarray(probabilities, dtype=float), np.asarray(partner))
        cdef uint64_t[::1] seed = np.ascontiguousarray(state, dtype=np.uint64)
        for k in range(4):
            self.s[k] = seed[k]
        self.current = -1

    cdef pair(self, indptr, indices, p, partner):
        """Probabilities of the leapfrog moves, sums of positive numbers, and the tables of what leaves the pair."""
        n = len(indptr) - 1
        rows = np.repeat(np.arange(n), np.diff(indptr))
        total = np.bincount(rows, p, minlength=n)
        p = p / total[rows]
        outside = indices != partner[rows]
        inner = np.zeros(n)
        inner[rows[~outside]] = p[~outside]
        out = np.bincount(rows[outside], p[outside], minlength=n)
        other = np.maximum(partner, 0)
        # 1 - P_ij P_ji for the pair of i; i may be no partner of its partner, so P_ji is looked up
        keys = rows * n + indices
        back = np.zeros(n)
        at = np.searchsorted(keys, other * n + np.arange(n))
        at = np.minimum(at, max(len(keys) - 1, 0))
        known = (partner >= 0) & (keys[at] == other * n + np.arange(n))
        back[known] = p[at[known]]
        rest = np.zeros(n)
        # 1 - P_ji as a sum: what j has beside i
        for i in np.flatnonzero(known).tolist():
            j = int(partner[i])
            row = slice(indptr[j], indptr[j + 1])
            rest[i] = p[row][indices[row] != i].sum()
        leave = out + inner * rest
        known &= leave > 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            ln_return = np.where(leave < 0.5, np.log1p(-leave), np.log(inner * back))
            self.ln_return = np.ascontiguousarray(np.where(known, ln_return, -1.0))
            self.stays = np.ascontiguousarray(np.where(known, out / leave, 1.0))
        self.partner = np.ascontiguousarray(np.where(known, partner, -1), dtype=np.int32)
        # both i without its partner j, and j without i: two tables for each pair, the second at n + i
        lists = []
        for i in range(n):
            row = slice(indptr[i], indptr[i + 1])
            keep = indices[row] != partner[i] if known[i] else np.zeros(0, dtype=bool)
            lists.append((indices[row][keep], p[row][keep]) if known[i] else (indices[:0], p[:0]))
        for i in range(n):
            j = int(partner[i])
            row = slice(indptr[j], indptr[j + 1])
            lists.append((indices[row][indices[row] != i], p[row][indices[row] != i]) if known[i] else (indices[:0], p[:0]))
        self.outer_indptr = np.concatenate([[0], np.cumsum([len(a) for a, _ in lists])]).astype(np.int64)
        flat = np.concatenate([a for a, _ in lists]).astype(np.int32)
        weights = np.concatenate([b for _, b in lists])
        self.outer_memory = np.zeros(2 * max(len(flat), 1), dtype=np.float64)
        cdef double[::1] memory = self.outer_memory
        self.outer = <choice_t*>&memory[0]
        self.build(self.outer_indptr, self.outer, flat, weights)

    cdef build(self, int64_t[::1] indptr, choice_t* table, int32_t[::1] indices, double[::1] p):
        """Walker's table of aliases for each row, by Vose's algorithm."""
        cdef Py_ssize_t n = indptr.shape[0] - 1, i, k, first, count, small, large
        widest = int(np.diff(np.asarray(indptr)).max(initial=0)) + 1
        cdef int32_t[::1] low = np.empty(widest, dtype=np.int32)
        cdef int32_t[::1] high = np.empty(widest, dtype=np.int32)
        cdef int a, b
        cdef double total
        with nogil:
            for i in range(n):
                first = indptr[i]
                count = indptr[i + 1] - first
                total = 0.0
                for k in range(count):
                    total += p[first + k]
                small = 0
                large = 0
                for k in range(count):
                    p[first + k] *= count / total
                    table[first + k].threshold = 1.0
                    table[first + k].target = indices[first + k]
                    table[first + k].other = indices[first + k]
                    if p[first + k] < 1.0:
                        low[small] = <int32_t>k
                        small += 1
                    else:
                        high[large] = <int32_t>k
                        large += 1
                while small and large:
                    small -= 1
                    a = low[small]
                    b = high[large - 1]
                    table[first + a].threshold = p[first + a]
                    table[first + a].other = indices[first + b]
                    p[first + b] = (p[first + b] + p[first + a]) - 1.0
                    if p[first + b] < 1.0:
                        large -= 1
                        low[small] = b
                        small += 1

    def start(self, int64_t minimum):
        """Begin a trajectory."""
        if not 0 <= minimum < self.waiting.shape[0]:
            raise ValueError(f"no minimum {minimum}")
        self.current = minimum
        self.steps = 0
        self.time = 0.0

    cdef int64_t _leap(self, int64_t i, uint64_t* s, double* time, double* jumps) noexcept nogil:
        """Leave the pair of i: the next minimum; the time and the number of steps are added."""
        cdef double returns = floor(log(uniform(s)) / self.ln_return[i])
        cdef int64_t j = self.partner[i], row = i, first, count
        cdef choice_t* choice
        cdef bint from_i = uniform(s) <= self.stays[i]
        time[0] += self.waiting[i] * gamma_time(returns + 1.0, s)
        time[0] += self.waiting[j] * gamma_time(returns if from_i else returns + 1.0, s)
        jumps[0] += 2.0 * returns + (1.0 if from_i else 2.0)
        if not from_i:
            row = i + self.partner.shape[0]
        first = self.outer_indptr[row]
        count = self.outer_indptr[row + 1] - first
        choice = &self.outer[first + <int64_t>(((draw(s) >> 32) * <uint64_t>count) >> 32)]
        return choice.target if uniform(s) <= choice.threshold else choice.other

    def advance(self, int64_t most):
        """Go on for at most this many steps.

        Returns
        -------
        int
            The final minimum, or -1 when it was not reached.
        """
        cdef int64_t i = self.current, done = 0, first, count
        cdef double time = 0.0, jumps = 0.0
        cdef bint leaps = self.leaps
        cdef choice_t* choice
        cdef uint64_t s[4]
        if i < 0:
            raise ValueError("start comes first")
        s[0], s[1], s[2], s[3] = self.s[0], self.s[1], self.s[2], self.s[3]
        with nogil:
            while done < most and not (self.final[i] and (done or self.steps > 0.0)):
                if leaps and self.partner[i] >= 0:
                    i = self._leap(i, s, &time, &jumps)
                    done += 1
                    continue
                first = self.indptr[i]
                count = self.indptr[i + 1] - first
                jumps += 1.0
                # exponential waiting time, then one neighbour
                time -= self.waiting[i] * log(uniform(s))
                choice = &self.table[first + <int64_t>(((draw(s) >> 32) * <uint64_t>count) >> 32)]
                i = choice.target if uniform(s) <= choice.threshold else choice.other
                done += 1
        self.s[0], self.s[1], self.s[2], self.s[3] = s[0], s[1], s[2], s[3]
        self.current = i
        self.steps += jumps
        self.time += time
        return int(i) if self.final[i] and self.steps > 0.0 else -1
