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
