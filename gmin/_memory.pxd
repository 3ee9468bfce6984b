cdef enum:
    #: Numbers that tell quenches of about the same energy apart.
    N_INVARIANTS = 8
    #: Entries of a set of `Seen`.
    WAYS = 8

cdef void cluster_invariants(Py_ssize_t n, const double* x, double* work, double* out) noexcept nogil
cdef void variable_invariants(Py_ssize_t n, const double* x, double* out) noexcept nogil


cdef class Seen:
    cdef Py_ssize_t n_sets
    cdef double cell, relative
    cdef double[:, ::1] entries
    cdef unsigned char[::1] next_way

    cdef Py_ssize_t slot(self, double number) noexcept nogil
    cdef bint add(self, double energy, const double* invariants) noexcept nogil


cdef class SavedList:
    cdef readonly Py_ssize_t count, capacity, n
    cdef readonly double ediff
    cdef double[::1] energies
    cdef double[:, ::1] coordinates
    cdef long long[::1] quenches, calls
    cdef Py_ssize_t[::1] rows

    cdef void offer(self, double energy, const double* x, long long quench, long long calls) noexcept nogil
