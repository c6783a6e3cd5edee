"""Listing of the library in pieces; runs that did not change since they were read are not read again."""

import hashlib
import uuid
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from gmstudio.data import SOURCES
from gmstudio.engine.runs.describe import as_in_training, current_info, entries_of_families
from gmstudio.engine.runs.info import run_info
from gmstudio.engine.runs.listing_parts import Parts, in_order
from gmstudio.engine.runtime.beside import in_threads
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.errors import error_sentence
from gmstudio.protocol.base import Event
from gmstudio.protocol.config import schema_of
from gmstudio.protocol.engine import Done
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.plain_text import is_encodable, plain_text
from gmstudio.protocol.runs import ListRuns, RunInfo
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.examples import example_folders
from gmstudio.runs.home import data_home
from gmstudio.runs.index import ROWS_A_PIECE, IndexedRun, RunIndex
from gmstudio.runs.library import holds_run, library_folders, runs_home, summarize
from gmstudio.runs.names import name_of
from gmstudio.runs.record import RunError
from gmstudio.runs.signature import Signature, quick_signature, signature_of, signatures_of

READERS = 2
"""Threads that read runs: where one waits for the disk, another computes."""
RUNS_A_READING = 8
"""Runs that a thread reads before the loop takes them."""
STORED_A_PIECE = 500
"""Runs that are written to the index in one piece."""
POLLS_A_ROUND = 30
"""Listings after which every folder was looked into; each looks at two file times of most of them only."""
T = TypeVar("T")
UNFINISHED = ("running", "paused", "interrupted")


@dataclass
class _Known:
    """A run as it was read last.

    Args:
        run: what was read.
        since: listing since which it is so.
    """

    run: IndexedRun
    since: int


class RunListing:
    """Lists the library, with an index of what was read.

    Args:
        context: holds the run in training.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._known: dict[str, _Known] = {}
        self._gone: dict[str, int] = {}
        self._home: Path | None = None
        self._token = uuid.uuid4().hex
        self._listing = self._polls = self._looks = 0
        self._index_problem = ""

    def pieces(self, command: ListRuns) -> Iterator[Event | None]:
        """List the runs; those that changed since ``command.known``, where that is a state of this listing.

        What is known of a run is sent as soon as its folder was looked at; then the others are read.

        Raises:
            RunError: when the library cannot be read.
        """
        home = runs_home()
        fresh = home != self._home or not self._index.path.exists()
        since = None if fresh else self._since(command.known)
        folders = dict(reversed(library_folders(home).items()))  # newest first: names begin with the day
        folders |= {name_of(path): str(path) for path in example_folders()}
        parts = Parts(command, plain_text(str(home.absolute())), complete=since is None)
        yield None
        changed = set[str]()
        for names in self._loaded(home) if fresh else _in_groups([*self._known]):
            changed |= self._changed(names, folders, quickly=fresh or since is not None)
            yield from parts.add(self._infos(names, changed, since)) or (None,)
        self._polls += 1
        stale = dict[str, str]()
        for names in _in_groups([*folders]):
            unread = (name for name in names if name in changed or name not in self._known)
            stale |= {name: folders[name] for name in unread if holds_run(folders[name])}
            yield None
        gone = [name for name in self._known if name not in folders or (name in changed and name not in stale)]
        if stale or gone:
            self._listing += 1
        self._forget(gone)
        if since == self._listing:
            yield Done(request=command.request)
            return
        yield from self._read_all(stale, parts)
        self._known = {name: self._known[name] for name in folders if name in self._known}
        yield self._last(parts, since, stale)
        yield from self._store(stale, gone)

    # ---- what changed -----------------------------------------------------------------------------------------------

    def _loaded(self, home: Path) -> Iterator[list[str]]:
        """Take what the index holds of a library; yields the names of some runs after another, newest first."""
        self._home, self._known, self._gone = home, {}, {}
        self._index = RunIndex(data_home(), _version())
        for rows in self._index.load():
            self._known |= {name: _Known(run, self._listing) for name, run in rows}
            yield [name for name, _run in rows]

    def _since(self, state: str) -> int | None:
        """Return the listing that a state is of; None: of none of this engine's on this library."""
        token, _, listing = state.partition(":")
        return int(listing) if token == self._token and listing.isdecimal() else None

    def _changed(self, names: Iterable[str], folders: Mapping[str, str], *, quickly: bool) -> set[str]:
        """Return the known runs that have to be read again, or are gone.

        Args:
            names: of known runs.
            folders: of all runs, by name.
            quickly: only a few folders are looked into, in turn; of the others two file times are compared.
        """
        found = set[str]()
        for name in names:
            known, folder = self._known.get(name), folders.get(name, "")
            if known is None:  # another list has forgotten it meanwhile
                continue
            self._looks += 1
            if not folder or not self._is_same(name, known, folder, quickly=quickly):
                found.add(name)
        return found

    def _is_same(self, name: str, known: _Known, folder: str, *, quickly: bool) -> bool:
        changed, live = quick_signature(folder), self._context.is_live(name)
        unfinished = known.run.status in UNFINISHED
        skipped = quickly and (self._looks + self._polls) % POLLS_A_ROUND != 0
        if skipped and changed == known.run.changed and not (live or unfinished):
            return True
        if known.run.signature != _digest(signature_of(folder, unfinished=unfinished, live=live), live):
            return False
        known.run = known.run._replace(changed=changed)  # readers of a history make files, too
        return True

    def _forget(self, gone: list[str]) -> None:
        for name in gone:
            known = self._known.pop(name, None)
            if known is not None and known.run.info is not None:
                self._gone[name] = self._listing

    # ---- answer -----------------------------------------------------------------------------------------------------

    def _infos(self, names: Iterable[str], changed: Container[str], since: int | None) -> list[RunInfo]:
        """Descriptions of known runs that did not change, of those that are newer than a listing."""
        known = [self._known[name] for name in names if name not in changed and name in self._known]
        wanted = (one.run.info for one in known if since is None or one.since > since)
        return in_order(info for info in wanted if info is not None)

    def _read_all(self, stale: Mapping[str, str], parts: Parts) -> Iterator[Event | None]:
        """Read runs in threads, newest first by name, and send them as they are read."""
        families, context, left, unstored = entries_of_families(), self._context, len(stale), list[str]()
        runs = [_Reading(name, folder, context.is_live(name)) for name, folder in stale.items()]
        work = partial(_read_runs, families)
        for read in in_threads(_in_groups(runs, RUNS_A_READING), work, READERS):
            if read is None:
                yield None
                continue
            infos = [info for info in (self._take(name, run) for name, run in read) if info is not None]
            left, unstored = left - len(read), [*unstored, *(name for name, _run in read)]
            yield from parts.add([as_in_training(context, info) for info in infos], left) or (None,)
            if left and len(unstored) >= STORED_A_PIECE:  # a window that closes meanwhile need not start over
                yield from self._store(unstored, [])
                unstored.clear()

    def _take(self, name: str, run: IndexedRun) -> RunInfo | None:
        """Note what was read of a run; returns its description, None where it cannot be opened."""
        before = self._known.get(name)
        self._known[name] = _Known(run, self._listing)
        if run.info is not None:
            self._gone.pop(name, None)
        elif before is not None and before.run.info is not None:
            self._gone[name] = self._listing
        return run.info

    def _last(self, parts: Parts, since: int | None, read: Container[str]) -> Event:
        """Return the last part, with what is wrong in the library."""
        live = self._live_info(read)
        problems = [known.run.problem for known in self._known.values() if known.run.problem]
        gone = [] if since is None else [name for name, listing in self._gone.items() if listing > since]
        state = f"{self._token}:{self._listing}"
        return parts.last(
            () if live is None else (live,), (*problems, *filter(None, [self._index_problem])), tuple(gone), state
        )

    def _live_info(self, read: Container[str]) -> RunInfo | None:
        """Return the present description of the run in training, unless it was read just now."""
        live = self._context.training
        known = self._known.get(live.name) if live is not None and live.name not in read else None
        if live is None or known is None or known.run.info is None or not self._context.is_live(live.name):
            return None
        return current_info(self._context, live.name)

    def _store(self, read: Iterable[str], gone: list[str]) -> Iterator[None]:
        """Keep what was read in the index; what has a name without an encoding is read at each start."""
        kept = [name for name in read if is_encodable(name) and name in self._known]
        names = list(filter(is_encodable, gone))
        for start in range(0, max(len(kept), bool(names)), STORED_A_PIECE):
            rows = [(name, self._known[name].run) for name in kept[start:][:STORED_A_PIECE]]
            try:
                self._index.store(rows, names if start == 0 else ())
                self._index_problem = ""
            except RunError as error:
                self._index_problem = plain_text(str(error))
            yield None


def _in_groups(items: Sequence[T], length: int = ROWS_A_PIECE) -> Iterator[list[T]]:
    return (list(items[start : start + length]) for start in range(0, len(items), length))


def _digest(signature: Signature, live: bool) -> bytes:
    """Digest of the signature of a run's folder."""
    return hashlib.blake2b(repr((signature, live)).encode("utf-8", "surrogateescape"), digest_size=16).digest()


class _Reading(NamedTuple):
    """Run that is to be read.

    Args:
        name: of the run.
        folder: of the run.
        live: it is in training here.
    """

    name: str
    folder: str
    live: bool


def _read_runs(families: Mapping[str, FamilyEntry], runs: Iterable[_Reading]) -> list[tuple[str, IndexedRun]]:
    return [(run.name, _read(families, run)) for run in runs]


def _read(families: Mapping[str, FamilyEntry], run: _Reading) -> IndexedRun:
    """Read one run; it must not hide the others, whatever is wrong with it."""
    changed = quick_signature(run.folder)
    finished, unfinished = signatures_of(run.folder, live=run.live)
    summary = summarize(Path(run.folder))
    info, problem = None, summary.problem
    if summary.status != "damaged" and is_encodable(run.folder):
        try:
            info = run_info(run.name, families, summary=summary)
        except Exception as error:  # removed or changed meanwhile
            sentence = f"{plain_text(Path(run.folder).name)} could not be listed. {error_sentence(error)}"
            problem = f"{problem} {sentence}".strip()
    signature = unfinished if summary.status in UNFINISHED else finished
    return IndexedRun(_digest(signature, run.live), changed, summary.status, problem, info)


def _version() -> str:
    """Return a digest of all that descriptions of runs depend on, beside the runs: families, data and defaults."""
    entries = list(entries_of_families().values())
    sources = [(name, source.title, schema_of(source.Config)) for name, source in SOURCES.items()]
    described = msgspec.json.encode((entries, sources, schema_of(Training), schema_of(RunInfo)))
    return hashlib.sha256(described).hexdigest()
