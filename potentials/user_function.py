"""A user's own potential, from the keyword ``POTENTIAL python module:factory [arguments]``.

The module lies in the directory of the run (or anywhere Python finds it). The factory gets the arguments of the line, numbers
as numbers, and returns one of

- a `potentials.callable.CallablePotential` (the adapters of `potentials.adapters` are such) or any other `Potential`,
- a tuple ``(function, n_variables)`` or ``(function, n_variables, options)``, with a dict of the other arguments of
  `CallablePotential`,
- an ASE ``Atoms`` object with a calculator.

Every program and every worker process builds the potential anew from the keyword; nothing is pickled.
"""

import hashlib
import importlib
import sys
import traceback
from pathlib import Path

import numpy as np

from common.errors import InputError, LandscapeError
from common.fortran_numbers import read_real

#: Packages that a user's module may need, and the extra that installs each.
EXTRAS = {"ase": "ase", "jax": "jax", "torch": "torch", "sklearn": "learning"}
#: Modules taken from run directories, by name: the file of each.
_taken = {}


def user_potential(where, target, arguments, directory):
    """Build the potential that a line of input names.

    Parameters
    ----------
    where : str
        ``file:line: KEYWORD ...``, for messages.
    target : str
        ``module:factory``; the module may be dotted, a package in the directory.
    arguments : list of str
    directory : str or Path

    Returns
    -------
    Potential

    Raises
    ------
    InputError
        If the module or the factory is not found or fails, or returns something else.
    """
    name, separator, factory_name = target.partition(":")
    if not separator or not factory_name.isidentifier() or not all(part.isidentifier() for part in name.split(".")):
        raise InputError(f"{where}: expected module:function, as wells:double_well for the function double_well in wells.py")
    directory = Path(directory).resolve()
    module = _load(name, directory, where)
    factory = getattr(module, factory_name, None)
    if factory is None:
        hint = _nearest(factory_name, module)
        raise InputError(f"{where}: {_file_name(module, directory)} has no function {factory_name}{hint}")
    if not callable(factory):
        raise InputError(f"{where}: {factory_name} in {_file_name(module, directory)} is not a function")
    try:
        made = factory(*[_number(argument) for argument in arguments])
    except LandscapeError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{where}: {describe(error, directory)}") from error
    potential = _as_potential(made, where, factory_name)
    _identify(potential, where, " ".join([target, *arguments]), module, directory)
    return potential


def describe(error, directory=None):
    """One line for an exception of a user's code: file, line and function where it happened, kind and message.

    The place is the deepest one in the directory given, or else the deepest of all.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if directory is not None and Path(frame.filename).is_relative_to(directory)]
    frame = ours[-1] if ours else frames[-1] if frames else None
    message = " ".join(str(error).split()) or "no message"
    text = f"{type(error).__name__}: {message}"
    if isinstance(error, ModuleNotFoundError) and str(error.name).partition(".")[0] in EXTRAS:
        text += f"; install the extra: pip install 'energy-landscapes[{EXTRAS[error.name.partition('.')[0]]}]'"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}:{error.lineno}: {type(error).__name__}: {error.msg}"
    if frame is None or not (ours or directory is None):
        return text
    return f"{Path(frame.filename).name}:{frame.lineno}: in {frame.name}: {text}"


def _load(name, directory, where):
    """Import a module, those of the directory first."""
    parts = name.split(".")
    own = directory.joinpath(*parts)
    path = next((p for p in (own.with_suffix(".py"), own / "__init__.py") if p.is_file()), None)
    if path is not None:
        loaded = sys.modules.get(name)
        if loaded is not None and _taken.get(name) is None and getattr(loaded, "__file__", None) != str(path):
            raise InputError(f"{where}: {path.name} has the name of a module that is in use already; rename it")
        if _taken.get(name) not in (None, path):
            # the module of that name in the directory of another run
            for loaded_name in [each for each in sys.modules if each == parts[0] or each.startswith(parts[0] + ".")]:
                del sys.modules[loaded_name]
    if str(directory) in sys.path:
        sys.path.remove(str(directory))
    # the module may import from its directory later too
    sys.path.insert(0, str(directory))
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise InputError(f"{where}: no module {name}: there is no file {'/'.join(parts)}.py in {directory}") from None
        raise InputError(f"{where}: {describe(error, directory)}") from error
    except (Exception, SystemExit) as error:
        raise InputError(f"{where}: {describe(error, directory)}") from error
    if path is not None:
        _taken[name] = path
    return module


def _file_name(module, directory):
    path = getattr(module, "__file__", None)
    if path is None:
        return f"the module {module.__name__}"
    path = Path(path)
    return str(path.relative_to(directory)) if path.is_relative_to(directory) else str(path)


def _nearest(name, module):
    import difflib

    close = difflib.get_close_matches(name, [each for each in vars(module) if callable(getattr(module, each))], n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _number(text):
    """An argument of the line: an integer, a real number, or the word."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return read_real(text)
    except ValueError:
        return text


def _as_potential(made, where, factory_name):
    from potentials.callable import CallablePotential
    from potentials.potential import Potential

    if isinstance(made, Potential):
        return made
    if all(hasattr(made, name) for name in ("get_potential_energy", "get_forces", "get_positions")):
        from potentials.adapters import AtomsPotential

        try:
            return AtomsPotential(made)
        except ValueError as error:
            raise InputError(f"{where}: {factory_name}: {error}") from None
    expected = "a Potential, a tuple (function, n_variables) or (function, n_variables, options), or Atoms with a calculator"
    if not (isinstance(made, tuple) and len(made) in (2, 3) and callable(made[0])):
        kind = f"a tuple of {len(made)}" if isinstance(made, tuple) else f"a {type(made).__name__}"
        raise InputError(f"{where}: {factory_name} must return {expected}; it returned {kind}")
    function, n_variables, *options = made
    options = options[0] if options else {}
    if not isinstance(options, dict):
        raise InputError(f"{where}: {factory_name}: the third item must be a dict of options, found a {type(options).__name__}")
    if not isinstance(n_variables, (int, np.integer)) or isinstance(n_variables, bool) or n_variables < 1:
        raise InputError(f"{where}: {factory_name}: the number of variables must be a positive integer, found {n_variables!r}")
    known = ("hessian", "symmetry", "start", "step_scale", "n_atoms")
    unknown = [str(name) for name in options if name not in known]
    if unknown:
        raise InputError(f"{where}: {factory_name}: unknown option {unknown[0]}; the options are {', '.join(known)}")
    try:
        return CallablePotential(function, int(n_variables), **options)
    except (ValueError, TypeError) as error:
        raise InputError(f"{where}: {factory_name}: {error}") from None


def _identify(potential, where, name, module, directory):
    """Give a callable potential its place in the input and its name in a database; check what the function returns."""
    from potentials.callable import CallablePotential

    if not isinstance(potential, CallablePotential):
        return
    potential.where = where
    potential.directory = directory
    potential.name = name
    path = getattr(module, "__file__", None)
    if path is not None:
        potential.source_digest = source_digest(Path(path).read_text(encoding="utf-8", errors="replace"))
    if potential.probe:
        problem = potential.return_problem(potential.random_coordinates(np.random.default_rng(0)))
        if problem:
            raise InputError(f"{where}: {problem}")


def source_digest(text):
    """Digest of a module that comments, blank lines and trailing blanks do not change."""
    lines = [line.rstrip() for line in text.splitlines()]
    kept = [line for line in lines if line and not line.lstrip().startswith("#")]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]
