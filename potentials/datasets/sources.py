"""Where data items come from: the generators, the sets of scikit-learn, and data files, with the options of each.

The table ``SOURCES`` is what ``data:`` in a network file (``MLP file.yaml``) and ``python -m potentials.datasets`` offer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.errors import InputError
from potentials.yaml_schema import Field


@dataclass(frozen=True, slots=True)
class Pool:
    """Items to draw from.

    Attributes
    ----------
    inputs : ndarray of shape (N, n_inputs)
    classes : ndarray of int of shape (N,)
    test_inputs, test_classes : ndarray or None
        A test set of its own, where the source has one.
    notes : tuple of str
        What is worth saying about how the items were made.
    """

    inputs: np.ndarray
    classes: np.ndarray
    test_inputs: np.ndarray | None = None
    test_classes: np.ndarray | None = None
    notes: tuple = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One source of data.

    Attributes
    ----------
    meaning : str
    load : callable
        ``load(options, n, shape, directory) -> Pool`` with the values of ``fields``, the number of items wanted of an endless
        source, (inputs, classes) of the network, and the directory of files.
    endless : bool
        Makes as many items as are wanted, from ``seed``; otherwise the set is of a fixed size.
    n_classes : int or None
    split : int or None
        Seed of the random order in which items are taken where none is given; None is the order of the set.
    fields : dict of str to Field
    """

    meaning: str
    load: Callable
    endless: bool = False
    n_classes: int | None = None
    split: int | None = None
    fields: dict = field(default_factory=dict)


def _ljat3(options, n, shape, directory):
    from potentials.datasets.ljat3 import generate

    data = generate(options.side, n, options.seed, options.distances, options.before)
    note = f"redrawn: {data.not_converged} not converged, {data.not_minima} ended in no minimum"
    inputs = data.inputs if options.before is None else data.inputs_at(options.before, options.distances)
    return Pool(inputs, data.classes, notes=(note,))


def _xor(options, n, shape, directory):
    from potentials.datasets.xor import xor_data

    return Pool(*xor_data())


def _spirals(options, n, shape, directory):
    from potentials.datasets.planar import spirals

    return Pool(*spirals(n, options.seed, options.noise, options.half_turns))


def _checkerboard(options, n, shape, directory):
    from potentials.datasets.planar import checkerboard

    return Pool(*checkerboard(n, options.seed, options.squares))


def _iris(options, n, shape, directory):
    from potentials.datasets.bundled import iris

    return Pool(*iris())


def _digits(options, n, shape, directory):
    from potentials.datasets.bundled import digits

    return Pool(*digits())


def _idx(options, n, shape, directory):
    from potentials.datasets.idx import read_digits

    if (options.test_images is None) != (options.test_labels is None):
        raise ValueError("test_images and test_labels go together; give both or none")
    pool = read_digits(directory / options.images, directory / options.labels)
    if options.test_images is None:
        return Pool(*pool)
    return Pool(*pool, *read_digits(directory / options.test_images, directory / options.test_labels))


def _file(options, n, shape, directory):
    from potentials.datasets.files import read_data
    from potentials.datasets.tables import class_names, read_csv, read_npz

    n_inputs, n_classes = shape
    path = directory / options.file
    # words mean the same classes in the test data as in the training data
    names = getattr(options, "names", ())
    if not names and path.suffix.lower() == ".csv":
        names = class_names(path, options.outcome)

    def read(path):
        if path.suffix.lower() == ".csv":
            return read_csv(path, n_inputs, options.start, n_classes, options.outcome, names)
        return read_data(path, n_inputs, options.start, None, n_classes, options.outcome)

    if path.suffix.lower() == ".npz":
        if options.test_file is not None:
            raise InputError(f"{path}: test data of an npz file are its arrays test_inputs and test_classes; remove test_file")
        return Pool(*read_npz(path, n_inputs, n_classes))
    if options.test_file is None:
        return Pool(*read(path))
    return Pool(*read(path), *read(directory / options.test_file))


SOURCES = {
    "ljat3": Source(
        "geometries of three atoms and the minimum each relaxes to",
        _ljat3,
        endless=True,
        n_classes=4,
        fields={
            "side": Field(
                "real", "side of the cube, in sigma (D1: 3.4641016, D2: 1.385, D3: 2.8284271)", required=True, positive=True
            ),
            "distances": Field("int", "2: inputs r12, r13; 3: and r23", default=2, minimum=2, maximum=3),
            "before": Field("int", "inputs so many steps before convergence, not of the starting geometry", minimum=0),
        },
    ),
    "xor": Source("the four points of exclusive or", _xor, n_classes=2),
    "spirals": Source(
        "two intertwined spirals in the unit disc",
        _spirals,
        endless=True,
        n_classes=2,
        fields={
            "noise": Field("real", "half width of the uniform displacement of each coordinate", default=0.02, minimum=0),
            "half_turns": Field("real", "half turns of each arm", default=6.0, positive=True),
        },
    ),
    "checkerboard": Source(
        "points of the unit square, classified by the colour of their field",
        _checkerboard,
        endless=True,
        n_classes=2,
        fields={"squares": Field("int", "fields along a side", default=4, minimum=1)},
    ),
    "iris": Source("150 iris flowers, 4 inputs in cm, 3 classes (scikit-learn)", _iris, n_classes=3, split=1),
    "digits": Source("1797 handwritten digits, 8 x 8 grey values in [0, 1] (scikit-learn)", _digits, n_classes=10, split=1),
    "idx": Source(
        "images of the MNIST database in IDX files, gzipped or not, grey values scaled to [0, 1]",
        _idx,
        fields={
            "images": Field("file", "IDX file of the images", required=True),
            "labels": Field("file", "IDX file of the labels", required=True),
            "test_images": Field("file", "IDX file of the test images"),
            "test_labels": Field("file", "IDX file of the test labels"),
        },
    ),
}

#: Data of the user's own, ``file:`` in place of ``generator:``.
FILE = Source(
    "a file in the layout of MLPdata, a table (.csv) or arrays (.npz)",
    _file,
    fields={
        "file": Field("file", "MLPdata, a .csv table, or .npz arrays inputs and classes (and test_inputs, test_classes)"),
        "test_file": Field("file", "test data in the same layout"),
        "start": Field("int", "first feature used, counted from 1", default=1, minimum=1),
        "outcome": Field("word", "where the outcome stands: first, last, or the name of a column of a .csv", default="first"),
    },
)


def load_pool(source, options, n, shape, directory, name):
    """Load a source; problems of its arguments become `InputError`, with the name given."""
    try:
        return source.load(options, n, shape, Path(directory))
    except InputError:
        raise
    except ValueError as problem:
        raise InputError(f"{name}: {problem}") from None
