"""Potentials written in Python."""

from potentials._callable import CallableCore
from potentials.symmetry import NoSymmetry


class CallablePotential(CallableCore):
    """Any Python function as a potential; the searches take the GIL only while it runs. Keyword: POTENTIAL.

    Parameters
    ----------
    function : callable
        ``function(x) -> (energy, gradient)`` for x of shape (n_variables,). Where the energy does not exist it returns NaN for
        both; a search then tries elsewhere.
    n_variables : int
    hessian : callable, optional
        ``hessian(x)`` of shape (n_variables, n_variables); central differences of the gradient otherwise.
    symmetry : potentials.symmetry.Symmetry, optional
        The exact symmetries; none by default.
    name : str, optional
        Identifies the function in a database; the function's own qualified name by default.
    start : callable, optional
        ``start(rng) -> x``: random starting points.
    step_scale : float, optional
        Natural length of a step in the variables; 0.3 by default.
    n_atoms : int, optional
        Where the variables are Cartesian coordinates x, y, z of atoms: their number.

    Raises
    ------
    ValueError
        From a search or a Python method, when the function returns something else or arrays of the wrong shape; other
        exceptions of the function come out unchanged, unless the potential comes from a keyword: then as an `InputError` that
        names the line of the user's file.

    Examples
    --------
    >>> well = CallablePotential(lambda x: (float(x @ x), 2 * x), 3)
    >>> float(well.energy([1.0, 2.0, 3.0]))
    14.0
    """

    #: ``file:line: POTENTIAL ...`` where the potential comes from a keyword.
    where = None
    #: Directory of the user's files, to find the place of an error.
    directory = None
    #: Digest of the module that defines the function.
    source_digest = None
    #: Whether one evaluation is cheap enough to check what the function returns before a run.
    probe = True

    def __init__(
        self, function, n_variables, hessian=None, symmetry=None, name=None, start=None, step_scale=None, n_atoms=None
    ):
        self._arguments = (function, n_variables, hessian, symmetry, name, start, step_scale, n_atoms)
        if n_atoms is not None and 3 * n_atoms != n_variables:
            raise ValueError(f"{n_atoms} atoms have {3 * n_atoms} coordinates, not {n_variables}")
        if step_scale is not None and not step_scale > 0:
            raise ValueError("step_scale must be positive")
        self.symmetry = symmetry if symmetry is not None else NoSymmetry()
        self.has_hessian = hessian is not None
        self.name = name or qualified_name(function)
        self._start = start
        if step_scale is not None:
            self.step_scale = float(step_scale)
        if n_atoms is not None:
            self.n_atoms = int(n_atoms)

    def __reduce__(self):
        return type(self), self._arguments, self._origin()

    def __setstate__(self, state):
        self.__dict__.update(state)

    def _origin(self):
        """Where the function comes from, for copies."""
        return {name: getattr(self, name) for name in ("name", "where", "directory", "source_digest") if getattr(self, name)}

    def raise_pending(self):
        """Raise what the function raised since the last call, if anything.

        Raises
        ------
        InputError
            Where the potential comes from a keyword, with the line of the user's file.
        """
        try:
            super().raise_pending()
        except Exception as error:
            from common.errors import InputError, LandscapeError

            if self.where is None or isinstance(error, LandscapeError):
                raise
            from potentials.user_function import describe

            raise InputError(f"{self.where}: {describe(error, self.directory)}") from error

    def return_problem(self, x):
        """What is wrong with the kind or shape of what the function returns at x, in words; None if nothing is.

        An exception of the function itself counts as nothing: it may be right at x.
        """
        problem = self.check_return(self._input(x))
        return None if problem is None else str(problem)

    def fingerprint(self):
        """Name of the function, number of variables, and a digest of its module where it comes from a keyword."""
        found = {"potential": "CallablePotential", "function": self.name, "n_variables": int(self.n_variables)}
        if self.source_digest is not None:
            found["source"] = self.source_digest
        return found

    def random_coordinates(self, rng):
        """A starting point from ``start``; standard normal where none was given, a random cluster for atoms."""
        if self._start is not None:
            return self._input(self._start(rng))
        n_atoms = getattr(self, "n_atoms", None)
        if n_atoms is not None:
            from potentials.lj import random_cluster

            return random_cluster(n_atoms, None, rng)
        return rng.standard_normal(self.n_variables)


def qualified_name(function):
    """Module and name of a callable."""
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"
