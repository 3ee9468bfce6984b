"""The picture of a network of minima, and its degree distribution."""

import numpy as np

#: Area of a node in points squared for one neighbour, and in the largest picture.
NODE_AREA, SMALLEST_AREA = 16.0, 1.5
#: Nodes for which NODE_AREA is right; the area of all of them together stays the same in larger networks.
FEW = 100


def draw_network(axes, place, ends, degrees, values, label, lowest=None):
    """Draw a graph: area of a node in proportion to its neighbours, colour by value (Ballard et al 2017, figs 10 and 11).

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    place : ndarray of shape (n_nodes, 2)
    ends : ndarray of int of shape (n_edges, 2)
        Nodes that the edges join, counted from 0.
    degrees, values : ndarray of shape (n_nodes,)
        Grey where the value is nan.
    label : str
        What the values are.
    lowest : int, optional
        Node to be ringed.
    """
    from matplotlib.collections import LineCollection

    axes.set_axis_off()
    axes.set_aspect("equal")
    n = len(place)
    width = 0.6 if n <= 2 * FEW else max(0.6 * np.sqrt(2 * FEW / n), 0.1)
    axes.add_collection(LineCollection(place[ends], colors="0.6", linewidths=width, zorder=1))
    area = np.maximum(NODE_AREA * degrees * min(1.0, FEW / n), SMALLEST_AREA)
    known = np.isfinite(values)
    axes.scatter(*place[~known].T, s=area[~known], color="0.8", edgecolors="0.3", linewidths=0.3, zorder=2)
    # large nodes first, so that none hides a small one
    order = np.flatnonzero(known)[np.argsort(-degrees[known], kind="stable")]
    dots = axes.scatter(
        *place[order].T, s=area[order], c=values[order], cmap="viridis", edgecolors="0.2", linewidths=0.3, zorder=3
    )
    if lowest is not None:
        axes.scatter(*place[lowest], s=area[lowest] + 60.0, facecolors="none", edgecolors="#d62728", linewidths=1.4, zorder=4)
    if len(order):
        bar = axes.figure.colorbar(dots, ax=axes, shrink=0.7, pad=0.01)
        bar.set_label(label)
        bar.outline.set_linewidth(0.5)
    margin = 0.05 * np.ptp(place, axis=0).max() + 0.2
    axes.set_xlim(place[:, 0].min() - margin, place[:, 0].max() + margin)
    axes.set_ylim(place[:, 1].min() - margin, place[:, 1].max() + margin)


def draw_degrees(axes, degrees, randoms, law):
    """Fraction of nodes with at least k neighbours, on logarithmic axes, with random graphs and the fitted power law.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    degrees : ndarray of int of shape (n_nodes,)
    randoms : list of ndarray of int
        Degrees of the random graphs.
    law : PowerLaw or None
    """
    from scipy.special import zeta

    if randoms:
        k, above = _cumulative(np.concatenate(randoms))
        axes.plot(k, above, color="0.6", linewidth=1.2, label="random graphs")
    k, above = _cumulative(degrees)
    axes.plot(k, above, "o", color="C0", markersize=4, label="landscape")
    if law is not None:
        fit = np.arange(law.k_min, k.max() + 1)
        share = above[k == law.k_min][0]
        axes.plot(
            fit, share * zeta(law.exponent, fit) / zeta(law.exponent, law.k_min), color="C3", linewidth=1.2,
            label=rf"$k^{{-{law.exponent:.2f}}}$, $k \geq {law.k_min}$",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(bottom=0.5 / len(degrees))
    axes.set_xlabel("neighbours $k$")
    axes.set_ylabel("nodes with $k$ or more")
    axes.legend(frameon=False, fontsize=8)


def _cumulative(degrees):
    values, counts = np.unique(degrees[degrees > 0], return_counts=True)
    return values, np.cumsum(counts[::-1])[::-1] / len(degrees)


def write_pictures(directory, place, ends, found, values, label, lowest, randoms, law):
    """Write network.pdf, network.png and network_degrees.png, .pdf; returns their names."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    size = 5.0 if found.n_nodes <= 2 * FEW else 8.0
    figure = Figure(figsize=(1.2 * size, size), layout="constrained")
    draw_network(figure.add_subplot(), place, ends, found.degrees, values, label, lowest)
    names = ["network.pdf", "network.png"]
    for name in names:
        figure.savefig(directory / name, dpi=200)
    figure = Figure(figsize=(4.0, 3.2), layout="constrained")
    draw_degrees(figure.add_subplot(), found.degrees, randoms, law)
    for name in ("network_degrees.pdf", "network_degrees.png"):
        figure.savefig(directory / name, dpi=150)
        names.append(name)
    return names
