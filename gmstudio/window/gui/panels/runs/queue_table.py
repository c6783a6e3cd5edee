"""Table of the queue: one row an entry, moved by drag and drop."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QByteArray, QMimeData, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from gmstudio.protocol.runs_queue import QUEUE_ENDED, QueueEntry
from gmstudio.window.gui.progress_text import duration_text
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.runs.queue import QueueState

Index = QModelIndex | QPersistentModelIndex
MIME = "application/x-gmstudio-queue"
NUMBER, LABEL, DATA, STATUS, PROGRESS, TIME, MESSAGE = range(7)
COLUMNS = (
    ("", "Place in the queue"),
    ("Run", "What differs from the defaults, or from the other runs of a grid"),
    ("Data", "Name of the data and size of the images"),
    ("Status", "Where the entry stands"),
    ("Steps", "Training steps that are made"),
    ("Time", "Time that it took, or still takes: measured on the runs like it that have trained"),
    ("Note", "Name of the run, or why it failed or waits again"),
)
NOT_MEASURED = "not measured yet"
SHARE_ROLE = Qt.ItemDataRole.UserRole
"""Share of the steps that are made, 0 to 1."""


class QueueTable(QAbstractTableModel):
    """Entries of the queue.

    Args:
        state: of the page.
    """

    def __init__(self, state: QueueState) -> None:
        super().__init__(state)
        self._state = state
        self._keys: tuple[str, ...] = ()

    def fill(self) -> bool:
        """Take the entries of the state; returns whether the rows are others."""
        keys = tuple(entry.key for entry in self._state.entries)
        if keys != self._keys:
            self.beginResetModel()
            self._keys = keys
            self.endResetModel()
            return True
        self.redraw()
        return False

    def redraw(self) -> None:
        """Draw all rows again."""
        if self._keys:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._keys) - 1, len(COLUMNS) - 1))

    def entry(self, index: Index) -> QueueEntry | None:
        """Return the entry of a row."""
        entries = self._state.entries
        return entries[index.row()] if index.isValid() and index.row() < len(entries) else None

    def rows_of(self, keys: Sequence[str]) -> list[int]:
        """Return the rows of entries."""
        return [row for row, key in enumerate(self._keys) if key in keys]

    # ---- Qt's model -------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        """Number of entries."""
        return 0 if parent.isValid() else len(self._keys)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        """Number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section][0]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return COLUMNS[section][1]
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Rows can be dragged between others."""
        flags = super().flags(index)
        return flags | (Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else Qt.ItemFlag.ItemIsDropEnabled)

    def supportedDropActions(self) -> Qt.DropAction:
        """Entries are moved."""
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        """Form of dragged entries."""
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """Keys of the dragged entries."""
        found = [self.entry(index) for index in indexes if index.column() == 0]
        data = QMimeData()
        data.setData(MIME, QByteArray(",".join(entry.key for entry in found if entry is not None).encode()))
        return data

    def dropMimeData(self, data: QMimeData, _action: Qt.DropAction, row: int, _column: int, _parent: Index) -> bool:
        """Move dragged entries before a row; returns False, as the view must not remove the rows itself."""
        keys = bytes(data.data(MIME).data()).decode().split(",")
        entries = self._state.entries
        if data.hasFormat(MIME):
            wanted = row if row >= 0 else len(entries)
            below = next((entry.key for entry in entries[wanted:] if entry.key not in keys), "")
            self._state.move(keys, below)
        return False

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text and colour of a cell."""
        entry = self.entry(index)
        if entry is None:
            return None
        column = index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(entry, column, index.row())
            case Qt.ItemDataRole.ToolTipRole:
                return self._text(entry, column, index.row()) or None
            case Qt.ItemDataRole.TextAlignmentRole if column in (NUMBER, TIME):
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.ForegroundRole:
                return _colour(entry, column)
            case Qt.ItemDataRole.UserRole if column == PROGRESS:
                step, steps = self._state.steps_of(entry)
                return min(step / steps, 1.0) if steps else 0.0
        return None

    def _text(self, entry: QueueEntry, column: int, row: int) -> str:
        match column:
            case 0:
                return f"{row + 1}"
            case 1:
                return entry.label
            case 2:
                return entry.data_label
            case 3:
                return _status(entry)
            case 4:
                step, steps = self._state.steps_of(entry)
                return f"{step:,} of {steps:,}"
            case 5:
                return self._time(entry)
        return entry.message or entry.run

    def _time(self, entry: QueueEntry) -> str:
        if entry.status in QUEUE_ENDED:
            return duration_text(entry.seconds) if entry.seconds else ""
        left = self._state.seconds_left(entry)
        return NOT_MEASURED if left < 0 else f"{duration_text(left)} left"


class ProgressCell(QStyledItemDelegate):
    """Cell with a bar behind its text.

    Args:
        parent: the view.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the bar, then the text."""
        share = index.data(SHARE_ROLE)
        if isinstance(share, float) and share > 0:
            bar = option.rect.adjusted(2, 3, -2, -3)
            bar.setWidth(round(bar.width() * share))
            painter.fillRect(bar, theme().blend("base", "accent", 0.3))
        super().paint(painter, option, index)


def _status(entry: QueueEntry) -> str:
    if entry.status == "running":
        return "in training" if entry.run else "being started"
    return "waits, begun" if entry.status == "waiting" and entry.run else entry.status


def _colour(entry: QueueEntry, column: int) -> Any:
    if column == STATUS and entry.status == "failed":
        return theme().color("error")
    if column == STATUS and entry.status == "running":
        return theme().color("accent")
    if entry.status in QUEUE_ENDED or column in (NUMBER, DATA, MESSAGE):
        return theme().color("muted")
    return None
