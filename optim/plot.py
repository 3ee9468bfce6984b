"""Pictures of paths (``optim --plot``): energy against path length, all paths found, weights of a network on the way."""

from itertools import pairwise

import numpy as np

from common.atomic import atomic_write
from optim.frames import join, path_frames

#: Kinds of file written for every picture.
KINDS = ("png", "pdf")
STYLE = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}
MINIMUM, SADDLE, OTHER = "#1f5fa8", "#c23b22", "#9a9a9a"
#: Numbers are written at the stationary points up to this many, and without overlap below this fraction of the width.
MOST_LABELS = 60
LABEL_SPACING = 0.012
#: Points of a curve between those recorded.
CURVE_POINTS = 1000
#: Points at which the weights of a network are drawn.
WEIGHT_COLUMNS = 600
MARKER = 4.0


def save_profile(stem, result, potential):
    """Draw the paths of a run into ``stem.png`` and ``stem.pdf``.

    The upper panel shows the connected path with its minima and transition states marked and numbered as in the output; for a
    network the panel below it the change of every variable since the start, layer by layer. The last panel shows all paths
    found, each from its own transition state, where there is more than one; those of the connected path are coloured.

    Parameters
    ----------
    stem : str or Path
    result : ConnectResult
        With frames recorded along its paths.
    potential : Potential

    Returns
    -------
    list of str
        Names of the files.
    """
    import matplotlib

    with matplotlib.rc_context(STYLE):
        figure = draw(result, potential)
        names = []
        for kind in KINDS:
            names.append(f"{stem}.{kind}")
            metadata = {"CreationDate": None} if kind == "pdf" else {}
            with atomic_write(names[-1], "wb", durable=False) as file:
                figure.savefig(file, format=kind, metadata=metadata)
    return names


def draw(result, potential):
    """The figure of `save_profile`."""
    from matplotlib.figure import Figure

    path = join(result, potential.symmetry) if result.path else None
    panels = []
    if path is not None:
        panels.append((2.6, lambda axes: draw_joined(axes, path)))
        if hasattr(potential, "layers"):
            panels.append((2.2, lambda axes: draw_weights(axes, path, potential)))
    if path is None or len(result.paths) > 1:
        panels.append((2.4, lambda axes: draw_all(axes, result)))
    heights = [height for height, _ in panels]
    figure = Figure(figsize=(6.4, sum(heights) + 0.3), layout="constrained")
    all_axes = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    for axes, (_, panel) in zip(all_axes, panels, strict=True):
        panel(axes)
    return figure


def draw_joined(axes, path):
    """Energy along the connected path, stationary points marked."""
    axes.plot(*smooth(path.lengths, path.energies), color="black", linewidth=0.9)
    for kind, marker, colour, offset in (("minimum", "o", MINIMUM, -9), ("transition state", "^", SADDLE, 4)):
        chosen = [(index, number) for index, name, number in path.stationary if name == kind]
        at = [index for index, _ in chosen]
        name = "transition states" if kind == "transition state" else "minima"
        style = {"color": colour, "markersize": MARKER, "label": name, "zorder": 3, "clip_on": False}
        axes.plot(path.lengths[at], path.energies[at], marker, **style)
        _label(axes, path, chosen, colour, offset)
    axes.set_xlim(path.lengths[0], path.lengths[-1])
    axes.margins(y=0.12)
    axes.set_xlabel("path length")
    axes.set_ylabel("energy")
    axes.legend(frameon=False, loc="best", fontsize=7)
    axes.spines["left"].set_position(("outward", 4))


def smooth(s, e):
    """A curve through the recorded points that rises and falls as they do."""
    from scipy.interpolate import PchipInterpolator

    s, kept = np.unique(s, return_index=True)
    if len(s) < 3:
        return s, e[kept]
    dense = np.union1d(s, np.linspace(s[0], s[-1], CURVE_POINTS))
    return dense, PchipInterpolator(s, e[kept])(dense)


def _label(axes, path, chosen, colour, offset):
    """Numbers at stationary points, left out where they would lie on top of each other."""
    if len(path.stationary) > MOST_LABELS:
        return
    total, last = max(path.lengths[-1], 1e-300), -np.inf
    for index, number in chosen:
        s = path.lengths[index] / total
        if s - last < LABEL_SPACING:
            continue
        last = s
        axes.annotate(
            str(number), (path.lengths[index], path.energies[index]), xytext=(0, offset), textcoords="offset points",
            ha="center", fontsize=6, color=colour, annotation_clip=False,
        )  # fmt: skip


def draw_weights(axes, path, potential):
    """Change of every variable of a network since the start of the path, one row per variable, layers apart."""
    s = np.linspace(0.0, path.lengths[-1], WEIGHT_COLUMNS)
    right = np.clip(np.searchsorted(path.lengths, s), 1, len(path.lengths) - 1)
    left = right - 1
    gap = np.maximum(path.lengths[right] - path.lengths[left], 1e-300)
    fraction = np.clip((s - path.lengths[left]) / gap, 0.0, 1.0)[:, None]
    change = (1.0 - fraction) * path.points[left] + fraction * path.points[right] - path.points[0]
    limit = float(np.abs(change).max()) or 1.0
    n = change.shape[1]
    image = axes.imshow(
        change.T, aspect="auto", cmap="RdBu_r", vmin=-limit, vmax=limit, extent=(0.0, s[-1], n, 0), interpolation="nearest",
        rasterized=True,
    )  # fmt: skip
    ends, names = blocks(potential)
    for end in ends[:-1]:
        axes.axhline(end, color="black", linewidth=0.5)
    axes.set_yticks([0.5 * (a + b) for a, b in zip([0, *ends[:-1]], ends, strict=True)], names, fontsize=6)
    axes.tick_params(axis="y", length=0)
    for index, kind, _ in path.stationary:
        if kind == "transition state":
            axes.axvline(path.lengths[index], color=SADDLE, linewidth=0.5, alpha=0.6)
    axes.set_xlabel("path length (lines: transition states)")
    axes.figure.colorbar(image, ax=axes, label="change since the start", pad=0.01)


def blocks(potential):
    """(ends, names) of the groups of variables of a network in their order: weights from the first layer on, then biases."""
    layers = potential.layers
    weights = [(a * b, f"weights {k}-{k + 1}") for k, (a, b) in enumerate(pairwise(layers), 1)]
    biases = [(n, f"biases {k}") for k, n in enumerate(layers[1:], 2)]
    groups = weights + (biases if sum(n for n, _ in weights) < potential.n_variables else [])
    ends = np.cumsum([n for n, _ in groups])
    if ends[-1] != potential.n_variables:
        return [potential.n_variables], ["variables"]
    return ends.tolist(), [name for _, name in groups]


def draw_all(axes, result):
    """Every path found, from its own transition state; those of the connected path on top and in colour."""
    used = set(result.path)
    for k in sorted(range(len(result.paths)), key=lambda k: k in used):
        s, e, _ = path_frames(result.paths[k])
        colour = MINIMUM if k in used or not used else OTHER
        axes.plot(*smooth(s, e), color=colour, linewidth=0.9 if k in used else 0.6, zorder=2 if k in used else 1)
        top = e[np.argmin(np.abs(s))]
        axes.plot([0.0], [top], "^", color=SADDLE if k in used or not used else OTHER, markersize=3, zorder=3)
        axes.plot([s[0], s[-1]], [e[0], e[-1]], "o", color=colour, markersize=2.5, zorder=3)
    words = f"{len(result.paths)} paths found"
    axes.set_title(words + (f", {len(used)} on the connected path (blue)" if used else ""), fontsize=8)
    axes.set_xlabel("path length from the transition state")
    axes.set_ylabel("energy")
