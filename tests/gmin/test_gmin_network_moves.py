"""Moves over the nodes of a network (NETWORKMOVES)."""

import numpy as np
import pytest

from common.errors import InputError
from gmin._network_moves import KINDS, NetworkMoves
from gmin.network_moves import KINDS as NAMES
from gmin.run import run
from potentials.mlp import MultilayerPerceptron

XOR = """\
XOR 4 1D-4
STEPS 120 1.0
STEP 2.0
TEMPERATURE 0.001
FIXBOTH
SLOPPYCONV 1D-6
MAXIT 2000 2000
UPDATES 20
EDIFF 1D-7
SAVE 4
DUMPINT 60
"""


def network(layers=(2, 4, 3), **options):
    rng = np.random.default_rng(1)
    return MultilayerPerceptron(layers, rng.normal(size=(20, layers[0])), rng.integers(layers[-1], size=20), 1e-3, **options)


def moves_on(potential, kinds=(), seed=3):
    return NetworkMoves(
        potential.layers, potential.n_variables, potential.has_biases, potential.frozen, kinds, 1e-6, np.random.PCG64(seed)
    )  # fmt: skip


def nodes(potential, x, layer=0):
    """Weights in, bias and weights out of each hidden node, as rows."""
    weights, biases = potential.weight_matrices(x)
    return np.hstack([weights[layer], biases[layer][:, None], weights[layer + 1].T])


def start(potential, seed=2):
    return np.random.default_rng(seed).normal(size=potential.n_variables)


def test_names_of_the_kinds():
    assert tuple(KINDS) == NAMES


@pytest.mark.parametrize("layers", [(2, 4, 3), (3, 5, 4, 2)])
@pytest.mark.parametrize("kind", ["redraw", "flip"])
def test_moves_of_one_node_leave_the_others(kind, layers):
    potential = network(layers)
    moves, x = moves_on(potential), start(potential)
    for _ in range(20):
        t = moves.move(x, kind)
        changed = t != x
        n_in_out = [layers[k] + 1 + layers[k + 2] if kind == "redraw" else layers[k + 2] for k in range(len(layers) - 2)]
        assert np.count_nonzero(changed) in n_in_out
        tables = [(nodes(potential, x, k), nodes(potential, t, k)) for k in range(len(n_in_out))]
        changed_nodes = [np.count_nonzero((before != after).any(axis=1)) for before, after in tables]
        assert 1 in changed_nodes
        if kind == "flip":
            np.testing.assert_array_equal(t[changed], -x[changed])


def test_permute_exchanges_the_weights_out_of_two_nodes():
    potential = network()
    moves, x = moves_on(potential), start(potential)
    before, after = nodes(potential, x), nodes(potential, moves.move(x, "permute"))
    np.testing.assert_array_equal(before[:, :3], after[:, :3])
    i, j = np.flatnonzero((before != after).any(axis=1))
    np.testing.assert_array_equal(after[[i, j], 3:], before[[j, i], 3:])


def test_scale_multiplies_one_layer():
    potential = network()
    moves, x = moves_on(potential), start(potential)
    for _ in range(10):
        ratio = moves.move(x, "scale") / x
        other = ratio[ratio != 1.0]
        assert other.size in (4 * 2 + 4, 3 * 4 + 3)
        np.testing.assert_allclose(other, other[0], rtol=1e-14)
        assert 0.25 <= other[0] <= 4.0


def test_split_of_a_node_changes_little_but_the_weakest_node():
    # what the two halves give together is, to first order in their difference, what the node gave
    potential = network()
    moves, x = moves_on(potential), start(potential)
    before = nodes(potential, x)
    weakest = np.argmin(np.linalg.norm(before[:, :2], axis=1) * np.linalg.norm(before[:, 3:], axis=1))
    for _ in range(10):
        after = nodes(potential, moves.move(x, "split"))
        parent = next(k for k in np.flatnonzero((before != after).any(axis=1)) if k != weakest)
        np.testing.assert_allclose(after[weakest] + after[parent], [*(2 * before[parent, :3]), *before[parent, 3:]], rtol=1e-12)
        np.testing.assert_allclose(after[weakest, 3:], after[parent, 3:], rtol=1e-12)


def test_merge_keeps_the_sum_of_the_weights_out():
    potential = network()
    moves, x = moves_on(potential), start(potential)
    before, after = nodes(potential, x), nodes(potential, moves.move(x, "merge"))
    drawn = np.flatnonzero((before[:, :3] != after[:, :3]).any(axis=1)).item()
    kept = next(k for k in np.flatnonzero((before != after).any(axis=1)) if k != drawn)
    np.testing.assert_allclose(after[kept, 3:], before[kept, 3:] + before[drawn, 3:])


def test_swap_takes_whole_nodes_of_a_saved_minimum():
    potential = network()
    moves, x = moves_on(potential), start(potential)
    np.testing.assert_array_equal(moves.move(x, "swap"), x)
    others = [start(potential, seed) for seed in (5, 6)]
    for k, other in enumerate(others):
        moves.pool.add(float(k), other, 0, 0)
    known = np.vstack([nodes(potential, y) for y in (x, *others)])
    for _ in range(20):
        rows = nodes(potential, moves.move(x, "swap"))
        sources = [np.flatnonzero((known == row).all(axis=1)).item() for row in rows]
        assert any(k >= 4 for k in sources)


def test_frozen_weights_stay():
    potential = network((2, 6, 4), neighbours=1)
    moves, x = moves_on(potential), start(potential)
    x[potential.frozen] = 0.0
    for kind in KINDS:
        for _ in range(10):
            assert not moves.move(x, kind)[potential.frozen].any()


def test_network_without_biases_and_with_one_node():
    for potential in (network(has_biases=False), network((2, 1, 2)), network((2, 1, 2), has_biases=False)):
        moves, x = moves_on(potential), start(potential)
        for kind in KINDS:
            assert np.isfinite(moves.move(x, kind)).all()
        assert np.isfinite(moves.move(np.zeros_like(x), "redraw")).all()


def test_sizes_are_checked():
    with pytest.raises(ValueError, match="do not fit"):
        NetworkMoves((2, 3, 2), 5, True, None, (), 1e-6, np.random.PCG64(1))
    with pytest.raises(ValueError, match="expected some of plain"):
        NetworkMoves((2, 3, 2), 17, True, None, ("jump",), 1e-6, np.random.PCG64(1))


def test_choice_follows_success_and_cost():
    moves = moves_on(network())
    np.testing.assert_allclose(moves.probabilities, 1 / len(KINDS))
    state = moves.state
    state["tried"] = [50] * len(KINDS)
    state["spent"] = [5000] * len(KINDS)
    state["evaluations"] = [1000.0] * len(KINDS)
    state["successes"] = [0.0, 9.0, *[0.0] * (len(KINDS) - 2)]
    state["evaluations"][2] = 3000.0
    moves.state = state
    p = moves.probabilities
    assert p.sum() == pytest.approx(1.0)
    assert p[1] == p.max() > 0.4
    assert p[2] == p.min() > 0.2 / len(KINDS)
    only = moves_on(network(), ("plain", "flip")).probabilities
    np.testing.assert_allclose(only[[0, 2]], 0.5)
    assert only.sum() == 1.0


def make(tmp_path, name, text, extra=""):
    directory = tmp_path / name
    directory.mkdir()
    (directory / "data").write_text(text + extra)
    return directory


def quenches(directory):
    lines = (directory / "output").read_text().splitlines()
    return [line[:85] for line in lines if line.lstrip("[0123456789]").startswith("Qu")]


@pytest.mark.parametrize("walkers", [1, 2])
def test_restore_continues_identically(tmp_path, walkers):
    extra = f"NETWORKMOVES\nPARALLEL {walkers}\nTRACKDATA\n"
    whole = make(tmp_path, "whole", XOR, extra)
    half = make(tmp_path, "half", XOR.replace("STEPS 120", "STEPS 60"), extra)
    assert run(whole) == 0
    assert run(half) == 0
    (half / "data").write_text(XOR + extra + "RESTORE GMIN.dump\n")
    assert run(half) == 0
    assert sorted(quenches(half)) == sorted(quenches(whole))
    assert (half / "lowest").read_text() == (whole / "lowest").read_text()
    lines = [(d / "output").read_text().splitlines() for d in (whole, half)]
    counts = [[line for line in text if line.startswith("network>")] for text in lines]
    assert counts[0] == counts[1][-len(counts[0]) :]
    assert len(counts[0]) == walkers * len(KINDS)
    for name in ("energy", "markov", "best"):
        name += "" if walkers == 1 else ".2"
        assert (half / name).read_text() == (whole / name).read_text()


def test_off_by_default_and_only_kinds_asked_for(tmp_path):
    plain = make(tmp_path, "plain", XOR)
    assert run(plain) == 0
    assert "network>" not in (plain / "output").read_text()
    # the plain step alone is one kind as well, and then nothing but the stream of random numbers differs
    some = make(tmp_path, "some", XOR, "NETWORKMOVES redraw Flip\n")
    assert run(some) == 0
    lines = [line.split()[1] for line in (some / "output").read_text().splitlines() if line.startswith("network>")]
    assert lines == ["redraw", "flip"]


def test_refused_without_layers(tmp_path, lj13):
    with pytest.raises(InputError, match=r"data:\d+: NETWORKMOVES: the potential is no network"):
        run(lj13("NETWORKMOVES\n"), check=True)
    with pytest.raises(InputError, match="must be one of plain, redraw"):
        run(make(tmp_path, "kind", XOR, "NETWORKMOVES jump\n"), check=True)


def test_frozen_variables_of_the_input_stay(tmp_path):
    directory = make(tmp_path, "frozen", XOR.replace("STEPS 120", "STEPS 30"), "NETWORKMOVES\nFREEZE 1 9\nNODATABASE\n")
    x = np.random.default_rng(1).uniform(-1, 1, 8 + 8 + 6)
    (directory / "coords").write_text("".join(f"{v:20.10f}\n" for v in x))
    assert run(directory) == 0
    rows = (directory / "lowest").read_text().splitlines()[2:24]
    np.testing.assert_allclose([float(rows[k].split()[-1]) for k in (0, 8)], x[[0, 8]], atol=1e-9)
