"""Rejection-free kinetic Monte Carlo: one step is two random numbers and one look into the table of aliases."""

import numpy as np

from libc.math cimport log
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
    """

    cdef int64_t[::1] indptr
    cdef object table_memory
    cdef choice_t* table
    cdef double[::1] waiting
    cdef unsigned char[::1] final
    cdef uint64_t s[4]
    cdef int64_t current
    cdef readonly int64_t steps
    cdef readonly double time

    def __init__(self, indptr, indices, probabilities, waiting, final, state):
        cdef int k
        self.indptr = np.ascontiguousarray(indptr, dtype=np.int64)
        self.waiting = np.ascontiguousarray(waiting, dtype=np.float64)
        self.final = np.ascontiguousarray(final, dtype=np.uint8)
        self.table_memory = np.zeros(2 * max(len(indices), 1), dtype=np.float64)
        cdef double[::1] memory = self.table_memory
        self.table = <choice_t*>&memory[0]
        self.build(np.ascontiguousarray(indices, dtype=np.int32), np.array(probabilities, dtype=np.float64))
        cdef uint64_t[::1] seed = np.ascontiguousarray(state, dtype=np.uint64)
        for k in range(4):
            self.s[k] = seed[k]
        self.current = -1

    cdef build(self, int32_t[::1] indices, double[::1] p):
        """Walker's table of aliases for each row, by Vose's algorithm."""
        cdef Py_ssize_t n = self.indptr.shape[0] - 1, i, k, first, count, small, large
        widest = int(np.diff(np.asarray(self.indptr)).max(initial=0)) + 1
        cdef int32_t[::1] low = np.empty(widest, dtype=np.int32)
        cdef int32_t[::1] high = np.empty(widest, dtype=np.int32)
        cdef int a, b
        cdef double total
        with nogil:
            for i in range(n):
                first = self.indptr[i]
                count = self.indptr[i + 1] - first
                total = 0.0
                for k in range(count):
                    total += p[first + k]
                small = 0
                large = 0
                for k in range(count):
                    p[first + k] *= count / total
                    self.table[first + k].threshold = 1.0
                    self.table[first + k].target = indices[first + k]
                    self.table[first + k].other = indices[first + k]
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
                    self.table[first + a].threshold = p[first + a]
                    self.table[first + a].other = indices[first + b]
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

    def advance(self, int64_t most):
        """Go on for at most this many steps.

        Returns
        -------
        int
            The final minimum, or -1 when it was not reached.
        """
        cdef int64_t i = self.current, done = 0, first, count
        cdef double time = 0.0
        cdef choice_t* choice
        cdef uint64_t s[4]
        if i < 0:
            raise ValueError("start comes first")
        s[0], s[1], s[2], s[3] = self.s[0], self.s[1], self.s[2], self.s[3]
        with nogil:
            while done < most and not (self.final[i] and (done or self.steps)):
                first = self.indptr[i]
                count = self.indptr[i + 1] - first
                # exponential waiting time, then one neighbour
                time -= self.waiting[i] * log(uniform(s))
                choice = &self.table[first + <int64_t>(((draw(s) >> 32) * <uint64_t>count) >> 32)]
                i = choice.target if uniform(s) <= choice.threshold else choice.other
                done += 1
        self.s[0], self.s[1], self.s[2], self.s[3] = s[0], s[1], s[2], s[3]
        self.current = i
        self.steps += done
        self.time += time
        return int(i) if self.final[i] and self.steps else -1
