"""What the adapters to packages with automatic differentiation have in common."""

from potentials.callable import CallablePotential, qualified_name


class DifferentiatedFunction(CallablePotential):
    """A scalar function whose gradient and Hessian another package derives.

    Parameters
    ----------
    function : callable
        ``function(x) -> scalar`` for x of shape (n_variables,), in the arrays of the package.
    n_variables : int
    hessian : bool
        False: central differences of the gradient, for functions whose Hessian is too large.
    **options
        ``symmetry``, ``name``, ``start``, ``step_scale``, ``n_atoms`` of `CallablePotential`.
    """

    #: The first evaluation compiles.
    probe = False

    @staticmethod
    def derive(function):
        """(x -> (energy, gradient), x -> Hessian) over NumPy arrays."""
        raise NotImplementedError

    def __new__(cls, function, n_variables, hessian=True, **options):
        """Derive; the Cython base takes the functions at creation."""
        evaluate, second = cls.derive(function)
        self = super().__new__(cls, evaluate, n_variables, second if hessian else None)
        self._derived = (evaluate, second if hessian else None)
        return self

    def __init__(self, function, n_variables, hessian=True, **options):
        self._made_from = (function, n_variables, hessian, dict(options))
        evaluate, second = self._derived
        name = options.pop("name", None) or qualified_name(function)
        super().__init__(evaluate, n_variables, hessian=second, name=name, **options)

    def __reduce__(self):
        return _rebuild, (type(self), *self._made_from), self._origin()


def _rebuild(cls, function, n_variables, hessian, options):
    return cls(function, n_variables, hessian, **options)
