"""Runs in the Train panel: choice of the curves and of the run shown; name, note, star, trash of a run."""

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.note_dialog import write_note
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.run_table import RunTable
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.row_table import RowTable
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.turns import MANY
from gmstudio.window.state.training.state import TrainingState

REFRESH_MS = 500
AGAIN_TIP = "Take its settings over into New run"
TRASH_TIP = "Move its folder to the trash; Undo brings it back"
UNKNOWN = "The engine does not have its family or data source"
LIVE = "This run is in training: stop it first"
EXAMPLE = "An example keeps its name and note and cannot be removed: train on from a copy of it"
NOT_OF_EXAMPLES = ("rename", "note", "star", "trash")


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
        self._filling = False
        self._table = RunTable(state, library)
        self._tree = _RunTree(self)
        self._tree.setModel(self._table)
        header = self._tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        tip = "Select a run to show it; check runs to overlay their curves. More with the right button."
        panel.name_widget(self._tree, "runs", "Runs", tip)
        self._empty = QLabel("No runs yet. Runs are listed here to be compared and resumed.", self)
        self._empty.setProperty("role", "muted")
        self._empty.setWordWrap(True)
        self._actions = self._make_actions(panel)
        self._tips = {name: action.toolTip() for name, action in self._actions.items()}
        self._undo_row = self._make_undo(panel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._empty)
        layout.addWidget(self._tree, 1)
        layout.addWidget(self._undo_row)
        self._tree.selectionModel().currentChanged.connect(self._on_current_changed)
        self._tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._tree.customContextMenuRequested.connect(self._open_menu)
        library.turns.add(self._follow)
        library.changed.connect(self._show_trashed)
        state.overlays_changed.connect(self._table.refresh)
        state.run_changed.connect(self._fill)
        state.history_changed.connect(self._on_history_changed)
        theme().changed.connect(self._table.refresh)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._table.refresh_live)
        self._fill()

    # ---- list -------------------------------------------------------------------------------------------------------

    def _on_history_changed(self, run: str) -> None:
        if self.active and not self._timer.isActive():
            self._timer.start()

    def set_active(self, active: bool) -> None:
        """Update the steps and losses, which do not follow the history while hidden."""
        if active:
            self._fill()

    def _follow(self) -> None:
        """Take the library's runs; a hidden list of many waits until it is shown."""
        if self.active or len(self._library.runs) < MANY:
            self._fill()

    def _fill(self) -> None:
        self._filling = True
        self._table.fill()
        row = self._table.row_of(self._state.run)
        if row != self._tree.currentIndex().row():
            self._tree.setCurrentIndex(self._table.index(row, 0) if row >= 0 else QModelIndex())
        self._filling = False
        self._empty.setVisible(not self._table.runs)
        self._tree.setVisible(bool(self._table.runs))
        self._show_possible()

    def _on_current_changed(self, index: QModelIndex) -> None:
        info = self._table.info(index)
        if info is not None and not self._filling and info.run != self._state.run:
            self._state.choose_run(info.run)
        self._show_possible()

    # ---- actions on the current run ---------------------------------------------------------------------------------

    def _make_actions(self, panel: Panel) -> dict[str, QAction]:
        rows = (
            ("rename", "Rename", "F2", self._rename, "Give the run a name; the empty name is its label"),
            ("note", "Note…", "Ctrl+E", self._edit_note, "Write a note, which the run's tooltip shows"),
            ("star", "Star", "Ctrl+B", self._star, "List the run before the others, or no longer"),
            ("again", "Train again with these settings", "Ctrl+D", self._train_again, AGAIN_TIP),
            ("copy_path", "Copy path", "Ctrl+C", self._copy_path, "Copy the path of its folder"),
            ("trash", "Move to trash", "Delete", self._trash, TRASH_TIP),
        )
        return {
            name: panel.add_action(name, text, key, slot, tip=tip, only_in=self._tree, needs=self._needs(name))
            for name, text, key, slot, tip in rows
        }

    @staticmethod
    def _needs(name: str) -> str:
        """Reason to give for an action that is disabled."""
        further = {"trash": f" {LIVE}.", "again": f" {UNKNOWN}."}
        return f"No run is chosen in the list.{' Or:' + further[name] if name in further else ''}"

    @property
    def _current(self) -> RunInfo | None:
        return self._table.info(self._tree.currentIndex())

    def _show_possible(self) -> None:
        info = self._current
        for action in self._actions.values():
            action.setEnabled(info is not None)
        if info is not None:
            live = info.run == self._library.live
            trash, star = self._actions["trash"], self._actions["star"]
            trash.setEnabled(not live)
            for name in NOT_OF_EXAMPLES:
                self._actions[name].setToolTip(self._tips[name])
            if live:
                trash.setToolTip(LIVE)
            copy, elsewhere = self._actions["copy_path"], self._library.elsewhere
            copy.setEnabled(not elsewhere)
            copy.setToolTip(elsewhere or self._tips["copy_path"])
            again, known = self._actions["again"], self._state.setup.knows(info.spec)
            again.setEnabled(known)
            again.setToolTip(f"{AGAIN_TIP} (Ctrl+D)" if known else UNKNOWN)
            star.setText("Remove star" if info.starred else "Star")
        if info is not None and info.example:
            for name in NOT_OF_EXAMPLES:
                self._actions[name].setEnabled(False)
                self._actions[name].setToolTip(EXAMPLE)

    def _open_menu(self, place: QPoint) -> None:
        self.menu().popup(self._tree.viewport().mapToGlobal(place))

    def menu(self) -> QMenu:
        """Create the context menu of the current run."""
        menu = QMenu(self._tree)
        menu.setObjectName("train.run_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setToolTipsVisible(True)
        menu.addActions(list(self._actions.values()))
        return menu

    def _rename(self) -> None:
        self._tree.edit(self._tree.currentIndex().siblingAtColumn(0))

    def _star(self) -> None:
        if (info := self._current) is not None:
            title = "Remove star" if info.starred else "Star"
            self._state.run_edits.change([info.run], title, starred=not info.starred)

    def _edit_note(self) -> None:
        if (info := self._current) is not None:
            write_note(info, self._state.run_edits, self)

    def _train_again(self) -> None:
        if (info := self._current) is not None:
            self._state.setup.take(info.spec)

    def _copy_path(self) -> None:
        if (info := self._current) is not None:
            QGuiApplication.clipboard().setText(self._library.path_of(info.run))

    def _trash(self) -> None:
        if (info := self._current) is not None:
            self._state.run_edits.trash([info.run], self._table.neighbour(info.run))

    # ---- undo of the trash ------------------------------------------------------------------------------------------

    def _make_undo(self, panel: Panel) -> QWidget:
        row = QWidget(self)
        self._trash_text = ElidedLabel(row)
        self._trash_text.setProperty("role", "muted")
        tip = "Bring the run back from the trash"
        undo = panel.add_action("undo_trash", "Undo", "Ctrl+Backspace", self._bring_back, tip=tip, only_in=self._tree)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._trash_text, 1)
        layout.addWidget(panel.button(undo))
        row.hide()
        return row

    def _bring_back(self) -> None:
        """Bring back the run that was moved to the trash last."""
        if places := self._library.edited.places:
            self._state.run_edits.bring_back(list(places)[-1])
            self._show_trashed()

    def _show_trashed(self) -> None:
        places = list(self._library.edited.places.values())
        self._undo_row.setVisible(bool(places))
        if places:
            event, name = places[-1]
            self._trash_text.set_words(f"{name} is in the trash.")
            self._trash_text.setToolTip(event.place)


class _RunTree(RowTable):
    """View of the runs."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, lines=2)
        self.setSortingEnabled(True)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.header().setStretchLastSection(False)
        self.header().setSortIndicatorClearable(True)
        self.header().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Trigger the actions of the list: a list that has the focus gets plain keys before their shortcuts do."""
        pressed = QKeySequence(event.keyCombination())
        action = next((action for action in self.actions() if pressed in action.shortcuts()), None)
        if action is None or self.state() == QAbstractItemView.State.EditingState:
            super().keyPressEvent(event)
        elif action.isEnabled():
            action.trigger()
