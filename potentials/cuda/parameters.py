"""The structure that a kernel is told, as NumPy sees it; the members are those of parameters.h."""

import re
from functools import cache
from pathlib import Path

import numpy as np

SOURCES = Path(__file__).parent
_MEMBER = re.compile(r"^    (?:const )?(unsigned long long|long long|double) (\*?)(\w+);", re.MULTILINE)
_TYPES = {"unsigned long long": np.uint64, "long long": np.int64, "double": np.float64}


@cache
def parameters_type():
    """The structured dtype of ``Parameters``."""
    members = _MEMBER.findall((SOURCES / "parameters.h").read_text(encoding="ascii"))
    return np.dtype([(name, np.uint64 if pointer else _TYPES[kind]) for kind, pointer, name in members])


@cache
def kernel_names():
    """Names of all kernels, in the order of kernels.cu."""
    return tuple(re.findall(r"^KERNEL\S* (\w+)\(", (SOURCES / "kernels.cu").read_text(encoding="ascii"), re.MULTILINE))


def parameters(values):
    """A ``Parameters`` of shape () with the values given, everything else zero.

    Raises
    ------
    KeyError
        If a name is no member.
    """
    p = np.zeros((), dtype=parameters_type())
    for name, value in values.items():
        if name not in p.dtype.names:
            raise KeyError(name)
        p[name] = value
    return p
