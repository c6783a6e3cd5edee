"""Scenes as widgets: every kind of block, updates in place, inputs, heights."""

import time

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot
from scene_making import NUMBERS, SENTENCE, array, curves, every_block, plane, scene, table

from gmstudio.protocol.scenes import Block, Number, Numbers, Scene, Sentence
from gmstudio.window.gui.scenes.plane_block import PlaneBlock
from gmstudio.window.gui.scenes.plot_blocks import CurvesBlock
from gmstudio.window.gui.scenes.row_grip import RowGrip
from gmstudio.window.gui.scenes.scene_view import SceneView
from gmstudio.window.gui.scenes.table_block import TableBlock
from gmstudio.window.gui.scenes.text_blocks import FormulaBlock, NumbersBlock, SentenceBlock

REDRAW_MS = 16.0
Edits = list[tuple[str, NDArray[np.float64]]]


@pytest.fixture
def view(qtbot: QtBot) -> SceneView:
    made = SceneView(words="Laboratory")
    qtbot.addWidget(made)
    made.resize(900, 700)
    with qtbot.waitExposed(made):
        made.show()
    return made


def edits(view: SceneView) -> Edits:
    found: Edits = []
    view.input_edited.connect(lambda name, numbers: found.append((name, numbers)))
    return found


def block(view: SceneView, row: int, place: int, kind: type) -> object:
    widget = view.blocks[row][place]
    assert isinstance(widget, kind)
    return widget


def test_every_kind_of_block_is_drawn_and_has_a_name(view: SceneView) -> None:
    shown = every_block()
    view.show_scene(shown)
    names = [[widget.objectName() for widget in row] for row in view.blocks]
    assert names[0] == ["scene.0.0", "scene.0.1", "scene.0.2"]
    assert [len(row) for row in view.blocks] == [len(row) for row in shown.rows]
    formula = block(view, 3, 0, FormulaBlock)
    assert formula.formula.latex == r"\sum_x p(x)=1"  # type: ignore[attr-defined]
    sentence = block(view, 3, 1, SentenceBlock)
    assert sentence.property("role") == "heading"  # type: ignore[attr-defined]


def test_a_new_scene_of_the_same_shape_keeps_its_widgets_and_their_places(qtbot: QtBot, view: SceneView) -> None:
    view.show_scene(every_block())
    qtbot.wait(1)
    before = [(widget, widget.geometry()) for row in view.blocks for widget in row]
    later = scene((plane((1.0, 1.0)), curves(0.7), NUMBERS), *every_block().rows[1:])
    view.show_scene(later)
    qtbot.wait(1)
    assert [(widget, widget.geometry()) for row in view.blocks for widget in row] == before


def test_a_handle_of_a_plane_is_an_input(qtbot: QtBot, view: SceneView) -> None:
    view.show_scene(scene((plane(),)))
    found, canvas = edits(view), block(view, 0, 0, PlaneBlock).canvas  # type: ignore[attr-defined]
    start, end = (canvas.mapping.point(*place).toPoint() for place in ((0.0, 0.0), (2.0, -1.0)))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(canvas, end)
    name, numbers = found[-1]
    assert name == "means"
    np.testing.assert_allclose(numbers, [[2.0, -1.0], [3.0, 1.5]], atol=0.05)
    view.show_scene(scene((plane((0.5, 0.5)),)))  # while it is dragged
    np.testing.assert_allclose(canvas.handle_points("means"), numbers)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)


def test_guides_and_clicks_are_inputs(qtbot: QtBot, view: SceneView) -> None:
    view.show_scene(scene((plane(click="at"),)))
    found, canvas = edits(view), block(view, 0, 0, PlaneBlock).canvas  # type: ignore[attr-defined]
    start, end = (canvas.mapping.point(x, -1.0).toPoint() for x in (1.0, 2.0))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(canvas, end)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    assert [(name, numbers.shape) for name, numbers in found] == [("slice", (1,))]
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.mapping.point(-2.0, 1.0).toPoint())
    assert found[-1][0] == "at"
    np.testing.assert_allclose(found[-1][1], [-2.0, 1.0], atol=0.05)


def test_a_mark_of_a_plot_is_an_input(qtbot: QtBot, view: SceneView) -> None:
    view.show_scene(scene((curves(0.5),)))
    found, plot = edits(view), block(view, 0, 0, CurvesBlock).plot  # type: ignore[attr-defined]
    plot.setFocus()
    qtbot.keyClick(plot, Qt.Key.Key_Space)
    qtbot.keyClick(plot, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert found[-1][0] == "rate"
    np.testing.assert_allclose(found[-1][1], [0.6])
    qtbot.keyClick(plot, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    view.show_scene(scene((curves(0.6),)))
    view.show_scene(scene((curves(0.6),)))  # the engine refused the last move
    assert [plot.mark_place(mark) for mark in plot._marks if mark.name] == [pytest.approx(0.7)]
    view.confirm("rate")
    assert [plot.mark_place(mark) for mark in plot._marks if mark.name] == [0.6]


def test_a_handle_returns_from_a_place_that_was_refused(qtbot: QtBot, view: SceneView) -> None:
    view.show_scene(scene((plane((0.0, 0.0)),)))
    canvas = block(view, 0, 0, PlaneBlock).canvas  # type: ignore[attr-defined]
    places = [canvas.mapping.point(x, 0.0).toPoint() for x in (0.0, 1.0, 2.0)]
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=places[0])
    for place in places[1:]:
        qtbot.mouseMove(canvas, place)
    view.confirm("means")
    assert canvas.handle_points("means")[0, 0] == pytest.approx(2.0, abs=0.05)  # it is under the pointer
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=places[-1])
    assert canvas.handle_points("means")[0].tolist() == [0.0, 0.0]


def test_a_table_is_an_input(qtbot: QtBot, view: SceneView) -> None:
    view.show_scene(scene((table(),)))
    found, numbers = edits(view), block(view, 0, 0, TableBlock).table  # type: ignore[attr-defined]
    numbers.numbers.write(0, 1, [["0,25"]])
    name, values = found[-1]
    assert (name, values.shape, values[0, 1]) == ("joint", (2, 3), 0.25)


def test_a_number_with_latex_shows_the_formula(view: SceneView) -> None:
    view.show_scene(scene((NUMBERS,)))
    widget = block(view, 0, 0, NumbersBlock)
    assert widget.values["KL"].text() == "1.5 nats"  # type: ignore[attr-defined]
    assert widget.values["KL"].toolTip() == "KL: Divergence."  # type: ignore[attr-defined]
    view.show_scene(scene((Numbers(title="Terms", numbers=(Number("other", "2"),)),)))
    assert list(widget.values) == ["other"]  # type: ignore[attr-defined]


def test_what_is_below_a_sentence_stays_when_it_becomes_shorter(qtbot: QtBot, view: SceneView) -> None:
    def with_text(count: int) -> Scene:
        return scene((Sentence(text="A long sentence about the result. " * count),), (table(),))

    def below() -> int:
        return view.blocks[1][0].mapTo(view, QPoint(0, 0)).y()

    for count in (12, 13):  # with some fonts the second needs a line more
        view.show_scene(with_text(count))
        qtbot.wait(30)
    top = below()
    view.show_scene(with_text(2))
    qtbot.wait(30)
    assert below() == top


def test_plots_beside_a_plane_have_its_height_and_a_grip_changes_both(qtbot: QtBot, view: SceneView) -> None:
    view.show_scene(scene((plane(), curves()), (SENTENCE,)))
    contents = [widget.content for widget in view.blocks[0]]  # type: ignore[union-attr]
    before = contents[0].height()
    assert contents[1].height() == before > 250
    grip = view.findChild(RowGrip, "scene.grip.0")
    assert grip is not None
    assert view.findChild(RowGrip, "scene.grip.1") is None
    qtbot.keyClick(grip, Qt.Key.Key_Up)
    assert [content.height() for content in contents] == [before - 20] * 2
    view.show_scene(scene((plane((1.0, 0.0)), curves()), (SENTENCE,)))
    assert contents[0].height() == before - 20
    qtbot.mouseDClick(grip, Qt.MouseButton.LeftButton)
    assert contents[0].height() == before


def test_a_scene_of_twelve_blocks_is_redrawn_within_a_frame(qtbot: QtBot, view: SceneView) -> None:
    def busy(place: float) -> Scene:
        row: tuple[Block, ...] = (plane((place, 0.0)), curves(place), NUMBERS)
        values = np.array([[place, 0.2, 0.3], [0.1, 0.1, 0.1]])
        return scene(row, row, row, (table(values), curves(place), SENTENCE))

    view.show_scene(busy(0.1))
    qtbot.wait(50)
    times = []
    for number in range(15):
        start = time.perf_counter()
        view.show_scene(busy(0.2 + number / 50))
        times.append(1000 * (time.perf_counter() - start))
    assert float(np.median(times)) < REDRAW_MS


def test_an_empty_scene_is_shown(view: SceneView) -> None:
    view.show_scene(every_block())
    view.show_scene(None)
    assert view.blocks == []
    view.show_scene(scene((curves(y_range=(0.0, 3.0), log_x=True),)))
    assert block(view, 0, 0, CurvesBlock).plot.ranges[2:] == (0.0, 3.0)  # type: ignore[attr-defined]
    assert array(1.0).shape == (1,)


@pytest.mark.parametrize(("room", "wanted"), [(300, 170), (600, 270), (1200, 360)])
def test_plots_take_a_share_of_the_visible_height(view: SceneView, room: int, wanted: int) -> None:
    view.resize(900, room)
    view.show_scene(scene((curves(),)))
    plot = block(view, 0, 0, CurvesBlock)
    assert plot.content.height() == wanted  # type: ignore[attr-defined]


def test_what_a_row_that_was_replaced_still_takes_is_no_input_of_the_next_scene(view: SceneView) -> None:
    view.show_scene(scene((table(),)))
    found, left = edits(view), block(view, 0, 0, TableBlock)
    view.show_scene(scene((plane(),)))
    left.table.edited.emit(np.ones((2, 2)))  # type: ignore[attr-defined]
    assert found == []
    view.show_scene(scene((table(),)))
    block(view, 0, 0, TableBlock).table.edited.emit(np.ones((2, 2)))  # type: ignore[attr-defined]
    assert [name for name, _ in found] == ["joint"]
