"""Undo in the Latents panel: every edit of the code and of what belongs to it, one history for all of them."""

from collections.abc import Callable

import numpy as np
import pytest
from history_text import undo_text
from latent_engine import VAE, WIDE, LatentEngine
from latent_fixture import control, engine, open_view, panel
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from gmstudio.media.fit import Fitting
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.latents.user_image import UserImageView
from gmstudio.window.state.latents.state import LatentsState

__all__ = ["engine", "panel"]


def content(state: LatentsState) -> tuple[object, ...]:
    """What a user edits."""
    encoding, image = state.gallery.encoding, state.user_image
    return (
        state.code.values.tolist(),
        sorted(state.code.amounts.values()),
        state.code.locked.tolist(),
        [code.tolist() for code in state.interpolation.keyframes],
        (state.interpolation.path, state.interpolation.loop, state.interpolation.seconds, state.interpolation.position),
        [(d.name, d.vector.tolist()) for d in state.directions.all],
        len(state.directions.saved),
        {slot: operand.code.tolist() for slot, operand in state.arithmetic.operands.items()},
        dict(state.annotations.names),
        None if encoding is None else encoding.title,
        (None if image.levels is None else image.levels.tolist(), image.fitting),
    )


EDITS: dict[str, Callable[[LatentsState], object]] = {
    "Randomize": lambda state: state.sampling.randomize(),
    "Reset": lambda state: (state.code.set_value(1, 1.5), state.code.reset()),
    "Perturb": lambda state: state.sampling.perturb(),
    "Set z₃": lambda state: state.code.set_value(3, 2.0),
    "Lock z₂": lambda state: state.code.set_locked(2, True),
    "Append keyframe": lambda state: state.interpolation.add(state.code.values),
    "Delete keyframe": lambda state: state.interpolation.remove(),
    "Replace keyframe": lambda state: state.interpolation.replace(state.code.values),
    "Move keyframe": lambda state: state.interpolation.move(1),
    "Sample two": lambda state: state.sampling.sample_keyframes(5),
    "Interpolate: spherical": lambda state: state.interpolation.set_path("spherical"),
    "Loop": lambda state: state.interpolation.set_loop(True),
    "Move along the interpolation": lambda state: state.interpolation.go_to(0.5),
    "Compute directions": lambda state: state.directions.find(),
    "Rename direction": lambda state: state.directions.rename(state.directions.all[0], "slant"),
    "Save direction": lambda state: state.directions.save(state.directions.all[0]),
    "Delete direction": lambda state: state.directions.delete(state.directions.all[0]),
    "Fill slot a": lambda state: state.arithmetic.set_to_code(),
    "Name z₁": lambda state: state.annotations.rename(1, "width"),
    "Encode validation image 0, label 5": lambda state: state.gallery.encode(),
    "Move on the map": lambda state: state.map.go_to(0.3, 0.7),
    "Fit picture": lambda state: state.user_image.set_fitting(Fitting("ink")),
    "Take a.png": lambda state: state.user_image.take_picture(np.full((9, 9, 1), 200, np.uint8), "a.png"),
}


@pytest.mark.parametrize("name", EDITS)
def test_each_edit_is_undone_and_redone_by_name(engine: LatentEngine, panel: LatentsPanel, name: str) -> None:
    state = panel.state
    if name.endswith("direction"):
        state.directions.find()
        engine.serve()
    before = content(state)
    EDITS[name](state)
    engine.serve()
    after = content(state)
    assert after != before or name == "Reset"
    assert undo_text(panel).split(",")[0] == name.split(",")[0]
    panel.undo.undo()
    engine.serve()
    if name == "Reset":
        assert state.code.values[1] == 1.5
    else:
        assert content(state) == before
    panel.undo.redo()
    engine.serve()
    assert content(state) == after


def test_a_drag_of_one_slider_is_one_step_and_the_view_follows(engine: LatentEngine, panel: LatentsPanel) -> None:
    state = panel.state
    for value in (0.1, 0.2, 0.3):
        state.code.set_value(0, value)
    for value in (1.0, 2.0):
        state.code.set_value(1, value)
    assert len(panel.undo.steps) == 2
    panel.undo.undo()
    engine.serve()
    assert state.code.values[:2].tolist() == [pytest.approx(0.3), 0.0]
    assert np.array_equal(panel.image.image, engine.means(VAE, state.code.values))


def test_a_stroke_and_the_code_that_is_found_of_it_are_one_step(
    qtbot: QtBot, engine: LatentEngine, panel: LatentsPanel
) -> None:
    open_view(panel, "user_image")
    view = panel.views["user_image"]
    assert isinstance(view, UserImageView)
    place = view.canvas.image_rect().center().toPoint()
    for step in range(2):
        qtbot.mousePress(view.canvas, Qt.MouseButton.LeftButton, pos=place + QPoint(10 * step, 0))
        qtbot.mouseMove(view.canvas, place + QPoint(10 * step, 20))
        qtbot.mouseRelease(view.canvas, Qt.MouseButton.LeftButton, pos=place + QPoint(10 * step, 20))
        engine.serve()
        if step == 0:
            drawn, code = view.canvas.image, panel.state.code.values
    assert (len(panel.undo.steps), undo_text(panel)) == (2, "Draw")
    panel.undo.undo()
    assert np.array_equal(view.canvas.image, drawn) and np.array_equal(panel.state.code.values, code)
    panel.undo.undo()
    assert view.canvas.image.sum() == 0 and panel.state.code.values.any() == 0
    assert panel.state.gallery.encoding is None


def test_newer_weights_and_other_runs_are_no_edits(engine: LatentEngine, panel: LatentsPanel) -> None:
    state = panel.state
    state.gallery.encode()
    engine.serve()
    assert len(panel.undo.steps) == 1
    engine.models[VAE] = engine._model("vae", 5)
    state.gallery.renew()
    engine.serve()
    assert len(panel.undo.steps) == 1
    state.choose_run(WIDE)
    engine.serve()
    assert len(panel.undo.steps) == 1
    panel.undo.undo()
    assert state.run == VAE and panel.undo.undoable is None
    engine.serve()
    assert state.gallery.encoding is None and not state.code.values.any()


def test_there_is_no_second_undo_on_the_canvas(panel: LatentsPanel) -> None:
    open_view(panel, "user_image")
    assert control(panel, "canvas").isVisible()
    assert not any(action.shortcut().toString() == "Ctrl+Z" for action in panel.listed_actions())
