"""A discrete distribution as bars, from 2 to 256 values, of which one can be chosen by mouse or keys."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from gmstudio.gui.theme import theme

SWATCH = 10
"""Height of the strip that shows what each value looks like."""
_TOPS = (0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0)
_OWN_KEYS = (
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_Return,
    Qt.Key.Key_Enter,
    Qt.Key.Key_Escape,
)


class DistributionBars(QWidget):
    """Bars over the values 0 … L−1, with a second distribution as an outline and one value marked.

    A click chooses a value. With the focus, the arrow keys move a candidate and Return chooses it; digits type the
    value, which is chosen as soon as no further digit could belong to it.

    Attributes:
        probabilities: (L,) the bars; empty when there is nothing to show.
        overlay: (L,) the outline, or None.
        marked: the value that is pointed at, or None.
        candidate: the value that the keys are at, or −1.

    Signals:
        chosen: the value.
        hovered: the value under the pointer; −1 when it leaves.
    """

    chosen = Signal(int)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.probabilities: NDArray[np.floating] = np.zeros(0)
        self.overlay: NDArray[np.floating] | None = None
        self.marked: int | None = None
        self.candidate = -1
        self._shades = np.zeros((0, 3), np.uint8)
        self._placeholder = ""
        self._typed = ""
        self._hover = -1
        self._top = 1.0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self.update)

    # ---- what it shows -----------------------------------------------------------------------------------------

    @property
    def levels(self) -> int:
        """L, number of values."""
        return int(self.probabilities.size)

    def set_distribution(
        self,
        probabilities: NDArray[np.floating],
        overlay: NDArray[np.floating] | None,
        marked: int | None,
        shades: NDArray[np.uint8],
    ) -> None:
        """Show a distribution.

        Args:
            probabilities: (L,) for the bars.
            overlay: (L,) for the outline, or None.
            marked: value to point at, or None.
            shades: (L, 3) RGB: what each value looks like.
        """
        if probabilities.size != self.levels:
            self.candidate, self._hover = -1, -1
        self.probabilities, self.overlay, self.marked, self._shades = probabilities, overlay, marked, shades
        self._typed = ""
        highest = max(float(p.max()) for p in (probabilities, overlay) if p is not None)
        self._top = next((top for top in _TOPS if highest <= top), 1.0)
        self.update()

    def clear(self, text: str) -> None:
        """Show no distribution but a sentence."""
        self.probabilities, self.overlay, self.marked = np.zeros(0), None, None
        self.candidate, self._hover, self._typed, self._placeholder = -1, -1, "", text
        self.update()

    def type_digit(self, digit: int) -> None:
        """Type a digit of the value to be chosen; it is chosen as soon as no further digit could follow."""
        if not self.levels:
            return
        typed = int(self._typed + str(digit))
        if typed >= self.levels:
            typed = digit
        if typed >= self.levels:
            self._typed = ""
            return
        self._typed, self.candidate = str(typed), typed
        if typed == 0 or typed * 10 >= self.levels:
            self.choose(typed)
        self.update()

    @property
    def typing(self) -> bool:
        """Whether digits were typed that are not chosen yet."""
        return bool(self._typed)

    def choose_candidate(self) -> None:
        """Choose the value that the keys are at."""
        self.choose(self.candidate)

    def choose(self, value: int) -> None:
        """Choose a value as the user would."""
        self._typed = ""
        if 0 <= value < self.levels:
            self.chosen.emit(value)

    # ---- where things are --------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Wide enough for sixteen labelled bars."""
        return QSize(400, 190)

    def minimumSizeHint(self) -> QSize:
        """Still legible."""
        return QSize(200, 150)

    def plot_rect(self) -> QRectF:
        """Where the bars are."""
        metrics = self.fontMetrics()
        left = metrics.horizontalAdvance("0.05") + 8
        bottom = SWATCH + metrics.height() + 6
        top = metrics.height() + 10
        return QRectF(left, top, max(1, self.width() - left - 6), max(1, self.height() - top - bottom))

    def bar_rect(self, value: int) -> QRectF:
        """Where the whole column of a value is, from the axis to the top."""
        plot = self.plot_rect()
        width = plot.width() / max(1, self.levels)
        return QRectF(plot.left() + value * width, plot.top(), width, plot.height())

    def value_at(self, position: QPointF) -> int:
        """The value whose column is at a point (bar, swatch or label); −1 outside."""
        plot = self.plot_rect()
        if not self.levels or not plot.left() <= position.x() < plot.right():
            return -1
        return min(self.levels - 1, int((position.x() - plot.left()) / plot.width() * self.levels))

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint axis, bars, outline, swatches, labels and marks."""
        painter = QPainter(self)
        if not self.levels:
            painter.setPen(theme().color("muted"))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 8, -16, -8), flags, self._placeholder)
            self._paint_focus(painter)
            return
        plot = self.plot_rect()
        self._paint_axis(painter, plot)
        self._paint_bars(painter, plot)
        self._paint_outline(painter, plot)
        self._paint_swatches(painter, plot)
        self._paint_pointed(painter, plot)
        self._paint_focus(painter)

    def _paint_axis(self, painter: QPainter, plot: QRectF) -> None:
        for share in (0.0, 0.5, 1.0):
            y = plot.bottom() - share * plot.height()
            painter.setPen(theme().color("border" if share == 0 else "grid"))
            painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
            painter.setPen(theme().color("muted"))
            label = QRectF(0, y - 10, plot.left() - 6, 20)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(label, flags, f"{share * self._top:g}")

    def _gap(self, plot: QRectF) -> float:
        """Empty part of a bar's width, on each side."""
        width = plot.width() / self.levels
        return min(8.0, width * 0.12) if width >= 5 else 0.0

    def _paint_bars(self, painter: QPainter, plot: QRectF) -> None:
        heights = np.asarray(self.probabilities, np.float64) / self._top * plot.height()
        width, gap = plot.width() / self.levels, self._gap(plot)
        bars = [
            QRectF(plot.left() + i * width + gap, plot.bottom() - h, width - 2 * gap, h)
            for i, h in enumerate(heights.tolist())
        ]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("accent"))
        painter.drawRects(bars)
        if self.marked is not None:
            painter.setBrush(theme().color("mark"))
            painter.drawRect(bars[self.marked])
        self._paint_numbers(painter, bars)

    def _paint_numbers(self, painter: QPainter, bars: list[QRectF]) -> None:
        """Write each probability above its bar, where there is room."""
        metrics = self.fontMetrics()
        column = self.plot_rect().width() / self.levels
        longest = ("0.000", "0.00", ".00")
        fitting = [text for text in longest if metrics.horizontalAdvance(text) + 2 <= column]
        if not fitting:
            return
        decimals, short = len(fitting[0].partition(".")[2]), fitting[0] == ".00"
        painter.setPen(theme().color("text"))
        for value, bar in enumerate(bars):
            p = float(self.probabilities[value])
            higher = 0.0 if self.overlay is None else min(1.0, float(self.overlay[value]) / self._top)
            top = min(bar.top(), bar.bottom() - higher * self.plot_rect().height())
            text = f"{p:.{decimals}f}"
            if short:
                text = text[1:] if 0.005 <= p < 0.995 else "1" if p >= 0.995 else ""
            elif 0 < p < 0.5 * 10**-decimals:
                text = f"<{10**-decimals:g}"
            label = QRectF(bar.center().x() - column / 2, top - metrics.height() - 1, column, metrics.height())
            painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_outline(self, painter: QPainter, plot: QRectF) -> None:
        if self.overlay is None:
            return
        width = plot.width() / self.levels
        points = [plot.bottomLeft()]
        for value, p in enumerate(self.overlay.tolist()):
            y = plot.bottom() - min(1.0, p / self._top) * plot.height()
            points += [QPointF(plot.left() + value * width, y), QPointF(plot.left() + (value + 1) * width, y)]
        points.append(plot.bottomRight())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().color("text"), 1.5))
        painter.drawPolyline(QPolygonF(points))

    def _paint_swatches(self, painter: QPainter, plot: QRectF) -> None:
        width = plot.width() / self.levels
        painter.setPen(Qt.PenStyle.NoPen)
        for value, (red, green, blue) in enumerate(self._shades.tolist()):
            painter.setBrush(QColor(red, green, blue))
            painter.drawRect(QRectF(plot.left() + value * width, plot.bottom() + 3, width + 0.5, SWATCH))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(theme().color("border"))
        painter.drawRect(QRectF(plot.left(), plot.bottom() + 3, plot.width(), SWATCH))
        painter.setPen(theme().color("muted"))
        widest = self.fontMetrics().horizontalAdvance(str(self.levels - 1)) + 8
        every = 2 ** max(0, math.ceil(math.log2(widest / width)))
        shown = [*range(0, self.levels - every // 2, every), self.levels - 1] if every > 1 else range(self.levels)
        for value in shown:
            x = plot.left() + (value + 0.5) * width
            box = QRectF(x - 24, plot.bottom() + SWATCH + 5, 48, self.fontMetrics().height())
            box.moveRight(min(box.right(), self.width() + 24.0 - widest / 2))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(value))

    def _paint_pointed(self, painter: QPainter, plot: QRectF) -> None:
        """A triangle under the marked value, and outlines of the hovered one and the candidate."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.marked is not None:
            x, y = self.bar_rect(self.marked).center().x(), plot.bottom() + 1
            painter.setPen(QPen(theme().color("base"), 1))
            painter.setBrush(theme().color("mark"))
            painter.drawPolygon(QPolygonF([QPointF(x, y), QPointF(x - 6, y + 9), QPointF(x + 6, y + 9)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._hover >= 0:
            painter.setPen(QPen(theme().color("muted"), 1))
            painter.drawRect(self.bar_rect(self._hover).adjusted(0, 0, 0, SWATCH + 3))
        if self.candidate >= 0 and (self.hasFocus() or self._typed):
            painter.setPen(QPen(theme().color("text"), 1.5, Qt.PenStyle.DashLine))
            painter.drawRect(self.bar_rect(self.candidate).adjusted(0, 0, 0, SWATCH + 3))
        self._paint_reading(painter, plot)

    def _paint_reading(self, painter: QPainter, plot: QRectF) -> None:
        """Say above the bars what is pointed at."""
        value = self._hover if self._hover >= 0 else self.candidate if self.hasFocus() or self._typed else -1
        if value < 0:
            return
        p = float(self.probabilities[value])
        text = f"{value}: p = {p:.4g}"
        text += f", {-math.log(p):.3f} nats" if p > 0 else ""
        if self.overlay is not None:
            text += f"; tempered {float(self.overlay[value]):.4g}"
        if self._typed:
            text = f"{self._typed}_ ⏎ chooses {text}"
        painter.setPen(theme().color("text"))
        line = QRectF(plot.left(), 0, plot.width(), self.fontMetrics().height())
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, text)

    def _paint_focus(self, painter: QPainter) -> None:
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme().color("accent"), 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell which value is under the pointer."""
        self._set_hover(self.value_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer is gone."""
        self._set_hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the value under the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            value = self.value_at(event.position())
            self.candidate = value
            self.choose(value)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Start the candidate at the marked value."""
        if self.candidate < 0 and self.levels:
            self.candidate = self.marked if self.marked is not None else int(np.argmax(self.probabilities))
        super().focusInEvent(event)

    def event(self, event: QEvent) -> bool:
        """Claim the keys that move and choose here before the panel's shortcuts see them."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            digit = event.text().isdigit()
            if self.levels and (digit or Qt.Key(event.key()) in _OWN_KEYS):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the candidate, choose, or type a value."""
        key = Qt.Key(event.key())
        if event.text().isdigit():
            self.type_digit(int(event.text()))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.levels:
            self.choose_candidate()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self.levels:
            self.candidate = max(0, min(self.levels - 1, self.candidate + (1 if key == Qt.Key.Key_Right else -1)))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self.levels:
            self.candidate = 0 if key == Qt.Key.Key_Home else self.levels - 1
        elif key == Qt.Key.Key_Escape:
            self._typed = ""
        else:
            super().keyPressEvent(event)
            return
        self.update()

    def _set_hover(self, value: int) -> None:
        if value != self._hover:
            self._hover = value
            self.setCursor(Qt.CursorShape.PointingHandCursor if value >= 0 else Qt.CursorShape.ArrowCursor)
            self.hovered.emit(value)
            self.update()
