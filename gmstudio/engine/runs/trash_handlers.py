"""Commands about the trash of the library."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.base import Event
from gmstudio.protocol.plain_text import plain_text
from gmstudio.protocol.runs_trash import EmptyTrash, ListTrash, TrashedRun, TrashListed
from gmstudio.runs.library import summarize
from gmstudio.runs.trash import delete_from_trash, former_name, size_of, trash_home, trashed_runs


class TrashFeature(Feature):
    """List the runs in the trash, and delete them."""

    def _on_list_trash(self, command: ListTrash) -> Iterator[Event | None]:
        return _listed(command.request)

    def _on_empty_trash(self, command: EmptyTrash) -> Iterator[Event | None]:
        """Delete one run a piece."""
        for place in command.places:
            delete_from_trash(Path(place))
            yield None
        yield from _listed(command.request)


def _trashed(place: Path) -> TrashedRun:
    """Describe a run in the trash."""
    summary = summarize(place)
    return TrashedRun(
        run=former_name(place),
        place=str(place),
        title=summary.title,
        family=plain_text(summary.family),
        data=plain_text(summary.data),
        step=summary.step,
        created=summary.created,
        size_bytes=size_of(place),
    )


def _listed(request: int) -> Iterator[Event | None]:
    """Read the runs beside the loop, one after another."""
    runs = []
    for place in trashed_runs():
        runs.append((yield from beside(partial(_trashed, place))))
    runs.sort(key=lambda run: run.created, reverse=True)
    yield TrashListed(request=request, runs=tuple(runs), folder=plain_text(str(trash_home())))
