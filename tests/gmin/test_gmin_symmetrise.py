"""SYMMETRISECSM: chains over clusters of a point group beside the walker."""

import re

import pytest

from common.errors import InputError
from gmin.job import read_job


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
