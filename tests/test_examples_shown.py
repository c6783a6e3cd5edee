"""Every ready model in every panel that can show it, in the real window with the real engine, and left as it was."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_runs import files_of
from pytestqt.qtbot import QtBot

from gmstudio.protocol.runs import RunInfo
from gmstudio.runs.examples import example_folders, examples_home
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.chains.state import ChainsState
from gmstudio.window.state.density.scores import ScoresState
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.features.state import FeaturesState
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.plane.state import PlaneState
from gmstudio.window.state.runs.listed import ListedRuns
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

WAIT_MS = 60_000
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
Waits = Callable[[Callable[[], bool]], None]


@pytest.fixture
def studio(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Studio, MainWindow, Waits]]:
    """The window on an empty library, with the program's own examples."""
    monkeypatch.delenv("GMSTUDIO_EXAMPLES")
    client = EngineClient()
    studio = Studio(client)
    client.start()
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.show()

    def wait(condition: Callable[[], bool]) -> None:
        qtbot.waitUntil(condition, timeout=WAIT_MS)

    wait(lambda: bool(studio.library.home))
    yield studio, window, wait
    client.close()
    wait(lambda: client.state.phase == "closed")


def shows_training(studio: Studio, info: RunInfo, wait: Waits) -> None:
    """Curves, the newest sample grid, and the diagnostics where the family has any."""
    state = studio.state(TrainingState)
    wait(lambda: state.run == info.run and state.history(info.run).last_step() == info.step)
    wait(lambda: state.samples.shown is not None and state.samples.shown.run == info.run)
    assert not state.problem and not state.can_keep_checkpoint


def shows_pixels(studio: Studio, info: RunInfo, wait: Waits) -> None:
    """The first conditional, then a step."""
    navigator = studio.state(PixelsState).navigator
    wait(lambda: navigator.state is not None and not navigator.busy and studio.state(PixelsState).run == info.run)
    assert navigator.state is not None and navigator.state.spec == info.image
    assert navigator.state.conditional.sum() == pytest.approx(1.0, abs=1e-4)


def shows_latents(studio: Studio, info: RunInfo, wait: Waits) -> None:
    """A decoded image that is not of one grey."""
    state = studio.state(LatentsState)
    wait(lambda: state.run == info.run and state.shown is not None)
    assert state.shown is not None and np.asarray(state.shown.image).std() > 0 and not state.problem


def shows_chains(studio: Studio, info: RunInfo, wait: Waits) -> None:
    """The first frames of a generation, or of the training."""
    state = studio.state(ChainsState)
    wait(lambda: state.run == info.run and state.length > 1)
    assert not state.problem


def shows_plane(studio: Studio, info: RunInfo, wait: Waits) -> None:
    """The density over the plane."""
    state = studio.state(PlaneState)
    wait(lambda: state.run == info.run and state.chosen is not None and state.chosen.surface is not None)
    assert state.chosen is not None and not state.chosen.problem


def shows_density(studio: Studio, info: RunInfo, wait: Waits) -> None:
    """The run's test images, and its statistics, one of which it has."""
    state = studio.state(DensityState)
    scores = state.page(ScoresState)
    wait(lambda: state.run == info.run and state.described.preview is not None and bool(scores.offered.cards()))
    assert not state.described.problem and state.described.described is not None
    wait(lambda: scores.offered.of(info.run, "log_prob") is not None)
    offered = [card for card in scores.offered.cards() if not scores.offered.refusal(info.run, card.name)]
    assert offered or info.spec.family == "gsn"  # it only generates


def shows_features(studio: Studio, info: RunInfo, wait: Waits) -> None:
    """The layers of the run, one of them chosen; a model without any leaves the pixels."""
    state = studio.state(FeaturesState)
    wait(lambda: state.run == info.run and state.layers.listed)
    assert not state.layers.problem and (state.space.run == info.run or not state.layers.layers)


def shows_run(studio: Studio, info: RunInfo, wait: Waits) -> None:
    """The run is the chosen one of the library."""
    state = studio.state(RunsState)
    wait(lambda: state.run == info.run and state.page(ListedRuns).chosen == (info.run,))


SHOWN: dict[str, Callable[[Studio, RunInfo, Waits], None]] = {
    "train": shows_training,
    "pixels": shows_pixels,
    "latents": shows_latents,
    "chains": shows_chains,
    "plane": shows_plane,
    "density": shows_density,
    "features": shows_features,
    "runs": shows_run,
}
WITHOUT_EXAMPLES = {"plane"}
"""Panels for data of which there is no ready model: points are trained in seconds."""


def test_every_example_opens_in_every_panel_that_can_show_it(studio: tuple[Studio, MainWindow, Waits]) -> None:
    """All panels of one window, which takes seconds to open."""
    state, window, wait = studio
    problems: list[str] = []
    state.engine.problem.connect(lambda text, detail: problems.append(text))
    before = files_of(examples_home())
    infos = [info for info in state.library.runs if info.example]
    assert [Path(info.run).name for info in infos] == [path.name for path in example_folders()] != []
    for name, shows in SHOWN.items():
        place = next(place for place in PLACES if place.name == name)
        assert place.shows is not None
        able = [info for info in infos if place.shows(state.library, info)]
        assert bool(able) == (name not in WITHOUT_EXAMPLES), name
        window.show_panel(name)
        panel_state: Any = place.state_in(state)
        for info in able:
            panel_state.choose_run(info.run)
            shows(state, info, wait)
            assert not problems, (name, info.run, problems)
    assert files_of(examples_home()) == before


def test_every_panel_with_runs_is_looked_at() -> None:
    of_runs = {place.name for place in PLACES if place.shows is not None}
    assert of_runs <= SHOWN.keys(), "Add to SHOWN what the new panel shows of an example."
