"""Sensible levels for a network about which the user said nothing."""

import math

import numpy as np

from disconnect.superbasins import Levels

#: Levels aimed at; with the round spacings below there are about 25 to 40.
WANTED_LEVELS = 31
#: Most of the range of the picture that the highest twentieth of the branches may take.
OUTLYING_FRACTION = 0.05
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


def merge_tree(network, selection):
    """The complete tree: one level per distinct energy of a transition state.

    Returns
    -------
    thresholds : ndarray, shape (n_levels,)
        Energy at which the nodes with that bottom level arise (level counted from 1); -inf for the deepest level.
    bottom, parent, size, first, lowest, attach : ndarray
        As in `disconnect.superbasins.Tree`.
    """
    from disconnect import _superbasins

    unique, rank = np.unique(network.ts_energies[selection.ts], return_inverse=True)
    n_levels = unique.size + 1
    ts_level = np.zeros(network.ts_energies.size, dtype=np.intc)
    ts_level[selection.ts] = n_levels - 1 - rank
    appear = np.where(selection.minima, n_levels, 0).astype(np.intc)
    nodes = _superbasins.merge_levels(
        network.energies, appear, selection.drawn.astype(np.uint8), network.plus, network.minus, ts_level, n_levels
    )
    thresholds = np.concatenate([unique[::-1], [-np.inf]])
    return thresholds, *nodes


def join_energies(network, selection, source):
    """Energy of the highest transition state on the lowest path from each drawn minimum to `source`.

    Parameters
    ----------
    network : disconnect.network.Network
    selection : disconnect.selection.Selection
    source : int
        Counted from 0.

    Returns
    -------
    ndarray, shape (n_minima,)
        The minimax energy; -inf for `source` itself, NaN for minima that are not drawn or not connected to it.
    """
    thresholds, bottom, parent, _, _, _, attach = merge_tree(network, selection)
    on_path = np.zeros(bottom.size, dtype=bool)
    node = attach[source]
    while node >= 0:
        on_path[node] = True
        node = parent[node]
    joins = np.full(bottom.size, np.nan)
    joins[on_path] = -np.inf
    for node in range(bottom.size - 1, -1, -1):
        if not on_path[node] and parent[node] >= 0:
            above = parent[node]
            joins[node] = thresholds[bottom[above] - 1] if on_path[above] else joins[above]
    result = np.full(network.n_minima, np.nan)
    present = attach >= 0
    result[present] = joins[attach[present]]
    return result


def round_spacing(width):
    """The round number (1, 2, 2.5 or 5 times a power of ten) nearest to `width` on a logarithmic scale."""
    power = 10.0 ** math.floor(math.log10(width))
    return min((factor * power for factor in ROUND), key=lambda spacing: abs(math.log(spacing / width)))


def choose_levels(network, selection, first=None):
    """Levels that show the whole funnel.

    The top is the energy at which the last branch joins that of the lowest minimum. When the last twentieth of the branches
    alone takes up more than half of the range, the top comes down to where the picture is twice as high as without them.

    Parameters
    ----------
    network : disconnect.network.Network
    selection : disconnect.selection.Selection
    first : float or None
        Highest level, when that is already decided.

    Returns
    -------
    levels : Levels
    max_ts_energy : float
        Transition states above it are to be left out; infinite when there is no such.
    """
    drawn = np.flatnonzero(selection.drawn)
    source = int(drawn[np.argmin(network.energies[drawn])])
    lowest = float(network.energies[source])
    joins = join_energies(network, selection, source)
    joins = np.sort(joins[np.isfinite(joins)])
    limit = math.inf
    if first is None:
        top = float(joins[-1]) if joins.size else float(network.energies[drawn].max())
        if joins.size:
            usual = float(joins[int((joins.size - 1) * (1.0 - OUTLYING_FRACTION))])
            highest_allowed = lowest + 2.0 * (usual - lowest)
            if usual > lowest and top > highest_allowed:
                top = float(joins[joins <= highest_allowed][-1])
                limit = top
    else:
        top = first
    if not top > lowest:
        top = lowest + max(1.0, abs(lowest)) * 1e-3
    delta = round_spacing((top - lowest) / (WANTED_LEVELS - 1))
    if first is None:
        # Strictly above the highest transition state, on a multiple of the spacing.
        first = _round(math.floor(top / delta) * delta + delta, delta)
    n = max(2, math.floor((first - lowest) / delta + 1e-9) + 2)
    return Levels(first, delta, n), limit


def lower_first(levels, selection):
    """Levels shifted down by whole spacings to the first one above the highest usable transition state (AUTORANGE)."""
    if not selection.ts.any():
        return levels
    highest = selection.ts_energies[selection.ts].max()
    steps = max(math.ceil((levels.first - highest) / levels.delta), 0)
    # As the levels are computed: the lowest of them that is still above, whatever the division rounded to.
    while steps > 0 and not levels.first - steps * levels.delta > highest:
        steps -= 1
    return Levels(levels.first - steps * levels.delta, levels.delta, levels.n)


def _round(value, delta):
    """`value` without the rounding errors beyond the digits of `delta`."""
    return round(value, max(0, 2 - math.floor(math.log10(delta))))
