"""``index.sqlite``: descriptions of the runs of the library as they were read last, so that it opens at once.

It is a cache beside the library. What it holds of a run counts only while the signature of the run's folder is that
with which it was read. It can be deleted at any time, and is rebuilt when it is lost, damaged or of another version.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from gmstudio.protocol.runs import RunInfo
from gmstudio.runs.record import RunError

INDEX_NAME = "index.sqlite"
INDEX_VERSION = 2
"""Rises when the meaning of a description changes, so that all are read again."""
APPLICATION_ID = 0x676D7369  # "gmsi"
ROWS_A_PIECE = 250
_TIMEOUT_S = 0.2
_SUFFIXES = ("", "-journal", "-wal", "-shm")
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE version (text TEXT NOT NULL);
CREATE TABLE runs (
    name TEXT PRIMARY KEY, signature BLOB NOT NULL, changed INTEGER NOT NULL, status TEXT NOT NULL,
    problem TEXT NOT NULL, info BLOB
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {INDEX_VERSION};
COMMIT;
"""
_decode = msgspec.msgpack.Decoder(RunInfo).decode
_encode = msgspec.msgpack.encode


class IndexedRun(NamedTuple):
    """Description of a run as it was read.

    Args:
        signature: digest of the signature of its folder when it was read.
        changed: quick signature of its folder then.
        status: that of its summary.
        problem: what is wrong with it, one sentence; empty otherwise.
        info: its description; None where it cannot be opened.
    """

    signature: bytes
    changed: int
    status: str
    problem: str
    info: RunInfo | None


class RunIndex:
    """The index of a library.

    Args:
        folder: in which it is kept.
        version: differs between programs that describe the same run differently.
    """

    def __init__(self, folder: Path, version: str) -> None:
        self.path = folder / INDEX_NAME
        self._version = version
        self._damaged = False

    def load(self) -> Iterator[list[tuple[str, IndexedRun]]]:
        """Read all that is known, by the names of the runs, the last names first, some hundred at a time.

        That is nothing where the index is lost, damaged or of another version; the next ``store`` replaces it then.
        """
        if not self.path.is_file():
            return
        try:
            with self._open() as db:
                if not self._is_ours(db):
                    return
                cursor = db.execute(
                    "SELECT name, signature, changed, status, problem, info FROM runs ORDER BY name DESC"
                )
                while rows := cursor.fetchmany(ROWS_A_PIECE):
                    yield [
                        (name, IndexedRun(signature, changed, status, problem, _decode(info) if info else None))
                        for name, signature, changed, status, problem, info in rows
                    ]
        except (sqlite3.Error, msgspec.MsgspecError, ValueError, TypeError):
            self._damaged = True  # it is a cache: the runs themselves are read again

    def store(self, runs: Iterable[tuple[str, IndexedRun]], gone: Iterable[str] = ()) -> None:
        """Keep what was read of some runs, and forget others.

        Raises:
            RunError: when it cannot be written; the library is whole without it.
        """
        rows = [
            (name, run.signature, run.changed, run.status, run.problem, None if run.info is None else _encode(run.info))
            for name, run in runs
        ]
        try:
            try:
                self._write(rows, gone)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):  # locked, or a full disk: nothing is wrong with it
                    raise
                self._delete()
                self._write(rows, gone)
        except (sqlite3.Error, OSError) as error:
            raise RunError(
                f"{self.path}, which makes the list of runs quick, could not be written ({error}). Free some space or "
                "check its permissions; no run is affected."
            ) from error

    def _write(self, rows: list[tuple[str, bytes, int, str, str, bytes | None]], gone: Iterable[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            ours = self._is_ours(db) and not self._damaged
        if not ours:
            self._delete()
            self._damaged = False
        with self._open() as db:
            if not ours:
                db.executescript(_SCHEMA)
                db.execute("INSERT INTO version VALUES (?)", (self._version,))
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM runs WHERE name = ?", ((name,) for name in gone))
            db.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?)", rows)
            db.execute("COMMIT")

    def _is_ours(self, db: sqlite3.Connection) -> bool:
        """Return whether the file is an index of this version."""
        application, version = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        if (application, version) != (APPLICATION_ID, INDEX_VERSION):
            return False
        return db.execute("SELECT text FROM version").fetchall() == [(self._version,)]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=_TIMEOUT_S, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous = OFF")  # what a power cut damages is rebuilt
            yield db
        finally:
            db.close()

    def _delete(self) -> None:
        for suffix in _SUFFIXES:
            self.path.with_name(f"{INDEX_NAME}{suffix}").unlink(missing_ok=True)
