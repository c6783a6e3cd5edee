"""Place of a form, which stays where the settings to be shown have the same schema as those before."""

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.window.gui.forms.form import Form
from gmstudio.window.gui.forms.form_field import FormField, Schema


class FormSlot(QWidget):
    """Place of a form; hidden while it is empty.

    To build a form takes Qt some milliseconds a field, so one is kept as long as its schema is wanted.

    Args:
        prefix: editors are named ``<prefix>.<field>``.

    Attributes:
        form: that is shown; None: none.

    Signals:
        changed: the values and the errors of the form, after a value changed.
    """

    changed = Signal(object, object)

    def __init__(self, prefix: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prefix = prefix
        self._made_of: tuple[Schema | None, bool] = (None, False)
        self.form: Form | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.hide()

    @property
    def fields(self) -> dict[str, FormField]:
        """Fields of the form by their names."""
        return self.form.fields if self.form is not None else {}

    def set_schema(self, schema: Schema | None, *, hide_idle: bool = False) -> None:
        """Show the form of a schema, see ``Form``; None: none.

        A form that is kept is about other settings from now on: what its user typed into it counts no more.
        """
        if (schema, hide_idle) == self._made_of:
            for form_field in self.fields.values():
                form_field.forget_typing()
            return
        self._made_of = (schema, hide_idle)
        if self.form is not None:
            self.form.retire()
        self.form = None
        if schema is not None:
            form = self.form = Form(schema, self._prefix, self, hide_idle=hide_idle)
            form.changed.connect(lambda: self.changed.emit(form.values(), form.errors()))
            column = self.layout()
            assert column is not None
            column.addWidget(form)
        self.setVisible(self.form is not None)

    def set_values(self, values: dict[str, Any], defaults: dict[str, Any] | None = None) -> None:
        """Set the values of fields, and what counts as their defaults; fields that are not named stay.

        Args:
            values: field → value.
            defaults: field → default; None: those of the schema.
        """
        if self.form is not None:
            self.form.set_defaults(defaults or {})
            self.form.set_values(values)

    def set_refusals(self, refusals: dict[str, str]) -> None:
        """Show the engine's refusals of fields."""
        if self.form is not None:
            self.form.set_refusals(refusals)

    def set_idle(self, idle: dict[str, str]) -> None:
        """Disable the fields that have no effect or cannot be changed, with a sentence on why; enable all others."""
        if self.form is not None:
            self.form.set_idle(idle)

    def title_of(self, name: str) -> str:
        """Return the title of a field, as it is shown; its name where there is none."""
        return self.form.title_of(name) if self.form is not None else name

    def in_tab_order(self) -> list[QWidget]:
        """Widgets that take the focus, in the order of the form."""
        return self.form.in_tab_order() if self.form is not None else []
