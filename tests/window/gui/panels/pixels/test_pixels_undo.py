"""Undo and redo in the Pixels panel: strokes, order, observed part, and values chosen by the user."""

from collections.abc import Callable

import numpy as np
import pytest
from history_text import undo_text
from pixel_engine import PixelEngine
from pixels_scene import OTHER
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.state.pixels.snapshot import PixelSnapshot

SIDE = 4


@pytest.fixture
def panel(panel: PixelsPanel, engine: PixelEngine) -> PixelsPanel:
    panel.session.browse()
    panel.session.navigator.draw_to(9)
    engine.serve()
    return panel


def where(panel: PixelsPanel) -> PixelSnapshot:
    assert panel.session.state is not None
    return panel.session.state


def condition(panel: PixelsPanel) -> None:
    panel.session.condition_on(3)


def edit(panel: PixelsPanel) -> None:
    panel.session.edit(0, 2)
    panel.conditional.bars.chosen.emit((int(where(panel).image[0, 0, 2]) + 1) % 4)


def place(panel: PixelsPanel) -> None:
    panel.conditional.bars.chosen.emit(3)


def choose_order(panel: PixelsPanel) -> None:
    panel.session.choose_order("spiral")


ACTIONS: dict[str, tuple[Callable[[PixelsPanel], None], str]] = {
    "condition": (condition, "Observe an image"),
    "edit": (edit, "Set row 0, column 2 to "),
    "place": (place, "Set row 2, column 1 to 3"),
    "order": (choose_order, "Choose the order"),
}


@pytest.mark.parametrize("name", list(ACTIONS))
def test_an_edit_of_the_generation_is_undone_and_redone_by_name(
    panel: PixelsPanel, engine: PixelEngine, name: str
) -> None:
    act, text = ACTIONS[name]
    before = where(panel)
    act(panel)
    engine.serve()
    after = where(panel)
    assert len(panel.undo.steps) == 1 and undo_text(panel).startswith(text)
    for _ in range(2):
        panel.undo.undo()
        engine.serve()
        back = where(panel)
        assert (back.image == before.image).all() and (back.step, back.order_name) == (9, before.order_name)
        assert np.allclose(back.nats, before.nats, atol=1e-5)
        assert panel.session.conditioning.image is None and not panel.session.navigator.chosen
        panel.undo.redo()
        engine.serve()
        again = where(panel)
        assert (again.image == after.image).all() and (again.step, again.order_name) == (after.step, after.order_name)
    assert len(panel.undo.steps) == 1, "undoing is no edit"


def test_going_on_and_newer_weights_are_no_edits(panel: PixelsPanel, engine: PixelEngine) -> None:
    for action in (panel.transport.step, panel.transport.back, panel.transport.finish, panel.transport.start):
        action.trigger()
        engine.serve()
    panel.session.use_current_weights()
    engine.serve()
    assert len(panel.undo.steps) == 0


def test_a_refused_edit_is_none(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.session.choose_order("no such order")
    engine.serve()
    assert panel.session.problem and len(panel.undo.steps) == 0


def test_a_dragged_number_of_observed_pixels_is_one_edit(panel: PixelsPanel, engine: PixelEngine) -> None:
    condition(panel)
    engine.serve()
    for count in (5, 4, 3):
        panel.session.set_num_observed(count)
        engine.serve()
    assert (len(panel.undo.steps), where(panel).step) == (2, 3)
    panel.undo.undo()
    engine.serve()
    assert where(panel).step == 8 and panel.session.conditioning.num_observed == 8


def test_strokes_are_undone_one_by_one(panel: PixelsPanel, engine: PixelEngine) -> None:
    tools = panel.session.tools
    tools.set_tool("order")
    tools.set_brush(1)
    for pixels in (((0, 0), (0, 1)), ((2, 2),)):
        tools.begin_stroke(False)
        for pixel in pixels:
            tools.paint(*pixel)
        tools.end_stroke()
    assert tools.order.painted() == [0, 1, 10] and undo_text(panel) == "Paint the order"
    panel.undo.undo()
    assert tools.order.painted() == [0, 1]
    panel.undo.undo()
    assert not tools.order.painted()
    panel.undo.redo()
    panel.undo.redo()
    assert tools.order.painted() == [0, 1, 10]


def test_a_stroke_of_the_mask_is_undone_with_what_it_observes(panel: PixelsPanel, engine: PixelEngine) -> None:
    condition(panel)
    panel.session.conditioning.choose_preset("inpainting")
    engine.serve()
    observed, tools = where(panel).num_observed, panel.session.tools
    tools.set_tool("mask")
    tools.set_brush(1)
    tools.begin_stroke(False)
    tools.paint(0, 0)
    tools.end_stroke()
    engine.serve()
    assert where(panel).num_observed == observed - 1 and undo_text(panel) == "Paint the mask"
    panel.undo.undo()
    engine.serve()
    assert where(panel).num_observed == observed


def test_an_edit_of_another_run_is_undone_where_it_was_made(panel: PixelsPanel, engine: PixelEngine) -> None:
    run, before = panel.session.run, where(panel)
    edit(panel)
    engine.serve()
    after = where(panel)
    panel.session.choose_run(OTHER)
    engine.serve()
    for restore, expected in ((panel.undo.undo, before), (panel.undo.redo, after)):
        restore()
        engine.serve()
        assert panel.session.run == run and np.array_equal(where(panel).image, expected.image)
        panel.session.choose_run(OTHER)
        engine.serve()
    assert len(panel.undo.steps) == 1


def test_a_switch_of_the_view_is_undone_while_the_generation_plays_and_an_edit_of_it_when_it_rests(
    panel: PixelsPanel, engine: PixelEngine, qtbot: QtBot
) -> None:
    said: list[str] = []
    panel.undo.said.connect(said.append)
    panel.controls.find()
    place(panel)
    engine.serve()
    qtbot.waitUntil(lambda: not panel.controls.is_waiting)
    heat = next(action for action in panel.listed_actions() if action.objectName() == "action.pixels.heat")
    was = heat.isChecked()
    panel.session.navigator.draw_to(SIDE * SIDE)
    heat.trigger()
    qtbot.waitUntil(lambda: not panel.controls.is_waiting)
    assert panel.session.navigator.busy and heat.isChecked() != was
    panel.undo.undo()
    assert heat.isChecked() == was and panel.session.navigator.busy
    panel.undo.undo()
    assert said[-1].startswith("Waiting for what is computed now, then: Set row 2, column 1 to 3")
    engine.serve()
    assert panel.undo.index == 0 and panel.undo.redoable is not None
