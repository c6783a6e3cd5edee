"""``history.sqlite``: scalars, images and events of a run, by step.

One process writes, any number read at the same time. Committed rows survive a killed process (write-ahead log);
``History.sync`` makes them survive a power cut as well. SQLite has no NaN, so a NaN is stored as NULL.
"""

import contextlib
import math
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from gmstudio.runs.examples import is_example
from gmstudio.runs.history_copy import copied_history, needs_copy
from gmstudio.runs.history_curves import Curve as Curve
from gmstudio.runs.history_curves import curves_of
from gmstudio.runs.history_errors import run_error
from gmstudio.runs.history_place import HISTORY_NAME as HISTORY_NAME
from gmstudio.runs.history_place import identity_of, put_back
from gmstudio.runs.history_rows import Event as Event
from gmstudio.runs.history_rows import ImageGrid as ImageGrid
from gmstudio.runs.history_rows import Scalar as Scalar
from gmstudio.runs.history_schema import APPLICATION_ID, LATER_TABLES, SCHEMA, SCHEMA_VERSION
from gmstudio.runs.packing import packed, unpacked
from gmstudio.runs.record import RunDamagedError, RunError, RunMissingError, now_iso

DATA_CHANGED = "data"
"""Kind of the event from which on a run uses other data than before."""
SETTINGS_CHANGED, BRANCHED = "changed", "branch"
SCHEDULE, PHASES, FOREIGN = "schedule", "phases", "origin"
"""Kinds of the events of another course of the learning rate, of phases trained alone, of weights of other programs."""
CHANGES = (SETTINGS_CHANGED, BRANCHED)
"""Kinds of the events of settings that were changed while the run trained, and of its begin as a branch."""
_WRITE_TIMEOUT_S = 1.0
"""Nothing is answered meanwhile; a training that meets a locked file pauses and goes on by itself."""
_READ_TIMEOUT_S = 0.2
"""Readers wait less: they serve the window, and only a program that keeps the whole file locked makes them wait."""
_INSERT_POINTS = "INSERT OR REPLACE INTO points VALUES (?, ?, ?)"
_POINTS = "FROM points p JOIN series s ON p.series = s.id WHERE s.split = ? AND p.step > ?"


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
        self._writing = False
        """Within ``writing``, of whose transaction all is that is stored."""
        with self._errors_as_sentences():
            self._db = self._connect()
        try:
            with self._errors_as_sentences():
                self._prepare()
        except BaseException:
            self._db.close()
            raise
        self._identity = identity_of(self.path)

    @property
    def in_place(self) -> bool:
        """The file that is open is the one at its path: it was not deleted or replaced."""
        return identity_of(self.path) == self._identity

    def _connect(self, *, create: bool = True) -> sqlite3.Connection:
        mode = ("rwc" if create else "rw") if self.write else "ro"
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
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
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
            self._db.executescript(LATER_TABLES)
            self._series = {(split, name): key for key, split, name in self._db.execute("SELECT * FROM series")}

    @contextlib.contextmanager
    def _errors_as_sentences(self) -> Iterator[None]:
        """Turn SQLite's errors into ``RunError``."""
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError) as error:  # a damaged file's error message may be no text
            raise run_error(self.path, error) from error

    # ---- writing --------------------------------------------------------------------------------------------

    def append(
        self,
        scalars: Iterable[Scalar] = (),
        images: Iterable[ImageGrid] = (),
        events: Iterable[Event] = (),
        *,
        curves: Mapping[tuple[str, str], Curve] | None = None,
    ) -> None:
        """Store all of the given rows, or (on an error) none; a value of the same step and name is replaced.

        Args:
            scalars: single values.
            images: grids of images.
            events: entries of the log.
            curves: many values at once: (split, name) → steps (n,) int64, values (n,) float64.

        Raises:
            RunError: when it cannot be written, for example because the disk is full.
        """
        grids = [(int(g.step), g.kind, *packed(g.images)) for g in images]
        rows = [(int(e.step), e.time, e.kind, e.text) for e in events]
        with self._errors_as_sentences(), self._transaction():
            points = [(self._series_id(s.split, s.name), int(s.step), float(s.value)) for s in scalars]
            self._db.executemany(_INSERT_POINTS, points)
            for key, (steps, values) in (curves or {}).items():
                series = [self._series_id(*key)] * len(steps)
                self._db.executemany(_INSERT_POINTS, zip(series, steps.tolist(), values.tolist(), strict=True))
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
            self._db.execute("DELETE FROM batch_sizes WHERE step >= ? AND step > 0", (step,))

    def sync(self) -> None:
        """Wait until all that was appended would survive a power cut; call it before a checkpoint is written.

        Any thread may call it: it has a connection of its own. Of a file that was deleted there is nothing to sync; the
        next writing puts it back.
        """
        if not self.in_place:
            return
        with self._errors_as_sentences(), contextlib.closing(self._connect(create=False)) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        if not self.write:
            raise RunError(f"{self.path} is open for reading only. Open the run for writing.")
        if self._writing:
            yield
            return
        self._put_back()
        self._db.execute("BEGIN IMMEDIATE")
        known, self._writing = dict(self._series), True
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._series = known
            if self._db.in_transaction:  # a full disk may have rolled it back already
                self._db.execute("ROLLBACK")
            raise
        finally:
            self._writing = False

    def _put_back(self) -> None:
        """Restore a file that was deleted or replaced: all that it held is still open here. Log that."""
        if self.in_place:
            return
        sentence = put_back(self._db, self.path)
        self._db = self._connect()
        self._prepare()
        self._identity = identity_of(self.path)
        row = (self.last_step(), now_iso(), "warning", sentence)
        self._db.execute("INSERT INTO events (step, time, kind, text) VALUES (?, ?, ?, ?)", row)

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
        """Transaction for tables of other modules, and for what is appended within it; all is stored, or nothing.

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
        """All curves, or their part after step ``since``, as they were at one moment, whatever is written meanwhile.

        Returns:
            (split, name) → steps (n,) int64 rising, values (n,) float64; curves without points are left out.
        """
        with self._errors_as_sentences():
            return curves_of(self._db, self.path, since)

    def last_and_best(self, split: str, name: str, since: int = -1) -> tuple[float, float] | None:
        """Newest and lowest value of one curve after step ``since``; None when it has no points there.

        It is cheap: nothing else is read. The lowest is NaN when every value is.
        """
        last = self.last_value(split, name, since)
        if last is None:
            return None
        with self._errors_as_sentences():
            query = f"SELECT min(p.value) {_POINTS} AND s.name = ?"
            return last, _number(self._db.execute(query, (split, since, name)).fetchone()[0])

    def last_value(self, split: str, name: str, since: int = -1) -> float | None:
        """Newest value of one curve after step ``since``; None when it has no points there."""
        query = f"SELECT p.value {_POINTS} AND s.name = ? ORDER BY p.step DESC LIMIT 1"
        with self._errors_as_sentences():
            row = self._db.execute(query, (split, since, name)).fetchone()
        return None if row is None else _number(row[0])

    def best_values(self, split: str, since: int = -1) -> dict[str, float]:
        """Lowest value of each curve of a split after step ``since``, of those that have points there."""
        query = f"SELECT s.name, min(p.value) {_POINTS} GROUP BY s.id"
        with self._errors_as_sentences():
            return {name: _number(value) for name, value in self._db.execute(query, (split, since))}

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

        Raises:
            RunError: when the file was deleted or replaced, and no new file can be written in its place.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self.write and self.path.parent.is_dir():  # else the whole run was moved or deleted
                with self._errors_as_sentences():
                    self._put_back()
        finally:
            self._close()

    def _close(self) -> None:
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


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
