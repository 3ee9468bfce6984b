"""The programs as a user runs them: commands in a directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def command(tmp_path):
    """Runs a program in the test's directory; returns the finished process with its output."""

    def run(program, *arguments, directory=tmp_path, status=0):
        process = subprocess.run(
            [sys.executable, "-m", f"{program}.cli", *arguments],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == status, process.stdout[-2000:] + process.stderr[-2000:]
        assert "Traceback" not in process.stderr
        return process

    return run


@pytest.fixture
def write(tmp_path):
    """Writes files into the test's directory: ``write(data=..., **{"odata.connect": ...})``."""

    def files(**contents):
        for name, text in contents.items():
            (tmp_path / name.replace("__", ".")).write_text(text)

    return files
