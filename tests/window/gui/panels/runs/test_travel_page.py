"""Time travel: one slider moves curves, samples, reconstructions, map and model together, and says their steps."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from runs_pages import only_pages
from travel_scene import CHECKPOINTS, SAMPLES, TravelScene, train

from gmstudio.protocol.runs import ChooseCheckpoint, FetchSamples
from gmstudio.protocol.runs_travel import TravelTo
from gmstudio.protocol.training import CheckpointSaved
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.gui.panels.runs.travel import NO_CODES, TravelPage
from gmstudio.window.state.runs.steps import latest_at, nearest
from gmstudio.window.state.runs.travel import TravelState


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    home = tmp_path_factory.mktemp("travel")
    return train(home / "vae", num_latent=5), train(home / "gan", "gan", num_latent=2)


class Stage:
    def __init__(self, qtbot: QtBot, *folders: Path) -> None:
        self.scene = TravelScene(*folders)
        self.qtbot = qtbot
        self.panel = RunsPanel(self.scene.state, self.scene.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1290, 640)
        self.panel.show()
        self.panel.tabs.show_page("travel")
        page = self.panel.tabs.page("travel")
        assert isinstance(page, TravelPage)
        self.page: TravelPage = page
        self.state = self.scene.state.page(TravelState)
        self.scene.state.choose_run(str(folders[0]))
        self.scene.serve()

    def go(self, step: int) -> None:
        self.page.transport.slider.field.setValue(step)
        self.scene.serve()

    def asked(self, kind: type) -> int:
        return sum(isinstance(command, kind) for command in self.scene.engine.sent)

    @property
    def where(self) -> str:
        return self.page.where.toolTip() or self.page.where.text()


@pytest.fixture
def stage(qtbot: QtBot, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Stage]:
    only_pages(monkeypatch, "travel")
    one = Stage(qtbot, *folders)
    yield one
    one.panel.hide()


def test_nearest_and_latest() -> None:
    assert [nearest((0, 8, 16), step) for step in (0, 3, 4, 5, 12, 99)] == [0, 0, 0, 8, 8, 16]
    assert [latest_at((10, 20), step) for step in (0, 10, 19, 20, 99)] == [10, 10, 10, 20, 20]
    assert nearest((), 3) is None and latest_at((), 3) is None


def test_all_views_move_together_and_say_their_steps(stage: Stage) -> None:
    state = stage.state
    assert state.step is None and state.at == 40 and state.checkpoint == 40
    newest = stage.page.pairs.images.copy()
    assert len(newest) == 24 and stage.page.map.count == 180
    stage.go(21)
    assert state.samples is not None and state.samples.step == 20
    assert state.shown is not None and state.shown.step == state.checkpoint == 24
    assert "Step 21 of 40 · model: checkpoint of step 24, 3 steps after" in stage.where
    titles = {name: title.toolTip() or title.text() for name, title in stage.page._titles.items()}
    assert titles["samples"] == "Means of step 20, 1 step before"
    assert titles["map"].startswith("Latent map of step 24, 180 images; axes: principal components at step 40")
    assert not np.array_equal(stage.page.pairs.images, newest)
    assert np.array_equal(stage.page.pairs.images[:6], newest[:6]), "the originals stay"
    stage.qtbot.waitUntil(lambda: stage.page.curves.plot is not None and stage.page.curves.plot._cursor == 21)


def test_panels_explore_the_model_once_the_slider_rests_until_the_newest_is_wanted(stage: Stage) -> None:
    for step in (5, 12, 30, 18):
        stage.go(step)
    assert stage.asked(ChooseCheckpoint) == 0, "not while it moves"
    stage.qtbot.waitUntil(lambda: stage.scene.library.checkpoints.steps != {})
    stage.scene.serve()
    assert stage.scene.library.checkpoints.steps == {stage.state.run: 16}
    assert stage.scene.engine.context.chosen_steps == {stage.state.run: 16}
    assert "panels explore step 16" in stage.where
    newest = stage.page.transport.newest
    assert newest.isEnabled()
    newest.trigger()
    stage.scene.serve()
    assert stage.scene.library.checkpoints.steps == {} == stage.scene.engine.context.chosen_steps
    assert stage.state.at == 40 and not newest.isEnabled()


def test_the_panels_stay_where_they_are_when_they_should(stage: Stage) -> None:
    stage.page.explore.setChecked(False)
    stage.go(9)
    assert not stage.state._settled.isActive()
    assert stage.state.checkpoint == 8 and "panels explore the newest weights" in stage.where


def test_the_slider_never_waits_and_the_last_step_wins(stage: Stage) -> None:
    before = stage.asked(TravelTo)
    for step in range(0, 40):
        stage.page.transport.slider.field.setValue(step)
    assert stage.asked(TravelTo) - before <= 1, "one request in flight, one pending"
    stage.scene.serve()
    assert stage.state.shown is not None and stage.state.shown.step == 40
    assert stage.state.samples is not None and stage.state.samples.step == 30
    assert stage.asked(TravelTo) - before <= 2
    stage.go(12)
    assert stage.state.shown.step == 8


def test_moves_of_the_slider_are_undone_one_drag_at_a_time(stage: Stage) -> None:
    slider, history, state = stage.page.transport.slider, stage.panel.undo, stage.state
    for steps in ((5, 12, 30), (18, 20)):
        slider.slider.setSliderDown(True)
        for step in steps:
            slider.slider.setValue(step)
        slider.slider.setSliderDown(False)
    stage.page.transport.forward.trigger()
    assert [step.edit.name for step in history.steps] == [
        "Travel to step 30", "Travel to step 20", "Travel to step 24"
    ]  # fmt: skip
    history.go_to(1)
    assert (state.step, slider.value) == (30, 30)
    history.undo()
    assert state.step is None and state.at == 40


def test_keys_and_playing_go_from_stop_to_stop(stage: Stage) -> None:
    transport, state = stage.page.transport, stage.state
    assert state.stops == sorted({*CHECKPOINTS, *SAMPLES})
    transport.start.trigger()
    stage.scene.serve()
    assert state.at == 0
    transport.forward.trigger()
    assert state.at == 8
    transport.back.trigger()
    assert state.at == 0
    state.set_speed(20)
    stage.scene.serve()
    transport.play.trigger()
    assert state.playing and transport.play.text() == "Pause"

    def ended() -> bool:
        stage.scene.serve()
        return not state.playing

    stage.qtbot.waitUntil(ended, timeout=10_000)
    assert state.at == 40 and transport.play.text() == "Play"


def test_a_run_in_training_is_followed_until_an_earlier_step_is_chosen(stage: Stage) -> None:
    run = stage.state.run
    stage.scene.engine.deliver(CheckpointSaved(run=run, step=48, steps=(0, 16, 32, 48)))
    assert stage.state.checkpoint == 48 and stage.scene.engine.last(TravelTo).step == 48
    info = stage.scene.library.info(run)
    assert info is not None and info.checkpoint_steps == (0, 16, 32, 48), "pruned ones are gone"
    stage.go(17)
    assert stage.state.checkpoint == 16
    stage.scene.engine.deliver(CheckpointSaved(run=run, step=56, steps=(0, 16, 32, 56)))
    assert stage.state.checkpoint == 16


def test_a_family_without_codes_says_so(stage: Stage, folders: tuple[Path, Path]) -> None:
    before = stage.asked(TravelTo)
    stage.scene.state.choose_run(str(folders[1]))
    stage.scene.serve()
    assert stage.state.samples is not None and stage.state.shown is None
    assert stage.asked(TravelTo) == before and stage.asked(FetchSamples) >= 2
    assert stage.page.map.count == 0 and stage.page.map._placeholder == NO_CODES
