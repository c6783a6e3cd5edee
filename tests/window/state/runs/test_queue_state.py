"""State of the page Queue with an engine whose answers are written here."""

from collections.abc import Iterator

import msgspec
import pytest
from pytestqt.qtbot import QtBot
from runs_scene import RunsScene

from gmstudio.protocol.engine import CommandFailed, EngineReported, Reason
from gmstudio.protocol.runs_queue import ArrangeQueue, ListQueue, PauseQueue, SetQueueRule, WorkQueue
from gmstudio.window.state.edits import Edit
from gmstudio.window.state.runs.queue import UNKNOWN, QueueState
from tests.queue_scene import QueueEngine, queue_entry, tiny_spec


class Stage:
    """State, and an engine that keeps its queue."""

    def __init__(self) -> None:
        self.scene = RunsScene()
        self.engine = QueueEngine(self.scene)
        self.scene.start()
        self.edits: list[Edit] = []
        self.scene.state.edits.edited.connect(self.edits.append)
        self.state = self.scene.state.page(QueueState)
        self.scene.serve()

    @property
    def order(self) -> str:
        return "".join(entry.key for entry in self.state.entries)

    def undo(self) -> None:
        self.scene.state.edits.restore(self.edits.pop().before)
        self.scene.serve()


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    yield Stage()


def test_the_queue_is_requested_when_the_engine_is_there(stage: Stage) -> None:
    assert isinstance(stage.scene.client.last(ListQueue), ListQueue)
    assert stage.order == "abcd"


def test_entries_are_moved_removed_and_undone(stage: Stage) -> None:
    state = stage.state
    state.move(["c"], "a")
    stage.scene.serve()
    assert stage.order == "cabd" and stage.engine.order == "cabd"
    state.shift(["c"], 1)
    stage.scene.serve()
    assert stage.engine.order == "acbd"
    state.shift(["c", "b"], -1)
    stage.scene.serve()
    assert stage.engine.order == "cbad"
    state.remove(["b", "d"])
    assert stage.order == "ca"  # at once, before the engine has answered
    stage.scene.serve()
    assert stage.engine.order == "ca"
    stage.undo()
    assert stage.engine.order == stage.order == "cbad"
    stage.undo()
    stage.undo()
    stage.undo()
    assert stage.engine.order == stage.order == "abcd"


def test_an_entry_in_training_is_not_removed_and_those_that_are_over_are_cleared(stage: Stage) -> None:
    stage.engine.set("a", status="running")
    stage.engine.set("b", status="finished")
    stage.engine.set("c", status="failed", message="Why.")
    stage.state.remove(["a"])
    stage.state.clear()
    stage.scene.serve()
    assert stage.engine.order == "ad"


def test_commands_of_the_work(stage: Stage) -> None:
    state, client = stage.state, stage.scene.client
    state.start()
    state.run_next("c")
    assert client.last(WorkQueue).first == "c" and not client.last(WorkQueue).now
    state.run_next("d", now=True)
    assert client.last(WorkQueue).now
    state.pause()
    state.set_stop_at_failure(True)
    assert client.last(PauseQueue) and client.last(SetQueueRule).stop_at_failure


def test_times_are_those_of_runs_that_have_trained(stage: Stage) -> None:
    state = stage.state
    assert [state.seconds_left(entry) for entry in state.entries] == [UNKNOWN] * 4
    assert state.all_seconds_left() == state.seconds_of([tiny_spec()]) == UNKNOWN
    stage.engine.set("a", status="finished", step=12, seconds=24.0)
    assert [state.seconds_left(entry) for entry in state.entries] == [0.0, 24.0, 24.0, 24.0]
    assert state.seconds_of([tiny_spec(), tiny_spec(steps=24)]) == 72.0
    stage.engine.set("b", current=True, status="running")
    stage.scene.client.deliver(
        EngineReported(state="training", device="CPU", memory_bytes=1, step=3, steps=12, seconds_left=5.0)
    )
    entry = state.entry("b")
    assert entry is not None and state.seconds_left(entry) == 5.0 and state.steps_of(entry) == (3, 12)
    other = msgspec.structs.replace(tiny_spec(), family="made")
    assert state.seconds_of([other]) == UNKNOWN


def test_a_refusal_is_shown_and_the_queue_is_read_again(stage: Stage) -> None:
    stage.state.move(["a"], "")
    command = stage.scene.client.last(ArrangeQueue)
    failed = CommandFailed(
        request=command.request, command="ArrangeQueue", message="The disk is full.", reason=Reason.RUN_UNUSABLE
    )
    stage.scene.client.deliver(failed)
    assert stage.state.problem == "The disk is full."
    stage.engine.refuses = True
    stage.scene.serve()
    assert stage.order == "abcd"


def test_entries_that_came_meanwhile_stay_when_an_edit_is_undone(stage: Stage) -> None:
    stage.state.remove(["a"])
    stage.scene.serve()
    stage.engine.entries = (*stage.engine.entries, queue_entry("e"))
    stage.engine.report()
    stage.undo()
    assert stage.engine.order == "abcde"
