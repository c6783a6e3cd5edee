"""Listing of the library in pieces; runs that did not change since the last listing are not read again."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gmstudio.engine.runs.describe import current_info
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.errors import error_sentence
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import Done
from gmstudio.protocol.plain_text import is_encodable, plain_text
from gmstudio.protocol.runs import ListRuns, RunInfo, RunsListed
from gmstudio.runs.examples import example_folders, examples_home
from gmstudio.runs.library import RunSummary, newest_first, run_folders, runs_home, summarize
from gmstudio.runs.names import name_of
from gmstudio.runs.signature import Signature, signature_of

FOLDERS_A_PIECE = 16
"""Folders whose file times are read in one piece."""
UNFINISHED = ("running", "paused", "interrupted")


@dataclass(frozen=True)
class _Listed:
    """A run as it was read last; ``info`` is None where it cannot be opened."""

    signature: Signature
    summary: RunSummary
    info: RunInfo | None
    problem: str


class RunListing:
    """Lists the library, with a cache of what was read.

    Args:
        context: holds the run in training.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self._listed: dict[Path, _Listed] = {}

    def pieces(self, command: ListRuns) -> Iterator[Event | None]:
        """List the runs; when nothing changed since ``command.known``, say only that."""
        home = runs_home()
        signatures: dict[Path, Signature] = {}
        for number, folder in enumerate([*sorted(run_folders(home)), *example_folders()]):
            known = self._listed.get(folder)
            unfinished = known is not None and known.summary.status in UNFINISHED
            live = self._context.is_live(name_of(folder))
            signatures[folder] = (*signature_of(folder, unfinished=unfinished, live=live), live)
            if number % FOLDERS_A_PIECE == FOLDERS_A_PIECE - 1:
                yield None
        state = hashlib.sha256(repr((str(home), *signatures.values())).encode("utf-8", "surrogateescape")).hexdigest()
        if state == command.known:
            yield Done(request=command.request)
            return
        for folder, signature in signatures.items():
            known = self._listed.get(folder)
            if known is None or known.signature != signature or self._context.is_live(name_of(folder)):
                self._listed[folder] = self._read(folder, signature)
                yield None
        self._listed = {folder: self._listed[folder] for folder in signatures}
        yield self._answer(command, home, state)

    def _read(self, folder: Path, signature: Signature) -> _Listed:
        """Read one run; it must not hide the others, whatever is wrong with it."""
        summary = summarize(folder)
        info, problem = None, summary.problem
        if summary.status != "damaged" and is_encodable(str(folder)):
            try:
                info = current_info(self._context, name_of(folder), summary)
            except Exception as error:  # removed or changed meanwhile
                sentence = f"{plain_text(folder.name)} could not be listed. {error_sentence(error)}"
                problem = f"{problem} {sentence}".strip()
        return _Listed(signature, summary, info, problem)

    def _answer(self, command: ListRuns, home: Path, state: str) -> RunsListed:
        listed = {run.summary.path: run for run in self._listed.values()}
        own = newest_first([run.summary for run in listed.values() if run.info is not None and not run.info.example])
        infos = [info for summary in own if (info := listed[summary.path].info) is not None]
        infos += [run.info for run in listed.values() if run.info is not None and run.info.example]
        problems = tuple(run.problem for run in listed.values() if run.problem)
        return RunsListed(
            request=command.request,
            home=plain_text(str(home.absolute())),
            runs=tuple(infos),
            problems=problems,
            state=state,
            examples=plain_text(str(examples_home())),
        )
