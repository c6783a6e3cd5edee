"""Listing of the library in pieces; runs that did not change since they were read are not read again."""

import hashlib
import uuid
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gmstudio.data import SOURCES
from gmstudio.engine.runs.describe import current_info, entries_of_families
from gmstudio.engine.runs.listing_parts import Parts, in_order
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.errors import error_sentence
from gmstudio.protocol.base import Event
from gmstudio.protocol.config import schema_of
from gmstudio.protocol.engine import Done
from gmstudio.protocol.plain_text import is_encodable, plain_text
from gmstudio.protocol.runs import ListRuns, RunInfo
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.examples import example_folders
from gmstudio.runs.home import data_home
from gmstudio.runs.index import IndexedRun, RunIndex
from gmstudio.runs.library import holds_run, library_folders, runs_home, summarize
from gmstudio.runs.names import name_of
from gmstudio.runs.record import RunError
from gmstudio.runs.signature import quick_signature, signature_of

FOLDERS_A_PIECE = 64
"""Folders whose file times are read in one piece."""
STORED_A_PIECE = 500
"""Runs that are written to the index in one piece."""
POLLS_A_ROUND = 30
"""Listings after which every folder was looked into; each looks at two file times of most of them only."""
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
        self._listing = self._polls = 0
        self._index_problem = ""

    def pieces(self, command: ListRuns) -> Iterator[Event | None]:
        """List the runs; those that changed since ``command.known``, where that is a state of this listing.

        Raises:
            RunError: when the library cannot be read.
        """
        home = runs_home()
        fresh = home != self._home or not self._index.path.exists()
        if fresh:
            yield from self._load(home)
        since = self._since(command.known)
        folders = dict(reversed(library_folders(home).items()))  # newest first: names begin with the day
        folders |= {name_of(path): str(path) for path in example_folders()}
        stale, present = dict[str, str](), set[str]()
        for number, (name, folder) in enumerate(folders.items()):
            if self._is_stale(name, folder, number, quickly=fresh or since is not None):
                if not holds_run(folder):
                    continue
                stale[name] = folder
            present.add(name)
            if number % FOLDERS_A_PIECE == FOLDERS_A_PIECE - 1:
                yield None
        self._polls += 1
        gone = [name for name in self._known if name not in present]
        if stale or gone:
            self._listing += 1
        self._forget(gone)
        if since == self._listing:
            yield Done(request=command.request)
            return
        self._known = {name: self._known[name] for name in folders if name in self._known}
        yield from self._answer(command, home, since, stale)
        yield from self._store(stale, gone)

    # ---- what changed -----------------------------------------------------------------------------------------------

    def _load(self, home: Path) -> Iterator[None]:
        """Take what the index holds of a library."""
        self._home, self._known, self._gone = home, {}, {}
        self._index = RunIndex(data_home(), _version())
        for rows in self._index.load():
            self._known |= {name: _Known(run, self._listing) for name, run in rows}
            yield None

    def _since(self, state: str) -> int | None:
        """Return the listing that a state is of; None: of none of this engine's on this library."""
        token, _, listing = state.partition(":")
        return int(listing) if token == self._token and listing.isdecimal() else None

    def _is_stale(self, name: str, folder: str, number: int, *, quickly: bool) -> bool:
        """Return whether a run has to be read (again); quickly: only a few folders are looked into, in turn."""
        known = self._known.get(name)
        if known is None:
            return True
        changed, live = quick_signature(folder), self._context.is_live(name)
        skipped = quickly and (number + self._polls) % POLLS_A_ROUND != 0
        if skipped and changed == known.run.changed and not live and known.run.status not in UNFINISHED:
            return False
        if known.run.signature != self._signature(folder, known.run.status, live):
            return True
        known.run = known.run._replace(changed=changed)  # readers of a history make files, too
        return False

    def _signature(self, folder: str, status: str, live: bool) -> bytes:
        times = signature_of(folder, unfinished=status in UNFINISHED, live=live)
        return hashlib.blake2b(repr((times, live)).encode("utf-8", "surrogateescape"), digest_size=16).digest()

    def _forget(self, gone: list[str]) -> None:
        for name in gone:
            if self._known.pop(name).run.info is not None:
                self._gone[name] = self._listing

    # ---- answer -----------------------------------------------------------------------------------------------------

    def _answer(
        self, command: ListRuns, home: Path, since: int | None, stale: dict[str, str]
    ) -> Iterator[Event | None]:
        """Send what is known in parts, then what has to be read, newest first by name, as it is read."""
        parts = Parts(command, plain_text(str(home.absolute())), complete=since is None)
        known = [k.run.info for name, k in self._known.items() if name not in stale and k.since > (since or -1)]
        for info in in_order(filter(None, known)):
            yield parts.add(info)
        for number, (name, folder) in enumerate(stale.items(), 1):
            before, run = self._known.get(name), self._read(name, folder)
            self._known[name] = _Known(run, self._listing)
            if run.info is not None:
                self._gone.pop(name, None)
                yield parts.add(run.info)
            elif before is not None and before.run.info is not None:
                self._gone[name] = self._listing
            yield None
            if number % STORED_A_PIECE == 0:  # so that a window that closes meanwhile need not start over
                yield from self._store([*stale][number - STORED_A_PIECE : number], [])
        live = self._live_info(stale)
        if live is not None:
            yield parts.add(live)
        problems = [known.run.problem for known in self._known.values() if known.run.problem]
        gone = [] if since is None else [name for name, listing in self._gone.items() if listing > since]
        state = f"{self._token}:{self._listing}"
        yield parts.last((*problems, *filter(None, [self._index_problem])), tuple(gone), state)

    def _read(self, name: str, folder: str) -> IndexedRun:
        """Read one run; it must not hide the others, whatever is wrong with it."""
        live = self._context.is_live(name)
        changed = quick_signature(folder)
        before = {status: self._signature(folder, status, live) for status in ("finished", "interrupted")}
        summary = summarize(Path(folder))
        info, problem = None, summary.problem
        if summary.status != "damaged" and is_encodable(folder):
            try:
                info = current_info(self._context, name, summary)
            except Exception as error:  # removed or changed meanwhile
                sentence = f"{plain_text(Path(folder).name)} could not be listed. {error_sentence(error)}"
                problem = f"{problem} {sentence}".strip()
        signature = before["interrupted" if summary.status in UNFINISHED else "finished"]
        return IndexedRun(signature, changed, summary.status, problem, info)

    def _live_info(self, read: Container[str]) -> RunInfo | None:
        """Return the present description of the run in training, unless it was read just now."""
        for name, known in self._known.items():
            if known.run.info is not None and name not in read and self._context.is_live(name):
                return current_info(self._context, name)
        return None

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


def _version() -> str:
    """Return a digest of all that descriptions of runs depend on, beside the runs: families, data and defaults."""
    entries = list(entries_of_families().values())
    sources = [(name, source.title, schema_of(source.Config)) for name, source in SOURCES.items()]
    described = msgspec.json.encode((entries, sources, schema_of(Training), schema_of(RunInfo)))
    return hashlib.sha256(described).hexdigest()
