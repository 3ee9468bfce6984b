"""From a source of items to training and test data: how many, in which order, scaled how, with how many wrong labels."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from common.errors import InputError
from potentials.datasets.sources import load_pool

#: Ways to scale the inputs, all taken from the training inputs.
NORMALISATIONS = {
    "none": "as they are",
    "mean": "every column divided by the mean of its absolute values (MLPNORM)",
    "standard": "every column shifted to mean 0 and divided by its standard deviation",
}


@dataclass(slots=True)
class DataSet:
    """Training and test data of a network.

    Attributes
    ----------
    inputs : ndarray of shape (N, n_inputs)
    classes : ndarray of int of shape (N,)
        Labels to train on, wrong ones included.
    test_inputs : ndarray of shape (M, n_inputs)
    test_classes : ndarray of int of shape (M,)
        Never wrong on purpose.
    wrong : ndarray of bool of shape (N,)
        Training items whose label was replaced.
    shift, divisor : ndarray of shape (n_inputs,)
        (input - shift) / divisor is what the network gets; the arrays above are scaled already.
    lesson_inputs, lesson_classes : ndarray
        Items that a teacher trains on, where one was asked for.
    notes : tuple of str
        What is worth saying about how the items were made.
    """

    inputs: np.ndarray
    classes: np.ndarray
    test_inputs: np.ndarray
    test_classes: np.ndarray
    wrong: np.ndarray
    shift: np.ndarray
    divisor: np.ndarray
    lesson_inputs: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    lesson_classes: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    notes: tuple = ()

    def scaled(self, inputs):
        """Other inputs on the same scale."""
        return (inputs - self.shift) / self.divisor


def draw(
    source, options, shape, directory, *, items=None, test_items=None, split=None, normalise="none", lesson_items=0, name="data"
):
    """Take training, test and, for a teacher, lesson items from a source.

    Items are taken in this order: lesson, training, test. A source with a test set of its own gives the test items from that.

    Parameters
    ----------
    source : potentials.datasets.sources.Source
    options : types.SimpleNamespace
        Values of its fields, and ``seed`` for an endless source.
    shape : (int, int)
        Inputs and classes of the network.
    directory : str or Path
    items : int, optional
        Training items; all that are left of a finite set by default.
    test_items : int, optional
        None by default; all of a test set of its own.
    split : int or False, optional
        Seed of a random order of the items of a finite set; False keeps the order of the set.
    normalise : str
        A key of ``NORMALISATIONS``.
    lesson_items : int
    name : str
        How messages call the set.

    Returns
    -------
    DataSet

    Raises
    ------
    InputError
        If the set holds fewer items than are wanted, does not fit the network, or a column cannot be scaled.
    """
    n_inputs, n_classes = shape
    wanted_test = test_items or 0
    if source.endless:
        if items is None:
            raise InputError(f"{name}: items: the number of training items is missing; this source makes as many as are wanted")
        pool = load_pool(source, options, lesson_items + items + wanted_test, shape, directory, name)
    else:
        pool = load_pool(source, options, None, shape, directory, name)
    _check_fit(pool.inputs, pool.classes, n_inputs, n_classes, name)
    own_test = pool.test_inputs is not None
    if own_test:
        _check_fit(pool.test_inputs, pool.test_classes, n_inputs, n_classes, name)
    held = len(pool.inputs)
    from_pool = 0 if own_test else wanted_test
    if items is None:
        items = held - lesson_items - from_pool
    wanted = lesson_items + items + from_pool
    if wanted > held or items < 1:
        parts = [(lesson_items, "for the teacher"), (max(items, 1), "for training"), (from_pool, "for testing")]
        text = " and ".join(f"{n} {what}" for n, what in parts if n)
        raise InputError(f"{name}: {text} are wanted, the set holds {held} items")
    if own_test and test_items is not None and test_items > len(pool.test_inputs):
        raise InputError(f"{name}: {test_items} test items are wanted, the test set holds {len(pool.test_inputs)}")
    order = np.arange(held)
    split = source.split if split is None else split
    if not source.endless and split is not None and split is not False:
        order = np.random.default_rng(split).permutation(held)
    lesson, train, test = np.split(order[:wanted], [lesson_items, lesson_items + items])
    inputs, classes = pool.inputs, pool.classes
    if own_test:
        test_inputs, test_classes = pool.test_inputs[:test_items], pool.test_classes[:test_items]
    else:
        test_inputs, test_classes = inputs[test], classes[test]
    shift, divisor = scaling(inputs[lesson] if lesson_items else inputs[train], normalise, name)
    return DataSet(
        inputs=(inputs[train] - shift) / divisor,
        classes=classes[train].astype(np.intp),
        test_inputs=(test_inputs - shift) / divisor,
        test_classes=test_classes.astype(np.intp),
        wrong=np.zeros(items, dtype=bool),
        shift=shift,
        divisor=divisor,
        lesson_inputs=(inputs[lesson] - shift) / divisor,
        lesson_classes=classes[lesson].astype(np.intp),
        notes=pool.notes,
    )


def _check_fit(inputs, classes, n_inputs, n_classes, name):
    if n_inputs is not None and inputs.shape[1] != n_inputs:
        raise InputError(f"{name}: the items have {inputs.shape[1]} inputs, the network has {n_inputs}")
    if n_classes is not None and len(classes) and classes.max() >= n_classes:
        raise InputError(f"{name}: the items have classes up to {classes.max()}, the network has classes 0 to {n_classes - 1}")


def scaling(inputs, normalise, name="data"):
    """(shift, divisor) of the columns of training inputs of shape (N, n_inputs).

    Columns that are the same in all items are left unscaled by ``standard`` (the edges of images) and refused by ``mean`` when
    they are zero, as the classic programs would divide by it.

    Raises
    ------
    InputError
    """
    shift, divisor = np.zeros(inputs.shape[1]), np.ones(inputs.shape[1])
    if normalise == "mean":
        divisor = np.abs(inputs).mean(axis=0)
        if not divisor.all():
            column = int(np.flatnonzero(divisor == 0)[0]) + 1
            raise InputError(f"{name}: input {column} is zero in all training items; it cannot be scaled by its mean")
    elif normalise == "standard":
        shift, divisor = inputs.mean(axis=0), inputs.std(axis=0)
        divisor[divisor == 0.0] = 1.0
    return shift, divisor


def mislabelled(data, n_classes, fraction, seed):
    """The same data set with wrong labels for a fraction of the training items."""
    from potentials.datasets.labels import mislabel

    data.classes, data.wrong = mislabel(data.classes, n_classes, fraction, seed)
    return data


def options_of(source, **values):
    """Options of a source, its defaults filled in."""
    return SimpleNamespace(**({name: each.default for name, each in source.fields.items()} | values))
