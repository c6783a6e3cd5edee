"""The queue of a real engine: one run after another, in spite of failures, pauses, kills and other engines."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gmstudio.protocol.engine import CommandFailed, EngineReported, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import ListRuns, RunsListed
from gmstudio.protocol.runs_grid import GridsListed, ListGrids
from gmstudio.protocol.runs_queue import (
    AddToQueue,
    ArrangeQueue,
    ListQueue,
    PauseQueue,
    QueueEntry,
    QueueListed,
    RunsQueued,
    SetQueueRule,
    WorkQueue,
)
from gmstudio.protocol.training import (
    CheckpointSaved,
    PaceTraining,
    PauseTraining,
    StartTraining,
    StopTraining,
    TrainingChanged,
)
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.queue import QueueFile
from tests.engine_process import EngineProcess
from tests.queue_scene import tiny_grid, tiny_spec

LONG: dict[str, Any] = {"steps": 100_000, "validate_every": 1000, "sample_every": 1000}
SLOW = 20.0
"""Steps a second of a run that another test process has to share the machine with."""
Entries = tuple[QueueEntry, ...]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    with EngineProcess(tmp_path_factory.mktemp("home")) as process:
        yield process


@pytest.fixture
def engine(shared: EngineProcess) -> EngineProcess:
    """An engine with an empty queue."""
    keys = tuple(entry.key for entry in shared.ask(ListQueue(), QueueListed).entries)
    assert shared.ask(ArrangeQueue(removed=keys), QueueListed).entries == ()
    return shared


def add(engine: EngineProcess, *specs: RunSpec) -> tuple[str, ...]:
    return engine.ask(AddToQueue(specs=specs), RunsQueued).keys


def listed(engine: EngineProcess, accept: Callable[[Entries], bool]) -> QueueListed:
    return engine.wait(QueueListed, lambda event: accept(event.entries))


def statuses(entries: Entries) -> list[str]:
    return [entry.status for entry in entries]


def trains(engine: EngineProcess) -> str:
    return engine.wait(TrainingChanged, lambda event: event.status == "running").run


def test_entries_are_trained_one_after_another(engine: EngineProcess) -> None:
    add(engine, tiny_spec(), tiny_spec(seed=1))
    queue = engine.ask(ListQueue(), QueueListed)
    assert statuses(queue.entries) == ["waiting", "waiting"] and not queue.working
    engine.ask(WorkQueue(), QueueListed)
    done = listed(engine, lambda entries: statuses(entries) == ["finished", "finished"])
    assert [entry.step for entry in done.entries] == [12, 12]
    assert all(entry.seconds > 0 for entry in done.entries)
    assert not done.working and not done.current
    begun = [event.run for event in engine.seen if isinstance(event, TrainingChanged) and event.status == "running"]
    assert begun[-2:] == [entry.run for entry in done.entries]
    for entry in done.entries:
        with RunFolder.open(engine.folder(entry.run)) as run:
            assert run.record.status == "finished" and run.record.spec == entry.spec


def test_settings_are_refused_when_they_are_added(engine: EngineProcess) -> None:
    request = engine.send(AddToQueue(specs=(tiny_spec(), tiny_spec(learning_rate=-1.0)), labels=("first", "second")))
    failed = engine.wait(CommandFailed, lambda event: event.request == request)
    assert failed.reason is Reason.BAD_SETTING
    assert list(failed.fields) == ["training.learning_rate"]
    assert "second" in failed.fields["training.learning_rate"]
    assert engine.ask(ListQueue(), QueueListed).entries == ()


def test_a_failure_does_not_stop_the_queue_unless_it_is_to(engine: EngineProcess) -> None:
    add(engine, tiny_spec(), tiny_spec(seed=1))
    path = engine.home / "queue.json"
    content = json.loads(path.read_text())
    content["entries"][0]["spec"]["data_config"] = {"variant": "nonsense"}  # as if the data had changed since
    content["entries"][0]["spec"]["data"] = "images"
    path.write_text(json.dumps(content))
    engine.ask(SetQueueRule(stop_at_failure=True), QueueListed)
    engine.ask(WorkQueue(), QueueListed)
    waits = engine.wait(QueueListed, lambda event: bool(event.note))
    assert statuses(waits.entries) == ["failed", "waiting"] and not waits.working
    assert waits.entries[0].message and "failed" in waits.note
    engine.ask(SetQueueRule(stop_at_failure=False), QueueListed)
    engine.ask(WorkQueue(first=waits.entries[0].key), QueueListed)
    done = listed(engine, lambda entries: statuses(entries) == ["failed", "finished"])
    assert done.entries[0].message


def test_entries_are_ordered_removed_and_brought_back(engine: EngineProcess) -> None:
    first, second, third = add(engine, tiny_spec(), tiny_spec(seed=1), tiny_spec(seed=2))
    before = engine.ask(ListQueue(), QueueListed).entries
    moved = engine.ask(ArrangeQueue(order=(third, first, second)), QueueListed)
    assert [entry.key for entry in moved.entries] == [third, first, second]
    fewer = engine.ask(ArrangeQueue(removed=(first,)), QueueListed)
    assert [entry.key for entry in fewer.entries] == [third, second]
    back = engine.ask(ArrangeQueue(restored=before[:1], order=(first, second, third)), QueueListed)
    assert back.entries == before


def test_run_now_puts_the_present_run_behind_and_resumes_it(engine: EngineProcess) -> None:
    long, short = add(engine, tiny_spec(**LONG), tiny_spec())
    engine.ask(WorkQueue(), QueueListed)
    run = trains(engine)
    engine.wait(EngineReported, lambda event: event.step > 0)
    engine.ask(WorkQueue(first=short, now=True), QueueListed)
    back = listed(engine, lambda entries: "finished" in statuses(entries))
    assert [(entry.key, entry.run) for entry in back.entries] == [(short, back.entries[0].run), (long, run)]
    assert back.entries[-1].step > 0
    resumed = listed(engine, lambda entries: statuses(entries) == ["finished", "running"])
    assert resumed.entries[-1].key == long
    engine.ask(PauseQueue(), QueueListed)
    engine.send(StopTraining())
    stopped = listed(engine, lambda entries: "stopped" in statuses(entries))
    assert stopped.entries[-1].run == run


def test_stop_pauses_the_queue_and_says_so(engine: EngineProcess) -> None:
    add(engine, tiny_spec(**LONG), tiny_spec())
    engine.ask(WorkQueue(), QueueListed)
    trains(engine)
    engine.send(StopTraining())
    waits = engine.wait(QueueListed, lambda event: bool(event.note))
    assert statuses(waits.entries) == ["stopped", "waiting"] and not waits.working
    assert "stopped" in waits.note


def test_a_run_that_is_not_of_the_queue_is_waited_for(engine: EngineProcess) -> None:
    add(engine, tiny_spec())
    engine.send(StartTraining(spec=tiny_spec(**LONG)))
    other = trains(engine)
    assert engine.ask(WorkQueue(), QueueListed).entries[0].status == "waiting"
    request = engine.send(WorkQueue(now=True))
    assert other in engine.wait(CommandFailed, lambda event: event.request == request).message
    engine.send(StopTraining())
    listed(engine, lambda entries: statuses(entries) == ["finished"])


def test_kill_in_the_midst_of_a_run_loses_nothing(engine: EngineProcess) -> None:
    with EngineProcess(engine.home) as killed:
        add(killed, tiny_spec(**LONG, checkpoint_every=5), tiny_spec(seed=1))
        killed.ask(WorkQueue(), QueueListed)
        run = trains(killed)
        killed.send(PaceTraining(steps_per_s=SLOW))
        step = killed.wait(CheckpointSaved, lambda event: event.step >= 10).step
        killed.process.kill()
    queue = engine.ask(ListQueue(), QueueListed)
    assert statuses(queue.entries) == ["waiting", "waiting"]
    assert not queue.working and "interrupted" in queue.note
    assert queue.entries[0].run == run and "goes on" in queue.entries[0].message
    assert queue.entries[0].step >= step
    engine.ask(WorkQueue(), QueueListed)
    assert trains(engine) == run
    engine.send(StopTraining())
    assert listed(engine, lambda entries: statuses(entries) == ["stopped", "waiting"]).entries[0].step >= step


def test_the_end_of_the_window_lets_the_run_wait(tmp_path: Path) -> None:
    with EngineProcess(tmp_path) as engine:
        add(engine, tiny_spec(**LONG))
        engine.ask(WorkQueue(), QueueListed)
        run = trains(engine)
        engine.send(PauseTraining())
    (entry,) = QueueFile(tmp_path).read().entries
    assert (entry.status, entry.run) == ("waiting", run)


def test_one_process_at_a_time_works_the_queue(engine: EngineProcess) -> None:
    add(engine, tiny_spec())
    other = QueueFile(engine.home)
    assert other.take_work()  # as another window's engine does
    with other.changing() as content:
        content.entries = tuple(msgspec.structs.replace(entry, status="running") for entry in content.entries)
    queue = engine.ask(ListQueue(), QueueListed)
    assert queue.elsewhere and statuses(queue.entries) == ["running"]
    request = engine.send(WorkQueue())
    assert "another window" in engine.wait(CommandFailed, lambda event: event.request == request).message
    other.leave_work()  # it has died
    found = engine.ask(ListQueue(), QueueListed)
    assert statuses(found.entries) == ["waiting"] and "interrupted" in found.note


def test_a_damaged_queue_is_named_and_nothing_else_fails(engine: EngineProcess) -> None:
    path = engine.home / "queue.json"
    whole = path.read_bytes()
    path.write_text('{"entries": [')
    request = engine.send(ListQueue())
    assert "queue.json" in engine.wait(CommandFailed, lambda event: event.request == request).message
    engine.ask(ListRuns(), RunsListed)
    path.write_bytes(whole)
    engine.ask(ListQueue(), QueueListed)


def test_a_grid_is_kept_and_its_runs_have_its_tag(engine: EngineProcess) -> None:
    grid = tiny_grid()
    specs = tuple(grid.spec(cell) for cell in grid.cells())
    labels = tuple(grid.label(cell) for cell in grid.cells())
    engine.ask(AddToQueue(specs=specs, labels=labels, tags=(grid.tag,), grid=grid), RunsQueued)
    assert [known.name for known in engine.ask(ListGrids(), GridsListed).grids] == ["rates"]
    engine.ask(WorkQueue(), QueueListed)
    done = listed(engine, lambda entries: statuses(entries) == ["finished"] * 4)
    infos = {info.run: info for info in engine.ask(ListRuns(), RunsListed).runs}
    cells = [grid.cell_of(infos[entry.run].spec) for entry in done.entries]
    assert cells == list(grid.cells())
    assert all(infos[entry.run].tags == ("grid:rates",) for entry in done.entries)
