"""``scores.sqlite``: scores of images that were computed with a run's weights, so that none is computed twice.

A *series* is all that scores of a statistic have in common: the SHA-256 of the weights, the name of the statistic, its
settings and the seed. Scores are kept by *chunks* of images, whose key is the SHA-256 of the images, so that the same
images are found in any set. New weights have another digest, and their scores another series.

The file lies in the run's folder; of a ready model, which is never written, and of a run in a folder that may not be
written, beside the user's library. Two programs may write at once. What is wrong with the file is said in a sentence
(``ScoreStore.problem``) and never ends the scoring: scores are then not kept.
"""

import contextlib
import errno
import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from gmstudio.runs.examples import is_example
from gmstudio.runs.home import data_home
from gmstudio.runs.names import folder_of, name_of
from gmstudio.runs.record import RunError

SCORES_NAME = "scores.sqlite"
SCHEMA_VERSION = 1
APPLICATION_ID = 0x676D7363  # "gmsc"
MAX_CHUNK = 256
"""Most images of a chunk."""
MAX_BYTES = 128 << 20
"""Size beyond which the series that were not used for longest are dropped."""
BUSY_S = 0.02
"""Time for which a lock of another program is awaited while scores are computed."""
LAST_BUSY_S = 2.0
"""The same for the last writing."""
_QUERY_ROWS = 500

_SCHEMA = (
    "CREATE TABLE series (id INTEGER PRIMARY KEY, weights TEXT NOT NULL, statistic TEXT NOT NULL, "
    "settings TEXT NOT NULL, seed INTEGER NOT NULL, kind TEXT NOT NULL, warnings TEXT NOT NULL, used REAL NOT NULL, "
    "UNIQUE (weights, statistic, settings, seed))",
    "CREATE TABLE chunks (series INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE, digest BLOB NOT NULL, "
    "scores BLOB NOT NULL, errors BLOB, PRIMARY KEY (series, digest)) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)


class SeriesKey(NamedTuple):
    """What scores of a statistic have in common.

    Args:
        weights: SHA-256 of the weights, in hexadecimal digits.
        statistic: its key.
        settings: text that differs where its scores would.
        seed: of all noise.
    """

    weights: str
    statistic: str
    settings: str
    seed: int


class SeriesText(NamedTuple):
    """What is said of the scores of a series.

    Args:
        kind: kind of the scores in words.
        warnings: sentences.
    """

    kind: str
    warnings: tuple[str, ...] = ()


class KeptChunk(NamedTuple):
    """Scores of the images of a chunk.

    Args:
        values: (n,) float64.
        errors: (n,) float64 standard errors; None: the values are exact.
    """

    values: NDArray[np.float64]
    errors: NDArray[np.float64] | None


def scores_place(folder: Path) -> Path:
    """Folder of a run's scores: its own, or one beside the user's library where that is never or cannot be written.

    Raises:
        RunError: when there is no such place.
    """
    if is_example(folder):
        return data_home() / "examples" / folder.name
    existing = folder / SCORES_NAME
    if os.access(folder, os.W_OK) and (not existing.exists() or os.access(existing, os.W_OK)):
        return folder
    name = hashlib.sha256(os.fsencode(name_of(folder))).hexdigest()[:12]
    return data_home() / "scores" / f"{folder.name}-{name}"


class ScoreStore:
    """Kept scores of a run; use it as a context manager or call ``close``.

    Nothing is created before the first scores are written.

    Args:
        folder: of the run, or its name.

    Attributes:
        problem: reason why scores are not kept, a sentence with the remedy; empty: they are.
    """

    def __init__(self, folder: Path | str) -> None:
        self.problem = ""
        self._folder = folder_of(folder)
        self._db: sqlite3.Connection | None = None
        self._waiting: dict[bytes, KeptChunk] = {}
        self._busy = False
        try:
            self.path: Path | None = scores_place(self._folder) / SCORES_NAME
        except (RunError, OSError) as error:
            self.path, self.problem = None, f"The scores are not kept. {error}"

    def another(self) -> "ScoreStore":
        """Return a second store of the same scores, for another series that is written at the same time."""
        return ScoreStore(self._folder)

    def read(self, series: SeriesKey, digests: Sequence[bytes]) -> dict[bytes, KeptChunk]:
        """Return the kept scores of some chunks, those of chunks that are not kept missing."""
        found: dict[bytes, KeptChunk] = {}
        with self._sentences():
            number = self._number(series)
            if number is None or self._db is None:
                return found
            for start in range(0, len(digests), _QUERY_ROWS):
                some = list(digests[start : start + _QUERY_ROWS])
                marks = ",".join("?" * len(some))
                query = f"SELECT digest, scores, errors FROM chunks WHERE series = ? AND digest IN ({marks})"
                for digest, scores, errors in self._db.execute(query, (number, *some)):
                    found[bytes(digest)] = KeptChunk(_floats(scores), None if errors is None else _floats(errors))
        return found

    def text(self, series: SeriesKey) -> SeriesText | None:
        """Return what is said of the scores of a series; None: none are kept."""
        with self._sentences():
            number = self._number(series)
            if number is not None and self._db is not None:
                row = self._db.execute("SELECT kind, warnings FROM series WHERE id = ?", (number,)).fetchone()
                return SeriesText(str(row[0]), tuple(map(str, json.loads(row[1])))) if row else None
        return None

    def add(self, digest: bytes, chunk: KeptChunk) -> None:
        """Take the scores of a chunk, to be written by ``flush``."""
        assert len(chunk.values) <= MAX_CHUNK, len(chunk.values)
        self._waiting[digest] = chunk

    def flush(self, series: SeriesKey, text: SeriesText, *, last: bool = False) -> None:
        """Write what waits; where another program keeps the file locked, it waits for the next call.

        Args:
            series: of the chunks that wait.
            text: what is said of them.
            last: nothing follows, so that a lock is awaited longer.
        """
        if not self._waiting or (self.problem and not self._busy):
            return
        self.problem, self._busy = "", False
        with self._sentences():
            db = self._opened(write=True)
            assert db is not None
            db.execute(f"PRAGMA busy_timeout = {round(1000 * (LAST_BUSY_S if last else BUSY_S))}")
            with _transaction(db):
                now, warnings = time.time(), json.dumps(text.warnings)
                db.execute(
                    "INSERT INTO series (weights, statistic, settings, seed, kind, warnings, used) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (weights, statistic, settings, seed) "
                    "DO UPDATE SET kind = excluded.kind, warnings = excluded.warnings, used = excluded.used",
                    (*series, text.kind, warnings, now),
                )
                number = self._number(series)
                rows = [
                    (number, digest, _bytes(chunk.values), None if chunk.errors is None else _bytes(chunk.errors))
                    for digest, chunk in self._waiting.items()
                ]
                db.executemany("INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?)", rows)
            self._waiting.clear()
            if last:
                _drop_oldest(db)

    def close(self) -> None:
        """Close the file; harmless when done twice. A log beside it is removed unless another program needs it."""
        db, self._db = self._db, None
        if db is None:
            return
        with contextlib.closing(db), contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
            db.execute("PRAGMA busy_timeout = 0")
            db.execute("PRAGMA journal_mode = DELETE").fetchone()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ---- the file -------------------------------------------------------------------------------------------

    def _number(self, series: SeriesKey) -> int | None:
        """Row of a series; None: there is none."""
        if self._db is None and (self.path is None or not self.path.exists()):
            return None
        query = "SELECT id FROM series WHERE weights = ? AND statistic = ? AND settings = ? AND seed = ?"
        db = self._opened(write=False)
        row = None if db is None else db.execute(query, series).fetchone()
        return None if row is None else int(row[0])

    def _opened(self, *, write: bool) -> sqlite3.Connection | None:
        """Open the file, or return the open one; a new one gets its tables, or is None where nothing is written."""
        if self._db is not None:
            return self._db
        if self.path is None:
            raise sqlite3.OperationalError("there is no folder for it")
        if write and self.path.parent != self._folder:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        elif write and not self._folder.is_dir():  # thrown away meanwhile: it must not come back as an empty folder
            raise FileNotFoundError(errno.ENOENT, "the run's folder is gone")
        db = sqlite3.connect(self.path, timeout=LAST_BUSY_S, isolation_level=None)
        try:
            db.execute("PRAGMA foreign_keys = ON")
            with _transaction(db) if write else contextlib.nullcontext():
                is_empty = _check(db, self.path, write=write)
            if is_empty:
                db.close()
                return None
            db.execute("PRAGMA synchronous = NORMAL")
            with contextlib.suppress(sqlite3.OperationalError):  # another program is at work, or the disk has none
                db.execute("PRAGMA journal_mode = WAL").fetchone()
            db.execute(f"PRAGMA busy_timeout = {round(1000 * BUSY_S)}")
        except BaseException:
            db.close()
            raise
        self._db = db
        return db

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        """Turn errors of the file into ``problem``; nothing is done where there is one."""
        try:
            yield
        except _ForeignFileError as error:
            self.problem = f"The scores are not kept. {error}"
        except (sqlite3.Error, OSError, ValueError) as error:  # also text or numbers that are none
            code = getattr(error, "sqlite_errorname", "") or ""
            self._busy = code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
            self.problem = f"The scores are not kept. {_reason(self.path, code, error)}"


class _ForeignFileError(Exception):
    """The file holds no scores, or those of a newer version."""


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _check(db: sqlite3.Connection, path: Path, *, write: bool) -> bool:
    """Check that the file holds scores, make its tables where it is to be written; return whether it has none."""
    application, version, tables = (
        db.execute(query).fetchone()[0]
        for query in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    )
    if not tables and not application:
        for statement in _SCHEMA if write else ():
            db.execute(statement)
        return not write
    if application != APPLICATION_ID:
        raise _ForeignFileError(f"{path} is an SQLite file, but none of scores. Move it away.")
    if version > SCHEMA_VERSION:
        raise _ForeignFileError(
            f"{path} has format {version}; this gmstudio reads up to {SCHEMA_VERSION}. Use a newer gmstudio."
        )
    return False


def _reason(path: Path | None, code: str, error: Exception) -> str:
    if code.startswith("SQLITE_FULL"):
        return f"{path} could not be written: the disk is full. Free some space and score again."
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"{path} is in use by another program. Close that program and score again."
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or isinstance(error, ValueError):
        return f"{path} is damaged ({error}). Move it away or delete it: it holds nothing but kept scores."
    if isinstance(error, OSError):
        return f"{path} could not be written ({error.strerror or error}). Check the folder's permissions and the disk."
    return f"{path} could not be read or written ({error}). Check the folder's permissions and the disk."


def _drop_oldest(db: sqlite3.Connection) -> None:
    """Drop series that were not used for longest where the file is too large; their space is used again."""
    while True:
        pages, free, size = (
            int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
        )
        numbers = [row[0] for row in db.execute("SELECT id FROM series ORDER BY used LIMIT 2")]
        if (pages - free) * size <= MAX_BYTES or len(numbers) < 2:
            return
        db.execute("DELETE FROM series WHERE id = ?", numbers[:1])


def _floats(payload: object) -> NDArray[np.float64]:
    """Numbers of a row.

    Raises:
        ValueError: when the row is damaged.
    """
    if not isinstance(payload, bytes):
        raise ValueError("a row holds no numbers")
    return np.frombuffer(payload, "<f8").astype(np.float64)


def _bytes(values: NDArray[np.float64]) -> bytes:
    return values.astype("<f8").tobytes()
