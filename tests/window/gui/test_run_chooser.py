"""The run chooser stays with its run, and takes a new one where it has none or new runs are followed."""

from typing import Any

import fake_engine
import msgspec
import pytest
from fake_client import FakeClient
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gmstudio.protocol.runs import ChooseCheckpoint, RunDescribed, RunInfo, RunsListed
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
def library(client: FakeClient) -> RunLibrary:
    return RunLibrary(client)


@pytest.fixture
def chooser(qtbot: QtBot, library: RunLibrary) -> RunChooser:
    chooser = RunChooser(library, "pixel_session")
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


def test_stays_with_its_run_when_another_starts(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "new", "old")
    train(client, "old")
    assert chooser.current() == "/runs/new"
    assert chooser.itemText(0) == "old · in training"


def test_takes_the_started_run_where_it_has_none(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client)
    client.deliver(RunDescribed(info=run("a", status="running", checkpoint_steps=())))
    train(client, "a")
    assert chooser.current() == "/runs/a" and "in training" in chooser.currentText()


def test_follows_started_runs_on_demand(client: FakeClient, library: RunLibrary, chooser: RunChooser) -> None:
    list_runs(client, "c", "b", "a")
    chooser.setCurrentIndex(2)
    chooser.activated.emit(2)
    assert chooser.current() == "/runs/a"
    library.follows = True
    train(client, "b")
    assert chooser.current() == "/runs/b"
    train(client, "b", "stopped")
    library.follows = False
    train(client, "c")
    assert chooser.current() == "/runs/b"


def test_a_line_has_label_data_steps_and_figure(client: FakeClient, chooser: RunChooser) -> None:
    labelled = run(
        "a",
        label="Toy · lr 0.01",
        data_label="Digits 8×8",
        best_bits=0.5,
        differing=("lr: 0.01 (…)",),
        created="2026-03-15T15:09:00+00:00",
    )
    same = [run(name, label="Toy", data_label="Digits 8×8", created="2026-03-14T15:09:00+00:00") for name in "bc"]
    client.deliver(RunsListed(home="/runs", runs=(labelled, *same), problems=()))
    assert chooser.itemText(0) == "Toy · lr 0.01 · Digits 8×8 · 10 steps · 0.500 bits/dim"
    assert chooser.itemText(1).startswith("Toy · Digits 8×8 · 14 Mar ") and chooser.itemText(1).endswith(" · 10 steps")
    assert "lr: 0.01" in chooser.itemData(0, Qt.ItemDataRole.ToolTipRole) and "lr: 0.01" in chooser.toolTip()


def test_the_closed_list_is_as_wide_as_its_lines_or_elides(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "a")
    narrow = chooser.sizeHint().width()
    client.deliver(RunsListed(home="/runs", runs=(run("a", label="x" * 300),), problems=()))
    wide = chooser.sizeHint().width()
    assert narrow < wide < 600 and chooser.minimumSizeHint().width() < wide
    chooser.resize(wide, chooser.height())
    chooser.grab()


def test_a_run_that_is_gone_is_replaced(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "b", "a")
    chooser.choose("/runs/a")
    list_runs(client, "b")
    assert chooser.current() == "/runs/b"


def test_choosing_what_is_not_there_changes_nothing(client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "b")
    chooser.choose("/runs/zzz")
    assert chooser.current() == "/runs/b"


def test_kept_checkpoints_are_listed_below_their_run_and_opened(
    client: FakeClient, library: RunLibrary, chooser: RunChooser
) -> None:
    client.deliver(RunsListed(home="/runs", runs=(run("a", kept_steps=(5, 8)), run("b")), problems=()))
    assert [chooser.itemText(i).split(" · ", 1)[1] for i in range(4)] == [
        "10 steps",
        "kept checkpoint, step 5",
        "kept checkpoint, step 8",
        "10 steps",
    ]
    got: list[str] = []
    chooser.chosen.connect(got.append)
    chooser.activated.emit(2)
    assert client.last(ChooseCheckpoint).step == 8 and chooser.currentIndex() == 2
    assert chooser.current() == "/runs/a" and got == []
    other = RunChooser(library, "")
    assert other.currentText().endswith("step 8")
    other.deleteLater()
    chooser.activated.emit(0)
    assert client.last(ChooseCheckpoint).step is None and chooser.currentIndex() == 0


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_no_line_moves_while_the_list_is_open(qtbot: QtBot, client: FakeClient, chooser: RunChooser) -> None:
    list_runs(client, "b", "a")
    chooser.show()
    qtbot.waitExposed(chooser)
    chooser.showPopup()
    list_runs(client, "c", "b", "a")
    assert chooser.count() == 2
    chooser.hidePopup()
    qtbot.waitUntil(lambda: chooser.count() == 3)
    assert chooser.current() == "/runs/b"


def test_the_closed_list_is_as_wide_as_what_it_says(qtbot: QtBot) -> None:
    chooser = RunChooser(RunLibrary(FakeClient()), "")
    qtbot.addWidget(chooser)
    words = chooser.fontMetrics().horizontalAdvance(chooser.placeholderText())
    assert chooser.sizeHint().width() > words


def test_examples_stand_under_a_heading_that_cannot_be_chosen(client: FakeClient, chooser: RunChooser) -> None:
    examples = run("vae", example=True), run("gan", example=True)
    client.deliver(RunsListed(home="/runs", runs=(run("mine"), *examples), problems=()))
    assert [chooser.itemData(i) for i in range(chooser.count())] == ["/runs/mine", None, "/runs/vae", "/runs/gan"]
    assert chooser.itemText(1) == "Examples"
    assert not chooser.model().flags(chooser.model().index(1, 0)) & Qt.ItemFlag.ItemIsEnabled
    assert chooser.current() == "/runs/mine"
    chooser.choose("/runs/gan")
    assert chooser.current() == "/runs/gan" and chooser.currentIndex() == 3


def test_the_first_example_is_shown_until_there_is_a_run_of_the_user(client: FakeClient, chooser: RunChooser) -> None:
    got: list[str] = []
    chooser.chosen.connect(got.append)
    examples = run("vae", example=True), run("gan", example=True)
    client.deliver(RunsListed(home="/runs", runs=examples, problems=()))
    assert chooser.current() == "/runs/vae" and chooser.isEnabled()
    client.deliver(RunsListed(home="/runs", runs=(run("mine"), *examples), problems=()))
    assert got == ["/runs/vae", "/runs/mine"]


def test_an_example_that_the_user_chose_stays(client: FakeClient, chooser: RunChooser) -> None:
    examples = run("vae", example=True), run("gan", example=True)
    client.deliver(RunsListed(home="/runs", runs=examples, problems=()))
    chooser.choose("/runs/gan")
    client.deliver(RunsListed(home="/runs", runs=(run("mine"), *examples), problems=()))
    assert chooser.current() == "/runs/gan"


def test_among_examples_one_of_the_preferred_kind_comes_first(
    qtbot: QtBot, client: FakeClient, library: RunLibrary
) -> None:
    chooser = RunChooser(library, "", prefer="trajectory")
    qtbot.addWidget(chooser)
    still, chain = run("vae", example=True), run("ddpm", example=True, capabilities=("sample", "trajectory"))
    client.deliver(RunsListed(home="/runs", runs=(still, chain), problems=()))
    assert chooser.current() == "/runs/ddpm"
    client.deliver(RunsListed(home="/runs", runs=(run("mine"), still, chain), problems=()))
    assert chooser.current() == "/runs/mine", "a run of the user comes before all examples"
