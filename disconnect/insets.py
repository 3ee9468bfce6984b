"""Pictures placed at chosen minima (INSET): an image file, or the structure drawn from the database."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import InputError
from disconnect.layout import branch_ends

#: Width of a picture and gap above the row, as fractions of the width and height of the graph.
SIDE, GAP = 0.27, 0.035
IMAGES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, eq=False)
class Inset:
    """One picture.

    Attributes
    ----------
    minimum : int
        Counted from 0.
    image : str or None
        File; None for the structure.
    x : ndarray or None, shape (n_variables,)
        Coordinates of the minimum.
    kind : disconnect.structures.Kind or None
    """

    minimum: int
    image: str | None = None
    x: np.ndarray | None = None
    kind: object = None


def read_insets(network, wanted):
    """Look up what is needed for the pictures.

    Parameters
    ----------
    network : disconnect.network.Network
    wanted : sequence of (int, str or None)
        Number of a minimum, from 1, and an image file or None for its structure.

    Returns
    -------
    list of Inset

    Raises
    ------
    InputError
        There is no such minimum or image, or no coordinates to draw.
    """
    from disconnect.structures import kind_of

    found = []
    for number, image in wanted:
        if not 1 <= number <= network.n_minima:
            raise InputError(f"INSET {number}: {network.minima_name} has minima 1 to {network.n_minima}")
        if image is not None:
            if not Path(image).is_file():
                raise InputError(f"INSET {number} {image}: there is no such file")
            if Path(image).suffix.lower() not in IMAGES:
                raise InputError(f"INSET {number} {image}: the kind of image is not known; use .png or .jpg")
            found.append(Inset(number - 1, image))
            continue
        x = network.coordinates_of(number - 1)
        if x is None:
            raise InputError(
                f"INSET {number}: {network.minima_name} has no coordinates to draw; name an image file, or use landscape.db"
            )
        found.append(Inset(number - 1, None, x, kind_of(network.fingerprint(), x.size)))
    return found


def check_insets(tree, insets):
    """See that every minimum is in the graph.

    Raises
    ------
    InputError
        One of them is not.
    """
    for inset in insets:
        if tree.attach[inset.minimum] < 0:
            raise InputError(f"INSET {inset.minimum + 1}: this minimum is not in the graph; it is not connected, or left out")


def place_of(layout, minimum, scale=None):
    """Where the branch of a minimum ends: (horizontal position, energy)."""
    tree = layout.tree
    node = int(tree.attach[minimum])
    if tree.leaves[node]:
        x, energy = branch_ends(layout, scale)
        return float(x[node]), float(energy[node])
    level = int(tree.bottom[node])
    x = layout.x[node] if scale is None else scale(layout.x[node], level)
    return float(x), float(tree.levels.energies()[level - 1])


def spread(wanted, width):
    """Positions near the wanted ones, at least `width` apart and within half a width of the edges 0 and 1 where they fit.

    Parameters
    ----------
    wanted : ndarray of float, shape (n,)
        In ascending order.
    width : float

    Returns
    -------
    ndarray, shape (n,)
    """
    if wanted.size * width >= 1.0:
        return 0.5 + (np.arange(wanted.size) - (wanted.size - 1) / 2) * width
    # Nearest positions in ascending order that are far enough apart: pool those that push each other (isotonic regression).
    offset = np.arange(wanted.size) * width
    groups = []
    for value in wanted - offset:
        groups.append([value, 1])
        while len(groups) > 1 and groups[-2][0] > groups[-1][0]:
            last, n = groups.pop()
            groups[-1] = [(groups[-1][0] * groups[-1][1] + last * n) / (groups[-1][1] + n), groups[-1][1] + n]
    pooled = np.repeat([value for value, _ in groups], [n for _, n in groups])
    return np.clip(pooled, width / 2, 1.0 - width / 2 - offset[-1]) + offset


def draw_insets(axes, layout, insets, label_size=8.0, scale=None):
    """Draw the pictures in a row below the graph, each with a thin line to the end of its branch.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        With the graph.
    layout : disconnect.layout.Layout
    insets : list of Inset
    label_size : float
        Points, for the numbers of the minima.
    scale : callable or None
        From `disconnect.layout.weighted_layout`.
    """
    from disconnect.structures import draw_structure

    if not insets:
        return
    check_insets(layout.tree, insets)
    ends = sorted((place_of(layout, inset.minimum, scale), k) for k, inset in enumerate(insets))
    width = min(SIDE, 1.0 / len(insets))
    low, high = axes.get_xlim()
    centres = spread(np.array([(x - low) / (high - low) for (x, _), _ in ends]), width)
    box = axes.get_position()
    height = width * axes.figure.get_figwidth() * box.width / (axes.figure.get_figheight() * box.height)
    gap = GAP if layout.axis is None else GAP + 0.09
    for ((x, energy), k), centre in zip(ends, centres):
        inset = insets[k]
        part = axes.inset_axes([centre - 0.46 * width, -gap - height, 0.92 * width, height])
        if inset.image is not None:
            from matplotlib.image import imread

            part.set_axis_off()
            part.imshow(imread(inset.image), interpolation="antialiased")
        else:
            draw_structure(part, inset.x, inset.kind)
        part.set_title(str(inset.minimum + 1), fontsize=label_size, pad=1.5, color="0.3")
        axes.annotate(
            "", (x, energy), xytext=(centre, -gap + 0.012), textcoords="axes fraction", annotation_clip=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "0.55", "shrinkA": 6, "shrinkB": 1}, zorder=0,
        )  # fmt: skip
