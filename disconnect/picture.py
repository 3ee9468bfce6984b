"""The graph with Matplotlib: PDF, PNG and SVG, and an Axes for those who compose figures themselves."""

from dataclasses import dataclass, field

import numpy as np

#: Line segments in one path; the rasteriser is slower with longer ones.
CHUNK = 1000
#: From this number of branches on, lines that no eye can tell apart are drawn once.
MANY = 20000
#: Distinguishable horizontal and vertical positions: a quarter of a pixel in a PNG, a twentieth of a point in a PDF.
GRID = 6000
#: Length of the stem above the highest level, in level spacings.
STEM = 0.6
#: Inches.
WIDTH, HEIGHT = 4.6, 5.6
PUBLICATION = {
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "disconnect",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9.0,
    "axes.linewidth": 0.8,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "ytick.major.size": 3.0,
    "savefig.dpi": 300,
}


@dataclass(frozen=True, eq=False)
class Style:
    """What a picture shows besides the branches.

    Attributes
    ----------
    axis_label : str
    scale_bar : float or None
        Length of a bar, in energy, instead of the axis.
    bar_label : str or None
        Words beside the bar; its length when None.
    labels : list of (float, float, str, str, bool)
        Horizontal position, energy, text and colour of each label, and whether it goes beside the point or below it.
    label_size : float
        Points.
    line_width : float or None
        Points; None for a width that suits the number of branches.
    size : tuple of float
        Inches.
    """

    axis_label: str = "energy"
    scale_bar: float | None = None
    bar_label: str | None = None
    labels: list = field(default_factory=list)
    label_size: float = 8.0
    line_width: float | None = None
    size: tuple = (WIDTH, HEIGHT)


def polylines(layout):
    """Three corners for each branch: its parent, one level below, its own end.

    Returns
    -------
    x, energy : ndarray of float, shape (n_nodes, 3)
    """
    tree = layout.tree
    levels = tree.levels
    energy_of = np.concatenate([[levels.first + STEM * levels.delta], levels.energies()])
    parent = np.where(tree.parent >= 0, tree.parent, np.arange(tree.n_nodes))
    x = np.column_stack([layout.x[parent], layout.x, layout.x])
    energy = np.column_stack([energy_of[tree.top - 1], energy_of[tree.top], energy_of[tree.bottom]])
    leaves = tree.leaves
    energy[leaves, 2] = layout.end_energy[leaves]
    short = leaves & (tree.top == tree.bottom)
    x[short, 1:] = layout.end_x[short, None]
    energy[short, 1] = energy[short, 2]
    return x, energy


def draw_tree(axes, layout, colouring=None, widths=None, style=None, scale=None):
    """Draw the branches into a Matplotlib Axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    layout : disconnect.layout.Layout
    colouring : disconnect.colours.Colouring or None
    widths : ndarray or None, shape (n_nodes,)
        Points.
    style : Style or None
    scale : callable or None
        From `disconnect.layout.weighted_layout`.

    Returns
    -------
    matplotlib.axes.Axes
        The same, with energy on its vertical axis and 0 … 1 on its horizontal one.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    style = style or Style()
    tree = layout.tree
    if scale is None:
        x, energy = polylines(layout)
        node = np.arange(tree.n_nodes)
    else:
        from disconnect.layout import segments

        parts = segments(layout, scale)
        x1, energy1, x2, energy2 = parts.lines(np.copy, lambda depth: tree.levels.first - depth * tree.levels.delta)
        x, energy = np.column_stack([x1, x2]), np.column_stack([energy1, energy2])
        node = parts.node
    width = style.line_width or default_line_width(tree)
    line_widths = np.full(tree.n_nodes, width) if widths is None else widths
    for members, rgb, line_width in _groups(tree, node, colouring, line_widths):
        vertices = np.stack([x[members], energy[members]], axis=2)
        if tree.n_nodes > MANY:
            vertices = coalesce(vertices, tree.levels)
        corners = vertices.shape[1]
        codes = np.array([Path.MOVETO] + [Path.LINETO] * (corners - 1), dtype=Path.code_type)
        for begin in range(0, len(vertices), CHUNK):
            part = vertices[begin : begin + CHUNK]
            path = Path(part.reshape(-1, 2), np.tile(codes, len(part)))
            axes.add_artist(
                PathPatch(path, fill=False, edgecolor=rgb, linewidth=line_width, capstyle="butt", joinstyle="round")
            )  # fmt: skip
    low = float(np.nanmin(layout.end_energy))
    high = tree.levels.first + STEM * tree.levels.delta
    axes.set_ylim(low - 0.02 * (high - low), high + 0.01 * (high - low))
    _frame(axes, layout, style)
    for label_x, label_energy, text, colour, beside in style.labels:
        offset, across, upright = ((2, 0), "left", "bottom") if beside else ((0, -2), "center", "top")
        axes.annotate(
            text, (label_x, label_energy), xytext=offset, textcoords="offset points", ha=across, va=upright, color=colour,
            fontsize=style.label_size, annotation_clip=False,
        )  # fmt: skip
    return axes


def coalesce(vertices, levels):
    """Join lines that coincide to within the grid, so that the size of a picture does not grow with that of the database.

    Parameters
    ----------
    vertices : ndarray, shape (n, corners, 2)
        Corners (x, energy) of lines of one colour and width, x from 0 to 1.
    levels : disconnect.superbasins.Levels
        For the height of the picture.

    Returns
    -------
    ndarray, shape (k, 2, 2)
        Vertical lines, one for each union of overlapping ones, and distinct sloping lines.
    """
    lines = np.concatenate([vertices[:, k : k + 2] for k in range(vertices.shape[1] - 1)])
    height = (levels.n - 1) * levels.delta
    column = np.rint(lines[:, :, 0] * GRID).astype(np.int64)
    row = np.rint((levels.first - lines[:, :, 1]) / height * GRID).astype(np.int64)
    upright = column[:, 0] == column[:, 1]
    # Unions of intervals, column by column: an interval opens a new union when it starts below all that came before it.
    top, bottom = row[upright].min(axis=1), row[upright].max(axis=1)
    place = column[upright, 0]
    order = np.lexsort((top, place))
    top, bottom, place = top[order], bottom[order], place[order]
    far = int(row.max() + 2) if row.size else 1
    reached = np.maximum.accumulate(bottom + place * far)
    opens = np.ones(place.size, dtype=bool)
    opens[1:] = top[1:] + place[1:] * far > reached[:-1]
    starts = np.flatnonzero(opens)
    ends = np.append(starts[1:], place.size) - 1
    unions = np.empty((starts.size, 2, 2))
    unions[:, :, 0] = place[starts, None] / GRID
    unions[:, 0, 1] = top[starts]
    unions[:, 1, 1] = (reached - place * far)[ends]
    unions = unions[unions[:, 0, 1] < unions[:, 1, 1]]
    sloping = np.unique(np.concatenate([column[~upright], row[~upright]], axis=1), axis=0)
    slopes = np.empty((len(sloping), 2, 2))
    slopes[:, :, 0] = sloping[:, :2] / GRID
    slopes[:, :, 1] = sloping[:, 2:]
    result = np.concatenate([unions, slopes])
    result[:, :, 1] = levels.first - result[:, :, 1] * height / GRID
    return result


def default_line_width(tree):
    """Points: thinner for more branches."""
    ends = int(tree.leaves.sum())
    return float(np.interp(np.log10(max(ends, 1)), [1.5, 3.0, 4.0, 5.0], [1.1, 0.6, 0.3, 0.12]))


def _groups(tree, node, colouring, line_widths):
    """Segments with one colour and width, black first, as (indices, rgb, width)."""
    rgb = np.zeros((tree.n_nodes, 3)) if colouring is None else np.nan_to_num(colouring.rgb, nan=0.0)
    # Coloured lines over black ones, larger values over smaller ones: the order must not depend on chance.
    known = np.zeros(tree.n_nodes) if colouring is None else np.isfinite(colouring.rgb[:, 0]).astype(float)
    value = (
        np.zeros(tree.n_nodes)
        if colouring is None or colouring.values is None
        else np.nan_to_num(colouring.values, nan=-np.inf)
    )
    keys = np.column_stack([known, rgb, line_widths])
    unique, group = np.unique(keys, axis=0, return_inverse=True)
    group = group.reshape(-1)
    rank = np.full(unique.shape[0], -np.inf)
    np.maximum.at(rank, group, value)
    order = np.lexsort((rank, unique[:, 0]))
    group_of_segment = group[node]
    by_group = np.argsort(group_of_segment, kind="stable")
    edges = np.searchsorted(group_of_segment[by_group], np.arange(unique.shape[0] + 1))
    for k in order:
        members = by_group[edges[k] : edges[k + 1]]
        if members.size:
            yield members, tuple(unique[k, 1:4]), float(unique[k, 4])


def _frame(axes, layout, style):
    """Energy axis or bar; the horizontal axis only when it means something."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if layout.axis is None:
        axes.set_xlim(-0.01, 1.01)
        axes.spines["bottom"].set_visible(False)
        axes.set_xticks([])
    else:
        low, high = layout.axis
        axes.set_xlim(-0.01, 1.01)
        from matplotlib.ticker import MaxNLocator

        ticks = [tick for tick in MaxNLocator(6).tick_values(low, high) if low <= tick <= high]
        axes.set_xticks([(tick - low) / (high - low) for tick in ticks], [f"{tick:g}" for tick in ticks])
    if style.scale_bar is None:
        axes.set_ylabel(style.axis_label)
        axes.spines["left"].set_position(("outward", 4))
        axes.ticklabel_format(axis="y", useOffset=False)
        return
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    bottom = axes.get_ylim()[0]
    height = style.scale_bar
    # Beside the graph, left of its first branch, in the colour of the text.
    axes.plot([-0.04, -0.04], [bottom, bottom + height], color="black", linewidth=1.2, clip_on=False, solid_capstyle="butt")
    text = style.bar_label if style.bar_label is not None else f"{height:g}"
    axes.text(-0.06, bottom + height / 2, text, ha="right", va="center")


def add_key(figure, axes, colouring):
    """Add what explains the colours: a colour bar beside the axes, or a legend of kinds.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes or list of them
    colouring : disconnect.colours.Colouring
    """
    if colouring.map is not None:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import ListedColormap, Normalize

        if colouring.map == "TRVAL":
            from disconnect.colours import order_parameter_rgb

            colours = ListedColormap(order_parameter_rgb(np.linspace(0.0, 1.0, 256)))
        else:
            colours = colouring.map
        mappable = ScalarMappable(Normalize(colouring.low, colouring.high), colours)
        bar = figure.colorbar(mappable, ax=axes, shrink=0.6, aspect=22, pad=0.03, anchor=(0.0, 0.5))
        bar.set_label(colouring.label)
        bar.outline.set_linewidth(0.6)
        bar.ax.ticklabel_format(useOffset=False)
        known = [] if colouring.values is None else colouring.values[np.isfinite(colouring.values)]
        if len(known) and known.min() == known.max() and 0.99 < (known[0] - colouring.low) / (colouring.high - known[0]) < 1.01:
            # One value everywhere: a scale around it would only show digits that mean nothing.
            bar.set_ticks([known[0]])
    elif colouring.kinds:
        from matplotlib.lines import Line2D

        first = axes[-1] if isinstance(axes, (list, tuple)) else axes
        handles = [Line2D([], [], color=colour, linewidth=2.0, label=name) for name, colour in colouring.kinds]
        first.legend(
            handles=handles, title=colouring.label or None, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False,
            handlelength=1.2, borderaxespad=0.0,
        )  # fmt: skip


def save_picture(path, layout, colouring=None, widths=None, style=None, scale=None, insets=()):
    """Write one picture; the end of the name tells the format (.pdf, .png, .svg).

    The same input gives the same bytes: no dates, no random identifiers.

    Parameters
    ----------
    path : str or Path
    layout, colouring, widths, style, scale
        As for `draw_tree`.
    insets : sequence of disconnect.insets.Inset
    """
    import matplotlib
    from matplotlib.figure import Figure

    from common.atomic import atomic_write

    style = style or Style()
    kind = str(path).rsplit(".", 1)[-1].lower()
    with matplotlib.rc_context(PUBLICATION):
        figure = Figure(figsize=style.size, layout="constrained")
        axes = figure.add_subplot()
        draw_tree(axes, layout, colouring, widths, style, scale)
        if colouring is not None:
            add_key(figure, axes, colouring)
        if insets:
            from disconnect.insets import draw_insets

            # The colour bar takes room: the places of the pictures need the final shape of the graph.
            figure.draw_without_rendering()
            draw_insets(axes, layout, insets, style.label_size, scale)
        metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind, {})
        with atomic_write(path, "wb", durable=False) as file:
            figure.savefig(file, format=kind, metadata=metadata, bbox_inches="tight", pad_inches=0.03)
