"""Superbasins, nodes and layout against brute force."""

from itertools import pairwise

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_landscapes import funnels, random_network

from disconnect import _superbasins
from disconnect.automatic import choose_levels, join_energies, lower_first
from disconnect.layout import branch_ends, classic_layout, columns_of_minima, segments
from disconnect.listings import member_ranges
from disconnect.network import network
from disconnect.selection import choose_drawn, connected_part
from disconnect.superbasins import Levels, superbasins

networks = st.builds(
    random_network,
    n_minima=st.integers(2, 40),
    n_ts=st.integers(1, 80),
    seed=st.integers(0, 10**6),
    equal=st.booleans(),
    connected=st.booleans(),
)
some_levels = st.builds(
    Levels, first=st.sampled_from([-1.0, 0.0, 2.5]), delta=st.sampled_from([0.5, 0.7, 2.0]), n=st.integers(2, 30)
)


def brute_force_partition(points, selection, energy, delta):
    """Basins at one level as sets of minima, from the definition."""
    graph = networkx.Graph()
    below = selection.ts & (selection.ts_energies < energy)
    graph.add_edges_from(zip(points.plus[below].tolist(), points.minus[below].tolist()))
    joined = set(graph.nodes)
    alone = [k for k in np.flatnonzero(selection.minima) if k not in joined and points.energies[k] < energy + delta]
    return {frozenset(part) for part in networkx.connected_components(graph)} | {frozenset([int(k)]) for k in alone}


def classic_labels(points, selection, energy, delta):
    """The number of labels that the sweep of the original gives out."""
    label = np.zeros(points.n_minima, dtype=int)
    given = 0
    changed = True
    while changed:
        changed = False
        for k in np.flatnonzero(selection.ts & (selection.ts_energies < energy)):
            a, b = points.plus[k], points.minus[k]
            if label[a] == 0 and label[b] == 0:
                given += 1
                label[a] = label[b] = given
                changed = True
            elif label[a] != label[b]:
                label[a] = label[b] = max(label[a], label[b]) if 0 in (label[a], label[b]) else min(label[a], label[b])
                changed = True
    return given + int(((label == 0) & (selection.connections > 0) & (points.energies < energy + delta)).sum())


@settings(max_examples=150, deadline=None)
@given(networks, some_levels, st.integers(-1, 2))
def test_partition_at_every_level(arrays, levels, least):
    points = network(*arrays)
    selection = connected_part(points, least_connections=least)
    expected = [brute_force_partition(points, selection, e, levels.delta) for e in levels.energies()]
    if not any(expected):
        return
    tree = superbasins(points, selection, levels)
    assert tree.nodes_per_level().tolist() == [len(partition) for partition in expected]
    for level, partition in enumerate(expected, 1):
        node = tree.members(level)
        ours = {frozenset(np.flatnonzero(node == k).tolist()) for k in np.unique(node[node >= 0])}
        assert ours == partition
        if least >= 0:
            assert tree.basins[level - 1] == classic_labels(points, selection, levels.energies()[level - 1], levels.delta)


@settings(max_examples=60, deadline=None)
@given(networks, some_levels, st.integers(1, 10))
def test_only_drawn_minima_count_but_all_connect(arrays, levels, lowest):
    points = network(*arrays)
    selection = connected_part(points)
    drawn = choose_drawn(points, selection, lowest=lowest)
    expected = [
        {part & set(np.flatnonzero(drawn).tolist()) for part in brute_force_partition(points, selection, e, levels.delta)}
        - {frozenset()}
        for e in levels.energies()
    ]
    if not any(expected):
        return
    tree = superbasins(points, selection.with_drawn(drawn), levels)
    for level, partition in enumerate(expected, 1):
        node = tree.members(level)
        assert {frozenset(np.flatnonzero(node == k).tolist()) for k in np.unique(node[node >= 0])} == partition


@settings(max_examples=60, deadline=None)
@given(networks, some_levels)
def test_layout_is_a_nesting_of_columns(arrays, levels):
    points = network(*arrays)
    selection = connected_part(points)
    if not (points.energies[selection.minima] < levels.first + levels.delta).any():
        return
    tree = superbasins(points, selection, levels)
    layout = classic_layout(tree, points.global_minimum)
    end = layout.column + tree.size
    has_parent = tree.parent >= 0
    parent = tree.parent[has_parent]
    assert (layout.column[has_parent] >= layout.column[parent]).all()
    assert (end[has_parent] <= end[parent]).all()
    order, begin, stop = member_ranges(layout)
    for level in range(1, levels.n + 1):
        nodes = layout.nodes_at(level)
        assert (np.diff(layout.column[nodes]) > 0).all()
        assert (end[nodes][:-1] <= layout.column[nodes][1:]).all()
        node = tree.members(level)
        for k in nodes:
            assert sorted(order[begin[k] : stop[k]].tolist()) == np.flatnonzero(node == k).tolist()
    column = columns_of_minima(layout)
    assert sorted(column[column >= 0].tolist()) == list(range(layout.n_columns))
    parts = segments(layout)
    assert parts.node.size == tree.nodes_per_level()[1:].sum()
    assert (np.diff(parts.level) >= 0).all()


def test_ends_of_scaled_branches():
    energies, ts, plus, minus, _ = funnels(2, 20, 3)
    points = network(energies, ts, plus, minus)
    layout = classic_layout(superbasins(points, connected_part(points), Levels(-2.0, 0.3, 30)), points.global_minimum)
    x, energy = branch_ends(layout)
    leaves = layout.tree.leaves
    same_x, same_energy = branch_ends(layout, lambda x, level: x)
    assert np.allclose(same_x[leaves], x[leaves])
    assert np.array_equal(energy, same_energy, equal_nan=True)
    halved, _ = branch_ends(layout, lambda x, level: 0.5 * x)
    assert np.allclose(halved[leaves], 0.5 * x[leaves])
    assert np.isnan(halved[~leaves]).all()


@settings(max_examples=60, deadline=None)
@given(networks)
def test_join_energy_is_the_minimax_path(arrays):
    points = network(*arrays)
    selection = connected_part(points)
    if not selection.minima.any():
        return
    source = int(np.flatnonzero(selection.minima)[0])
    graph = networkx.Graph()
    for a, b, e in zip(points.plus.tolist(), points.minus.tolist(), points.ts_energies.tolist()):
        if not graph.has_edge(a, b) or graph[a][b]["weight"] > e:
            graph.add_edge(a, b, weight=e)
    tree = networkx.minimum_spanning_tree(graph)
    joins = join_energies(points, selection, source)
    for k in np.flatnonzero(selection.minima):
        if k == source:
            assert joins[k] == -np.inf
            continue
        path = networkx.shortest_path(tree, int(k), source)
        assert joins[k] == max(tree[a][b]["weight"] for a, b in pairwise(path))


@settings(max_examples=60, deadline=None)
@given(networks, st.integers(0, 3))
def test_connections_and_steps(arrays, least):
    points = network(*arrays)
    usable = np.ones(points.plus.size, dtype=bool)
    counts = _superbasins.connection_counts(points.n_minima, points.plus, points.minus, usable.view(np.uint8), least)
    kept = np.ones(points.n_minima, dtype=bool)
    while True:
        brute = np.zeros(points.n_minima, dtype=int)
        np.add.at(brute, points.plus, kept[points.minus])
        np.add.at(brute, points.minus, kept[points.plus])
        if (kept == (brute > least)).all() or not (brute > least).any():
            break
        kept = brute > least
    if (brute > least).any():
        assert counts.tolist() == brute.tolist()
    steps, sweeps = _superbasins.steps_from(points.n_minima, points.plus, points.minus, usable.view(np.uint8), 0)
    distance = np.full(points.n_minima, 10**6)
    distance[0] = 0
    cycles, changed = 0, True
    while changed:
        changed = False
        for a, b in zip(points.plus, points.minus):
            for i, j in ((b, a), (a, b)):
                if distance[i] + 1 < distance[j]:
                    distance[j] = distance[i] + 1
                    changed = True
        cycles += changed
    assert np.where(steps < 0, 10**6, steps).tolist() == distance.tolist()
    assert sweeps == cycles


@given(st.lists(st.integers(0, 5), max_size=200))
def test_sort_is_a_sort(keys):
    keys = np.array(keys, dtype=float)
    order = _superbasins.classic_argsort(keys)
    assert sorted(order.tolist()) == list(range(keys.size))
    assert (np.diff(keys[order]) >= 0).all()
    if keys.size <= 7:
        assert order.tolist() == np.argsort(keys, kind="stable").tolist()


def test_order_of_equal_daughters():
    # 1, n, n-1, 2, 3, n-2, … of equally large daughters, read from the end.
    star = network(np.full(6, -5.0) + 0.0, np.full(5, -1.0), np.ones(5, int), np.arange(2, 7))
    tree = superbasins(star, connected_part(star), Levels(0.0, 2.0, 3))
    layout = classic_layout(tree)
    assert np.argsort(columns_of_minima(layout)).tolist() == [3, 2, 1, 4, 5, 0]


def test_planted_funnels():
    energies, ts, plus, minus, label = funnels(4, 50, 3)
    points = network(energies, ts, plus, minus)
    selection = connected_part(points)
    tree = superbasins(points, selection, Levels(-2.0, 0.05, 200))
    level = int(Levels(-2.0, 0.05, 200).deepest(np.array([-4.0]))[0])
    node = tree.members(level)
    assert len(np.unique(node)) == 4
    for funnel in range(4):
        assert len(np.unique(node[label == funnel])) == 1


def test_automatic_levels_drop_outliers():
    energies, ts, plus, minus, _ = funnels(2, 60, 5)
    energies, ts = np.append(energies, -5.0), np.append(ts, 1e6)
    points = network(energies, ts, np.append(plus, 1), np.append(minus, energies.size))
    levels, limit = choose_levels(points, connected_part(points))
    assert limit < 0.0
    assert levels.first < 0.0
    levels, limit = choose_levels(points, connected_part(points, max_ts_energy=limit))
    assert limit == np.inf
    assert 20 <= levels.n <= 50
    assert levels.last <= energies.min() < levels.first
    assert np.isclose(levels.first / levels.delta, round(levels.first / levels.delta))


def test_first_is_lowered_to_the_grid():
    points = network([-5.0, -4.0, -3.0], [-1.05, -2.0], [1, 2], [2, 3])
    selection = connected_part(points)
    assert lower_first(Levels(3.0, 0.5, 20), selection).first == pytest.approx(-1.0)
    assert lower_first(Levels(-1.0, 0.5, 20), selection).first == -1.0
    assert lower_first(Levels(-2.0, 0.5, 20), selection).first == -2.0


def test_long_chain_needs_no_recursion():
    n = 30000
    energies = -np.linspace(1.0, 2.0, n)
    points = network(energies, energies[:-1] + 0.001, np.arange(1, n), np.arange(2, n + 1))
    tree = superbasins(points, connected_part(points), Levels(0.0, 0.00005, 40001))
    layout = classic_layout(tree, points.global_minimum)
    assert layout.n_columns == n
