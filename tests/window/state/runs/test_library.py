"""The library: what runs there are, which is live, which are open."""

import time
from typing import Any

import fake_engine
import msgspec
import numpy as np
import pytest
from fake_client import FakeClient
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import CommandFailed, Done
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import (
    ChooseCheckpoint,
    HistoryAppended,
    ListRuns,
    OpenRun,
    RunDescribed,
    RunInfo,
    RunsListed,
    Series,
)
from gmstudio.protocol.training import CheckpointSaved, TrainingChanged
from gmstudio.window.gui.places import trained_run
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.watch import RunWatch


def run(name: str, **values: Any) -> RunInfo:
    defaults = {"run": f"/runs/{name}", "title": name, "status": "finished", "step": 10, "checkpoint_steps": (10,)}
    return msgspec.structs.replace(fake_engine.RUN, **{**defaults, **values})


def opened(info: RunInfo, *, live: bool = False, request: int = 0) -> Any:
    engine = fake_engine.FakeEngine(options=None)  # type: ignore[arg-type]
    engine.options = type("Options", (), {"listed": False})()
    return msgspec.structs.replace(engine.opened(request, live=True), info=info, live=live)


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def library(client: FakeClient, qapp: object) -> RunLibrary:
    """With an application: what follows a library of many runs waits for turns of its event loop."""
    return RunLibrary(client)


def listed(*runs: RunInfo) -> RunsListed:
    return RunsListed(home="/runs", runs=runs, problems=())


def test_the_catalog_is_followed_by_the_runs(client: FakeClient, library: RunLibrary) -> None:
    client.deliver(fake_engine.catalog())
    assert isinstance(client.sent[-1], ListRuns)
    assert library.entry("toy").card.title == "Toy"
    with pytest.raises(ValueError, match="no family 'dbn'; it has toy"):
        library.entry("dbn")


def test_runs_with_a_capability_put_the_live_one_first(client: FakeClient, library: RunLibrary) -> None:
    new, old = run("new"), run("old", status="running", checkpoint_steps=())
    untrained, other = run("untrained", checkpoint_steps=()), run("other", capabilities=("decode",))
    client.deliver(listed(new, untrained, other, old))
    client.deliver(TrainingChanged(run=old.run, status="running", step=11))
    assert [r.title for r in library.runs_with("pixel_session")] == ["old", "new"]
    for capability in ("pixel_session", "decode", ""):
        able = {info.run for info in library.runs_with(capability)}
        assert able == {info.run for info in library.runs if library.is_able(info.run, capability)}
    assert not library.is_able("/runs/elsewhere", "")


def test_which_of_many_runs_a_panel_can_show_is_found_at_once(client: FakeClient, library: RunLibrary) -> None:
    client.deliver(listed(*(run(str(number)) for number in range(3000))))
    shows = trained_run("pixel_session")
    began = time.thread_time()
    assert all(shows(library, info) for info in library.runs)
    assert time.thread_time() - began < 0.05


def test_open_asks_once(client: FakeClient, library: RunLibrary) -> None:
    assert library.open("/runs/a") is None
    assert library.open("/runs/a") is None
    assert [type(c) for c in client.sent] == [OpenRun]
    event = opened(run("a"), request=client.sent[0].request)
    client.deliver(event)
    assert library.open("/runs/a") == event
    assert len(client.sent) == 1
    assert library.info("/runs/a") is not None


def test_a_run_that_cannot_be_opened_says_why_and_may_be_tried_again(client: FakeClient, library: RunLibrary) -> None:
    failures: list[tuple[str, str]] = []
    library.open_failed.connect(lambda path, failure: failures.append((path, failure.message)))
    library.open("/runs/a")
    client.deliver(CommandFailed(request=1, command="OpenRun", message="run.json is damaged."))
    assert failures == [("/runs/a", "run.json is damaged.")]
    library.open("/runs/a")
    assert len(client.sent) == 2


def test_the_live_run_comes_and_goes(client: FakeClient, library: RunLibrary) -> None:
    lives: list[str] = []
    library.live_changed.connect(lives.append)
    a = run("a", status="running")
    client.deliver(opened(a, live=True))
    client.deliver(TrainingChanged(run=a.run, status="paused", step=20))
    assert library.live == a.run
    client.deliver(TrainingChanged(run=a.run, status="stopped", step=21))
    assert lives == [a.run, ""]
    info = library.info(a.run)
    assert info is not None
    assert (info.status, info.step) == ("stopped", 21)


def test_a_checkpoint_is_noted(client: FakeClient, library: RunLibrary) -> None:
    client.deliver(listed(run("a", checkpoint_steps=(10,))))
    client.deliver(CheckpointSaved(run="/runs/a", step=5))
    client.deliver(CheckpointSaved(run="/runs/a", step=5))
    info = library.info("/runs/a")
    assert info is not None
    assert info.checkpoint_steps == (5, 10)


def test_losing_the_engine_interrupts_and_closes(client: FakeClient, library: RunLibrary) -> None:
    a = run("a", status="running")
    client.deliver(opened(a, live=True))
    library.open("/runs/b")
    lost: list[bool] = []
    library.engine_lost.connect(lambda: lost.append(True))
    library.lose_engine()
    assert lost == [True]
    assert library.live == ""
    assert library.opened == {}
    info = library.info(a.run)
    assert info is not None
    assert info.status == "interrupted"
    library.open("/runs/b")
    assert sum(isinstance(c, OpenRun) for c in client.sent) == 2


def test_polling_asks_for_what_changed(client: FakeClient, library: RunLibrary) -> None:
    library.poll()
    assert client.sent == []  # no engine yet
    client.deliver(fake_engine.catalog())
    library.poll()
    assert len(client.sent) == 1  # the list is under way
    client.deliver(RunsListed(request=client.sent[-1].request, home="/runs", runs=(run("a"),), problems=(), state="s1"))
    library.poll()
    assert client.last(ListRuns).known == "s1"
    client.deliver(Done(request=client.last(ListRuns).request))
    assert [info.title for info in library.runs] == ["a"] and not library.polling


def test_an_open_run_that_another_program_trains_is_opened_again(client: FakeClient, library: RunLibrary) -> None:
    a, b = run("a", status="running"), run("b")
    client.deliver(listed(a, b))
    for info in (a, b):
        library.open(info.run)
        client.deliver(opened(info, request=client.sent[-1].request))
    sent = len(client.sent)
    client.deliver(listed(a, b))
    assert len(client.sent) == sent
    client.deliver(listed(msgspec.structs.replace(a, step=20, checkpoint_steps=(10, 20)), b))
    assert [command.run for command in client.sent[sent:] if isinstance(command, OpenRun)] == [a.run]
    assert library.opened[a.run].info.step == 10  # until the answer


def test_the_watch_polls_and_waits_after_a_slow_answer(qtbot: QtBot, client: FakeClient, library: RunLibrary) -> None:
    client.deliver(fake_engine.catalog())
    client.deliver(RunsListed(request=client.sent[-1].request, home="/runs", runs=(), problems=(), state="s"))
    parent = QObject()
    watch = RunWatch(library, parent)
    watch.poll()
    assert client.last(ListRuns).known == "s"
    qtbot.wait(30)
    client.deliver(Done(request=client.last(ListRuns).request))
    sent = len(client.sent)
    watch.poll()
    assert len(client.sent) == sent  # 30 ms were taken, so 600 ms are waited
    parent.deleteLater()


def test_a_chosen_checkpoint_is_chosen_in_a_new_engine_too(client: FakeClient, library: RunLibrary) -> None:
    client.deliver(listed(run("a", kept_steps=(5,))))
    library.checkpoints.choose("/runs/a", 5)
    library.checkpoints.choose("/runs/a", 5)
    assert len([c for c in client.sent if isinstance(c, ChooseCheckpoint)]) == 1
    client.deliver(fake_engine.catalog())
    chosen = [c for c in client.sent if isinstance(c, ChooseCheckpoint)]
    assert [(c.run, c.step) for c in chosen] == [("/runs/a", 5)] * 2


def test_a_checkpoint_that_is_gone_is_not_chosen(client: FakeClient, library: RunLibrary) -> None:
    chosen: list[str] = []
    library.checkpoint_chosen.connect(chosen.append)
    library.checkpoints.choose("/runs/a", 5)
    failed = CommandFailed(request=client.last(ChooseCheckpoint).request, command="ChooseCheckpoint", message="Gone.")
    client.deliver(failed)
    assert library.checkpoints.steps == {} and chosen == ["/runs/a", "/runs/a"]


def test_examples_come_last_and_are_found_by_family(client: FakeClient, library: RunLibrary) -> None:
    def example(name: str, family: str) -> RunInfo:
        spec = msgspec.structs.replace(fake_engine.RUN.spec, family=family)
        return run(name, spec=spec, example=True, created="2099")

    examples = example("vae-shapes", "vae"), example("vae", "vae"), example("nice", "realnvp")
    client.deliver(listed(run("old", created="2001"), *examples))
    client.deliver(RunDescribed(info=run("new", created="2002", starred=True)))
    assert [info.title for info in library.runs] == ["new", "old", "vae-shapes", "vae", "nice"]
    assert library.example("vae") == library.example("vae", "gone") == "/runs/vae"
    assert library.example("vae", "vae-shapes") == "/runs/vae-shapes"
    assert library.example("realnvp") == "/runs/nice"
    assert library.example("toy") == ""


def test_of_a_run_in_training_elsewhere_the_end_of_the_curves_is_fetched(
    client: FakeClient, library: RunLibrary
) -> None:
    """From where the curves that arrived end, not from the step that some description names."""
    writer = {"status": "running", "writer": "process 7 on node7", "spec": RunSpec(family="toy", data="digits")}
    at = lambda step: run("a", step=step, **writer)  # noqa: E731
    client.deliver(listed(at(5000)))
    library.open("/runs/a")
    client.deliver(opened(at(5010)))
    client.deliver(curve(5000))
    client.deliver(RunDescribed(info=at(6000)))
    client.deliver(listed(at(7000)))
    asked = client.sent[-1]
    assert isinstance(asked, OpenRun) and asked.since == 5000 - at(0).training.validate_every - 1
    client.deliver(opened(at(7000)))
    client.deliver(curve(7000))
    client.deliver(listed(at(6500)))  # it was stopped, and resumed from an earlier checkpoint
    asked = client.sent[-1]
    assert isinstance(asked, OpenRun) and asked.since == -1


def curve(end: int) -> HistoryAppended:
    steps = np.arange(1, end + 1)
    series = Series("train", "loss", Array.of(steps), Array.of(np.ones(end)))
    return HistoryAppended(run="/runs/a", series=(series,), reset=True)


def test_the_first_list_is_awaited_until_its_first_part_or_a_failure(client: FakeClient, library: RunLibrary) -> None:
    assert not library.arriving, "the engine may take long to start"
    library.refresh()
    assert library.arriving
    client.deliver(CommandFailed(request=client.sent[-1].request, command="ListRuns", message="It cannot be read."))
    assert not library.arriving
    library.refresh()
    client.deliver(RunsListed(request=client.sent[-1].request, home="/runs", runs=(run("a"),), problems=(), state="s"))
    assert not library.arriving
    library.refresh()
    assert not library.arriving, "what is known can be shown"
