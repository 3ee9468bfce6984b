"""The graph as a Matplotlib Axes, for those who compose figures themselves."""

import numpy as np

from disconnect import colours
from disconnect.automatic import choose_levels
from disconnect.insets import draw_insets, read_insets
from disconnect.layout import classic_layout
from disconnect.network import Network, network
from disconnect.picture import Style, add_key, draw_tree
from disconnect.selection import choose_connect_minimum, choose_drawn, connected_part
from disconnect.sources import read_database
from disconnect.superbasins import Levels, superbasins


def disconnectivity_graph(
    source,
    axes=None,
    *,
    levels=None,
    colour=None,
    colour_map=None,
    colour_range=None,
    rule="MAX",
    categories=False,
    width=None,
    key=True,
    axis_label="energy",
    scale_bar=None,
    centre=True,
    lowest=None,
    max_ts_energy=np.inf,
    line_width=None,
    insets=(),
):
    """Draw a disconnectivity graph and return its Axes.

    Parameters
    ----------
    source : str, Path, disconnect.network.Network or tuple
        A ``landscape.db``, a network, or the arrays (energies, ts_energies, plus, minus) with minima counted from 1.
    axes : matplotlib.axes.Axes or None
        Where to draw; None for a new figure.
    levels : tuple (first, delta, n) or None
        Highest energy, spacing and number of levels; None to choose them.
    colour : str, array_like of shape (n_minima,) or None
        Property of the database, or one value per minimum, to colour by.
    colour_map : str or None
        Of Matplotlib.
    colour_range : tuple of two floats or None
    rule : {"MAX", "MIN", "MEAN", "LOWEST", "NONE"}
        Value of a branch with several minima.
    categories : bool
        The values are kinds, each with its own colour.
    width : str, array_like of shape (n_minima,) or None
        Property that sets the line width.
    key : bool
        Add a colour bar or a legend.
    axis_label : str
    scale_bar : float or None
        Draw a bar of this energy instead of the axis.
    centre : bool
        Put the lowest minimum in the middle of its siblings.
    lowest : int or None
        Draw only that many lowest minima.
    max_ts_energy : float
    line_width : float or None
        Points.
    insets : sequence of int or (int, str)
        Numbers of minima whose structures, or images in files, are placed below the graph.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InputError
        There is nothing to draw.
    """
    if isinstance(source, Network):
        points = source
    elif isinstance(source, tuple):
        points = network(*source)
    else:
        points = read_database(source)
    selection = connected_part(points, max_ts_energy=max_ts_energy)
    if not selection.minima[points.global_minimum]:
        target = choose_connect_minimum(points, max_ts_energy=max_ts_energy)
        selection = connected_part(points, max_ts_energy=max_ts_energy, connect_to=target)
    if levels is None:
        levels, limit = choose_levels(points, selection)
        if np.isfinite(limit):
            selection = connected_part(points, max_ts_energy=limit)
    else:
        levels = Levels(*levels)
    selection = selection.with_drawn(choose_drawn(points, selection, lowest=lowest))
    tree = superbasins(points, selection, levels)
    layout = classic_layout(tree, points.global_minimum if centre else None)
    colouring = _colouring(points, tree, colour, colour_map, colour_range, rule, categories)
    widths = None
    if width is not None:
        widths = colours.widths_by(tree, _values(points, width)[0], 0.3, 2.5, rule)
    if axes is None:
        import matplotlib.pyplot as plt

        _, axes = plt.subplots(figsize=Style.size, layout="constrained")
    draw_tree(axes, layout, colouring, widths, Style(axis_label=axis_label, scale_bar=scale_bar, line_width=line_width))
    if key and colouring is not None:
        add_key(axes.figure, axes, colouring)
    if insets:
        wanted = [item if isinstance(item, tuple) else (item, None) for item in insets]
        draw_insets(axes, layout, read_insets(points, wanted))
    return axes


def _values(points, name):
    """Values per minimum, and what to call them."""
    if isinstance(name, str):
        return points.property(name), name
    values = np.asarray(name, dtype=np.float64)
    if values.shape != (points.n_minima,):
        raise ValueError(f"values of shape {values.shape} for {points.n_minima} minima")
    return values, ""


def _colouring(points, tree, colour, colour_map, colour_range, rule, categories):
    if colour is None:
        return None
    values, label = _values(points, colour)
    if categories:
        return colours.by_kind(tree, values, label, colour_map=colour_map)
    low, high = colour_range or (None, None)
    return colours.by_value(tree, values, label, colour_map, low, high, rule)
