"""Edit menu: undo and redo of the newest step wherever it was made, and the list of the history."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.shell.history_list import HistoryList
from gmstudio.window.gui.undo import REDO, UNDO
from gmstudio.window.state.history import History, Step
from gmstudio.window.state.runs.library import RunLibrary

LIST_KEY = "Ctrl+Alt+Z"


class EditMenu(QObject):
    """History of the window, with its actions.

    Args:
        window: has the actions and their keys.
        panels: the panels that are built, by name.
        show_panel: shows a panel.
        library: tells which runs cannot be opened, and with which weights they are explored.

    Attributes:
        history: edits of all panels.
        actions: undo, redo, and the list.

    Signals:
        said: sentence on what was undone or redone.
    """

    said = Signal(str)

    def __init__(
        self, window: QWidget, panels: Mapping[str, Panel], show_panel: Callable[[str], None], library: RunLibrary
    ) -> None:
        super().__init__(window)
        self._window, self._panels, self._show_panel, self._library = window, panels, show_panel, library
        self.history = History(self)
        self.history.show = self._show
        self.history.checkpoint_of = library.checkpoints.steps.get
        self.history.said.connect(self.said)
        self.history.changed.connect(self._show_possible)
        library.open_failed.connect(self._on_open_failed)
        library.engine_lost.connect(self.history.stop)
        self._list: HistoryList | None = None
        self._undo = self._action("undo", UNDO, self.history.undo)
        self._redo = self._action("redo", REDO, self.history.redo)
        self._all = self._action("history", LIST_KEY, self.show_list)
        self._all.setText("&History…")
        self._all.setToolTip("All steps that can be undone or redone; a click goes back to there")
        self.actions = (self._undo, self._redo, self._all)
        self._show_possible()

    def fill(self, menu: QMenu) -> None:
        """Put the actions into a menu."""
        menu.addActions(self.actions)

    def add_panel(self, panel: Panel, title: str) -> None:
        """Keep the edits of a panel."""
        panel.join_history(self.history, title)

    def show_list(self) -> None:
        """Show the list of all steps."""
        if self._list is None:
            self._list = HistoryList(self.history, self._window)
        self._list.show()
        self._list.raise_()
        self._list.activateWindow()

    def _action(self, name: str, key: str, slot: Callable[[], None]) -> QAction:
        action = QAction(self._window)
        action.setObjectName(f"window.{name}")
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _checked=False: slot())
        self._window.addAction(action)  # so that its key works without the menu
        return action

    def _show_possible(self) -> None:
        steps = (self._undo, "Undo", self.history.undoable), (self._redo, "Redo", self.history.redoable)
        for action, verb, step in steps:
            action.setEnabled(step is not None)
            action.setText(f"&{verb} {step.edit.name if step is not None else ''}".rstrip())
            where = f" in {step.place.title}" if step is not None and step.place.title else ""
            action.setToolTip(f"{verb} the newest step{where}, wherever it was made")

    def _show(self, step: Step) -> None:
        """Show the panel, and its pages, on which a step was made; explore its run with the weights of then."""
        info, chosen = self._library.info(step.edit.run), self._library.checkpoints
        if info is not None and (step.checkpoint is None or step.checkpoint in info.checkpoint_steps):
            chosen.choose(info.run, step.checkpoint)
        panel = self._panels.get(step.place.panel)
        if panel is not None:
            self._show_panel(step.place.panel)
            panel.show_step(step)

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        self.history.give_up(run, f"Passed over a step: its run cannot be opened. {failure.message}")
