"""Monte Carlo at several temperatures with exchange of replicas, on one thread or several, without the GIL."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport cos, exp, floor, isfinite, log, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy
from numpy.random cimport bitgen_t

from common.lbfgs cimport LBFGS_CONVERGED, LBFGSOutcome, LBFGSSettings, lbfgs, lbfgs_workspace
from gmin._exchange cimport Exchange
from potentials.potential cimport Potential

import numpy as np

from potentials.symmetry.sphere import Sphere

cdef extern from "_monte_carlo.h" nogil:
    ctypedef struct meeting_t:
        int waiting
        int generation

    double lj_move_energy(Py_ssize_t padded, const double* x, const double* y, const double* z, const double* p,
                          const double* q)
    void meeting_wait(meeting_t* m, int n)

cdef double TWO_PI = 6.283185307179586
#: Where atoms are put that nothing is to feel.
cdef double FAR = 1e10
#: Columns of coordinates are padded to a multiple of this many atoms, the widest vector.
cdef Py_ssize_t LANES = 8
#: Steps between two evaluations of the whole energy, where the moves add up differences.
cdef Py_ssize_t FRESH = 100
#: Smallest Boltzmann factor that a random number of 53 bits can undercut.
cdef double MOST_BARRIER = 37.0


cdef class Replicas:
    """Metropolis Monte Carlo of R replicas at the rungs of a temperature ladder.

    A step displaces every variable at random by up to the step size of its rung and tries that as one move; for a
    Lennard-Jones cluster it is a sweep of single-atom moves, each with the energy of that atom alone. Moves out of the
    container are rejected. Each rung has its own random numbers, so the result does not depend on the number of threads.

    Parameters
    ----------
    potentials : sequence of Potential
        One per thread.
    bit_generators : sequence of numpy.random.BitGenerator
        One per rung.
    temperatures : ndarray of shape (R,)
    exchange : Exchange
    starts : sequence of ndarray of shape (n_variables,)
        Configuration of each rung.
    settings : gmin.tempering.MonteCarloSettings
    """

    cdef readonly list potentials, bit_generators, workers
    cdef readonly Exchange exchange
    cdef readonly Py_ssize_t n_replicas, n, n_atoms, padded, width, n_threads, n_bins, n_blocks, capacity
    cdef readonly bint pairs
    cdef bint adjust
    cdef double radius, sphere, accept_target, longest, bin_low, bin_width
    cdef Py_ssize_t interval, quench_every, sample_every, history
    cdef long long n_equilibration, n_plain, n_total
    cdef public long long done
    cdef long long goal
    cdef bitgen_t** randoms
    cdef meeting_t meeting
    cdef unsigned char[::1] frozen
    cdef double[:, ::1] x, best_x, samples
    cdef double[::1] energy, beta, step_size, best_energy
    cdef long long[::1] tried, accepted, block_tried, block_accepted, outside, above, below, calls, n_samples
    cdef long long[:, :, ::1] visits
    cdef double[:, :, ::1] moments
    cdef double[:, :, ::1] quench_x
    cdef double[:, :, ::1] quench_record
    cdef long long[::1] n_quenched
    cdef LBFGSSettings quench_settings

    def __cinit__(self, potentials, bit_generators, temperatures, Exchange exchange not None, starts, settings):
        cdef Potential first = potentials[0]
        cdef Py_ssize_t k, r = len(bit_generators), blocks = settings.n_blocks
        self.potentials = list(potentials)
        self.bit_generators = list(bit_generators)
        self.exchange = exchange
        self.n_replicas = r
        self.n_threads = len(self.potentials)
        self.n = first.n_variables
        self.n_atoms = settings.n_atoms
        self.pairs = settings.pairs
        self.padded = (self.n_atoms + LANES - 1) // LANES * LANES
        self.width = 3 * self.padded if self.pairs else self.n
        self.radius = settings.radius if settings.radius is not None else 0.0
        self.sphere = first.symmetry.radius if isinstance(first.symmetry, Sphere) else 0.0
        self.adjust = settings.adjust
        self.accept_target = settings.accept_ratio
        self.interval = settings.change_accept
        self.longest = self.radius if self.radius > 0.0 else 100.0 * settings.step
        self.bin_low = settings.energy_range[0]
        self.n_bins = settings.n_bins
        self.bin_width = (settings.energy_range[1] - settings.energy_range[0]) / settings.n_bins
        self.n_blocks = blocks
        self.n_equilibration = settings.n_equilibration
        self.n_plain = settings.n_equilibration + settings.n_plain
        self.n_total = self.n_plain + settings.n_quench
        self.quench_every = settings.quench_every
        self.sample_every = settings.sample_every
        self.frozen = np.isin(np.arange(self.n), settings.frozen).astype(np.uint8)
        self.randoms = <bitgen_t**>malloc(max(r, 1) * sizeof(bitgen_t*))
        if self.randoms == NULL:
            raise MemoryError
        for k in range(r):
            self.randoms[k] = <bitgen_t*>PyCapsule_GetPointer(self.bit_generators[k].capsule, "BitGenerator")
        self.beta = 1.0 / np.asarray(temperatures, dtype=float)
        self.step_size = np.full(r, float(settings.step))
        self.x = np.full((r, self.width), FAR)
        self.best_x = np.zeros((r, self.width))
        self.energy = np.zeros(r)
        self.best_energy = np.full(r, np.inf)
        q = settings.quench
        self.quench_settings.history = q.history
        self.quench_settings.max_iterations = q.max_iterations
        self.quench_settings.rms = q.rms
        self.quench_settings.max_step = q.max_step
        self.quench_settings.max_rise = q.max_rise
        self.quench_settings.diagonal = q.diagonal
        self.quench_settings.floor = q.floor
        self.history = q.history
        self.tried, self.accepted, self.block_tried, self.block_accepted = (np.zeros(r, dtype=np.int64) for _ in range(4))
        self.outside, self.above, self.below, self.calls = (np.zeros(r, dtype=np.int64) for _ in range(4))
        self.n_samples, self.n_quenched = (np.zeros(r, dtype=np.int64) for _ in range(2))
        self.visits = np.zeros((blocks, r, self.n_bins), dtype=np.int64)
        self.moments = np.zeros((blocks, r, 3))
        self.samples = np.zeros((r, max(1, (self.n_total - self.n_equilibration) // self.sample_every)))
        self.capacity = settings.quenches_at_once
        self.quench_x = np.zeros((r, self.capacity, self.n))
        self.quench_record = np.zeros((r, self.capacity, 2))
        for k in range(r):
            self.put(k, starts[k])
        self.workers = [Worker(self, k) for k in range(self.n_threads)]

    def __dealloc__(self):
        free(self.randoms)

    # ------------------------------------------------------------------ state seen from Python

    def put(self, Py_ssize_t k, x):
        """Set configuration k and evaluate its energy."""
        cdef const double[::1] v = np.ascontiguousarray(x, dtype=float).reshape(-1)
        cdef Py_ssize_t i, c
        if v.shape[0] != self.n:
            raise ValueError(f"expected {self.n} variables, got {v.shape[0]}")
        if self.pairs:
            for i in range(self.n_atoms):
                for c in range(3):
                    self.x[k, c * self.padded + i] = v[3 * i + c]
            # atoms that fill the columns up are far from the others; a distance of zero between them does no harm
            self.x[k, self.n_atoms : self.padded] = FAR
        else:
            self.x[k, :] = v
        self.energy[k] = self.potentials[0].energy(np.asarray(v))

    cdef void flat(self, const double* x, double* out) noexcept nogil:
        """Coordinates in the order of the potential."""
        cdef Py_ssize_t i, c
        if self.pairs:
            for i in range(self.n_atoms):
                for c in range(3):
                    out[3 * i + c] = x[c * self.padded + i]
        else:
            memcpy(out, x, self.n * sizeof(double))

    def configuration(self, Py_ssize_t rung):
        """Coordinates of shape (n_variables,) at a rung."""
        cdef double[::1] out = np.empty(self.n)
        self.flat(&self.x[self.exchange.state[rung], 0], &out[0])
        return np.asarray(out)

    def lowest(self, Py_ssize_t rung):
        """(energy, coordinates) of the lowest point that the rung has seen."""
        cdef double[::1] out = np.empty(self.n)
        self.flat(&self.best_x[rung, 0], &out[0])
        return float(self.best_energy[rung]), np.asarray(out)

    @property
    def energies(self):
        """Energy at each rung: shape (R,)."""
        return np.array([self.energy[self.exchange.state[k]] for k in range(self.n_replicas)])

    @property
    def steps(self):
        """Step size of each rung."""
        return np.array(self.step_size)

    @property
    def counts(self):
        """Per rung: moves tried, moves accepted, moves out of the container, evaluations, energies above and below the
        histogram."""
        return {
            "tried": np.array(self.tried), "accepted": np.array(self.accepted), "outside": np.array(self.outside),
            "calls": np.array(self.calls), "above": np.array(self.above), "below": np.array(self.below),
        }

    @property
    def histogram(self):
        """Visits to the energy bins by block and rung: shape (n_blocks, R, n_bins)."""
        return np.asarray(self.visits)

    @property
    def energy_moments(self):
        """Number, sum and sum of squares of E - E_low by block and rung: shape (n_blocks, R, 3)."""
        return np.asarray(self.moments)

    @property
    def energy_samples(self):
        """Energies at regular intervals: shape (R, k)."""
        return np.array(self.samples[:, : self.n_samples[0]])

    def take_quenches(self):
        """Quenches since the last call in the order of time: their numbers (from 0) and rungs of shape (k,), records (k, 2) of
        energy before and after (NaN where the quench failed), coordinates (k, n_variables)."""
        rungs = np.repeat(np.arange(self.n_replicas), self.n_quenched)
        numbers = np.concatenate([np.arange(n) for n in self.n_quenched])
        order = np.lexsort((rungs, numbers))
        records = [np.array(self.quench_record[k, : self.n_quenched[k]]) for k in range(self.n_replicas)]
        points = [np.array(self.quench_x[k, : self.n_quenched[k]]) for k in range(self.n_replicas)]
        self.n_quenched[:] = 0
        return numbers[order], rungs[order], np.concatenate(records)[order], np.concatenate(points)[order]

    def arrays(self):
        """Everything that changes, by name."""
        names = {
            "x": self.x, "best_x": self.best_x, "energy": self.energy, "best_energy": self.best_energy, "step": self.step_size,
            "tried": self.tried, "accepted": self.accepted, "block_tried": self.block_tried,
            "block_accepted": self.block_accepted, "outside": self.outside, "above": self.above, "below": self.below,
            "calls": self.calls, "visits": self.visits, "moments": self.moments, "samples": self.samples,
            "n_samples": self.n_samples,
        }
        return {name: np.asarray(view) for name, view in names.items()} | {"done": np.array(self.done)}

    def set_arrays(self, arrays):
        """Take up what `arrays` gave; arrays of another shape raise ValueError."""
        for name, mine in self.arrays().items():
            if name == "done":
                self.done = int(arrays["done"])
                continue
            if mine.shape != arrays[name].shape:
                raise ValueError(f"{name} has shape {arrays[name].shape}, expected {mine.shape}")
            mine[...] = arrays[name]

    def advance(self, long long n, pool=None):
        """Take n more steps at every rung, with the exchanges that fall due.

        Parameters
        ----------
        n : int
            With quenches, at most as many steps as make ``quenches_at_once`` of them.
        pool : concurrent.futures.ThreadPoolExecutor, optional
            With as many threads as there are potentials; needed where there is more than one.
        """
        cdef long long end = min(self.done + n, self.n_total)
        if self.n_threads == 1:
            self.workers[0].run(end)
        else:
            for job in [pool.submit(worker.run, end) for worker in self.workers]:
                job.result()
        for potential in self.potentials:
            potential.raise_pending()


cdef class Worker:
    """One thread's part of `Replicas`: every n-th rung, with a potential and work space of its own."""

    cdef Potential potential
    cdef Replicas r
    cdef int number
    cdef double[::1] trial, point, gradient, work

    def __cinit__(self, Replicas replicas not None, int number):
        self.r = replicas
        self.number = number
        self.potential = replicas.potentials[number]
        self.trial = np.zeros(replicas.width)
        self.point = np.zeros(replicas.n)
        self.gradient = np.zeros(replicas.n)
        self.work = np.empty(lbfgs_workspace(replicas.n, replicas.history))

    def run(self, long long end):
        """Take part in the steps up to number ``end``; every worker has to be called, each on its own thread."""
        cdef Replicas replicas = self.r
        with nogil:
            self.rounds(replicas, end)

    cdef void rounds(self, Replicas r, long long end) noexcept nogil:
        cdef int n = <int>r.n_threads
        cdef Py_ssize_t rung
        cdef long long goal
        while r.done < end:
            goal = min(end, r.exchange.next_step)
            rung = self.number
            while rung < r.n_replicas:
                self.advance_rung(r, rung, r.done, goal)
                rung += n
            if n > 1:
                meeting_wait(&r.meeting, n)
            if self.number == 0:
                if goal == r.exchange.next_step:
                    r.exchange.perform(goal, &r.energy[0])
                r.done = goal
            if n > 1:
                meeting_wait(&r.meeting, n)

    cdef void advance_rung(self, Replicas r, Py_ssize_t rung, long long first, long long last) noexcept nogil:
        """Steps first + 1 to last of the configuration at a rung, with what is measured on the way."""
        cdef Py_ssize_t c = r.exchange.state[rung]
        cdef double* x = &r.x[c, 0]
        cdef double* e = &r.energy[c]
        cdef long long step
        for step in range(first + 1, last + 1):
            if r.pairs:
                self.sweep(r, rung, x, e)
                if step % FRESH == 0:
                    e[0] = self.full_energy(r, x)
                    r.calls[rung] += 1
            else:
                self.move_all(r, rung, x, e)
            if e[0] < r.best_energy[rung]:
                r.best_energy[rung] = e[0]
                memcpy(&r.best_x[rung, 0], x, r.width * sizeof(double))
            if step <= r.n_equilibration:
                if r.adjust and step % r.interval == 0:
                    self.adjust(r, rung)
                if step == r.n_equilibration:
                    r.tried[rung] = r.accepted[rung] = r.outside[rung] = 0
            else:
                self.measure(r, rung, step - r.n_equilibration - 1, e[0])
                if step > r.n_plain and step % r.quench_every == 0:
                    self.quench(r, rung, x, e[0])

    cdef void adjust(self, Replicas r, Py_ssize_t rung) noexcept nogil:
        """Step size up or down by 5 per cent towards the wanted acceptance ratio."""
        if <double>(r.accepted[rung] - r.block_accepted[rung]) > r.accept_target * (r.tried[rung] - r.block_tried[rung]):
            r.step_size[rung] = min(1.05 * r.step_size[rung], r.longest)
        else:
            r.step_size[rung] /= 1.05
        r.block_accepted[rung] = r.accepted[rung]
        r.block_tried[rung] = r.tried[rung]

    cdef void measure(self, Replicas r, Py_ssize_t rung, long long number, double e) noexcept nogil:
        """Count the energy after step ``number`` of production."""
        cdef double d = e - r.bin_low
        cdef Py_ssize_t block = <Py_ssize_t>(number * r.n_blocks // (r.n_total - r.n_equilibration))
        cdef double bin = floor(d / r.bin_width)
        r.moments[block, rung, 0] += 1.0
        r.moments[block, rung, 1] += d
        r.moments[block, rung, 2] += d * d
        if bin < 0.0:
            r.below[rung] += 1
        elif bin >= r.n_bins:
            r.above[rung] += 1
        else:
            r.visits[block, rung, <Py_ssize_t>bin] += 1
        if (number + 1) % r.sample_every == 0 and r.n_samples[rung] < r.samples.shape[1]:
            r.samples[rung, r.n_samples[rung]] = e
            r.n_samples[rung] += 1

    cdef void quench(self, Replicas r, Py_ssize_t rung, const double* x, double e) noexcept nogil:
        """Quench a copy of the configuration and keep the result."""
        cdef Py_ssize_t k = r.n_quenched[rung]
        cdef LBFGSOutcome out
        if k == r.capacity:
            return
        r.flat(x, &r.quench_x[rung, k, 0])
        out = lbfgs(self.potential, &r.quench_settings, &r.quench_x[rung, k, 0], &self.gradient[0], &self.work[0])
        r.calls[rung] += out.calls
        r.quench_record[rung, k, 0] = e
        r.quench_record[rung, k, 1] = out.energy if out.status == LBFGS_CONVERGED else 0.0 / 0.0
        r.n_quenched[rung] = k + 1

    cdef double full_energy(self, Replicas r, const double* x) noexcept nogil:
        if not r.pairs:
            return self.potential.c_energy_gradient(x, &self.gradient[0])
        r.flat(x, &self.point[0])
        return self.potential.c_energy_gradient(&self.point[0], &self.gradient[0])

    cdef void sweep(self, Replicas r, Py_ssize_t rung, double* x, double* e) noexcept nogil:
        """One Metropolis move of each atom in turn, with the change in its pair energies."""
        cdef bitgen_t* random = r.randoms[rung]
        cdef double* y = x + r.padded
        cdef double* z = y + r.padded
        cdef double step = 2.0 * r.step_size[rung], beta = r.beta[rung], radius2 = r.radius * r.radius, d
        cdef double p[3]
        cdef double q[3]
        cdef Py_ssize_t i
        cdef long long tried = 0, accepted = 0, outside = 0
        for i in range(r.n_atoms):
            if r.frozen[3 * i]:
                continue
            tried += 1
            p[0] = x[i]
            p[1] = y[i]
            p[2] = z[i]
            q[0] = p[0] + step * (random.next_double(random.state) - 0.5)
            q[1] = p[1] + step * (random.next_double(random.state) - 0.5)
            q[2] = p[2] + step * (random.next_double(random.state) - 0.5)
            if radius2 > 0.0 and q[0] * q[0] + q[1] * q[1] + q[2] * q[2] > radius2:
                outside += 1
                continue
            x[i] = y[i] = z[i] = FAR
            d = lj_move_energy(r.padded, x, y, z, p, q)
            if d <= 0.0 or (beta * d < MOST_BARRIER and random.next_double(random.state) < exp(-beta * d)):
                x[i] = q[0]
                y[i] = q[1]
                z[i] = q[2]
                e[0] += d
                accepted += 1
            else:
                x[i] = p[0]
                y[i] = p[1]
                z[i] = p[2]
        r.tried[rung] += tried
        r.accepted[rung] += accepted
        r.outside[rung] += outside
        r.calls[rung] += tried - outside

    cdef void move_all(self, Replicas r, Py_ssize_t rung, double* x, double* e) noexcept nogil:
        """One Metropolis move of all variables together."""
        cdef bitgen_t* random = r.randoms[rung]
        cdef double* t = &self.trial[0]
        cdef double step = r.step_size[rung], new, d
        cdef Py_ssize_t i
        r.tried[rung] += 1
        if r.sphere > 0.0:
            self.turn(r, rung, x, t)
        else:
            for i in range(r.n):
                t[i] = x[i]
                if not r.frozen[i]:
                    t[i] += 2.0 * step * (random.next_double(random.state) - 0.5)
        if r.radius > 0.0:
            for i in range(r.n_atoms):
                if (t[3 * i] * t[3 * i] + t[3 * i + 1] * t[3 * i + 1] + t[3 * i + 2] * t[3 * i + 2] > r.radius * r.radius
                        and not r.frozen[3 * i]):
                    r.outside[rung] += 1
                    return
        new = self.potential.c_energy_gradient(t, &self.gradient[0])
        r.calls[rung] += 1
        d = new - e[0]
        if isfinite(new) and (
            d <= 0.0 or (r.beta[rung] * d < MOST_BARRIER and random.next_double(random.state) < exp(-r.beta[rung] * d))
        ):
            memcpy(x, t, r.n * sizeof(double))
            e[0] = new
            r.accepted[rung] += 1

    cdef void turn(self, Replicas r, Py_ssize_t rung, const double* x, double* t) noexcept nogil:
        """A trial point on the sphere: a normal displacement, which no direction is special for, and back to the surface.

        The density of the proposal depends on the angle between the two points alone, so it is symmetric.
        """
        cdef bitgen_t* random = r.randoms[rung]
        cdef double length, angle, r2 = 0.0
        cdef Py_ssize_t i
        for i in range(0, r.n, 2):
            # two normal numbers at a time (Box and Muller 1958); 1 - u is never zero
            length = r.step_size[rung] * sqrt(-2.0 * log(1.0 - random.next_double(random.state)))
            angle = TWO_PI * random.next_double(random.state)
            t[i] = x[i] + length * cos(angle)
            r2 += t[i] * t[i]
            if i + 1 < r.n:
                t[i + 1] = x[i + 1] + length * cos(angle - 0.25 * TWO_PI)
                r2 += t[i + 1] * t[i + 1]
        r2 = r.sphere / sqrt(r2)
        for i in range(r.n):
            t[i] *= r2
