"""The text files of the classic program, written beside landscape.db at the end of every run."""

from common.atomic import atomic_write
from common.formats.fortran import i as fortran_i


def export(setup, database):
    """Write min.data, ts.data, points.min, points.ts, min.A, min.B, pairs.data and ts.attempts, each atomically.

    Parameters
    ----------
    setup : Setup
    database : Database

    Returns
    -------
    list of str
        Names of the files, the database first.
    """
    from common.text_database import export_text

    written = [path.name for path in export_text(database, setup.directory)]
    written += _export_attempts(setup, database)
    return [database.path.name, *written]


def _export_attempts(setup, database):
    """pairs.data (2I8: every pair tried, in order) and ts.attempts (I8: single-ended searches from each minimum)."""
    written = []
    pairs = [(first, second) for first, second, *_ in database.attempts() if second is not None]
    if pairs:
        with atomic_write(setup.directory / "pairs.data") as file:
            file.writelines(f"{fortran_i(first, 8)}{fortran_i(second, 8)}\n" for first, second in pairs)
        written.append("pairs.data")
    counts = database.single_ended_attempts()
    if counts.any():
        with atomic_write(setup.directory / "ts.attempts") as file:
            file.writelines(f"{fortran_i(count, 8)}\n" for count in counts)
        written.append("ts.attempts")
    return written
