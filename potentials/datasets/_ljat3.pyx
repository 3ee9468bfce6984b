"""Many quenches of three atoms without the GIL, and what they pass through."""

from libc.math cimport fabs, sqrt
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from common.function cimport Function
from common.lbfgs cimport LBFGS_CONVERGED, LBFGSOutcome, LBFGSSettings, lbfgs, lbfgs_defaults, lbfgs_workspace

import numpy as np


cdef inline double distance(const double* a, const double* b) noexcept nogil:
    return sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]))


cdef class Recorder(Function):
    """A function of three atoms that keeps the last distances a minimiser accepted.

    The minimiser accepts a trial when it raises the energy by at most ``max_rise``, so the recorder knows the accepted points
    from the evaluations alone. The last ``depth`` of them are kept, in a ring.
    """

    cdef Function function
    cdef double max_rise, energy
    cdef Py_ssize_t depth, accepted
    cdef double[:, ::1] ring

    def __init__(self, Function function not None, Py_ssize_t depth, double max_rise):
        self.function = function
        self.n_variables = function.n_variables
        self.max_rise = max_rise
        self.depth = depth
        self.ring = np.empty((depth, 3))
        self.accepted = 0

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        cdef double e = self.function.c_energy_gradient(x, gradient)
        cdef double* at
        if self.accepted == 0 or e - self.energy <= self.max_rise:
            at = &self.ring[self.accepted % self.depth, 0]
            at[0] = distance(x, x + 3)
            at[1] = distance(x, x + 6)
            at[2] = distance(x + 3, x + 6)
            self.energy = e
            self.accepted += 1
        return e

    cdef void write(self, double* rows) noexcept nogil:
        """Fill ``depth`` rows of three distances, row s with those s steps before the end; a short quench is padded with
        its start."""
        cdef Py_ssize_t s, back
        for s in range(self.depth):
            back = min(s, self.accepted - 1)
            memcpy(rows + 3 * s, &self.ring[(self.accepted - 1 - back) % self.depth, 0], 3 * sizeof(double))


def quench_and_classify(
    Function function,
    double[:, ::1] coordinates,
    double[::1] energies,
    signed char[::1] outcomes,
    double side_triangle,
    double bond_linear,
    double tolerance,
    double rms,
    double max_step,
    Py_ssize_t max_iterations,
    double[:, :, ::1] sequences=None,
    Py_ssize_t[::1] steps=None,
):
    """Quench rows of coordinates in place and classify what they became.

    Outcomes: 0 triangle; 1, 2, 3 linear with that atom in the centre; -1 not converged; -2 converged to something else.

    ``sequences``, of shape (rows, depth, 3), receives r12, r13, r23 of the last geometries, index s at s steps before the end,
    and ``steps`` the number of steps of every quench.
    """
    cdef LBFGSSettings settings = lbfgs_defaults()
    cdef LBFGSOutcome out
    cdef double gradient[9]
    cdef double r12, r13, r23
    cdef double* x
    cdef Py_ssize_t k
    cdef bint recorded = sequences is not None
    settings.max_iterations = max_iterations
    settings.rms = rms
    settings.max_step = max_step
    cdef Recorder recorder = Recorder(function, sequences.shape[1] if recorded else 1, settings.max_rise)
    if recorded and (steps is None or sequences.shape[2] != 3):
        raise ValueError("sequences must have shape (rows, depth, 3), and steps go with them")
    cdef Function used = recorder if recorded else function
    cdef double* work = <double*>malloc(lbfgs_workspace(9, settings.history) * sizeof(double))
    if not work:
        raise MemoryError
    with nogil:
        for k in range(coordinates.shape[0]):
            x = &coordinates[k, 0]
            recorder.accepted = 0
            out = lbfgs(used, &settings, x, gradient, work)
            energies[k] = out.energy
            if recorded:
                recorder.write(&sequences[k, 0, 0])
                steps[k] = recorder.accepted - 1
            if out.status != LBFGS_CONVERGED:
                outcomes[k] = -1
                continue
            r12 = distance(x, x + 3)
            r13 = distance(x, x + 6)
            r23 = distance(x + 3, x + 6)
            outcomes[k] = -2
            if (fabs(r12 - side_triangle) < tolerance and fabs(r13 - side_triangle) < tolerance
                    and fabs(r23 - side_triangle) < tolerance):
                outcomes[k] = 0
            elif fabs(r12 + r13 - r23) < tolerance:
                if fabs(r12 - bond_linear) < tolerance and fabs(r13 - bond_linear) < tolerance:
                    outcomes[k] = 1
            elif fabs(r12 + r23 - r13) < tolerance:
                if fabs(r12 - bond_linear) < tolerance and fabs(r23 - bond_linear) < tolerance:
                    outcomes[k] = 2
            elif fabs(r13 + r23 - r12) < tolerance:
                if fabs(r13 - bond_linear) < tolerance and fabs(r23 - bond_linear) < tolerance:
                    outcomes[k] = 3
    free(work)
