"""Row of the slider bank: label and measure (painted), slider, number field and lock."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QCheckBox, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.sliders.coordinate_slider import SigmaField, SigmaSlider
from gmstudio.window.gui.widgets.sliders.scale import SIGMA, SliderScale

ROW_PX = 32
LABEL_PX = 48
NAMED_PX = 104
"""Width of labels once a dimension has a name."""
MEASURE_PX = 64
FIELD_PX = 56
LONGEST_NUMBER = "−0.00"
LONGEST_MEASURE = "0.00000"
FIELD_MARGINS_PX = 22
LOCK_PX = 24
GAP = 8
BAR_PX = 3
COLLAPSED = "∅"
LABEL_MARGIN_PX = 14


def measure_px(metrics: QFontMetrics) -> int:
    """Width of a measure in this type."""
    return max(MEASURE_PX, metrics.horizontalAdvance(LONGEST_MEASURE) + GAP)


def field_px(metrics: QFontMetrics) -> int:
    """Width of a number field in this type."""
    return max(FIELD_PX, metrics.horizontalAdvance(LONGEST_NUMBER) + FIELD_MARGINS_PX)


def slider_span(width: int, metrics: QFontMetrics, label_px: int = LABEL_PX) -> tuple[int, int]:
    """Left edge and width of the slider in a row of this width, in this type, with labels of that width."""
    left = label_px + measure_px(metrics) + GAP
    return left, max(40, width - left - field_px(metrics) - LOCK_PX - 3 * GAP)


def width_of_labels(metrics: QFontMetrics, labels: Sequence[str]) -> int:
    """Width of the labels of all rows, of which the longest may be cut.

    Args:
        metrics: of their type.
        labels: the longest ones.
    """
    mark = metrics.horizontalAdvance(f" {COLLAPSED}")
    needed = max(metrics.horizontalAdvance(label) for label in labels) + mark + LABEL_MARGIN_PX
    return min(NAMED_PX, max(LABEL_PX, needed))


def measures_of(
    values: NDArray[Any], faint: NDArray[np.bool_] | None, full: float | None
) -> list[tuple[str, float, bool]]:
    """Text, length of the bar (1: a whole one) and mark of each dimension.

    Args:
        values: (Z,) not negative.
        faint: (Z,) collapsed dimensions; None: none is.
        full: value of a whole bar; None: the largest value.
    """
    largest = full if full is not None else max(float(values.max(initial=0.0)), 1e-9)
    marked = np.zeros(len(values), np.bool_) if faint is None else faint
    return [
        (measure_text(value), value / largest, bool(mark)) for value, mark in zip(values.tolist(), marked, strict=True)
    ]


def measure_text(value: float) -> str:
    """Format a measure with three decimals, a small one with more, for two digits: ``1.741``, ``0.0078``."""
    decimals = 3 if value >= 0.0095 or value < 0.000005 else 4 if value >= 0.00095 else 5
    return f"{value:.{decimals}f}"


class LockButton(QCheckBox):
    """Check box drawn as a padlock, open or closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        """Square size."""
        return QSize(LOCK_PX, LOCK_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the icon, and a frame with the focus."""
        with QPainter(self) as painter:
            locked = self.isChecked()
            role = "accent" if locked else "text" if self.underMouse() or self.hasFocus() else "muted"
            theme().icon("lock" if locked else "unlock", role).paint(painter, self.rect().adjusted(4, 4, -4, -4))
            if self.hasFocus():
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(theme().color("accent"), 1))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def hitButton(self, position: QPoint) -> bool:
        """Switch by a click anywhere on the icon; a check box has a smaller area for clicks."""
        return self.rect().contains(position)

    def enterEvent(self, event: QEvent) -> None:
        """Repaint in the brighter colour."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Repaint in the muted colour."""
        self.update()


class SliderRow(QWidget):
    """Row of one latent dimension; it can be bound to another.

    Args:
        prefix: of the object names: ``latents`` gives ``latents.slider.3``.

    Signals:
        moved: dimension and new coordinate, by slider or field.
        locked: dimension, and True to lock it.
        chosen: dimension that became the current one.
        refused: error text of an invalid typed value; "" when it was corrected.
        rename_wanted: dimension whose label was double-clicked.
    """

    moved = Signal(int, float)
    locked = Signal(int, bool)
    chosen = Signal(int)
    refused = Signal(str)
    rename_wanted = Signal(int)

    def __init__(self, prefix: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.dim = -1
        self._prefix = prefix
        self._scale = SIGMA
        self._label = self._full = ""
        self._label_px = LABEL_PX
        self._current = False
        self._measure: tuple[str, float] | None = None
        self._faint = False
        self.slider = SigmaSlider(self)
        self.field = SigmaField("", self)
        self.lock = LockButton(self)
        self.slider.valueChanged.connect(self._on_slider)
        self.field.entered.connect(self._on_entered)
        self.field.refused.connect(self.refused)
        self.lock.clicked.connect(self._on_lock)
        self.slider.installEventFilter(self)
        self.field.installEventFilter(self)

    def bind(self, dim: int, label: str, full: str, scale: SliderScale, words: str, label_px: int) -> None:
        """Bind the row to a dimension.

        Args:
            dim: its number; -1: none, the row is hidden.
            label: short name.
            full: name with the number.
            scale: of its slider and field.
            words: unit, for tooltips: ``in σ of the prior``.
            label_px: width of the label.
        """
        if (dim, full, scale, label_px) == (self.dim, self._full, self._scale, self._label_px):
            return
        if dim != self.dim:
            self.field.revert()
        self.dim, self._label, self._full, self._scale = dim, label, full, scale
        self._name(words)
        self.slider.set_scale(scale)
        self.field.set_scale(scale, f"Dimension {dim}")
        if label_px != self._label_px:
            self._label_px = label_px
            self._place()
        self.update()

    def _name(self, words: str) -> None:
        limits = self._scale.limits
        named = f"{self._full}: c" if self._full != self._label else "C"
        tips = {
            "slider": f"{named}oordinate {{}} of the code, {words}; a double click resets it to 0. The band is the "
            "posterior of the encoded image, mean ± σ. F2 names the dimension.",
            "value": f"{named}oordinate {{}} of the code, typed: {limits}.",
            "lock": "Keep dimension {} while randomizing, resetting, encoding or interpolating.",
        }
        names = (
            (self.slider, "slider", "Latent dimension {}"),
            (self.field, "value", "Value of latent dimension {}"),
            (self.lock, "lock", "Lock latent dimension {}"),
        )
        for widget, control, accessible in names:
            widget.setObjectName(f"{self._prefix}.{control}.{self.dim}" if self.dim >= 0 else "")
            widget.setAccessibleName(accessible.format(self.dim) + (f", {self._label}" if named.endswith("c") else ""))
            widget.setToolTip(tips[control].format(self.dim))

    # ---- what it shows -----------------------------------------------------------------------------------------

    def show_sigma(self, sigma: float) -> None:
        """Show a coordinate."""
        self.slider.show_sigma(sigma)
        self.field.show_sigma(sigma)

    def show_locked(self, locked: bool) -> None:
        """Show the lock; slider and field of a locked dimension are disabled."""
        self.lock.setChecked(locked)
        self.slider.setEnabled(not locked)
        self.field.setEnabled(not locked)

    def set_current(self, current: bool) -> None:
        """Mark the row as the current one."""
        if current != self._current:
            self._current = current
            self.update()

    def set_measure(self, text: str, share: float, *, faint: bool) -> None:
        """Show a number and a bar.

        Args:
            text: the number; "" hides number and bar.
            share: length of the bar, 0 … 1.
            faint: the dimension is collapsed; painted muted and marked ``∅``.
        """
        measure = (text, min(1.0, max(0.0, share))) if text else None
        if faint != self._faint:
            words = f"Dimension {self.dim} is collapsed: it carries no information about x." if faint else ""
            self.slider.setAccessibleDescription(words)
        if (measure, faint) != (self._measure, self._faint):
            self._measure, self._faint = measure, faint
            self.update()

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the background of the current row, label and measure."""
        colors = theme()
        with QPainter(self) as painter:
            if self._current:
                painter.fillRect(self.rect(), colors.color("raised"))
                painter.fillRect(QRect(0, 0, 3, self.height()), colors.color("accent"))
            painter.setPen(colors.color("muted" if self._faint else "text"))
            label = f"{self._label} {COLLAPSED}" if self._faint else self._label
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            room = QRect(10, 0, self._label_px - 10, self.height())
            painter.drawText(
                room, flags, self.fontMetrics().elidedText(label, Qt.TextElideMode.ElideRight, room.width())
            )
            if self._measure is None:
                return
            text, share = self._measure
            area = QRect(self._label_px, 0, measure_px(self.fontMetrics()) - GAP, self.height() - BAR_PX - 3)
            painter.setPen(colors.color("muted"))
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
            bar = QRectF(area.left(), self.height() - BAR_PX - 4, area.width(), BAR_PX)
            painter.fillRect(bar, colors.color("grid" if not self._current else "border"))
            bar.setLeft(bar.right() - bar.width() * share)
            painter.fillRect(bar, colors.series(0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out slider, field and lock."""
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        """Lay out again in another type."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self.isVisible():
            self._place()

    def _place(self) -> None:
        left, width = slider_span(self.width(), self.fontMetrics(), self._label_px)
        number = field_px(self.fontMetrics())
        height = self.slider.sizeHint().height()
        self.slider.setGeometry(left, (self.height() - height) // 2, width, height)
        self.field.setGeometry(left + width + GAP, 4, number, self.height() - 8)
        self.lock.setGeometry(left + width + number + 2 * GAP, (self.height() - LOCK_PX) // 2, LOCK_PX, LOCK_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Make this dimension the current one."""
        self.chosen.emit(self.dim)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Ask for a name."""
        if event.position().x() < self._label_px + measure_px(self.fontMetrics()):
            self.rename_wanted.emit(self.dim)

    def event(self, event: QEvent) -> bool:
        """Update the tooltip before it is shown."""
        if event.type() == QEvent.Type.ToolTip:
            collapsed = f" Dimension {self.dim} is collapsed: it carries no information about x." if self._faint else ""
            self.setToolTip(f"{self._full}. Double-click, or F2, names it.{collapsed}")
        return super().event(event)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Make the dimension current when its slider or field gets the focus or is pressed."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.MouseButtonPress):
            self.chosen.emit(self.dim)
        return False

    def _on_slider(self, value: int) -> None:
        sigma = self._scale.value(value)
        self.field.show_sigma(sigma)
        self.moved.emit(self.dim, sigma)

    def _on_entered(self, sigma: float) -> None:
        self.slider.show_sigma(sigma)
        self.moved.emit(self.dim, sigma)

    def _on_lock(self, checked: bool) -> None:
        self.locked.emit(self.dim, checked)
