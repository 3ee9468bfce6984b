"""Networks given by their logarithms, and what graph transformation makes of a directory."""

import numpy as np

from pathsample.kinetics.graph_transformation import transform
from pathsample.kinetics.rates import RateNetwork, canonical, make_network, read_arrays


def network(ln_weight, edges, ln_conductance, a, b):
    """A network by its logarithms."""
    plus, minus = np.array(edges, dtype=np.int64).T
    n, m = len(ln_weight), len(plus)
    sets = {"A": np.array(a), "B": np.array(b)}
    zeros = np.zeros(m)
    weights = np.asarray(ln_weight, dtype=float), np.asarray(ln_conductance, dtype=float)
    return RateNetwork(np.zeros(n), weights[0], plus, minus, weights[1], np.arange(1, m + 1), zeros, np.ones(n, bool), sets)


def random_network(seed, n=40, extra=60, spread=10.0, ends=(1, 1)):
    """A connected network whose weights and conductances span ``spread`` in their logarithms."""
    rng = np.random.default_rng(seed)
    edges = [(i, int(rng.integers(i))) for i in range(1, n)]
    edges += [tuple(rng.choice(n, 2, replace=False)) for _ in range(extra)]
    a, b = np.arange(ends[0]), np.arange(n - ends[1], n)
    return network(-spread * rng.random(n), edges, -spread * (1 + rng.random(len(edges))), a, b)


def reference(directory, kt=0.2, form=canonical, *more, **options):
    minima, states, sets = read_arrays(directory)
    return transform(make_network(minima, states, sets, *form(minima, states, kt, *more), **options))


def after(text, words):
    """The numbers that follow some words."""
    line = next(line for line in text.splitlines() if words in line)
    return [float(item.rstrip(",")) for item in line.split(words)[1].split() if item[0] in "-.0123456789"]
