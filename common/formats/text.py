"""Reading the lines of a text file, with errors that name file and line."""

from pathlib import Path

from common.errors import InputError
from common.fortran_numbers import read_integer, read_real


def read_lines(path):
    """Lines of a text file without their ends.

    Raises
    ------
    InputError
        The file is missing, or cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="ascii", errors="surrogateescape")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return text.splitlines()


def real(item, where, what):
    """One real number; `where` is ``file:line`` and `what` names it in the error."""
    try:
        return float(item)
    except ValueError:
        pass
    try:
        return read_real(item, special=True)
    except ValueError:
        raise InputError(f"{where}: {what} must be a real number, found '{item}'") from None


def integer(item, where, what):
    """One integer; `where` is ``file:line`` and `what` names it in the error."""
    try:
        value = int(item)
    except ValueError:
        try:
            value = read_integer(item)
            if value != read_real(item):
                raise ValueError
        except ValueError:
            raise InputError(f"{where}: {what} must be an integer, found '{item}'") from None
    if not -(2**63) <= value < 2**63:
        raise InputError(f"{where}: {what} is out of range, found '{item}'")
    return value


def reals(items, where, what):
    """A list of real numbers from one line."""
    try:
        return [float(item) for item in items]
    except ValueError:
        return [real(item, where, what) for item in items]


def read_block(lines, start, count, path, what):
    """`count` numbers that stand three to a line from line index `start` on.

    Returns
    -------
    list of float
    """
    n_lines = -(-count // 3)
    block = lines[start : start + n_lines]
    items = " ".join(block).split()
    if len(items) == count:
        try:
            return [float(item) for item in items]
        except ValueError:
            pass
    # Something is wrong or unusual: find out where.
    numbers = []
    for k, line in enumerate(block):
        where = f"{path}:{start + k + 1}"
        expected = min(3, count - 3 * k)
        items = line.split()
        if len(items) != expected:
            raise InputError(f"{where}: expected {expected} {what}, found {len(items)} items")
        numbers += reals(items, where, what)
    if len(numbers) != count:
        raise InputError(f"{path}:{start + len(block) + 1}: expected {count} {what}, found {len(numbers)} before the file ends")
    return numbers
