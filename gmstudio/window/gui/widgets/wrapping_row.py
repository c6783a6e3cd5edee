"""Row of widgets that wraps into further rows where its width is too small."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget


class WrappingRow(QWidget):
    """Widgets at their own sizes, from left to right and then in the next row.

    Args:
        spacing: between widgets, pixels.
    """

    def __init__(self, parent: QWidget | None = None, *, spacing: int = 4) -> None:
        super().__init__(parent)
        self._spacing = spacing
        self._widgets: list[QWidget] = []
        # No height for width: a page that scrolls would take the preferred height of all that is beside this row.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """The widgets, in their order."""
        return tuple(self._widgets)

    def set_widgets(self, widgets: Sequence[QWidget], *, keep: bool = False) -> None:
        """Replace the widgets; those of before are deleted, or hidden where the caller may ``keep`` them."""
        for widget in self._widgets:
            if not keep:
                widget.deleteLater()
            widget.hide()
        self._widgets = list(widgets)
        for widget in widgets:
            widget.setParent(self)
            widget.show()
        self._place(self.width())
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Height of all rows at the present width."""
        return QSize(0, max((rect.bottom() + 1 for rect in self._rects(self.width())), default=0))

    def minimumSizeHint(self) -> QSize:
        """Height at the present width."""
        return self.sizeHint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the widgets anew."""
        super().resizeEvent(event)
        self._place(event.size().width())
        if event.size().width() != event.oldSize().width():
            self.updateGeometry()

    def _place(self, width: int) -> None:
        for widget, rect in zip(self._widgets, self._rects(width), strict=True):
            widget.setGeometry(rect)

    def _rects(self, width: int) -> list[QRect]:
        rects, x, y, row = [], 0, 0, 0
        for widget in self._widgets:
            size = widget.sizeHint()
            if x and x + size.width() > width:
                x, y, row = 0, y + row + self._spacing, 0
            rects.append(QRect(x, y, min(size.width(), max(width, 1)), size.height()))
            x, row = x + size.width() + self._spacing, max(row, size.height())
        return rects
