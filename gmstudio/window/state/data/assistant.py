"""Import of files: the chosen path, a preview of its images with the present settings, and the import itself."""

from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.data_import import (
    DataSetDescribed,
    ImportData,
    ImportPreviewed,
    ImportProgressed,
    PreviewImport,
)
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.data.quiet_timer import quiet_timer
from gmstudio.window.state.edits import EditRecorder, drag_key

PAGE_IMAGES = 12
PAGE_POINTS = 1000
"""Points are dots of one picture."""
INTERRUPTED = "The engine ended while it read the files. Choose “Reload”."
Values = dict[str, Any]


class ImportAssistant(QObject):
    """Files that are to be imported.

    Attributes:
        path: chosen path, as typed; empty: none.
        name: name for the set, as typed; empty: that of the files.
        settings: of the import, and of how the images are shown.
        page: number of the page that is shown or on its way.
        previewed: images of the files; None until they have come.
        progress: progress of the preview or the import; None when nothing is under way.
        problem: why the files or settings cannot be used, sentences; empty otherwise.
        refusals: setting → sentence, of those that the engine refused.
        edits: recorder of the settings.

    Signals:
        path_changed: another path was chosen, or none.
        changed: one of the others.
        previewed_changed: ``previewed`` changed.
        restored: settings were undone or redone.
        imported: the ``DataSetDescribed`` of the set that was imported, or that was chosen as such.
    """

    path_changed = Signal()
    changed = Signal()
    previewed_changed = Signal()
    restored = Signal()
    imported = Signal(object)

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = ""
        self.name = ""
        self.settings: Values = {}
        self.page = 0
        self.previewed: ImportPreviewed | None = None
        self.progress: ImportProgressed | None = None
        self.problem = ""
        self.refusals: dict[str, str] = {}
        self._typing_errors: dict[str, str] = {}
        self.edits = EditRecorder(self)
        self.edits.add_part("import", lambda: self.settings, self._restore)
        self._preview = Request(link, self)
        self._import = Request(link, self)
        self._timer = quiet_timer(self, self._send_preview)
        for request in (self._preview, self._import):
            request.replied.connect(self._on_replied)
            request.failed.connect(self._on_failed)
            request.dropped.connect(self._on_dropped)

    @property
    def previewing(self) -> bool:
        """A preview is on its way."""
        return self._preview.busy or self._timer.isActive()

    @property
    def importing(self) -> bool:
        """The import is under way."""
        return self._import.busy

    @property
    def can_import(self) -> bool:
        """The files were previewed with the present settings."""
        return self.previewed is not None and not (self.previewing or self.importing or self.problem)

    @property
    def _count(self) -> int:
        """Images of a page."""
        points = self.previewed is not None and self.previewed.content == "points"
        return PAGE_POINTS if points else PAGE_IMAGES

    def open(self, path: str) -> None:
        """Choose files; the settings stay, as the next files are often of the same kind."""
        self.stop()
        self.path, self.name, self.page = path, "", 0
        self._set_previewed(None)
        self.path_changed.emit()
        if path:
            self._send_preview(refresh=True)

    def close(self) -> None:
        """Choose no files."""
        self.open("")

    def refresh(self) -> None:
        """List the files again, which may have changed."""
        if self.path and not self.importing:
            self._send_preview(refresh=True)

    def set_name(self, name: str) -> None:
        """Name the set."""
        self.name = name

    def set_settings(self, values: Values, errors: dict[str, str]) -> None:
        """Set the settings from the form; ``errors`` are sentences on fields whose text is invalid."""
        name = next((name for name, value in values.items() if value != self.settings.get(name)), "")
        title = f"Set {name.replace('_', ' ')}"
        with self.edits.unrecorded() if errors else self.edits.recording(title, drag_key(name, values.get(name))):
            self.settings = dict(values)
        self._typing_errors = dict(errors)
        self.refusals = {}
        self.problem = next(iter(errors.values()), "")
        if self.path and not self.importing:
            self._timer.start()
        self.changed.emit()

    def _restore(self, settings: Values) -> None:
        """Take settings that were undone or redone."""
        self.set_settings(settings, {})
        self.restored.emit()

    def turn_page(self, pages: int) -> None:
        """Show a later (or earlier) sample of the images."""
        if self.previewed is not None:
            page = max(0, min(self.page + pages, self.previewed.pages - 1))
            if page != self.page:
                self.page = page
                self._send_preview()

    def start(self) -> None:
        """Import the files with the present settings."""
        if self.can_import:
            self.problem = ""
            self._import.send(ImportData(path=self.path, settings=self.settings, name=self.name))
            self.changed.emit()

    def stop(self) -> None:
        """End the preview or the import that is under way; an import leaves nothing behind."""
        self._timer.stop()
        self._preview.cancel()
        self._import.cancel()
        self.progress, self.problem, self.refusals = None, "", {}
        self.changed.emit()

    def _send_preview(self, *, refresh: bool = False) -> None:
        self._timer.stop()
        if not self._typing_errors:
            command = PreviewImport(
                path=self.path, settings=self.settings, page=self.page, count=self._count, refresh=refresh
            )
            self._preview.send(command)
        self.changed.emit()

    def _set_previewed(self, event: ImportPreviewed | None) -> None:
        self.previewed = event
        self.previewed_changed.emit()

    def _on_replied(self, event: Event) -> None:
        if isinstance(event, ImportProgressed):
            self.progress = event
        elif isinstance(event, ImportPreviewed):
            self.progress, self.problem, self.refusals = None, "", {}
            self.page = event.page
            self._set_previewed(event)
            asked = self._preview.command
            if isinstance(asked, PreviewImport) and asked.count < self._count and event.pages > 1:
                self.page = 0
                self._send_preview()  # more at once, now that they are known to be points
        elif isinstance(event, DataSetDescribed):
            self.progress = None
            self.imported.emit(event)
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.progress = None
        if failure.reason is Reason.ENGINE_GONE:  # its exit is reported by a banner
            self.problem = INTERRUPTED if self.path and self.previewed is None else ""
        else:
            self.problem = failure.message
            self.refusals = {key.removeprefix("data_config."): text for key, text in failure.fields.items()}
        self.changed.emit()

    def _on_dropped(self) -> None:
        self.progress = None
        self.changed.emit()
