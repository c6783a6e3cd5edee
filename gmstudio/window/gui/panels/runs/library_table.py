"""Model of the table of runs: one row a run, one column for each of ``COLUMNS``; texts are made when a row is drawn."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QFont

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.panels.runs.library_columns import BITS, COLUMNS, NAME, TAGS, Column, images_of, tags_of
from gmstudio.window.gui.run_text import run_name, run_tip
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.runs.listed import ListedRuns

Index = QModelIndex | QPersistentModelIndex
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class LibraryTable(QAbstractTableModel):
    """Runs of the Library page in the order of one column, or as the library lists them.

    Args:
        state: of the page.

    Attributes:
        runs: by row.
        column: by which they are sorted; −1: as the library lists them.
        descending: sorted from the largest to the smallest.
    """

    def __init__(self, state: ListedRuns) -> None:
        super().__init__(state)
        self._state = state
        self._edits = state.edits
        self.runs: list[RunInfo] = []
        self.column, self.descending = -1, False
        self._rows: dict[str, int] = {}
        self._best: dict[tuple[str, str, str], float] = {}

    def fill(self) -> bool:
        """Take the runs of the state.

        Only rows that changed are drawn again, unless runs came, went or changed places.

        Returns:
            Whether the rows are others, so that what was selected has to be selected again.
        """
        runs, before = self._sorted(self._state.runs), self.runs
        best = _best_of(runs)
        same = len(runs) == len(before) and all(a is b or a.run == b.run for a, b in zip(runs, before, strict=True))
        if not same:
            self.beginResetModel()
            self.runs, self._best = runs, best
            self._rows = {info.run: row for row, info in enumerate(runs)}
            self.endResetModel()
            return True
        self.runs = runs
        if best != self._best:
            self._best = best
            self.redraw()
            return False
        changed = [row for row, info in enumerate(runs) if info is not before[row]]
        if changed:
            self._redraw(changed[0], changed[-1])
        return False

    def redraw(self) -> None:
        """Draw all rows again, for example in other colours."""
        if self.runs:
            self._redraw(0, len(self.runs) - 1)

    def info(self, index: Index) -> RunInfo | None:
        """Return the run of a row."""
        return self.runs[index.row()] if index.isValid() and index.row() < len(self.runs) else None

    def row_of(self, run: str) -> int:
        """Return the row of a run; -1 when it has none."""
        return self._rows.get(run, -1)

    def is_best(self, info: RunInfo) -> bool:
        """Return whether no run on the same images in the table has a lower validation value; others must have one."""
        return info.best_bits is not None and self._best.get(images_of(info)) == info.best_bits

    # ---- Qt's model -------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        """Number of runs."""
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        """Number of columns, hidden ones too."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Titles of the columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = COLUMNS[section]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return column.title
            case Qt.ItemDataRole.ToolTipRole:
                return f"{column.tip}\nClick to sort; drag to move; the right button chooses the columns."
            case Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(column.number)
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Cells of the user's words are editable, but for those of examples."""
        info, flags = self.info(index), super().flags(index)
        if info is not None and not info.example and COLUMNS[index.column()].editable:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, mark and colour of a cell."""
        answer = _ANSWERS.get(role)  # most of the roles that a view asks for have no answer
        info = None if answer is None else self.info(index)
        return None if answer is None or info is None else answer(self, info, COLUMNS[index.column()])

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Rename a run, or change its tags or the first line of its note; the empty name stands for its label."""
        info = self.info(index)
        if info is None or role != Qt.ItemDataRole.EditRole:
            return False
        text, column = " ".join(str(value).split()), COLUMNS[index.column()].name
        change: dict[str, Any]
        if column == NAME:
            name = "" if text == (info.label or info.title) else text
            change, title = {"name": name}, "Rename"
        elif column == TAGS:
            change, title = {"tags": tags_of(text)}, "Change tags"
        else:
            _first, line, rest = info.note.partition("\n")
            change, title = {"note": f"{text}{line}{rest}".strip()}, "Change the note"
        self._edits.change([info.run], title, **change)
        return True

    # ---- cells ------------------------------------------------------------------------------------------------------

    def _text(self, info: RunInfo, column: Column) -> str:
        return column.text(info)

    def _edited_text(self, info: RunInfo, column: Column) -> str:
        return run_name(info) if column.name == NAME else column.text(info)

    def _tip(self, info: RunInfo, column: Column) -> str | None:
        return run_tip(info) if column.name == NAME else column.text(info) or None

    def _side(self, _info: RunInfo, column: Column) -> Qt.AlignmentFlag:
        return _alignment(column.number)

    def _icon(self, info: RunInfo, column: Column) -> Any:
        if column.name != NAME:
            return None
        if info.run == self._state.library.live:
            return theme().icon("live", "accent")
        return theme().icon("mark", "mark") if info.starred else theme().icon("runs", "muted")

    def _font(self, info: RunInfo, column: Column) -> QFont | None:
        if column.name != BITS or not self.is_best(info):
            return None
        font = QFont()
        font.setBold(True)
        return font

    def _color(self, info: RunInfo, column: Column) -> Any:
        if column.name == BITS and self.is_best(info):
            return theme().color("good")
        if column.name == "status" and info.status in ("failed", "interrupted"):
            return theme().color("error" if info.status == "failed" else "warning")
        return theme().color("muted") if info.archived or info.example or column.name == TAGS else None

    # ---- order ------------------------------------------------------------------------------------------------------

    def _sorted(self, runs: list[RunInfo]) -> list[RunInfo]:
        if self.column < 0:
            return list(runs)
        key = COLUMNS[self.column].key
        if COLUMNS[self.column].name != BITS:
            return sorted(runs, key=key, reverse=self.descending)
        if not self.descending:
            return sorted(runs, key=key)
        worst_first = sorted(runs, key=lambda i: -float("inf") if i.best_bits is None else i.best_bits, reverse=True)
        return sorted(worst_first, key=images_of)

    def _redraw(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(COLUMNS) - 1))


_ANSWERS: dict[int, Callable[[LibraryTable, RunInfo, Column], Any]] = {
    Qt.ItemDataRole.DisplayRole: LibraryTable._text,
    Qt.ItemDataRole.EditRole: LibraryTable._edited_text,
    Qt.ItemDataRole.ToolTipRole: LibraryTable._tip,
    Qt.ItemDataRole.TextAlignmentRole: LibraryTable._side,
    Qt.ItemDataRole.DecorationRole: LibraryTable._icon,
    Qt.ItemDataRole.FontRole: LibraryTable._font,
    Qt.ItemDataRole.ForegroundRole: LibraryTable._color,
}


def _best_of(runs: list[RunInfo]) -> dict[tuple[str, str, str], float]:
    """Lowest validation value of each group of runs on the same images that has two of them at least."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for info in runs:
        if info.best_bits is not None and info.data_digest:
            found.setdefault(images_of(info), []).append(info.best_bits)
    return {images: min(values) for images, values in found.items() if len(values) > 1}


def _alignment(number: bool) -> Qt.AlignmentFlag:
    return RIGHT if number else LEFT
