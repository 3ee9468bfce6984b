"""The import rule of the packages, for the Cython sources that import-linter does not read."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "common": set(),
    "potentials": {"common"},
    "gmin": {"common", "potentials"},
    "optim": {"common", "potentials"},
    "pathsample": {"common", "potentials", "optim"},
    "disconnect": {"common"},
}
IMPORT = re.compile(r"^\s*(?:from|cimport|import)\s+([A-Za-z_]\w*)", re.MULTILINE)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_cython_sources_respect_the_layers(package):
    for source in [*(ROOT / package).rglob("*.pyx"), *(ROOT / package).rglob("*.pxd")]:
        imported = set(IMPORT.findall(source.read_text(encoding="utf-8"))) & set(MAY_IMPORT)
        assert imported <= MAY_IMPORT[package] | {package}, f"{source} imports {imported}"


def test_no_module_outgrows_one_idea():
    # about 500 lines; a little more is no second idea
    too_long = {
        str(source.relative_to(ROOT)): lines
        for package in MAY_IMPORT
        for pattern in ("*.py", "*.pyx")
        for source in (ROOT / package).rglob(pattern)
        if (lines := len(source.read_text(encoding="utf-8").splitlines())) > 600
    }
    assert not too_long
