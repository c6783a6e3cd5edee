"""Settings of the next branch: the checkpoint, the settings of family and training, and what of them changes."""

from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.forms.form_slot import FormSlot
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.progress_text import loading_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.runs.branches import PARTS, BranchesState

STEP_TIP = "Checkpoint of the run at which the branch begins."
BRANCH_TIP = "Make a new run that goes on from this checkpoint with these settings, and train it"
WAITS = "A run is in training: the branch waits in the library until it is resumed."
NOTHING = "No setting is changed: the branch repeats what the run did, or goes on after its end."
FIXED = "Greyed settings set the parameters of the network, which the checkpoint fixes."
FIXED_TIP = 'Start a new run to change them: "Use these settings" on the page Library takes those of this run.'
NO_CHECKPOINT = "This run has no checkpoint on the disk to branch from."


class BranchForm(ActiveWidget):
    """Checkpoint, forms, what changes, and the button.

    Args:
        panel: that the controls belong to.
        state: of the page.
    """

    def __init__(self, panel: Panel, state: BranchesState) -> None:
        super().__init__()
        self._panel, self._state = panel, state
        self._forms = {part: FormSlot(f"runs.branches.{part}", self) for part in PARTS}
        self.step = QComboBox()
        panel.name_widget(self.step, "branches_step", "Branch from the checkpoint of step", STEP_TIP)
        self.step.activated.connect(lambda index: state.choose_step(int(self.step.itemData(index))))
        self.action = panel.add_action(
            "branches_branch", "Branch", "", state.branch, icon="add", tip=BRANCH_TIP, needs=NO_CHECKPOINT
        )
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.note.setMinimumHeight(self.note.fontMetrics().lineSpacing() * 3)
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        panel.name_widget(self.note, "branches_note", "What the branch changes", "")
        self._lay_out()
        for signal, work in ((state.base_changed, self._show_base), (state.changed, self._show_state)):
            self.refresh_on(signal, work)
            self.when_active(work)
        state.changed.connect(self._allow)  # the palette offers the action while the page is hidden, too
        self._allow()

    def _lay_out(self) -> None:
        label = QLabel("From step")
        label.setBuddy(self.step)
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(label)
        first.addWidget(self.step, 1)
        inner = QWidget()
        forms = QVBoxLayout(inner)
        forms.setContentsMargins(0, 0, GRID, 0)
        forms.setSpacing(GRID)
        self.fixed = QLabel(FIXED)
        self.fixed.setWordWrap(True)
        self.fixed.setProperty("role", "muted")
        self.fixed.setToolTip(FIXED_TIP)
        self._titles = {part: QLabel("Training") for part in PARTS}
        for part, title in self._titles.items():
            title.setProperty("role", "heading")
            forms.addWidget(title)
            if part == "config":
                forms.addWidget(self.fixed)
            forms.addWidget(self._forms[part])
            self._forms[part].changed.connect(partial(self._state.set_values, part))
        forms.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(inner)
        button = self._panel.button(self.action)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setProperty("primary", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(first)
        column.addWidget(scroll, 1)
        column.addWidget(self.note)
        column.addWidget(button)

    def _show_base(self) -> None:
        """Show the settings from the beginning, with those of the run as defaults."""
        state, info, entry = self._state, self._state.info, self._state.entry
        steps = info.checkpoint_steps if info is not None else ()
        with QSignalBlocker(self.step):
            self.step.clear()
            for step in reversed(steps):
                self.step.addItem(f"{step:,}", step)
            self.step.setCurrentIndex(self.step.findData(state.step))
        self.step.setEnabled(bool(steps))
        for label in (*self._titles.values(), self.fixed):
            label.setVisible(entry is not None)
        if entry is not None:
            self._titles["config"].setText(f"Settings of {entry.card.title}")
        self._forms["config"].set_schema(entry.config_schema if entry is not None else None)
        self._forms["training"].set_schema(state.training_schema if entry is not None else None)
        for part, form in self._forms.items():
            form.set_values(state.values[part], state.parent_values(part))

    def _allow(self) -> None:
        self.action.setEnabled(self._state.can_branch)

    def _show_state(self) -> None:
        """Say what the branch changes, or why it cannot be made."""
        state = self._state
        for part, form in self._forms.items():
            form.set_refusals(state.refusals(part))
            form.set_idle(state.fixed(part))
        self.note.setText(self._words())
        set_role(self.note, error=bool(state.problem))

    def _words(self) -> str:
        state = self._state
        if state.problem:
            return state.problem
        if state.loading is not None:
            return loading_text(state.loading)
        if state.busy:
            return "Making the branch …"
        if state.info is None:
            return ""
        if state.step is None:
            return NO_CHECKPOINT
        names = [form.title_of(name) for part, form in self._forms.items() for name in state.changes(part)]
        words = f"Changes {', '.join(names)}." if names else NOTHING
        return f"{words} {WAITS}" if state.waits else words
