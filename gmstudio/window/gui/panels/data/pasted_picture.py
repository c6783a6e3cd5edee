"""Pasted and dropped pictures as files: a run reads the picture of its density again from a path."""

import hashlib
from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage

from gmstudio.runs.atomic import replace_file
from gmstudio.runs.home import data_home
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.picture_source import MAX_PIXELS, file_in

FOLDER = "pictures"
"""Folder of pasted pictures in that of the program."""


class PastedPicture(QObject):
    """Keeps pasted pictures as PNG files named by their hash; a file that is pasted or dropped stays where it is.

    Signals:
        kept: path of the picture.
        failed: error text.
    """

    kept = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self)
        self._background.done.connect(lambda path: self.kept.emit(path))
        self._background.failed.connect(self.failed)

    def paste(self) -> None:
        """Take the picture in the clipboard, or the file that was copied."""
        data: QMimeData | None = QGuiApplication.clipboard().mimeData()  # None where nothing was ever copied
        if data is None or not self.take(data):
            self.failed.emit("The clipboard holds no picture; copy a picture, or its file, first.")

    def take(self, data: QMimeData) -> bool:
        """Take a picture, or the first file, from pasted or dropped data; False when there is neither."""
        path = file_in(data)
        if path:
            self.kept.emit(path)
            return True
        image = data.imageData() if data.hasImage() else None
        if not isinstance(image, QImage) or image.isNull():
            return False
        if image.width() * image.height() > MAX_PIXELS:
            self.failed.emit(f"The picture has more than {MAX_PIXELS // 10**6} million pixels; make it smaller.")
        else:
            self._background.start(partial(_write, QImage(image)))
        return True


def _write(image: QImage, _stopped: Callable[[], bool]) -> str:
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    png = bytes(content.data())
    folder = data_home() / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(png).hexdigest()[:16]}.png"
    replace_file(path, png)
    return str(path)
