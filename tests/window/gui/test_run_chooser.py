"""The run chooser follows the run in training until the user chooses another."""

from typing import Any

import fake_engine
import msgspec
import pytest
from fake_client import FakeClient
from pytestqt.qtbot import QtBot

from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.state.runs.library import RunLibrary


def run(name: str, **values: Any) -> RunInfo:
    defaults = {"run": f"/runs/{name}", "title": name, "status": "finished", "step": 10, "checkpoint_steps": (10,)}
    return msgspec.structs.replace(fake_engine.RUN, **{**defaults, **values})


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def chooser(qtbot: QtBot, client: FakeClient) -> RunChooser:
    chooser = RunChooser(RunLibrary(client), "pixel_session")
    qtbot.addWidget(chooser)
    return chooser


def list_runs(client: FakeClient, *names: str) -> None:
    client.deliver(RunsListed(home="/runs", runs=tuple(run(name) for name in names), problems=()))


def train(client: FakeClient, name: str, status: Any = "running") -> None:
    client.deliver(TrainingChanged(run=f"/runs/{name}", status=status, step=1))


def test_nothing_to_choose(client: FakeClient, chooser: RunChooser) -> None:
    assert "Waiting for the engine" in chooser.placeholderText()
    list_runs(client)
    assert chooser.current() == ""
    assert not chooser.isEnabled()
    assert "start one under Train" in chooser.placeholderText()


def test_takes_the_newest_and_emits_it_once(client: FakeClient, chooser: RunChooser) -> None:
    got: list[str] = []
    chooser.chosen.connect(got.append)
    list_runs(client, "new", "old")
    list_runs(client, "new", "old")
    assert got == ["/runs/new"]


def test_follows_a_started_run(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "new", "old")
    train(client, "old")
    assert chooser.current() == "/runs/old"
    assert chooser.currentIndex() == 0
    assert "in training" in chooser.currentText()


def test_stays_with_the_users_choice(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "c", "b", "a")
    chooser.setCurrentIndex(2)
    chooser.activated.emit(2)
    assert chooser.current() == "/runs/a"
    train(client, "b")
    assert chooser.current() == "/runs/a"
    assert chooser.currentText().startswith("a ·")


def test_choosing_the_live_run_follows_again(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "c", "b", "a")
    chooser.choose("/runs/a")
    train(client, "b")
    chooser.choose("/runs/b")
    train(client, "b", "stopped")
    train(client, "c")
    assert chooser.current() == "/runs/c"


def test_a_run_that_is_gone_is_replaced(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "b", "a")
    chooser.choose("/runs/a")
    list_runs(client, "b")
    assert chooser.current() == "/runs/b"


def test_choosing_what_is_not_there_changes_nothing(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "b")
    chooser.choose("/runs/zzz")
    assert chooser.current() == "/runs/b"
