"""The images of the Latents panel, each in a column with its caption above and its metrics below."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QLayout, QVBoxLayout, QWidget

from gmstudio.window.gui.widgets.images.live_image import LiveImage

ALL_HEIGHT = 16_777_215
"""Qt's QWIDGETSIZE_MAX: no limit."""
ORIGINAL_STRETCH, IMAGE_STRETCH = 9, 10
"""The decoded image gets more room than the original."""


class PictureColumn(QWidget):
    """Column of an image, as large as its width allows, with lines close above and below it.

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
        """Give the image no more height than it can use; without an image all, for the placeholder."""
        needed = self._image.height_at(self.width())
        self._image.setMaximumHeight(max(needed, self._image.minimumHeight()) if needed else ALL_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the height to the width."""
        super().resizeEvent(event)
        self.fit()


class PicturePair(QBoxLayout):
    """Layout of the original and the decoded image: side by side, or stacked where a view needs room beside them.

    Args:
        original: hidden while there is none.
        decoded: always there.
    """

    def __init__(self, original: PictureColumn, decoded: PictureColumn) -> None:
        super().__init__(QBoxLayout.Direction.LeftToRight)
        self.addWidget(original, ORIGINAL_STRETCH)
        self.addWidget(decoded, IMAGE_STRETCH)

    def stack(self, *, stacked: bool) -> None:
        """Stack the original above the decoded image, or put it beside."""
        directions = QBoxLayout.Direction
        self.setDirection(directions.TopToBottom if stacked else directions.LeftToRight)
