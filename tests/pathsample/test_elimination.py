"""Order, structure and arithmetic of the elimination of minima: panels of doubles against sparse rows of extended range."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathsample.kinetics._block_structure import Structure, join_supervariables
from pathsample.kinetics._elimination_order import elimination_order
from pathsample.kinetics._graph_transformation import Elimination
from pathsample.kinetics.graph_transformation import transform
from tests.pathsample.networks import network, random_network


def rows(n, edges):
    """Compressed rows of a graph given by its edges."""
    near = [set() for _ in range(n)]
    for i, j in edges:
        near[i].add(j)
        near[j].add(i)
    indptr = np.concatenate([[0], np.cumsum([len(s) for s in near])])
    return near, indptr, np.array([j for s in near for j in sorted(s)], dtype=np.int64)


def random_edges(n, count, seed):
    """A random tree with random edges beside it."""
    rng = np.random.default_rng(seed)
    edges = {(int(rng.integers(i)), i) for i in range(1, n)}
    more = np.sort(rng.integers(n, size=(count, 2)), axis=1)
    return sorted(edges | {(int(i), int(j)) for i, j in more if i != j})


def expander(n, degree, seed, spread=20.0, kept=1):
    """A network on a union of random permutations: no small set of minima separates its halves."""
    rng = np.random.default_rng(seed)
    pairs = {(i, i + 1) for i in range(n - 1)}
    for _ in range(degree // 2):
        for i, j in enumerate(rng.permutation(n).tolist()):
            if i != j:
                pairs.add((min(i, j), max(i, j)))
    pairs = sorted(pairs)
    ln_c = -spread * rng.random(len(pairs))
    return network(-5 * rng.random(n), pairs, ln_c, list(range(kept)), list(range(n - kept, n)))


@given(st.integers(0, 10**6), st.integers(3, 60), st.integers(0, 120), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_order_knows_the_neighbours_at_every_elimination(seed, n, extra, kept):
    kept = min(kept, n - 1)
    near, indptr, indices = rows(n, random_edges(n, extra, seed))
    last = np.zeros(n, dtype=bool)
    last[np.random.default_rng(seed).choice(n, kept, replace=False)] = True
    pivots, width, height, parent, members = elimination_order(indptr, indices, last)
    assert sorted(members.tolist()) == np.flatnonzero(~last).tolist()
    assert width.sum() == n - kept
    assert (parent < len(pivots)).all()
    at = 0
    for k in range(len(pivots)):
        own = members[at : at + width[k]].tolist()
        at += width[k]
        assert own[0] == pivots[k]
        around = set().union(*(near[x] for x in own)) - set(own)
        assert len(around) == height[k]
        for x in own:
            for j in near.pop(x) if isinstance(near, dict) else near[x]:
                near[j].discard(x)
        for i in around:
            near[i] |= around - {i}
        later = set(members[at:].tolist()) & around
        assert parent[k] >= 0 or not later
        assert parent[k] > k or parent[k] == -1


def test_order_leaves_trees_and_grids_sparse():
    n = 400
    _, indptr, indices = rows(n, random_edges(n, 0, 1))
    _, width, height, _, _ = elimination_order(indptr, indices, np.arange(n) == 0)
    assert height.max() == 1
    side = 30
    grid = [(i * side + j, i * side + j + 1) for i in range(side) for j in range(side - 1)]
    grid += [(i * side + j, i * side + side + j) for i in range(side - 1) for j in range(side)]
    _, indptr, indices = rows(side * side, grid)
    _, width, height, _, _ = elimination_order(indptr, indices, np.zeros(side * side, dtype=bool))
    # row after row would take side^3
    assert (width * height).sum() < 0.6 * side**3


def test_panels_have_room_for_every_connection():
    n = 300
    near, indptr, indices = rows(n, random_edges(n, 700, 3))
    last = np.arange(n) >= n - 5
    _, width, height, parent, members = elimination_order(indptr, indices, last)
    group = join_supervariables(width, height, parent)
    assert (group >= np.arange(len(group))).all()
    order = np.argsort(np.repeat(group, width), kind="stable")
    nodes = np.concatenate([members[order], np.flatnonzero(last)])
    place = np.argsort(nodes)
    _, block = np.unique(np.repeat(group, width)[order], return_inverse=True)
    block = np.concatenate([block, np.full(5, block[-1] + 1)])
    _, pointer, columns = rows(n, [(place[i], place[j]) for i in range(n) for j in near[i] if i < j])
    found = Structure(pointer, columns, block, n - 5)
    near = [{int(place[j]) for j in near[nodes[i]]} for i in range(n)]
    for i in range(n - 5):
        later = {j for j in near[i] if j > i}
        panel = found.owner[i]
        room = set(range(i + 1, found.first[panel + 1]))
        room |= set(found.columns[found.start[panel] : found.start[panel + 1]].tolist())
        assert later <= room
        for j in later:
            near[j] |= later - {j}
    assert found.entries < 3 * (np.asarray(width) * (width + height)).sum()


@given(st.integers(0, 10**6), st.floats(0.1, 150.0), st.integers(1, 5))
@settings(max_examples=25, deadline=None)
def test_panels_and_sparse_rows_agree(seed, spread, ends):
    net = random_network(seed, n=60, extra=90, spread=spread, ends=(ends, 2))
    one, two = transform(net, panels=True), transform(net, panels=False)
    assert one.block_rows == 60 - ends - 2
    assert two.block_rows == 0
    for way in ("ab", "ba"):
        a, b = getattr(one, way), getattr(two, way)
        np.testing.assert_allclose(a.ln_passage_all, b.ln_passage_all, atol=1e-12 + 1e-14 * spread)
        for name in ("ln_kss", "ln_knss", "ln_k", "ln_mfpt"):
            assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-12 + 1e-14 * spread)
    np.testing.assert_allclose(one.ln_committor_a, two.ln_committor_a, atol=1e-12 + 1e-14 * spread)
    np.testing.assert_allclose(one.ln_committor_b, two.ln_committor_b, atol=1e-12 + 1e-14 * spread)


@pytest.mark.parametrize("kept", [1, 20])
def test_a_network_without_small_separators(kept):
    net = expander(1200, 6, 2, kept=kept)
    one, two = transform(net), transform(net, panels=False)
    assert one.block_rows > 300
    np.testing.assert_allclose(one.ab.ln_passage_all, two.ab.ln_passage_all, atol=1e-11)
    np.testing.assert_allclose(one.ln_committor_b, two.ln_committor_b, atol=1e-11)
    assert one.ba.ln_kss == pytest.approx(two.ba.ln_kss, abs=1e-12)


@pytest.mark.parametrize(("n", "kept"), [(300, 120), (700, 400)])
def test_what_stays_is_the_same(n, kept):
    net = expander(n, 4, 5)
    low, high, ln_c = net.merged()
    mask = np.random.default_rng(1).permutation(n) >= kept
    left = []
    for panels in (True, False):
        elimination = Elimination(n, low, high, ln_c, net.ln_weight)
        elimination.eliminate(mask, panels)
        assert elimination.block_rows == (n - kept if panels else 0)
        nodes, a, b, c, mass = elimination.remaining()
        order = np.lexsort((b, a))
        left.append((nodes, a[order], b[order], c[order], mass))
        # other masses through the same elimination
        elimination.set_mass(net.ln_weight + 3.0)
        np.testing.assert_allclose(elimination.remaining()[4], mass + 3.0, atol=1e-12)
    for one, two in zip(*left):
        np.testing.assert_allclose(one, two, atol=1e-12)


def test_magnitudes_beyond_doubles_stay_in_sparse_rows():
    net = random_network(4, n=80, extra=120, spread=2000.0)
    one, two = transform(net, panels=True), transform(net, panels=False)
    assert one.block_rows == 0
    assert np.array_equal(one.ab.ln_passage_all, two.ab.ln_passage_all)


def test_elimination_refuses_what_it_cannot_do():
    elimination = Elimination(4, np.array([0, 2]), np.array([1, 3]), np.zeros(2), np.zeros(4))
    with pytest.raises(ValueError, match="mask over all minima"):
        elimination.eliminate(np.zeros(3, dtype=bool))
    with pytest.raises(ValueError, match="not connected"):
        elimination.eliminate(np.array([True, False, True, True]))
    with pytest.raises(ValueError, match="joins 0 and 7"):
        Elimination(4, np.array([0]), np.array([7]), np.zeros(1), np.zeros(4))
