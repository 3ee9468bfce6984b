"""EXEC: connect two minima with another OPTIM executable, through the files of the classic programs.

For job P a scratch directory ``jobs/P`` gets odata.P (odata.connect and the first minimum below it), finish.P (the second
minimum) and the COPYFILES; the executable runs as ``EXEC P``, with its output in OPTIM.connect.P; the stationary points
come back in path.info.P. The directory is removed afterwards unless COPYOPTIM or DEBUG is given. What comes back is
polished and checked with our own potential before it may enter the database; of a force field that this suite does not have
(`external_system`) it is taken as it is.
"""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from common.errors import ConvergenceError, EngineError, InputError

CONNECTED = "Connected path found"
JOBS = "jobs"


def find_executable(name, directory):
    """Absolute path of an executable given as a path or as a name on PATH; None when there is none."""
    path = Path(name).expanduser()
    if not path.is_absolute() and os.sep in name:
        path = Path(directory) / path
    found = shutil.which(str(path))
    return None if found is None else str(Path(found).resolve())


def write_input(folder, number, template, symbol, first, second):
    """Write odata.P and finish.P.

    Parameters
    ----------
    folder : Path
    number : int
    template : str
        Text of odata.connect; its last keyword, POINTS or VARIABLES, takes the lines that follow.
    symbol : str or None
        Two characters in front of each atom; None for variables, which stand one to a line.
    first, second : ndarray of shape (n_variables,)
    """
    from common.formats.fortran import f

    def lines(x, label):
        return "".join(f(v, 20, 10) + "\n" for v in x) if symbol is None else atom_lines(x, label)

    label = "" if symbol is None else f"{symbol:<2.2s}  "
    (folder / f"odata.{number}").write_text(template.rstrip("\n") + "\n" + lines(first, label), encoding="utf-8")
    (folder / f"finish.{number}").write_text(lines(second, ""), encoding="utf-8")


def atom_lines(x, label):
    """Coordinates as lines of an atom each: label and 3F20.10."""
    from common.formats.fortran import f

    return "".join(label + "".join(f(v, 20, 10) for v in atom) + "\n" for atom in x.reshape(-1, 3))


def connect_externally(setup, number, first, second):
    """Connect two minima with the executable of EXEC.

    Parameters
    ----------
    setup : Setup
    number : int
        Number of the job, P in the file names.
    first, second : Minimum

    Returns
    -------
    triples : list of Triple
    connected : bool
    message : str

    Raises
    ------
    EngineError
        If the executable cannot be run.
    """
    from pathsample.external_system import write_job
    from potentials.symmetry import RigidCluster

    settings = setup.settings
    executable = find_executable(settings["EXEC"].path, setup.directory)
    folder = setup.directory / JOBS / str(number)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    template = (setup.directory / "odata.connect").read_text(encoding="utf-8")
    if setup.external:
        write_job(setup, folder, number, template, first.coordinates, second.coordinates)
    else:
        symbol = (settings["SYSTEM"].symbol or "AX") if isinstance(setup.symmetry, RigidCluster) else None
        write_input(folder, number, template, symbol, first.coordinates, second.coordinates)
    for name in settings["COPYFILES"].files or []:
        shutil.copy(setup.path(name), folder)
    try:
        with open(folder / f"OPTIM.connect.{number}", "wb") as output:
            ended = subprocess.run([executable, str(number)], cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False)
    except OSError as error:
        raise EngineError(f"EXEC {executable}: {error.strerror}") from None
    text = (folder / f"OPTIM.connect.{number}").read_text(encoding="utf-8", errors="replace")
    result = folder / f"path.info.{number}"
    if not result.exists():
        result = folder / "path.info"
    triples, left_out = read_result(setup, result) if result.exists() else ([], 0)
    connected = CONNECTED in text
    message = ""
    if not connected:
        message = f"{Path(executable).name} found no connection" + (f" (status {ended.returncode})" if ended.returncode else "")
    if left_out:
        message = f"{message}; {left_out} of its triples failed our checks".lstrip("; ")
    if not (settings.given("COPYOPTIM") or settings.given("DEBUG")):
        shutil.rmtree(folder, ignore_errors=True)
    return triples, connected, message


def read_result(setup, path):
    """Triples of a path.info file, polished and checked with our potential.

    Returns
    -------
    triples : list of Triple
    left_out : int
        Triples with a point that our potential does not confirm.
    """
    from common.formats.path_info import read
    from optim.stationary import characterise_minimum, characterise_transition_state
    from pathsample.external_system import read_points, template_keywords

    potential, optim = setup.potential, setup.optim
    if setup.external:
        template = (setup.directory / "odata.connect").read_text(encoding="utf-8")
        without = setup.settings.given("NOFRQS") or "NOFRQS" in template_keywords(template)
        try:
            return list(read_points(setup, path, not without)), 0
        except InputError:
            return [], 1
    frequencies = not (setup.settings.given("NOFRQS") or setup.connect.given("NOFRQS"))
    try:
        found = read(path, setup.n_variables, frequencies=frequencies, n_zero=setup.symmetry.n_zero)
    except InputError:
        return [], 1
    triples, left_out = [], 0
    for triple in found:
        try:
            triples.append(
                replace(
                    triple,
                    plus=characterise_minimum(potential, triple.plus.coordinates, triple.plus.energy, optim),
                    transition_state=characterise_transition_state(
                        potential, triple.transition_state.coordinates, triple.transition_state.energy, optim
                    )[0],
                    minus=characterise_minimum(potential, triple.minus.coordinates, triple.minus.energy, optim),
                )
            )
        except ConvergenceError:
            left_out += 1
    return triples, left_out
