"""What files and the database say about single minima: sets, order parameters, properties, weights of the levels."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.errors import InputError
from disconnect.options import minimum_list, value_list
from disconnect.sources import read_values


@dataclass(eq=False)
class Additions:
    """Everything beyond energies, read before the work starts so that no problem shows up after it.

    Attributes
    ----------
    pick : sequence of int
        Numbers of PICK, negative for minima to leave out.
    marks : ndarray of int or None, shape (n_minima,)
        Set of TRMIN, 0 for none.
    values : ndarray or None, shape (n_minima,)
        What colours the branches (TRVAL or COLOURBY).
    label : str
        What the values are called.
    widths : ndarray or None, shape (n_minima,)
        What sets the line widths (WIDTHBY).
    order_parameter, outside : ndarray or None, shape (n_minima,)
        Of METRIC, and whether a minimum lies off its axis.
    weights : tuple of ndarray or None
        Upper ends of the bins of WEIGHTS, and their weights.
    insets : list of disconnect.insets.Inset
    """

    pick: object = ()
    marks: np.ndarray | None = None
    values: np.ndarray | None = None
    label: str = ""
    widths: np.ndarray | None = None
    order_parameter: np.ndarray | None = None
    outside: np.ndarray | None = None
    weights: tuple | None = None
    insets: list = field(default_factory=list)


def read_additions(network, options):
    """Read what the options name.

    Raises
    ------
    InputError
        A file cannot be read or does not fit the network; a property does not exist.
    """
    settings, value = options.settings, options.value
    n = network.n_minima
    found = Additions()
    for k, line in enumerate(settings.all("IDMIN")):
        if line.minimum > n:
            settings.error("IDMIN", f"there are {n} minima", k)
    settings.finish()
    if settings.given("PICK"):
        found.pick = minimum_list(value("PICK", "file"), n, signed=True).tolist()
    if settings.given("TRMIN"):
        found.marks = _read_sets(settings["TRMIN"], n)
    if settings.given("TRVAL"):
        print("Minima will be traced in colour according to values of an order parameter")
        found.values = value_list(value("TRVAL", "file"), n, settings["TRVAL"].minima)
    elif options.colour:
        found.values, found.label = property_or_file(network, options.colour)
        if not np.isfinite(found.values).any():
            raise InputError(f"{options.colour}: not one minimum has a value; nothing can be coloured")
    if settings.given("METRIC"):
        print("Minima will be located according to values of an order parameter")
        _read_metric(found, settings, n)
    if settings.given("WIDTHBY"):
        found.widths, _ = property_or_file(network, value("WIDTHBY", "name"))
    if settings.given("WEIGHTS"):
        found.weights = _read_weights(value("WEIGHTS", "file"))
    if options.insets:
        from disconnect.insets import read_insets

        found.insets = read_insets(network, options.insets)
    return found


def property_or_file(network, name):
    """Values of a property of the database, or of a file, and what to call them: (ndarray of shape (n_minima,), str)."""
    if Path(name).is_file():
        values, heading = read_values(name, network.n_minima)
        return values, heading or Path(name).stem
    return network.property(name), name


def _read_sets(line, n):
    marks = np.zeros(n, dtype=int)
    print(f"{line.sets:6d} set{'' if line.sets == 1 else 's'} of minima will be traced in colour")
    for k, name in enumerate(line.files[: line.sets], 1):
        members = minimum_list(name, n)
        marks[members - 1] = k
        print(f"Colour {k:2d}: {members.size:6d} minima read in from {name}.")
    return marks


def _read_metric(found, settings, n):
    found.order_parameter = value_list(settings["METRIC"].file, n, settings["METRIC"].minima)
    low, high = 0.0, 1.0
    if settings.given("SETAXIS"):
        low, high = max(low, settings["SETAXIS"].low), min(high, settings["SETAXIS"].high)
    found.outside = (found.order_parameter < low) | (found.order_parameter > high)
    for k, line in enumerate(settings.all("IDMIN")):
        if found.outside[line.minimum - 1]:
            settings.error("IDMIN", f"its order parameter is not between {low:g} and {high:g}, it has no place on the axis", k)
    settings.finish()


def _read_weights(path):
    """Upper end and weight of each bin: lines ``bin Vmin Vmax weight``."""
    from common.fortran_numbers import read_real

    try:
        text = Path(path).read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append([read_real(word) for word in line.split()[2:4]])
            if len(rows[-1]) != 2:
                raise ValueError
        except ValueError:
            raise InputError(f"{path}:{number}: expected four numbers: bin, Vmin, Vmax, weight") from None
    if not rows:
        raise InputError(f"{path}: there are no weights in it")
    table = np.array(rows)
    return table[:, 0], table[:, 1]


def level_log_weights(weights, levels, name):
    """Logarithm of the summed weight of the bins below each level, shifted so that the smallest is 1.

    Parameters
    ----------
    weights : tuple of ndarray
        Upper ends of the bins and their weights.
    levels : disconnect.superbasins.Levels
    name : str
        Of the file, for messages.

    Returns
    -------
    ndarray, shape (levels.n,)
        0 for levels below all bins.
    """
    upper, weight = weights
    total = np.array([weight[upper < energy].sum() for energy in levels.energies()])
    filled = total > 0.0
    if not filled[0]:
        raise InputError(f"{name}: no bin lies below the highest level, {levels.first:.10g}; weights of all levels are needed")
    result = np.zeros(levels.n)
    result[filled] = np.log(total[filled])
    smallest = result[filled].min()
    # Zero marks an empty level, as in the classic program.
    result[result != 0.0] += 1.0 - smallest
    return result
