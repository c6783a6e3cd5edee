"""View of the trash: runs that are brought back, or deleted by an explicit act."""

from PySide6.QtCore import QStringListModel
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QListView, QVBoxLayout

from gmstudio.protocol.runs_trash import TrashedRun
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.library_details import size_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.trash import TrashState

LISTING = "The trash is being listed …"
EMPTY = "The trash is empty."
ASKED = "Delete permanently deletes the runs."
NOTHING = "No run is chosen in the trash."


class TrashView(ActiveWidget):
    """Runs in the trash.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._panel, self._state = panel, state.page(TrashState)
        self._asked = False
        self._names = QStringListModel(self)
        self.view = QListView()
        self.view.setModel(self._names)
        self.view.setUniformItemSizes(True)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        panel.name_widget(self.view, "trash_list", "Runs in the trash", "Runs that were moved to the trash")
        self._make_actions()
        self._said = ElidedLabel()
        self._said.setProperty("role", "muted")
        row = QHBoxLayout()
        row.setSpacing(GRID)
        for action in (self.restore, self.empty, self.confirm, self.keep):
            row.addWidget(panel.button(action))
        row.addWidget(self._said, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.view, 1)
        column.addLayout(row)
        self._state.changed.connect(self._show)
        self.view.selectionModel().selectionChanged.connect(lambda _now, _before: self._show_possible())
        self._show()

    def set_active(self, active: bool) -> None:
        """List the trash while it is looked at; a question that was not answered is forgotten."""
        self._asked = False
        self._state.show(active)

    def _make_actions(self) -> None:
        add = self._panel.add_action
        self.restore = add(
            "restore", "Restore", "", self._restore, icon="undo", tip="Move the chosen runs back into the library"
        )
        self.empty = add(
            "empty_trash",
            "Empty trash…",
            "",
            lambda: self._ask(True),
            icon="erase",
            tip="Delete these runs permanently",
        )
        self.confirm = add(
            "delete_for_good",
            "Delete permanently",
            "",
            self._delete,
            icon="warning",
            tip="Delete all runs in this list from the disk; they cannot be brought back",
            needs="Empty trash asks first.",
        )
        self.keep = add(
            "keep_trash",
            "Keep them",
            "",
            lambda: self._ask(False),
            icon="close",
            tip="Delete nothing",
            needs="Nothing is about to be deleted.",
        )

    def _ask(self, asked: bool) -> None:
        self._asked = asked
        self._show()

    def _delete(self) -> None:
        self._asked = False
        self._state.delete_for_good()

    def _restore(self) -> None:
        self._state.restore(self._chosen)

    @property
    def _chosen(self) -> tuple[TrashedRun, ...]:
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows())
        return tuple(self._state.runs[row] for row in rows) if self._state.runs else ()

    def _show(self) -> None:
        names = [_line(run) for run in self._state.runs or ()]
        if names != self._names.stringList():
            self._names.setStringList(names)
        self._show_possible()
        self._said.set_words(self.sentence)

    @property
    def sentence(self) -> str:
        """Sentence on what is in the trash, or what is about to be deleted."""
        runs = self._state.runs
        if runs is None:
            return LISTING
        if not runs:
            return EMPTY
        count = "1 run" if len(runs) == 1 else f"{len(runs):,} runs"
        size = size_text(self._state.size_bytes)
        if self._asked:
            return f"{count} with {size} will be deleted from the disk and cannot be brought back."
        return f"{count}, {size}, in {self._state.folder}"

    def _show_possible(self) -> None:
        allow, busy = self._panel.allow, LISTING if self._state.busy else ""
        allow(self.restore, busy or ("" if self._chosen else NOTHING))
        allow(self.empty, busy or (ASKED if self._asked else "" if self._state.runs else EMPTY))
        for action in (self.confirm, self.keep):
            action.setEnabled(self._asked and not busy)


def _line(run: TrashedRun) -> str:
    parts = (run.title, run.family, run.data, f"{run.step:,} steps", run.created[:10], size_text(run.size_bytes))
    return " · ".join(filter(None, parts))
