"""Node of the drawn tree: a branch as a box of one or two lines, a family as a tile with a sample and its title."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFont,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QAbstractButton, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.grid import to_qimage

RADIUS = 6.0
PADDING = 5
LINE_HEIGHT = 34
"""Height of a tile from which the second line fits."""
WALKING = frozenset({Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home})
EMPTY = 0.6
"""Share of the window's colour in the place of a sample that is not drawn yet."""


class NodeButton(QAbstractButton):
    """Node that can be focused, pointed at and selected.

    Args:
        title: shown.
        is_leaf: a family, with the place of a sample.

    Attributes:
        tight: little room around the title.

    Signals:
        focused: it got the focus.
    """

    focused = Signal()

    def __init__(self, title: str, is_leaf: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.is_leaf = is_leaf
        self.detail = ""
        self.selected = self.on_path = self.tight = False
        self._image = QImage()
        self.setText(title)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        theme().changed.connect(self.update)

    def set_state(self, *, selected: bool, on_path: bool) -> None:
        """Show that the node, or one below it, is selected."""
        if (selected, on_path) != (self.selected, self.on_path):
            self.selected, self.on_path = selected, on_path
            self.update()

    def set_detail(self, detail: str) -> None:
        """Set the second line of a tile, shown where it fits."""
        self.detail = detail
        self.update()

    def set_image(self, image: NDArray[np.uint8] | None) -> None:
        """Show a sample, (C, H, W) uint8, 0 … 255; None: none."""
        self._image = QImage() if image is None else to_qimage(image)
        self.update()

    @property
    def has_image(self) -> bool:
        """A sample is shown."""
        return not self._image.isNull()

    def lines(self) -> list[str]:
        """Title in one line or, of a branch with several words, in two of about the same width."""
        words = self.text().split()
        if self.is_leaf or len(words) < 2:
            return [self.text()]
        splits = [(" ".join(words[:cut]), " ".join(words[cut:])) for cut in range(1, len(words))]
        return list(min(splits, key=lambda pair: max(map(self.fontMetrics().horizontalAdvance, pair))))

    def sizeHint(self) -> QSize:
        """Size of the title in its lines."""
        metrics = self.fontMetrics()
        width = max(metrics.horizontalAdvance(line) for line in self.lines())
        across, down = (2 * PADDING, 2) if self.tight else (4 * PADDING, PADDING)
        return QSize(width + across, metrics.height() * len(self.lines()) + down)

    def holds(self, letters: int, size: QSizeF) -> bool:
        """Return whether a tile of a size has room for a title of this length beside its sample."""
        return size.width() - size.height() - 3 * PADDING >= letters * self.fontMetrics().averageCharWidth()

    # ---- Qt's events -------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the keys that walk the tree to it; a button would move the focus in the order of Tab."""
        if event.key() in WALKING:
            event.ignore()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Report the focus, so that Tab returns here."""
        super().focusInEvent(event)
        self.focused.emit()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Paint no ring."""
        super().focusOutEvent(event)
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Paint the outline of the pointer."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Paint no outline of the pointer."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the box, the sample, the text and the ring of the focus."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            box = QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5)
            painter.setPen(QPen(self._outline(), 1.5 if self.selected else 1))
            painter.setBrush(self._fill())
            painter.drawRoundedRect(box, RADIUS, RADIUS)
            if self.hasFocus():
                painter.setPen(QPen(theme().color("text"), 1, Qt.PenStyle.DotLine))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS + 1, RADIUS + 1)
            if self.is_leaf:
                self._paint_tile(painter, box)
            else:
                self._paint_branch(painter, box)

    def _outline(self) -> QColor:
        if self.selected or self.on_path:
            return theme().color("accent")
        return theme().color("muted" if self.underMouse() else "border")

    def _fill(self) -> QColor:
        if self.selected:
            return theme().blend("accent", "base", 0.72)
        return theme().color("raised" if not self.is_leaf or self.underMouse() else "base")

    def _paint_branch(self, painter: QPainter, box: QRectF) -> None:
        font = QFont(self.font())
        font.setBold(self.selected or self.on_path)
        if QFontMetrics(font).horizontalAdvance(max(self.lines(), key=len)) > box.width() - 2:
            font.setBold(False)
        painter.setFont(font)
        painter.setPen(theme().color("text"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, "\n".join(self.lines()))

    def _paint_tile(self, painter: QPainter, box: QRectF) -> None:
        side = box.height() - PADDING
        place = QRectF(box.left() + PADDING / 2, box.top() + PADDING / 2, side, side)
        self._paint_sample(painter, place)
        text = QRectF(place.right() + PADDING, box.top(), box.right() - place.right() - 2 * PADDING, box.height())
        metrics, two = self.fontMetrics(), self._has_two_lines()
        title = text.adjusted(0, 0, 0, -text.height() / 2 + 1) if two else text
        painter.setPen(theme().color("text"))
        vertical = Qt.AlignmentFlag.AlignBottom if two else Qt.AlignmentFlag.AlignVCenter
        elide = Qt.TextElideMode.ElideRight
        painter.drawText(title, vertical, metrics.elidedText(self.text(), elide, int(text.width())))
        if two:
            below = text.adjusted(0, text.height() / 2 + 1, 0, 0)
            painter.setPen(theme().color("text" if self.selected else "muted"))
            painter.drawText(
                below, Qt.AlignmentFlag.AlignTop, metrics.elidedText(self.detail, elide, int(text.width()))
            )

    def _has_two_lines(self) -> bool:
        return bool(self.detail) and self.height() >= max(LINE_HEIGHT, 2 * self.fontMetrics().height() + PADDING)

    def _paint_sample(self, painter: QPainter, place: QRectF) -> None:
        """Paint the sample in whole screen pixels for each of its own where that fits, or an empty place."""
        if self._image.isNull():
            painter.fillRect(place, theme().blend("border", "window", EMPTY))
            return
        ratio = self.devicePixelRatioF()
        size = max(self._image.width(), self._image.height())
        fits = place.width() * ratio / size
        scale = (int(fits) if fits >= 2 else fits) / ratio
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, fits < 1)
        target = QRectF(0, 0, self._image.width() * scale, self._image.height() * scale)
        target.moveCenter(place.center())
        target.moveTo(round(target.x() * ratio) / ratio, round(target.y() * ratio) / ratio)
        painter.drawImage(target, self._image)
