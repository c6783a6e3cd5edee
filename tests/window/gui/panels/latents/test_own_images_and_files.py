"""Own images on the data's ground, with its strokes; seeds that are shown; files whose limits are said beforehand."""

import numpy as np
import pytest
from latent_engine import VAE, LatentEngine
from latent_fixture import click, control, engine, open_view, panel
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QSpinBox
from pytestqt.qtbot import QtBot

from gmstudio.media.fit import Fitting
from gmstudio.media.ink import measure_ink
from gmstudio.window.gui.control_values import set_control_value
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.latents.user_image import UserImageView
from gmstudio.window.state.latents.export import usual_scale

__all__ = ["engine", "panel"]


def own_image(panel: LatentsPanel, engine: LatentEngine) -> UserImageView:
    open_view(panel, "user_image")
    engine.serve()
    view = panel.views["user_image"]
    assert isinstance(view, UserImageView)
    return view


def test_the_brush_is_in_stroke_widths_of_the_data(panel: LatentsPanel, engine: LatentEngine) -> None:
    view = own_image(panel, engine)
    stroke = measure_ink(engine.dataset.train.images[:200], engine.dataset.image.levels).stroke
    assert view.brush.value == 1.0 and view.canvas.brush == pytest.approx(stroke)
    view.brush.field.setValue(2.0)
    assert view.canvas.brush == pytest.approx(2 * stroke)
    assert f"{stroke:.1f} pixels" in view.brush.slider.toolTip()


def test_canvas_eraser_and_brush_have_the_shades_of_the_data(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine
) -> None:
    """Data that are black on white."""
    images = engine.dataset.train.images
    images.setflags(write=True)
    images[:] = 3 - images
    try:
        view = own_image(panel, engine)
        assert (view.canvas.image == 3).all() and not view.brush_colour.brush_colour.any()
        middle = view.canvas.image_rect().center().toPoint()
        qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=middle)
        assert view.canvas.image.min() == 0
        painted = int(view.canvas.image.sum())
        qtbot.mouseClick(view.canvas, Qt.MouseButton.RightButton, pos=middle)
        assert view.canvas.image.sum() > painted
        view.clear.trigger()
        assert (view.canvas.image == 3).all()
        transparent = np.zeros((8, 8, 4), np.uint8)
        transparent[3, 3:5, 3] = 255
        panel.state.user_image.take_picture(transparent, "ink.png")
        engine.serve()
        assert view.canvas.image[0, 3, 3] == 0 and view.canvas.image[0, 0, 0] == 3
    finally:
        images[:] = 3 - images


def test_fitting_contrast_and_inversion_are_chosen(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    view, user_image = own_image(panel, engine), panel.state.user_image
    page = np.full((60, 90, 1), 200, np.uint8)
    page[10:40, 20:26] = 120
    user_image.take_picture(page, "page.png")
    engine.serve()
    assert user_image.fitting.contrast and view.canvas.image.max() == 3 and view.canvas.image.min() == 0
    contrast, fit = control(panel, "contrast"), control(panel, "fit")
    assert isinstance(contrast, QCheckBox) and isinstance(fit, QComboBox)
    small = int((view.canvas.image > 1).sum())
    fit.setCurrentIndex(fit.findData("ink"))
    fit.activated.emit(fit.currentIndex())
    engine.serve()
    assert (view.canvas.image > 1).sum() > small and "centered by mass" in view.status.text()
    contrast.click()
    engine.serve()
    assert not user_image.fitting.contrast and view.canvas.image.min() > 0
    panel.undo.undo()
    assert contrast.isChecked() and fit.currentData() == "ink"


def test_the_seed_that_is_shown_is_the_seed_of_the_keyframes(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine
) -> None:
    open_view(panel, "interpolation")
    seed = control(panel, "keyframe_seed")
    assert isinstance(seed, QSpinBox)
    pairs = []
    for expected in (0, 1, 2):
        click(qtbot, panel, "sample_keyframes")
        assert seed.value() == panel.state.interpolation.seed == expected
        pairs.append(panel.state.interpolation.keyframes)
    seed.setValue(1)
    click(qtbot, panel, "sample_keyframes")
    assert seed.value() == 1 and np.array_equal(panel.state.interpolation.keyframes, pairs[1])
    panel.undo.undo()
    assert seed.value() == 2


@pytest.mark.parametrize(
    ("columns", "rows", "side", "scale"), [(1, 1, 8, 64), (1, 1, 28, 18), (9, 9, 28, 3), (11, 1, 28, 3), (1, 1, 256, 2)]
)
def test_files_are_about_512_pixels_large(columns: int, rows: int, side: int, scale: int) -> None:
    assert usual_scale(columns, rows, side, side) == scale


def test_choices_that_are_kept_take_effect(panel: LatentsPanel, engine: LatentEngine) -> None:
    kept = {control.objectName().removeprefix("latents."): control for control in panel.remembered}
    for name, value in {"companion": "samples", "fit": "ink", "contrast": False}.items():
        set_control_value(kept[name], value)
    engine.serve()
    state = panel.state
    assert (state.companion.kind, state.user_image.fitting) == ("samples", Fitting("ink", contrast=False))


def test_limits_are_said_before_the_file_is_named(panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "export")
    view = panel.views["export"]
    assert view.save.isEnabled() and view.scale.value() == 64  # 8×8 pixels
    view.scale.setValue(512)
    panel.state.interpolation.set_seconds(60)
    assert not view.save.isEnabled()
    assert "million" in view.status.text() and view.status.property("role") == "error"
    assert view.status.text() in view.save.toolTip()
    view.scale.setValue(8)
    assert view.save.isEnabled() and view.status.property("role") == "muted"
    panel.run.choose(VAE)
    assert view.scale.value() == 8  # what was chosen stays
