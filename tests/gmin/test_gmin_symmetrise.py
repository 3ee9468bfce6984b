"""SYMMETRISE and SYMMETRISECSM: chains over symmetric clusters beside the walker."""

import json
import re

import pytest
from gmin_inputs import LJ13

from common.errors import InputError
from gmin.job import read_job
from gmin.run import run


@pytest.mark.parametrize("group", ["CI", "C3v", "TD"])
def test_the_icosahedron_is_found_through_its_subgroups(lj13, lines_of, group):
    lines = lines_of(lj13(f"SYMMETRISECSM 1 {group} 1.0D-6 30 1 50\nTARGET -44.3268\nNODATABASE\n"))
    hit = next(line for line in lines if "Target hit" in line)
    quenches, calls = map(int, re.findall(r"\d+", hit))
    assert quenches <= 200
    assert calls > quenches
    lowest = [float(line.split("Energy=")[1]) for line in lines if line.startswith("Lowest Minimum")]
    assert lowest[0] == pytest.approx(-44.326801, abs=1e-5)


def test_the_same_seed_gives_the_same_chains(lj13, lines_of):
    extra = "SYMMETRISECSM 2 CI 1.0D-6 10 1\nNODATABASE\n"
    runs = [[line.split(" t=")[0] for line in lines_of(lj13(extra)) if line.startswith("Qu")] for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(runs[0]) > 50


def test_an_unknown_point_group_is_an_error(lj13):
    with pytest.raises(InputError, match="SYMMETRISECSM"):
        read_job(lj13("SYMMETRISECSM 1 QX\n"))


@pytest.mark.parametrize("arguments", ["", " 1", " 2 0.02 0.04 0.09 0.1 0.5 18", " 1 0.02 0.040 0.09 0.1 0.5 18 0.32 2.0"])
def test_cores_lead_to_the_icosahedron(lj13, lines_of, arguments):
    lines = lines_of(lj13(f"SYMMETRISE{arguments}\nTARGET -44.3268\nNODATABASE\n"))
    hit = next(line for line in lines if "Target hit" in line)
    assert int(re.findall(r"\d+", hit)[0]) <= 200


def test_cores_lead_to_the_truncated_octahedron(lj13, lines_of):
    data = (
        "STEPS 3000 1.0\nTEMPERATURE 1.0\nSTEP 0.40 0.51\nSLOPPYCONV 5.0D-3\nTIGHTCONV 1.0D-3\nMAXIT 600 500\nEDIFF 0.003\n"
        "SAVE 1\nCENTRE\nTARGET -173.9284264418\nNEWRESTART 40\nAVOID 4.0 20 F\n"
    )
    extra = "SYMMETRISE 1 0.02 0.040 0.09 0.1 0.5 18 0.32 2.0\nNODATABASE\n"
    assert any("Target hit" in line for line in lines_of(lj13(extra, data=data, n_atoms=38)))


@pytest.mark.parametrize(
    "keyword", ["SYMMETRISE 0", "SYMMETRISE 1 0.0", "SYMMETRISE 1\nSYMMETRISECSM 1 CI", "SYMMETRISE\nFREEZE 1"]
)
def test_what_cannot_be_symmetrised_is_an_error(lj13, keyword):
    with pytest.raises(InputError, match="SYMMETRISE"):
        read_job(lj13(keyword + "\n"))


@pytest.mark.parametrize("keyword", ["SYMMETRISE 3", "SYMMETRISECSM 3 C2v 1D-6 3 2"])
@pytest.mark.parametrize("steps", [60, 67, 74])
def test_a_chain_goes_on_where_the_dump_left_it(tmp_path, keyword, steps):
    """A run stopped after some steps and continued ends in the state of a run that was not stopped."""
    text = LJ13.replace("STEPS 200", "STEPS {}") + f"{keyword}\nNODATABASE\nNATOMS 19\n"
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for directory, n in ((whole, 150), (parts, steps)):
        directory.mkdir()
        (directory / "data").write_text(text.format(n))
        assert run(directory) == 0
    (parts / "data").write_text(text.format(150) + "RESTORE GMIN.dump\n")
    assert run(parts) == 0
    states = []
    for directory in (whole, parts):
        (state,) = json.loads((directory / "GMIN.dump").read_text().splitlines()[-1])["walkers"]
        del state["seconds"]
        states.append(state)
    assert states[0] == states[1]
    assert states[0]["symmetric"]["operations"]
