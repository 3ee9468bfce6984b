import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import pytest

from common.database import Database
from common.database_schema import APPLICATION_ID, SCHEMA_VERSION
from common.database_tables import SCHEMA_SQL
from common.errors import EXIT_BAD_INPUT, DatabaseError
from common.stationary_points import Minimum

ROOT = Path(__file__).resolve().parents[2]
DATA = {"items": 1000, "digest": "a1b2c3" * 8}
NETWORK = {"potential": "MultilayerPerceptron", "layers": [2, 10, 4], "lam": 1e-4, "data": DATA}


def filled(path, n=3, **options):
    with Database(path, **options) as database:
        database.add_minima([Minimum(float(k), np.full(4, float(k))) for k in range(n)])
    return path


def refusal(path, **options):
    """The message of the DatabaseError; it must be one line that names the file."""
    with pytest.raises(DatabaseError) as caught:
        Database(path, **options).close()
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert caught.value.exit_status == EXIT_BAD_INPUT
    return text


def run_python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, timeout=60, **options
    )


# What it was made for


def test_a_new_database_takes_what_it_is_given(tmp_path):
    path = filled(tmp_path / "landscape.db", fingerprint=NETWORK, energy_tolerance=1e-5, distance_tolerance=0.2)
    for read_only in (False, True):
        with Database(path, read_only=read_only) as database:
            assert database.fingerprint == NETWORK
            assert (database.n_variables, database.energy_tolerance, database.distance_tolerance) == (4, 1e-5, 0.2)
    with Database(path, fingerprint=NETWORK, n_variables=4, energy_tolerance=1e-5, distance_tolerance=0.2) as database:
        assert database.n_minima == 3


def test_defaults_of_a_new_database(tmp_path):
    with Database(tmp_path / "landscape.db") as database:
        assert (database.energy_tolerance, database.distance_tolerance) == (1e-6, 0.1)
        assert (database.fingerprint, database.n_variables) == (None, None)


def test_another_data_set_is_refused(tmp_path):
    path = filled(tmp_path / "landscape.db", fingerprint=NETWORK)
    other = {**NETWORK, "data": {"items": 1000, "digest": "ffff" * 12}}
    text = refusal(path, fingerprint=other)
    for word in ("made for potential MultilayerPerceptron", "data digest a1b2c3", "ffff", "MLPdata", "another directory"):
        assert word in text
    assert "items" not in text, "only what differs"


def test_another_potential_is_refused(tmp_path):
    path = filled(tmp_path / "landscape.db", fingerprint=NETWORK)
    text = refusal(path, fingerprint={"potential": "LennardJones", "n_atoms": 38})
    assert "made for potential MultilayerPerceptron, this run has LennardJones; use another directory" in text


def test_other_parameters_are_refused(tmp_path):
    path = filled(tmp_path / "landscape.db", fingerprint=NETWORK)
    text = refusal(path, fingerprint={**NETWORK, "lam": 1e-3, "layers": (2, 8, 4)})
    assert "layers [2, 10, 4], lam 0.0001, this run has layers [2, 8, 4], lam 0.001" in text
    text = refusal(path, fingerprint={"potential": "MultilayerPerceptron"})
    assert "more difference" in text
    assert "not set" in text


def test_equal_fingerprints_in_other_clothes(tmp_path):
    path = filled(tmp_path / "landscape.db", fingerprint=NETWORK)
    same = {**NETWORK, "layers": np.array([2, 10, 4]), "lam": np.float64(1e-4)}
    with Database(path, fingerprint=dict(reversed(same.items()))) as database:
        assert database.n_minima == 3


def test_a_database_without_fingerprint_adopts_the_first(tmp_path):
    path = filled(tmp_path / "landscape.db")
    with Database(path, fingerprint=NETWORK, read_only=True) as database:
        assert database.fingerprint is None, "a reader writes nothing"
    Database(path, fingerprint=NETWORK).close()
    refusal(path, fingerprint={"potential": "LennardJones"})


def test_other_sizes_and_tolerances_are_refused(tmp_path):
    path = filled(tmp_path / "landscape.db")
    assert "4 variables, this run has 5" in refusal(path, n_variables=5)
    assert "set ETOL 1e-06 or use another directory" in refusal(path, energy_tolerance=1e-4)
    assert "set GEOMDIFFTOL 0.1 or use another directory" in refusal(path, distance_tolerance=0.3)


def test_a_refusal_leaves_no_lock(tmp_path):
    path = filled(tmp_path / "landscape.db")
    refusal(path, n_variables=5)
    with Database(path) as database:
        assert database.n_minima == 3
    assert os.listdir(tmp_path) == ["landscape.db"]


# Files that are no databases


def test_not_a_database(tmp_path):
    path = tmp_path / "landscape.db"
    path.write_text("Energy of minimum 1\n")
    for read_only in (False, True):
        assert "not an SQLite database" in refusal(path, read_only=read_only)
    assert path.read_text() == "Energy of minimum 1\n"


def test_the_database_of_another_program(tmp_path):
    path = tmp_path / "landscape.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE minima (id INTEGER)")
    connection.close()
    for read_only in (False, True):
        before = path.read_bytes()
        assert "not a database of energy-landscapes" in refusal(path, read_only=read_only)
        assert path.read_bytes() == before


@pytest.mark.parametrize(("version", "word"), [(SCHEMA_VERSION - 1, "older"), (SCHEMA_VERSION + 1, "newer")])
def test_another_schema(tmp_path, version, word):
    path = filled(tmp_path / "landscape.db")
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    text = refusal(path)
    assert word in text
    assert f"schema {version}" in text


def test_missing_table(tmp_path):
    path = filled(tmp_path / "landscape.db")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE properties")
    connection.close()
    assert "without the tables properties" in refusal(path)


@pytest.mark.parametrize("left", [50, 4096, 20000, -4096, -1])
def test_truncated(tmp_path, left):
    path = filled(tmp_path / "landscape.db", 1000)
    data = path.read_bytes()
    path.write_bytes(data[:left])
    for read_only in (False, True):
        assert "truncated" in refusal(path, read_only=read_only)
    assert path.read_bytes() == data[:left]


def test_damaged_page(tmp_path):
    path = filled(tmp_path / "landscape.db", 1000)
    data = bytearray(path.read_bytes())
    data[4096 : 4096 * 3] = b"\xff" * (4096 * 2)
    path.write_bytes(data)

    def read():
        with Database(path) as database:
            database.minima_arrays()
            database.property("auc")
            database.jobs()

    with pytest.raises(DatabaseError, match=r"damaged.*recover"):
        read()


@pytest.mark.parametrize("content", [b"", None])
def test_empty_or_missing(tmp_path, content):
    path = tmp_path / "landscape.db"
    if content is not None:
        path.write_bytes(content)
    assert "no such database" in refusal(path, create=False)
    assert "no such database" in refusal(path, read_only=True)
    assert [name for name in os.listdir(tmp_path) if name != "landscape.db"] == []
    assert filled(path).exists()


def test_killed_before_the_tables_were_there(tmp_path):
    path = tmp_path / "landscape.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
    assert path.stat().st_size > 0
    assert filled(path).exists()


def test_missing_folder(tmp_path):
    assert "does not exist" in refusal(tmp_path / "absent" / "landscape.db")


def test_unusual_names(tmp_path):
    folder = tmp_path / "a b#c?d%20é"
    folder.mkdir()
    path = filled(folder / "land scape?.db")
    with Database(path, read_only=True) as database:
        assert database.n_minima == 3


def test_application_id_is_in_the_header(tmp_path):
    path = filled(tmp_path / "landscape.db")
    assert path.read_bytes()[68:72] == b"LAND" == APPLICATION_ID.to_bytes(4, "big")


# Writers and readers


def test_second_writer_in_this_process(tmp_path):
    with Database(tmp_path / "landscape.db"):
        assert "already open for writing in this process" in refusal(tmp_path / "landscape.db")


def test_second_writer_in_another_process(tmp_path):
    path = tmp_path / "landscape.db"
    code = f"from common.database import Database\nDatabase({str(path)!r}).close()"
    with Database(path) as database:
        database.add_minimum(Minimum(0.0, np.zeros(3)))
        result = run_python(code)
        assert f"another run is writing to it (process {os.getpid()} on " in result.stderr
        database.add_minimum(Minimum(1.0, np.zeros(3)))
    assert run_python(code).returncode == 0
    assert os.listdir(tmp_path) == ["landscape.db"]


def test_a_killed_writer_leaves_no_lock(tmp_path):
    path = tmp_path / "landscape.db"
    result = run_python(
        f"""
        import os, signal
        import numpy as np
        from common.database import Database
        from common.stationary_points import Minimum
        database = Database({str(path)!r})
        database.add_minimum(Minimum(0.0, np.zeros(3)))
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    assert result.returncode == -9
    assert (tmp_path / "landscape.db.lock").exists()
    with Database(path, read_only=True) as database:
        assert database.n_minima == 1
    with Database(path) as database:
        assert database.n_minima == 1
        assert database.check() == []
    assert os.listdir(tmp_path) == ["landscape.db"]


def test_a_forked_child_does_not_keep_the_lock(tmp_path):
    """A writer that forks (a user's own pool) and is killed: its orphan must not block the next run."""
    path = tmp_path / "landscape.db"
    result = run_python(
        f"""
        import os, signal, time
        from common.database import Database
        database = Database({str(path)!r})
        child = os.fork()
        if child == 0:
            os.close(1), os.close(2)
            time.sleep(20)
            os._exit(0)
        print(child, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    try:
        Database(path).close()
    finally:
        os.kill(int(result.stdout), 9)


def test_readers_beside_a_writer(tmp_path):
    path = filled(tmp_path / "landscape.db")
    with Database(path) as writer, Database(path, read_only=True) as reader, Database(path, read_only=True):
        writer.add_minimum(Minimum(9.0, np.zeros(4)))
        writer.set_property("auc", [4], [0.5])
        assert (reader.n_minima, len(reader.energies()), len(reader.property("auc"))) == (3, 3, 3)
        reader.refresh()
        assert (reader.n_minima, len(reader.energies()), reader.property("auc")[3]) == (4, 4, 0.5)
        for call in (lambda: reader.add_minimum(Minimum(5.0, np.zeros(4))), lambda: reader.set_meta("a", 1)):
            with pytest.raises(DatabaseError, match="reading only"):
                call()
    assert os.listdir(tmp_path) == ["landscape.db"]


def test_an_open_reader_does_not_keep_a_writer_out(tmp_path):
    path = filled(tmp_path / "landscape.db")
    with Database(path, read_only=True) as reader:
        with Database(path) as writer:
            writer.add_minimum(Minimum(9.0, np.zeros(4)))
        assert reader.n_minima == 3
    with Database(path) as writer:
        assert writer.n_minima == 4


NOBODY = 65534


def as_nobody(path, **options):
    """Open the database as a user without permissions: the number of minima, or the message of the refusal."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setuid(NOBODY)
            with Database(path, **options) as database:
                answer = str(database.n_minima)
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as file:
        answer = file.read()
    os.waitpid(child, 0)
    return answer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user, without permissions")
@pytest.mark.parametrize("case", ["folder", "file", "interrupted"])
def test_without_permission_to_write(case):
    folder = Path(tempfile.mkdtemp(prefix="read_only_"))
    try:
        path = filled(folder / "landscape.db")
        if case == "interrupted":
            code = "import os\nfrom common.database import Database\nd = Database({!r})\nd.set_meta('a', 1)\nos._exit(1)"
            run_python(code.format(str(path)))
            (folder / "landscape.db-shm").unlink()
        path.chmod(0o444)
        folder.chmod(0o555 if case != "file" else 0o777)
        answer = as_nobody(path, read_only=True)
        if case == "interrupted":
            assert "make the folder writable" in answer
        else:
            assert answer == "3"
        assert "DatabaseError" in as_nobody(path)
        assert "cannot be opened" in as_nobody(path)
    finally:
        shutil.rmtree(folder)


POINT = {
    "id": int,
    "energy": float,
    "log_product": float,
    "point_group_order": int,
    "inertia_1": float,
    "inertia_2": float,
    "inertia_3": float,
    "point_group": str,
}


def test_the_tables_are_those_of_sqlite_utils():
    sqlite_utils = pytest.importorskip("sqlite_utils")

    db = sqlite_utils.Database(memory=True)
    db["meta"].create({"key": str, "value": str}, pk="key", not_null={"value"})
    db["minima"].create({**POINT, "coordinates": bytes}, pk="id", not_null={"energy"})
    db["minima"].create_index(["energy"])
    db["transition_states"].create(
        {**POINT, "plus": int, "minus": int, "negative_eigenvalue": float, "path_length": float, "coordinates": bytes},
        pk="id",
        not_null={"energy", "plus", "minus"},
        foreign_keys=[("plus", "minima", "id"), ("minus", "minima", "id")],
    )
    db["transition_states"].create_index(["energy"])
    db["endpoints"].create(
        {"set_name": str, "minimum": int}, pk=("set_name", "minimum"), foreign_keys=[("minimum", "minima", "id")]
    )
    db["properties"].create(
        {"name": str, "minimum": int, "value": float}, pk=("name", "minimum"), foreign_keys=[("minimum", "minima", "id")]
    )
    db["runs"].create(
        {
            "id": int,
            "program": str,
            "version": str,
            "command": str,
            "host": str,
            "process": int,
            "seed": str,
            "settings": str,
            "started": str,
            "finished": str,
            "status": str,
        },
        pk="id",
    )
    db["jobs"].create(
        {
            "id": int,
            "kind": str,
            "payload": str,
            "state": str,
            "attempts": int,
            "seed": str,
            "child": int,
            "status": str,
            "summary": str,
            "seconds": float,
            "held": bytes,
        },
        pk="id",
        not_null={"kind", "payload", "state", "attempts"},
    )
    db["jobs"].create_index(["seed", "child"])
    # Finished jobs, soon the most, are in no index: to finish one costs a removal from a small one.
    db.execute("CREATE INDEX idx_jobs_open ON jobs (id, state) WHERE state IN ('waiting', 'running', 'held')")
    db["attempts"].create(
        {
            "id": int,
            "first": int,
            "second": int,
            "outcome": str,
            "connected": int,
            "new_minima": int,
            "new_transition_states": int,
            "seconds": float,
            "job": int,
        },
        pk="id",
        not_null={"first"},
    )

    def facts(connection):
        names = connection.execute("SELECT type, name FROM sqlite_master ORDER BY type, name").fetchall()
        pragmas = ("table_xinfo", "foreign_key_list", "index_list", "index_xinfo")
        return names, [connection.execute(f"PRAGMA {p}({name})").fetchall() for _, name in names for p in pragmas]

    ours = sqlite3.connect(":memory:")
    ours.executescript(SCHEMA_SQL)
    assert facts(ours) == facts(db.conn)
    ours.close()
