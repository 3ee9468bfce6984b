"""The basin-hopping loop of one walker: perturb, quench, decide, in blocks of steps without the GIL."""

from libc.math cimport exp, fabs, isfinite, sqrt
from libc.string cimport memcpy

from common.function cimport Function
from common.lbfgs cimport LBFGS_CONVERGED, LBFGS_MAX_ITERATIONS, LBFGSOutcome, LBFGSSettings, lbfgs, lbfgs_workspace
from gmin._functions cimport CompressedFunction, FrozenFunction
from gmin._memory cimport N_INVARIANTS, SavedList, Seen, cluster_invariants, variable_invariants
from gmin._moves cimport Moves
from gmin._network_moves cimport NetworkMoves
from gmin._symmetrise cimport SymmetricMoves
from potentials.potential cimport Potential

import numpy as np

from potentials.symmetry.sphere import Sphere

cdef extern from "cpu_clock.h" nogil:
    double cpu_seconds()

#: Energy given to a step that is to be rejected whatever the temperature.
cdef double LARGE = 1e300

#: Why `Walker.run` came back.
DONE, CHECK_AVOID, NOT_IMPROVED, TARGET_HIT, CANDIDATES_FULL, NOTHING_ACCEPTED, CHECK_TABOO, RENEW = range(8)
cdef enum:
    EVENT_DONE = 0
    EVENT_CHECK_AVOID = 1
    EVENT_NOT_IMPROVED = 2
    EVENT_TARGET_HIT = 3
    EVENT_CANDIDATES_FULL = 4
    EVENT_NOTHING_ACCEPTED = 5
    EVENT_CHECK_TABOO = 6
    EVENT_RENEW = 7

#: What the step at hand waits for.
cdef enum:
    STAGE_PROPOSE = 0
    STAGE_TABOO = 1
    STAGE_RELAXATION = 2
    STAGE_DECIDE = 3

RECORD = np.dtype(
    [
        ("quench", np.int64),
        ("energy", np.float64),
        ("rms", np.float64),
        ("markov", np.float64),
        ("best", np.float64),
        ("seconds", np.float64),
        ("iterations", np.int64),
        ("status", np.int64),
        ("accepted", np.int64),
        ("ratio", np.float64),
        ("step", np.float64),
        ("astep", np.float64),
        ("temperature", np.float64),
    ],
    align=True,
)

cdef struct Record:
    long long quench
    double energy
    double rms
    double markov
    double best
    double seconds
    long long iterations
    long long status
    long long accepted
    double ratio
    double step
    double astep
    double temperature


cdef class Walker:
    """One basin-hopping walker.

    Parameters
    ----------
    potential : Potential
    bit_generator : numpy.random.BitGenerator
        Source of all random numbers of the walker; the same state gives the same run.
    settings : gmin.settings.WalkerSettings
    saved : SavedList
    seen : Seen or None
        None: no candidates for a database are collected.
    n_atoms : int
        Number of atoms of a cluster; 0 where the variables are no Cartesian coordinates of atoms.
    pair_energies : bool
        Whether atoms have Lennard-Jones pair energies, which the angular moves need.

    Attributes
    ----------
    symmetric : SymmetricMoves or None
        Chains over symmetric structures, whose steps are taken in turn with the walker's own.
    network : NetworkMoves or None
        Moves over the nodes of a network, chosen among with the plain step.
    """

    cdef readonly Potential potential
    cdef Function function, frozen_function, compressed, compressed_frozen
    cdef readonly Moves moves
    cdef public SymmetricMoves symmetric
    cdef public NetworkMoves network
    # whether the step at hand is one of a chain over symmetric structures
    cdef bint in_turn
    # whether it displaces all variables, as the adjustments of the step suppose
    cdef bint plain
    cdef readonly object bit_generator
    cdef readonly SavedList saved
    cdef readonly Seen seen
    cdef Py_ssize_t n, n_atoms, candidate_capacity
    cdef readonly Py_ssize_t n_candidates
    cdef bint centre, reset, adjust_step, adjust_temperature
    cdef bint newrestart, freeze, compress
    # quench up to which the frozen variables are; -1: for ever
    cdef long long frozen_until
    cdef public bint avoid_active
    cdef double[::1] x, trial, perturbed, quenched, gradient, invariant_work, centre_at
    cdef double[:, ::1] candidates
    cdef double[::1] work
    cdef unsigned char[::1] frozen
    cdef LBFGSSettings quench_settings
    cdef double accept_target, ediff, start_seconds
    cdef double[::1] targets, all_targets
    cdef unsigned char[::1] found
    cdef Py_ssize_t interval, relax, restart, n_targets, n_all_targets
    cdef Record pending_record
    cdef int stage
    # energies of minima that were left, which a quench may not come back to
    cdef double[::1] taboo
    cdef Py_ssize_t new_every
    # state
    # of potentials on a sphere, whose energy does not depend on the length of x: steps keep their meaning on it; 0 otherwise
    cdef double sphere_radius
    cdef public double markov_energy, best_energy, last_energy, step, astep, temperature, temperature_factor
    cdef public long long quench, calls, since_accepted, accepted_block, steps_block, accepted_total, steps_total
    cdef public long long best_quench_of_relaxation, renewed
    cdef public double best_energy_of_relaxation
    cdef double[::1] relaxation_x
    cdef public bint reject

    def __cinit__(self, Potential potential not None, bit_generator, settings, SavedList saved not None, Seen seen,
                  Py_ssize_t n_atoms=0, bint pair_energies=False):
        cdef Py_ssize_t n = potential.n_variables
        self.potential = potential
        self.bit_generator = bit_generator
        self.moves = Moves(bit_generator, n, settings, n_atoms, pair_energies)
        self.saved = saved
        self.seen = seen
        self.n = n
        self.n_atoms = n_atoms
        self.x = np.zeros(n)
        self.trial = np.zeros(n)
        self.perturbed = np.zeros(n)
        self.quenched = np.zeros(n)
        self.gradient = np.zeros(n)
        self.relaxation_x = np.zeros(n)
        self.invariant_work = np.zeros(2 * n_atoms + 1)
        self.candidate_capacity = settings.candidates if seen is not None else 1
        self.candidates = np.zeros((self.candidate_capacity, n))
        q = settings.quench
        self.quench_settings.history = q.history
        self.quench_settings.max_iterations = q.max_iterations
        self.quench_settings.rms = q.rms
        self.quench_settings.max_step = q.max_step
        self.quench_settings.max_rise = q.max_rise
        self.quench_settings.diagonal = q.diagonal
        self.quench_settings.floor = q.floor
        self.work = np.empty(lbfgs_workspace(n, q.history))
        self.centre = settings.centre is not None and n_atoms > 0
        self.centre_at = np.array(settings.centre if settings.centre is not None else (0.0, 0.0, 0.0), dtype=float)
        self.reset = settings.reset
        self.adjust_step = settings.adjust_step
        self.adjust_temperature = settings.adjust_temperature
        self.accept_target = settings.accept_ratio
        self.interval = settings.change_accept
        self.ediff = settings.ediff
        self.n_targets = len(settings.targets)
        self.targets = np.array(settings.targets + (0.0,), dtype=float)
        self.n_all_targets = len(settings.all_targets)
        self.all_targets = np.array(settings.all_targets + (0.0,), dtype=float)
        self.found = np.zeros(self.n_all_targets + 1, dtype=np.uint8)
        self.taboo = np.empty(0)
        self.new_every = settings.new_every if settings.new_every is not None else 0
        self.restart = settings.restart if settings.restart is not None else 0
        self.newrestart = settings.relax is not None
        self.relax = settings.relax if settings.relax is not None else 0
        self.sphere_radius = potential.symmetry.radius if isinstance(potential.symmetry, Sphere) else 0.0
        self.freeze = settings.frozen is not None and len(settings.frozen) > 0
        self.function = potential
        self.frozen_function = FrozenFunction(potential, settings.frozen) if self.freeze else potential
        self.frozen_until = settings.frozen_until
        self.compress = settings.compress is not None and n_atoms > 0
        if self.compress:
            self.compressed = CompressedFunction(potential, settings.compress)
            self.compressed_frozen = CompressedFunction(self.frozen_function, settings.compress)
        self.frozen = np.isin(np.arange(n), settings.frozen if self.freeze else ()).astype(np.uint8)
        self.step = settings.step
        self.astep = settings.astep
        self.temperature = settings.temperature
        self.temperature_factor = 1.0
        self.markov_energy = LARGE
        self.best_energy = LARGE
        self.best_energy_of_relaxation = LARGE
        self.start_seconds = cpu_seconds()

    # ------------------------------------------------------------------ state seen from Python

    @property
    def coordinates(self):
        """Coordinates of the walker (a copy)."""
        return np.array(self.x)

    @property
    def last_quench(self):
        """Coordinates of the latest quench (a copy)."""
        return np.array(self.quenched)

    @property
    def relaxation_coordinates(self):
        """Coordinates of the lowest quench since the last reset of NEWRESTART (a copy)."""
        return np.array(self.relaxation_x)

    @property
    def seconds(self):
        """CPU seconds since the start of the run."""
        return cpu_seconds() - self.start_seconds

    @seconds.setter
    def seconds(self, value):
        self.start_seconds = cpu_seconds() - value

    def set_state(self, x, double energy):
        """Put the walker at x with the quench energy given."""
        cdef const double[::1] v = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
        self.x[:] = v
        self.markov_energy = energy
        if self.symmetric is not None:
            self.symmetric.forget()

    def set_relaxation(self, x, double energy, long long quench):
        """The best of the present stretch of NEWRESTART."""
        cdef const double[::1] v = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
        self.relaxation_x[:] = v
        self.best_energy_of_relaxation = energy
        self.best_quench_of_relaxation = quench

    def set_taboo(self, energies):
        """Energies of minima that were left: a quench within ``ediff`` of one is an event."""
        self.taboo = np.array(energies, dtype=float)

    def set_last(self, x):
        """Coordinates to be shown as the latest quench."""
        cdef const double[::1] v = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
        self.quenched[:] = v

    @property
    def restarts(self):
        """Whether NEWRESTART is at work."""
        return bool(self.newrestart)

    @property
    def found_targets(self):
        """Which of the energies of MLOWEST have been met."""
        return [bool(self.found[k]) for k in range(self.n_all_targets)]

    @found_targets.setter
    def found_targets(self, flags):
        for k in range(min(<Py_ssize_t>len(flags), self.n_all_targets)):
            self.found[<Py_ssize_t>k] = bool(flags[k])

    def take_candidates(self):
        """Quenches not met before, since the last call: array of shape (k, n_variables)."""
        taken = np.array(self.candidates[: self.n_candidates])
        self.n_candidates = 0
        return taken

    # ------------------------------------------------------------------ the arithmetic

    cdef inline bint holds(self) noexcept nogil:
        """Whether the frozen variables are frozen at this quench."""
        return self.freeze and (self.frozen_until < 0 or self.quench <= self.frozen_until)

    cdef void move_to_centre(self, double* x) noexcept nogil:
        cdef Py_ssize_t i, k
        cdef double c
        for k in range(3):
            c = 0.0
            for i in range(self.n_atoms):
                c += x[3 * i + k]
            c = c / self.n_atoms - self.centre_at[k]
            for i in range(self.n_atoms):
                x[3 * i + k] -= c

    cdef void move_to_sphere(self, double* x) noexcept nogil:
        cdef Py_ssize_t i
        cdef double r2 = 0.0
        for i in range(self.n):
            r2 += x[i] * x[i]
        if r2 > 0.0:
            r2 = self.sphere_radius / sqrt(r2)
            for i in range(self.n):
                x[i] *= r2

    cdef void collect(self, double energy, const double* x) noexcept nogil:
        """Keep a quench for the database unless it was met before."""
        cdef double invariants[N_INVARIANTS]
        if self.n_atoms > 0:
            cluster_invariants(self.n_atoms, x, &self.invariant_work[0], invariants)
        else:
            variable_invariants(self.n, x, invariants)
        if self.seen.add(energy, invariants):
            memcpy(&self.candidates[self.n_candidates, 0], x, self.n * sizeof(double))
            self.n_candidates += 1

    cdef LBFGSOutcome quench_from(self, double* x) noexcept nogil:
        """Quench in place, count it, and offer it to the saved list and the candidates."""
        cdef bint held = self.holds()
        cdef LBFGSOutcome out
        if self.compress:
            if held:
                out = lbfgs(self.compressed_frozen, &self.quench_settings, x, &self.gradient[0], &self.work[0])
            else:
                out = lbfgs(self.compressed, &self.quench_settings, x, &self.gradient[0], &self.work[0])
            self.calls += out.calls
        if held:
            out = lbfgs(self.frozen_function, &self.quench_settings, x, &self.gradient[0], &self.work[0])
        else:
            out = lbfgs(self.function, &self.quench_settings, x, &self.gradient[0], &self.work[0])
        self.calls += out.calls
        if self.centre and not held and isfinite(out.energy):
            self.move_to_centre(x)
        if self.sphere_radius > 0.0 and isfinite(out.energy):
            self.move_to_sphere(x)
        if out.status == LBFGS_CONVERGED or out.status == LBFGS_MAX_ITERATIONS:
            self.saved.offer(out.energy, x, self.quench, self.calls)
            if self.seen is not None and out.status == LBFGS_CONVERGED and (not held or self.frozen_until < 0):
                self.collect(out.energy, x)
            if out.energy < self.best_energy:
                self.best_energy = out.energy
        return out

    cdef void adjust(self) noexcept nogil:
        """Step (or temperature) up or down by a factor towards the wanted acceptance ratio."""
        cdef double ratio = <double>self.accepted_block / self.interval
        cdef double factor = 1.05 if ratio > self.accept_target else 1.0 / 1.05
        if self.adjust_step:
            self.step *= factor
            self.astep *= factor
        if self.adjust_temperature:
            self.temperature /= factor
        self.accepted_block = 0
        self.steps_block = 0

    cdef bint hit(self, double energy) noexcept nogil:
        """Whether this quench ends the run: one of ``targets`` reached, or the last one missing of ``all_targets``."""
        cdef Py_ssize_t k
        cdef bint all_found = self.n_all_targets > 0
        for k in range(self.n_targets):
            if energy - self.targets[k] < self.ediff:
                return True
        for k in range(self.n_all_targets):
            if fabs(energy - self.all_targets[k]) < self.ediff:
                self.found[k] = 1
            all_found = all_found and self.found[k]
        return all_found

    def is_hit(self, double energy):
        """Whether a quench energy ends the run (TARGET, MLOWEST)."""
        return self.hit(energy)

    # ------------------------------------------------------------------ the loop

    cdef int advance(self, Py_ssize_t max_steps, Record* records, Py_ssize_t* done) noexcept nogil:
        """Take up to max_steps steps; return why it stopped. A step that waits for a decision is finished by the next call."""
        cdef LBFGSOutcome out
        cdef Record* r = &self.pending_record
        cdef Py_ssize_t k
        cdef double d
        cdef const unsigned char* held
        done[0] = 0
        while done[0] < max_steps:
            if self.stage == STAGE_PROPOSE:
                if self.seen is not None and self.n_candidates == self.candidate_capacity:
                    return EVENT_CANDIDATES_FULL
                if self.new_every and self.quench > self.renewed and self.quench % self.new_every == 0:
                    self.renewed = self.quench
                    return EVENT_RENEW
                self.quench += 1
                self.in_turn = self.symmetric is not None and not self.holds() and self.symmetric.turn() and (
                    self.symmetric.propose(&self.x[0], self.markov_energy, &self.trial[0])
                )
                self.plain = not self.in_turn
                if not self.in_turn:
                    held = &self.frozen[0] if self.holds() else NULL
                    if self.network is not None and self.network.choose():
                        self.plain = not self.network.propose(&self.x[0], held, &self.trial[0])
                    if self.plain:
                        self.moves.propose(&self.x[0], self.step, self.astep, held, &self.trial[0])
                elif self.centre:
                    self.move_to_centre(&self.trial[0])
                if not self.reset:
                    memcpy(&self.perturbed[0], &self.trial[0], self.n * sizeof(double))
                out = self.quench_from(&self.trial[0])
                memcpy(&self.quenched[0], &self.trial[0], self.n * sizeof(double))
                self.last_energy = out.energy
                r.quench = self.quench
                r.energy = out.energy
                r.rms = out.rms
                r.markov = self.markov_energy
                r.best = self.best_energy
                r.iterations = out.iterations
                r.status = out.status
                r.ratio = -1.0
                self.reject = not (out.status == LBFGS_CONVERGED or out.status == LBFGS_MAX_ITERATIONS)
                if self.in_turn:
                    self.symmetric.settle(out.energy, &self.trial[0], not self.reject, self.temperature)
                elif self.network is not None:
                    self.network.settle(out.energy, self.markov_energy, &self.trial[0], not self.reject, self.quench, out.calls)
                self.stage = STAGE_TABOO
            if self.stage == STAGE_TABOO:
                self.stage = STAGE_RELAXATION
                if not self.reject:
                    for k in range(self.taboo.shape[0]):
                        if fabs(r.energy - self.taboo[k]) < self.ediff:
                            return EVENT_CHECK_TABOO
            if self.stage == STAGE_RELAXATION:
                self.stage = STAGE_DECIDE
                if self.newrestart and not self.reject:
                    if r.energy < self.best_energy_of_relaxation - self.ediff:
                        self.best_energy_of_relaxation = r.energy
                        self.best_quench_of_relaxation = self.quench
                        memcpy(&self.relaxation_x[0], &self.trial[0], self.n * sizeof(double))
                        if self.avoid_active:
                            return EVENT_CHECK_AVOID
                    elif self.quench - self.best_quench_of_relaxation > self.relax:
                        if self.symmetric is not None:
                            self.symmetric.forget()
                        return EVENT_NOT_IMPROVED
            self.stage = STAGE_PROPOSE
            d = r.energy - self.markov_energy
            # a chain over symmetric structures has made its own test; the walker takes over what is lower
            r.accepted = not self.reject and (
                d <= 0.0 or (not self.in_turn and self.moves.uniform() < exp(-d / self.temperature))
            )
            if r.accepted:
                self.markov_energy = r.energy
                # NORESET: the walker goes on from where the move put it, not from the quench
                memcpy(&self.x[0], &self.trial[0] if self.reset else &self.perturbed[0], self.n * sizeof(double))
                self.since_accepted = 0
            elif not self.in_turn:
                self.since_accepted += 1
            if self.network is not None and not self.in_turn:
                self.network.count(r.accepted)
            # step and temperature are adjusted by the walker's own steps
            if self.plain:
                self.accepted_block += r.accepted
                self.accepted_total += r.accepted
                self.steps_block += 1
                self.steps_total += 1
                if self.steps_block == self.interval:
                    r.ratio = <double>self.accepted_block / self.interval
                    self.adjust()
                if self.symmetric is not None:
                    self.symmetric.ordinary(LARGE if self.reject else r.energy, r.accepted)
            elif self.in_turn and self.reject:
                # a failed quench, or too close to what is to be avoided
                self.symmetric.forget()
            self.temperature *= self.temperature_factor
            r.step = self.step
            r.astep = self.astep
            r.temperature = self.temperature
            r.seconds = cpu_seconds() - self.start_seconds
            records[done[0]] = r[0]
            done[0] += 1
            if (r.status == LBFGS_CONVERGED or r.status == LBFGS_MAX_ITERATIONS) and self.hit(r.energy):
                return EVENT_TARGET_HIT
            if self.restart and self.since_accepted >= self.restart:
                self.since_accepted = 0
                return EVENT_NOTHING_ACCEPTED
        return EVENT_DONE

    def run(self, records):
        """Take as many steps as ``records`` has room for, or fewer.

        Parameters
        ----------
        records : ndarray of dtype RECORD
            Filled from the front with one record per finished step.

        Returns
        -------
        done : int
            Number of records filled.
        event : int
            DONE; CHECK_AVOID, CHECK_TABOO or NOT_IMPROVED (set ``reject`` and call again to finish the step); TARGET_HIT;
            NOTHING_ACCEPTED; RENEW (a random point is due); CANDIDATES_FULL (call `take_candidates` first).
        """
        if records.dtype != RECORD or not records.flags.c_contiguous:
            raise TypeError("records must be a contiguous array of dtype RECORD")
        if sizeof(Record) != records.itemsize:
            raise TypeError("RECORD does not match the C structure")
        cdef Py_ssize_t n = records.shape[0], done = 0
        cdef unsigned char[::1] raw = records.view(np.uint8).reshape(-1)
        cdef int event
        if n == 0:
            return 0, EVENT_DONE
        with self.bit_generator.lock, nogil:
            event = self.advance(n, <Record*>&raw[0], &done)
        return done, event

    @property
    def pending_record_values(self):
        """The record, so far, of the step that waits for a decision, as a dict."""
        cdef Record* r = &self.pending_record
        return {
            "quench": r.quench, "energy": r.energy, "rms": r.rms, "markov": r.markov, "iterations": r.iterations,
            "status": r.status,
        }

    @property
    def pending(self):
        """(quench, energy) of the step that waits for a decision."""
        return int(self.pending_record.quench), float(self.pending_record.energy)

    def quench_point(self, x):
        """Quench x outside the step sequence (the start, a reseed): (coordinates, energy, rms, iterations, status)."""
        y = np.array(x, dtype=np.float64).ravel()
        if y.shape[0] != self.n:
            raise ValueError(f"expected {self.n} variables, got {y.shape[0]}")
        cdef double[::1] yv = y
        cdef LBFGSOutcome out
        if self.seen is not None and self.n_candidates == self.candidate_capacity:
            raise RuntimeError("take the candidates first")
        with nogil:
            out = self.quench_from(&yv[0])
            memcpy(&self.quenched[0], &yv[0], self.n * sizeof(double))
        self.last_energy = out.energy
        return y, out.energy, out.rms, out.iterations, out.status
