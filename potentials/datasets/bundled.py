"""Data sets that come with scikit-learn: the iris flowers and the 8 x 8 handwritten digits."""

from common.errors import InputError


def _load(name):
    try:
        from sklearn import datasets
    except ImportError:
        raise InputError(
            f"data set {name}: scikit-learn is not installed; install the extra: pip install 'energy-landscapes[learning]'"
        ) from None
    data = getattr(datasets, f"load_{name}")()
    return data.data.astype(float), data.target.astype(int)


def iris():
    """The 150 iris flowers: 4 inputs in cm, 3 classes.

    Returns
    -------
    inputs : ndarray of shape (150, 4)
    classes : ndarray of int of shape (150,)

    Raises
    ------
    InputError
        If scikit-learn is missing.
    """
    return _load("iris")


def digits():
    """1797 handwritten digits as 8 x 8 grey values scaled to [0, 1].

    Returns
    -------
    inputs : ndarray of shape (1797, 64)
    classes : ndarray of int of shape (1797,)

    Raises
    ------
    InputError
        If scikit-learn is missing.
    """
    inputs, classes = _load("digits")
    return inputs / 16.0, classes
