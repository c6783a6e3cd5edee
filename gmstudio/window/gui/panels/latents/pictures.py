"""The pictures of the Latents panel, each in its column: what stands above it, and what is told under it."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLayout, QVBoxLayout, QWidget

from gmstudio.window.gui.widgets.images.live_image import LiveImage

ALL_HEIGHT = 16_777_215
"""What Qt takes for no limit."""
ORIGINAL_STRETCH, IMAGE_STRETCH = 9, 10
"""The decoded image gets more room than the original."""


class PictureColumn(QWidget):
    """An image at the top, as large as its width allows, with lines close above and below it.

    Args:
        head: above the image.
        image: the image.
        below: lines under it.
    """

    def __init__(self, head: QWidget | QLayout, image: LiveImage, *below: QWidget) -> None:
        super().__init__()
        self._image = image
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        if isinstance(head, QLayout):
            column.addLayout(head)
        else:
            column.addWidget(head)
        column.addWidget(image, ALL_HEIGHT)
        for widget in below:
            column.addWidget(widget)
        column.addStretch(1)

    def fit(self) -> None:
        """Give the image no more height than it can use; without an image all, for the words in its place."""
        needed = self._image.height_at(self.width())
        self._image.setMaximumHeight(max(needed, self._image.minimumHeight()) if needed else ALL_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another width takes another height."""
        super().resizeEvent(event)
        self.fit()


class PicturePair(QBoxLayout):
    """The original and the decoded image: side by side, or one above the other where something else is beside them.

    Args:
        original: hidden while there is none.
        decoded: always there.
    """

    def __init__(self, original: PictureColumn, decoded: PictureColumn) -> None:
        super().__init__(QBoxLayout.Direction.LeftToRight)
        self.addWidget(original, ORIGINAL_STRETCH)
        self.addWidget(decoded, IMAGE_STRETCH)

    def stack(self, *, stacked: bool) -> None:
        """Put the original above the decoded image, or beside it."""
        directions = QBoxLayout.Direction
        self.setDirection(directions.TopToBottom if stacked else directions.LeftToRight)
