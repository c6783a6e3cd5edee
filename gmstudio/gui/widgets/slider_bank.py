"""A scrollable bank of sliders, one per coordinate of a code, that stays quick with hundreds of them."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gmstudio.gui.theme import theme
from gmstudio.gui.widgets.sigma_slider import RADIUS
from gmstudio.gui.widgets.slider_row import GAP, LABEL_PX, MEASURE_PX, ROW_PX, SliderRow, slider_span

BUDGET_S = 0.006
"""Rows beyond those in view are made and updated in slices of about this length, between two frames."""
FIRST_ROWS = 8


class SliderBank(QWidget):
    """Sliders in any order, with a measure beside each.

    Rows out of view are made and brought up to date a little later than those in view.

    Args:
        prefix: of the object names: ``latents`` gives ``latents.slider.3``, ``.value.3`` and ``.lock.3``.

    Signals:
        moved: dimension and new value in σ.
        locked: dimension and whether it is to be locked.
        chosen: dimension that the user turned to.
        refused: why what was typed cannot be taken; "" when it is put right.
        left: the pointer went elsewhere; until then the order stays as it is.
    """

    moved = Signal(int, float)
    locked = Signal(int, bool)
    chosen = Signal(int)
    refused = Signal(str)
    left = Signal()

    def __init__(self, prefix: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prefix = prefix
        self._symbol = "z"
        self._count = 0
        self._rows: list[SliderRow] = []
        self._order: list[int] = []
        self._current = -1
        self._values: NDArray[np.float32] = np.zeros(0, np.float32)
        self._locked: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._bands: list[tuple[float, float]] | None = None
        self._measures: list[tuple[str, float, bool]] | None = None
        self._stale: set[int] = set()
        self._header = _Header(self)
        self._area = QScrollArea(self)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._content = QWidget()
        self._area.setWidget(self._content)
        self._area.viewport().installEventFilter(self)
        self._area.verticalScrollBar().valueChanged.connect(self._refresh_visible)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._header)
        layout.addWidget(self._area, 1)
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._work)
        theme().changed.connect(self.update)

    # ---- what it shows -----------------------------------------------------------------------------------------

    def set_dims(self, count: int, symbol: str = "z") -> None:
        """Have so many sliders, all at 0, in the order of their numbers."""
        for row in self._rows[count if symbol == self._symbol else 0 :]:
            row.hide()
            row.setParent(None)
            row.deleteLater()
        self._rows = self._rows[:count] if symbol == self._symbol else []
        self._count, self._symbol, self._current = count, symbol, -1
        self._values, self._locked = np.zeros(count, np.float32), np.zeros(count, np.bool_)
        self._bands = self._measures = None
        self._order = list(range(count))
        self._area.verticalScrollBar().setValue(0)
        self._content.resize(self._area.viewport().width(), count * ROW_PX)
        while len(self._rows) < min(count, FIRST_ROWS):
            self._add_row()
        self._place()
        self._touch(range(count))

    def set_values(self, values: NDArray[Any]) -> None:
        """Show (Z,) values in σ."""
        changed = np.flatnonzero(values != self._values)
        self._values = np.array(values, np.float32)
        self._touch(changed.tolist())

    def set_locked(self, locked: NDArray[np.bool_]) -> None:
        """Show (Z,) which are locked."""
        changed = np.flatnonzero(locked != self._locked)
        self._locked = locked.copy()
        self._touch(changed.tolist())

    def set_bands(self, mean: NDArray[Any] | None, deviation: NDArray[Any] | None) -> None:
        """Show a Gaussian behind each slider, (Z,) means and standard deviations in σ; None: none."""
        if mean is None or deviation is None:
            self._bands = None
        else:
            self._bands = list(zip(mean.tolist(), deviation.tolist(), strict=True))
        self._touch(range(self._count))

    def set_measures(self, title: str, values: NDArray[Any] | None, faint: NDArray[np.bool_] | None = None) -> None:
        """Show a number and a bar beside each.

        Args:
            title: what is measured, for the head of the column.
            values: (Z,) not negative; None: none. Bars are relative to the largest.
            faint: (Z,) those that do not matter.
        """
        self._header.set_title(title if values is not None else "")
        if values is None:
            self._measures = None
        else:
            largest = max(float(values.max()), 1e-9) if len(values) else 1.0
            marked = np.zeros(len(values), np.bool_) if faint is None else faint
            self._measures = [
                (f"{value:.3f}", value / largest, bool(mark))
                for value, mark in zip(values.tolist(), marked, strict=True)
            ]
        self._touch(range(self._count))

    def set_order(self, order: Sequence[int]) -> None:
        """Show the dimensions in this order, a permutation of ``0 … Z-1``."""
        assert sorted(order) == list(range(self._count))
        if list(order) != self._order:
            self._order = list(order)
            self._place()
            self._refresh_visible()

    def set_current(self, dim: int) -> None:
        """Mark a dimension, and scroll to it; -1: none."""
        if dim == self._current:
            return
        before, self._current = self._current, dim
        self._touch([d for d in (before, dim) if d >= 0])
        if dim >= 0:
            top = self._order.index(dim) * ROW_PX
            self._area.ensureVisible(0, top + ROW_PX // 2, 0, ROW_PX // 2 + 1)

    @property
    def count(self) -> int:
        """Number of dimensions."""
        return self._count

    @property
    def order(self) -> tuple[int, ...]:
        """The dimensions from top to bottom."""
        return tuple(self._order)

    @property
    def in_hand(self) -> bool:
        """Whether the user is at the sliders, so that none should move away."""
        focus = self.focusWidget()
        return self.underMouse() or (focus is not None and focus.hasFocus())

    # ---- rows --------------------------------------------------------------------------------------------------

    def _add_row(self) -> None:
        row = SliderRow(len(self._rows), self._symbol, self._prefix, self._content)
        row.moved.connect(self._on_moved)
        row.locked.connect(self.locked)
        row.chosen.connect(self.chosen)
        row.refused.connect(self.refused)
        self._rows.append(row)
        self._stale.add(row.dim)
        row.setGeometry(0, self._order.index(row.dim) * ROW_PX, self._content.width(), ROW_PX)
        row.show()

    def _on_moved(self, dim: int, sigma: float) -> None:
        self._values[dim] = sigma
        self.moved.emit(dim, sigma)

    def _place(self) -> None:
        """Give every row its place and its turn in the Tab order."""
        before: QWidget | None = None
        for place, dim in enumerate(self._order):
            if dim < len(self._rows):
                row = self._rows[dim]
                row.move(0, place * ROW_PX)
                if before is not None:
                    QWidget.setTabOrder(before, row.slider)
                QWidget.setTabOrder(row.slider, row.field)
                QWidget.setTabOrder(row.field, row.lock)
                before = row.lock

    def _touch(self, dims: Sequence[int] | range) -> None:
        """These show something old."""
        self._stale.update(dims)
        self._refresh_visible()

    def _refresh_visible(self) -> None:
        first = self._area.verticalScrollBar().value() // ROW_PX
        last = first + self._area.viewport().height() // ROW_PX + 2
        for dim in self._order[first:last]:
            if dim in self._stale and dim < len(self._rows):
                self._refresh(dim)
        if self._stale or len(self._rows) < self._count:
            self._later.start()

    def _refresh(self, dim: int) -> None:
        self._stale.discard(dim)
        row = self._rows[dim]
        row.show_sigma(float(self._values[dim]))
        row.show_locked(bool(self._locked[dim]))
        row.set_current(dim == self._current)
        row.slider.set_band(None if self._bands is None else self._bands[dim])
        text, share, faint = ("", 0.0, False) if self._measures is None else self._measures[dim]
        row.set_measure(text, share, faint=faint)

    def _work(self) -> None:
        """Make the rows that are missing, bring those out of view up to date, a slice at a time."""
        deadline = time.perf_counter() + BUDGET_S
        made = len(self._rows) < self._count
        while len(self._rows) < self._count and time.perf_counter() < deadline:
            self._add_row()
        if made and len(self._rows) == self._count:
            self._place()
        self._stale = {dim for dim in self._stale if dim < self._count}
        for dim in list(self._stale):
            if time.perf_counter() >= deadline:
                break
            if dim < len(self._rows):
                self._refresh(dim)
        if self._stale or len(self._rows) < self._count:
            self._later.start()

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """A dozen sliders."""
        return QSize(420, 12 * ROW_PX)

    def minimumSizeHint(self) -> QSize:
        """Sliders of use."""
        return QSize(352, 3 * ROW_PX)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Fit the rows to the viewport's width."""
        if event.type() == QEvent.Type.Resize and watched is self._area.viewport():
            self._fit()
        return False

    def leaveEvent(self, event: QEvent) -> None:
        """The user is elsewhere."""
        self.left.emit()

    def _fit(self) -> None:
        width = self._area.viewport().width()
        if width != self._content.width():
            self._content.resize(width, self._content.height())
            for row in self._rows:
                row.resize(width, ROW_PX)
        self._header.set_row_width(width)
        self._refresh_visible()


class _Header(QWidget):
    """The heads of the columns."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = ""
        self._row_width = 0
        self.setFixedHeight(24)

    def set_title(self, title: str) -> None:
        """Name the measure."""
        if title != self._title:
            self._title = title
            self.update()

    def set_row_width(self, width: int) -> None:
        """Rows are this wide."""
        self._row_width = width
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Paint anew."""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The measure's name and the slider's scale."""
        painter = QPainter(self)
        painter.setPen(theme().color("muted"))
        area = QRect(0, 0, LABEL_PX + MEASURE_PX - GAP, self.height())
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._title)
        left, width = slider_span(self._row_width)
        middle, reach = left + width / 2, width / 2 - RADIUS - 2
        for sigma, text in ((-3, "-3σ"), (0, "0"), (3, "3σ")):
            x = round(middle + sigma / 3 * reach)
            painter.drawText(QRect(x - 24, 0, 48, self.height()), Qt.AlignmentFlag.AlignCenter, text)
