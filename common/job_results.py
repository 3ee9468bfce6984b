"""The result of a job as bytes, for one that is finished before its turn to be filed has come.

A block of JSON (scalars) and a block of little-endian float64 (coordinates and eigenvalues). Not pickle: whoever opens the
database of another must not run what is in it.
"""

import json

import numpy as np

from common.stationary_points import Minimum, TransitionState, Triple

_SCALARS = ("energy", "log_product", "order", "point_group", "plus", "minus", "negative_eigenvalue")


def encode(triples, minima, rest):
    """Bytes of the stationary points of a job and of what else it returned.

    Parameters
    ----------
    triples : iterable of Triple
    minima : iterable of Minimum
    rest : dict
        Anything JSON can hold.
    """
    arrays = []
    words = {
        "triples": [
            [_point(t.plus, arrays), _point(t.transition_state, arrays), _point(t.minus, arrays), float(t.path_length)]
            for t in triples
        ],
        "minima": [_point(minimum, arrays) for minimum in minima],
        "rest": rest,
    }
    text = json.dumps(words).encode("ascii")
    return b"".join([len(text).to_bytes(8, "little"), text, *arrays])


def decode(data):
    """The triples, minima and rest that `encode` was given."""
    size = int.from_bytes(data[:8], "little")
    words = json.loads(data[8 : 8 + size])
    numbers = iter_numbers(np.frombuffer(data[8 + size :], "<f8"))
    triples = [
        Triple(
            _record(Minimum, plus, numbers), _record(TransitionState, ts, numbers), _record(Minimum, minus, numbers), length
        )
        for plus, ts, minus, length in words["triples"]
    ]
    return triples, [_record(Minimum, minimum, numbers) for minimum in words["minima"]], words["rest"]


def iter_numbers(values):
    """A function that hands out the next k numbers at each call."""
    place = 0

    def take(k):
        nonlocal place
        place += k
        return values[place - k : place].copy()

    return take


def _point(point, arrays):
    scalars = {name: _plain(getattr(point, name)) for name in _SCALARS if hasattr(point, name)}
    scalars["inertia"] = [float(value) for value in point.inertia]
    for name in ("coordinates", "eigenvalues"):
        values = getattr(point, name)
        scalars[name] = None if values is None else int(np.size(values))
        if values is not None:
            arrays.append(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return scalars


def _record(kind, scalars, take):
    arrays = {name: None if scalars[name] is None else take(scalars[name]) for name in ("coordinates", "eigenvalues")}
    return kind(**{**scalars, "inertia": tuple(scalars["inertia"]), **arrays})


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value
