"""Seeds and settings of pictures go into their files, and back into the panel that they are from."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from chains_scene import FLOW, RBM, ChainsScene
from fake_client import FakeClient
from pixel_engine import RUN, PixelEngine
from pytestqt.qtbot import QtBot
from runs_scene import run

from gmstudio.families import FAMILIES
from gmstudio.media import Provenance, read_provenance
from gmstudio.media.writing import write_png
from gmstudio.protocol.chains import RunTrajectory
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.runs import RunsListed
from gmstudio.window.gui.shell.picture_settings import restore_settings, settings_of
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.compare_provenance import compared_origin
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import RunsState


def through_a_file(folder: Path, panel: str, state: object) -> Provenance:
    """Provenance of a picture of a panel, as it is read from its file."""
    seed, details = settings_of(panel, state)
    origin = Provenance(family="f", run="r", seed=seed, panel=panel, details=details)
    write_png(folder / "a.png", np.zeros((1, 1, 4, 4), np.uint8), origin, 1, 1, lambda: False)
    return read_provenance(folder / "a.png")


def test_a_generation_begins_again_with_its_seed_order_and_temperature(qtbot: QtBot, tmp_path: Path) -> None:
    spec, nade = ImageSpec(channels=1, height=3, width=3, levels=2), FAMILIES["nade"]
    engine = PixelEngine(spec, nade(nade.Config(num_hidden=4, order_agnostic=True), spec))
    session = PixelsState(engine, RunLibrary(engine))
    engine.list_runs()
    session.choose_run(RUN)
    session.set_active(True)
    engine.serve()
    session.navigator.set_seed(77)
    session.navigator.set_temperature(0.5)
    session.choose_order("random", 5)
    engine.serve()
    origin = through_a_file(tmp_path, "pixels", session)
    assert origin.seed == 77
    session.navigator.set_seed(1)
    session.navigator.set_temperature(1.0)
    session.choose_order("raster")
    engine.serve()
    said = restore_settings("pixels", session, origin)
    engine.serve()
    assert said == "seed 77, temperature 0.5, order: Shuffled, by seed"
    assert (session.navigator.seed, session.navigator.temperature) == (77, 0.5)
    assert (session.order.name, session.order.seed) == ("random", 5)


def test_a_trajectory_is_generated_again(qtbot: QtBot, tmp_path: Path) -> None:
    scene = ChainsScene()
    scene.arrive()
    scene.state.choose_run(FLOW)
    scene.state.set_active(True)
    scene.state.set_seed(9)
    scene.state.set_size(4, 20)
    scene.state.set_sampler({"way": "b", "eta": 0.25})
    scene.state.begin()
    first = scene.client.last(RunTrajectory)
    scene.answer(3, done=True)
    origin = through_a_file(tmp_path, "chains", scene.state)
    scene.state.choose_run(RBM)
    scene.state.choose_run(FLOW)
    scene.state.set_seed(1)
    scene.state.set_size(2, 7)
    scene.state.set_sampler({"way": "a"})
    assert restore_settings("chains", scene.state, origin) == "seed 9, 4 chains of 20 steps"
    again = scene.client.last(RunTrajectory)
    assert msgspec.structs.replace(again, request=0) == msgspec.structs.replace(first, request=0)
    scene.state.pause()


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"count": 1}', '{"count": 99999, "steps": 5}', '{"count": 1, "steps": 0}']
)
def test_settings_that_were_changed_are_refused(qtbot: QtBot, text: str) -> None:
    scene = ChainsScene()
    scene.arrive()
    origin = Provenance(family="f", run="r", seed=1, details={"Trajectory settings": text})
    with pytest.raises(ValueError, match=r"Its trajectory|malformed"):
        restore_settings("chains", scene.state, origin)


def test_compared_runs_come_back(qtbot: QtBot) -> None:
    client = FakeClient()
    state = RunsState(client, RunLibrary(client))
    infos = [run("a", created="1"), run("b", created="2"), run("c", created="3")]
    client.deliver(RunsListed(home="/runs", runs=tuple(infos[:2]), problems=()))
    with qtbot.waitSignal(state.page_wanted) as page:
        said = restore_settings("runs", state, compared_origin(infos, "curves", {}))
    assert page.args == ["compare"]
    assert state.compared == (infos[0].run, infos[1].run)
    assert said == f"2 runs compared; not in the library: {infos[2].title}"


def test_a_panel_without_settings_has_none() -> None:
    assert settings_of("density", object()) == (None, {})
    assert settings_of("../x", object()) == (None, {})
    assert restore_settings("nowhere", object(), Provenance(family="", run="")) == ""
