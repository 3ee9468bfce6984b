"""Exclusive or: the four points of Mehta et al. (2018)."""

import numpy as np


def xor_data():
    """(inputs of shape (4, 2), classes of shape (4,)): (0,0), (0,1), (1,0), (1,1) with classes 0, 1, 1, 0."""
    return np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
