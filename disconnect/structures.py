"""Pictures of single minima: balls for the atoms of a cluster, nodes and links for a network, bars for any other variables."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

#: Positive and negative weights, and the balls: colours that stay apart in grey and for the colour-blind.
POSITIVE, NEGATIVE = "#2166ac", "#b2182b"
BALL = np.array([0.32, 0.55, 0.78])
#: Links weaker than this fraction of the strongest are left out; no eye would see them.
FAINT = 0.04
#: Radius of a ball in nearest-neighbour distances.
RADIUS = 0.47


@dataclass(frozen=True)
class Kind:
    """What the variables of a database are.

    Attributes
    ----------
    name : {"cluster", "network", "variables"}
    layers : tuple of int
        Nodes of each layer of a network, inputs first.
    biases : bool
        Whether every node but the inputs has a bias behind all weights.
    """

    name: str
    layers: tuple = ()
    biases: bool = False


def kind_of(fingerprint, n_variables):
    """What the variables are, by the fingerprint of the potential: n_atoms for a cluster, layers for a network.

    Parameters
    ----------
    fingerprint : dict or None
    n_variables : int

    Returns
    -------
    Kind
    """
    found = fingerprint or {}
    if "n_atoms" in found and 3 * int(found["n_atoms"]) == n_variables:
        return Kind("cluster")
    layers = tuple(int(size) for size in found.get("layers") or ())
    if len(layers) > 1:
        weights = sum(a * b for a, b in pairwise(layers))
        biases = found.get("has_biases") is True and n_variables >= weights + sum(layers[1:])
        if n_variables >= weights:
            return Kind("network", layers, biases)
    return Kind("variables")


def draw_structure(axes, x, kind):
    """Draw one minimum into Axes of its own.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    x : ndarray, shape (n_variables,)
    kind : Kind

    Returns
    -------
    matplotlib.axes.Axes
        Without ticks and frame.
    """
    axes.set_axis_off()
    if kind.name == "cluster":
        _draw_cluster(axes, np.asarray(x, dtype=np.float64).reshape(-1, 3))
    elif kind.name == "network":
        _draw_network(axes, np.asarray(x, dtype=np.float64), kind)
    else:
        x = np.asarray(x, dtype=np.float64)
        axes.bar(np.arange(x.size), x, width=0.8, color=np.where(x < 0.0, NEGATIVE, POSITIVE))
        axes.axhline(0.0, color="0.4", linewidth=0.4)
    return axes


def facing(positions):
    """Positions turned so that the cluster is widest across, then upright: ndarray of shape (n_atoms, 3), depth last."""
    centred = positions - positions.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=True)[2]
    # A sign for each axis that does not depend on rounding: the atom farthest out is on the positive side.
    turned = centred @ axes.T
    farthest = np.argmax(np.abs(turned) > np.abs(turned).max(axis=0) - 1e-6, axis=0)
    return turned * np.where(turned[farthest, [0, 1, 2]] < 0.0, -1.0, 1.0)


def _draw_cluster(axes, positions):
    from matplotlib.collections import EllipseCollection

    turned = facing(positions)
    between = np.linalg.norm(turned[:, None] - turned[None], axis=2)
    nearest = np.median(np.where(between > 0.0, between, np.inf).min(axis=1)) if len(turned) > 1 else 1.0
    turned = turned[np.argsort(turned[:, 2], kind="stable")]
    depth = (turned[:, 2] - turned[0, 2]) / max(np.ptp(turned[:, 2]), 1e-12)
    # Farther balls are paler; three discs on top of each other make a ball, all of one atom before the next one.
    pale = 0.55 * (1.0 - depth)[:, None]
    shades = [(1.0, 0.45), (0.86, 1.0), (0.4, 1.45)]
    offsets, sizes, colours = [], [], []
    for size, light in shades:
        base = np.clip(BALL * light, 0.0, 1.0) if light <= 1.0 else 1.0 - (1.0 - BALL) / light**2
        colours.append(base + (1.0 - base) * pale)
        sizes.append(np.full(len(turned), 2.0 * RADIUS * nearest * size))
        offsets.append(turned[:, :2] + (1.0 - size) * RADIUS * nearest * np.array([-0.42, 0.42]))
    order = np.arange(3 * len(turned)).reshape(3, -1).T.ravel()
    sizes = np.concatenate(sizes)[order]
    axes.add_collection(
        EllipseCollection(
            sizes, sizes, np.zeros(sizes.size), units="xy", offsets=np.concatenate(offsets)[order],
            offset_transform=axes.transData, facecolors=np.concatenate(colours)[order], linewidths=0.0,
        )
    )  # fmt: skip
    reach = np.abs(turned[:, :2]).max() + 0.6 * nearest
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_aspect("equal")


def network_places(layers):
    """Places of the nodes of each layer from left to right, 0 … 1 both ways: list of ndarray of shape (nodes, 2)."""
    return [
        np.column_stack([np.full(size, k / (len(layers) - 1)), 1.0 - (np.arange(size) + 0.5) / size])
        for k, size in enumerate(layers)
    ]  # fmt: skip


def _draw_network(axes, x, kind):
    from matplotlib.collections import EllipseCollection, LineCollection

    places = network_places(kind.layers)
    n_weights = sum(a * b for a, b in pairwise(kind.layers))
    weights = x[:n_weights]
    strongest = np.abs(weights).max() or 1.0
    lines, position = [], 0
    for left, right in pairwise(places):
        # The weights of one node of the right layer stand together.
        for end in right:
            lines += [(begin, end) for begin in left]
        position += len(left) * len(right)
    order = np.argsort(np.abs(weights), kind="stable")
    order = order[np.abs(weights[order]) >= FAINT * strongest]
    colours = np.where(weights[order] < 0.0, NEGATIVE, POSITIVE)
    widths = 0.15 + 1.8 * np.abs(weights[order]) / strongest
    axes.add_collection(LineCollection([lines[k] for k in order], colors=colours, linewidths=widths, capstyle="butt"))
    nodes = np.concatenate(places)
    size = min(0.075, 0.7 / max(kind.layers))
    face = ["white"] * kind.layers[0]
    for bias in x[n_weights : n_weights + sum(kind.layers[1:])] if kind.biases else np.zeros(sum(kind.layers[1:])):
        face.append(NEGATIVE if bias < -FAINT * strongest else POSITIVE if bias > FAINT * strongest else "white")
    axes.add_collection(
        EllipseCollection(
            np.full(len(nodes), size), np.full(len(nodes), size), np.zeros(len(nodes)), units="xy", offsets=nodes,
            offset_transform=axes.transData, facecolors=face, edgecolors="0.25", linewidths=0.5, zorder=3,
        )
    )  # fmt: skip
    axes.set_xlim(-0.08, 1.08)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
