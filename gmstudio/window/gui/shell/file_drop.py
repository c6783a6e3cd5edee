"""Files dropped on the window: runs and data sets are imported, pictures restore the run that they are from."""

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from gmstudio.media import FORMATS
from gmstudio.window.gui.dropped_data import PACKED_RUN, WEIGHTS, data_in, drop_sentence, in_library, runs_in
from gmstudio.window.gui.picture_source import FORMATS as PICTURES
from gmstudio.window.gui.picture_source import PictureSource, file_in
from gmstudio.window.gui.shell.banner import Notice, Severity
from gmstudio.window.gui.shell.drop_overlay import DropOverlay
from gmstudio.window.state.studio import Studio

if TYPE_CHECKING:
    from gmstudio.window.state.latents.picture_origin import PictureOrigin, PictureOrigins
    from gmstudio.window.state.latents.state import LatentsState
    from gmstudio.window.state.runs.imports import RunImports

RUNS_FILTER = f"Runs as one file (*{PACKED_RUN})"
FILTER = f"Pictures of gmstudio ({' '.join('*' + form for form in FORMATS)})"
RUN_FILE = "run.json"
KEY = "dropped"
LATENTS = "latents"
"""Panel that shows restored codes and encodes pictures."""


class FileDrop(QObject):
    """Handles files that are dropped on a window and that no other widget accepts.

    A run as one file, and the folder of a run from elsewhere (or its ``run.json``), are imported; a folder of the
    library is to be opened. A file of weights is to be imported as a run; another folder, an archive, a file of arrays,
    and the folder of several pictures as data sets. A picture exported by gmstudio restores its run and, where the
    file has codes, their interpolation. Any other picture can be encoded. While files are dragged over the window, a
    frame says which of these a drop does.

    Args:
        target: widget that receives the drops; parent of the file dialog.
        studio: state that pictures change.

    Signals:
        run_found: a run to open, and the ``Provenance`` of the picture that it was found by, or None.
        data_found: path of files to import as a data set.
        weights_found: path of a file of weights to import as a run.
        panel_wanted: name of the panel that shows the result.
        noticed: a ``Notice`` for the banner.
    """

    run_found = Signal(str, object)
    data_found = Signal(str)
    weights_found = Signal(str)
    panel_wanted = Signal(str)
    noticed = Signal(object)

    def __init__(self, target: QWidget, studio: Studio) -> None:
        super().__init__(target)
        self._target, self._studio = target, studio
        self._pictures = PictureSource(self)
        self._pictures.taken.connect(lambda picture, name: self._latents.user_image.take_picture(picture, name))
        self._pictures.failed.connect(lambda text: self._notify(text, "warning"))
        self._overlay = DropOverlay(target)
        target.setAcceptDrops(True)
        target.installEventFilter(self)

    @cached_property
    def _latents(self) -> "LatentsState":
        """State of the Latents panel; imported at the first drop, as the modules of panels are."""
        from gmstudio.window.state.latents.state import LatentsState

        return self._studio.state(LatentsState)

    @cached_property
    def _picture_origins(self) -> "PictureOrigins":
        from gmstudio.window.state.latents.picture_origin import PictureOrigins

        origins = PictureOrigins(self._studio.library, self._latents, self)
        origins.restored.connect(self._on_picture_origin)
        origins.failed.connect(lambda text: self._notify(text, "warning"))
        return origins

    @cached_property
    def _imports(self) -> "RunImports":
        from gmstudio.window.gui.shell.import_notices import ImportNotices
        from gmstudio.window.state.runs.imports import RunImports

        imports = self._studio.state(RunImports)
        notices = ImportNotices(imports, self._studio.library, self)
        notices.noticed.connect(self.noticed)
        notices.run_found.connect(lambda run: self.run_found.emit(run, None))
        return imports

    @property
    def _home(self) -> str:
        """Folder of the library, where that is on this machine."""
        return self._studio.library.home if self._studio.client.is_local else ""

    def take(self, path: str) -> None:
        """Import a run, open one of the library, or restore from a picture."""
        place = Path(path)
        folder = place.parent if place.name == RUN_FILE else place
        if folder.is_dir() and in_library(str(folder), self._home):
            self.run_found.emit(str(folder), None)
        elif folder.is_dir() or path.lower().endswith(PACKED_RUN):
            self._imports.add(str(folder))
        elif path.lower().endswith(WEIGHTS):
            self.weights_found.emit(path)
        else:
            self._picture_origins.restore(path)

    def choose_run(self) -> None:
        """Open a non-modal file dialog for a run as one file: the same as a drop, without dragging."""
        self._choose("Import run", "import_dialog", RUNS_FILTER)

    def choose_picture(self) -> None:
        """Open a non-modal file dialog for a picture: the same as a drop, without dragging."""
        self._choose("Restore from picture", "restore_dialog", FILTER)

    def _choose(self, title: str, name: str, filters: str) -> None:
        dialog = QFileDialog(self._target, title, self._home, filters)
        dialog.setObjectName(name)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.setModal(False)
        dialog.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept dropped files."""
        if event.type() == QEvent.Type.DragLeave:
            self._overlay.show_sentence("")
        elif isinstance(event, QDropEvent) and event.type() in (QEvent.Type.DragEnter, QEvent.Type.Drop):
            data, entering = event.mimeData(), isinstance(event, QDragEnterEvent)
            self._overlay.show_sentence(drop_sentence(data, self._home) if entering else "")
            if file_in(data):
                event.acceptProposedAction()
                if not entering:
                    self._take_data(data)
                return True
        return super().eventFilter(watched, event)

    def _take_data(self, data: QMimeData) -> None:
        runs, found = runs_in(data), data_in(data)
        if runs:
            for run in runs:
                self.take(run)
        elif found and self._studio.library.elsewhere:
            text = f"{self._studio.library.elsewhere} Data sets are imported from the files of that machine, in Data."
            self._notify(text, "warning")
        elif found:
            self.data_found.emit(found)
        else:
            self.take(file_in(data))

    def _on_picture_origin(self, found: "PictureOrigin") -> None:
        if found.outcome == "latents":
            self._notify(found.message)
            self.panel_wanted.emit(LATENTS)
        elif found.outcome == "run":
            self._notify(found.message)
            self.run_found.emit(found.run, found.origin)
        elif found.outcome == "foreign":
            self._offer_encoding(found.path, f"{Path(found.path).name} has no gmstudio data.")
        else:
            self._offer_encoding(found.path, found.message)

    def _offer_encoding(self, path: str, text: str) -> None:
        """Report that nothing was restored; where Qt reads the format, offer to encode the picture."""
        readable = Path(path).suffix.lower().removeprefix(".") in PICTURES
        actions = (("Encode this image", partial(self._encode, path)),) if readable else ()
        self.noticed.emit(Notice(KEY, text, "warning", actions=actions))

    def _notify(self, text: str, severity: Severity = "info") -> None:
        self.noticed.emit(Notice(KEY, text, severity))

    def _encode(self, path: str) -> None:
        self.panel_wanted.emit(LATENTS)
        self._pictures.open(path)
