"""Colours and widths of branches, from sets of minima, from an order parameter, or from any property."""

from dataclasses import dataclass, field

import numpy as np

#: Sets 1 to 4 of TRMIN in the classic program.
SET_COLOURS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1))
#: Sets 1 to 9 with CHOOSECOLOURS.
CHOSEN_COLOURS = (
    (0.6706, 0.8549, 0.8824), (0.8824, 0.7843, 0.3412), (0.3451, 0.2078, 0.3682), (0.9255, 0.0431, 0.2627),
    (0.9569, 0.5686, 0.2157), (0.3098, 0.4902, 0.4196), (0.7765, 0.9255, 0.6824), (0.1333, 0.4549, 0.6471),
    (0.5020, 0.5020, 0.5020),
)  # fmt: skip
#: Perceptually uniform: equal steps of the value look like equal steps of colour, and it survives printing in grey.
DEFAULT_MAP = "viridis"
#: Distinguishable kinds.
KIND_COLOURS = (
    (0.122, 0.467, 0.706), (1.0, 0.498, 0.055), (0.173, 0.627, 0.173), (0.839, 0.153, 0.157), (0.580, 0.404, 0.741),
    (0.549, 0.337, 0.294), (0.890, 0.467, 0.761), (0.498, 0.498, 0.498), (0.737, 0.741, 0.133), (0.090, 0.745, 0.812),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Colouring:
    """Colours of the nodes of a tree.

    Attributes
    ----------
    rgb : ndarray of float, shape (n_nodes, 3)
        NaN for nodes that stay black.
    label : str
        What the colours mean.
    map : str or None
        Colour map of a continuous scale; None for kinds.
    low, high : float
        Values at its ends.
    kinds : list of (str, tuple)
        Name and colour of each kind, for the legend.
    values : ndarray or None, shape (n_nodes,)
        What was coloured, NaN where nothing is known.
    classic : bool
        Whether tree.ps has it in the original too.
    """

    rgb: np.ndarray
    label: str = ""
    map: str | None = None
    low: float = 0.0
    high: float = 1.0
    kinds: list = field(default_factory=list)
    values: np.ndarray | None = None
    classic: bool = False


def set_colour(number, n_sets, chosen=False):
    """Colour of set `number` (from 1) of `n_sets`: fixed ones, or a rainbow from red to purple for more than four."""
    if chosen:
        return CHOSEN_COLOURS[(number - 1) % len(CHOSEN_COLOURS)]
    if n_sets <= len(SET_COLOURS):
        return SET_COLOURS[number - 1]
    r = 10.0 * number / n_sets
    if r <= 1:
        return (1.0, 0.0, (1 - r) / 2)
    if r <= 3:
        return (1.0, (r - 1) / 2, 0.0)
    if r <= 5:
        return ((5 - r) / 2, 1.0, 0.0)
    if r <= 7:
        return (0.0, 1.0, (r - 5) / 2)
    if r <= 9:
        return (0.0, (9 - r) / 2, 1.0)
    return ((r - 9) / 2, 0.0, 1.0)


def by_sets(tree, marks, names, chosen=False):
    """Colour by sets of minima (TRMIN): a node is coloured when all its minima are in sets, the highest set winning.

    Parameters
    ----------
    tree : disconnect.superbasins.Tree
    marks : ndarray of int, shape (n_minima,)
        Set of each minimum, from 1; 0 for none.
    names : list of str
    chosen : bool
        The nine colours of CHOOSECOLOURS.

    Returns
    -------
    Colouring
        ``values`` holds the set of each node, 0 for none.
    """
    marked = tree.accumulate(marks, np.minimum) > 0
    number = np.where(marked, tree.accumulate(marks, np.maximum), 0).astype(int)
    palette = np.array([(np.nan,) * 3] + [set_colour(k, len(names), chosen) for k in range(1, len(names) + 1)], dtype=float)
    kinds = [(name, tuple(palette[k])) for k, name in enumerate(names, 1) if (number == k).any()]
    return Colouring(rgb=palette[number], kinds=kinds, values=number, classic=True)


def order_parameter_rgb(values):
    """The classic ramp of TRVAL, red - yellow - green - cyan - blue with darkened middle, for values from 0 to 1.

    Parameters
    ----------
    values : ndarray, shape (n,)

    Returns
    -------
    ndarray, shape (n, 3)
    """
    r = 3.0 * np.clip(values, 0.0, 1.0)
    zero = np.zeros_like(r)
    half = np.full_like(r, 0.5)
    pieces = [
        (r < 1.0, ((2.67 - r) / 2.67, r / 2.0, zero)),
        ((r >= 1.0) & (r < 1.5), (0.625 - (r - 1.0) * 1.25, half, zero)),
        ((r >= 1.5) & (r < 2.0), (zero, half, 0.625 + (r - 2.0) * 1.25)),
        (r >= 2.0, (zero, (3.0 - r) / 2.0, (r - 0.33) / 2.67)),
    ]
    rgb = np.zeros((r.size, 3))
    for where, columns in pieces:
        rgb[where] = np.column_stack(columns)[where]
    return rgb


def by_order_parameter(tree, values, scale=1.0, lower=False):
    """Colour by an order parameter (TRVAL).

    Parameters
    ----------
    tree : disconnect.superbasins.Tree
    values : ndarray, shape (n_minima,)
        In [0, 1] after multiplication by `scale`; -1 where it is missing, which leaves every node above black.
    scale : float
    lower : bool
        The smallest value below a node instead of the largest.

    Returns
    -------
    Colouring
    """
    chosen = tree.accumulate(values, np.minimum if lower else np.maximum)
    missing = np.zeros(values.size)
    missing[values == -1.0] = 1.0
    known = (tree.accumulate(missing, np.maximum) == 0.0) & (chosen >= 0.0)
    rgb = np.full((tree.n_nodes, 3), np.nan)
    rgb[known] = order_parameter_rgb(chosen[known] * scale)
    return Colouring(
        rgb=rgb,
        label="order parameter",
        map="TRVAL",
        low=0.0,
        high=1.0 / scale,
        values=np.where(known, chosen, np.nan),
        classic=True,
    )


def node_values(tree, values, rule="MAX"):
    """Value of a property for every node.

    Parameters
    ----------
    tree : disconnect.superbasins.Tree
    values : ndarray, shape (n_minima,)
        NaN where it is not known; those minima do not count.
    rule : {"MAX", "MIN", "MEAN", "LOWEST", "NONE"}
        Largest, smallest, mean value of the minima below a node, value of the lowest of them, or nothing unless it is a branch
        end.

    Returns
    -------
    ndarray, shape (n_nodes,)
        NaN where nothing is known.
    """
    known = np.isfinite(values)
    if rule in ("LOWEST", "NONE"):
        result = values[tree.lowest].astype(float)
        if rule == "NONE":
            result[~tree.leaves] = np.nan
        return result
    if rule == "MEAN":
        count = tree.accumulate(known.astype(float), np.add)
        total = tree.accumulate(np.where(known, values, 0.0), np.add)
        return np.where(count > 0, total / np.maximum(count, 1.0), np.nan)
    worst = -np.inf if rule == "MAX" else np.inf
    result = tree.accumulate(np.where(known, values, worst), np.maximum if rule == "MAX" else np.minimum)
    return np.where(np.isfinite(result), result, np.nan)


def by_value(tree, values, label, colour_map=None, low=None, high=None, rule="MAX"):
    """Colour by a property on a continuous scale (COLOURBY).

    Parameters
    ----------
    tree : disconnect.superbasins.Tree
    values : ndarray, shape (n_minima,)
    label : str
    colour_map : str or None
        Name in Matplotlib.
    low, high : float or None
        Ends of the scale; None for the range of the drawn minima.
    rule : str
        As in `node_values`.

    Returns
    -------
    Colouring

    Raises
    ------
    ValueError
        There is no such colour map.
    """
    import matplotlib

    found = node_values(tree, values, rule)
    shown = values[(tree.attach >= 0) & np.isfinite(values)]
    if low is None:
        low = float(shown.min()) if shown.size else 0.0
    if high is None:
        high = float(shown.max()) if shown.size else 1.0
    if low == high:
        # One value: the scale must still have two ends.
        low, high = low - 0.5 * max(abs(low), 1e-6) * 1e-3, high + 0.5 * max(abs(high), 1e-6) * 1e-3
    name = colour_map or DEFAULT_MAP
    try:
        scale = matplotlib.colormaps[name]
    except KeyError:
        import difflib

        close = difflib.get_close_matches(name, list(matplotlib.colormaps), n=1)
        hint = f"; did you mean {close[0]}?" if close else "; try viridis, cividis, plasma or coolwarm"
        raise ValueError(f"there is no colour map '{name}'{hint}") from None
    rgb = np.full((tree.n_nodes, 3), np.nan)
    known = np.isfinite(found)
    # 256 steps are all that a colour map has, and few colours keep large pictures small.
    step = np.clip(np.floor((found[known] - low) / (high - low) * 256.0), 0, 255).astype(int)
    rgb[known] = scale(step / 255.0)[:, :3]
    return Colouring(rgb=rgb, label=label, map=name, low=low, high=high, values=found)


def by_kind(tree, values, label, names=(), colour_map=None):
    """Colour by kinds (CATEGORIES): a node is coloured when all its minima with a known kind have the same one.

    Parameters
    ----------
    tree : disconnect.superbasins.Tree
    values : ndarray, shape (n_minima,)
        One number per kind.
    label : str
    names : sequence of str
        Names of the kinds in ascending order of their numbers.
    colour_map : str or None
        Take the colours from this map of Matplotlib, evenly spaced.

    Returns
    -------
    Colouring
    """
    low = node_values(tree, values, "MIN")
    high = node_values(tree, values, "MAX")
    known = np.isfinite(low) & (low == high)
    kinds = np.unique(values[(tree.attach >= 0) & np.isfinite(values)])
    if colour_map is None:
        colours = [KIND_COLOURS[k % len(KIND_COLOURS)] for k in range(kinds.size)]
    else:
        import matplotlib

        if colour_map not in matplotlib.colormaps:
            raise ValueError(f"there is no colour map '{colour_map}'; try tab10, Set2 or viridis")
        chosen = matplotlib.colormaps[colour_map]
        if getattr(chosen, "N", 256) < 256:
            colours = [chosen(k % chosen.N)[:3] for k in range(kinds.size)]
        else:
            colours = [chosen(k / max(kinds.size - 1, 1))[:3] for k in range(kinds.size)]
    rgb = np.full((tree.n_nodes, 3), np.nan)
    if kinds.size:
        rgb[known] = np.array(colours)[np.searchsorted(kinds, low[known])]
    titles = [names[k] if k < len(names) else f"{kind:g}" for k, kind in enumerate(kinds)]
    return Colouring(rgb=rgb, label=label, kinds=list(zip(titles, colours)), values=np.where(known, low, np.nan))


def widths_by(tree, values, thin, thick, rule="MAX"):
    """Width of every node's line in points, linear in a property (WIDTHBY); `thin` where it is not known."""
    found = node_values(tree, values, rule)
    known = np.isfinite(found)
    widths = np.full(tree.n_nodes, thin)
    if known.any():
        low, high = found[known].min(), found[known].max()
        fraction = (found[known] - low) / (high - low) if high > low else np.ones(known.sum())
        # A few distinct widths keep large pictures small.
        widths[known] = thin + (thick - thin) * np.rint(fraction * 15) / 15
    return widths
