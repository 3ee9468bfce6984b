"""The data file of the classic network keywords, MLPdata.

One line per data item. Layout ``"first"`` (MLPVB3 and newer programs): the outcome, counted from 0, then the features. Layout
``"last"`` (MLP3 of older programs): the features, then the outcome.
"""

import warnings
from pathlib import Path

import numpy as np

from common.errors import InputError

#: At most this many problems of one file are listed.
MOST_PROBLEMS = 10


def read_data(path, n_inputs, start=1, n_items=None, n_classes=None, layout="first"):
    """Read inputs and classes.

    Parameters
    ----------
    path : str or Path
    n_inputs : int
    start : int
        First feature used, counted from 1; features start to start + n_inputs - 1 are the inputs.
    n_items : int, optional
        Read this many items (the rest of the file is left alone); all by default.
    n_classes : int, optional
        Outcomes must lie between 0 and n_classes - 1.
    layout : {"first", "last"}
        Where the outcome stands. With "last" every line has exactly start - 1 + n_inputs features.

    Returns
    -------
    inputs : ndarray of shape (N, n_inputs)
    classes : ndarray of int of shape (N,)

    Raises
    ------
    InputError
        File missing, too few items, or lines with too few columns, a word that is no number, or a bad outcome: each with file
        and line.
    """
    path = Path(path)
    columns = start + n_inputs
    try:
        with warnings.catch_warnings():
            # blank lines and an empty file, of which the checks below take care
            warnings.simplefilter("ignore", UserWarning)
            table = np.loadtxt(path, comments=None, ndmin=2, max_rows=n_items)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or 'no such file'}); the network needs it") from None
    except ValueError:
        table = _read_carefully(path, n_items, columns, n_classes, layout)
    if not _fits(table, n_items, columns, n_classes, layout):
        table = _read_carefully(path, n_items, columns, n_classes, layout)
    outcome = table[:, 0] if layout == "first" else table[:, columns - 1]
    first = start if layout == "first" else start - 1
    return np.ascontiguousarray(table[:, first : first + n_inputs]), outcome.astype(np.intp)


def _fits(table, n_items, columns, n_classes, layout):
    """Whether a table read in one go is free of problems."""
    if table.shape[0] == 0 or (n_items is not None and table.shape[0] < n_items):
        return False
    if table.shape[1] < columns or (layout == "last" and table.shape[1] != columns):
        return False
    outcome = table[:, 0] if layout == "first" else table[:, columns - 1]
    top = np.inf if n_classes is None else n_classes - 1
    return bool(np.isfinite(table).all() and (outcome >= 0).all() and (outcome <= top).all() and (outcome % 1 == 0).all())


def _read_carefully(path, n_items, columns, n_classes, layout):
    """The table read line by line, with every form of number that Fortran reads; all problems are reported."""
    from common.fortran_numbers import read_real

    problems, rows = [], []
    exactly = "exactly" if layout == "last" else "at least"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or 'no such file'}); the network needs it") from None
    for number, line in enumerate(lines, start=1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        if n_items is not None and len(rows) == n_items:
            break
        where = f"{path}:{number}"
        values = []
        for word in words[: columns if layout == "first" else None]:
            try:
                values.append(read_real(word))
            except ValueError:
                found = f"'{word}'" if word.isprintable() and "\ufffd" not in word else "bytes that are no text"
                problems.append(f"{where}: expected a finite number, found {found}")
                values.append(0.0)
        if len(values) < columns or (layout == "last" and len(values) != columns):
            problems.append(f"{where}: expected {exactly} {columns} columns ({_describe(columns, layout)}), found {len(words)}")
            values = (values + [0.0] * columns)[:columns]
        elif not np.isfinite(values).all():
            problems.append(f"{where}: numbers must be finite")
        else:
            outcome = values[0 if layout == "first" else columns - 1]
            if outcome != int(outcome) or outcome < 0 or (n_classes is not None and outcome >= n_classes):
                most = "" if n_classes is None else f" and {n_classes - 1}"
                bound = f"between 0{most}" if most else "not negative"
                problems.append(f"{where}: the outcome must be an integer {bound}, found {outcome:g}")
        rows.append(values)
        if len(problems) >= MOST_PROBLEMS:
            problems.append(f"{path}: more problems follow")
            break
    if not problems and not rows:
        problems.append(f"{path}: holds no data")
    if not problems and n_items is not None and len(rows) < n_items:
        problems.append(f"{path}: {n_items} data items are wanted, the file holds {len(rows)}")
    if problems:
        raise InputError(problems)
    return np.array(rows)


def _describe(columns, layout):
    if layout == "first":
        return f"the outcome, then features to number {columns - 1}"
    return f"{columns - 1} features, then the outcome"


def write_data(path, inputs, classes, layout="first"):
    """Write inputs of shape (N, n_inputs) and classes of shape (N,); numbers read back to the same bits.

    Parameters
    ----------
    path : str or Path
    inputs : array_like of shape (N, n_inputs)
    classes : array_like of int of shape (N,)
    layout : {"first", "last"}
    """
    from common.atomic import atomic_write

    inputs = np.asarray(inputs, dtype=float)
    lines = []
    for outcome, features in zip(np.asarray(classes).tolist(), inputs.tolist()):
        text = " ".join(map(repr, features))
        lines.append(f"{outcome} {text}\n" if layout == "first" else f"{text} {outcome}\n")
    with atomic_write(path) as file:
        file.writelines(lines)
