"""Table of the models and the numbers of their scores."""

import math
from typing import NamedTuple

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
)

from gmstudio.protocol.density import ScoreKind
from gmstudio.window.gui.panels.density.models_list import swatch
from gmstudio.window.gui.panels.density.score_words import CHIPS, NO_NUMBER, number_text
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.state.density.scores import Figures

KIND = Qt.ItemDataRole.UserRole
COLUMNS = (
    ("Model", "Whose scores order the images when its row is clicked."),
    ("Kind", "Exact, a lower bound of log p, an estimate of it, or a value that is no log-likelihood."),
    ("Mean ± SE", "Mean of the scores of all images, and its standard error."),
    ("bits/dim", "Mean −log₂ p per sub-pixel; where the scores are bounds, at most that."),
    ("Images", "Images with a finite score."),
    ("Step", "Training step of the weights; * where the model was trained further since."),
    ("This image", "Score of the image that is open, and its standard error where it is no exact one."),
)
CHIP_MARGIN = 3
LESS_IMPORTANT = (5, 4)
"""Columns that give way to the names of the models."""
NAME_LETTERS = 18


class ScoreRow(NamedTuple):
    """Row of the table.

    Args:
        run: name of the run.
        name: of the row.
        colour: of the run's curves.
        kind: of its scores; None: there are none yet.
        kind_text: the kind in words.
        figures: its numbers; None: there are none yet.
        step: of the weights.
        stale: there are other weights by now.
        image: score of the open image; NaN: none is open.
        image_error: its standard error; NaN: it is exact.
        problem: why there are no scores, a sentence; "".
    """

    run: str
    name: str
    colour: QColor
    kind: ScoreKind | None = None
    kind_text: str = ""
    figures: Figures | None = None
    step: int = 0
    stale: bool = False
    image: float = math.nan
    image_error: float = math.nan
    problem: str = ""


class _Chips(QStyledItemDelegate):
    """Draws the kind of scores as a word in a coloured frame."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint the cell, then the chip."""
        super().paint(painter, option, index)
        kind = index.data(KIND)
        if kind not in CHIPS:
            return
        word, role = CHIPS[kind]
        rect = QRectF(option.rect).adjusted(CHIP_MARGIN, CHIP_MARGIN, -CHIP_MARGIN, -CHIP_MARGIN)
        rect.setWidth(min(rect.width(), painter.fontMetrics().horizontalAdvance(word) + 2 * GRID))
        colour, back = theme().color(role), theme().color(role)
        back.setAlphaF(0.18)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colour)
        painter.setBrush(back)
        painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, word)
        painter.restore()


WIDEST = ("", "estimate", "−1,000.00 ± 10.00", "≤ 10.000", "100,000", "100,000*", "−1,000.00")
"""Values of each column that it has the width of."""


class ScoreTable(QTableWidget):
    """Models in rows, the numbers of their scores in columns.

    Signals:
        chosen: name of the run whose row was clicked, or reached by a key.
    """

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__(0, len(COLUMNS))
        self._runs: list[str] = []
        for column, (title, tip) in enumerate(COLUMNS):
            header = QTableWidgetItem(title)
            header.setToolTip(tip)
            right = Qt.AlignmentFlag.AlignRight if column > 1 else Qt.AlignmentFlag.AlignLeft
            header.setTextAlignment(right | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, header)
        self.setItemDelegateForColumn(1, _Chips(self))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of runs differ at their end
        self.verticalHeader().hide()
        heading = self.horizontalHeader()
        heading.setHighlightSections(False)
        heading.setStretchLastSection(False)
        self._widths: list[int] = []
        self._name_width = 0
        self._measure()
        heading.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        heading.setMinimumSectionSize(6 * GRID)
        self._tint()
        theme().changed.connect(self._tint)
        self.currentCellChanged.connect(lambda row, *_: self._on_row(row))

    def changeEvent(self, event: QEvent) -> None:
        """Widen the columns for larger type, as of a presentation."""
        super().changeEvent(event)
        larger = event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange)
        if larger and getattr(self, "_widths", None):  # Qt sends it while the table is made, too
            self._measure()
            self._leave_out()

    def _measure(self) -> None:
        """Give each column the width of its widest value, and rows the height of a line."""
        metrics = self.fontMetrics()
        self.verticalHeader().setDefaultSectionSize(metrics.height() + GRID)
        self._name_width = NAME_LETTERS * metrics.averageCharWidth()
        self._widths = [
            max(metrics.horizontalAdvance(text) for text in (sample, title)) + 2 * GRID
            for sample, (title, _) in zip(WIDEST, COLUMNS, strict=True)
        ]
        for column, width in enumerate(self._widths):
            self.setColumnWidth(column, width)

    def _tint(self) -> None:
        """Mark the chosen row softly, so that chips and colours stay legible on it."""
        back, text = theme().blend("accent", "base", 0.75).name(), theme().color("text").name()
        self.setStyleSheet(f"QTableView::item:selected {{ background: {back}; color: {text}; }}")

    def sizeHint(self) -> QSize:
        """Size of four rows."""
        return QSize(56 * GRID, 5 * (self.fontMetrics().height() + GRID) + GRID)

    def minimumSizeHint(self) -> QSize:
        """Size of two rows."""
        return QSize(30 * GRID, 3 * (self.fontMetrics().height() + GRID) + GRID)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the step, then the number of images, where the names of the models have no room."""
        super().resizeEvent(event)
        self._leave_out()

    def _leave_out(self) -> None:
        room = self.viewport().width()
        needed = self._name_width + sum(self._widths[1:])
        for column in LESS_IMPORTANT:
            self.setColumnHidden(column, needed > room)
            needed -= self._widths[column] if needed > room else 0

    def show_rows(self, rows: list[ScoreRow], unit: str, chosen: str) -> None:
        """Show rows.

        Args:
            rows: of the models.
            unit: of the scores.
            chosen: name of the run whose row is marked.
        """
        self.blockSignals(True)
        self._runs = [row.run for row in rows]
        self.setRowCount(len(rows))
        mean = self.horizontalHeaderItem(2)
        assert mean is not None
        mean.setText(f"Mean ± SE, {unit}" if unit else "Mean ± SE")
        for number, row in enumerate(rows):
            self._show_row(number, row)
            if row.run == chosen:
                self.setCurrentCell(number, 0)
        self.blockSignals(False)

    def _show_row(self, number: int, row: ScoreRow) -> None:
        texts = [row.name, "", NO_NUMBER, NO_NUMBER, NO_NUMBER, NO_NUMBER, NO_NUMBER]
        figures = row.figures
        if figures is not None:
            error = "" if math.isnan(figures.error) else f" ± {number_text(figures.error)}"
            bound = "≤ " if row.kind == "lower bound" and not math.isnan(figures.bits) else ""
            texts[2] = f"{number_text(figures.mean)}{error}"
            texts[3] = f"{bound}{number_text(figures.bits, 3)}"
            texts[4] = f"{figures.number:,}"
            texts[5] = f"{row.step:,}{'*' if row.stale else ''}"
        if not math.isnan(row.image) or row.figures is not None:
            texts[6] = number_text(row.image)
        if row.problem:
            texts[2] = row.problem
        items = []
        for column, text in enumerate(texts):
            item = self.item(number, column)
            if item is None:
                item = QTableWidgetItem()
                right = Qt.AlignmentFlag.AlignRight if column > 1 else Qt.AlignmentFlag.AlignLeft
                item.setTextAlignment(right | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(number, column, item)
            items.append(item)
            item.setText(text)
            item.setToolTip(row.problem or (row.kind_text if column == 1 else text))
        if not math.isnan(row.image_error):
            items[6].setToolTip(f"{texts[6]} ± {number_text(row.image_error)}")
        name, kind, mean = items[:3]
        name.setIcon(swatch(row.colour))
        kind.setData(KIND, row.kind)
        mean.setForeground(theme().color("error" if row.problem else "text"))
        alignment = Qt.AlignmentFlag.AlignLeft if row.problem else Qt.AlignmentFlag.AlignRight
        mean.setTextAlignment(alignment | Qt.AlignmentFlag.AlignVCenter)
        span = len(COLUMNS) - 2 if row.problem else 1
        if self.columnSpan(number, 2) != span:
            self.setSpan(number, 2, 1, span)

    def _on_row(self, row: int) -> None:
        if 0 <= row < len(self._runs):
            self.chosen.emit(self._runs[row])
