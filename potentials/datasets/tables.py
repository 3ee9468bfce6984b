"""Data sets in comma-separated tables and in NumPy archives."""

import csv
import zipfile
from pathlib import Path

import numpy as np

from common.errors import InputError

#: At most this many problems of one file are listed.
MOST_PROBLEMS = 10


def read_csv(path, n_inputs, start=1, n_classes=None, outcome="first", names=()):
    """Inputs and classes of a table with one item per line; a first line that holds no number names the columns.

    Parameters
    ----------
    path : str or Path
    n_inputs : int
    start : int
        First feature used, counted from 1 among the columns that are not the outcome.
    n_classes : int, optional
    outcome : str
        ``first``, ``last``, or the name of a column. Outcomes are integers from 0, or words, which are numbered in the order of
        the alphabet.
    names : sequence of str
        The words in their order, where they are those of another table (`class_names`): test data need not hold all of them.

    Returns
    -------
    inputs : ndarray of shape (N, n_inputs)
    classes : ndarray of int of shape (N,)

    Raises
    ------
    InputError
        Each problem with file and line.
    """
    path = Path(path)
    header, column, rows = _read_rows(path, outcome)
    width = len(header) or (len(rows[0][1]) if rows else 0)
    features = [k for k in range(width) if k != column][start - 1 : start - 1 + n_inputs]
    if len(features) < n_inputs:
        held = max(width - 1, 0)
        raise InputError(f"{path}: {n_inputs} inputs from feature {start} are wanted, the table has {held} features")
    problems, inputs, words, lines = [], [], [], []
    for line, row in rows:
        if len(row) != width:
            problems.append(f"{path}:{line}: expected {width} columns, found {len(row)}")
        else:
            bad = next((row[k] for k in features if not _is_number(row[k])), None)
            if bad is not None:
                problems.append(f"{path}:{line}: expected finite numbers, found '{bad}'")
            else:
                inputs.append([float(row[k]) for k in features])
                words.append(row[column])
                lines.append(line)
        if len(problems) == MOST_PROBLEMS:
            problems.append(f"{path}: more problems follow")
            break
    if problems:
        raise InputError(problems)
    if not inputs:
        raise InputError(f"{path}: holds no data")
    return np.array(inputs), _classes(path, words, lines, n_classes, names)


def class_names(path, outcome="first"):
    """Names of the classes of a table that `read_csv` reads, in their order; none where the classes are numbers.

    Returns
    -------
    tuple of str
    """
    _, column, rows = _read_rows(Path(path), outcome)
    words = {row[column] for _, row in rows if len(row) > column}
    return () if all(_is_number(word) for word in words) else tuple(sorted(words))


def _read_rows(path, outcome):
    """Line of names or nothing, place of the outcome, and the other lines with their numbers."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = [(reader_line, [cell.strip() for cell in row]) for reader_line, row in _numbered(csv.reader(file)) if row]
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None
    except csv.Error as error:
        raise InputError(f"{path}: not a table: {error}") from None
    except OSError as error:
        reason = (error.strerror or "no such file").lower()
        raise InputError(f"{path}: cannot be read ({reason}); the network needs it") from None
    if not rows:
        raise InputError(f"{path}: holds no data")
    header = rows.pop(0)[1] if not any(_is_number(cell) for cell in rows[0][1]) else []
    width = len(header) or (len(rows[0][1]) if rows else 0)
    if outcome in ("first", "last") and outcome not in header:
        column = 0 if outcome == "first" else width - 1
    elif outcome in header:
        column = header.index(outcome)
    else:
        names = f"its columns are {', '.join(header)}" if header else "the table has no line of names"
        raise InputError(f"{path}: no column {outcome}; {names}")
    return header, column, rows


def _numbered(reader):
    for row in reader:
        yield reader.line_num, row


def _is_number(cell):
    try:
        return np.isfinite(float(cell))
    except ValueError:
        return False


def _classes(path, words, lines, n_classes, names=()):
    if not all(_is_number(word) for word in words):
        unknown = next((k for k, word in enumerate(words) if names and word not in names), None)
        if unknown is not None:
            shown = ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
            raise InputError(f"{path}:{lines[unknown]}: the training data have no outcome {words[unknown]}; they have {shown}")
        names = list(names) or sorted(set(words))
        if n_classes is not None and len(names) > n_classes:
            shown = ", ".join(names[:5])
            raise InputError(f"{path}: {len(names)} different outcomes ({shown} ...), the network has {n_classes}")
        return np.array([names.index(word) for word in words])
    values = np.array([float(word) for word in words])
    bad = (values < 0) | (values % 1 != 0) | (values >= (np.inf if n_classes is None else n_classes))
    if bad.any():
        k = int(np.argmax(bad))
        bound = "from 0" if n_classes is None else f"between 0 and {n_classes - 1}"
        raise InputError(f"{path}:{lines[k]}: the outcome must be an integer {bound}, found {words[k]}")
    return values.astype(np.intp)


def read_npz(path, n_inputs, n_classes=None):
    """Arrays ``inputs`` (or ``X``) and ``classes`` (or ``y``) of a NumPy archive, and its test arrays where it has them.

    Parameters
    ----------
    path : str or Path
    n_inputs : int
    n_classes : int, optional

    Returns
    -------
    inputs, classes, test_inputs, test_classes : ndarray or None
        Shapes (N, n_inputs) and (N,); the last two, ``test_inputs`` and ``test_classes`` (or ``X_test``, ``y_test``), are None
        where the archive has none.

    Raises
    ------
    InputError
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or 'damaged').lower()}); the network needs it") from None
    except (ValueError, zipfile.BadZipFile, EOFError, AttributeError):
        raise InputError(f"{path}: not a NumPy archive of plain arrays; write it with numpy.savez") from None
    found = []
    for names in (("inputs", "X"), ("classes", "y"), ("test_inputs", "X_test"), ("test_classes", "y_test")):
        found.append(next((arrays[name] for name in names if name in arrays), None))
    if found[0] is None or found[1] is None:
        raise InputError(f"{path}: needs arrays inputs and classes; it holds {', '.join(arrays) or 'nothing'}")
    if (found[2] is None) != (found[3] is None):
        raise InputError(f"{path}: test_inputs and test_classes go together")
    result = []
    for inputs, classes, prefix in ((found[0], found[1], ""), (found[2], found[3], "test_")):
        if inputs is None:
            result += [None, None]
            continue
        inputs = inputs.reshape(len(inputs), -1) if inputs.ndim > 2 else inputs
        if inputs.ndim != 2 or inputs.shape[1] != n_inputs or classes.shape != (len(inputs),) or not len(inputs):
            raise InputError(
                f"{path}: {prefix}inputs of shape (N, {n_inputs}) and {prefix}classes of shape (N,) are wanted, found "
                f"{inputs.shape} and {classes.shape}"
            )
        try:
            numbers, outcome = inputs.astype(float), classes.astype(float)
        except (ValueError, TypeError):
            raise InputError(f"{path}: {prefix}inputs and {prefix}classes must be numbers") from None
        if not np.isfinite(numbers).all():
            raise InputError(f"{path}: {prefix}inputs must be finite")
        top = np.inf if n_classes is None else n_classes
        if ((outcome < 0) | (outcome % 1 != 0) | (outcome >= top)).any():
            bound = "" if n_classes is None else f" to {top - 1}"
            raise InputError(f"{path}: {prefix}classes must be integers from 0{bound}")
        result += [numbers, outcome.astype(np.intp)]
    return tuple(result)
