import gzip
import struct

import numpy as np
import pytest

from common.errors import InputError
from potentials.datasets.idx import read_digits, read_idx
from potentials.datasets.labels import mislabel, split, taught
from potentials.datasets.planar import checkerboard, spirals


def test_spirals_lie_on_their_arms():
    inputs, classes = spirals(2000, seed=1, noise=0.0)
    assert abs(classes.mean() - 0.5) < 1e-9
    radius = np.linalg.norm(inputs, axis=1)
    assert radius.min() >= 8 / 104 - 1e-12
    assert radius.max() <= 1.0 + 1e-12
    u = (1.0 - radius) / (1.0 - 8 / 104)
    for c in (0, 1):
        angle = np.pi * (6.0 * u + c)
        on_arm = np.abs(inputs - radius[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])).max(axis=1) < 1e-9
        assert np.all(on_arm[classes == c])


def test_spirals_arms_are_images_of_each_other_and_noise_is_bounded():
    clean, classes = spirals(500, seed=3, noise=0.0)
    noisy, same = spirals(500, seed=3, noise=0.05)
    np.testing.assert_array_equal(classes, same)
    assert 0.0 < np.abs(noisy - clean).max() <= 0.05


def test_checkerboard_colours_alternate():
    inputs, classes = checkerboard(4000, seed=0, squares=4)
    fields = (inputs * 4).astype(int)
    assert np.all(classes == (fields[:, 0] + fields[:, 1]) % 2)
    assert classes.mean() == pytest.approx(0.5, abs=0.05)
    np.testing.assert_array_equal(inputs, checkerboard(4000, seed=0)[0])


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.45, 1.0])
def test_mislabel_changes_exactly_the_fraction_to_other_classes(fraction):
    classes = np.random.default_rng(0).integers(0, 4, 1000)
    labels, wrong = mislabel(classes, 4, fraction, seed=2)
    assert wrong.sum() == round(1000 * fraction)
    assert np.all((labels != classes) == wrong)
    assert set(labels) <= {0, 1, 2, 3}


def test_wrong_labels_are_uniform_over_the_other_classes():
    labels, _ = mislabel(np.zeros(30000, dtype=int), 4, 1.0, seed=1)
    np.testing.assert_allclose(np.bincount(labels, minlength=4) / 30000, [0, 1 / 3, 1 / 3, 1 / 3], atol=0.02)


@pytest.mark.parametrize(("fraction", "n_classes"), [(-0.1, 4), (1.1, 4), (0.5, 1)])
def test_mislabel_refuses_nonsense(fraction, n_classes):
    with pytest.raises(ValueError):
        mislabel([0, 0], n_classes, fraction, seed=0)


def test_split_is_a_partition():
    train, test = split(100, 70, seed=5)
    assert len(train) == 70
    assert sorted([*train, *test]) == list(range(100))
    with pytest.raises(ValueError, match="101 training items"):
        split(100, 101, seed=5)


def test_taught_labels_are_the_most_probable_classes():
    class Teacher:
        def probabilities(self, weights, inputs):
            return np.array([[0.2, 0.8], [0.6, 0.4]])

    assert list(taught(Teacher(), None, None)) == [1, 0]


def idx_bytes(array, code):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("zipped", [False, True])
def test_idx_files_are_read(tmp_path, zipped):
    images = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)
    labels = np.array([7, 0, 9], dtype=np.uint8)
    for name, array in (("images", images), ("labels", labels)):
        content = idx_bytes(array, 8)
        (tmp_path / name).write_bytes(gzip.compress(content) if zipped else content)
    inputs, classes = read_digits(tmp_path / "images", tmp_path / "labels", 2)
    np.testing.assert_allclose(inputs, images[:2].reshape(2, 4) / 255.0)
    np.testing.assert_array_equal(classes, [7, 0])
    np.testing.assert_array_equal(read_idx(tmp_path / "images"), images)


def test_idx_of_wide_integers_is_big_endian(tmp_path):
    (tmp_path / "x").write_bytes(idx_bytes(np.array([1, -2, 70000], dtype=">i4"), 12))
    np.testing.assert_array_equal(read_idx(tmp_path / "x"), [1, -2, 70000])


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "not an IDX file"), (b"\0\0\x08\x03\0\0", "truncated"), (b"\0\0\x08\x01\0\0\0\x05ab", "its header says"),
     (b"\x1f\x8bgarbage", "cannot be read"), (b"1 2 3", "not an IDX file")],
)
def test_damaged_idx_files_are_refused(tmp_path, content, message):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_idx(tmp_path / "x")


def test_missing_idx_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_idx(tmp_path / "absent")


def test_bundled_sets_have_their_published_sizes():
    pytest.importorskip("sklearn")
    from potentials.datasets.bundled import digits, iris

    inputs, classes = iris()
    assert inputs.shape == (150, 4)
    assert list(np.bincount(classes)) == [50, 50, 50]
    inputs, classes = digits()
    assert inputs.shape == (1797, 64)
    assert inputs.max() == 1.0
    assert set(classes) == set(range(10))
