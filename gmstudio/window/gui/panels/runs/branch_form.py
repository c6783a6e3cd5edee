"""Settings of the next branch: the checkpoint, the settings of family and training, and what of them changes."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.forms.form import Form
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.progress_text import loading_text
from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.runs.branches import BranchesState

STEP_TIP = "Checkpoint of the run at which the branch begins."
BRANCH_TIP = "Make a new run that goes on from this checkpoint with these settings, and train it"
WAITS = "A run is in training: the branch waits in the library until it is resumed."
NOTHING = "No setting is changed: the branch repeats what the run did, or goes on after its end."
FIXED = "Greyed settings set the parameters of the network, which the checkpoint fixes."
FIXED_TIP = 'Start a new run to change them: "Use these settings" on the page Library takes those of this run.'
NO_CHECKPOINT = "This run has no checkpoint on the disk to branch from."


class BranchForm(QWidget):
    """Checkpoint, forms, what changes, and the button.

    Args:
        panel: that the controls belong to.
        state: of the page.
    """

    def __init__(self, panel: Panel, state: BranchesState) -> None:
        super().__init__()
        self._panel, self._state = panel, state
        self._forms: dict[str, Form] = {}
        self._family = ""
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
        state.base_changed.connect(self._show_base)
        state.changed.connect(self._show_state)
        self._show_base()
        self._show_state()

    def _lay_out(self) -> None:
        label = QLabel("From step")
        label.setBuddy(self.step)
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(label)
        first.addWidget(self.step, 1)
        inner = QWidget()
        self._layout = QVBoxLayout(inner)
        self._layout.setContentsMargins(0, 0, GRID, 0)
        self._layout.setSpacing(GRID)
        self.fixed = QLabel(FIXED)
        self.fixed.setWordWrap(True)
        self.fixed.setProperty("role", "muted")
        self.fixed.setToolTip(FIXED_TIP)
        self._titles = {part: QLabel() for part in ("config", "training")}
        for part, title in self._titles.items():
            title.setProperty("role", "heading")
            self._layout.addWidget(title)
            if part == "config":
                self._layout.addWidget(self.fixed)
        self._layout.addStretch(1)
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
        family = entry.card.name if entry is not None else ""
        if family != self._family:
            self._family = family
            self._make_forms()
        for part, form in self._forms.items():
            form.set_defaults(state.parent_values(part))
            form.set_values(state.values[part])

    def _make_forms(self) -> None:
        """Replace the forms by those of the family."""
        entry = self._state.entry
        for form in self._forms.values():
            form.retire()
        self._forms = {}
        for title in self._titles.values():
            title.setVisible(entry is not None)
        self.fixed.setVisible(entry is not None)
        if entry is None:
            return
        schemas = {"config": entry.config_schema, "training": self._state.training_schema}
        texts = {"config": f"Settings of {entry.card.title}", "training": "Training"}
        for part, schema in schemas.items():
            form = Form(schema, f"runs.branches.{part}", self)
            self._titles[part].setText(texts[part])
            above = self.fixed if part == "config" else self._titles[part]
            self._layout.insertWidget(self._layout.indexOf(above) + 1, form)
            form.changed.connect(lambda part=part, form=form: self._take(part, form))
            self._forms[part] = form

    def _take(self, part: str, form: Form) -> None:
        self._state.set_values(part, form.values(), form.errors())

    def _show_state(self) -> None:
        """Say what the branch changes, or why it cannot be made."""
        state = self._state
        self.action.setEnabled(state.can_branch)
        for part, form in self._forms.items():
            form.set_refusals(state.refusals(part))
            form.set_idle(state.fixed(part))
        role = "error" if state.problem else "muted"
        self.note.setText(self._words())
        if self.note.property("role") != role:
            self.note.setProperty("role", role)
            self.note.style().unpolish(self.note)
            self.note.style().polish(self.note)

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
        names = [self._forms[part].title_of(name) for part in self._forms for name in state.changes(part)]
        words = f"Changes {', '.join(names)}." if names else NOTHING
        return f"{words} {WAITS}" if state.waits else words
