"""Changes while training: present values are edited in place, sent, refused, logged, marked; runs are prolonged."""

from typing import Annotated, Any

import msgspec
import pytest
from PySide6.QtGui import QAction
from train_stage import Stage, stage  # noqa: F401 (a fixture)
from training_scene import VaeConfig, catalog, opened

from gmstudio.protocol.config import field, live_fields, schema_of
from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunChange
from gmstudio.protocol.training import ChangeTraining, ResumeRun
from gmstudio.window.gui.control_values import control_value
from gmstudio.window.gui.panels.train.changing import ChangingView
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs

TRAINING = {"steps": 1500, "learning_rate": 1e-3, "batch_size": 64}
SPEC = RunSpec(family="vae", config={"beta": 1.0, "num_hidden": 512}, data="digits", training=TRAINING)


def live_catalog() -> Any:
    """The catalog, with a β that can be changed."""
    whole = catalog()
    schema = schema_of(VaeConfig)
    schema["properties"]["beta"]["live"] = True
    first, *others = whole.families
    return msgspec.structs.replace(whole, families=(msgspec.structs.replace(first, config_schema=schema), *others))


@pytest.fixture
def training(stage: Stage) -> Stage:  # noqa: F811
    stage.client.deliver(live_catalog())
    stage.begin(spec=SPEC)
    stage.change("running", step=10)
    tabs = stage.panel.findChild(LazyTabs, "train.tabs")
    assert tabs is not None
    tabs.show_page("changing")
    return stage


def view(one: Stage) -> ChangingView:
    found = one.panel.findChild(ChangingView)
    assert isinstance(found, ChangingView)
    return found


def set_field(one: Stage, part: str, name: str, value: object) -> None:
    form_field = view(one)._forms[part].fields[name]
    form_field.set_value(value)
    form_field.edited.emit()


def action(one: Stage, name: str) -> QAction:
    found = getattr(view(one), name)
    assert isinstance(found, QAction)
    return found


class Weighted(msgspec.Struct):
    weight: Annotated[float, field("Weight", "Of the loss.", live=True)] = 1.0
    width: Annotated[int, field("Width", "Of the network.")] = 8


def test_a_field_says_that_it_can_change() -> None:
    assert live_fields(schema_of(Weighted)) == ("weight",)


def test_only_what_can_change_is_shown_with_its_present_value(training: Stage) -> None:
    forms = view(training)._forms
    assert list(forms["config"].fields) == ["beta"]
    assert {"learning_rate", "batch_size", "grad_clip", "schedule"} <= set(forms["training"].fields)
    assert not {"seed", "steps", "precision"} & set(forms["training"].fields)
    assert forms["config"].fields["beta"].value == 1.0 and forms["training"].fields["batch_size"].value == 64
    assert not action(training, "apply").isEnabled()


def test_what_differs_is_sent_and_the_new_values_are_the_present_ones(training: Stage) -> None:
    set_field(training, "config", "beta", 4.0)
    set_field(training, "training", "learning_rate", 5e-4)
    action(training, "apply").trigger()
    command = training.client.last(ChangeTraining)
    assert (command.run, command.config, command.training) == ("/runs/a", {"beta": 4.0}, {"learning_rate": 5e-4})
    assert not action(training, "apply").isEnabled(), "one change at a time"
    changed = msgspec.structs.replace(
        SPEC, config={**SPEC.config, "beta": 4.0}, training={**TRAINING, "learning_rate": 5e-4}
    )
    change = RunChange(step=12, text="β 1 → 4; Learning rate 0.001 → 0.0005.")
    training.client.deliver(msgspec.structs.replace(opened(spec=changed, step=12), changes=(change,)))
    training.client.deliver(Done(request=command.request))
    assert view(training)._forms["config"].fields["beta"].value == 4.0
    assert not action(training, "apply").isEnabled()
    assert view(training)._made.text() == f"step 12: {change.text}"
    assert (12, theme().color("accent")) in training.curves()._source.marks("step")
    assert (step := training.panel.undo.undoable) is not None and step.edit.name == "Change beta, learning rate"
    training.panel.undo.undo()
    command = training.client.last(ChangeTraining)
    assert (command.config, command.training) == ({"beta": 1.0}, {"learning_rate": 1e-3})
    training.client.deliver(Done(request=command.request))
    training.panel.undo.redo()
    assert training.client.last(ChangeTraining).config == {"beta": 4.0}
    training.change("finished", step=20)
    training.panel.undo.undo()
    assert training.client.last(ChangeTraining).config == {"beta": 4.0}, "it trains no more"


def test_a_refusal_is_shown_and_an_invalid_value_is_not_sent(training: Stage) -> None:
    set_field(training, "config", "beta", -1.0)
    assert not action(training, "apply").isEnabled()
    set_field(training, "config", "beta", 4.0)
    action(training, "apply").trigger()
    request = training.client.last(ChangeTraining).request
    training.client.deliver(CommandFailed(request=request, command="ChangeTraining", message="Not now."))
    assert view(training)._note.text() == "Not now." and action(training, "apply").isEnabled()


def test_the_run_in_training_is_prolonged_and_its_decay_asked_about(training: Stage) -> None:
    asked: list[ChangeTraining] = []
    training.library.schedule_asked.connect(lambda command, _question: asked.append(command))
    view(training).steps.setValue(500)
    action(training, "more").trigger()
    command = training.client.last(ChangeTraining)
    assert command.training == {"steps": 2000} and command.config == {}
    failed = CommandFailed(
        request=command.request, command="ChangeTraining", message="Choose.", reason=Reason.SCHEDULE_OPEN
    )
    training.client.deliver(failed)
    assert [one.training for one in asked] == [command.training]


def test_the_number_of_steps_is_kept(training: Stage) -> None:
    steps = view(training).steps
    assert steps in training.panel.remembered and control_value(steps) == 1000


def test_a_run_that_has_ended_is_trained_on(training: Stage) -> None:
    training.change("finished", step=1500)
    assert not any(slot.fields for slot in view(training)._forms.values()) and not action(training, "apply").isEnabled()
    view(training).steps.setValue(500)
    action(training, "more").trigger()
    command = training.client.last(ResumeRun)
    assert (command.run, command.steps) == ("/runs/a", 2000)
