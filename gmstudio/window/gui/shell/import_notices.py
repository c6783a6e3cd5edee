"""Notices on runs that are imported: progress with a way to stop it, and the result with a way to undo it."""

from functools import partial

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.runs_files import RunImported
from gmstudio.window.gui.shell.banner import Notice
from gmstudio.window.state.runs.imports import RunImports
from gmstudio.window.state.runs.library import RunLibrary

KEY = "imported run"


class ImportNotices(QObject):
    """Says what becomes of runs that are imported, and opens the last of them.

    Args:
        imports: imports the runs.
        library: puts a run that was imported by mistake in the trash.

    Signals:
        noticed: a ``Notice`` for the banner.
        run_found: a run to be opened.
    """

    noticed = Signal(object)
    run_found = Signal(str)

    def __init__(self, imports: RunImports, library: RunLibrary, parent: QObject) -> None:
        super().__init__(parent)
        self._imports, self._library = imports, library
        self._shown = ""
        imports.progressed.connect(self._on_progressed)
        imports.imported.connect(self._on_imported)
        imports.failed.connect(self._on_failed)
        imports.stopped.connect(self._on_stopped)

    def _on_progressed(self, name: str, share: float) -> None:
        percent = f"{share:.0%}".replace("%", " %")
        text = f"Packing {name} for the import…" if share < 0 else f"Importing {name}: {percent}"
        if text != self._shown:
            self._shown = text
            self.noticed.emit(Notice(KEY, text, actions=(("Stop", self._imports.stop),)))

    def _on_imported(self, event: RunImported) -> None:
        text = " ".join((f"{event.info.title} is in the library now.", *event.remarks))
        undo = (("Undo import", partial(self._undo, event.info.run, event.info.title)),)
        self.noticed.emit(Notice(KEY, text, actions=undo))
        self.run_found.emit(event.info.run)

    def _undo(self, run: str, title: str) -> None:
        self._library.trash(run)
        self.noticed.emit(Notice(KEY, f"{title} is in the trash; what you dropped is where it was."))

    def _on_failed(self, name: str, message: str) -> None:
        text = message if name in message else f"{name}: {message}"
        self.noticed.emit(Notice(KEY, text, "warning"))

    def _on_stopped(self, name: str) -> None:
        self.noticed.emit(Notice(KEY, f"The import of {name} was stopped; nothing is left of it."))
