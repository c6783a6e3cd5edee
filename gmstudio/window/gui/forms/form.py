"""Form of a config from its JSON Schema."""

import json
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from gmstudio.protocol.config import conditions_unmet
from gmstudio.window.gui.forms.form_field import FormField, Schema, focusable


class Form(QWidget):
    """Form of all settings of a config, the advanced ones folded.

    Args:
        schema: the config's JSON Schema, ``{"properties": {...}}``.
        prefix: editors are named ``<prefix>.<field>``.
        hide_idle: fields that have no effect beside the values of others are hidden, see ``conditions_unmet``.

    Signals:
        changed: a value changed.
    """

    changed = Signal()

    def __init__(self, schema: Schema, prefix: str, parent: QWidget | None = None, *, hide_idle: bool = False) -> None:
        super().__init__(parent)
        self._schema, self._hide_idle = schema, hide_idle
        self._beside: dict[str, Any] = {}
        # A deep copy: callers may share the schema between forms.
        properties: dict[str, Schema] = json.loads(json.dumps(schema["properties"]))
        self._quiet = False
        self.fields = {name: FormField(name, prop, f"{prefix}.{name}", self) for name, prop in properties.items()}
        self._fold = QToolButton(self)
        self._advanced = QWidget(self)
        self._lay_out(prefix)
        for form_field in self.fields.values():
            form_field.edited.connect(self._on_edited)
        self._hide()

    def set_beside(self, values: dict[str, Any]) -> None:
        """Set the values of settings that have no field here, on which those of fields may depend."""
        self._beside = dict(values)
        self._hide()

    def values(self) -> dict[str, Any]:
        """Field → value; the typed text where it is invalid."""
        return {name: form_field.value for name, form_field in self.fields.items()}

    def errors(self) -> dict[str, str]:
        """Field → error text, for invalid fields; not for hidden ones, which have no effect."""
        return {
            name: form_field.error
            for name, form_field in self.fields.items()
            if form_field.error and not form_field.isHidden()
        }

    def set_values(self, values: dict[str, Any]) -> None:
        """Set values; fields that are not named stay."""
        self._quiet = True
        for name, value in values.items():
            if name in self.fields:
                self.fields[name].set_value(value)
        self._quiet = False
        self._hide()

    def set_defaults(self, values: dict[str, Any]) -> None:
        """Set other defaults than those of the schema, for example a family's training settings."""
        for name, value in values.items():
            if name in self.fields:
                self.fields[name].set_default(value)

    def set_refusals(self, refusals: dict[str, str]) -> None:
        """Show the engine's refusals of fields."""
        for name, form_field in self.fields.items():
            form_field.set_refusal(refusals.get(name, ""))
            if name in refusals and form_field.advanced:
                self._fold.setChecked(True)

    def set_idle(self, idle: dict[str, str]) -> None:
        """Disable the fields that have no effect or cannot be changed, with a sentence on why; enable all others."""
        for name, form_field in self.fields.items():
            form_field.set_idle(idle.get(name, ""))

    def title_of(self, name: str) -> str:
        """Return the title of a field, as it is shown."""
        return str(self._schema["properties"][name].get("title", name))

    def retire(self) -> None:
        """Delete the form, in whose place there will be another one.

        A field that loses the focus by that may still take its typed text, which would be written to what the next form
        is about: nothing is emitted any more.
        """
        self.blockSignals(True)
        self.hide()
        self.deleteLater()

    def in_tab_order(self) -> list[QWidget]:
        """Widgets that take the focus, in the order of the form."""
        fields = sorted(self.fields.values(), key=lambda form_field: form_field.advanced)
        first_advanced = sum(not form_field.advanced for form_field in fields)
        chain = [widget for form_field in fields[:first_advanced] for widget in focusable(form_field)]
        return [*chain, self._fold, *(widget for f in fields[first_advanced:] for widget in focusable(f))]

    def _on_edited(self) -> None:
        if not self._quiet:
            self._hide()
            self.changed.emit()

    def _hide(self) -> None:
        """Hide the fields without effect."""
        if self._hide_idle:
            unmet = conditions_unmet(self._schema, {**self._beside, **self.values()})
            for name, form_field in self.fields.items():
                form_field.setHidden(name in unmet)

    def _lay_out(self, prefix: str) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        inner = QVBoxLayout(self._advanced)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(4)
        for form_field in self.fields.values():
            (inner if form_field.advanced else layout).addWidget(form_field)
        layout.addWidget(self._fold, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._advanced)
        self._fold.setText("More settings")
        self._fold.setCheckable(True)
        self._fold.setProperty("flat", True)
        self._fold.setArrowType(Qt.ArrowType.RightArrow)
        self._fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._fold.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._fold.setObjectName(f"{prefix}.more")
        self._fold.setAccessibleName("More settings")
        self._fold.setToolTip("Show or hide advanced settings.")
        self._fold.toggled.connect(self._unfold)
        self._fold.setVisible(any(f.advanced for f in self.fields.values()))
        self._advanced.hide()

    def _unfold(self, on: bool) -> None:
        self._advanced.setVisible(on)
        self._fold.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
