"""Made-up landscapes whose superbasins are known."""

import numpy as np


def random_network(n_minima, n_ts, seed, *, equal=False, connected=True):
    """Energies and transition states (1-based minima) of a random network, no transition state below its minima.

    With `equal` many energies coincide, also with one another's levels.
    """
    rng = np.random.default_rng(seed)
    energies = -rng.gamma(3.0, 2.0, n_minima)
    plus = rng.integers(0, n_minima, n_ts)
    minus = rng.integers(0, n_minima, n_ts)
    if connected and n_minima > 1:
        chain = min(n_minima - 1, n_ts)
        minus[:chain] = np.arange(1, chain + 1)
        plus[:chain] = (rng.random(chain) * np.arange(1, chain + 1)).astype(int)
    barrier = rng.exponential(1.0, n_ts)
    if equal:
        energies = np.round(energies * 2.0) / 2.0
        barrier = np.round(barrier * 2.0) / 2.0
    ts = np.maximum(energies[plus], energies[minus]) + barrier
    return energies, ts, plus + 1, minus + 1


def funnels(n_funnels, per_funnel, seed, *, depth=10.0, gap=4.0):
    """Minima in funnels that are joined by one high transition state each: planted superbasins.

    Returns energies, transition states, plus, minus, and the funnel of every minimum.
    """
    rng = np.random.default_rng(seed)
    energies, ts, plus, minus, label = [], [], [], [], []
    for funnel in range(n_funnels):
        base = len(energies)
        bottom = -depth + funnel * 0.7
        local = np.sort(bottom + rng.exponential(depth / 6.0, per_funnel))
        for k, energy in enumerate(local):
            energies.append(min(energy, -gap - 0.5))
            label.append(funnel)
            if k:
                other = base + int(rng.integers(0, k))
                height = max(energies[-1], energies[other])
                ts.append(min(height + rng.exponential(0.4), -gap))
                plus.append(base + k + 1)
                minus.append(other + 1)
        if funnel:
            ts.append(-gap + 1.0 + 0.3 * funnel)
            plus.append(base + 1)
            minus.append(1)
    return np.array(energies), np.array(ts), np.array(plus), np.array(minus), np.array(label)


def write_text(folder, energies, ts, plus, minus):
    """Write min.data and ts.data."""
    with open(folder / "min.data", "w") as file:
        file.writelines(f"{e:25.15f}{1.0:25.15f}{1:6d}{1.0:20.10f}{1.0:20.10f}{1.0:20.10f}\n" for e in energies)
    dummy = f"{1.0:20.10f}" * 3
    with open(folder / "ts.data", "w") as file:
        file.writelines(f"{e:25.15f}{1.0:25.15f}{1:10d}{p:10d}{m:10d}{dummy}\n" for e, p, m in zip(ts, plus, minus))


def rough_funnels(n_minima, n_ts, seed, *, n_funnels=5):
    """A network like that of a cluster or a glass: funnels with a rough floor, connections between neighbours.

    Minima are points in three dimensions, the energy is the distance to the nearest bottom of a funnel plus noise, transition
    states join near neighbours and lie an exponentially distributed barrier above the higher of the two. One in fifty is a
    degenerate rearrangement, one in thirty a second passage between the same two minima. Some pieces are not connected.

    Returns
    -------
    energies : ndarray, shape (n_minima,)
    ts, plus, minus : ndarray, shape (n_ts,)
        Minima counted from 1.
    """
    from scipy.spatial import cKDTree

    rng = np.random.default_rng(seed)
    bottoms = rng.uniform(-2.0, 2.0, (n_funnels, 3))
    depth = rng.uniform(0.0, 2.0, n_funnels)
    radius = rng.gamma(4.0, 0.25, (n_minima, 1))
    places = bottoms[rng.integers(0, n_funnels, n_minima)] + radius * rng.normal(size=(n_minima, 3))
    distance = np.linalg.norm(places[:, None] - bottoms[None], axis=2) * 4.0 + depth
    energies = distance.min(axis=1) + rng.normal(0.0, 0.5, n_minima) - 170.0
    _, near = cKDTree(places).query(places, k=12)
    plus = np.repeat(np.arange(n_minima), 11)
    minus = near[:, 1:].ravel()
    once = plus < minus
    plus, minus = plus[once], minus[once]
    rank = np.argsort(np.linalg.norm(places[plus] - places[minus], axis=1) * rng.exponential(1.0, plus.size))
    n_double, n_degenerate = n_ts // 30, n_ts // 50
    chosen = rank[: n_ts - n_double - n_degenerate]
    chosen = np.concatenate([chosen, rng.choice(chosen, n_ts - chosen.size - n_degenerate)])
    same = rng.integers(0, n_minima, n_degenerate)
    plus, minus = np.concatenate([plus[chosen], same]), np.concatenate([minus[chosen], same])
    order = rng.permutation(plus.size)
    plus, minus = plus[order], minus[order]
    ts = np.maximum(energies[plus], energies[minus]) + rng.exponential(0.7, plus.size)
    return energies, ts, plus + 1, minus + 1
