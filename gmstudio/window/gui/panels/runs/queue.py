"""Page Queue: runs that wait to be trained one after another, and what can be done with them."""

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QSignalBlocker, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStackedWidget,
    QTreeView,
    QVBoxLayout,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.queue_table import (
    COLUMNS,
    DATA,
    LABEL,
    NUMBER,
    PROGRESS,
    STATUS,
    TIME,
    ProgressCell,
    QueueTable,
)
from gmstudio.window.gui.progress_text import duration_text
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.state.runs.queue import QueueState
from gmstudio.window.state.runs.state import RunsState

LETTERS = {NUMBER: 4, LABEL: 54, DATA: 20, STATUS: 17, PROGRESS: 20, TIME: 20}
"""Widths of the columns in letters; the last one takes the rest."""
LOOK_MS = 2000
"""Time between two looks at a queue that another window's engine trains."""
EMPTY = (
    "No runs wait. Add some with Add to queue beside Start in Train, or with a grid over one or two fields on the page "
    "Grid."
)
NOTHING = "No entry is chosen in the table."
RUNNING = "The entry is in training; stop it in Train first."


class QueueView(QTreeView):
    """Table of the entries."""

    def __init__(self, table: QueueTable) -> None:
        super().__init__()
        self.setModel(table)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDragDropOverwriteMode(False)
        self.setDropIndicatorShown(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setItemDelegateForColumn(PROGRESS, ProgressCell(self))
        header = self.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        letter = self.fontMetrics().averageCharWidth()
        for column, letters in LETTERS.items():
            header.resizeSection(column, letters * letter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Trigger the actions of the table: a list that has the focus gets plain keys before their shortcuts do."""
        pressed = QKeySequence(event.keyCombination())
        action = next((action for action in self.actions() if pressed in action.shortcuts()), None)
        if action is None:
            super().keyPressEvent(event)
        elif action.isEnabled():
            action.trigger()


class QueuePage(ActiveWidget):
    """Actions above the table, and a line on what is done and left.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(QueueState)
        self.table = QueueTable(self._state)
        self.view = QueueView(self.table)
        panel.name_widget(self.view, "queue_table", "Queue of runs", "Drag rows to order them, or Alt+Up and Alt+Down.")
        self._make_actions()
        self._lay_out()
        self._look = QTimer(self, interval=LOOK_MS)
        self._look.timeout.connect(self._state.refresh)
        self._state.changed.connect(self._show)
        self._state.progressed.connect(self._show_progress)
        self._state.chosen_changed.connect(self._show_possible)
        theme().changed.connect(self.table.redraw)
        self.view.selectionModel().selectionChanged.connect(self._on_selected)
        self.view.doubleClicked.connect(lambda _index: self._open())
        self._show()

    def set_active(self, active: bool) -> None:
        """Look at the queue while it is on the screen."""
        if active:
            self._state.refresh()
        self._watch()

    def _watch(self) -> None:
        """Look again and again where another window's engine changes the queue."""
        if self.active and self._state.elsewhere:
            self._look.start()
        else:
            self._look.stop()

    # ---- controls ------------------------------------------------------------------------------------------------

    def _make_actions(self) -> None:
        add, state = self._panel.add_action, self._state
        self.work = add("queue_start", "Start queue", "Ctrl+Shift+Return", self._work, icon="play", tip="")
        self.next = add(
            "queue_next",
            "Run next",
            "Alt+Home",
            lambda: state.run_next(self._key),
            icon="up",
            tip="Train this entry next; one that failed or was stopped is tried again",
        )
        self.now = add(
            "queue_now",
            "Run now",
            "",
            lambda: state.run_next(self._key, now=True),
            icon="forward",
            tip="End the entry in training with a checkpoint, to be resumed later, and train this one",
        )
        self.up = add(
            "queue_up",
            "Up",
            "Alt+Up",
            lambda: state.shift(state.chosen, -1),
            icon="up",
            tip="Move up",
            only_in=self.view,
        )
        self.down = add(
            "queue_down",
            "Down",
            "Alt+Down",
            lambda: state.shift(state.chosen, 1),
            icon="down",
            tip="Move down",
            only_in=self.view,
        )
        self.remove = add(
            "queue_remove",
            "Remove",
            "Delete",
            lambda: state.remove(state.chosen),
            icon="remove",
            tip="Take the chosen entries out of the queue; their runs stay, and Undo brings them back",
            only_in=self.view,
        )
        self.clear = add(
            "queue_clear",
            "Clear finished",
            "",
            state.clear,
            icon="check",
            tip="Take all entries out of the queue that are over; their runs stay",
            needs="No entry is over.",
        )
        self.open = add(
            "queue_open", "Show run", "", self._open, icon="eye", tip="Show the run of this entry in the library"
        )
        self.stop = QCheckBox("Wait after a failure")
        self._panel.name_widget(
            self.stop,
            "queue_stop",
            "Wait after a failure",
            "A run that fails pauses the queue; else the next one begins.",
        )
        self.stop.toggled.connect(state.set_stop_at_failure)

    def _lay_out(self) -> None:
        button = self._panel.button
        first = QHBoxLayout()
        first.setSpacing(GRID)
        start = button(self.work)
        start.setProperty("primary", True)
        start.setMinimumWidth(start.fontMetrics().horizontalAdvance("Pause queue") + 6 * GRID)
        for widget in (start, button(self.next), button(self.now), button(self.open)):
            first.addWidget(widget)
        second = group_of(
            button(self.up, icon_only=True),
            button(self.down, icon_only=True),
            button(self.remove),
            button(self.clear),
            self.stop,
            spacing=GRID,
        )
        first.addStretch(1)
        self.words, self.problem = ElidedLabel(), ElidedLabel()
        self.words.setObjectName("runs.queue_words")
        self.problem.setObjectName("runs.queue_problem")
        self.problem.setProperty("role", "error")
        self.empty = QLabel(EMPTY)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setProperty("role", "muted")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.view)
        self.stack.addWidget(self.empty)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID // 2)
        page.addWidget(FoldingRow(first, second, stretch=0, spacing=2 * GRID))
        page.addWidget(self.words)
        page.addWidget(self.stack, 1)
        page.addWidget(self.problem)

    def _work(self) -> None:
        if self._state.working:
            self._state.pause()
        else:
            self._state.start()

    @property
    def _key(self) -> str:
        return (*self._state.chosen, "")[0]

    def _open(self) -> None:
        for entry in self._state.chosen_entries[:1]:
            if entry.run and self._owner.library.info(entry.run) is not None:
                self._owner.choose_run(entry.run)
                self._owner.page_wanted.emit("library")

    def _on_selected(self, _now: QItemSelection, _before: QItemSelection) -> None:
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        self._state.choose([self._state.entries[row].key for row in rows if row < len(self._state.entries)])

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        state = self._state
        with QSignalBlocker(self.view.selectionModel()):
            if self.table.fill():
                self._select()
        self.stack.setCurrentWidget(self.view if state.entries or not state.listed else self.empty)
        with QSignalBlocker(self.stop):
            self.stop.setChecked(state.stop_at_failure)
        self.problem.set_words(state.problem)
        self._show_work()
        self._show_progress()
        self._show_possible()
        self._watch()

    def _select(self) -> None:
        """Select the rows of the chosen entries."""
        model, selection = self.view.selectionModel(), QItemSelection()
        for row in self.table.rows_of(self._state.chosen):
            selection.select(self.table.index(row, 0), self.table.index(row, len(COLUMNS) - 1))
        flags = QItemSelectionModel.SelectionFlag
        for index in selection.indexes()[:1]:
            model.setCurrentIndex(index, flags.NoUpdate)
        model.select(selection, flags.ClearAndSelect)
        self.view.viewport().update()

    def _show_work(self) -> None:
        state = self._state
        self.work.setText("Pause queue" if state.working else "Start queue")
        self._panel.set_action_icon(self.work, "pause" if state.working else "play")
        tip = "Begin no further entry; the run in training goes on" if state.working else "Train the entries that wait"
        self._panel.set_action_tip(self.work, tip)
        reason = "" if state.working or state.waiting else "No entry waits."
        if state.elsewhere:
            reason = "The engine of another window trains the queue."
        self._panel.allow(self.work, reason)

    def _show_progress(self) -> None:
        """Write what is done and left; the rows are drawn again."""
        self.words.set_words(queue_words(self._state))
        self.table.redraw()

    def _show_possible(self) -> None:
        state, allow = self._state, self._panel.allow
        chosen = state.chosen_entries
        none = "" if chosen else NOTHING
        one = none or ("" if len(chosen) == 1 else "Several entries are chosen; choose one.")
        running = RUNNING if chosen and all(entry.status == "running" for entry in chosen) else ""
        over = "The run is finished." if chosen and chosen[0].status == "finished" else ""
        allow(self.next, one or running or over)
        allow(self.now, one or running or over or ("" if state.current else "No entry is in training: Run next."))
        for action in (self.up, self.down):
            allow(action, none)
        allow(self.remove, none or running)
        self.clear.setEnabled(bool(state.ended))
        begun = bool(chosen) and self._owner.library.info(chosen[0].run) is not None
        allow(self.open, one or ("" if begun else "The entry has no run yet."))


def queue_words(state: QueueState) -> str:
    """One line on what is done and left, and why the queue waits."""
    if not state.entries:
        return ""
    done = f"{len(state.ended)} of {len(state.entries)} done"
    failed = sum(entry.status == "failed" for entry in state.entries)
    left = state.all_seconds_left()
    time = "" if len(state.ended) == len(state.entries) else f"{duration_text(left)} left"
    unknown = "time left: known when the first run of each kind has trained"
    parts = [done, f"{failed} failed" if failed else "", time if left >= 0 else unknown]
    if state.elsewhere:
        parts.append("trained by the engine of another window")
    elif not state.working and state.waiting:
        parts.append(state.note or "the queue waits: Start queue trains the entries")
    elif state.note:
        parts.append(state.note)
    return " · ".join(filter(None, parts))
