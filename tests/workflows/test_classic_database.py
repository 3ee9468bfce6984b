"""A database that the Fortran programs made is grown further and written back: what was there stays byte for byte."""

import shutil
from pathlib import Path

import pytest

EXPECTED = Path(__file__).resolve().parents[2] / "../shared/wales/examples/LJ38_04_pathsample/expected"
FILES = ("min.data", "ts.data", "points.min", "points.ts", "min.A", "min.B", "odata.connect")
PATHDATA = """SYSTEM AX
NATOMS 38
SEED 1
DIRECTION AB
TEMPERATURE 0.1
ETOL 1D-6
GEOMDIFFTOL 0.2
ITOL 0.1
PERMDIST
CPUS 1
JOBSPERCYCLE 2
"""


@pytest.mark.slow
@pytest.mark.skipif(not EXPECTED.exists(), reason="the published examples are not here")
def test_growth_keeps_what_was_there(tmp_path, command):
    for name in FILES:
        shutil.copy(EXPECTED / name, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    (tmp_path / "pathdata").write_text(PATHDATA + "CYCLES 2\nUNTRAP 0.035 3.0\n")
    command("pathsample", directory=tmp_path)
    grown = [name for name in FILES if (tmp_path / name).read_bytes() != before[name]]
    assert {"min.data", "ts.data"} <= set(grown)
    for name in ("min.data", "ts.data", "points.min", "points.ts"):
        assert (tmp_path / name).read_bytes().startswith(before[name]), name
    after = {name: (tmp_path / name).read_bytes() for name in FILES[:4]}
    # and once more through the text files alone
    (tmp_path / "landscape.db").unlink()
    (tmp_path / "pathdata").write_text(PATHDATA + "CYCLES 0\n")
    command("pathsample", directory=tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in after} == after
