"""The frame of the programs: options, messages, exit statuses, signals. A small program stands in for them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common import __version__

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = '''
import sys
from common.cli import run_program

def extra(parser):
    parser.add_argument("output", nargs="?", default="output")

def main(arguments):
    import time
    from common import errors, stop
    from common.keywords import load_table, parse_file
    settings = parse_file("data", load_table({table!r}))
    settings.finish()
    if arguments.check:
        print("the input is valid")
        return 0
    kind = settings["FAIL"].kind
    if kind == "NONE":
        with open(arguments.output, "w") as file:
            file.write("done")
        return None
    if kind == "GOAL":
        return 1
    if kind == "CONVERGENCE":
        raise errors.ConvergenceError("no path was found\\nafter 5 cycles")
    if kind == "READ":
        open("coords")
    if kind == "WRITE":
        with open("/dev/full", "w") as file:
            file.write("x")
    if kind == "FULL":
        raise OSError(28, "No space left on device", "lowest")
    if kind == "INTERRUPT":
        raise KeyboardInterrupt
    if kind == "MEMORY":
        raise MemoryError
    if kind == "WAIT":
        print("waiting", flush=True)
        while True:
            time.sleep(0.02)
            if arguments.output != "deaf":
                stop.raise_if_requested()

sys.exit(run_program("gmin", main, None, [{table!r}], "Stands in for a program.", extra))
'''

TABLE = """
FAIL:
  meaning: How to end.
  arguments:
    - {name: kind, type: word, default: NONE,
       choices: [NONE, GOAL, CONVERGENCE, READ, WRITE, FULL, INTERRUPT, MEMORY, WAIT]}
"""


@pytest.fixture
def program(tmp_path):
    table = tmp_path / "keywords.yaml"
    table.write_text(TABLE)
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(table=str(table)))
    work = tmp_path / "work"
    work.mkdir()
    (work / "data").write_text("FAIL NONE\n")

    def run(*arguments, data=None, popen=False):
        if data is not None:
            (work / "data").write_text(data)
        command = [sys.executable, str(script), *arguments]
        options = {"cwd": work, "env": {**os.environ, "PYTHONPATH": str(ROOT)}, "text": True}
        if popen:
            return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        return subprocess.run(command, capture_output=True, timeout=60, **options)

    run.work = work
    run.script = script
    return run


def test_done(program):
    result = program()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (program.work / "output").read_text() == "done"
    program("elsewhere")
    assert (program.work / "elsewhere").read_text() == "done"


def test_version(program):
    result = program("--version")
    assert (result.returncode, result.stdout) == (0, f"gmin (energy-landscapes) {__version__}\n")
    assert program("x", "--version").stdout == result.stdout


def test_version_loads_almost_nothing(program):
    command = [sys.executable, "-X", "importtime", str(program.script), "--version"]
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)
    loaded = {line.rsplit("|", 1)[1].strip() for line in result.stderr.splitlines() if "|" in line}
    assert not loaded & {"argparse", "yaml", "numpy", "scipy", "common.keywords", "threading", "dataclasses"}


def test_keywords(program):
    result = program("--keywords")
    assert result.returncode == 0
    assert "FAIL [kind]" in result.stdout
    assert "default NONE" in program("--keywords", "fail").stdout
    result = program("--keywords", "FALI")
    assert (result.returncode, result.stderr) == (2, "FALI: unknown keyword; did you mean FAIL?\n")


def test_another_directory(program, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    result = program("-C", str(other))
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"data: no such file in {other}; this file holds the keywords\n"
    (other / "data").write_text("")
    assert program("-C", str(other)).returncode == 0
    assert (other / "output").exists()
    result = program("-C", "nowhere")
    assert (result.returncode, result.stderr) == (2, "nowhere: no such file or directory\n")


def test_check_writes_nothing(program):
    result = program("--check")
    assert (result.returncode, result.stdout) == (0, "the input is valid\n")
    assert [path.name for path in program.work.iterdir()] == ["data"]


def test_bad_input_lists_every_problem_and_writes_nothing(program):
    result = program(data="FIAL\n\nFAIL 5 6\n")
    assert result.returncode == 2
    assert result.stderr.splitlines() == [
        "data:1: FIAL: unknown keyword; did you mean FAIL?",
        "data:3: FAIL 5 6: kind must be one of NONE, GOAL, CONVERGENCE, READ, WRITE, FULL, INTERRUPT, MEMORY, WAIT, found '5'",
        "data:3: FAIL 5 6: FAIL takes one argument, got '6' too (comments start with ' ! ')",
    ]
    assert [path.name for path in program.work.iterdir()] == ["data"]


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("GOAL", 1, ""),
        ("CONVERGENCE", 1, "gmin: no path was found\ngmin: after 5 cycles\n"),
        ("READ", 2, "coords: no such file or directory\n"),
        ("WRITE", 1, "gmin: No space left on device\n"),
        ("FULL", 1, "gmin: lowest: no space left on device\n"),
        ("INTERRUPT", 3, "gmin: stopped\n"),
        ("MEMORY", 1, "gmin: out of memory\n"),
    ],
)
def test_exit_status(program, kind, status, message):
    if kind == "WRITE" and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    result = program(data=f"FAIL {kind}\n")
    assert (result.returncode, result.stderr) == (status, message)


def test_wrong_options(program):
    result = program("--frobnicate")
    assert result.returncode == 2
    assert "unrecognized arguments" in result.stderr
    assert program("--chec").returncode == 2
    assert "Stands in for a program." in program("--help").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_at_a_safe_point(program, number):
    process = program(data="FAIL WAIT\n", popen=True)
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 3
    assert errors.startswith("gmin: stopped")
    assert len(errors.splitlines()) == 1


def test_a_second_signal_kills(program):
    process = program("deaf", data="FAIL WAIT\n", popen=True)
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == -signal.SIGTERM


def test_a_closed_pipe_gives_no_traceback(program):
    process = program("--keywords", popen=True)
    process.stdout.close()
    errors = process.stderr.read()
    process.wait(timeout=20)
    process.stderr.close()
    assert errors == ""
