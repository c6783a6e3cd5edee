"""Change while training: settings of the run in training with their present values, more steps, and what changed."""

from functools import partial

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from gmstudio.window.gui.forms.form_slot import FormSlot
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.setup import text_label
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.training.live_changes import PARTS
from gmstudio.window.state.training.state import TrainingState

FIRST_MORE = 1000
MORE_WIDTH = 88
NOT_TRAINING = "Settings can be changed while a run is in training; a branch of a checkpoint begins with other ones."
APPLY_TIP = "Keep a checkpoint of the present step, and train on with these values from the next step on"
MORE_TIP = "Let the run make so many steps more: the run in training, else the run shown"
NO_CHANGE = "No value differs from those that the run trains with."
NOTHING_TO_PROLONG = "There is no run to train on."


class ChangingView(ActiveWidget):
    """Values of the run in training, to be edited in place.

    Args:
        state: state of training.
        panel: panel that names the controls.
    """

    def __init__(self, state: TrainingState, panel: Panel) -> None:
        super().__init__(panel)
        self._state, self._changes = state, state.changes
        self._forms = {part: FormSlot(f"train.change.{part}", self) for part in PARTS}
        self.apply = panel.add_action(
            "change", "Change", "Ctrl+Shift+Return", self._changes.apply, icon="check", tip=APPLY_TIP, needs=NO_CHANGE
        )
        self.more = panel.add_action(
            "prolong",
            "Train more steps",
            "Ctrl+Shift+M",
            self._prolong,
            icon="add",
            tip=MORE_TIP,
            needs=NOTHING_TO_PROLONG,
        )
        self.steps = IntegerField(self)
        self.steps.setRange(1, 10_000_000)
        self.steps.setValue(FIRST_MORE)
        self.steps.setFixedWidth(MORE_WIDTH)
        panel.name_widget(self.steps, "more_steps", "More steps", "Number of steps that are made besides.")
        panel.remember(self.steps)
        self._note = text_label("muted", self)
        self._made = text_label("muted", self)
        panel.name_widget(self._made, "changes_made", "Changes that were made", "")
        self._lay_out(panel)
        self.refresh_on(self._changes.run_changed, self._show_run)
        self.when_active(self._show_run)
        for change in (self._changes.changed, state.status_changed):
            self.refresh_on(change, self._show)
            change.connect(self._allow)  # the palette offers the actions while the page is hidden, too
        self._allow()

    def _lay_out(self, panel: Panel) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(GRID // 2)
        for part, form in self._forms.items():
            column.addWidget(form)
            form.changed.connect(partial(self._changes.set_values, part))
        column.addWidget(self._made)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inner)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(panel.button(self.apply))
        row.addStretch(1)
        row.addWidget(panel.button(self.more))
        row.addWidget(self.steps)
        label = QLabel("steps")
        label.setProperty("role", "muted")
        row.addWidget(label)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID // 2)
        page.addWidget(self._note)
        page.addWidget(scroll, 1)
        page.addLayout(row)

    def _show_run(self) -> None:
        """Show the present values, in new forms where the run is of another family."""
        for part, form in self._forms.items():
            schema = self._changes.schema(part)
            form.set_schema(schema if schema["properties"] else None)
            form.set_values(self._changes.values[part], self._changes.present(part))
        self._show()

    def _allow(self) -> None:
        self.apply.setEnabled(self._changes.can_apply)
        self.more.setEnabled(self._changes.info is not None or self._state.can_prolong)

    def _show(self) -> None:
        """Say what can be done."""
        changes = self._changes
        live = changes.info
        for part, form in self._forms.items():
            form.set_refusals(changes.refusals(part))
        self._note.setText(changes.problem or (live.title if live is not None else NOT_TRAINING))
        set_role(self._note, error=bool(changes.problem))
        self._made.setText("\n".join(f"step {change.step:,}: {change.text}" for change in changes.made))
        self._made.setVisible(bool(changes.made))

    def _prolong(self) -> None:
        if self._changes.info is not None:
            self._changes.prolong(self.steps.value())
        else:
            self._state.prolong(self.steps.value())
