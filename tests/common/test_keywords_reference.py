"""Help and reference pages made from the tables."""

from pathlib import Path

import pytest

from common.errors import InputError
from common.keyword_reference import pages
from common.keywords import describe, load_table, reference_markdown

ROOT = Path(__file__).resolve().parents[2]

TABLE = """
STEPS:
  meaning: number of steps
  group: Run
  required: true
  aliases: [NSTEPS]
  arguments:
    - {name: n, type: int, minimum: 0, maximum: 9, meaning: how many}
    - {name: tfac, type: real, default: 1D-6, positive: true, unit: energy}
    - {name: kind, type: word, choices: [A, B], optional: true}
POINTS: {meaning: Coordinates., body: lines, group: System}
LATER: {meaning: Text, group: Run, repeat: true, extra: ignore, arguments: [{name: T, type: real, rest: true, default: [1, 2]}]}
STOP: {meaning: End., ends: true, group: Run}
AMBER12: {status: known, reason: no force | fields, aliases: [AMBER9]}
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "keywords.yaml"
    path.write_text(TABLE)
    return load_table(path)


def test_overview(table):
    text = describe(table)
    assert text.splitlines()[0] == "Run"
    assert "  STEPS n [tfac] [kind]         number of steps" in text
    assert text.index("STOP") < text.index("System") < text.index("AMBER12")


def test_one_keyword(table):
    text = describe(table, "nsteps")
    assert text.splitlines() == [
        "STEPS n [tfac] [kind]",
        "also written NSTEPS",
        "    number of steps",
        "    n     integer, >= 0, <= 9: how many",
        "    tfac  real number, > 0 [energy], default 1E-06",
        "    kind  A, B, default none",
        "    Required.",
    ]
    assert "Not supported: no force | fields" in describe(table, "AMBER12")
    assert "All lines below belong to it." in describe(table, "POINTS")
    assert "default 1 2" in describe(table, "LATER")
    with pytest.raises(InputError, match="STPES: unknown keyword; did you mean STEPS"):
        describe(table, "STPES")


def test_markdown(table):
    text = reference_markdown(table, "Keywords of x")
    assert "# Keywords of x\n" in text
    assert text.count("## Run\n") == 1
    assert text.index("### STEPS") < text.index("### LATER") < text.index("### STOP") < text.index("## System")
    assert "Number of steps. Required." in text
    assert "| `tfac` | real number, > 0 | energy | 1E-06 |  |" in text
    assert "| AMBER12, AMBER9 | no force \\| fields |" in text


def test_reference_in_docs_is_current():
    for path, text in pages(ROOT).items():
        assert path.exists(), f"{path} is missing: run python -m common.keywords"
        assert path.read_text(encoding="utf-8") == text, f"{path} is old: run python -m common.keywords"
