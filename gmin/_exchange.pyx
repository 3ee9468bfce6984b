"""Exchange of configurations between the rungs of a temperature ladder (replica exchange)."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport exp, floor, log1p
from numpy.random cimport bitgen_t

import numpy as np

#: Pairs of replicas that one exchange tries (keyword argument of PTMC, BSPT and BHPT).
SINGLE, SETS, INDEPENDENT = range(3)


def metropolis_exchange(double beta_i, double beta_j, double energy_i, double energy_j):
    """Probability that two replicas swap their temperatures, min(1, exp((beta_i - beta_j)(E_i - E_j))).

    Swendsen and Wang, Phys. Rev. Lett. 57, 2607 (1986); Geyer (1991).
    """
    cdef double d = (beta_i - beta_j) * (energy_i - energy_j)
    return 1.0 if d >= 0.0 else exp(d)


cdef class Exchange:
    """Swaps of neighbouring replicas: which pairs, when, and how often they succeed.

    Parameters
    ----------
    bit_generator : numpy.random.BitGenerator
    beta : ndarray of shape (R,)
        Inverse temperatures in the order of the ladder.
    scheme : {SINGLE, SETS, INDEPENDENT}
        One random pair of neighbours; all pairs (1,2), (3,4), ... or all pairs (2,3), (4,5), ... in turn; R^3 swaps of random
        pairs, which come near a draw from all permutations (Chodera and Shirts, J. Chem. Phys. 135, 194110, 2011).
    rate : float
        Exchanges per step, at most 1.
    at_random : bool
        Every step is followed by an exchange with probability ``rate``; otherwise one comes every floor(1/rate) steps.

    Attributes
    ----------
    state_of : ndarray of shape (R,)
        Which configuration is at each rung of the ladder.
    tried, accepted : ndarray of shape (R - 1,)
        Of the pairs (k, k + 1).
    round_trips : int
        Configurations that came back to the coldest rung by way of the hottest.
    """

    def __cinit__(self, bit_generator, beta, int scheme, double rate, bint at_random):
        if not 0.0 < rate <= 1.0:
            raise ValueError("rate must be positive and at most 1")
        self.bit_generator = bit_generator
        self.random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        self.beta = np.array(beta, dtype=float)
        self.n = self.beta.shape[0]
        self.scheme = scheme
        self.at_random = at_random
        self.rate = rate
        self.interval = max(1, int(floor(1.0 / rate + 1e-9)))
        self.state = np.arange(self.n, dtype=np.int64)
        self.last_end = np.zeros(self.n, dtype=np.int64)
        self.n_tried = np.zeros(max(1, self.n - 1), dtype=np.int64)
        self.n_accepted = np.zeros(max(1, self.n - 1), dtype=np.int64)
        self.plan(0)

    cdef double uniform(self) noexcept nogil:
        return self.random.next_double(self.random.state)

    cdef void plan(self, long long step) noexcept nogil:
        """Set the step after which the next exchange comes."""
        if not self.at_random:
            self.next_step = step + self.interval
        elif self.rate >= 1.0:
            self.next_step = step + 1
        else:
            # number of steps until the first success of a trial with probability ``rate`` after each
            self.next_step = step + 1 + <long long>min(floor(log1p(-self.uniform()) / log1p(-self.rate)), 1e15)

    cdef void try_pair(self, Py_ssize_t i, Py_ssize_t j, const double* energy) noexcept nogil:
        cdef double d = (self.beta[i] - self.beta[j]) * (energy[self.state[i]] - energy[self.state[j]])
        cdef long long k
        cdef bint swap = d >= 0.0 or self.uniform() < exp(d)
        if j == i + 1:
            self.n_tried[i] += 1
            self.n_accepted[i] += swap
        if swap:
            k = self.state[i]
            self.state[i] = self.state[j]
            self.state[j] = k

    cdef void perform(self, long long step, const double* energy) noexcept nogil:
        """Try the swaps that are due; ``energy`` is that of each configuration."""
        cdef Py_ssize_t i, j, _k
        if self.n > 1:
            if self.scheme == 0:
                i = min(<Py_ssize_t>(self.uniform() * (self.n - 1)), self.n - 2)
                self.try_pair(i, i + 1, energy)
            elif self.scheme == 1:
                for i in range(self.parity, self.n - 1, 2):
                    self.try_pair(i, i + 1, energy)
                self.parity = 1 - self.parity if self.n > 2 else 0
            else:
                for _k in range(self.n * self.n * self.n):
                    i = min(<Py_ssize_t>(self.uniform() * self.n), self.n - 1)
                    j = min(<Py_ssize_t>(self.uniform() * (self.n - 1)), self.n - 2)
                    if j >= i:
                        j += 1
                    self.try_pair(min(i, j), max(i, j), energy)
            self.follow()
        self.plan(step)

    cdef void follow(self) noexcept nogil:
        """Count the way of each configuration from one end of the ladder to the other and back."""
        cdef Py_ssize_t cold = self.state[0], hot = self.state[self.n - 1]
        if self.last_end[cold] == 2:
            self.round_trips += 1
        self.last_end[cold] = 1
        if self.last_end[hot] == 1:
            self.last_end[hot] = 2

    def exchange(self, long long step, energies):
        """Try the swaps that are due after ``step``; energies of shape (R,) are those of the configurations."""
        cdef const double[::1] e = np.ascontiguousarray(energies, dtype=float)
        self.perform(step, &e[0])

    @property
    def state_of(self):
        """Which configuration is at each rung."""
        return np.array(self.state)

    @property
    def tried(self):
        """Swaps tried of the pairs of neighbours."""
        return np.array(self.n_tried[: self.n - 1])

    @property
    def accepted(self):
        """Swaps accepted of them."""
        return np.array(self.n_accepted[: self.n - 1])

    def arrays(self):
        """Everything that changes, by name."""
        return {
            "state": np.array(self.state), "last_end": np.array(self.last_end), "tried": np.array(self.n_tried),
            "accepted": np.array(self.n_accepted), "plan": np.array([self.next_step, self.parity, self.round_trips]),
        }

    def set_arrays(self, arrays):
        """Take up what `arrays` gave."""
        np.asarray(self.state)[:] = arrays["state"]
        np.asarray(self.last_end)[:] = arrays["last_end"]
        np.asarray(self.n_tried)[:] = arrays["tried"]
        np.asarray(self.n_accepted)[:] = arrays["accepted"]
        self.next_step, self.parity, self.round_trips = (int(v) for v in arrays["plan"])
