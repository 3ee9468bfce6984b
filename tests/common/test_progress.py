import io
import time

import pytest

from common.progress import Progress, _rate, _time, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_quiet_where_nobody_looks():
    file = io.StringIO()
    with progress(10, "searches", file=file) as bar:
        for _ in range(10):
            bar.update(1, best=-1.5)
    assert file.getvalue() == ""
    assert bar.done == 10


def test_bar_on_a_terminal():
    file = Terminal()
    with progress(100, "quenches", unit="quench", file=file) as bar:
        for _ in range(100):
            bar.update(1, best=-173.9284265906279, found=7)
        bar._show()
    text = file.getvalue()
    for word in ("quenches", "100/100", "best -173.9284266", "found 7", "quench/s"):
        assert word in text
    assert text.endswith("\r"), "the bar is taken away at the end"


def test_standard_error_is_the_default(capsys):
    with progress(3, "steps") as bar:
        bar.update(3)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_one_line_per_interval_in_a_log():
    lines = []
    with Progress(50, "searches", file=io.StringIO(), log_interval=0.05, log=lines.append) as bar:
        for _ in range(50):
            bar.update(1, minima=12)
            time.sleep(0.005)
    assert 2 <= len(lines) <= 6
    assert lines[0].startswith("searches: ")
    assert "/50, " in lines[0]
    assert "minima 12" in lines[0]
    assert lines[0].endswith(" left")


def test_log_goes_to_the_file():
    file = io.StringIO()
    with progress(None, "steps", file=file, log_interval=0.0) as bar:
        bar.update(2)
    assert file.getvalue().startswith("steps: 2, ")


def test_an_update_costs_next_to_nothing():
    file = Terminal()
    with progress(None, file=file) as bar:
        bar.update()
        began = time.perf_counter()
        for _ in range(100_000):
            bar.update()
        seconds = time.perf_counter() - began
    assert seconds < 0.5, "5 µs per update on a busy machine; 0.15 µs measured on an idle one"


def test_write_beside_the_bar(capsys):
    file = Terminal()
    with progress(3, "steps", file=file) as bar:
        bar.write("found one")
    assert capsys.readouterr().out == "found one\n"


def test_closed_terminal_is_no_terminal():
    file = io.StringIO()
    file.close()
    with progress(3, file=file) as bar:
        bar.update(3)


@pytest.mark.parametrize(
    ("per_second", "text"),
    [(0.0, "0/s"), (12345.0, "12345/s"), (12.34, "12.3/s"), (0.5, "30/min"), (0.002, "7.2/h")],
)
def test_rate(per_second, text):
    assert _rate(per_second) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (61, "1:01"), (3601, "1:00:01"), (100_000, "1 d 03 h")])
def test_time(seconds, text):
    assert _time(seconds) == text
