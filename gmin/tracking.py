"""Files that follow a run: energy, markov, best (TRACKDATA), monitor.xyz and best.xyz (MONITOR)."""

from common.atomic import atomic_write
from common.formats.fortran import g
from gmin.output import g20
from gmin.pair_energies import lennard_jones_atom_energies


class Tracking:
    """The files ``energy``, ``markov`` and ``best``, one line per step.

    Parameters
    ----------
    directory : Path
    suffix : str
        Empty, or ``.k`` for walker k of several.
    last : int or None
        Continue the files of the run that is resumed after this step: lines it wrote later, after its last dump, go.
    """

    def __init__(self, directory, suffix="", last=None):
        paths = [directory / f"{name}{suffix}" for name in ("energy", "markov", "best")]
        for path in paths:
            if last is not None and path.exists():
                cut_after(path, last)
        self.files = [path.open("w" if last is None else "a", encoding="ascii") for path in paths]

    def add(self, records):
        """Write the lines of finished steps."""
        energy, markov, best = self.files
        quenches = records["quench"].tolist()
        energy.writelines(f"{q:10d}{e:20.10f}\n" for q, e in zip(quenches, records["energy"].tolist()))
        markov.writelines(f"{q:10d}{g20(e)}\n" for q, e in zip(quenches, records["markov"].tolist()))
        best.writelines(f"{q:10d}{g20(e)}\n" for q, e in zip(quenches, records["best"].tolist()))

    def flush(self):
        """Hand everything to the operating system."""
        for file in self.files:
            file.flush()

    def close(self):
        """Close the files."""
        for file in self.files:
            file.close()


def cut_after(path, last):
    """Keep the lines of a file up to step ``last``, complete ones only."""
    keep = 0
    with path.open("rb") as file:
        for line in file:
            words = line.split()
            if not line.endswith(b"\n") or not words or not words[0].isdigit() or int(words[0]) > last:
                break
            keep += len(line)
    with path.open("r+b") as file:
        file.truncate(keep)


def labels(x):
    """``X1``, ``X2`` or ``X3`` for each atom: the lowest, middle and highest third of the range of pair energies."""
    energies = lennard_jones_atom_energies(x)
    low, high = float(energies.min()), float(energies.max())
    width = (high - low) / 3.0
    return ["X1" if e < low + width else "X2" if e < low + 2.0 * width else "X3" for e in energies.tolist()]


def write_labelled_xyz(path, energy, x, pair_energies):
    """One frame, replacing the one before, in the format of monitor.xyz.

    Number of atoms I12, energy G20.10, then label and 3 G20.10 per atom.
    """
    n = len(x) // 3
    names = labels(x) if pair_energies else ["X1"] * n
    with atomic_write(path, durable=False) as file:
        file.write(f"{n:12d}\n{g(energy, 20, 10)}\n")
        for name, (a, b, c) in zip(names, x.reshape(-1, 3).tolist()):
            file.write(f"{name}{g(a, 20, 10)}{g(b, 20, 10)}{g(c, 20, 10)}\n")
