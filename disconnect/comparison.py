"""Graphs of several databases side by side on one energy axis.

Figs 6 to 8 of Chitturi et al., Perspective: new insights from loss function landscapes of neural networks (2020), are of this
kind.
"""

import numpy as np

from disconnect.automatic import WANTED_LEVELS, choose_levels, round_spacing
from disconnect.colours import by_value
from disconnect.layout import classic_layout
from disconnect.picture import HEIGHT, PUBLICATION, WIDTH, Style, add_key, draw_tree
from disconnect.selection import choose_connect_minimum, connected_part
from disconnect.superbasins import Levels, superbasins


def common_levels(networks, levels=None):
    """Levels for all networks, and the part of each that is drawn.

    Parameters
    ----------
    networks : list of disconnect.network.Network
    levels : Levels or None
        None to choose them: from the highest to the lowest of the levels that suit each network alone.

    Returns
    -------
    levels : Levels
    selections : list of disconnect.selection.Selection
    """
    selections, highest, lowest = [], -np.inf, np.inf
    for network in networks:
        selection = connected_part(network)
        if not selection.minima[network.global_minimum]:
            selection = connected_part(network, connect_to=choose_connect_minimum(network))
        if levels is None:
            alone, limit = choose_levels(network, selection)
            if np.isfinite(limit):
                selection = connected_part(network, max_ts_energy=limit)
                alone, _ = choose_levels(network, selection)
            highest, lowest = max(highest, alone.first), min(lowest, float(network.energies[selection.minima].min()))
        selections.append(selection)
    if levels is None:
        delta = round_spacing((highest - lowest) / (WANTED_LEVELS - 1))
        first = np.ceil(highest / delta - 1e-9) * delta
        levels = Levels(float(first), delta, int(np.floor((first - lowest) / delta + 1e-9)) + 2)
    return levels, selections


def compare(
    networks, titles, levels=None, colour=None, colour_map=None, colour_range=None, rule="MAX", axis_label="energy", centre=True
):  # fmt: skip
    """A figure with one panel per network, all on one energy axis and one colour scale.

    Parameters
    ----------
    networks : list of disconnect.network.Network
    titles : list of str
    levels : Levels or None
    colour : str or None
        Property that all databases have.
    colour_map : str or None
    colour_range : tuple of two floats or None
        None for the range over all networks.
    rule : str
        As in `disconnect.colours.node_values`.
    axis_label : str
    centre : bool
        Put the lowest minimum of each in the middle of its siblings.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    levels, selections = common_levels(networks, levels)
    trees = [superbasins(network, selection, levels) for network, selection in zip(networks, selections)]
    values = [None if colour is None else network.property(colour) for network in networks]
    if colour is not None and colour_range is None:
        shown = np.concatenate([v[t.attach >= 0] for v, t in zip(values, trees)])
        shown = shown[np.isfinite(shown)]
        colour_range = (float(shown.min()), float(shown.max())) if shown.size and shown.min() < shown.max() else (None, None)
    figure = Figure(figsize=(min(0.72 * WIDTH * len(networks), 12.0), HEIGHT), layout="constrained")
    panels = figure.subplots(1, len(networks), sharey=True, squeeze=False)[0]
    low, high, colouring = np.inf, -np.inf, None
    for k, (network, tree, axes) in enumerate(zip(networks, trees, panels)):
        layout = classic_layout(tree, network.global_minimum if centre else None)
        if colour is not None:
            colouring = by_value(tree, values[k], colour, colour_map, *colour_range, rule)
        draw_tree(axes, layout, colouring, style=Style(axis_label=axis_label if k == 0 else ""))
        low, high = min(low, axes.get_ylim()[0]), max(high, axes.get_ylim()[1])
        axes.set_title(titles[k], fontsize="medium")
        if k:
            axes.spines["left"].set_visible(False)
            axes.tick_params(left=False, labelleft=False)
    panels[0].set_ylim(low, high)
    if colouring is not None:
        add_key(figure, list(panels), colouring)
    return figure


def save_comparison(path, networks, titles, **options):
    """Write the figure of `compare` as .pdf, .png or .svg; the same input gives the same bytes."""
    import matplotlib

    from common.atomic import atomic_write

    kind = str(path).rsplit(".", 1)[-1].lower()
    with matplotlib.rc_context(PUBLICATION):
        figure = compare(networks, titles, **options)
        metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind, {})
        with atomic_write(path, "wb", durable=False) as file:
            figure.savefig(file, format=kind, metadata=metadata, bbox_inches="tight", pad_inches=0.03)
