"""Kernels compiled at first use and kept: by nvcc for a device, by the C++ compiler for the emulator."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from common.errors import InputError
from potentials.cuda.parameters import SOURCES, kernel_names

#: Directories of the toolkit looked at after PATH.
TOOLKITS = ("CUDA_HOME", "CUDA_ROOT", "CUDA_PATH")
OPTIONS = ["-cubin", "-std=c++17", "-O3"]


def find_nvcc():
    """Path of nvcc: on PATH, in the toolkit that CUDA_HOME, CUDA_ROOT or CUDA_PATH names, in /usr/local/cuda, or in the wheel
    nvidia-cuda-nvcc of this Python; None where there is none."""
    found = shutil.which("nvcc")
    if found:
        return found
    places = [Path(os.environ[name]) / "bin" for name in TOOLKITS if os.environ.get(name)]
    places.append(Path("/usr/local/cuda/bin"))
    for entry in sys.path:
        places += sorted(Path(entry).glob("nvidia/cu[0-9]*/bin"))
    for place in places:
        if (place / "nvcc").is_file():
            return str(place / "nvcc")
    return None


def cache_directory():
    """Where compiled kernels are kept: ``energy-landscapes`` in the user's cache directory (XDG_CACHE_HOME, or ~/.cache)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "energy-landscapes"


def compiled_for_device(architecture, directory=None):
    """Path of the kernels compiled for an architecture.

    Parameters
    ----------
    architecture : str
        As nvcc has it: ``sm_90``.
    directory : Path, optional
        Where they are kept; by default the user's cache directory.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is no nvcc, or it fails.
    """
    nvcc = find_nvcc()
    if nvcc is None:
        raise InputError(
            "CUDA: no nvcc to compile the kernels, neither on PATH nor by CUDA_HOME; install the CUDA toolkit, or "
            "pip install nvidia-cuda-nvcc"
        )
    command = [nvcc, *OPTIONS, f"-arch={architecture}", str(SOURCES / "kernels.cu")]
    # another toolkit in the same place makes other code
    found = os.stat(nvcc)
    return _compiled(command, f"kernels-{architecture}", ".cubin", directory, stamp=f"{found.st_size} {found.st_mtime_ns}")


def compiled_for_emulator(directory=None):
    """Path of the shared library that runs the kernels on this processor; InputError if there is no C++ compiler."""
    compiler = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")
    if not compiler:
        raise InputError("no C++ compiler for the emulated kernels")
    listed = "\n".join(f"LISTED({name})" for name in kernel_names())
    command = [compiler, "-std=c++17", "-O1", "-shared", "-fPIC", "-fno-strict-aliasing", str(SOURCES / "emulated.cpp")]
    return _compiled(command, "emulated", ".so", directory, {"emulated_kernels.inc": listed})


def _compiled(command, name, ending, directory, extra=None, stamp=""):
    """The file that the command makes, made now unless the same sources, options and compiler (``stamp``) made it before."""
    directory = Path(directory) if directory is not None else cache_directory()
    digest = hashlib.sha256(" ".join([*command, stamp]).encode())
    for source in sorted(SOURCES.iterdir()):
        if source.suffix in (".h", ".cu", ".cpp"):
            digest.update(source.read_bytes())
    for text in (extra or {}).values():
        digest.update(text.encode())
    target = directory / f"{name}-{digest.hexdigest()[:16]}{ending}"
    if target.exists():
        return target
    directory.mkdir(parents=True, exist_ok=True)
    # several processes may do this at once: each writes a file of its own, the last rename stays
    unfinished = target.with_name(f".{os.getpid()}-{target.name}")
    includes = directory / f".{os.getpid()}-include"
    try:
        if extra:
            includes.mkdir(exist_ok=True)
            for file, text in extra.items():
                (includes / file).write_text(text + "\n", encoding="ascii")
            command = [*command, f"-I{includes}"]
        done = subprocess.run([*command, "-o", str(unfinished)], capture_output=True, text=True)
        if done.returncode:
            reason = "\n".join((done.stderr or done.stdout).strip().splitlines()[:10])
            raise InputError(f"CUDA: {Path(command[0]).name} could not compile the kernels:\n{reason}")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
        shutil.rmtree(includes, ignore_errors=True)
    return target
