"""Edits of runs, shared by the panels in which runs are edited."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from gmstudio.protocol.runs import RunInfo, RunTrashed


class Kept(msgspec.Struct, frozen=True):
    """Name, note, star, tags and archive of a run, as a person gave them."""

    name: str
    note: str
    starred: bool
    tags: tuple[str, ...]
    archived: bool

    @classmethod
    def of(cls, info: RunInfo) -> "Kept":
        """Return what a run has."""
        return cls(info.name, info.note, info.starred, info.tags, info.archived)


@dataclass
class EditedRuns:
    """Runs that were edited since the window was opened; its mappings are replaced and never written to.

    Attributes:
        kept: run → what it was given, of the runs that were edited.
        trashed: runs that were moved to the trash by an edit.
        places: run → its place in the trash, and its title; the one moved last at the end.
    """

    kept: Mapping[str, Kept] = field(default_factory=dict)
    trashed: frozenset[str] = frozenset()
    places: Mapping[str, tuple[RunTrashed, str]] = field(default_factory=dict)

    def put_in_trash(self, event: RunTrashed, title: str) -> None:
        """Note where a run is in the trash."""
        self.places = {run: place for run, place in self.places.items() if run != event.run} | {
            event.run: (event, title)
        }

    def take_from_trash(self, run: str) -> RunTrashed | None:
        """Return the place of a run in the trash, which it leaves; None: it is not known to be there."""
        found = self.places.get(run)
        self.places = {other: place for other, place in self.places.items() if other != run}
        return found[0] if found is not None else None
