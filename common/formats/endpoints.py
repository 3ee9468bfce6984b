"""``min.A``, ``min.B``: the minima of the two end states: their number, then one index per line."""

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.text import integer, read_lines


def read(path, n_minima=None):
    """Read a set of minima.

    Parameters
    ----------
    path : str or Path
    n_minima : int, optional
        Largest index allowed.

    Returns
    -------
    list of int
        1-based.

    Raises
    ------
    InputError
    """
    indices = []
    count, where_count = None, None
    for k, line in enumerate(read_lines(path), 1):
        where = f"{path}:{k}"
        for item in line.split():
            value = integer(item, where, "an index" if count is not None else "the number of minima")
            if count is None:
                if value < 0:
                    raise InputError(f"{where}: the number of minima cannot be negative, found {value}")
                count, where_count = value, where
                continue
            if value < 1 or (n_minima is not None and value > n_minima):
                limit = "1 or more" if n_minima is None else f"between 1 and {n_minima}"
                raise InputError(f"{where}: the number of a minimum must be {limit}, found {value}")
            indices.append(value)
    if count is None:
        raise InputError(f"{path}:1: the file is empty; expected the number of minima, then one index per line")
    if count != len(indices):
        raise InputError(f"{where_count}: {count} minima are announced but {len(indices)} follow")
    return indices


def write(path, indices, width=10):
    """Write a set of minima; `width` is 10 for ``min.A``, 6 for ``min.A.fastest``, 8 for ``min.A.new``."""
    indices = list(indices)
    with atomic_write(path) as file:
        file.write("".join(f"{index:{width}d}\n" for index in [len(indices), *indices]))
