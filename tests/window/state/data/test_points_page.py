"""Points that are open in the Data panel: questions, drawing, undo."""

from collections.abc import Iterator

import numpy as np
import pytest
from points_scene import PointsScene
from pytestqt.qtbot import QtBot

from gmstudio.protocol.points import DescribePoints
from gmstudio.protocol.strokes import MAX_STROKES, parse_strokes
from gmstudio.window.state.edits import Edit


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[PointsScene]:
    made = PointsScene()
    made.open_points()
    yield made
    made.close()


def test_points_are_described_when_they_are_opened_and_changed(scene: PointsScene) -> None:
    points = scene.state.points
    assert points.is_open and points.described is not None and points.described.entropy is not None
    before = points.described.entropy
    scene.change(shape="checkerboard")
    assert points.described.entropy > before and scene.asked["shape"] == "checkerboard"
    sent = len([c for c in scene.client.sent if isinstance(c, DescribePoints)])
    scene.state.change_config({"shape": "checkerboard"})
    assert len([c for c in scene.client.sent if isinstance(c, DescribePoints)]) == sent
    scene.state.open_source("digits")
    assert not points.is_open and points.described is None


def test_a_refusal_is_shown_until_the_settings_can_be_used(scene: PointsScene) -> None:
    points = scene.state.points
    scene.choose_drawing()
    assert points.described is None and points.problem == "Nothing is drawn."
    scene.change(shape="ring")
    assert points.described is not None and not points.problem


def test_a_stroke_is_previewed_while_it_is_drawn_and_kept_at_its_end(scene: PointsScene) -> None:
    points = scene.state.points
    scene.choose_drawing()
    points.begin_stroke(0.2, 0.5)
    assert points.line.shape == (1, 2) and points.strokes == "" and scene.asked["strokes"] == "30 200,500"
    scene.describe()
    assert points.described is not None and "single dot" in points.described.remarks[0]
    points.extend_stroke(0.8, 0.5)
    scene.describe()
    assert scene.asked["strokes"] == "30 200,500 800,500" and scene.state.opened.config["strokes"] == ""
    points.end_stroke()
    scene.settle()
    assert points.strokes == "30 200,500 800,500" and not len(points.line)
    truth = points.described.truth
    assert truth is not None and truth.numpy()[30:34].sum() > 0.5


def test_escape_drops_a_stroke(scene: PointsScene) -> None:
    points = scene.state.points
    scene.choose_drawing()
    points.begin_stroke(0.2, 0.5)
    points.cancel_stroke()
    points.end_stroke()
    assert points.strokes == "" and not len(points.line)


def test_mirror_and_eraser_and_radius_are_written(scene: PointsScene) -> None:
    points = scene.state.points
    scene.choose_drawing()
    points.set_mirrored(True)
    points.set_radius(1000)
    scene.draw((0.1, 0.2), (0.3, 0.4))
    assert points.strokes == "200 100,200 300,400; 200 900,200 700,400"
    points.set_mirrored(False)
    points.set_tool("erase")
    points.set_radius(12)
    scene.draw((0.1, 0.2))
    erased = parse_strokes(points.strokes)[-1]
    assert erased.erases and erased.radius == 0.012
    np.testing.assert_allclose(erased.points, [[0.1, 0.2]])
    points.set_tool("look")
    assert not points.can_draw


def test_strokes_are_undone_and_redone_also_from_another_data_set(scene: PointsScene) -> None:
    points = scene.state.points
    edits: list[Edit] = []
    points.edits.edited.connect(edits.append)
    scene.choose_drawing()
    assert [edit.name for edit in edits] == ["Set shape"]
    edits.clear()
    scene.draw((0.2, 0.5), (0.8, 0.5))
    scene.draw((0.5, 0.2), (0.5, 0.8))
    points.clear()
    assert [edit.name for edit in edits] == ["Draw", "Draw", "Clear the drawing"] and points.strokes == ""
    points.edits.restore(edits[2].before)
    assert points.strokes.count(";") == 1
    points.edits.restore(edits[1].before)
    assert points.strokes == "30 200,500 800,500"
    scene.state.open_source("digits")
    points.edits.restore(edits[1].after)
    assert points.is_open and points.shape == "drawn" and points.strokes.count(";") == 1
    assert len(edits) == 3


def test_a_full_drawing_takes_no_more_and_says_so(scene: PointsScene) -> None:
    points = scene.state.points
    full = "; ".join(["4 1,1"] * MAX_STROKES)
    scene.change(shape="drawn", strokes=full)
    points.begin_stroke(0.5, 0.5)
    points.end_stroke()
    assert points.strokes == full and "at most 2,000" in points.problem


def test_the_drawing_outlives_the_window_and_goes_to_training(scene: PointsScene) -> None:
    scene.choose_drawing()
    scene.draw((0.2, 0.5), (0.8, 0.5))
    taken: list[tuple[str, dict[str, object]]] = []
    scene.state.train_wanted.connect(lambda data, config: taken.append((data, config)))
    scene.state.train()
    assert taken[0][0] == "points" and taken[0][1]["strokes"] == "30 200,500 800,500"
    again = PointsScene()
    again.state.restore_choices(scene.state.choices())
    again.start()
    assert again.state.points.strokes == "30 200,500 800,500" and again.state.points.shape == "drawn"
