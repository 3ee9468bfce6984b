"""Exceptions of the suite. Libraries raise them; only ``main()`` of a program turns them into an exit status."""

EXIT_DONE = 0
EXIT_GOAL_NOT_REACHED = 1
EXIT_BAD_INPUT = 2
EXIT_STOPPED = 3


class LandscapeError(Exception):
    """Base of all errors that the suite raises on purpose."""

    exit_status = EXIT_GOAL_NOT_REACHED


class InputError(LandscapeError, ValueError):
    """One or more problems in what the user supplied; each is one line that names file, line and remedy.

    Parameters
    ----------
    problems : str or list of str
    """

    exit_status = EXIT_BAD_INPUT

    def __init__(self, problems):
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class DatabaseError(InputError):
    """A database that cannot be used: damaged, of another schema, potential or data set."""


class ConvergenceError(LandscapeError):
    """A search did not reach its goal."""


class EngineError(LandscapeError):
    """The engine that runs the jobs failed."""


class StoppedError(LandscapeError):
    """Ended by a signal or a time limit at a safe point; the run can be resumed."""

    exit_status = EXIT_STOPPED
