"""Demonstrations on the Atlas panel."""

from collections.abc import Iterator

import numpy as np
import pytest
from atlas_scene import AtlasScene
from atlas_stage import Stage
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import RunDemonstration, SceneShown
from gmstudio.protocol.scenes import Bars, Curves, Line, Maps, Number, Numbers, Pictures, Scene, Sentence
from gmstudio.window.gui.scenes.picture_blocks import PicturesBlock
from gmstudio.window.gui.theme import theme


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    scene = AtlasScene()
    scene.start()
    stage = Stage(qtbot, scene)
    yield stage
    stage.panel.hide()


# ---- demonstrations --------------------------------------------------------------------------------------------


def all_blocks(number: int) -> Scene:
    """One scene with a block of every kind."""
    images = np.full((4, 1, 3, 3), number, np.uint8)
    maps = np.full((1, 3, 3), float(number), np.float32)
    maps[0, 0, 0] = np.nan
    line = Line("one", Array.of(np.arange(3.0)), Array.of(np.arange(3.0) * number))
    return Scene(
        rows=(
            (
                Pictures(title="Left", images=Array.of(images), captions=("a", "b", "c", "d"), columns=2),
                Maps(title="Right", values=Array.of(maps), unit="nats", mark=(1, 1), note="a note"),
            ),
            (
                Curves(title="Curve", x_title="step", y_title="nats", lines=(line,)),
                Bars(title="Bars", labels=("a", "b"), series=("s",), values=Array.of(np.ones((1, 2), np.float32))),
            ),
            (Numbers(title="Table", numbers=(Number("speed", f"{number} px/s"),)),),
            (Sentence(text=f"Sentence {number}.", finding=True),),
        ),
        stage=f"Step {number}",
        progress=number / 10,
    )


def show(stage: Stage, scene: Scene, *, done: bool = False) -> None:
    request = stage.scene.client.last(RunDemonstration).request
    stage.scene.client.deliver(SceneShown(request=request, name="race", scene=scene, done=done))


def start_race(stage: Stage) -> None:
    button = stage.panel.findChild(QToolButton, "atlas.demonstration.race")
    assert button is not None
    stage.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def settle() -> None:
    """Let layouts that follow from one another take place."""
    for _ in range(4):
        QApplication.processEvents()


def test_one_click_starts_a_demonstration_and_it_can_be_stopped(stage: Stage) -> None:
    start_race(stage)
    page = stage.panel.demonstration
    assert page.isVisible() and page.title.text() == "Race"
    assert page.stage.words == "Preparing …" and page.progress.isVisible()
    stop = stage.panel.findChild(QToolButton, "atlas.stop")
    assert stop is not None and stop.isEnabled()
    stage.qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    assert not stop.isEnabled() and page.stage.words == "Stopped."
    assert not page.progress.isVisible()


def test_a_scene_of_every_block_is_drawn_and_updated_in_place(stage: Stage) -> None:
    start_race(stage)
    show(stage, all_blocks(3))
    view = stage.panel.demonstration.scene
    before = [widget for row in view.blocks for widget in row]
    pictures = before[0]
    assert isinstance(pictures, PicturesBlock)
    assert np.unique(pictures.grid.images).tolist() == [3]
    show(stage, all_blocks(5))
    after = [widget for row in view.blocks for widget in row]
    assert all(a is b for a, b in zip(before, after, strict=True)), "widgets that stay do not flicker"
    assert np.unique(pictures.grid.images).tolist() == [5]
    assert stage.panel.demonstration.progress.value() == 500
    assert stage.panel.demonstration.stage.words == "Step 5"


def test_rows_that_come_later_move_none_above_them(stage: Stage) -> None:
    start_race(stage)
    whole = all_blocks(3)
    show(stage, Scene(rows=whole.rows[:1]))
    settle()
    view = stage.panel.demonstration.scene
    first = view.blocks[0][0]
    place = first.mapTo(view.widget(), QPoint(0, 0)), first.size()
    show(stage, whole)
    settle()
    assert view.blocks[0][0] is first
    assert (first.mapTo(view.widget(), QPoint(0, 0)), first.size()) == place


def test_scenes_are_repainted_in_either_theme(stage: Stage) -> None:
    start_race(stage)
    show(stage, all_blocks(3))
    view = stage.panel.demonstration.scene
    before = theme().mode
    pictures = []
    for mode in ("light", "dark"):
        theme().set_mode(mode)
        QApplication.processEvents()
        pictures.append(view.grab().toImage())
    theme().set_mode(before)
    assert pictures[0] != pictures[1]


def test_closing_a_demonstration_returns_to_the_node(stage: Stage) -> None:
    stage.click("vae")
    start_race(stage)
    stage.panel._actions["back"].trigger()
    assert stage.panel.family.isVisible() and not stage.scene.state.player.running


def test_demonstrations_of_the_selected_family_are_outlined(stage: Stage) -> None:
    marked = lambda: [b.objectName() for b in stage.panel.bar.widgets if b.property("related")]  # noqa: E731
    assert marked() == []
    stage.click("pixelcnn")
    assert marked() == ["atlas.demonstration.race"]
    stage.click("implicit-density")
    assert marked() == []


def test_every_demonstration_of_the_catalog_has_a_button(stage: Stage) -> None:
    buttons = [b for b in stage.panel.bar.widgets if isinstance(b, QAbstractButton)]
    assert [button.text() for button in buttons] == ["Race", "Holes"]
    assert buttons[0].toolTip().startswith("Two race.")
