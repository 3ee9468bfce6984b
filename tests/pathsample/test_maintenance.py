"""Maintenance: merging, extracting, parts of a database, log products, changes during a run, status, batch script."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from landscapes import CLUSTER_CONNECT, cluster, contents

from common import stop
from common.database import Database
from common.errors import InputError, StoppedError
from common.formats import coordinates
from pathsample.change import changed_setup
from pathsample.cli import main
from pathsample.run import run
from pathsample.setup import read_setup


def pathdata(directory, text, n_atoms=8):
    (directory / "pathdata").write_text(f"SYSTEM LJ\nNATOMS {n_atoms}\n{text}")


def opened(directory, name="landscape.db"):
    return Database(directory / name, read_only=True)


def sizes(directory, name="landscape.db"):
    with opened(directory, name) as database:
        assert database.check() == []
        return database.n_minima, database.n_transition_states


@pytest.mark.parametrize("text_files", [False, True])
def test_merge(tmp_path, grown, capsys, text_files):
    other = tmp_path / "other"
    cluster(other, 8, "", n_minima=2, seed=9)
    merged_with = grown
    if text_files:
        merged_with = tmp_path / "text"
        merged_with.mkdir()
        for name in ("min.data", "ts.data", "points.min", "points.ts"):
            shutil.copy(grown / name, merged_with)
    pathdata(other, f"MERGEDB {merged_with}\n")
    assert run(other) == 0
    n_minima, n_ts = sizes(grown)
    assert sizes(other)[1] == n_ts
    assert n_minima <= sizes(other)[0] <= n_minima + 2
    assert f"mergedb> {merged_with}: {n_minima} minima" in capsys.readouterr().out
    # the same again adds nothing
    before = contents(other)
    assert run(other) == 0
    assert contents(other) == before
    assert "0 new" in capsys.readouterr().out


def test_merge_needs_the_same_potential(tmp_path, grown, capsys):
    other = tmp_path / "other"
    cluster(other, 7, f"MERGEDB {grown}\nMERGEDB {tmp_path / 'none'}\n", n_minima=1)
    assert main(["-C", str(other)]) == 2
    assert "MERGEDB" in capsys.readouterr().err
    pathdata(other, f"MERGEDB {grown}\n", 7)
    with pytest.raises(InputError, match="made for potential LennardJones with n variables 24"):
        run(other)
    pathdata(other, "MERGEDB .\n", 7)
    with pytest.raises(InputError, match="directory of the database itself"):
        run(other)


def test_from_lowest(tmp_path, grown):
    from common.formats.lowest import SavedMinimum, text

    with opened(grown) as database:
        minima = database.minima([1, 2])
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "odata.connect").write_text(CLUSTER_CONNECT)
    (fresh / "lowest").write_text(text([SavedMinimum(m.energy, m.coordinates) for m in minima]))
    pathdata(fresh, "FROMLOWEST NOLABELS\n")
    assert run(fresh) == 0
    with opened(fresh) as database:
        assert database.energies() == pytest.approx([m.energy for m in minima], abs=1e-9)
        assert np.isfinite(database.minima_arrays()["log_product"]).all()
    (fresh / "lowest").write_text(text([SavedMinimum(minima[0].energy + 1.0, minima[0].coordinates)]))
    with pytest.raises(InputError, match=r"lowest: minimum 1: energy .* in the file"):
        run(fresh)


def test_extract(grown):
    with opened(grown) as database:
        x, states = database.coordinates(), database.coordinates(transition_states=True)

    def extracted(text, name):
        pathdata(grown, text)
        assert run(grown) == 0
        lines = (grown / name).read_text().splitlines()
        assert all(len(line) == 75 for line in lines)
        return np.loadtxt(lines).ravel()

    assert np.allclose(extracted("EXTRACTMIN 2\n", "extractedmin"), x[1], atol=1e-15, rtol=0)
    assert np.allclose(extracted("EXTRACTMIN 0\n", "extractedmin"), x.ravel(), atol=1e-15, rtol=0)
    assert np.allclose(extracted("EXTRACTTS 1\n", "extractedts"), states[0], atol=1e-15, rtol=0)
    (grown / "extractmin").write_text("3\n1\n")
    (grown / "extractts").write_text("2\n")
    assert np.allclose(extracted("EXTRACTMINFILE\n", "extractedmin"), x[[2, 0]].ravel(), atol=1e-15, rtol=0)
    assert np.allclose(extracted("EXTRACTTSFILE\n", "extractedts"), states[1], atol=1e-15, rtol=0)
    for text, message in (("EXTRACTMIN 99\n", "only 5|only"), ("EXTRACTMIN -123\n", "written anew by every run")):
        pathdata(grown, text)
        with pytest.raises(InputError, match=message):
            run(grown)
    (grown / "extractmin").write_text("1\n99\n")
    pathdata(grown, "EXTRACTMINFILE\n")
    with pytest.raises(InputError, match=r"extractmin:2: number 99"):
        run(grown)


def test_remove_and_retain(grown):
    n_minima, n_ts = sizes(grown)
    (grown / "min.remove").write_text("1\n2\n")
    (grown / "ts.remove").write_text("1\n1\n")
    before = contents(grown)
    pathdata(grown, "REMOVESP\n")
    assert run(grown) == 0
    assert contents(grown) == before
    with opened(grown) as database:
        arrays, x = database.ts_arrays(), database.coordinates()
    gone = {1} | set((np.flatnonzero((arrays["plus"] == 2) | (arrays["minus"] == 2)) + 1).tolist())
    assert sizes(grown, "landscape.removed.db") == (n_minima - 1, n_ts - len(gone))
    with opened(grown, "landscape.removed.db") as database:
        assert np.array_equal(database.coordinates(), np.delete(x, 1, axis=0))
        assert len(database.hits("transition_states")) == n_ts - len(gone)
    assert len((grown / "min.data.removed").read_text().splitlines()) == n_minima - 1
    assert (grown / "points.ts.removed").stat().st_size == 8 * 24 * (n_ts - len(gone))
    (grown / "min.retain").write_text("3\n1\n2\n3\n")
    pathdata(grown, "RETAINSP\n")
    assert run(grown) == 0
    inside = int(np.count_nonzero((arrays["plus"] <= 3) & (arrays["minus"] <= 3)))
    assert sizes(grown, "landscape.retained.db") == (3, inside)
    (grown / "ts.retain").write_text("0\n")
    assert run(grown) == 0
    assert sizes(grown, "landscape.retained.db") == (3, 0)
    (grown / "min.retain").write_text("2\n1\n")
    with pytest.raises(InputError, match=r"min.retain:1: says 2, but 1 numbers follow"):
        run(grown)
    assert not list(grown.glob(".part-*"))


def test_remove_unconnected(grown):
    from pathsample.network import Network
    from potentials.lj import LennardJones

    with opened(grown) as database:
        mask = Network(database, LennardJones(8).symmetry).connected_set()
    pathdata(grown, "REMOVEUNCONNECTED\n")
    assert run(grown) == 0
    assert sizes(grown, "landscape.removed.db")[0] == np.count_nonzero(mask)
    with Database(grown / "landscape.db") as database:
        lonely = database.add_minimum(database.minimum(1).__class__(9.0, np.arange(24.0), 1.0))[0]
        database.set_endpoints("A", [lonely])
        database.set_endpoints("B", [1])
    for word, expected in (("A", 1), ("B", np.count_nonzero(mask)), ("AB", np.count_nonzero(mask) + 1)):
        pathdata(grown, f"REMOVEUNCONNECTED {word}\n")
        assert run(grown) == 0
        assert sizes(grown, "landscape.removed.db")[0] == expected


def test_log_products(grown, capsys):
    with opened(grown) as database:
        minima, states = database.minima_arrays()["log_product"], database.ts_arrays()
    with Database(grown / "landscape.db") as database:
        database.set_log_products("minima", [(1, 0.0, None), (2, 4.675754133, None)])
        database.set_log_products("transition_states", [(1, np.nan, 0.0)])
        with pytest.raises(ValueError, match="log products of jobs"):
            database.set_log_products("jobs", [])
    pathdata(grown, "GETMINFRQS\nGETTSFRQS\n")
    assert run(grown) == 0
    assert "getfrqs> 2 log products of minima computed" in capsys.readouterr().out
    with opened(grown) as database:
        assert database.minima_arrays()["log_product"] == pytest.approx(minima, abs=1e-8)
        assert database.ts_arrays()["log_product"] == pytest.approx(states["log_product"], abs=1e-8)
        assert database.ts_arrays()["negative_eigenvalue"] == pytest.approx(states["negative_eigenvalue"], rel=1e-6)


def test_start_from_two_geometries(tmp_path, grown, capsys):
    with opened(grown) as database:
        ends = database.coordinates([1, 2])
    found = []
    for workers in (1, 2):
        directory = tmp_path / f"start{workers}"
        directory.mkdir()
        (directory / "odata.connect").write_text(CLUSTER_CONNECT)
        for name, x in zip(("odata.start", "odata.finish"), ends):
            (directory / name).write_text("POINTS\n" + coordinates.text(x, symbols=["AX"] * 8))
        pathdata(directory, f"DIJINITSTART 2 20\nCYCLES 6\nJOBSPERCYCLE 2\nPRINTSUMMARY\nCPUS {workers}\n")
        assert run(directory) == 0
        out = capsys.readouterr().out
        assert "setup> The unique A and B minima are     1 and     2 respectively" in out
        assert "summary> connected with the lowest minimum of A and B" in out
        found.append(contents(directory))
    assert found[0] == found[1]
    with opened(directory) as database:
        assert database.endpoints("A") == [1]
        assert database.energies()[:2] == pytest.approx([-19.0, -19.0], abs=2.0)
    with pytest.raises(InputError, match="already exists"):
        run(directory)
    for path in directory.glob("*.d*"):
        path.unlink()
    for name in ("min.A", "min.B"):
        (directory / name).unlink()
    shutil.copy(directory / "odata.start", directory / "odata.finish")
    with pytest.raises(InputError, match="lead to the same minimum"):
        run(directory)
    assert not (directory / "landscape.db").exists()


# Changes during a run


def test_change_of_keywords(plane_setup):
    setup = plane_setup("CYCLES 3\nJOBSPERCYCLE 2\nCONNECTUNC LOWEST\nALLTS\n")
    new, lines = changed_setup(setup, "CYCLES 9\nNEWCONNECTIONS 3\n")
    assert new.settings["CYCLES"].n == 9
    assert new.settings["JOBSPERCYCLE"].n == 2
    assert new.settings.given("ALLTS")
    assert not new.settings.given("CONNECTUNC")
    assert setup.settings["CYCLES"].n == 3
    assert lines[0].startswith("change> CYCLES 9")
    for text in ("CYCLES -1\n", "CPUS 4\n", "SURVEY 5\n", "NONSENSE\n"):
        new, lines = changed_setup(setup, text)
        assert new is None
        assert lines[0].startswith("change> ")
        assert lines[0].endswith("nothing is changed")


def test_change_is_read_after_a_cycle(tmp_path, plane, plane_setup, quiet, plane_database, monkeypatch):
    from engines import ShuffledEngine

    from pathsample.growth import Growing

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pathdata.change").write_text("CYCLES 5\nPRINTSUMMARY\n")
    setup = plane_setup("CYCLES 2\nJOBSPERCYCLE 2\nNEWCONNECTIONS 4 30\n")
    growth = Growing(setup, plane_database, ShuffledEngine(2), quiet).run()
    assert growth.searches == 10
    text = quiet.stream.getvalue()
    assert text.count("change> CYCLES 5") == 1
    # from the second cycle on
    assert text.count("summary> minima, transition states") == 4


def test_interrupted_run_keeps_its_change(tmp_path, plane, plane_setup, quiet, plane_database, monkeypatch):
    from engines import KilledError, ShuffledEngine

    from pathsample.growth import Growing

    monkeypatch.chdir(tmp_path)
    (tmp_path / "pathdata.change").write_text("CYCLES 5\n")
    text = "CYCLES 2\nJOBSPERCYCLE 2\nNEWCONNECTIONS 4 30\n"
    with pytest.raises(KilledError):
        Growing(plane_setup(text), plane_database, ShuffledEngine(2, stop_after=5), quiet).run()
    (tmp_path / "pathdata.change").unlink()
    Growing(plane_setup(text), plane_database, ShuffledEngine(2), quiet).run()
    assert plane_database.searches_filed() == 10
    assert "other settings" not in quiet.stream.getvalue()


# Looking


def test_status_and_plot(grown, capsys):
    assert main(["-C", str(grown), "--status", "--plot", "survey"]) == 0
    out = capsys.readouterr().out
    n_minima, n_ts = sizes(grown)
    assert f"{n_minima} minima, {n_ts} transition states" in out
    with opened(grown) as database:
        done = database.searches_filed()
    assert done >= 3
    assert f"status> jobs: 0 waiting, 0 running, 0 held, {done} done, 0 failed" in out
    assert ", done at " in out
    assert "status> no sets A and B" in out
    assert "coverage=" in out
    assert (grown / "survey.pdf").stat().st_size > 1000
    assert (grown / "survey.png").stat().st_size > 1000
    with Database(grown / "landscape.db") as database:
        database._connection.execute("DELETE FROM cycles")
    assert main(["-C", str(grown), "--plot", "survey"]) == 2
    assert "no cycle of searches was recorded" in capsys.readouterr().err


def test_status_while_a_run_is_writing(grown, capsys):
    with Database(grown / "landscape.db") as database:
        database.record_run("pathsample")
        database.add_jobs([("connect", {"first": 1, "second": 2, "attempt": 0, "cycle": 9})])
        assert main(["-C", str(grown), "--status"]) == 0
        out = capsys.readouterr().out
        assert f"running for 0.00 h, process {os.getpid()} on" in out
        assert "1 waiting" in out
        database._connection.execute("UPDATE runs SET process = 4194304 WHERE id = (SELECT max(id) FROM runs)")
        assert main(["-C", str(grown), "--status"]) == 0
        assert "was killed" in capsys.readouterr().out
        database._connection.execute("UPDATE runs SET host = 'elsewhere' WHERE id = (SELECT max(id) FROM runs)")
        assert main(["-C", str(grown), "--status"]) == 0
        assert "running by its own word, process 4194304 on elsewhere" in capsys.readouterr().out


def test_job_script(grown, tmp_path, capsys):
    """The script is valid, passes SIGTERM on, and submits itself again after status 3 alone."""
    pathdata(grown, "CYCLES 2\nJOBSPERCYCLE 4\nCONNECTUNC LOWEST\nCPUS 6\nSEED 2\n")
    assert main(["-C", str(grown), "--job-script"]) == 0
    assert "pathsample.slurm written for 6 workers" in capsys.readouterr().out
    text = (grown / "pathsample.slurm").read_text()
    assert "#SBATCH --cpus-per-task=6\n" in text
    assert "#SBATCH --signal=B:TERM@300\n" in text
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "sbatch").write_text(f"#!/bin/sh\necho submitted >> {tmp_path}/log\n")
    (commands / "sbatch").chmod(0o755)
    line = next(line for line in text.splitlines() if line.endswith(" &"))
    for status, submitted in ((0, False), (3, True), (2, False)):
        program = commands / "fake"
        program.write_text(f"#!/bin/sh\ntrap 'exit {status}' TERM\nwhile :; do sleep 0.05; done\n")
        program.chmod(0o755)
        script = tmp_path / "script"
        started = f"{program} &\nsleep 0.3 && kill -TERM $$ &"
        script.write_text(text.replace(line, started).replace("pid=$!", "pid=$(jobs -p %1)"))
        (tmp_path / "log").unlink(missing_ok=True)
        path = f"{commands}:{os.environ['PATH']}"
        ended = subprocess.run(["bash", str(script)], env={**os.environ, "PATH": path}, timeout=20, check=False)
        assert ended.returncode == status
        assert (tmp_path / "log").exists() == submitted


# Searches


def test_fresh_starts_and_lengths_of_displacements(tmp_path, monkeypatch):
    lengths = []

    def search(potential, minimum, settings, rng, displacement):
        lengths.append(displacement)
        yield from ()
        return []

    monkeypatch.setattr("optim.single_ended.search_steps", search)
    cluster(tmp_path, 7, "SURVEY 24 ,, 4 20 0.5 3\nJOBSPERCYCLE 6\nPERTURB 0.9 0.2 0.6\nCPUS 1\n", n_minima=1)
    assert run(tmp_path) == 0
    with opened(tmp_path) as database:
        kinds = [job.kind for job in database.jobs()]
        # the last three of the six searches of a cycle, or of all there are
        assert kinds[1:4] == ["sample"] * 3
        assert kinds.count("sample") >= 6
        assert database.n_minima == 4
        assert database.hits("minima").min() >= 1
    assert lengths
    assert all(0.2 <= length <= 0.6 for length in lengths)
    assert len(set(lengths)) == len(lengths)


def test_stopped_survey_is_continued(tmp_path):
    text = "SURVEY 20 ,, 4 20 0.01 1\nJOBSPERCYCLE 4\nCPUS 1\n"
    cluster(tmp_path / "whole", 7, text, n_minima=1)
    cluster(tmp_path / "parts", 7, text, n_minima=1)
    assert run(tmp_path / "whole") == 0

    def after(n):
        calls = iter(range(10**6))
        return lambda: next(calls) > n

    real = stop.requested
    try:
        for n in (5, 16):
            stop.requested = after(n)
            with pytest.raises(StoppedError):
                run(tmp_path / "parts")
    finally:
        stop.requested = real
    assert run(tmp_path / "parts") == 0
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    assert read_setup(tmp_path / "parts").settings["SURVEY"].bound == 0.01
