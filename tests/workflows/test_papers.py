"""The published tables of inputs/papers, each with one tiny case; the table that is printed."""

import io
import json
import math
import shutil
from pathlib import Path

import pytest
import yaml

from common.errors import ConvergenceError, InputError
from pathsample.learning.reproduce import figures, prepare, read_table, reproduce, table_lines
from pathsample.summary import Report

PAPERS = Path(__file__).resolve().parents[2] / "inputs" / "papers"
#: Of the case that is run: its place, and sizes of a few seconds.
TINY = {
    "p1-digits": (0, {"STEPS": 6, "SEARCHES": 1, "RANDOM": 2, "TEST": 50, "MNISTTEST": 50, "CPUS": 1}),
    "p1-figure15": (0, {"STEPS": 8, "SEARCHES": 2, "CPUS": 1}),
    "p1-figure16": (0, {"ITEMS": 60, "STUDENTS": 1, "STEPS": 20}),
    "p1-figure3": (0, {"ITEMS": 60, "STEPS": 20, "SEARCHES": 4, "CPUS": 1}),
    "p1-figures12-14": (0, {"SPINS": "6 10", "QUENCHES": 3, "SAMPLES": 3}),
    "p1-section8": (0, {"STARTS": 12, "SAMPLES": 15, "XORSTARTS": 5, "STEPS": 5, "CPUS": 1}),
    "p4-figures": (0, {"ITEMS": 100, "TEST": 50, "STEPS": 30, "TRAINING": 2, "CPUS": 1}),
    "p1-figure4": (1, {"ITEMS": 100, "STEPS": 3, "STEPSOF": "41 20 1 0 1e-2", "CPUS": 1}),
    "p1-regression": (0, {"STEPS": 60, "SEARCHES": 10, "BOUND": 18.0, "RANDOM": 3, "CPUS": 2}),
    "p2-networks": (1, {"STEPS": 30, "SEARCHES": 4, "CPUS": 2}),
    "p3-table1": (1, {"STEPS": 8, "SEARCHES": 2, "MINUTES": 1, "CPUS": 2}),
    "p3-table2": (3, {"STEPS": 8, "SEARCHES": 2, "MINUTES": 1, "CPUS": 2}),
    "p4-table2": (0, {"ITEMS": 100, "TEST": 50, "STEPS": 20, "TRAINING": 2, "CPUS": 1}),
}
#: Columns of sizes, steps and peaks that a tiny case does not reach.
NOT_IN_A_TINY_CASE = {"cv_peak_1", "cv_peak_2", "cv_peak_3", "auc_s60", "auc_s80", "mean_auc_wrong", "mean_auc_correct"}
NOT_IN_A_TINY_CASE |= {f"{kind}_{n}" for kind in ("mean", "variance") for n in (20, 50, 100)}


def test_every_table_is_run():
    assert sorted(path.name for path in PAPERS.iterdir()) == sorted(TINY)


@pytest.mark.parametrize("name", TINY)
def test_templates_are_complete(name):
    table = read_table(PAPERS / name / "table.yaml")
    assert set(table["sizes"]) == {"small", "full"}
    for size in table["sizes"]:
        for files, commands in prepare(PAPERS / name, table, size):
            assert not any("$" in text for text in files.values())
            assert not any("$" in word for command in commands for word in command)


def tiny(name, folder):
    shutil.copytree(PAPERS / name, folder)
    place, values = TINY[name]
    table = read_table(folder / "table.yaml")
    (folder / "table.yaml").write_text(yaml.safe_dump({**table, "cases": [table["cases"][place]], "sizes": {"tiny": values}}))


@pytest.mark.parametrize("name", ["p4-table2", *(pytest.param(n, marks=pytest.mark.slow) for n in TINY if n != "p4-table2")])
def test_tiny_case(name, tmp_path, command):
    folder = tmp_path / name
    tiny(name, folder)
    out = command("pathsample", "--reproduce", "tiny", directory=folder).stdout
    (row,) = json.loads((folder / "results.json").read_text())["results"]
    found = row["found"]
    for key, value in figures(folder / row["case"]).items():
        # two minima have no correlation
        assert found[key] == value or (math.isnan(value) and math.isnan(found[key]))
    assert found["cpu_seconds"] > 0
    assert (folder / "table.md").read_text() in out
    assert {*table_of(name)["columns"]} - NOT_IN_A_TINY_CASE <= found.keys()
    for picture in table_of(name).get("figure", ()):
        assert (folder / row["case"] / picture).exists()
    assert (folder / "figure.png").exists() == (folder / "figure.pdf").exists() == bool(table_of(name).get("figure"))
    if name == "p4-table2":
        assert found["best_in_set"] <= found["best_single"]
        assert found["mlsup"] <= found["tma"]
    elif name == "p1-figure4":
        assert found["auc_s1"] > found["auc_s40"]
    elif name == "p1-regression":
        assert found["nodes"] > 1
        assert (folder / row["case"] / "network.graphml").exists()
    elif name == "p2-networks":
        assert found["auc_train"] == 1.0
        assert 0.5 < found["right_least"] <= found["right_at_lowest"] + 1e-6
    elif name == "p1-section8":
        assert 4 <= found["basins"] <= 8


def table_of(name):
    return read_table(PAPERS / name / "table.yaml")


def test_one_case_at_a_time(tmp_path, monkeypatch):
    """The case that is run stands beside those of earlier runs, in the order of the table."""
    table = {"title": "x", "columns": {"minima": "minima"}, "sizes": {"small": {}}, "cases": [{"name": "a"}, {"name": "b"}]}
    (tmp_path / "table.yaml").write_text(yaml.safe_dump(table))
    for name in ("data", "pathdata"):
        (tmp_path / name).write_text("SEED 7\n")
    monkeypatch.setattr("pathsample.learning.reproduce.run_program", lambda command, folder: None)
    monkeypatch.setattr("pathsample.learning.reproduce.figures", lambda folder: {"minima": len(folder.name)})
    report = Report(io.StringIO())
    assert [row["case"] for row in reproduce(tmp_path, "small", report, ["b"])] == ["b"]
    assert [row["case"] for row in reproduce(tmp_path, "small", report, ["a"])] == ["a", "b"]
    assert "Seeds: pathdata 7." in (tmp_path / "table.md").read_text()
    # a graph that cannot be drawn does not stop the table, a failing search does
    def fails(command, folder):
        raise ConvergenceError(f"{command[0]} failed")

    monkeypatch.setattr("pathsample.learning.reproduce.run_program", fails)
    (tmp_path / "dinfo").write_text("")
    (tmp_path / "table.yaml").write_text(yaml.safe_dump({**table, "programs": ["disconnect"]}))
    assert len(reproduce(tmp_path, "small", report)) == 2
    (tmp_path / "table.yaml").write_text(yaml.safe_dump(table))
    with pytest.raises(ConvergenceError, match="gmin failed"):
        reproduce(tmp_path, "small", report)
    with pytest.raises(InputError, match="no case c; there are a, b"):
        reproduce(tmp_path, "small", report, ["c"])
    (tmp_path / "table.yaml").write_text(yaml.safe_dump({**table, "programs": ["fit"]}))
    with pytest.raises(InputError, match="no program fit; there are gmin"):
        reproduce(tmp_path, "small", report)


def test_lines_of_a_table():
    table = {"title": "A table", "columns": {"minima": "minima", "loss": "lowest loss"}}
    row = {"case": "one", "found": {"minima": 12, "loss": 0.25, "cpu_seconds": 3.2}, "published": {"minima": "many"}}
    assert table_lines(table, "small", [row])[2:] == [
        "| case | | minima | lowest loss | CPU s |",
        "|---|---|---|---|---|",
        "| one | found | 12 | 0.250 | 3 |",
        "|  | published | many |  |  |",
    ]


def test_mistakes(tmp_path, command):
    assert "table.yaml: cannot be read" in command("pathsample", "--reproduce", "small", status=2).stderr
    (tmp_path / "table.yaml").write_text("title: x\n")
    with pytest.raises(InputError, match="missing: columns, sizes, cases"):
        read_table(tmp_path / "table.yaml")
    (tmp_path / "table.yaml").write_text("{title: x, columns: {}, sizes: {small: {}}, cases: [{name: a}]}\n")
    with pytest.raises(InputError, match="no size big; there are small"):
        reproduce(tmp_path, "big", Report(io.StringIO()))
    with pytest.raises(InputError, match="no such file"):
        reproduce(tmp_path, "small", Report(io.StringIO()))
    (tmp_path / "data").write_text("STEPS $STEPS\n")
    with pytest.raises(InputError, match="STEPS is given by no size and no case"):
        reproduce(tmp_path, "small", Report(io.StringIO()))
