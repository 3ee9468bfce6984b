"""Every supported keyword of every program is named in a test."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("*.py")))


@pytest.mark.parametrize("package", ["gmin", "optim", "pathsample", "disconnect", "potentials"])
def test_every_supported_keyword_is_tested(package):
    table = yaml.safe_load((ROOT / package / "keywords.yaml").read_text(encoding="utf-8"))
    supported = [name for name, entry in table.items() if entry.get("status", "supported") == "supported"]
    words = set(re.findall(r"[A-Z][A-Z0-9_]+", TESTS))
    assert not [name for name in supported if name not in words]
