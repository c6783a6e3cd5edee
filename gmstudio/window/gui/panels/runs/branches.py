"""Branches page: the family tree of a run over its steps, and the settings of its next branch."""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QScrollArea, QSplitter, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.branch_form import BranchForm
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.plots.step_tree import StepTree, TreeLine
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.state.runs.branches import BranchesState
from gmstudio.window.state.runs.family_tree import TreeRun
from gmstudio.window.state.runs.state import RunsState

TREE_TIP = (
    "Runs over their steps: each begins at a checkpoint of one above. Click a line to choose the run, and on the "
    "chosen line the checkpoint to branch from; up and down choose runs, too."
)
FORM_PX = 340
REFRESH_MS = 100
ALONE = "No run began from this one yet, and it began from none."


class BranchesPage(ActiveWidget):
    """Run above, tree at the left, settings of the next branch at the right.

    Args:
        panel: that it belongs to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__(panel)
        self._panel, self._runs = panel, state
        self._state = state.page(BranchesState)
        self.run = RunChooser(state.library, "")
        panel.name_widget(self.run, "branches_run", "Run", "Run whose family is shown, and that is branched from.")
        self.tree = StepTree()
        panel.name_widget(self.tree, "branches_tree", "Family tree", TREE_TIP)
        self.note = ElidedLabel()
        self.note.setProperty("role", "muted")
        self.form = BranchForm(panel, self._state)
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._state.base_changed.connect(self._find_fixed)
        self._lay_out()
        self.run.chosen.connect(state.choose_run)
        state.run_changed.connect(self._show_run)
        self.tree.chosen.connect(self._on_chosen)
        for change in (self._state.tree_changed, self._state.base_changed):
            change.connect(self._schedule)

    def _lay_out(self) -> None:
        label = QLabel("Run")
        label.setBuddy(self.run)
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(label)
        first.addWidget(self.run, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.tree)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(scroll, 1)
        column.addWidget(self.note)
        both = QSplitter(Qt.Orientation.Horizontal)
        both.setChildrenCollapsible(False)
        both.setHandleWidth(GRID)
        both.addWidget(left)
        both.addWidget(self.form)
        both.setStretchFactor(0, 1)
        both.setStretchFactor(1, 0)
        both.setSizes([10 * FORM_PX, scaled_px(self, FORM_PX)])
        self.form.setMinimumWidth(scaled_px(self, FORM_PX))
        self._panel.name_widget(both, "branches_split", "Tree and settings of the branch", "")
        self._panel.remember(both)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(first)
        page.addWidget(both, 1)

    def set_active(self, active: bool) -> None:
        """Draw only while the page is on the screen."""
        if active:
            if not self._runs.run:
                self._runs.choose_run(self.run.current())
            self._show_run()
            self._state.find_fixed()
            self.refresh()
        else:
            self._timer.stop()

    def _show_run(self) -> None:
        if self._runs.run:
            self.run.choose(self._runs.run)
        self._schedule()

    def _find_fixed(self) -> None:
        if self.active:
            self._state.find_fixed()

    def _schedule(self) -> None:
        if self.active and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Draw the tree."""
        runs = self._state.tree
        rows = {one.info.run: one.row for one in runs}
        live = self._runs.library.live
        lines = [_line(one, rows.get(one.parent), one.info.run == live) for one in runs]
        self.tree.set_lines(lines, self._runs.run, self._state.step)
        self.note.set_words(ALONE if len(runs) == 1 else f"{len(runs)} runs" if runs else "")

    def _on_chosen(self, run: str, step: int) -> None:
        """Choose a run; a click on the chosen one chooses the checkpoint."""
        if run != self._runs.run:
            self._runs.choose_run(run)
        elif step >= 0:
            self._state.choose_step(step)


def _line(one: TreeRun, parent: int | None, live: bool) -> TreeLine:
    """Line of a run, with what its branch changed."""
    info = one.info
    changed = info.origin.changed if info.origin is not None else ()
    if parent is not None:
        detail = f"from step {one.begin:,}: {'; '.join(changed) if changed else 'nothing changed'}"
    elif info.origin is not None:
        detail = f"from step {info.origin.step:,} of {info.origin.run}, which is not in the library"
    else:
        detail = ""
    dots = tuple(step for step in info.checkpoint_steps if step >= one.begin)
    end = max(info.step, one.begin, *dots)  # of the run in training, checkpoints are known before its step is
    return TreeLine(info.run, info.title, detail, one.row, one.begin, end, parent, dots, live)
