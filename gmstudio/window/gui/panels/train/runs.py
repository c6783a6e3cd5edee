"""Runs in the Train panel: choice of the curves, of the selected run, and of the end of a resumed run."""

from PySide6.QtCore import QModelIndex, QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QHeaderView, QLabel, QTreeWidget, QTreeWidgetItem, QVBoxLayout

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.forms.editors import NumberEdit
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.curves import headline_of, loss_compares, number
from gmstudio.window.state.training.state import RESUMABLE, TrainingState

RUN_ROLE = Qt.ItemDataRole.UserRole
SWATCH = 12
REFRESH_MS = 500
COLUMNS = ("Run", "Best")


class RunsView(ActiveWidget):
    """List of runs with check boxes for their curves; selecting a run shows its samples, terms and status.

    Args:
        state: state of training.
        library: library of runs.
        panel: panel that names the controls.
    """

    def __init__(self, state: TrainingState, library: RunLibrary, panel: Panel) -> None:
        super().__init__()
        self._state = state
        self._library = library
        self._items: dict[str, QTreeWidgetItem] = {}
        self._tree = QTreeWidget(self)
        self._tree.setHeaderLabels(list(COLUMNS))
        self._tree.setRootIsDecorated(False)
        self._tree.setTextElideMode(Qt.TextElideMode.ElideLeft)  # titles differ at their end
        self._tree.setUniformRowHeights(True)
        self._tree.setAllColumnsShowFocus(True)
        self._tree.header().setStretchLastSection(False)
        self._tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        tip = "Select a run to show it. Check runs to overlay their curves."
        panel.name_widget(self._tree, "runs", "Runs", tip)
        self._until_label = QLabel("Resume until step", self)
        self._until = NumberEdit(whole=True, low=1, high=10_000_000, log=True, parent=self)
        self._until_label.setBuddy(self._until)
        panel.name_widget(
            self._until,
            "until",
            "Resume until step",
            "Number of steps after which the selected run ends when it is resumed.",
        )
        self._empty = QLabel("No runs yet. Runs are listed here to be compared and resumed.", self)
        self._empty.setProperty("role", "muted")
        self._empty.setWordWrap(True)
        row = QHBoxLayout()
        row.addWidget(self._until_label)
        row.addWidget(self._until, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._empty)
        layout.addWidget(self._tree, 1)
        layout.addLayout(row)
        self._tree.currentItemChanged.connect(self._on_current_changed)
        self._tree.itemChanged.connect(self._on_item_changed)
        self._until.edited.connect(self._on_until_edited)
        library.changed.connect(self._fill)
        state.overlays_changed.connect(self._fill)
        state.run_changed.connect(self._fill)
        state.status_changed.connect(self._show_until)
        state.history_changed.connect(self._on_history_changed)
        theme().changed.connect(self._fill)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._fill)
        self._fill()

    def _on_history_changed(self, run: str) -> None:
        if self.active and not self._timer.isActive():
            self._timer.start()

    def set_active(self, active: bool) -> None:
        """Update the steps and losses, which do not follow the history while hidden."""
        if active:
            self._fill()

    def _fill(self) -> None:
        """Fill the list; rows are replaced only when runs were added or removed."""
        runs = self._library.runs
        self._empty.setVisible(not runs)
        self._tree.setVisible(bool(runs))
        with QSignalBlocker(self._tree):
            if [r.run for r in runs] != list(self._items):
                self._tree.clear()
                self._items = {info.run: QTreeWidgetItem(self._tree) for info in runs}
            for info in runs:
                self._describe(self._items[info.run], info)
            selected = self._items.get(self._state.run)
            if selected is not None:
                self._tree.setCurrentItem(selected)
            else:
                self._tree.setCurrentIndex(QModelIndex())
        self._show_until()

    def _describe(self, item: QTreeWidgetItem, info: RunInfo) -> None:
        color = self._state.overlays.get(info.run)
        item.setData(0, RUN_ROLE, info.run)
        item.setCheckState(0, Qt.CheckState.Unchecked if color is None else Qt.CheckState.Checked)
        item.setIcon(0, _swatch(None if color is None else theme().series(color)))
        live = info.run == self._state.live
        step = max(info.step, self._state.history(info.run).last_step()) if live else info.step
        # Two lines, so that the title fits in a narrow window.
        item.setText(0, f"{info.title}\n{'in training' if live else info.status}, step {step:,}")
        item.setText(1, self._best(info))
        item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setToolTip(0, f"{info.family_title} on {info.spec.data}, {info.image}\n{info.run}\n{info.message}".strip())

    def _best(self, info: RunInfo) -> str:
        """Lowest validation loss, from the curves if they are loaded; empty where losses do not compare."""
        history, objective = self._state.history(info.run), self._state.objective_of(info.run)
        best = history.best(headline_of(objective, history))
        value = best[1] if best is not None else info.best if loss_compares(objective) else None
        return "" if value is None else number(value)

    def _on_current_changed(self, item: QTreeWidgetItem | None, _previous: QTreeWidgetItem | None) -> None:
        if item is not None:
            self._state.choose_run(str(item.data(0, RUN_ROLE)))

    def _on_item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 0:
            self._state.set_overlay(str(item.data(0, RUN_ROLE)), item.checkState(0) == Qt.CheckState.Checked)

    def _on_until_edited(self) -> None:
        try:
            steps = self._until.value
        except ValueError:
            return
        if steps is not None:
            self._state.set_resume_steps(int(steps))

    def _show_until(self) -> None:
        info = self._state.info
        resumable = self._state.status == "idle" and info is not None and info.status in RESUMABLE
        self._until.setEnabled(resumable)
        self._until_label.setEnabled(resumable)
        if not self._until.hasFocus():
            with QSignalBlocker(self._until):
                self._until.set_value(self._state.resume_steps if resumable else None)


def _swatch(color: QColor | None) -> QIcon:
    """Colour of a run's curves, framed so that it is visible on the selected row."""
    pixmap = QPixmap(SWATCH, SWATCH)
    pixmap.fill(theme().color("base") if color is not None else Qt.GlobalColor.transparent)
    if color is not None:
        painter = QPainter(pixmap)
        painter.fillRect(pixmap.rect().adjusted(1, 1, -1, -1), color)
        painter.end()
    return QIcon(pixmap)
