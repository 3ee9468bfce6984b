"""docs/potentials.md names everything that can be chosen."""

from pathlib import Path

import pytest

from common.keywords import load_table
from potentials.datasets.sources import FILE, SOURCES
from potentials.network_file import DATA_FIELDS, MISLABEL_FIELDS, NETWORK_FIELDS, TEACHER_FIELDS
from potentials.selection import potential_table_path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "potentials.md").read_text(encoding="utf-8")
TABLES = {
    "network": NETWORK_FIELDS,
    "data": DATA_FIELDS,
    "mislabel": MISLABEL_FIELDS,
    "teacher": TEACHER_FIELDS,
    "generators": SOURCES,
    **{name: source.fields for name, source in {**SOURCES, "file": FILE}.items()},
}


@pytest.mark.parametrize("name", TABLES)
def test_every_key_of_a_network_file_is_explained(name):
    assert not [key for key in TABLES[name] if f"`{key}`" not in PAGE and f"`{key}:" not in PAGE]


def test_every_keyword_is_mentioned():
    supported = [keyword.name for keyword in load_table(potential_table_path()) if keyword.supported]
    assert not [name for name in supported if f"`{name}" not in PAGE]


def test_examples_exist():
    import re

    named = set(re.findall(r"inputs/(\w+)", PAGE))
    assert named
    assert not [name for name in named if not (ROOT / "inputs" / name / "data").is_file()]
