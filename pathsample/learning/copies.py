"""Copies of one network under exchange and change of sign of its hidden nodes (Niroomand et al. 2022, figs 5 and 6)."""

from itertools import permutations, product

import numpy as np

#: More copies than this are drawn at random instead of listed.
ALL_COPIES = 2000


def copies_of(network, x, rng, limit=ALL_COPIES):
    """Copies of a network: all n! 2^n of one hidden layer where they are no more than a limit, random ones otherwise.

    Parameters
    ----------
    network : MultilayerPerceptron
    x : ndarray of shape (n_variables,)
    rng : numpy.random.Generator
    limit : int

    Returns
    -------
    ndarray of shape (n_copies, n_variables)
        The first is x itself.
    complete : bool
        Whether these are all of them.
    """
    x = np.array(x, dtype=float)
    symmetry = network.symmetry
    if len(network.layers) == 3 and symmetry.frozen is None and symmetry.group_order() <= limit:
        return _all_copies(network, x), True
    drawn, known = [], {x.tobytes()}
    # rarely one comes twice, unless the network has hardly any copies
    for _ in range(10 * limit):
        copy = symmetry.random_copy(x, rng)
        if copy.tobytes() not in known:
            known.add(copy.tobytes())
            drawn.append(copy)
            if len(drawn) == limit - 1:
                break
    if symmetry.uniform_bias_shift:
        drawn = [symmetry.standard_frame(copy) for copy in drawn]
        x = symmetry.standard_frame(x)
    return np.array([x, *drawn]), False


def _all_copies(network, x):
    n_in, n, n_out = network.layers
    found = []
    for order in permutations(range(n)):
        for signs in product((1.0, -1.0), repeat=n):
            copy, sign, order = x.copy(), np.array(signs), list(order)
            w2 = copy[: n * n_in].reshape(n, n_in)
            w1 = copy[n * n_in : n * (n_in + n_out)].reshape(n_out, n)
            w2[:] = w2[order] * sign[:, None]
            w1[:] = w1[:, order] * sign
            if network.has_biases:
                bias = copy[n * (n_in + n_out) : n * (n_in + n_out) + n]
                bias[:] = bias[order] * sign
            found.append(copy)
    return np.array(found)


def draw_copies(figure, network, copies, complete, cutoff):
    """Distances between all copies, and four of them that look different.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    network : MultilayerPerceptron
    copies : ndarray of shape (n_copies, n_variables)
    complete : bool
    cutoff : float
        Of the weights that are drawn.

    Returns
    -------
    ndarray of shape (n_copies, n_copies)
        Euclidean distances.
    """
    from scipy.spatial.distance import cdist

    from pathsample.learning.node_links import draw_network

    distances = cdist(copies, copies)
    left, right = figure.subfigures(1, 2, width_ratios=(1.0, 1.15))
    axes = left.add_subplot()
    image = axes.imshow(distances, cmap="viridis", interpolation="nearest")
    axes.set_xlabel("copy")
    axes.set_ylabel("copy")
    axes.set_title(f"{len(copies)} copies" + ("" if complete else ", drawn at random"), fontsize=9)
    left.colorbar(image, ax=axes, shrink=0.8, label="Euclidean distance")
    shown = _far_apart(distances, 4)
    for place, (axes, k) in enumerate(zip(right.subplots(2, 2).ravel(), shown)):
        draw_network(axes, network, copies[k], cutoff)
        axes.set_title(f"{'abcd'[place]}   E = {network.energy(copies[k]):.8f}", fontsize=8)
    return distances


def _far_apart(distances, count):
    """The first point and then those farthest from all before."""
    chosen = [0]
    while len(chosen) < min(count, len(distances)):
        chosen.append(int(np.argmax(distances[chosen].min(axis=0))))
    return chosen
