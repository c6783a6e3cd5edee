"""``history.sqlite``: scalars, images and events of a run, by step.

One process writes, any number read at the same time. Committed rows survive a killed process (write-ahead log);
``History.sync`` makes them survive a power cut as well. SQLite has no NaN, so a NaN is stored as NULL.
"""

import contextlib
import math
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from gmstudio.runs.examples import is_example
from gmstudio.runs.history_copy import copied_history, needs_copy
from gmstudio.runs.packing import packed, unpacked
from gmstudio.runs.record import DiskFullError, RunBusyError, RunDamagedError, RunError, RunMissingError, now_iso

HISTORY_NAME = "history.sqlite"
SCHEMA_VERSION = 1
APPLICATION_ID = 0x676D7374  # "gmst"
DATA_CHANGED = "data"
"""Kind of the event from which on a run uses other data than before."""
SETTINGS_CHANGED, BRANCHED = "changed", "branch"
CHANGES = (SETTINGS_CHANGED, BRANCHED)
"""Kinds of the events of settings that were changed while the run trained, and of its begin as a branch."""
_WRITE_TIMEOUT_S = 1.0
"""Nothing is answered meanwhile; a training that meets a locked file pauses and goes on by itself."""
_READ_TIMEOUT_S = 0.2
"""Readers wait less: they serve the window, and only a program that keeps the whole file locked makes them wait."""

_SCHEMA = f"""
CREATE TABLE series (id INTEGER PRIMARY KEY, split TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (split, name));
CREATE TABLE points (
    series INTEGER NOT NULL REFERENCES series (id), step INTEGER NOT NULL, value REAL, PRIMARY KEY (series, step)
) WITHOUT ROWID;
CREATE VIEW scalars AS
    SELECT step, split, name, value FROM points JOIN series ON points.series = series.id ORDER BY step;
CREATE TABLE images (
    step INTEGER NOT NULL, kind TEXT NOT NULL, shape TEXT NOT NULL, dtype TEXT NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (step, kind)
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, time TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
"""

_LATER_TABLES = """
CREATE TABLE IF NOT EXISTS surfaces (
    step INTEGER PRIMARY KEY, seconds REAL NOT NULL, method TEXT NOT NULL, note TEXT NOT NULL, metrics TEXT NOT NULL,
    shape TEXT NOT NULL, dtype TEXT NOT NULL, payload BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS clock (step INTEGER PRIMARY KEY, time REAL NOT NULL);
"""
"""Tables that histories of earlier versions lack; they get them when they are opened for writing."""

Curve = tuple[NDArray[np.int64], NDArray[np.float64]]


class Scalar(NamedTuple):
    """One measured number: ``split`` is ``train``, ``valid`` … and ``name`` the term's."""

    step: int
    split: str
    name: str
    value: float


class ImageGrid(NamedTuple):
    """Images kept at a step, one array of each ``kind`` (for example ``samples``, (n, C, H, W) uint8)."""

    step: int
    kind: str
    images: NDArray[Any]


class Event(NamedTuple):
    """An entry of the run's log, for example a warning; ``time`` is ISO 8601 in UTC."""

    step: int
    time: str
    kind: str
    text: str


class History:
    """An open history; use it as a context manager or call ``close``.

    Args:
        folder: the run's folder.
        write: open for appending, creating the file when there is none. The run's lock must be held
            (``RunFolder`` sees to that).

    Raises:
        RunMissingError: when there is none yet (reading).
        RunDamagedError: when it is damaged, or no history.
        RunBusyError: when another program keeps it locked.
        RunError: when it cannot be opened, or is of a newer format.
    """

    def __init__(self, folder: Path, *, write: bool = False) -> None:
        self.path = folder / HISTORY_NAME
        self.write = write
        self._closed = False
        if not write and not self.path.is_file():
            raise RunMissingError(f"{folder} has no {HISTORY_NAME}, so no curves or samples can be shown.")
        self._series: dict[tuple[str, str], int] = {}
        with self._errors_as_sentences():
            self._db = self._connect()
        try:
            with self._errors_as_sentences():
                self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        mode = "rwc" if self.write else "ro"
        if not self.write and is_example(self.path.parent):  # nobody writes it, so that it needs no lock
            mode += "&immutable=1"
        path = self.path
        if not self.write and needs_copy(path):
            path = copied_history(path)
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        timeout_s = _WRITE_TIMEOUT_S if self.write else _READ_TIMEOUT_S
        return sqlite3.connect(uri, uri=True, timeout=timeout_s, isolation_level=None)

    def _prepare(self) -> None:
        """Check that the file is a history of a known format; a new one gets its tables."""
        application, version, tables = (
            self._db.execute(query).fetchone()[0]
            for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
        if self.write and not tables and not application:
            self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        elif not tables and not application:
            raise RunMissingError(f"{self.path} is still empty. Train the run first.")
        elif application != APPLICATION_ID:
            raise RunDamagedError(f"{self.path} is an SQLite file, but no history of a run. Move it away.")
        elif version > SCHEMA_VERSION:
            raise RunError(
                f"{self.path} has format {version}; this gmstudio reads up to {SCHEMA_VERSION}. "
                "Open it with a newer gmstudio."
            )
        if self.write:
            self._db.execute("PRAGMA journal_mode = WAL").fetchone()
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_LATER_TABLES)
            self._series = {(split, name): key for key, split, name in self._db.execute("SELECT * FROM series")}

    @contextlib.contextmanager
    def _errors_as_sentences(self) -> Iterator[None]:
        """Turn SQLite's errors into ``RunError``."""
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged file's error message may be no text
            raise _run_error(self.path, error) from error

    # ---- writing --------------------------------------------------------------------------------------------

    def append(
        self, scalars: Iterable[Scalar] = (), images: Iterable[ImageGrid] = (), events: Iterable[Event] = ()
    ) -> None:
        """Store all of the given rows, or (on an error) none; a value of the same step and name is replaced.

        Raises:
            RunError: when it cannot be written, for example because the disk is full.
        """
        grids = [(int(g.step), g.kind, *packed(g.images)) for g in images]
        rows = [(int(e.step), e.time, e.kind, e.text) for e in events]
        with self._errors_as_sentences(), self._transaction():
            points = [(self._series_id(s.split, s.name), int(s.step), float(s.value)) for s in scalars]
            self._db.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?)", points)
            self._db.executemany("INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?)", grids)
            self._db.executemany("INSERT INTO events (step, time, kind, text) VALUES (?, ?, ?, ?)", rows)

    def log(self, step: int, kind: str, text: str) -> Event:
        """Store one event that happens now, and return it."""
        event = Event(step, now_iso(), kind, text)
        self.append(events=[event])
        return event

    def truncate_after(self, step: int, *, events: bool = False) -> None:
        """Delete scalars, images, surfaces and times of steps above ``step``, which a resumed run will produce again.

        Args:
            step: last step that stays.
            events: delete events, too, of which a branch has none of its parent's later ones; else they stay: they are
                a log of what happened.
        """
        with self._errors_as_sentences(), self._transaction():
            self._db.execute("DELETE FROM points WHERE step > ?", (step,))
            self._db.execute("DELETE FROM images WHERE step > ?", (step,))
            self._db.execute("DELETE FROM surfaces WHERE step > ?", (step,))
            if events:
                self._db.execute("DELETE FROM events WHERE step > ?", (step,))
            self._db.execute("DELETE FROM clock WHERE step > ?", (step,))

    def sync(self) -> None:
        """Wait until all that was appended would survive a power cut; call it before a checkpoint is written.

        Any thread may call it: it has a connection of its own.
        """
        with self._errors_as_sentences(), contextlib.closing(self._connect()) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        if not self.write:
            raise RunError(f"{self.path} is open for reading only. Open the run for writing.")
        self._db.execute("BEGIN IMMEDIATE")
        known = dict(self._series)
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._series = known
            if self._db.in_transaction:  # a full disk may have rolled it back already
                self._db.execute("ROLLBACK")
            raise

    def can_write(self) -> bool:
        """Return whether no other program keeps the file locked now, without waiting."""
        try:
            self._db.execute("PRAGMA busy_timeout = 0")
            with self._errors_as_sentences(), self._transaction():
                return True
        except RunError:
            return False
        finally:
            self._db.execute(f"PRAGMA busy_timeout = {round(1000 * _WRITE_TIMEOUT_S)}")

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Transaction for a table of another module; all of it is stored, or nothing.

        Raises:
            RunError: when it cannot be written.
        """
        with self._errors_as_sentences(), self._transaction():
            yield self._db

    @contextlib.contextmanager
    def reading(self, table: str) -> Iterator[sqlite3.Connection | None]:
        """Database for reading a table of another module; None: this history has no such table.

        Raises:
            RunDamagedError: when it is damaged.
        """
        query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
        with self._errors_as_sentences():
            yield self._db if self._db.execute(query, (table,)).fetchone()[0] else None

    def _series_id(self, split: str, name: str) -> int:
        key = self._series.get((split, name))
        if key is None:
            cursor = self._db.execute("INSERT INTO series (split, name) VALUES (?, ?)", (split, name))
            key = self._series[split, name] = int(cursor.lastrowid or 0)
        return key

    # ---- reading --------------------------------------------------------------------------------------------

    def read_scalars(self, since: int = -1) -> dict[tuple[str, str], Curve]:
        """All curves, or their part after step ``since``.

        Returns:
            (split, name) → steps (n,) int64 rising, values (n,) float64; curves without points are left out.
        """
        curves: dict[tuple[str, str], Curve] = {}
        with self._errors_as_sentences():
            for key, split, name in self._db.execute("SELECT id, split, name FROM series ORDER BY id").fetchall():
                query = "SELECT step, value FROM points WHERE series = ? AND step > ? ORDER BY step"
                rows = self._db.execute(query, (key, since)).fetchall()
                if rows:
                    curves[split, name] = self._curve(rows)
        return curves

    def _curve(self, rows: list[tuple[int, float | None]]) -> Curve:
        try:
            flat = np.array(rows, dtype=np.float64)  # None becomes NaN
        except (TypeError, ValueError) as error:
            raise RunDamagedError(f"{self.path} is damaged: a value is no number. Restore it from a copy.") from error
        return flat[:, 0].astype(np.int64), flat[:, 1].copy()

    def last_and_best(self, split: str, name: str, since: int = -1) -> tuple[float, float] | None:
        """Newest and lowest value of one curve after step ``since``; None when it has no points there.

        It is cheap: nothing else is read. The lowest is NaN when every value is.
        """
        points = "FROM points p JOIN series s ON p.series = s.id WHERE s.split = ? AND s.name = ? AND p.step > ?"
        with self._errors_as_sentences():
            row = self._db.execute(
                f"SELECT p.value {points} ORDER BY p.step DESC LIMIT 1", (split, name, since)
            ).fetchone()
            if row is None:
                return None
            best = self._db.execute(f"SELECT min(p.value) {points}", (split, name, since)).fetchone()[0]
            return _number(row[0]), _number(best)

    def last_step(self) -> int:
        """Newest step of all curves; 0 without points."""
        with self._errors_as_sentences():
            keys = [key for (key,) in self._db.execute("SELECT id FROM series")]
            query = "SELECT max(step) FROM points WHERE series = ?"
            return max((int(self._db.execute(query, (key,)).fetchone()[0] or 0) for key in keys), default=0)

    def image_kinds(self) -> tuple[str, ...]:
        """Kinds of images kept, in alphabetical order."""
        with self._errors_as_sentences():
            return tuple(kind for (kind,) in self._db.execute("SELECT DISTINCT kind FROM images ORDER BY kind"))

    def image_steps(self, kind: str = "samples") -> list[int]:
        """Steps at which images of this kind were kept, rising."""
        with self._errors_as_sentences():
            rows = self._db.execute("SELECT step FROM images WHERE kind = ? ORDER BY step", (kind,))
            return [step for (step,) in rows]

    def read_images(self, step: int, kind: str = "samples") -> NDArray[Any]:
        """Images kept at exactly this step, as they were appended.

        Raises:
            RunMissingError: when there are none.
            RunDamagedError: when they are damaged.
        """
        with self._errors_as_sentences():
            row = self._db.execute(
                "SELECT shape, dtype, payload FROM images WHERE step = ? AND kind = ?", (step, kind)
            ).fetchone()
        if row is None:
            raise RunMissingError(f"{self.path} keeps no {kind} of step {step}. Ask for one of its image steps.")
        try:
            return unpacked(*row)
        except (ValueError, TypeError, RecursionError, zlib.error) as error:
            raise RunDamagedError(
                f"{self.path}: the {kind} of step {step} are damaged. The other steps may be whole."
            ) from error

    def last_event_step(self, kind: str) -> int:
        """Step of the newest event of this kind; -1 where there is none."""
        query = "SELECT step FROM events WHERE kind = ? ORDER BY id DESC LIMIT 1"
        with self._errors_as_sentences():
            row = self._db.execute(query, (kind,)).fetchone()
        return -1 if row is None else int(row[0])

    def read_events(self) -> list[Event]:
        """All events, oldest first."""
        with self._errors_as_sentences():
            return [Event(*row) for row in self._db.execute("SELECT step, time, kind, text FROM events ORDER BY id")]

    # ---- end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the file; harmless when done twice.

        A writer leaves one plain file without a log beside it, fit for read-only disks. Where a reader still has it
        open, that is refused and the log stays, which every reader understands.
        """
        if self._closed:
            return
        self._closed = True
        with contextlib.closing(self._db), contextlib.suppress(sqlite3.OperationalError):
            if self.write:
                self._db.execute("PRAGMA busy_timeout = 0")
                self._db.execute("PRAGMA journal_mode = DELETE").fetchone()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def written_s(folder: Path) -> float:
    """Time of the last writing of a run's history, in seconds of ``time.time``; 0 where there is none."""
    return max((_modified_s(folder / name) for name in (HISTORY_NAME, f"{HISTORY_NAME}-wal")), default=0.0)


def _modified_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _run_error(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> RunError:
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith("SQLITE_FULL"):
        return DiskFullError(f"{path} could not be written: the disk is full. Free some space.")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RunBusyError(f"{path} is in use by another program. Close that program and try again.")
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR")):
        return RunError(
            f"{path} could not be opened, read or written ({error}). Check the folder's permissions and the disk."
        )
    return RunDamagedError(
        f"{path} is damaged ({error}). Restore it from a copy, or move it away to continue with an empty history."
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
