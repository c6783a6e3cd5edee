"""Field of one setting of a form: one table maps the types of its JSON Schema to editors.

A field shows its title, an editor, its unit and, where its value differs from the default, a bold title and a reset
button. An invalid value has an error text under the field, with the same wording as the engine's refusal.
"""

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QWidget

from gmstudio.protocol.config import describe_limits
from gmstudio.window.gui.forms.editors import (
    ChoiceEdit,
    FlagEdit,
    ListEdit,
    NumberEdit,
    ResetButton,
    TextEdit,
    format_number,
)
from gmstudio.window.gui.forms.field_title import FieldTitle
from gmstudio.window.gui.forms.path_edit import FolderEdit
from gmstudio.window.gui.widgets.number_input import AmbiguousNumberError
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.style_property import set_role, set_style_property

Schema = dict[str, Any]
Editor = NumberEdit | ChoiceEdit | FlagEdit | TextEdit | FolderEdit | ListEdit
LABEL_WIDTH = 120
UNIT_WIDTH = 72
NARROW_LABEL_WIDTH, NARROW_UNIT_WIDTH = 84, 44
RESET_WIDTH = 22
NONE_TEXT = "auto"
LONG_TEXT = 16
"""Characters of a default text that has a line of its own."""


def _number(prop: Schema, name: str, optional: bool) -> Editor:
    above = prop.get("minimum") is None
    editor = NumberEdit(
        whole=prop["type"] == "integer",
        low=prop.get("exclusiveMinimum") if above else prop.get("minimum"),
        high=prop.get("maximum"),
        log=bool(prop.get("log")),
        above=above,
    )
    if optional:
        editor.lineEdit().setPlaceholderText(NONE_TEXT)
    return editor


def _flag(prop: Schema, name: str, optional: bool) -> Editor:
    return ChoiceEdit([True, False], NONE_TEXT) if optional else FlagEdit()


def _text(prop: Schema, name: str, optional: bool) -> Editor:
    if name == "folder" or prop.get("files"):
        return FolderEdit(files=bool(prop.get("files")), folders=name == "folder")
    return TextEdit(optional=optional)


def _choice(prop: Schema, name: str, optional: bool) -> Editor:
    labels = prop.get("labels") or {}
    choices = list(labels) if set(labels) == set(prop["enum"]) else _in_order(prop["enum"])  # the schema sorts them
    return ChoiceEdit(choices, NONE_TEXT if optional else None, labels=labels)


def _list(prop: Schema, name: str, optional: bool) -> Editor:
    return ListEdit({"integer": int, "number": float}.get(prop.get("items", {}).get("type", ""), str))


EDITORS: dict[str, Callable[[Schema, str, bool], Editor]] = {
    "integer": _number,
    "number": _number,
    "boolean": _flag,
    "string": _text,
    "enum": _choice,
    "array": _list,
}
"""Schema type → editor; a new kind of setting needs one entry here."""


def _in_order(choices: list[Any]) -> list[Any]:
    """Sort numbers in ascending order; texts stay in the order of the schema."""
    numbers = all(isinstance(c, int | float) for c in choices)
    return sorted(choices) if numbers else choices


def _flat(prop: Schema) -> tuple[Schema, bool]:
    """Split a property into its schema without the null option, and a flag for that option."""
    options = [p for p in prop.get("anyOf", ()) if p.get("type") != "null"]
    if not options:
        return prop, False
    return {**options[0], **{k: v for k, v in prop.items() if k != "anyOf"}}, True


_EVERY_KIND: tuple[Schema, ...] = (
    {"type": "integer", "minimum": 1, "maximum": 2, "default": 1, "unit": "steps"},
    {"type": "boolean", "default": False},
    {"type": "string", "default": ""},
    {"type": "string", "enum": ["a", "b"], "default": "a"},
    {"type": "array", "items": {"type": "integer"}, "default": []},
)


def fields_of_every_kind() -> "Iterator[FormField]":
    """Create a field of each kind; Qt needs ten times as long for the first of a kind as for others."""
    for prop in _EVERY_KIND:
        yield FormField("first", prop, "first")


class FormField(QWidget):
    """Field of one setting.

    Args:
        name: name of the field in the config.
        prop: schema of the field.
        object_name: object name of the editor.

    Signals:
        edited: the value changed.
    """

    edited = Signal()

    def __init__(self, name: str, prop: Schema, object_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self._prop = prop
        self._flat, self._optional = _flat(prop)
        self.title = self._flat.get("title", name.replace("_", " "))
        self.advanced = bool(self._flat.get("advanced"))
        self.default = prop.get("default")
        kind = "enum" if "enum" in self._flat else self._flat["type"]
        self.editor = EDITORS[kind](self._flat, name, self._optional)
        self._label = FieldTitle(self.title, self)
        self._unit = QLabel(shown_unit(self.title, self._flat.get("unit", "")), self)
        self._error = QLabel(self)
        self._reset = ResetButton(self)
        self._refusal = ""
        self._typed_in = False
        self._name_editor(object_name)
        self._lay_out()
        self.editor.set_value(self.default)
        self.editor.edited.connect(self._on_edited)
        self._reset.clicked.connect(self.reset)
        self._mark()

    @property
    def value(self) -> Any:
        """Value of the schema's type, or the typed text where it is invalid."""
        try:
            return self.editor.value
        except ValueError:
            return self._typed()

    @property
    def error(self) -> str:
        """Error text of an invalid value; empty for a valid one."""
        try:
            value = self.editor.value
        except AmbiguousNumberError as error:
            return f"{self.title}: {error}"
        except ValueError:
            return self._refuse()
        if value is None:
            return "" if self._optional else self._refuse()
        return "" if self._within(value) else self._refuse()

    def set_value(self, value: Any) -> None:
        """Show a value."""
        if value != self.value:
            typed_in = self._typed_in
            self.editor.set_value(value)
            self._typed_in = typed_in
            self._mark()

    def set_refusal(self, sentence: str) -> None:
        """Show the engine's refusal of the value, muted until the user has edited the field; empty: none."""
        if sentence != self._refusal:
            self._refusal = sentence
            self._mark()

    def reset(self) -> None:
        """Reset to the default."""
        self.editor.set_value(self.default)
        self.editor.setFocus()

    def forget_typing(self) -> None:
        """Let a refusal be muted again, as the field is about another setting from now on."""
        if self._typed_in:
            self._typed_in = False
            self._mark()

    def set_default(self, value: Any) -> None:
        """Set the default without changing the value."""
        self.default = value
        self._mark()

    def set_idle(self, sentence: str) -> None:
        """Disable the field because it has no effect, with a sentence on why as its tooltip; "": enable it."""
        self.editor.setEnabled(not sentence)
        self._reset.setEnabled(not sentence)
        edited = _core(self.editor)
        edited.setToolTip(sentence or self._label.toolTip())

    def _within(self, value: Any) -> bool:
        if isinstance(value, bool | str) or not isinstance(value, int | float):
            return True
        low, high = self._flat.get("minimum", -math.inf), self._flat.get("maximum", math.inf)
        above = self._flat.get("exclusiveMinimum", -math.inf)
        return math.isfinite(value) and low <= value <= high and value > above

    def _typed(self) -> str:
        return self.editor.text() if isinstance(self.editor, NumberEdit | ListEdit) else str(self.editor.value)

    def _refuse(self) -> str:
        typed = self._typed().strip() if not isinstance(self.editor, ChoiceEdit) else ""
        return f"{self.title} is {typed or 'empty'}; it must be {describe_limits(self._prop)}."

    def _on_edited(self) -> None:
        self._refusal = ""
        self._typed_in = True
        self._mark()
        self.edited.emit()

    def _mark(self) -> None:
        sentence = self.error or self._refusal
        wrong = bool(self.error) or (bool(sentence) and self._typed_in)
        set_style_property(_core(self.editor), "invalid", wrong)
        set_role(self._error, error=wrong)
        self._error.setText(sentence)
        self._error.setVisible(bool(sentence))
        changed = self.value != self.default
        self._reset.setVisible(changed)
        # no font of its own, which would stay as large as it was made
        set_style_property(self._label, "changed", changed)

    def _name_editor(self, object_name: str) -> None:
        unit = self._unit.text()
        tip = f"{self._flat.get('description', '')}\n{_sentence(describe_limits(self._prop))}{_default(self.default)}"
        edited = _core(self.editor)
        edited.setObjectName(object_name)
        edited.setAccessibleName(f"{self.title}, {unit}" if unit else self.title)
        for widget in (edited, self._label):
            widget.setToolTip(tip)
        self._label.setBuddy(self.editor)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._reset.setAccessibleName(f"Reset {self.title}")
        self._reset.setToolTip(f"Reset to the default{_default(self.default, ' ({})')}.")
        self._reset.setObjectName(f"{object_name}.reset")
        self._error.setObjectName(f"{object_name}.error")
        self._unit.setProperty("role", "muted")

    def set_narrow(self) -> None:
        """Leave less room for title and unit, for a column of some 250 pixels."""
        self._label.setFixedWidth(scaled_px(self, NARROW_LABEL_WIDTH))
        if self._unit.text():
            self._unit.setFixedWidth(scaled_px(self, NARROW_UNIT_WIDTH))
        else:
            self._unit.setFixedWidth(0)

    def _lay_out(self) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setHorizontalSpacing(6)
        layout.setVerticalSpacing(2)
        self._label.setFixedWidth(scaled_px(self, LABEL_WIDTH))
        self._error.setWordWrap(True)
        self._error.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        layout.addWidget(self._label, 0, 0)
        long_text = isinstance(self.editor, TextEdit) and len(str(self.default or "")) > LONG_TEXT
        if isinstance(self.editor, FolderEdit) or long_text:  # they need the whole line
            layout.addWidget(self.editor, 1, 0, 1, 4)
        elif isinstance(self.editor, NumberEdit) or self._unit.text():
            self._unit.setFixedWidth(scaled_px(self, UNIT_WIDTH))
            layout.addWidget(self.editor, 0, 1)
            layout.addWidget(self._unit, 0, 2)
        else:
            layout.addWidget(self.editor, 0, 1, 1, 2)
        layout.addWidget(self._reset, 0, 3)
        layout.addWidget(self._error, 2, 0, 1, 4)
        layout.setColumnStretch(1, 1)
        self._reset.setFixedSize(RESET_WIDTH, RESET_WIDTH)
        keep = self._reset.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(keep)


def shown_unit(title: str, unit: str) -> str:
    """Unit of a field beside its title; none where the title says it: ``Steps`` are not ``600 steps``."""
    return "" if unit.lower() in re.findall(r"\w+", title.lower()) else unit


def _core(editor: Editor) -> QWidget:
    """Widget of an editor that holds the value; it carries the name and the error outline."""
    return editor.line if isinstance(editor, FolderEdit) else editor


def focusable(form_field: FormField) -> list[QWidget]:
    """The widgets of an editor that take the focus, from left to right."""
    editor = form_field.editor
    return [editor.line, editor.browse] if isinstance(editor, FolderEdit) else [editor]


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _default(value: Any, pattern: str = " Default: {}.") -> str:
    if value in (None, ""):
        return ""
    return pattern.format(format_number(value) if isinstance(value, int | float) else value)
