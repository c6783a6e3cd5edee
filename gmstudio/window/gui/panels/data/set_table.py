"""Model of the list of data sets: those that come with the program, those imported, and those to download."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from gmstudio.window.gui.progress_text import memory_text
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.data.state import DataState

SHIPPED_TITLE = "With gmstudio"
IMPORTED_TITLE = "Imported"
REMOTE_TITLE = "To download"
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class SetRow:
    """A row of the list.

    Args:
        title: name of a data set, or a heading.
        figure: number of images, or size of the download; empty where it is not known.
        tip: tooltip.
        source: key of a source that comes with the program; empty otherwise.
        folder: of an imported set; empty otherwise.
        remote: key of a set that can be downloaded; empty otherwise.
    """

    title: str
    figure: str = ""
    tip: str = ""
    source: str = ""
    folder: str = ""
    remote: str = ""

    @property
    def is_heading(self) -> bool:
        """The row is no data set."""
        return not (self.source or self.folder or self.remote)


class SetTable(QAbstractTableModel):
    """Data sets, one a row, below headings.

    Args:
        state: state of the panel.
    """

    def __init__(self, state: DataState) -> None:
        super().__init__(state)
        self._state = state
        self.rows: list[SetRow] = []

    def fill(self) -> None:
        """Take the data sets of the state."""
        rows = [SetRow(SHIPPED_TITLE), *(self._shipped())]
        rows += [SetRow(IMPORTED_TITLE), *self._imported()]
        rows += [SetRow(REMOTE_TITLE), *self._remote()]
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def _shipped(self) -> list[SetRow]:
        return [
            SetRow(entry.title.partition(" (")[0], "", f"{entry.title}\n{entry.summary}", source=entry.name)
            for entry in self._state.shipped
        ]

    def _imported(self) -> list[SetRow]:
        return [
            SetRow(
                info.name,
                f"{info.size:,}",
                f"{info.size:,} {info.content} of {info.image}\nImported from {info.source}",
                folder=info.folder,
            )
            for info in self._state.sets.sets
        ]

    def _remote(self) -> list[SetRow]:
        return [
            SetRow(remote.title, memory_text(remote.bytes), f"{remote.summary}\n{remote.licence}", remote=remote.name)
            for remote in self._state.downloads.sets
        ]

    def shown_row(self) -> int:
        """Return the row of what the panel shows; -1 when it has none."""
        state = self._state
        opened = state.opened
        wanted = {
            "set": ("" if opened.folder else opened.data, opened.folder, ""),
            "download": ("", "", state.downloads.chosen),
        }.get(state.view)
        keys = ((row.source, row.folder, row.remote) for row in self.rows)
        return next((number for number, key in enumerate(keys) if any(key) and key == wanted), -1)

    @property
    def shown(self) -> SetRow | None:
        """Data set that the panel shows."""
        row = self.shown_row()
        return self.rows[row] if row >= 0 else None

    def at(self, index: Index) -> SetRow | None:
        """Return the data set of a row; None for headings."""
        row = self.rows[index.row()] if index.isValid() and index.row() < len(self.rows) else None
        return None if row is None or row.is_heading else row

    # ---- Qt's model ----------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index | None = None) -> int:
        """Number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, _parent: Index | None = None) -> int:
        """Name and number of images."""
        return 2

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings cannot be chosen; names of imported sets can be edited."""
        row = self.at(index)
        if row is None:
            return Qt.ItemFlag.NoItemFlags
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if row.folder and index.column() == 0 else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, tooltip, font and colour of a cell."""
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.figure if index.column() else row.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.tip
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column():
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.FontRole and row.is_heading:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.ForegroundRole and (row.is_heading or index.column()):
            return theme().color("muted")
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Rename an imported set."""
        row = self.at(index)
        if row is None or not row.folder or role != Qt.ItemDataRole.EditRole:
            return False
        if str(value).strip() != row.title:
            self._state.set_edits.rename(row.folder, str(value).strip())
        return True
