"""Scrollable bank of sliders, one for each coordinate of a code; fast with thousands of them."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gmstudio.protocol.families import dim_label
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.name_editor import NameEditor
from gmstudio.window.gui.widgets.sliders.header import SliderHeader
from gmstudio.window.gui.widgets.sliders.row import (
    LABEL_PX,
    MEASURE_PX,
    NAMED_PX,
    ROW_PX,
    SliderRow,
    measures_of,
    width_of_labels,
)
from gmstudio.window.gui.widgets.sliders.scale import SIGMA, SliderScale

BUDGET_S = 0.006
"""Time per slice, in which rows out of view are created and updated between two frames."""
MAX_ROWS = 128
"""Largest number of row widgets, in and around the view; scrolling binds them to other dimensions."""


class SliderBank(QWidget):
    """Sliders in any order, with a measure beside each.

    Rows out of view are created and updated a little later than those in view.

    Args:
        prefix: of the object names: ``latents`` gives ``latents.slider.3``, ``.value.3`` and ``.lock.3``.

    Signals:
        moved: dimension and its new coordinate.
        locked: dimension, and True to lock it.
        chosen: dimension that became the current one.
        renamed: dimension and its new name, "" for none.
        refused: error text of an invalid typed value; "" when it was corrected.
        left: the pointer left the bank; until then the order of the rows must not change.
    """

    moved = Signal(int, float)
    locked = Signal(int, bool)
    chosen = Signal(int)
    renamed = Signal(int, str)
    refused = Signal(str)
    left = Signal()

    def __init__(self, prefix: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prefix = prefix
        self._symbol, self._words = "z", "in σ of the prior"
        self._scale = SIGMA
        self._count = 0
        self._names: dict[int, str] = {}
        self._label_px = LABEL_PX
        self._rows: dict[int, SliderRow] = {}
        self._spare: list[SliderRow] = []
        self._order: list[int] = []
        self._places: dict[int, int] = {}
        self._current = -1
        self._values: NDArray[np.float32] = np.zeros(0, np.float32)
        self._locked: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._bands: list[tuple[float, float]] | None = None
        self._measures: list[tuple[str, float, bool]] | None = None
        self._stale: set[int] = set()
        self._untabbed = False
        self._header = SliderHeader(self)
        self._area = QScrollArea(self)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._content = QWidget()
        self._area.setWidget(self._content)
        self._editing = -1
        self._editor = NameEditor(f"{prefix}.name", self._content)
        self._editor.entered.connect(lambda name: self.renamed.emit(self._editing, name))
        self._area.viewport().installEventFilter(self)
        self._area.verticalScrollBar().valueChanged.connect(self._show_view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._header)
        layout.addWidget(self._area, 1)
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._work)
        theme().changed.connect(self.update)

    # ---- what it shows -----------------------------------------------------------------------------------------

    def set_dims(
        self, count: int, symbol: str = "z", scale: SliderScale = SIGMA, words: str = "in σ of the prior"
    ) -> None:
        """Show a number of sliders, all at 0, in the order of their dimensions.

        Args:
            count: of dimensions.
            symbol: of the code, for the labels: ``z`` gives ``z₃``.
            scale: of the sliders.
            words: unit of a coordinate, for tooltips.
        """
        self._editor.dismiss()
        self._order, self._places = [], {}
        self._count, self._symbol, self._words, self._current = count, symbol, words, -1
        self._values, self._locked = np.zeros(count, np.float32), np.zeros(count, np.bool_)
        self._bands = self._measures = None
        self._names = {}
        self._scale = scale
        self._header.set_scale(scale)
        for dim in [dim for dim in self._rows if dim >= count]:
            self._put_away(dim)
        self._area.verticalScrollBar().setValue(0)
        self._set_order(range(count))
        self._label_all()

    def changeEvent(self, event: QEvent) -> None:
        """Make room for labels in another type."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            QTimer.singleShot(0, self, self._label_all)

    def set_scale(self, scale: SliderScale) -> None:
        """Change the scale; coordinates stay."""
        if scale is not self._scale:
            self._scale = scale
            self._header.set_scale(scale)
            self._touch(self._rows)

    def set_names(self, names: Mapping[int, str]) -> None:
        """Set names of dimensions."""
        if dict(names) != self._names:
            self._names = dict(names)
            self._label_all()

    def set_values(self, values: NDArray[Any]) -> None:
        """Show coordinates, (Z,)."""
        changed = np.flatnonzero(values != self._values)
        self._values = np.array(values, np.float32)
        self._touch(changed.tolist())

    def set_locked(self, locked: NDArray[np.bool_]) -> None:
        """Show which dimensions are locked, (Z,) bool."""
        changed = np.flatnonzero(locked != self._locked)
        self._locked = locked.copy()
        self._touch(changed.tolist())

    def set_bands(self, mean: NDArray[Any] | None, deviation: NDArray[Any] | None) -> None:
        """Show a Gaussian behind each slider, given by (Z,) means and standard deviations; None: none."""
        if mean is None or deviation is None:
            self._bands = None
        else:
            self._bands = list(zip(mean.tolist(), deviation.tolist(), strict=True))
        self._touch(self._rows)

    def set_measures(
        self,
        title: str,
        values: NDArray[Any] | None,
        faint: NDArray[np.bool_] | None = None,
        full: float | None = None,
    ) -> None:
        """Show a number and a bar beside each slider.

        Args:
            title: name of the measure, for the head of the column.
            values: (Z,) not negative; None: none.
            faint: (Z,) collapsed dimensions.
            full: value of a whole bar, larger ones are cut; None: the largest value.
        """
        self._header.set_title(title if values is not None else "")
        self._measures = None if values is None else measures_of(values, faint, full)
        self._touch(self._rows)

    def set_order(self, order: Sequence[int]) -> None:
        """Show these of the dimensions ``0 … Z-1``, each once, from top to bottom."""
        assert len(set(order)) == len(order) and all(0 <= dim < self._count for dim in order)
        if list(order) != self._order:
            self._set_order(order)

    def set_current(self, dim: int) -> None:
        """Mark a dimension as current, and scroll to it when it is shown; the focus of a slider follows; -1: none."""
        if dim == self._current:
            return
        before, self._current = self._current, dim
        followed = before in self._rows and self._rows[before].slider.hasFocus()
        self._touch([d for d in (before, dim) if d >= 0])
        self._scroll_to(dim)
        if followed and dim in self._rows:
            self._rows[dim].slider.setFocus()

    def edit_name(self, dim: int) -> None:
        """Open a name field in the row of a dimension; ``renamed`` follows."""
        self._scroll_to(dim)
        if dim in self._rows:
            self._editing = dim
            row = self._rows[dim]
            self._editor.begin(
                self._names.get(dim, ""), row.x() + 4, row.y() + 3, NAMED_PX + MEASURE_PX - 8, ROW_PX - 6
            )

    def show_first(self) -> None:
        """Scroll to the first dimension."""
        self._area.verticalScrollBar().setValue(0)

    @property
    def count(self) -> int:
        """Number of dimensions."""
        return self._count

    @property
    def order(self) -> tuple[int, ...]:
        """Dimensions on display, from top to bottom."""
        return tuple(self._order)

    @property
    def in_hand(self) -> bool:
        """The pointer or the focus is at the sliders, so that their order should not change."""
        focus = self.focusWidget()
        return self.underMouse() or (focus is not None and focus.hasFocus())

    # ---- which dimensions have rows --------------------------------------------------------------------------------

    def _set_order(self, order: Iterable[int]) -> None:
        followed = self._places.get(self._current, -1) in self._span(0)
        self._order = list(order)
        self._places = {dim: place for place, dim in enumerate(self._order)}
        self._content.resize(self._area.viewport().width(), len(self._order) * ROW_PX)
        for dim, row in self._rows.items():
            if dim in self._places:
                row.move(0, self._places[dim] * ROW_PX)
            row.setVisible(dim in self._places)
        self._untabbed = True
        if followed:
            self._scroll_to(self._current)
        self._show_view()

    def _span(self, around: int) -> range:
        """Positions in view, extended by a number of rows above and below."""
        first = self._area.verticalScrollBar().value() // ROW_PX - around
        last = first + 2 * around + self._area.viewport().height() // ROW_PX + 2
        return range(max(0, first), min(len(self._order), last))

    def _kept(self) -> range:
        """Positions that have rows once all are created."""
        here = self._span(0)
        first = max(0, min((here.start + here.stop - MAX_ROWS) // 2, len(self._order) - MAX_ROWS))
        return range(first, min(len(self._order), first + MAX_ROWS))

    def _show_view(self) -> None:
        """Update rows in view now, within the time of a frame, and schedule the others."""
        self._work_on(self._span(0))
        if self._unfinished() or self._untabbed:
            self._later.start()

    def _work(self) -> None:
        """Create missing rows and update those out of view, a slice at a time."""
        self._work_on((*self._span(0), *self._kept()))
        if self._unfinished():
            self._later.start()
        elif self._untabbed:
            self._set_tab_order()

    def _unfinished(self) -> bool:
        return bool(self._stale) or any(self._order[p] not in self._rows for p in self._kept())

    def _work_on(self, places: Iterable[int]) -> None:
        deadline = time.perf_counter() + BUDGET_S
        for place in places:
            dim = self._order[place]
            if dim not in self._rows:
                self._give_row(dim)
            elif dim in self._stale:
                self._refresh(dim)
            else:
                continue
            if time.perf_counter() > deadline:
                return
        self._stale = {dim for dim in self._stale if dim in self._places and self._places[dim] in self._kept()}

    def _give_row(self, dim: int) -> None:
        row = self._free_row()
        self._rows[dim] = row
        self._bind(dim)
        row.setGeometry(0, self._places[dim] * ROW_PX, self._content.width(), ROW_PX)
        row.show()
        self._refresh(dim)
        self._untabbed = True

    def _free_row(self) -> SliderRow:
        if self._spare:
            return self._spare.pop()
        if len(self._rows) >= MAX_ROWS:
            kept = self._kept()
            focus = self.focusWidget()
            far = [dim for dim in self._rows if self._places.get(dim, -1) not in kept]
            for dim in far:
                if focus is None or not self._rows[dim].isAncestorOf(focus):
                    return self._rows.pop(dim)
        row = SliderRow(self._prefix, self._content)
        row.moved.connect(self._on_moved)
        row.locked.connect(self.locked)
        row.chosen.connect(self.chosen)
        row.refused.connect(self.refused)
        row.rename_wanted.connect(self.edit_name)
        return row

    def _put_away(self, dim: int) -> None:
        row = self._rows.pop(dim)
        row.hide()
        row.bind(-1, "", "", self._scale, self._words, self._label_px)
        self._spare.append(row)

    def _set_tab_order(self) -> None:
        self._untabbed = False
        before: QWidget | None = None
        for dim in sorted(self._rows, key=lambda dim: self._places.get(dim, self._count)):
            row = self._rows[dim]
            if before is not None:
                QWidget.setTabOrder(before, row.slider)
            QWidget.setTabOrder(row.slider, row.field)
            QWidget.setTabOrder(row.field, row.lock)
            before = row.lock

    # ---- what rows show --------------------------------------------------------------------------------------------

    def _touch(self, dims: Iterable[int]) -> None:
        """Mark dimensions whose rows are out of date."""
        self._stale.update(dim for dim in dims if dim in self._rows)
        self._show_view()

    def _label_all(self) -> None:
        labels = [dim_label(self._symbol, self._count - 1), *self._names.values()] if self._count else [""]
        self._label_px = width_of_labels(self.fontMetrics(), labels)
        self._header.set_label_px(self._label_px)
        self._touch(self._rows)

    def _bind(self, dim: int) -> None:
        plain, name = dim_label(self._symbol, dim), self._names.get(dim, "")
        full = f"{name} ({plain})" if name else plain
        self._rows[dim].bind(dim, name or plain, full, self._scale, self._words, self._label_px)

    def _refresh(self, dim: int) -> None:
        self._stale.discard(dim)
        self._bind(dim)
        row = self._rows[dim]
        row.show_sigma(float(self._values[dim]))
        row.show_locked(bool(self._locked[dim]))
        row.set_current(dim == self._current)
        row.slider.set_band(None if self._bands is None else self._bands[dim])
        text, share, faint = ("", 0.0, False) if self._measures is None else self._measures[dim]
        row.set_measure(text, share, faint=faint)

    def _scroll_to(self, dim: int) -> None:
        if dim in self._places:
            top = self._places[dim] * ROW_PX
            self._area.ensureVisible(0, top + ROW_PX // 2, 0, ROW_PX // 2 + 1)

    def _on_moved(self, dim: int, value: float) -> None:
        self._values[dim] = value
        self.moved.emit(dim, value)

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def sizeHint(self) -> QSize:
        """Size for a dozen sliders."""
        return QSize(420, 12 * ROW_PX)

    def minimumSizeHint(self) -> QSize:
        """Smallest size at which sliders are usable."""
        return QSize(352, 3 * ROW_PX)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Fit the rows to the width of the viewport."""
        if event.type() == QEvent.Type.Resize and watched is self._area.viewport():
            self._fit()
        return False

    def leaveEvent(self, event: QEvent) -> None:
        """Emit that the pointer left the bank."""
        self.left.emit()

    def _fit(self) -> None:
        width = self._area.viewport().width()
        if width != self._content.width():
            self._content.resize(width, self._content.height())
            for row in self._rows.values():
                row.resize(width, ROW_PX)
        self._header.set_row_width(width)
        self._show_view()
