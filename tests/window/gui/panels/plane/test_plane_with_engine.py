"""The Plane panel on the real engine: a tiny model of points is trained, seen, gone back in, and taken apart."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.panels.plane.panel import PlanePanel
from gmstudio.window.state.plane.state import PlaneState
from gmstudio.window.state.studio import Studio

WAIT_MS = 60_000
TINY = RunSpec(
    family="made",
    data="points",
    data_config={"shape": "moons", "num_points": 300, "levels": 64},
    config={"num_hidden": 16},
    training={"steps": 40, "batch_size": 50},
)


@pytest.fixture
def studio(qtbot: QtBot, home: Path) -> Iterator[Studio]:
    client = EngineClient()
    studio = Studio(client)
    client.start()
    qtbot.waitUntil(lambda: bool(studio.library.home), timeout=WAIT_MS)
    yield studio
    client.close()
    qtbot.waitUntil(lambda: client.state.phase == "closed", timeout=WAIT_MS)


@pytest.mark.timeout(180)
def test_a_model_of_points_from_its_training_to_its_inside(qtbot: QtBot, studio: Studio) -> None:
    state = studio.state(PlaneState)
    panel = PlanePanel(state, studio.library)
    qtbot.addWidget(panel)
    panel.resize(1290, 690)
    panel.show()
    state.set_active(True)
    studio.client.send(StartTraining(spec=TINY))

    def surface_of(step: int) -> bool:
        tile = state.chosen
        return tile is not None and tile.surface is not None and tile.surface.step == step and not tile.feed.busy

    qtbot.waitUntil(lambda: not studio.library.live and surface_of(40), timeout=WAIT_MS)
    tile = state.chosen
    assert tile is not None and tile.surface is not None and tile.opened is not None and not tile.problem
    assert tile.surface.method == "exact" and tile.surface.values.shape == (64, 64)
    assert tile.surface.values.sum() == pytest.approx(1.0, abs=1e-4)
    assert tile.surface.metrics.mass == pytest.approx(1.0, abs=1e-4)
    assert state.truth is not None and state.truth.sum() == pytest.approx(1.0)
    panel.numbers.refresh()
    assert float(panel.numbers.cells["forward_kl"][0].text()) > 0

    qtbot.waitUntil(lambda: len(tile.recorded) >= 2, timeout=WAIT_MS)
    first = int(tile.recorded.steps[0])
    state.place.go(float(first))
    qtbot.waitUntil(lambda: surface_of(first), timeout=WAIT_MS)
    assert np.abs(tile.surface.values - state.truth).sum() > 0.1
    state.place.go(None)
    qtbot.waitUntil(lambda: surface_of(40), timeout=WAIT_MS)

    state.set_point((0.0, 0.0))
    qtbot.waitUntil(lambda: tile.described is not None, timeout=WAIT_MS)
    assert tile.described is not None and tile.described.point == state.point and tile.described.numbers
    for view in tile.views:
        state.choose_view(view.name)
        qtbot.waitUntil(lambda: tile.inside.drawn is not None and not tile.inside.busy, timeout=WAIT_MS)
        assert tile.inside.drawn is not None and tile.inside.drawn.view == view.name and not tile.problem
        panel.stage.refresh()
        panel.inside.refresh()
    state.set_active(False)
    panel.hide()
