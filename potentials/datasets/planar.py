"""Two-class problems in the plane: intertwined spirals and the checkerboard (Niroomand et al 2022)."""

import math

import numpy as np

#: Half-turns of each arm and inner radius as a fraction of the outer one, of Lang and Witbrock (1988).
HALF_TURNS = 6.0
INNER_RADIUS = 8.0 / 104.0


def spirals(n_items, seed, noise=0.02, half_turns=HALF_TURNS):
    """Points on two spirals that wind around each other.

    Arm c is r(u) (sin(theta + c pi), cos(theta + c pi)) with theta = u half_turns pi and a radius that falls linearly from 1 to
    8/104 with u in [0, 1]: the curve of Lang and Witbrock (1988) scaled to the unit disc and drawn at random u.

    Parameters
    ----------
    n_items : int
    seed : int or numpy.random.SeedSequence
    noise : float
        Half width of the uniform displacement added to each coordinate.
    half_turns : float
        Half-turns of each arm.

    Returns
    -------
    inputs : ndarray of shape (n_items, 2)
    classes : ndarray of int of shape (n_items,)
        0 or 1, as many of either as parity allows.
    """
    rng = np.random.default_rng(seed)
    classes = np.arange(n_items) % 2
    rng.shuffle(classes)
    u = rng.uniform(0.0, 1.0, n_items)
    angle = math.pi * (half_turns * u + classes)
    radius = 1.0 - (1.0 - INNER_RADIUS) * u
    inputs = radius[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])
    return inputs + rng.uniform(-noise, noise, inputs.shape), classes


def checkerboard(n_items, seed, squares=4):
    """Points uniform in the unit square, classified by the colour of the field of a board of squares x squares fields.

    Returns
    -------
    inputs : ndarray of shape (n_items, 2)
    classes : ndarray of int of shape (n_items,)
    """
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(0.0, 1.0, (n_items, 2))
    fields = np.minimum((inputs * squares).astype(int), squares - 1)
    return inputs, fields.sum(axis=1) % 2
