"""A slot keeps its form as long as the schema is the same, and replaces it by that of another one."""

import pytest
from pytestqt.qtbot import QtBot
from training_scene import GanConfig, VaeConfig

from gmstudio.protocol.config import schema_of
from gmstudio.window.gui.forms.form_slot import FormSlot


@pytest.fixture
def slot(qtbot: QtBot) -> FormSlot:
    slot = FormSlot("train.config")
    qtbot.addWidget(slot)
    slot.set_schema(schema_of(VaeConfig))
    return slot


def test_a_form_is_kept_for_the_same_schema(slot: FormSlot) -> None:
    form = slot.form
    slot.set_values({"beta": 4.0}, {"beta": 2.0})
    slot.set_schema(schema_of(VaeConfig))
    assert slot.form is form and slot.fields["beta"].value == 4.0 and slot.fields["beta"].default == 2.0
    slot.set_schema(schema_of(VaeConfig), hide_idle=True)
    assert slot.form is not form, "another form, of the same settings"


def test_another_schema_has_another_form_whose_changes_are_emitted(slot: FormSlot, qtbot: QtBot) -> None:
    before, heard = slot.form, []
    assert before is not None
    slot.changed.connect(lambda values, errors: heard.append((values, errors)))
    slot.set_schema(schema_of(GanConfig))
    assert slot.form is not before and set(slot.fields) == set(schema_of(GanConfig)["properties"])
    before.fields["beta"].editor.edited.emit()
    assert heard == [], "a retired form is about nothing any more"
    name = next(iter(slot.fields))
    slot.fields[name].edited.emit()
    assert heard == [(slot.form.values() if slot.form else None, {})]


def test_an_empty_slot_is_hidden_and_takes_values_for_nothing(slot: FormSlot) -> None:
    assert slot.isVisible()
    slot.set_schema(None)
    slot.set_values({"beta": 4.0}, {})
    slot.set_refusals({"beta": "No."})
    assert slot.isHidden() and slot.form is None and slot.fields == {} and slot.in_tab_order() == []


def test_a_refusal_is_muted_again_in_a_form_that_is_kept(slot: FormSlot) -> None:
    field = slot.fields["beta"]
    field.editor.lineEdit().setText("3")
    slot.set_refusals({"beta": "Not with these data."})
    assert field._error.property("role") == "error"
    slot.set_schema(schema_of(VaeConfig))
    assert field._error.property("role") == "muted" and field._error.text() == "Not with these data."
