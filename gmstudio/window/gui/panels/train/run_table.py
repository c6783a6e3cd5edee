"""Model of the list of runs: their names with a check box for the curves, and their figures; then the examples."""

from collections import Counter
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from gmstudio.protocol.runs import RunInfo, bits_text
from gmstudio.window.gui.run_text import run_name, run_tip, started_text
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.curves import headline_of, term_of
from gmstudio.window.state.training.state import TrainingState

COLUMNS = ("Run", "bits/dim")
FIGURE_TIP = (
    "Lowest validation −log p(x), or bound of it, in bits per dimension: comparable between runs on the same data. "
    "Click to sort, within each data set; click Run for the newest first."
)
SWATCH = 12
STAR = "★ "
EXAMPLES = "Examples\nRead-only: Train on continues a copy"
"""Two lines, as those of the runs: all rows have one height."""
Index = QModelIndex | QPersistentModelIndex


class RunTable(QAbstractTableModel):
    """Runs of the library, one a row, the examples below a row that is their heading.

    Texts are made when a row is drawn.

    Args:
        state: state of training.
        library: library of runs.
    """

    def __init__(self, state: TrainingState, library: RunLibrary) -> None:
        super().__init__(state)
        self._state, self._library = state, library
        self._by_figure = False
        self._descending = False
        self._alike: Counter[str] = Counter()
        """Number of runs with a title; those that share one show their start."""
        self.runs: list[RunInfo | None] = []
        """Runs by row; None: the heading of the examples."""

    def fill(self) -> None:
        """Take the library's runs; only rows that changed are drawn again, unless runs came, went or changed places."""
        own = self._sorted([info for info in self._library.runs if not info.example])
        examples = self._sorted([info for info in self._library.runs if info.example])
        before = self.runs
        runs: list[RunInfo | None] = [*own, None, *examples] if examples else [*own]
        if len(runs) == len(before) and self._take_changed(runs):
            return
        alike = Counter(_title(info) for info in runs if info is not None)
        self.beginResetModel()
        self.runs, self._alike = runs, alike
        self.endResetModel()

    def _take_changed(self, runs: list[RunInfo | None]) -> bool:
        """Draw those rows again that changed; return False, and change nothing, where other rows change with them."""
        changed = [row for row, (info, known) in enumerate(zip(runs, self.runs, strict=True)) if info is not known]
        for row in changed:
            info, known = runs[row], self.runs[row]
            if info is None or known is None or info.run != known.run or _title(info) != _title(known):
                return False
        self.runs = runs
        for row in changed:
            self._redraw(row, row)
        return True

    def refresh(self) -> None:
        """Draw all rows again, for example in other colours."""
        if self.runs:
            self._redraw(0, len(self.runs) - 1)

    def refresh_live(self) -> None:
        """Draw the row of the run in training again."""
        row = self.row_of(self._state.live)
        if row >= 0:
            self._redraw(row, row)

    def _redraw(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first, 0), self.index(last, len(COLUMNS) - 1))

    def info(self, index: Index) -> RunInfo | None:
        """Return the run of a row."""
        return self.runs[index.row()] if index.isValid() and index.row() < len(self.runs) else None

    def row_of(self, run: str) -> int:
        """Return the row of a run; -1 when it has none."""
        return next((row for row, info in enumerate(self.runs) if info is not None and info.run == run), -1)

    def neighbour(self, run: str) -> str:
        """Return the run in the row below that of another; for the user's last one that above; "" for the only one."""
        own = [info.run for info in self.runs if info is not None and not info.example]
        row = own.index(run) if run in own else 0
        others = own[row + 1 : row + 2] or own[max(row - 1, 0) : row]
        return others[0] if others else ""

    # ---- Qt's model -------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:
        """Number of runs."""
        return 0 if parent.isValid() else len(self.runs)

    def columnCount(self, parent: Index = QModelIndex()) -> int:
        """Number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Titles of the columns."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section]
            if role == Qt.ItemDataRole.ToolTipRole and section == 1:
                return FIGURE_TIP
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """The first column is checked for its curves and edited for its name, which examples keep."""
        info, flags = self.info(index), super().flags(index)
        if info is None:
            return Qt.ItemFlag.NoItemFlags
        if index.column() == 0:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
            flags |= Qt.ItemFlag.NoItemFlags if info.example else Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Text, check box and colour of a run."""
        info = self.info(index)
        if info is None:
            is_title = index.isValid() and index.column() == 0 and role == Qt.ItemDataRole.DisplayRole
            return EXAMPLES if is_title else None
        if index.column() == 1:
            if role == Qt.ItemDataRole.DisplayRole:
                return self.figure(info)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            return right if role == Qt.ItemDataRole.TextAlignmentRole else None
        color = self._state.overlays.get(info.run)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{STAR if info.starred else ''}{run_name(info)}\n{self._second_line(info)}"
            case Qt.ItemDataRole.EditRole:
                return run_name(info)
            case Qt.ItemDataRole.ToolTipRole:
                return run_tip(info)
            case Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Unchecked if color is None else Qt.CheckState.Checked
            case Qt.ItemDataRole.DecorationRole:
                return _swatch(None if color is None else theme().series(color))
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Check a run for its curves, or name it; the empty name, or its label, stands for its label."""
        info = self.info(index)
        if info is None:
            return False
        if role == Qt.ItemDataRole.CheckStateRole:
            self._state.check_overlay(info.run, Qt.CheckState(value) == Qt.CheckState.Checked)
            return True
        name = str(value).strip()
        name = "" if name == info.label else name
        if role == Qt.ItemDataRole.EditRole and name != info.name:
            self._state.run_edits.change([info.run], "Rename", name=name)
            return True
        return False

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by the figure within each data set, or (column 0, and -1) as the library does: starred, then newest."""
        self._by_figure, self._descending = column == 1, order == Qt.SortOrder.DescendingOrder
        self.fill()

    # ---- words ------------------------------------------------------------------------------------------------------

    def figure(self, info: RunInfo) -> str:
        """Lowest validation −log p(x), from the curves where they are loaded; empty where none compares."""
        history, objective = self._state.history(info.run), self._state.objective_of(info.run)
        name = headline_of(objective, history)
        term = term_of(objective, name)
        best = history.best(name) if term is not None and term.per_image_nats else None
        bits = info.best_bits if best is None else info.image.bits_per_dim(best[1])
        return bits_text(info, bits).removesuffix(f" {COLUMNS[1]}")

    def _second_line(self, info: RunInfo) -> str:
        live = info.run == self._state.live
        step = max(info.step, self._state.history(info.run).last_step()) if live else info.step
        status = "training" if live else "elsewhere" if info.writer else info.status
        progress = f"{step:,} steps" if status == "finished" else f"{status}, step {step:,}"
        started = started_text(info) if self._alike[_title(info)] > 1 else ""
        return " · ".join(filter(None, (info.data_label, progress, started)))

    def _sorted(self, runs: list[RunInfo]) -> list[RunInfo]:
        if not self._by_figure:
            return runs[::-1] if self._descending else runs
        sign = -1.0 if self._descending else 1.0
        none = float("inf")
        return sorted(runs, key=lambda r: (r.data_label, none if r.best_bits is None else sign * r.best_bits))


def _path(info: RunInfo | None) -> str:
    return "" if info is None else info.run


def _title(info: RunInfo) -> str:
    return f"{run_name(info)} · {info.data_label}"


def _swatch(color: QColor | None) -> QIcon:
    """Colour of a run's curves, framed so that it is visible on the selected row."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(theme().color("base") if color is not None else Qt.GlobalColor.transparent)
    if color is not None:
        painter = QPainter(pixmap)
        painter.fillRect(pixmap.rect().adjusted(1, 1, -1, -1), color)
        painter.end()
    return QIcon(pixmap)
