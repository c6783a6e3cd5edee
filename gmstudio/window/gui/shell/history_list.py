"""List of the history: every step that can be undone or redone; a click goes back, or forward, to there."""

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QDialog, QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.history import MAX_STEPS, History

SIZE = QSize(360, 420)
BEGINNING = "Beginning"
TIP = "A click, or Return, goes back or forward to the state after that step."
EXPLAINED = f"The last {MAX_STEPS} steps of all panels. Those that are undone are grey."


class HistoryList(QDialog):
    """Window with the steps of a history, which does not keep the others from being used.

    Args:
        history: edits of all panels.
        parent: window above which it stays.
    """

    def __init__(self, history: History, parent: QWidget) -> None:
        super().__init__(parent)
        self._history = history
        self.setObjectName("history_list")
        self.setWindowTitle("History")
        self.setWindowFlag(Qt.WindowType.Tool)
        self.setModal(False)
        self._list = QListWidget()
        self._list.setObjectName("window.history_steps")
        self._list.setAccessibleName("Steps of the history")
        self._list.setToolTip(TIP)
        self._list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setUniformItemSizes(True)
        hint = QLabel(EXPLAINED)
        hint.setProperty("role", "muted")
        hint.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, GRID)
        column.setSpacing(GRID)
        column.addWidget(self._list, 1)
        column.addWidget(hint)
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._fill)
        history.changed.connect(self._later.start)
        self._list.itemClicked.connect(self._go)
        self._list.itemActivated.connect(self._go)
        self.resize(SIZE)
        self._fill()

    def _fill(self) -> None:
        """List the steps, the newest at the end, with the present place chosen."""
        titles = [BEGINNING, *(step.title for step in self._history.steps)]
        while self._list.count() > len(titles):
            self._list.takeItem(self._list.count() - 1)
        while self._list.count() < len(titles):
            self._list.addItem(QListWidgetItem())
        palette = self.palette()
        groups = QPalette.ColorGroup
        for row, title in enumerate(titles):
            item = self._list.item(row)
            group = groups.Disabled if row > self._history.index else groups.Active
            item.setText(title)
            item.setToolTip(title)
            item.setForeground(palette.brush(group, QPalette.ColorRole.Text))
        self._list.setCurrentRow(self._history.index)

    def _go(self, item: QListWidgetItem) -> None:
        self._history.go_to(self._list.row(item))
