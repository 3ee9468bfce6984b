"""L-BFGS that remembers its way: length of the path and frames along it."""

from libc.math cimport isfinite, sqrt
from libc.string cimport memcpy

from common._vectors cimport vector_dot, vector_move
from common.function cimport Function
from common.lbfgs cimport LBFGS_CONVERGED, LBFGSOutcome, LBFGSSettings, lbfgs, lbfgs_workspace
from potentials.potential cimport Potential

import numpy as np


cdef class PathRecorder(Function):
    """A potential that records the accepted points of a minimisation: those that do not raise the energy.

    The rule is that of ``common.lbfgs``, so every accepted step is recorded once. When the frames are full, every
    second one is dropped and from then on every second point is kept.
    """

    cdef Potential potential
    cdef double max_rise
    cdef double last_energy
    cdef double[::1] last_x
    cdef double[::1] difference
    cdef double[:, ::1] frames
    cdef double[::1] frame_energies
    cdef double[::1] frame_lengths
    cdef Py_ssize_t capacity, stored, stride, accepted
    cdef double length

    def __init__(self, Potential potential not None, start, double energy, double max_rise, Py_ssize_t capacity):
        n = potential.n_variables
        self.potential = potential
        self.n_variables = n
        self.max_rise = max_rise
        self.capacity = capacity + capacity % 2
        self.last_x = np.array(start, dtype=float).ravel()
        self.last_energy = energy
        self.difference = np.zeros(n)
        self.frames = np.zeros((max(self.capacity, 1), n))
        self.frame_energies = np.zeros(max(self.capacity, 1))
        self.frame_lengths = np.zeros(max(self.capacity, 1))
        self.stored = 0
        self.stride = 1
        self.accepted = 0
        self.length = 0.0

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double e = self.potential.c_energy_gradient(x, gradient)
        cdef Py_ssize_t n = self.n_variables, k, half
        self.potential.calls += 1
        if not e - self.last_energy <= self.max_rise:
            return e
        vector_move(n, x, -1.0, &self.last_x[0], &self.difference[0])
        self.length += sqrt(vector_dot(n, &self.difference[0], &self.difference[0]))
        memcpy(&self.last_x[0], x, n * sizeof(double))
        self.last_energy = e
        self.accepted += 1
        if self.capacity and self.accepted % self.stride == 0:
            if self.stored == self.capacity:
                half = self.capacity // 2
                for k in range(half):
                    memcpy(&self.frames[k, 0], &self.frames[2 * k + 1, 0], n * sizeof(double))
                    self.frame_energies[k] = self.frame_energies[2 * k + 1]
                    self.frame_lengths[k] = self.frame_lengths[2 * k + 1]
                self.stored = half
                self.stride *= 2
                if self.accepted % self.stride:
                    return e
            memcpy(&self.frames[self.stored, 0], x, n * sizeof(double))
            self.frame_energies[self.stored] = e
            self.frame_lengths[self.stored] = self.length
            self.stored += 1
        return e


def downhill(Potential potential not None, origin, double energy, first, settings, double rms, Py_ssize_t max_iterations):
    """L-BFGS from ``first``, a point beside ``origin``; the length counts from ``origin``, whose energy is ``energy``.

    Returns
    -------
    dict
        coordinates, energy, rms, converged, iterations, length, frames (coordinates, energies, lengths).
    """
    cdef LBFGSSettings minimiser
    cdef LBFGSOutcome out
    cdef Py_ssize_t n = potential.n_variables
    x = np.array(first, dtype=float).ravel()
    if x.shape[0] != n:
        raise ValueError(f"expected {n} variables")
    cdef double[::1] xv = x, gv = np.empty(n)
    minimiser.history = settings.history
    minimiser.max_iterations = max_iterations
    minimiser.rms = rms
    minimiser.max_step = settings.path_max_step
    minimiser.max_rise = settings.max_rise
    minimiser.diagonal = settings.diagonal
    minimiser.floor = -1e300
    cdef double[::1] work = np.empty(lbfgs_workspace(n, minimiser.history))
    cdef PathRecorder recorder = PathRecorder(potential, origin, energy, settings.max_rise, settings.frames)
    with nogil:
        out = lbfgs(recorder, &minimiser, &xv[0], &gv[0], &work[0])
    potential.raise_pending()
    k = recorder.stored
    return {
        "coordinates": x,
        "energy": out.energy,
        "rms": out.rms,
        "converged": out.status == LBFGS_CONVERGED,
        "finite": isfinite(out.energy),
        "iterations": out.iterations,
        "length": recorder.length,
        "frames": np.array(recorder.frames[:k]),
        "frame_energies": np.array(recorder.frame_energies[:k]),
        "frame_lengths": np.array(recorder.frame_lengths[:k]),
    }


cdef class StepTrace(Function):
    """A potential that records energy, RMS gradient and step length of every accepted point of a minimisation."""

    cdef Potential potential
    cdef double max_rise
    cdef double last_energy
    cdef double[::1] last_x
    cdef double[::1] difference
    cdef double[:, ::1] rows
    cdef Py_ssize_t stored

    def __init__(self, Potential potential not None, double max_rise, Py_ssize_t capacity):
        n = potential.n_variables
        self.potential = potential
        self.n_variables = n
        self.max_rise = max_rise
        self.last_energy = 1e300
        self.last_x = np.zeros(n)
        self.difference = np.zeros(n)
        self.rows = np.zeros((capacity, 3))
        self.stored = 0

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double e = self.potential.c_energy_gradient(x, gradient)
        cdef Py_ssize_t n = self.n_variables
        self.potential.calls += 1
        if not e - self.last_energy <= self.max_rise or self.stored == self.rows.shape[0]:
            return e
        vector_move(n, x, -1.0, &self.last_x[0], &self.difference[0])
        self.rows[self.stored, 0] = e
        self.rows[self.stored, 1] = sqrt(vector_dot(n, gradient, gradient) / n)
        self.rows[self.stored, 2] = sqrt(vector_dot(n, &self.difference[0], &self.difference[0]))
        memcpy(&self.last_x[0], x, n * sizeof(double))
        self.last_energy = e
        self.stored += 1
        return e


def trace(Potential potential not None, x0, settings, double rms):
    """Minimise by L-BFGS and keep a row per step.

    Returns
    -------
    dict
        coordinates, energies and rms of shape (steps + 1,), steps (lengths) of shape (steps,), converged.
    """
    from common.lbfgs import minimise

    cdef StepTrace recorder = StepTrace(potential, settings.max_rise, settings.max_iterations + 1)
    result = minimise(
        recorder,
        x0,
        history=settings.history,
        rms=rms,
        max_iterations=settings.max_iterations,
        max_step=settings.max_step,
        max_rise=settings.max_rise,
        diagonal=settings.diagonal,
    )
    potential.raise_pending()
    rows = np.array(recorder.rows[: recorder.stored])
    return {
        "coordinates": result.coordinates,
        "energies": rows[:, 0],
        "rms": rows[:, 1],
        "steps": rows[1:, 2],
        "converged": result.converged,
    }
