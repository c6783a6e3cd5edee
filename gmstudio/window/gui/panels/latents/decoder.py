"""Form of the settings of decoding of the selected run's family."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.window.gui.forms.form import Form
from gmstudio.window.state.latents.decoder import DecoderSettings


class DecoderView(QWidget):
    """Settings of decoding, built from their schema; nothing where the family has none.

    Args:
        settings: shown and changed.
    """

    def __init__(self, settings: DecoderSettings, parent: QWidget) -> None:
        super().__init__(parent)
        self._settings, self._family = settings, ""
        self.form: Form | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        settings.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Build the form of another family, and write the settings."""
        entry = self._settings.entry
        family = entry.card.name if entry is not None else ""
        if family != self._family:
            self._family = family
            if self.form is not None:
                self.form.retire()
                self.form = None
            if entry is not None:
                self.form = Form(entry.decoder_schema, "latents.decoder", self)
                self.form.changed.connect(self._on_changed)
                self._column.addWidget(self.form)
        self.setVisible(self.form is not None)
        if self.form is not None:
            self.form.set_values(self._settings.values)

    def _on_changed(self) -> None:
        if self.form is not None and not self.form.errors():
            self._settings.set_values(self.form.values())
