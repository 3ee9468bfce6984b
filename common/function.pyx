"""The smooth function that every minimiser works on."""


cdef class Function:
    """A smooth function of ``n_variables`` real variables, callable without the GIL.

    Subclasses override ``c_energy_gradient(x, gradient)``, which returns E(x) and fills the gradient, both of length
    ``n_variables``. It must not raise: a value that cannot be computed is returned as NaN or infinity and the minimiser
    reports it. Work space belongs to the instance, so an instance serves one thread at a time.

    Attributes
    ----------
    n_variables : int
    calls : int
        Number of energy and gradient evaluations so far (kept by the minimisers and the Python methods).
    """

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        return 0.0 / 0.0

    def count_calls(self, Py_ssize_t n):
        """Count evaluations that were made elsewhere, on a device."""
        self.calls += n

    def raise_pending(self):
        """Raise the exception that a Python-level evaluation met since the last call, if any.

        ``c_energy_gradient`` cannot raise; a function that calls Python returns NaN there and keeps the exception for whoever
        started the search to raise here.
        """
