"""Edits of runs that can be undone: name, note, tags, star, archive, and the move to the trash."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from PySide6.QtCore import QObject

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.runs.edited_runs import Kept
from gmstudio.window.state.runs.library import RunLibrary

FIELDS = ("name", "note", "starred", "tags", "archived")


class RunEdits(QObject):
    """Changes runs in the library, and records it.

    Examples and runs that are unknown are left as they are.

    Args:
        library: library of runs.
        recorder: of the panel in which they are edited.
    """

    def __init__(self, library: RunLibrary, recorder: EditRecorder, parent: QObject) -> None:
        super().__init__(parent)
        self._library, self._recorder = library, recorder
        self._edited = library.edited
        recorder.add_part("descriptions", lambda: self._edited.kept, self._restore_kept)
        recorder.add_part("trash", lambda: self._edited.trashed, self._restore_trashed)

    def change(self, runs: Iterable[str], title: str, /, **fields: Any) -> None:
        """Change fields of some runs, as one edit.

        Args:
            runs: to be changed.
            title: of the edit, an imperative.
            fields: those of ``FIELDS`` that change.
        """
        self._change({info.run: msgspec.structs.replace(Kept.of(info), **fields) for info in self._own(runs)}, title)

    def add_tag(self, runs: Iterable[str], tag: str) -> None:
        """Give some runs a tag, as one edit."""
        infos = self._own(runs)
        changed = {
            info.run: msgspec.structs.replace(Kept.of(info), tags=(*info.tags, tag))
            for info in infos
            if tag not in info.tags
        }
        self._change(changed, f"Tag {tag}")

    def remove_tag(self, runs: Iterable[str], tag: str) -> None:
        """Take a tag from some runs, as one edit."""
        infos = [info for info in self._own(runs) if tag in info.tags]
        changed = {
            info.run: msgspec.structs.replace(Kept.of(info), tags=tuple(t for t in info.tags if t != tag))
            for info in infos
        }
        self._change(changed, f"Remove tag {tag}")

    def trash(self, runs: Iterable[str], successor: str = "") -> None:
        """Move some runs that are not in training to the trash, as one edit.

        Args:
            runs: to be moved.
            successor: run that is to be shown in their place.
        """
        names = [info.run for info in self._own(runs) if info.run != self._library.live]
        count = "run" if len(names) == 1 else f"{len(names)} runs"
        with self._recorder.recording(f"Move {count} to the trash", of_run=False):
            self._edited.trashed |= frozenset(names)
        for run in names:
            self._library.trash(run, successor)

    def bring_back(self, run: str) -> None:
        """Move a run back from the trash, as one edit."""
        with self._recorder.recording("Bring a run back", of_run=False):
            self._edited.trashed -= {run}
        self._restore(run)

    def _own(self, runs: Iterable[str]) -> list[RunInfo]:
        infos = (self._library.info(run) for run in runs)
        return [info for info in infos if info is not None and not info.example]

    def _change(self, changed: Mapping[str, Kept], name: str) -> None:
        """Note what the runs had before, so that an undo leads back to it, and change them."""
        infos = self._own(changed)
        with self._recorder.unrecorded():
            self._edited.kept = {**self._edited.kept, **{info.run: Kept.of(info) for info in infos}}
        with self._recorder.recording(name, of_run=False):
            self._restore_kept({**self._edited.kept, **changed})

    def _restore_kept(self, kept: Mapping[str, Kept]) -> None:
        before, self._edited.kept = self._edited.kept, kept
        for run, wanted in kept.items():
            known = before.get(run)
            if known is not None and known != wanted:
                fields = {f: getattr(wanted, f) for f in FIELDS if getattr(wanted, f) != getattr(known, f)}
                self._library.annotate(run, **fields)

    def _restore_trashed(self, trashed: frozenset[str]) -> None:
        before, self._edited.trashed = self._edited.trashed, trashed
        for run in before - trashed:
            self._restore(run)
        for run in trashed - before:
            self._library.trash(run)

    def _restore(self, run: str) -> None:
        place = self._edited.take_from_trash(run)
        if place is not None:
            self._library.restore(place)
