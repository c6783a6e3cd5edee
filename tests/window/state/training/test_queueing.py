"""Adding runs with the settings of Train to the queue."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot
from training_scene import Scene

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs_queue import AddToQueue, RunsQueued


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


def test_a_run_is_added_with_the_settings_of_the_form(scene: Scene) -> None:
    state = scene.state
    scene.begin()  # also while another one trains
    assert not state.can_start and state.can_queue
    for count in (1, 2):
        state.queue()
        command = scene.client.last(AddToQueue)
        assert command.specs == (state.setup.spec,) and not state.can_queue
        scene.client.deliver(RunsQueued(request=command.request, keys=("a",)))
        assert state.queued == count and state.can_queue
    state.setup.set_training({**state.setup.training, "seed": 5}, {})
    assert state.queued == 0


def test_a_refusal_names_the_field_at_once(scene: Scene) -> None:
    scene.state.queue()
    command = scene.client.last(AddToQueue)
    scene.client.deliver(
        CommandFailed(
            request=command.request,
            command="AddToQueue",
            message="Seed is -1.",
            reason=Reason.BAD_SETTING,
            fields={"training.seed": "Seed is -1."},
        )
    )
    assert scene.state.setup.refusals("training") == {"seed": "Seed is -1."}
    assert scene.state.queued == 0 and not scene.state.can_queue
