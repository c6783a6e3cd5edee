"""Stage of the Latents panel: decoded image and original at one size, and what the open view needs beside them.

Nothing on it moves when images arrive: the places depend on the open view and on the size of the stage alone.
"""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QSize, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.panels.latents.companion import CompanionView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.live_image import LiveImage

CAPTION_PX = 28
LEAST_PX, FRUGAL_PX = 12 * GRID, 8 * GRID
"""Smallest side of an image, and in a window without room."""
COLUMN_PX = 16 * GRID
"""Smallest width of the column of images beside a view."""
WIDE_LETTERS = 40
LINES, MANY_LINES = 2, 3
"""Lines of text under the decoded image where it is ``WIDE_LETTERS`` digits wide, and where not."""
COLUMN_SHARE = 0.4
"""Largest share of the width that the column of images takes beside a view."""


class Stage(QWidget):
    """The original at the left, the decoded image at the right, lines of text below it.

    A view's widget either takes the place of the original, of the same size (a canvas), or most of the width, with the
    original above the decoded image at its left (a map).

    Args:
        original_head: line above the original.
        original: the original, or another companion of the decoded image.
        original_line: line below it.
        decoded_head: line above the decoded image.
        decoded: the decoded image.
        lines: text under the decoded image.
    """

    def __init__(
        self,
        original_head: QWidget,
        original: CompanionView,
        original_line: QWidget,
        decoded_head: QWidget,
        decoded: LiveImage,
        lines: QWidget,
    ) -> None:
        super().__init__()
        self._original_head, self._original, self._original_line = original_head, original, original_line
        self._decoded_head, self._decoded, self._lines = decoded_head, decoded, lines
        self._beside: Sequence[QWidget] = ()
        self._instead: Sequence[QWidget] = ()
        self._open: QWidget | None = None
        self._presenting = self._frugal = False
        for widget in (original_head, original, original_line, decoded_head, decoded, lines):
            widget.setParent(self)

    def add_views(self, beside: Sequence[QWidget], instead: Sequence[QWidget]) -> None:
        """Take the widgets of views: those that stand beside the images, and those in place of the original."""
        self._beside, self._instead = beside, instead
        for widget in (*beside, *instead):
            widget.setParent(self)
            widget.hide()

    def open(self, widget: QWidget | None) -> None:
        """Show the widget of the open view; None: it has none."""
        self._open = widget
        for other in (*self._beside, *self._instead):
            other.setVisible(other is widget)
        self._original.setVisible(widget not in self._instead)
        self.updateGeometry()
        self.arrange()

    def set_frugal(self, frugal: bool) -> None:
        """Need no more room than the open view does, in a window without room for each of them."""
        if frugal != self._frugal:
            self._frugal = frugal
            self.updateGeometry()

    def set_presenting(self, presenting: bool) -> None:
        """Give the decoded image the whole stage while there is nothing beside it, or its half again."""
        self._presenting = presenting
        self.arrange()

    def arrange(self) -> None:
        """Place everything; to be called when an image of another shape arrives."""
        if self._open in self._beside:
            self._arrange_column()
        elif self._presenting and self._open is None and self._original.is_empty:
            self._arrange_alone()
        else:
            self._arrange_pair()

    def _arrange_alone(self) -> None:
        lines = self._lines_px(LINES)
        height = self._fitted(self.width(), self.height() - CAPTION_PX - lines)
        self._decoded_head.setGeometry(0, 0, self.width(), CAPTION_PX)
        self._decoded.setGeometry(0, CAPTION_PX, self.width(), height)
        self._lines.setGeometry(0, CAPTION_PX + height, self.width(), lines)
        for widget in (self._original_head, self._original, self._original_line):
            widget.setGeometry(0, 0, 0, 0)

    def _arrange_pair(self) -> None:
        half = (self.width() - GRID) // 2
        wide = half >= WIDE_LETTERS * self._lines.fontMetrics().horizontalAdvance("0")
        lines = self._lines_px(LINES if wide else MANY_LINES)
        height = self._fitted(half, self.height() - CAPTION_PX - lines)
        right = self.width() - half
        self._original_head.setGeometry(0, 0, half, CAPTION_PX)
        self._decoded_head.setGeometry(right, 0, half, CAPTION_PX)
        self._decoded.setGeometry(right, CAPTION_PX, half, height)
        self._lines.setGeometry(right, CAPTION_PX + height, half, lines)
        self._original_line.setGeometry(0, CAPTION_PX + height, half, self._lines_px(1))
        for widget in (self._original, *self._instead):
            widget.setGeometry(0, CAPTION_PX, half, height)

    def _arrange_column(self) -> None:
        lines = self._lines_px(MANY_LINES)
        side = max(self._least_px, (self.height() - 2 * CAPTION_PX - self._lines_px(1) - lines) // 2)
        column = max(COLUMN_PX, min(side, int(COLUMN_SHARE * self.width())))
        height = self._fitted(column, side)
        top = 0
        for widget, taken in (
            (self._original_head, CAPTION_PX),
            (self._original, height),
            (self._original_line, self._lines_px(1)),
            (self._decoded_head, CAPTION_PX),
            (self._decoded, height),
            (self._lines, lines),
        ):
            widget.setGeometry(0, top, column, taken)
            top += taken
        rest = QRect(column + GRID, 0, self.width() - column - GRID, self.height())
        for widget in self._beside:
            widget.setGeometry(rest)

    def _fitted(self, width: int, height: int) -> int:
        """Height of both images: no more than they can use, so that the text below stands right under them."""
        return max(self._least_px, min(height, self._decoded.height_at(width) or height))

    @property
    def _least_px(self) -> int:
        return FRUGAL_PX if self._frugal else LEAST_PX

    def _lines_px(self, lines: int) -> int:
        return lines * self._lines.fontMetrics().lineSpacing()

    def minimumSizeHint(self) -> QSize:
        """Size for small images and for the widget of any view, or of the open one alone."""
        needing = [widget for widget in self._beside if widget is self._open or not self._frugal]
        if not needing:
            return QSize(2 * self._least_px + GRID, CAPTION_PX + self._least_px + self._lines_px(MANY_LINES))
        beside = [widget.minimumSizeHint() for widget in needing]
        images = 2 * (CAPTION_PX + self._least_px) + self._lines_px(1 + MANY_LINES)
        width = COLUMN_PX + GRID + max(hint.width() for hint in beside)
        return QSize(width, max([images, *(hint.height() for hint in beside)]))

    def sizeHint(self) -> QSize:
        """Size at which images are large."""
        return self.minimumSizeHint() * 2

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place everything."""
        super().resizeEvent(event)
        self.arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Place everything for another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            QTimer.singleShot(0, self, self.arrange)  # after the children have the font too
