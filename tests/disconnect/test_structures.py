"""Pictures of single minima, and where they go."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.figure import Figure

from disconnect.insets import spread
from disconnect.structures import draw_structure, facing, kind_of


def test_what_the_variables_are():
    assert kind_of({"n_atoms": 4}, 12).name == "cluster"
    assert kind_of({"n_atoms": 4}, 13).name == "variables"
    network = kind_of({"layers": [2, 3, 2], "has_biases": True}, 17)
    assert (network.name, network.layers, network.biases) == ("network", (2, 3, 2), True)
    assert not kind_of({"layers": [2, 3, 2], "has_biases": "one"}, 13).biases
    assert kind_of(None, 5).name == kind_of({}, 5).name == "variables"


def test_links_of_a_network():
    # Weights of one node of the next layer stand together: input 2 to hidden 1 is the second variable.
    x = np.zeros(17)
    x[[1, 3, 12]] = [2.0, -1.0, 0.01]
    axes = draw_structure(Figure().add_subplot(), x, kind_of({"layers": [2, 3, 2], "has_biases": True}, 17))
    lines = next(part for part in axes.collections if isinstance(part, LineCollection))
    ends = sorted((path.vertices.tolist() for path in lines.get_paths()), key=lambda line: line[1][1])
    assert np.allclose(ends, [[[0.0, 0.25], [0.5, 0.5]], [[0.0, 0.25], [0.5, 5 / 6]]])
    assert np.ptp(lines.get_linewidths()) > 0.8
    nodes = next(part for part in axes.collections if isinstance(part, EllipseCollection))
    assert len(nodes.get_offsets()) == 7


def test_balls_of_a_cluster():
    x = np.random.default_rng(0).normal(size=(7, 3))
    axes = draw_structure(Figure().add_subplot(), x.ravel(), kind_of({"n_atoms": 7}, 21))
    assert len(axes.collections[0].get_offsets()) == 3 * 7


def test_view_does_not_depend_on_orientation():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(9, 3)) * [3.0, 2.0, 1.0]
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    first, second = facing(x), facing(x @ rotation.T)
    assert np.allclose(first, second)
    assert np.allclose(np.linalg.norm(first[0] - first[5]), np.linalg.norm(x[0] - x[5]))
    assert first[:, 0].std() > first[:, 1].std() > first[:, 2].std()


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6), st.floats(0.02, 0.3))
def test_pictures_do_not_overlap(wanted, width):
    places = spread(np.sort(np.array(wanted)), width)
    assert (np.diff(places) > width * (1 - 1e-9)).all()
    if len(wanted) * width < 1.0:
        assert places[0] > width / 2 - 1e-9
        assert places[-1] < 1.0 - width / 2 + 1e-9


def test_a_single_picture_stays_below_its_branch():
    assert spread(np.array([0.4]), 0.27) == pytest.approx([0.4])
    assert spread(np.array([0.1, 0.5, 0.9]), 0.2) == pytest.approx([0.1, 0.5, 0.9])
