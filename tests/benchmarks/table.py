"""Writes docs/benchmarks.md from the JSON files of pytest-benchmark.

``make bench`` runs all benchmarks and then this:

    python tests/benchmarks/table.py build/benchmarks.json [more.json ...] docs/benchmarks.md

A benchmark that has something to stand beside adds rows with the fixture ``compare``; of the others the best time is shown.
"""

import json
import sys
from pathlib import Path

PACKAGES = {
    "test_potentials_benchmarks.py": "potentials",
    "test_symmetry.py": "potentials: symmetry",
    "test_gmin_speed.py": "gmin",
    "test_optim_speed.py": "optim",
    "test_database_speed.py": "common: database",
    "test_executors_speed.py": "common: executors",
    "test_scale_speed.py": "pathsample: choosing pairs in large databases",
    "test_kinetics_speed.py": "pathsample: kinetics",
    "test_disconnect_speed.py": "disconnect",
}
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (0.0, "ns"))

HEADING = ("| what | ours | beside | that | that / ours | aim |", "|---|---|---|---|---|---|")

INTRODUCTION = """\
# Benchmarks

`make bench` runs everything below and writes this page anew. Figures are the best of many rounds on one core unless a row says
otherwise; ours and the other were measured one after the other in the same run, so the ratio means more than either. Nothing
here fails for being slow.

What stands beside ours:

- *C++ template*: a pair potential as it is usually written (array of structures, loop over pairs, interaction as a template
  argument), compiled for this machine with `-O3 -march=native`; `tests/benchmarks/yardsticks.py` holds it.
- *JAX, jitted*: loss and gradient of the same function in double precision, `jit(value_and_grad(...))`, waited for, as it is
  usually written, and with the data items innermost.
- *its dgemms alone*: the matrix products that the loss and gradient need, by BLAS with one thread.
- *one pass over the couplings*: the sum of squares of the symmetrised couplings, the least that any evaluation must read.
- *pele*, *JAX* where they can be imported (`pip install pele`, `pip install jax`); "not installed" otherwise.
"""


def duration(seconds):
    """Three significant digits and the unit that suits."""
    scale, unit = next(each for each in UNITS if seconds >= each[0])
    return f"{seconds / (scale or 1e-9):.3g} {unit}"


def figure(value, unit):
    """Three significant digits."""
    return f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def row(what, ours, unit="", beside="", that=None, aim=""):
    """One line of a table; the ratio is how many times the other takes."""
    if that is None:
        return f"| {what} | {figure(ours, unit)} | {beside} | | | {aim} |"
    return f"| {what} | {figure(ours, unit)} | {beside} | {figure(that, unit)} | {that / ours:.2f} | {aim} |"


def only_time(benchmark):
    """The line of a benchmark with nothing beside it."""
    name = benchmark["name"].removeprefix("test_").replace("_", " ").replace("|", " ")
    return f"| {name} | {duration(benchmark['stats']['min'])} | | | | |"


def page(reports):
    """The text of the page from the parsed JSON files, later ones in place of earlier ones."""
    machine = reports[-1]["machine_info"]
    rows = {}
    for report in reports:
        for benchmark in report["benchmarks"]:
            rows[benchmark["fullname"]] = [only_time(benchmark)]
        rows |= {name: [row(**each) for each in found] for name, found in report.get("rows", {}).items()}
    cpu = machine.get("cpu", {})
    lines = [INTRODUCTION, f"Machine: {cpu.get('brand_raw', machine['machine'])}, {cpu.get('count', '?')} cores, "
             f"{machine['system']}, Python {machine['python_version']}; load average "
             f"{max(report.get('load', 0.0) for report in reports):.0f} during the run.", ""]  # fmt: skip
    for module, package in PACKAGES.items():
        found = [line for name, of_test in rows.items() if Path(name.split("::")[0]).name == module for line in of_test]
        if found:
            lines += [f"## {package}", "", *HEADING, *found, ""]
    return "\n".join(lines)


if __name__ == "__main__":
    *sources, target = sys.argv[1:]
    Path(target).write_text(page([json.loads(Path(source).read_text()) for source in sources]), encoding="utf-8")
