"""Form of the sampler's settings of the selected run's family."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.protocol.config import conditions_unmet
from gmstudio.window.gui.forms.form import Form
from gmstudio.window.state.chains.settings import trajectory_schema
from gmstudio.window.state.chains.state import ChainsState


class SamplerView(QWidget):
    """Settings of the sampler, built from their schema; nothing where the family has none.

    Args:
        state: state of the chains.
    """

    def __init__(self, state: ChainsState, parent: QWidget) -> None:
        super().__init__(parent)
        self._state = state
        self._family = ""
        self.form: Form | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        state.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Build the form of another family, and write the settings."""
        state, entry = self._state, self._state.entry
        family = entry.card.name if entry is not None else ""
        if family != self._family:
            self._rebuild()
            self._family = family
        self.setVisible(self.form is not None)
        if self.form is None or entry is None:
            return
        self.form.set_values(state.sampler)
        unmet = conditions_unmet(trajectory_schema(entry), state.sampler)
        for name, field in self.form.fields.items():
            field.set_idle(unmet.get(name, ""))

    def _rebuild(self) -> None:
        if self.form is not None:
            self.form.retire()
            self.form = None
        entry = self._state.entry
        if entry is None or not trajectory_schema(entry)["properties"]:
            return
        self.form = Form(trajectory_schema(entry), "chains.sampler", self)
        self.form.changed.connect(self._on_changed)
        layout = self.layout()
        assert layout is not None
        layout.addWidget(self.form)

    def _on_changed(self) -> None:
        if self.form is not None and not self.form.errors():
            self._state.set_sampler(self.form.values())
