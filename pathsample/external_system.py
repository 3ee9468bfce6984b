"""Systems that only another OPTIM can evaluate: AMBER12, CHARMM and the other force fields of the classic programs.

Such a system has a number of atoms and a symmetry, but no energy. Its stationary points come from path.info files, with
energy, point group, log product and coordinates as they are there; two of them are the same when their energies agree within
EDIFFTOL and their aligned distance is below GEOMDIFFTOL, where the alignment may exchange the atoms that perm.allow names.
"""

import numpy as np

from common.errors import InputError
from potentials.symmetry import RigidCluster, Symmetry

#: Keywords of pathdata that name such a system.
FORCE_FIELDS = ("AMBER9", "AMBER12", "NAB", "CHARMM", "OPEP", "UNRES", "AMH", "USERPOT")
#: Among them those whose Hessian eigenvalues are given in (rad/s)^2, so that the zeros reach 6e18.
SI_FREQUENCIES = ("AMBER9", "AMBER12", "NAB", "CHARMM")
#: EVCUT for these.
SI_CUT = 1e20
#: Keywords that need energies or Hessians of a system.
NEED_POTENTIAL = (
    "SURVEY", "CHECKMIN", "CHECKTS", "DIJINITSTART", "FROMLOWEST", "ADDMINXYZ", "GETMINFRQS", "GETTSFRQS", "NEWCONNECTIONS",
    "AUC", "ROC", "MISCLASSIFICATION",
)  # fmt: skip
#: Keywords of odata.connect that a template may end with, below which the coordinates of the first minimum are written.
COORDINATES_FOLLOW = ("POINTS", "VARIABLES")


class FixedFrame(Symmetry):
    """Frozen atoms hold the frame: no translation, no rotation, no permutation.

    Parameters
    ----------
    n_atoms : int
    frozen : int
        Frozen atoms; each takes three modes away.
    """

    def __init__(self, n_atoms, frozen):
        self.n_variables, self.n_zero = 3 * n_atoms, 3 * frozen
        self._cluster = RigidCluster(n_atoms, groups=[])

    def inertia(self, x):
        """Eigenvalues of the inertia tensor about the centroid with unit masses, ascending."""
        return self._cluster.inertia(x)

    def lower_bounds(self, X, reference):
        """The distances themselves."""
        return np.linalg.norm(np.atleast_2d(X) - np.asarray(reference, dtype=float), axis=1)

    def descriptor(self, x):
        """The coordinates."""
        return np.asarray(x, dtype=float).ravel().copy()

    def describe(self):
        """One line for the head of an output."""
        return f"none: {self.n_zero // 3} frozen atoms"


class ExternalSystem:
    """Stands where a potential stands, without energies.

    Parameters
    ----------
    name : str
        Keyword or symbol of the system.
    n_atoms : int
    symmetry : Symmetry
    """

    def __init__(self, name, n_atoms, symmetry):
        self.name, self.n_atoms, self.symmetry = name, int(n_atoms), symmetry
        self.n_variables = 3 * self.n_atoms
        #: Evaluations in this process, which are none.
        self.calls = 0

    def fingerprint(self):
        """What a database of this system is recognised by: another OPTIM knows the force field."""
        return {"potential": "external", "system": self.name, "n_atoms": self.n_atoms}


def external_keyword(settings):
    """Keyword or symbol of a system that only EXEC can evaluate; None where this suite has the potential."""
    from potentials.selection import CHOICES, CLUSTER_SYMBOLS

    for name in FORCE_FIELDS:
        if settings.given(name):
            return name
    symbol = (settings["SYSTEM"].symbol or "").upper()
    own = symbol in CLUSTER_SYMBOLS or any(settings.given(name) for name in CHOICES)
    return symbol if settings.given("EXEC") and not own else None


def frozen_atoms(settings):
    """Frozen atoms of FREEZE and FREEZERANGE, counted from 1, as a sorted list."""
    atoms = set()
    for values in settings.all("FREEZE"):
        atoms.update(values.atoms or ())
    for values in settings.all("FREEZERANGE"):
        if values.first is not None and values.last is not None:
            atoms.update(range(values.first, values.last + 1))
    return sorted(atoms)


def read_system(setup):
    """The external system of an input, or None.

    Raises
    ------
    InputError
    """
    settings = setup.settings
    name = external_keyword(settings)
    frozen = frozen_atoms(settings)
    if name is None:
        for keyword in ("FREEZE", "FREEZERANGE", "NOINVERSION", "PERMISOMER", "ZEROS"):
            if settings.given(keyword):
                settings.error(
                    keyword, "goes with a system that EXEC evaluates; the potential of this input knows its symmetry"
                )
        settings.finish()
        return None
    check_system(setup, name)
    n_atoms = settings["NATOMS"].n
    if n_atoms and frozen and not 1 <= frozen[0] <= frozen[-1] <= n_atoms:
        settings.error("FREEZE" if settings.given("FREEZE") else "FREEZERANGE", f"the atoms are 1 to {n_atoms}")
    settings.finish()
    symmetry = FixedFrame(n_atoms, len(frozen)) if frozen else rigid(setup, name, n_atoms)
    if settings.given("ZEROS"):
        symmetry.n_zero = settings["ZEROS"].n
    return ExternalSystem(name, n_atoms, symmetry)


def rigid(setup, name, n_atoms):
    """The symmetry of a molecule: its atoms are told apart but for those of perm.allow."""
    from potentials.symmetry.rigid import read_permutation_groups

    settings, groups = setup.settings, []
    if settings.given("PERMDIST") and not settings.given("PERMISOMER"):
        path = setup.path("perm.allow")
        groups = read_permutation_groups(path, n_atoms) if path.is_file() else None
    # a force field with chiral centres does not take a mirror image for the same molecule
    inversion = name not in FORCE_FIELDS and not settings.given("NOINVERSION")
    return RigidCluster(n_atoms, groups=groups, inversion=inversion)


def check_system(setup, name):
    """Collect what an external system cannot do."""
    settings = setup.settings
    if settings["NATOMS"].n is None:
        settings.error(name if settings.given(name) else "SYSTEM", "the number of atoms is not known; add NATOMS n")
    for keyword in NEED_POTENTIAL:
        if settings.given(keyword):
            settings.error(keyword, f"needs energies of {name}, which this suite does not have; remove it")
    if settings.given("CONNECTIONS") and (settings["CONNECTIONS"].n or 0) > 1:
        settings.error(
            "CONNECTIONS", f"single-ended searches need energies of {name}, which this suite does not have; remove it"
        )
    if setup.grows and not settings.given("EXEC"):
        settings.error("CYCLES", f"the searches need an OPTIM with {name}; add EXEC path, or set CYCLES 0 to analyse")
    if setup.grows and not (setup.directory / "odata.connect").is_file():
        settings.error(
            "CYCLES", f"no file odata.connect in {setup.directory.resolve()}, the template of the jobs of EXEC; write it"
        )


def template_keywords(template):
    """First words of the lines of odata.connect, in capitals."""
    return [line.split()[0].upper() for line in template.splitlines() if line.split()]


def write_job(setup, folder, number, template, first, second):
    """Write odata.P, finish.P and the coordinates of the first minimum where the template's system wants them.

    Below POINTS in odata.P; for CHARMM in input.crd.P, a copy of input.crd with these coordinates, and in finish.P likewise; in
    start.P (3F20.10) for the others.

    Parameters
    ----------
    setup : Setup
    folder : Path
    number : int
    template : str
    first, second : ndarray of shape (n_variables,)
    """
    from pathsample.external import atom_lines, write_input

    last = template_keywords(template)[-1:]
    symbol = (setup.settings["SYSTEM"].symbol or "UN")[:2]
    if last and last[0] in COORDINATES_FOLLOW:
        write_input(folder, number, template, symbol, first, second)
        return
    (folder / f"odata.{number}").write_text(template.rstrip("\n") + "\n", encoding="utf-8")
    if setup.settings.given("CHARMM"):
        card = setup.path("input.crd").read_text(encoding="utf-8")
        (folder / f"input.crd.{number}").write_text(card_text(card, first), encoding="utf-8")
        (folder / f"finish.{number}").write_text(card_text(card, second), encoding="utf-8")
        return
    (folder / f"start.{number}").write_text(atom_lines(first, ""), encoding="utf-8")
    (folder / f"finish.{number}").write_text(atom_lines(second, ""), encoding="utf-8")


def card_text(card, x):
    """A CHARMM coordinate card with other coordinates: title lines with *, the number of atoms, then one atom to a line.

    Raises
    ------
    InputError
        It is for another number of atoms.
    """
    lines, out, atoms = card.splitlines(), [], iter(np.asarray(x, dtype=float).reshape(-1, 3))
    counted, done = None, 0
    for line in lines:
        if counted is None or line.startswith("*") or not line.strip():
            out.append(line)
            if counted is None and not line.startswith("*") and line.strip():
                counted = int(line.split()[0])
            continue
        atom = next(atoms, None)
        if atom is None:
            raise InputError("input.crd: more atoms than NATOMS")
        # columns of the standard card: numbers and names to 20, then 3F10.5
        out.append(line[:20] + "".join(f"{value:10.5f}" for value in atom) + line[50:])
        done += 1
    if next(atoms, None) is not None:
        raise InputError(f"input.crd: {done} atoms, NATOMS is larger")
    return "\n".join(out) + "\n"


def read_points(setup, path, frequencies):
    """Triples of a path.info file as they are, with the inertia that the file does not state.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    from common.formats.path_info import read
    from common.stationary_points import with_inertia

    found = read(path, setup.n_variables, frequencies=frequencies, n_zero=setup.symmetry.n_zero)
    found[:] = [with_inertia(triple, setup.symmetry) for triple in found]
    return found
