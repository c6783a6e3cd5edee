"""Table of numbers, edited by mouse and keyboard, with copy and paste of several cells."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QStyledItemDelegate, QTableView, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.number_input import note_of, parse_number
from gmstudio.window.gui.widgets.when_styled import when_styled

ROW_PX, MOST_ROWS = 24, 16
LEAST_COLUMN_PX, PADDING = 36, 5
_CELLS = re.compile(r"\t|;|\s+")
Index = QModelIndex | QPersistentModelIndex
Floats = NDArray[np.float64]
Role = Qt.ItemDataRole


class NumberTableModel(QAbstractTableModel):
    """Numbers with the headings of their rows and columns.

    Signals:
        edited: the user changed the numbers.
        refused: one sentence: what was typed or pasted is no number, or does not fit.
    """

    edited = Signal()
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.values: Floats = np.zeros((0, 0))
        self.columns: tuple[str, ...] = ()
        self.rows: tuple[str, ...] = ()
        self.editable = False
        self._format = ".4g"
        self._highlighted: frozenset[tuple[int, int]] = frozenset()

    def set_numbers(
        self,
        columns: Sequence[str],
        rows: Sequence[str],
        values: Floats,
        number_format: str,
        highlighted: Sequence[tuple[int, int]],
    ) -> None:
        """Show numbers; see ``NumberTable.set_numbers``."""
        same = (tuple(columns), tuple(rows)) == (self.columns, self.rows) and values.shape == self.values.shape
        if not same:
            self.beginResetModel()
        self.columns, self.rows, self.values = tuple(columns), tuple(rows), values.astype(np.float64)
        self._format, self._highlighted = number_format, frozenset(highlighted)
        if not same:
            self.endResetModel()
        elif values.size:
            last = self.index(values.shape[0] - 1, values.shape[1] - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def rowCount(self, parent: Index | None = None) -> int:
        """Number of rows."""
        return 0 if parent is not None and parent.isValid() else self.values.shape[0]

    def columnCount(self, parent: Index | None = None) -> int:
        """Number of columns."""
        return 0 if parent is not None and parent.isValid() else self.values.shape[1]

    def text(self, row: int, column: int) -> str:
        """Number of a cell as it is shown; empty for NaN."""
        value = float(self.values[row, column])
        return "" if np.isnan(value) else format(value, self._format).replace("-", "−")

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        """Texts, alignment and looks of a cell."""
        place = index.row(), index.column()
        match role:
            case Role.DisplayRole | Role.EditRole:
                return self.text(*place)
            case Role.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Role.BackgroundRole if place in self._highlighted:
                return theme().blend("accent", "base", 0.7)
            case Role.FontRole if place in self._highlighted:
                return _bold(QFont())
            case Role.AccessibleTextRole:
                headings = self._heading(self.rows, place[0]), self._heading(self.columns, place[1])
                return f"{', '.join(headings)}: {self.text(*place)}"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        """Headings."""
        if role == Role.DisplayRole:
            return self._heading(self.columns if orientation == Qt.Orientation.Horizontal else self.rows, section)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Cells can be chosen, and edited where the table can."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if self.editable else flags

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        """Take what was typed, or refuse it in a sentence."""
        if role != Role.EditRole or str(value).strip() == self.text(index.row(), index.column()):
            return False
        return self.write(index.row(), index.column(), [[str(value)]])

    def write(self, row: int, column: int, texts: Sequence[Sequence[str]]) -> bool:
        """Write texts into a rectangle of cells, all of them or, with a sentence, none.

        Returns:
            Whether they were written.
        """
        tall, wide = len(texts), max((len(line) for line in texts), default=0)
        if row + tall > self.values.shape[0] or column + wide > self.values.shape[1]:
            rows, columns = self.values.shape[0] - row, self.values.shape[1] - column
            self.refused.emit(
                f"{tall} × {wide} cells were pasted, but only {rows} × {columns} are there from the chosen cell on; "
                "choose a cell further up or left, or copy fewer."
            )
            return False
        values = self.values.copy()
        try:
            for down, line in enumerate(texts):
                for right, text in enumerate(line):
                    values[row + down, column + right] = parse_number(text, integer=False)
        except ValueError as error:
            self.refused.emit(f"{error} The table keeps its numbers.")
            return False
        self.values = values
        self.dataChanged.emit(self.index(row, column), self.index(row + tall - 1, column + wide - 1))
        self.edited.emit()
        return True

    @staticmethod
    def _heading(names: tuple[str, ...], number: int) -> str:
        return names[number] if number < len(names) else str(number + 1)


def _bold(font: QFont) -> QFont:
    bold = QFont(font)
    bold.setBold(True)
    return bold


class _Editor(QStyledItemDelegate):
    """Editor of a cell: the whole number is selected when it opens by key or double click."""

    def createEditor(self, parent: QWidget, option: Any, index: Index) -> QWidget:
        """Create the field."""
        field = QLineEdit(parent)
        field.setAlignment(Qt.AlignmentFlag.AlignRight)
        field.setFrame(False)
        field.setAccessibleName(str(index.data(Role.AccessibleTextRole)))
        return field

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Begin with the number of the cell; new numbers of the model do not replace what is being typed."""
        if not editor.property("begun"):
            editor.setProperty("begun", True)
            super().setEditorData(editor, index)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        """Hand over what was typed."""
        assert isinstance(editor, QLineEdit)
        model.setData(index, editor.text(), Role.EditRole)


class NumberTable(QTableView):
    """Table of numbers.

    A digit, F2, Return or a double click edits the chosen cell; Ctrl+C copies the chosen cells and Ctrl+V pastes from
    the chosen cell on. What is no number is refused in a sentence below the table, which keeps its numbers.

    Signals:
        edited: all numbers, (R, C) float64, after an edit.
    """

    edited = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.numbers = NumberTableModel(self)
        self._shape: tuple[object, ...] = ()
        self._widths: list[int] = []
        self._scrolls = False
        self.setModel(self.numbers)
        self.setItemDelegate(_Editor(self))
        self.setCornerButtonEnabled(False)
        self.setTabKeyNavigation(False)  # Tab goes on to the next control
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setMinimumSectionSize(LEAST_COLUMN_PX)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.setHighlightSections(False)
            header.setSectionsClickable(False)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_PX)
        self.numbers.edited.connect(lambda: self.edited.emit(self.numbers.values.copy()))
        self.numbers.refused.connect(lambda sentence: note_of(self.window()).show_below(self, sentence, brief=True))
        theme().changed.connect(self.viewport().update)
        when_styled(self, self._fit_columns)
        self.set_editable(False)

    def set_editable(self, on: bool) -> None:
        """Let the user edit, or not."""
        self.numbers.editable = on
        triggers = QAbstractItemView.EditTrigger
        edit = triggers.DoubleClicked | triggers.EditKeyPressed | triggers.AnyKeyPressed
        self.setEditTriggers(edit if on else triggers.NoEditTriggers)
        self.setToolTip("Type a number, or press F2 or Return; Ctrl+C copies cells, Ctrl+V pastes." if on else "")

    def set_numbers(
        self,
        columns: Sequence[str],
        rows: Sequence[str],
        values: Floats,
        number_format: str = ".4g",
        highlighted: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Show numbers; a cell that is being edited keeps what was typed.

        Args:
            columns: headings.
            rows: headings.
            values: (R, C); NaN: an empty cell.
            number_format: for example ``.4f``.
            highlighted: rows and columns of cells that are set off.
        """
        self.numbers.set_numbers(columns, rows, values, number_format, highlighted)
        shape = (tuple(columns), tuple(rows), number_format)
        if shape != self._shape:
            self._shape = shape
            self._measure()
        self._share_width()

    def full_height(self) -> int:
        """Height at which all rows are visible, up to a limit."""
        rows = min(self.numbers.rowCount(), MOST_ROWS)
        bar = self.horizontalScrollBar().sizeHint().height() if self._scrolls else 0
        return self.horizontalHeader().sizeHint().height() + rows * ROW_PX + 2 * self.frameWidth() + bar

    def full_width(self) -> int:
        """Width at which all columns are visible."""
        return self.verticalHeader().sizeHint().width() + sum(self._widths) + 2 * self.frameWidth()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the new width among the columns."""
        super().resizeEvent(event)
        self._share_width()

    def _fit_columns(self) -> None:
        self._measure()
        self._share_width()

    def _measure(self) -> None:
        """Width that each column needs for its heading and its numbers, which may still change."""
        bold = QFontMetrics(_bold(self.font()))
        self._widths = []
        for column in range(self.numbers.columnCount()):
            texts = [self.numbers.text(row, column) for row in range(self.numbers.rowCount())]
            numbers = max((bold.horizontalAdvance(text) for text in texts), default=0)
            heading = self.horizontalHeader().sectionSizeHint(column)
            self._widths.append(max(numbers + 2 * PADDING, heading, LEAST_COLUMN_PX))

    def _share_width(self) -> None:
        """Stretch the columns where they have room; else give each what it needs, and scroll."""
        room = self.width() - self.verticalHeader().sizeHint().width() - 2 * self.frameWidth()
        self._scrolls = sum(self._widths) > room
        header = self.horizontalHeader()
        mode = QHeaderView.ResizeMode.Fixed if self._scrolls else QHeaderView.ResizeMode.Stretch
        if self.numbers.columnCount() and header.sectionResizeMode(0) != mode:
            header.setSectionResizeMode(mode)
        for column, width in enumerate(self._widths if self._scrolls else ()):
            if header.sectionSize(column) != width:
                header.resizeSection(column, width)

    def event(self, event: QEvent) -> bool:
        """Take digits, Return and the keys of copy and paste before shortcuts of a panel do."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            command = event.matches(QKeySequence.StandardKey.Copy) or event.matches(QKeySequence.StandardKey.Paste)
            typed = bool(event.text().strip()) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
            if command or (self.numbers.editable and (typed or event.key() in (Qt.Key.Key_Return, Qt.Key.Key_F2))):
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy, paste, and edit at Return."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        elif event.matches(QKeySequence.StandardKey.Paste) and self.numbers.editable:
            self._paste()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            if self.numbers.editable and self.state() != QAbstractItemView.State.EditingState:
                self.edit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _copy(self) -> None:
        places = [(index.row(), index.column()) for index in self.selectedIndexes()]
        if places:
            rows, columns = sorted({row for row, _ in places}), sorted({column for _, column in places})
            lines = ["\t".join(repr(float(self.numbers.values[row, column])) for column in columns) for row in rows]
            QGuiApplication.clipboard().setText("\n".join(lines))

    def _paste(self) -> None:
        text = QGuiApplication.clipboard().text().strip("\n")
        cells = [_CELLS.split(line.strip()) for line in text.splitlines() if line.strip()]
        index = self.currentIndex()
        if not cells:
            self.numbers.refused.emit("The clipboard has no text; copy cells of numbers first.")
        elif index.isValid():
            self.numbers.write(index.row(), index.column(), cells)
