"""Pictures of the measures of networks: ROC curves, maps and densities of misclassification, regions of a superposition."""

import numpy as np

#: Largest map that is drawn with one picture element per pair; larger ones are averaged in squares.
MAP_ELEMENTS = 1500
#: Fields along a side of a joint density.
DENSITY_BINS = 60
#: Points along a side of the plane of two inputs.
PLANE_POINTS = 300


def new_figure(width, height):
    """A figure that needs no display."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure, stem):
    """Write stem.pdf and stem.png; returns their names."""
    written = []
    for suffix in (".pdf", ".png"):
        path = stem.with_name(stem.name + suffix)
        figure.savefig(path, dpi=150)
        written.append(path.name)
    return written


def draw_roc(stem, columns, labels):
    """Curves of the lowest, the best and the mean minimum with a band of one standard deviation.

    Parameters
    ----------
    stem : Path
    columns : ndarray of shape (n, 5)
        False positives; true positives of the lowest, the best, the mean; standard deviation.
    labels : sequence of str
    """
    figure = new_figure(4.2, 4.0)
    axes = figure.add_subplot()
    x, mean, sigma = columns[:, 0], columns[:, 3], columns[:, 4]
    axes.fill_between(x, np.clip(mean - sigma, 0, 1), np.clip(mean + sigma, 0, 1), color="0.6", alpha=0.4, linewidth=0)
    axes.plot(x, mean, color="0.3", linestyle="--", label=labels[2])
    axes.plot(x, columns[:, 2], color="C3", label=labels[1])
    axes.plot(x, columns[:, 1], color="C0", label=labels[0])
    axes.plot([0, 1], [0, 1], color="0.8", linewidth=0.8, zorder=0)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    axes.legend(frameon=False, fontsize=7, loc="lower right")
    return save(figure, stem)


def draw_heat_map(stem, distances, order):
    """The matrix of misclassification distances, minima in the order of their clusters (Ballard et al. 2017, fig 8)."""
    figure = new_figure(4.8, 4.0)
    axes = figure.add_subplot()
    ordered = coarsened(distances, order)
    n = len(order)
    image = axes.imshow(ordered, cmap="magma", extent=(0.5, n + 0.5, n + 0.5, 0.5), interpolation="nearest")
    axes.set(xlabel="minima, similar ones together", ylabel="minima, similar ones together")
    axes.locator_params(integer=True)
    figure.colorbar(image, ax=axes, label="misclassification distance")
    return save(figure, stem)


def coarsened(distances, order):
    """The matrix in an order, averaged over squares where it is too large for a picture."""
    n = len(order)
    if n <= MAP_ELEMENTS:
        return distances[np.ix_(order, order)]
    edges = np.linspace(0, n, MAP_ELEMENTS + 1).astype(int)[:-1]
    counts = np.diff([*edges, n])
    result = np.empty((MAP_ELEMENTS, MAP_ELEMENTS))
    for k, (begin, end) in enumerate(zip(edges, [*edges[1:], n])):
        rows = distances[order[begin:end]].mean(axis=0)[order]
        result[k] = np.add.reduceat(rows, edges) / counts
    return result


def draw_joint_densities(stem, panels):
    """Density of pairs of minima over distance of weights and of answers, on a logarithmic scale of colours.

    Parameters
    ----------
    stem : Path
    panels : sequence of (str, ndarray, ndarray, float)
        Name of the first distance, both distances of the pairs, their correlation (Ballard et al. 2017, fig 9; Niroomand et al.
        2022, fig 7).
    """
    from matplotlib.colors import LogNorm

    figure = new_figure(4.2 * len(panels), 3.5)
    for k, (name, apart, answers, r) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), k + 1)
        density, x, y = np.histogram2d(apart, answers, bins=DENSITY_BINS, density=True)
        filled = density[density > 0]
        norm = LogNorm(filled.min(), max(filled.max(), filled.min() * 10))
        image = axes.pcolormesh(x, y, np.ma.masked_equal(density.T, 0), norm=norm, cmap="viridis", rasterized=True)
        axes.set(xlabel=name, ylabel="misclassification distance", title=f"correlation {r:.2f}")
        axes.title.set_fontsize(9)
        figure.colorbar(image, ax=axes, label="probability density" if k == len(panels) - 1 else "")
    return save(figure, stem)


def draw_choice(stem, model, inputs, classes, probabilities, chosen, positive_class):
    """Which minimum answers where, beside what each says alone (Niroomand et al. 2022, fig 4).

    Parameters
    ----------
    stem : Path
    model : Model
    inputs : ndarray of shape (N, n_inputs)
        Scaled. With two of them the regions of the plane are drawn, with more the items over the first two.
    classes : ndarray of int of shape (N,)
    probabilities : ndarray of shape (m, N, n_classes)
    chosen : ndarray of int of shape (N,)
    positive_class : int

    Notes
    -----
    At most eight minima have a panel of their own.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    m = len(model.minima)
    shown = min(m, 8)
    columns = min(shown, 4)
    rows = -(-shown // columns)
    figure = new_figure(3.4 + 1.9 * columns, max(3.2, 1.9 * rows))
    grid = figure.add_gridspec(rows, columns + 2)
    colours = colormaps["tab10" if m <= 10 else "tab20"].colors
    colours = [colours[k % len(colours)] for k in range(m)]
    axes = figure.add_subplot(grid[:, :2])
    x, y = inputs[:, 0], inputs[:, 1]
    if inputs.shape[1] == 2:
        corners = [(v.min() - 0.05 * np.ptp(v), v.max() + 0.05 * np.ptp(v)) for v in (x, y)]
        plane = np.stack(np.meshgrid(*(np.linspace(*c, PLANE_POINTS) for c in corners)), axis=-1).reshape(-1, 2)
        regions = model.choose(plane).reshape(PLANE_POINTS, PLANE_POINTS)
        axes.imshow(
            regions, origin="lower", extent=(*corners[0], *corners[1]), cmap=ListedColormap(colours), vmin=-0.5, vmax=m - 0.5,
            alpha=0.25, interpolation="nearest", aspect="auto",
        )  # fmt: skip
    for k in range(m):
        part = chosen == k
        if part.any():
            axes.scatter(x[part], y[part], s=6, color=colours[k], label=f"{model.minima[k]}", linewidths=0)
    axes.set(xlabel="input 1", ylabel="input 2", title="minimum that answers")
    axes.legend(frameon=True, fontsize=6, markerscale=2, loc="upper right")
    for k in range(shown):
        panel = figure.add_subplot(grid[k // columns, 2 + k % columns])
        p = probabilities[k][:, positive_class]
        drawn = panel.scatter(x, y, c=p, s=3, cmap="coolwarm", vmin=0, vmax=1, linewidths=0)
        right = np.mean(probabilities[k].argmax(axis=1) == classes)
        panel.set_title(f"{model.minima[k]}: {right:.2f} right", fontsize=7, color=colours[k])
        panel.set(xticks=[], yticks=[])
    figure.colorbar(drawn, ax=figure.axes[1:], label=f"probability of class {positive_class}", shrink=0.8)
    return save(figure, stem)
