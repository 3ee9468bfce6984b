"""A table of figures beside their peers, printed at the end of a run of the benchmarks."""

import os

import pytest

#: Rows (what, ours, unit, beside what, that, aim of the ratio) in the order of the run.
ROWS = []
#: The same as dictionaries, by test.
NAMED_ROWS = {}


@pytest.fixture
def compare(request, benchmark):
    """Add a row: ``compare(what, ours, unit, beside=name, that=its figure, aim=what is asked for)``."""

    def add(what, ours, unit, *, beside="", that=None, aim=""):
        ROWS.append((what, ours, unit, beside, that, aim))
        row = {"what": what, "ours": ours, "unit": unit, "beside": beside, "that": that, "aim": aim}
        NAMED_ROWS.setdefault(request.node.nodeid, []).append(row)

    return add


def figure(value):
    """Three significant digits."""
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def markdown(rows):
    """The table that is printed."""
    lines = ["| what | ours | beside | that | that / ours | aim |", "|---|---|---|---|---|---|"]
    for what, ours, unit, beside, that, aim in rows:
        ratio = "" if that is None else f"{that / ours:.2f}"
        other = "" if that is None else f"{figure(that)} {unit}"
        lines.append(f"| {what} | {figure(ours)} {unit} | {beside} | {other} | {ratio} | {aim} |")
    return lines


def pytest_terminal_summary(terminalreporter):
    if ROWS:
        terminalreporter.section("ours beside the others (best of many rounds, one core unless said)")
        for line in markdown(ROWS):
            terminalreporter.write_line(line)


def pytest_benchmark_update_json(output_json):
    """The rows and what else the machine was doing go into the JSON file too, where table.py finds them."""
    output_json["rows"] = NAMED_ROWS
    output_json["load"] = os.getloadavg()[1]
