"""The library: what runs there are, which is live, which are open."""

from typing import Any

import fake_engine
import msgspec
import pytest
from fake_client import FakeClient

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.runs import ListRuns, OpenRun, RunInfo, RunsListed
from gmstudio.protocol.training import CheckpointSaved, TrainingChanged
from gmstudio.window.state.runs.library import RunLibrary


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
def library(client: FakeClient) -> RunLibrary:
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
