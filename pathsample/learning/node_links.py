"""Node-link pictures of networks and maps of their answers (Mehta et al., Phys. Rev. E 97, 052307 (2018), figs 2-6).

A weight whose absolute value is below a cutoff (1e-10 in the paper) is not drawn, so that a picture shows how many hidden
nodes a minimum really uses.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

#: Below this a weight is left out.
CUTOFF = 1e-10
#: Map of the inputs: lowest, highest, step.
RANGE = (-0.5, 1.5, 0.015)
POSITIVE, NEGATIVE, BIAS = "#2166ac", "#e08214", "#d62728"
#: More nodes of a layer than this are drawn without outlines.
MANY = 40


@dataclass(frozen=True)
class Connections:
    """What is left of a network without its vanishing weights.

    Attributes
    ----------
    weights : list of ndarray of shape (nodes out, nodes in)
        nan where a weight is left out.
    biases : list of ndarray of shape (nodes out,)
    connected : list of ndarray of bool
        For each hidden layer, the nodes with a link on both sides.
    n_left : int
        Weights and biases that are left.
    """

    weights: list
    biases: list
    connected: list
    n_left: int


def connections(network, x, cutoff=CUTOFF):
    """The links of a network.

    Parameters
    ----------
    network : MultilayerPerceptron
    x : array_like of shape (n_variables,)
    cutoff : float
        Weights of smaller absolute value are left out.

    Returns
    -------
    Connections
    """
    weights, biases = network.weight_matrices(x)
    weights = [np.where(np.abs(w) < cutoff, np.nan, w) for w in weights]
    biases = [np.where(np.abs(b) < cutoff, np.nan, b) for b in biases]
    connected = [
        np.isfinite(into).any(axis=1) & np.isfinite(out).any(axis=0) for into, out in pairwise(weights)
    ]  # fmt: skip
    left = sum(int(np.isfinite(values).sum()) for values in (*weights, *biases))
    return Connections(weights, biases, connected, left)


def draw_network(axes, network, x, cutoff=CUTOFF):
    """Draw a network into axes: inputs on the left, a bias node (red) above the nodes it feeds.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    network : MultilayerPerceptron
    x : array_like of shape (n_variables,)
    cutoff : float

    Returns
    -------
    Connections
    """
    from matplotlib.collections import LineCollection

    found = connections(network, x, cutoff)
    layers = network.layers
    places = [np.column_stack([np.full(n, float(k)), _heights(n)]) for k, n in enumerate(layers)]
    strongest = max((float(np.nanmax(np.abs(w))) for w in found.weights if np.isfinite(w).any()), default=1.0)
    lines, values = [], []
    for k, weights in enumerate(found.weights):
        for j, i in np.argwhere(np.isfinite(weights)):
            lines.append((places[k][i], places[k + 1][j]))
            values.append(weights[j, i])
    biases = [(k, np.array([k + 0.55, 0.82])) for k, b in enumerate(found.biases) if np.isfinite(b).any()]
    for k, place in biases:
        for j in np.flatnonzero(np.isfinite(found.biases[k])):
            lines.append((place, places[k + 1][j]))
            values.append(found.biases[k][j])
    values = np.array(values)
    order = np.argsort(np.abs(values), kind="stable")
    axes.add_collection(
        LineCollection(
            [lines[k] for k in order],
            colors=np.where(values[order] < 0.0, NEGATIVE, POSITIVE) if len(values) else None,
            linewidths=0.25 + 1.9 * np.minimum(np.abs(values[order]) / strongest, 1.0) if len(values) else None,
        )
    )
    size = 60.0 if max(layers) <= 12 else 20.0
    for k, place in enumerate(places):
        used = found.connected[k - 1] if 0 < k < len(layers) - 1 else np.ones(len(place), dtype=bool)
        edge = 0.8 if len(place) <= MANY else 0.0
        axes.scatter(*place[used].T, s=size, color="0.85", edgecolors="0.2", linewidths=edge, zorder=3)
        axes.scatter(*place[~used].T, s=size, color="white", edgecolors="0.6", linewidths=edge, linestyle=":", zorder=3)
    for _, place in biases:
        axes.scatter(*place, s=size, color=BIAS, edgecolors="0.2", linewidths=0.8, zorder=3)
    axes.set_axis_off()
    axes.set_xlim(-0.15, len(layers) - 0.85)
    axes.set_ylim(-0.75, 0.95)
    return found


def _heights(n):
    """Heights of the nodes of a layer, the first on top."""
    return np.linspace(0.6, -0.6, n) if n > 2 else np.array([0.25, -0.25])[:n] if n == 2 else np.zeros(1)


def sensitivity(network, x, low=RANGE[0], high=RANGE[1], step=RANGE[2]):
    """Probabilities of the classes over a square of two inputs.

    Parameters
    ----------
    network : MultilayerPerceptron
        With two inputs.
    x : array_like of shape (n_variables,)
    low, high, step : float
        Grid of both inputs; the last point is the last one that is not above ``high``.

    Returns
    -------
    grid : ndarray of shape (n,)
    probabilities : ndarray of shape (n, n, n_classes)
        First index: first input.

    Raises
    ------
    ValueError
        If the network has another number of inputs.
    """
    if network.layers[0] != 2:
        raise ValueError(f"a map over the inputs needs two of them, not {network.layers[0]}")
    grid = low + step * np.arange(int(np.floor((high - low) / step + 1e-9)) + 1)
    points = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
    probabilities = network.probabilities(x, points)
    return grid, probabilities.reshape(len(grid), len(grid), -1)


def draw_sensitivity(axes, network, x, low=RANGE[0], high=RANGE[1], step=RANGE[2]):
    """Draw the map: most probable class by colour, paler where it is less certain, with the training items.

    With two classes, blue is class 0 and red class 1, triangles are items of class 0 and squares of class 1.
    """
    from matplotlib import colormaps

    grid, probabilities = sensitivity(network, x, low, high, step)
    n = probabilities.shape[-1]
    tab = np.array(colormaps["tab10"].colors)
    palette = np.array([[0.13, 0.40, 0.67], [0.84, 0.15, 0.16]]) if n == 2 else tab[np.arange(n) % len(tab)]
    best = probabilities.argmax(axis=-1)
    share = (probabilities.max(axis=-1) - 1.0 / n) / (1.0 - 1.0 / n)
    colours = 1.0 - (1.0 - palette[best]) * (0.25 + 0.75 * share)[..., None]
    half = 0.5 * step
    extent = (grid[0] - half, grid[-1] + half, grid[0] - half, grid[-1] + half)
    axes.imshow(colours.transpose(1, 0, 2), origin="lower", extent=extent, interpolation="nearest")
    inside = ((network.inputs >= low) & (network.inputs <= high)).all(axis=1)
    size = 40.0 if inside.sum() <= 50 else 3.0
    for kind in range(n):
        items = network.inputs[inside & (network.classes == kind)]
        marker, edge = "^sovDP*X"[kind % 8], 0.5 if size > 10.0 else 0.15
        axes.scatter(*items.T, s=size, marker=marker, color="white", edgecolors="k", linewidths=edge)
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])
    axes.set_xticks([tick for tick in (0, 1) if low <= tick <= high])
    axes.set_yticks([tick for tick in (0, 1) if low <= tick <= high])
    return grid, probabilities
