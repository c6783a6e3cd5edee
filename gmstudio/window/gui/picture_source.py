"""Pictures from files, the clipboard and drops, read by Qt in a background thread."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QMimeData, QObject, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage, QImageReader
from PySide6.QtWidgets import QWidget

from gmstudio.system.regular_file import regular_size
from gmstudio.window.client.background_task import Background

FORMATS = {"png": "PNG", "jpeg": "JPEG", "jpg": "JPEG", "bmp": "BMP", "gif": "GIF"}
MAX_PIXELS = 64_000_000
MAX_BYTES = 256 << 20
KEPT_SIDE = 2048
"""Pixels of the longer side above which a picture is made smaller: far more than any model's images have."""
FILTER = "Pictures (*.png *.jpg *.jpeg *.bmp *.gif)"


def read_picture(path: str) -> NDArray[np.uint8]:
    """Read a picture; of an animation the first frame. A large one is decoded at a smaller size, see ``KEPT_SIDE``.

    Returns:
        (rows, columns, 1, 3 or 4) uint8: grey, RGB, or RGB and opacity.

    Raises:
        ValueError: for a format or size that is not supported, with the reason.
    """
    name = Path(path).name
    try:
        size = regular_size(path)
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror or error}.") from None
    if size > MAX_BYTES:
        raise ValueError(f"{name} has {size >> 20:,} MiB; the limit is {MAX_BYTES >> 20} MiB.")
    reader = QImageReader(path)
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    if bytes(reader.format().data()).decode("ascii", "replace") not in FORMATS:
        formats = ", ".join(dict.fromkeys(FORMATS.values()))
        raise ValueError(f"{name} is not a {formats} picture; save it as one of these.")
    wide, tall = reader.size().width(), reader.size().height()
    if wide * tall > MAX_PIXELS:
        raise ValueError(f"{name} is {wide:,}×{tall:,} pixels; the limit is {MAX_PIXELS // 10**6} million.")
    reader.setScaledSize(_kept_size(reader.size()))
    image = reader.read()
    if image.isNull():
        raise ValueError(f"{name} is damaged ({reader.errorString()}); save it again.")
    return pixels_of(image)


def _kept_size(size: QSize) -> QSize:
    if max(size.width(), size.height()) <= KEPT_SIDE:
        return size
    return size.scaled(KEPT_SIDE, KEPT_SIDE, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """Pixels of a ``QImage``, (rows, columns, 1, 3 or 4) uint8."""
    grey = image.format() in (QImage.Format.Format_Grayscale8, QImage.Format.Format_Grayscale16)
    if image.depth() <= 8 and not grey:
        grey = image.isGrayscale() and not image.hasAlphaChannel()
    if grey:
        wanted, channels = QImage.Format.Format_Grayscale8, 1
    elif image.hasAlphaChannel():
        wanted, channels = QImage.Format.Format_RGBA8888, 4
    else:
        wanted, channels = QImage.Format.Format_RGB888, 3
    image = image.convertToFormat(wanted)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : image.width() * channels].reshape(image.height(), image.width(), channels).copy()


class PictureSource(QObject):
    """Source of pictures from files, clipboard and drops; a newer picture supersedes one being read.

    Signals:
        taken: pixels (rows, columns, 1, 3 or 4) uint8, and a name.
        failed: error text.
    """

    taken = Signal(object, str)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self._background = Background(self)
        self._background.done.connect(lambda pixels: self.taken.emit(pixels, self._name))
        self._background.failed.connect(self.failed)

    def open(self, path: str) -> None:
        """Read a file; ``taken`` or ``failed`` follows."""
        self._name = Path(path).name
        self._background.start(partial(_read, path))

    def paste(self) -> None:
        """Take the picture in the clipboard."""
        if not self.take_mime(QGuiApplication.clipboard().mimeData(), "The pasted picture"):
            self.failed.emit("The clipboard holds no picture; copy a picture, or its file, first.")

    def take_mime(self, data: QMimeData | None, name: str = "The dropped picture") -> bool:
        """Take a picture, or the first file, from pasted or dropped data; False when there is neither."""
        path = file_in(data)
        if path:
            self.open(path)
            return True
        image = data.imageData() if data is not None and data.hasImage() else None
        if not isinstance(image, QImage) or image.isNull():
            return False
        if image.width() * image.height() > MAX_PIXELS:
            self.failed.emit(f"{name} has more than {MAX_PIXELS // 10**6} million pixels; make it smaller.")
        else:
            self._name = name
            self._background.start(partial(_pixels, QImage(image)))
        return True

    def accept_drops(self, *widgets: QWidget) -> None:
        """Accept drops of pictures and files on these widgets."""
        for widget in widgets:
            widget.setAcceptDrops(True)
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the dropped picture or file."""
        if isinstance(event, QDropEvent) and event.type() in (QEvent.Type.DragEnter, QEvent.Type.Drop):
            data = event.mimeData()
            if file_in(data) or data.hasImage():
                event.acceptProposedAction()
                if not isinstance(event, QDragEnterEvent):
                    self.take_mime(data)
                return True
        return super().eventFilter(watched, event)


def file_in(data: QMimeData | None) -> str:
    """Path of the first local file in pasted or dropped data, or ""; None: the clipboard was never filled."""
    urls = data.urls() if data is not None else []
    files = (url.toLocalFile() for url in urls if url.isLocalFile())
    return next((path for path in files if path), "")


def _read(path: str, _stopped: Callable[[], bool]) -> NDArray[np.uint8]:
    return read_picture(path)


def _pixels(image: QImage, _stopped: Callable[[], bool]) -> NDArray[np.uint8]:
    size = _kept_size(image.size())
    if size != image.size():
        smooth = Qt.TransformationMode.SmoothTransformation
        image = image.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    return pixels_of(image)
