"""The files of a tempering run: ``n/Visits.his`` of each replica, tables of numbers, ``dumpstruct.n``."""

import os

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import f, g

INSTANTANEOUS = "Visits to instantaneous PE bins without quench contributions"
QUENCHES = "Visits to quench bins"


def replica_directory(directory, rung):
    """Folder of a replica, numbered from 1 at the coldest; made where it is missing."""
    path = directory / str(rung + 1)
    path.mkdir(exist_ok=True)
    return path


def write_visits(path, temperature, low, width, visits, quench=None):
    """Histogram of one replica: the temperature, a heading, and per bin its lower edge and the visits to it.

    Parameters
    ----------
    path : Path
    temperature : float
    low, width : float
        Of the energy bins.
    visits : ndarray of shape (n_bins,)
    quench : (float, float, ndarray), optional
        The same of the quench energies, under a heading of their own.
    """
    lines = [g(temperature, 20, 10), INSTANTANEOUS, *_bins(low, width, visits)]
    if quench is not None:
        lines += [QUENCHES, *_bins(*quench)]
    with atomic_write(path, durable=False) as file:
        file.write("\n".join(lines) + "\n")


def _bins(low, width, visits):
    return [g(low + k * width, 20, 10) + f(float(n), 20, 1) for k, n in enumerate(visits.tolist())]


def read_visits(path):
    """What `write_visits` wrote: (temperature, lower edges, visits, quench edges, quench visits), the last two empty without
    quenches."""
    with open(path, encoding="ascii") as file:
        temperature = float(file.readline())
        parts = [[], []]
        part = -1
        for line in file:
            if line.startswith("Visits"):
                part += 1
            else:
                parts[part].append([float(word) for word in line.split()])
    plain, quench = (np.array(p, dtype=float).reshape(-1, 2) for p in parts)
    return temperature, plain[:, 0], plain[:, 1], quench[:, 0], quench[:, 1]


def write_table(path, columns, comments=()):
    """Columns of numbers under lines that begin with #.

    Parameters
    ----------
    path : Path
    columns : list of (str, ndarray)
        Heading and values.
    comments : sequence of str
    """
    names = [name for name, _ in columns]
    rows = np.array([values for _, values in columns], dtype=float).T
    lines = [f"# {text}" for text in comments]
    lines.append("#" + "".join(f"{name:>18s}" for name in names)[1:])
    lines += ["".join(f"{value:18.9g}" for value in row) for row in rows.tolist()]
    with atomic_write(path) as file:
        file.write("\n".join(lines) + "\n")


def read_table(path):
    """What `write_table` wrote: (names, ndarray of shape (n_columns, n_rows))."""
    with open(path, encoding="ascii") as file:
        names = [line for line in file if line.startswith("#")][-1][1:].split()
    return names, np.atleast_2d(np.loadtxt(path)).T


class StructureFiles:
    """``dumpstruct.n``: the configuration of each replica every so many steps (PTMCDUMPSTRUCT).

    Parameters
    ----------
    directory : Path
    n_replicas : int
    n_atoms : int
        0: one variable per line.
    label : str
        In front of each atom.
    """

    def __init__(self, directory, n_replicas, n_atoms, label="LA"):
        self.paths = [directory / f"dumpstruct.{k + 1}" for k in range(n_replicas)]
        self.n_atoms, self.label = n_atoms, label

    @property
    def sizes(self):
        """Bytes of each file."""
        return [path.stat().st_size if path.exists() else 0 for path in self.paths]

    def cut(self, sizes):
        """Take away what was written after the state that a run continues from."""
        for path, size in zip(self.paths, sizes):
            if path.exists():
                os.truncate(path, min(size, path.stat().st_size))

    def add(self, rung, step, energy, x):
        """One more configuration: number of atoms, energy and step, one line per atom."""
        width = 3 if self.n_atoms else 1
        lines = [str(len(x) // width), f"{energy:24.15g} {step}"]
        label = f"{self.label}  " if self.n_atoms else ""
        lines += [label + "".join(f(v, 20, 10) for v in row) for row in x.reshape(-1, width).tolist()]
        with open(self.paths[rung], "a", encoding="ascii") as file:
            file.write("\n".join(lines) + "\n")
