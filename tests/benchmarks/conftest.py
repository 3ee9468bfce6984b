"""A table of figures beside their peers, printed at the end of a run of the benchmarks."""

import pytest

#: Rows (what, ours, unit, beside what, that, aim of the ratio) in the order of the run.
ROWS = []


@pytest.fixture
def compare(benchmark):
    """Add a row: ``compare(what, ours, unit, beside=name, that=its figure, aim=what is asked for)``; table.py finds it in the JSON."""

    def add(what, ours, unit, *, beside="", that=None, aim=""):
        ROWS.append((what, ours, unit, beside, that, aim))
        row = {"what": what, "ours": ours, "unit": unit, "beside": beside, "that": that, "aim": aim}
        benchmark.extra_info.setdefault("rows", []).append(row)

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
