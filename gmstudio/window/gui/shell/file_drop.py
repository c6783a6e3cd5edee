"""Files that are dropped on the window: pictures of ours bring their run and codes back."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog

from gmstudio.media import FORMATS
from gmstudio.window.gui.picture_source import FORMATS as PICTURES
from gmstudio.window.gui.picture_source import PictureSource, file_in
from gmstudio.window.gui.shell.banner import Notice, Severity
from gmstudio.window.state.latents.picture_origin import PictureOrigin, PictureOrigins

if TYPE_CHECKING:
    from gmstudio.window.gui.shell.main_window import MainWindow
    from gmstudio.window.state.studio import Studio

FILTER = f"Pictures of gmstudio ({' '.join('*' + form for form in FORMATS)})"
RUN_FILE = "run.json"
KEY = "dropped"


class FileDrop(QObject):
    """Takes what is dropped anywhere on the window where nothing else takes it.

    A run's folder, or its ``run.json``, is opened; a picture that gmstudio made brings back what it shows; any other
    picture can become the image whose code is looked for.

    Args:
        window: on which is dropped.
        studio: what is changed.
    """

    def __init__(self, window: "MainWindow", studio: "Studio") -> None:
        super().__init__(window)
        self._window, self._studio = window, studio
        self._picture_origins = PictureOrigins(studio.library, studio.latents, self)
        self._picture_origins.returned.connect(self._on_picture_origin)
        self._picture_origins.failed.connect(lambda text: self._tell(text, "warning"))
        self._pictures = PictureSource(self)
        self._pictures.taken.connect(studio.latents.user_image.take_picture)
        self._pictures.failed.connect(lambda text: self._tell(text, "warning"))
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def take(self, path: str) -> None:
        """Do what a dropped file is for."""
        place = Path(path)
        folder = place.parent if place.name == RUN_FILE else place
        if folder.is_dir():
            self._studio.training.look_at(str(folder))
            self._window.show_panel("train")
        else:
            self._picture_origins.bring_back(path)

    def ask(self) -> None:
        """Choose a picture in a dialog beside the window, for those who do not drag."""
        dialog = QFileDialog(self._window, "Bring back what a picture shows", self._studio.library.home, FILTER)
        dialog.setObjectName("bring_back_dialog")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.setModal(False)
        dialog.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept files."""
        if isinstance(event, QDropEvent) and event.type() in (QEvent.Type.DragEnter, QEvent.Type.Drop):
            path = file_in(event.mimeData())
            if path:
                event.acceptProposedAction()
                if not isinstance(event, QDragEnterEvent):
                    self.take(path)
                return True
        return super().eventFilter(watched, event)

    def _on_picture_origin(self, found: PictureOrigin) -> None:
        if found.outcome == "latents":
            self._tell(found.told)
            self._window.show_panel("latents")
        elif found.outcome == "run":
            self._tell(found.told)
            self._studio.training.look_at(found.run)
            self._window.show_panel("train")
        else:
            picture = Path(found.path).suffix.lower().removeprefix(".") in PICTURES
            self._tell(found.told, "warning", found.path if picture else "")

    def _tell(self, text: str, severity: Severity = "info", picture: str = "") -> None:
        use = (("Find its code", partial(self._use, picture)),) if picture else ()
        self._window.banner.tell(Notice(KEY, text, severity, actions=use))

    def _use(self, path: str) -> None:
        """Take a picture as the image whose code is looked for."""
        self._window.show_panel("latents")
        self._pictures.open(path)
