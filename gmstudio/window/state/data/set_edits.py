"""Edits of imported data sets that can be undone: names, and the trash."""

from collections.abc import Mapping

from PySide6.QtCore import QObject

from gmstudio.window.state.data.sets import DataSets
from gmstudio.window.state.edits import EditRecorder


class SetEdits(QObject):
    """Changes imported data sets, and records it.

    Args:
        sets: the data sets.
        recorder: of the panel in which they are edited.
    """

    def __init__(self, sets: DataSets, recorder: EditRecorder, parent: QObject) -> None:
        super().__init__(parent)
        self._sets, self._recorder = sets, recorder
        self._names: Mapping[str, str] = {}
        self._trashed: frozenset[str] = frozenset()
        recorder.add_part("names of sets", lambda: self._names, self._restore_names)
        recorder.add_part("trash of sets", lambda: self._trashed, self._restore_trashed)
        sets.removed.connect(self._on_removed)

    def rename(self, folder: str, name: str) -> None:
        """Give a set another name; the empty one is that of its files."""
        info = self._sets.info(folder)
        if info is not None and name != info.name:
            with self._recorder.unrecorded():
                self._names = {**self._names, folder: info.name}
            with self._recorder.recording("Rename a data set"):
                self._restore_names({**self._names, folder: name})

    def trash(self, folder: str) -> None:
        """Move a set to the trash; the edit is recorded when it is there."""
        self._sets.trash(folder)

    def bring_back(self) -> None:
        """Move the set that was moved to the trash last back to its folder."""
        if self._sets.trashed:
            event, name = self._sets.trashed[-1]
            with self._recorder.recording(f"Bring {name} back"):
                self._trashed -= {event.folder}
            self._sets.restore(event.folder)

    def _restore_names(self, names: Mapping[str, str]) -> None:
        before, self._names = self._names, names
        for folder, name in names.items():
            if folder in before and before[folder] != name:
                self._sets.rename(folder, name)

    def _restore_trashed(self, trashed: frozenset[str]) -> None:
        before, self._trashed = self._trashed, trashed
        for folder in before - trashed:
            self._sets.restore(folder)
        for folder in trashed - before:
            self._sets.trash(folder)

    def _on_removed(self, folder: str) -> None:
        """Record that a set is in the trash, unless a redone edit moved it there."""
        name = next((name for event, name in reversed(self._sets.trashed) if event.folder == folder), folder)
        with self._recorder.recording(f"Move {name} to the trash"):
            self._trashed |= {folder}
