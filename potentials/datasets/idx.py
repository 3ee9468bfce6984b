"""IDX files, the format of the MNIST database of handwritten digits."""

import gzip
import struct
from pathlib import Path

import numpy as np

from common.errors import InputError

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_GZIP = b"\x1f\x8b"


def read_idx(path):
    """The array in an IDX file, gzipped or not.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    ndarray
        Of the shape and type the header states.

    Raises
    ------
    InputError
        If the file is missing, is no IDX file, or is shorter or longer than its header says.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if content[:2] == _GZIP:
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; it must be one of the four IDX files of the MNIST database") from None
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES:
        raise InputError(f"{path}: not an IDX file (its first bytes must be 0 0 type rank)")
    dtype, rank = np.dtype(_TYPES[content[2]]), content[3]
    start = 4 + 4 * rank
    if len(content) < start:
        raise InputError(f"{path}: the header is truncated")
    shape = struct.unpack(f">{rank}I", content[4:start])
    expected = start + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if len(content) != expected:
        raise InputError(f"{path}: holds {len(content)} bytes, its header says {expected}; fetch it again")
    return np.frombuffer(content, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def read_digits(images, labels, n_items=None):
    """Images and labels of two IDX files, grey values scaled to [0, 1].

    Returns
    -------
    inputs : ndarray of shape (N, rows*columns)
    classes : ndarray of int of shape (N,)

    Raises
    ------
    InputError
        If the files do not belong together or hold fewer than ``n_items`` items.
    """
    pixels, classes = read_idx(images), read_idx(labels)
    if pixels.ndim < 2 or classes.ndim != 1 or len(pixels) != len(classes):
        raise InputError(f"{images} and {labels}: shapes {pixels.shape} and {classes.shape} do not belong together")
    if n_items is not None and n_items > len(pixels):
        raise InputError(f"{images}: {n_items} items were asked for, it holds {len(pixels)}")
    inputs = pixels[:n_items].reshape(len(pixels[:n_items]), -1) / 255.0
    return inputs, classes[:n_items].astype(int)
