"""Opening the database file: its tables, the lock of its one writer, and the checks that come before any use.

The tables
----------
meta               key, value (JSON): n_variables, fingerprint, tolerances
minima             one row per minimum; ids are consecutive from 1 (line numbers of min.data)
transition_states  one row per transition state, with the ids of its two minima
endpoints          members of the sets A and B
attempts           every pair ever tried, in order, and every single-ended search (second minimum NULL)
properties         (minimum, name, value)
jobs               work to be done: payload, state, attempts, seed, result
runs               who wrote here: program, version, command, seed, input
hits, cycles       see `common.discovery`

Coordinates are blobs of little-endian float64. NaN, which SQLite does not know, is stored as NULL.
"""

import fcntl
import os
import socket
import sqlite3
from contextlib import suppress
from pathlib import Path

from common.database_tables import SCHEMA_SQL
from common.discovery import TABLES_SQL
from common.errors import DatabaseError

SCHEMA_VERSION = 1
#: "LAND" in ASCII, in the field of the SQLite header that tells whose file it is.
APPLICATION_ID = 0x4C414E44
#: Pages of 4 kB of the cache of one connection, as SQLite counts it (negative: kB).
CACHE_KB = -65536
#: Pages in the journal (64 MB) before they are taken over into the file. With the usual 1,000 the same places of the index on
#: the energy, which new minima hit at random, are written again and again: 6,500 minima per second instead of 10,000 to 14,000.
CHECKPOINT_PAGES = 16000
#: Seconds to wait for another connection that holds the file for a moment (a checkpoint).
BUSY_SECONDS = 30.0

#: Table and column names of this version, to recognise a file that only claims to be ours.
TABLES = {"meta", "minima", "transition_states", "endpoints", "properties", "runs", "jobs", "attempts"}


class WriterLock:
    """The right to write to one database, held until `release` or the end of the process, however it ends.

    A POSIX lock on the side file ``<database>.lock``: the kernel drops it with the process, so nothing stale remains after a
    kill; it works over NFS; and unlike flock it is not inherited by forked children. Its one weakness, that a process is
    never in conflict with itself, is covered by a set of the paths this process holds.

    Raises
    ------
    DatabaseError
        Another process, or another connection of this one, is writing.
    """

    held = set()

    def __init__(self, database):
        self.path = os.path.realpath(database) + ".lock"
        self._name = Path(database).name
        self._owner = os.getpid()
        folder = os.path.dirname(self.path)
        if not os.path.isdir(folder):
            raise DatabaseError(f"{database}: the folder {folder} does not exist; create it or correct the path")
        if self.path in self.held:
            raise DatabaseError(f"{database}: already open for writing in this process; close it first")
        self._file = self._lock(database)
        self.held.add(self.path)

    def _lock(self, database):
        while True:
            try:
                file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            except OSError as error:
                raise DatabaseError(f"{database}: cannot be opened for writing ({error.strerror}: {self.path})") from None
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.read(file, 200).decode("ascii", "replace").strip()
                os.close(file)
                if isinstance(error, BlockingIOError | PermissionError):
                    raise DatabaseError(
                        f"{database}: another run is writing to it ({holder or 'unknown process'}); "
                        "wait until it has ended, stop it, or use another directory"
                    ) from None
                raise DatabaseError(
                    f"{database}: the file system cannot lock files ({error.strerror}); use a directory on another one"
                ) from None
            # The previous holder may have removed the file between our open and our lock: then it is a lock on nothing.
            try:
                same = os.fstat(file).st_ino == os.stat(self.path).st_ino
            except FileNotFoundError:
                same = False
            if same:
                os.ftruncate(file, 0)
                os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode("ascii", "replace"), 0)
                return file
            os.close(file)

    def release(self):
        """Give the lock back and remove its file."""
        if self._file is None:
            return
        file, self._file = self._file, None
        if os.getpid() != self._owner:
            os.close(file)  # a forked copy of the object: the lock is its parent's
            return
        self.held.discard(self.path)
        with suppress(OSError):
            os.unlink(self.path)
        os.close(file)


def connect_writer(path, create):
    """Open a database for writing, creating it when it does not exist.

    Returns
    -------
    connection : sqlite3.Connection
        In autocommit mode; transactions are opened explicitly.
    new : bool
        Whether it was just created.

    Raises
    ------
    DatabaseError
    """
    new = not _has_content(path)
    if new and not create:
        raise DatabaseError(f"{path}: no such database; run gmin or pathsample first, or correct the directory")
    if not new and not os.access(path, os.W_OK):
        raise DatabaseError(f"{path}: cannot be opened for writing (permission denied); check the permissions of the file")
    try:
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=256)
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: cannot be opened for writing ({error}); check the permissions of the folder") from None
    try:
        # Look before anything is changed: the file may belong to another program.
        new = new or _is_blank(connection)
        if not new:
            check_schema(connection, path)
        # WAL lets readers look on while we write. Where it is not to be had (some network file systems), SQLite stays with
        # its rollback journal, which then must wait for the disk at every step.
        wal = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0].lower() == "wal"
        connection.execute(f"PRAGMA synchronous={'NORMAL' if wal else 'FULL'}")
        connection.execute(f"PRAGMA cache_size={CACHE_KB}")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        if new:
            connection.executescript(
                f"BEGIN IMMEDIATE;\n{SCHEMA_SQL}\n"
                f"PRAGMA application_id={APPLICATION_ID};\nPRAGMA user_version={SCHEMA_VERSION};\nCOMMIT;"
            )
        # tables that came later, without a new version of the schema: older programs do not miss them
        connection.executescript(TABLES_SQL)
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.Error as error:
        connection.close()
        raise damaged(path, error) from None
    except BaseException:
        connection.close()
        raise
    return connection, new


def connect_reader(path):
    """Open a database for reading only, also while a writer is at work and also in a folder that cannot be written."""
    if not _has_content(path):
        raise DatabaseError(f"{path}: no such database; run gmin or pathsample first, or correct the directory")
    # Percent signs, question marks and hashes have a meaning in the address of a file.
    address = Path(os.path.realpath(path)).as_uri()
    try:
        # Not mode=ro: such a connection, when it is the last to close, leaves the side files behind. A file without permission
        # to write opens for reading all the same.
        connection = _try_reader(f"{address}?mode=rw", path)
    except sqlite3.OperationalError as error:
        # A database in WAL mode needs its two side files; where they are missing and cannot be made nobody is writing.
        wal = os.path.realpath(path) + "-wal"
        if os.path.exists(wal) and os.path.getsize(wal):
            raise DatabaseError(
                f"{path}: the last run was interrupted and its journal {wal} cannot be read from here ({error}); "
                "make the folder writable or copy the database with its -wal file to one that is"
            ) from None
        try:
            connection = _try_reader(f"{address}?immutable=1", path)
        except sqlite3.Error as error:
            raise damaged(path, error) from None
    except sqlite3.Error as error:
        raise damaged(path, error) from None
    return connection


def _try_reader(address, path):
    connection = sqlite3.connect(address, uri=True, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=256)
    try:
        connection.execute(f"PRAGMA cache_size={CACHE_KB}")
        connection.execute("PRAGMA query_only=ON")
        check_schema(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def check_schema(connection, path):
    """Refuse a file that is not a database of this suite, of another version of it, or that lost its end."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise DatabaseError(f"{path}: an SQLite file, but not a database of energy-landscapes; use another directory or name")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        newer = "a newer" if version > SCHEMA_VERSION else "an older"
        raise DatabaseError(
            f"{path}: written by {newer} version of energy-landscapes (schema {version}, this one reads {SCHEMA_VERSION}); "
            "export it there as min.data, ts.data and points files, and import these here"
        )
    # SQLite itself notices only the loss of whole pages. With a journal the file may lawfully lack some, which are in there.
    size = os.stat(path).st_size
    pages, page = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    if size < pages * page and not _has_content(os.path.realpath(path) + "-wal"):
        raise truncated(path, size, pages * page)
    if not tables >= TABLES:
        raise DatabaseError(f"{path}: damaged, without the tables {', '.join(sorted(TABLES - tables))}; restore it from a copy")


def truncated(path, size, expected):
    """The error for a file that lost its end."""
    return DatabaseError(
        f"{path}: truncated ({size} bytes, its header says {expected}); restore it from a copy, "
        f"or try to rescue it: sqlite3 {path} .recover | sqlite3 rescued.db"
    )


def damaged(path, error):
    """The error for a file that SQLite cannot use."""
    text = str(error)
    if "not a database" in text:
        return DatabaseError(f"{path}: not an SQLite database; move it away or correct the name")
    if "malformed" in text:
        # The connection is closed or useless by now, so the file can be opened without harm to the locks SQLite has on it.
        with suppress(OSError), open(path, "rb") as file:
            header, size = file.read(100), os.fstat(file.fileno()).st_size
            page = int.from_bytes(header[16:18], "big")
            expected = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
            if size < expected:
                return truncated(path, size, expected)
    if "locked" in text or "busy" in text:
        return DatabaseError(f"{path}: held by another program for more than {BUSY_SECONDS:.0f} s ({text}); close that program")
    if "readonly" in text or "unable to open" in text:
        return DatabaseError(f"{path}: cannot be opened ({text}); check the permissions of the file and its folder")
    if "full" in text:
        return DatabaseError(f"{path}: the disk is full ({text}); nothing was lost, make room and start again")
    return DatabaseError(
        f"{path}: damaged ({text}); restore it from a copy, or try to rescue it: sqlite3 {path} .recover | sqlite3 rescued.db"
    )


def _has_content(path):
    try:
        return os.stat(path).st_size > 0
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DatabaseError(f"{path}: cannot be read ({error.strerror})") from None


def _is_blank(connection):
    """Whether a run was killed after SQLite made the file and before the tables were in it."""
    return (
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        and connection.execute("PRAGMA application_id").fetchone()[0] == 0
    )
