"""Runs that are compared, each with its colour, and the choice of one more."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_text import RunLines, run_tip
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.slot_strip import Slot, SlotStrip
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import MAX_COMPARED

LETTERS = 12
"""Letters that the closed list of runs has room for."""
MAX_LISTED = 200
"""Runs of the list; the Library page compares any others."""
MORE = "More runs: choose them in the Library page, and Compare there"
MAX_POPUP_WIDTH = 720
TIP = f"Compare one more run, up to {MAX_COMPARED}"


class AddRunBox(QComboBox):
    """List of the runs that are not compared yet, filled when it opens; a choice adds the run.

    Signals:
        wanted: the run that was chosen.
    """

    wanted = Signal(str)

    def __init__(self, library: RunLibrary) -> None:
        super().__init__()
        self._library, self._lines = library, RunLines()
        self.left_out: tuple[str, ...] = ()
        self.setPlaceholderText("Add a run …")
        self.setMinimumContentsLength(LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.activated.connect(self._on_activated)

    def showPopup(self) -> None:
        """Fill the list, and open it as wide as its lines up to a limit."""
        self.fill()
        wanted = self.view().sizeHintForColumn(0) + self.view().verticalScrollBar().sizeHint().width()
        self.view().setMinimumWidth(min(wanted, MAX_POPUP_WIDTH))
        super().showPopup()

    def fill(self) -> None:
        """List the runs, newest first."""
        runs = [info for info in self._library.runs if info.run not in self.left_out]
        listed = runs[:MAX_LISTED]
        self.clear()
        for info, line in zip(listed, self._lines.of(listed, self._library.live), strict=True):
            self.addItem(theme().icon("runs", "muted"), line, info.run)
            self.setItemData(self.count() - 1, run_tip(info), Qt.ItemDataRole.ToolTipRole)
        if len(runs) > len(listed):
            self.addItem(MORE)
            model = self.model()
            assert isinstance(model, QStandardItemModel)
            model.item(self.count() - 1).setEnabled(False)
        self.setCurrentIndex(-1)

    def _on_activated(self, index: int) -> None:
        run = self.itemData(index)
        self.setCurrentIndex(-1)
        if run:
            self.wanted.emit(str(run))


class CompareChooser(QWidget):
    """Row with the compared runs.

    Args:
        panel: that the controls belong to.
        state: the compared runs.
        control: beginning of the controls' names.
    """

    def __init__(self, panel: Panel, state: CompareState, control: str = "compare") -> None:
        super().__init__()
        self._state = state
        self.strip = SlotStrip(MAX_COMPARED, f"{panel.name}.{control}_runs", "run")
        self.strip.setAccessibleName("Compared runs")
        self.add = AddRunBox(state.library)
        panel.name_widget(self.add, f"{control}_add", "Add a run", TIP)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.strip, 1)
        row.addWidget(self.add)
        self.add.wanted.connect(state.add)
        self.strip.removed.connect(lambda number: state.remove(state.runs[number]))
        self.strip.moved.connect(lambda number: state.move(state.runs[number], -1))
        for change in (state.runs_changed, theme().changed):
            change.connect(self._show)
        self._show()

    def _show(self) -> None:
        state, names = self._state, self._state.names()
        self.strip.set_slots([run_slot(state, run, names.get(run, run)) for run in state.runs])
        full = len(state.runs) >= MAX_COMPARED
        self.add.left_out = state.runs
        self.add.setEnabled(not full)
        self.add.setToolTip(f"{TIP}. Remove one first." if full else f"{TIP}.")


def run_slot(state: CompareState, run: str, name: str) -> Slot:
    """Return the content of a run's slot."""
    info, problem = state.library.info(run), state.problems.get(run, "")
    return Slot(name, theme().series(state.colour(run)), problem or (run_tip(info) if info else run), bool(problem))
