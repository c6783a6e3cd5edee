"""The Latents panel: codes of images, of keyframes and of the user's drawings."""

from pathlib import Path

import numpy as np
import pytest
from latent_engine import GAN, VAE, WIDE, LatentEngine
from latent_fixture import click, control, engine, open_view, panel, place
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QLabel,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gmstudio.protocol.runs import RunsListed
from gmstudio.window.gui.panels.latents.panel import NO_RUN, WAITING, LatentsPanel
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary

__all__ = ["engine", "panel"]


def test_an_image_of_the_traversal_sets_the_dimension(panel: LatentsPanel) -> None:
    panel.state.code.choose_dim(2)
    panel.views["traversal"].strip.clicked.emit(10)
    assert panel.state.code.values[2] == 3.0
    assert panel.views["traversal"].strip.position == pytest.approx(10.0)
    panel.views["traversal"].strip.scrubbed.emit(4.5)
    assert panel.state.code.values[2] == pytest.approx(-0.3)
    assert "z₂" in panel.views["traversal"].title.text()


def test_an_image_of_the_data_is_encoded_and_shown_beside(panel: LatentsPanel, engine: LatentEngine) -> None:
    assert panel.original.image is None
    panel.views["data"].strip.clicked.emit(4)
    engine.serve()
    encoding = panel.state.gallery.encoding
    assert encoding is not None and encoding.index == 4
    assert panel.original.isVisible() and panel.original.image is encoding.image
    assert panel.image_caption.words.startswith("Reconstruction, RMS error 0.")
    assert f"label {engine.dataset.valid.labels[4]}" in panel.companion.caption.words
    panel.state.code.set_value(0, 1.0)
    engine.serve()
    assert panel.image_caption.words == "Decoded image"
    panel.companion.forget.trigger()
    assert panel.original.image is None and panel.companion.caption.words == ""


def test_a_typed_number_is_encoded(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.views["data"].index.setValue(42)
    engine.serve()
    assert panel.state.gallery.page is not None and panel.state.gallery.page.start == 40
    open_view(panel, "data")
    click(qtbot, panel, "encode")
    engine.serve()
    assert panel.state.gallery.encoding is not None and panel.state.gallery.encoding.index == 42


def test_keyframes_are_added_and_gone_between(qtbot: QtBot, panel: LatentsPanel) -> None:
    open_view(panel, "interpolation")
    for _ in range(2):
        click(qtbot, panel, "remove_keyframe")
    click(qtbot, panel, "randomize")
    a = panel.state.code.values
    click(qtbot, panel, "add_keyframe")
    click(qtbot, panel, "randomize")
    b = panel.state.code.values
    click(qtbot, panel, "add_keyframe")
    position = control(panel, "position")
    assert isinstance(position, QAbstractSlider)
    position.setValue(position.maximum() // 2)
    np.testing.assert_allclose(panel.state.code.values, 0.5 * (a + b), atol=0.02)
    assert panel.views["interpolation"].title.text() == "1 of 2"
    position.setValue(position.maximum())
    click(qtbot, panel, "keyframe_earlier")
    np.testing.assert_array_equal(panel.state.interpolation.keyframes[0], b)
    assert panel.views["interpolation"].strip._captions == list("1⅛¼⅜½⅝¾⅞2")
    loop = control(panel, "loop")
    assert isinstance(loop, QAbstractButton)
    loop.click()
    assert panel.state.interpolation.loop and panel.views["interpolation"].strip._captions[-1] == "1"


def test_playing_moves_the_sliders(qtbot: QtBot, panel: LatentsPanel) -> None:
    open_view(panel, "interpolation")
    click(qtbot, panel, "interpolate")
    assert control(panel, "interpolate").accessibleName() == "Pause"
    start = panel.state.interpolation.position
    qtbot.waitUntil(lambda: panel.state.interpolation.position > start + 0.02)
    slider = control(panel, "slider.0")
    assert isinstance(slider, QAbstractSlider)
    assert slider.value() == round(100 * float(panel.state.code.values[0]))
    click(qtbot, panel, "interpolate")
    assert not panel.state.interpolation.playing


def test_a_gan_shows_its_score_and_finds_codes_by_optimization(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine
) -> None:
    line = control(panel, "code_metrics")
    assert isinstance(line, QLabel) and line.isVisible()
    assert "D(x)" not in line.text()
    panel.run.choose(GAN)
    engine.serve()
    qtbot.waitUntil(lambda: (engine.serve(), "D(x)" in line.text())[1])
    score = next(v for metric, v in panel.state.code_metrics.values.items() if metric.symbol == "D(x)")
    assert 0 < score < 1
    assert f"D(x) = {score:.3f}" in line.text().replace("\u00a0", " ") and "nats" in line.text()
    open_view(panel, "data")
    view = panel.views["data"]
    assert view.encode.text() == "Find code" and "by optimization" in view.encode.toolTip()
    view.strip.clicked.emit(2)
    assert view.stop.isEnabled() and view._stop.isVisible()
    engine.serve()
    assert "after 300 of 300 steps" in view.problem.text() and view.problem.property("role") == "muted"
    assert panel.original.image is not None and not view.stop.isEnabled()
    panel.run.choose(VAE)
    engine.serve()
    assert view.encode.text() == "Encode" and not view._stop.isVisible() and not view.problem.text()
    panel.run.choose(GAN)
    engine.serve()
    assert panel.sliders.sort.findData("kl") == -1


def test_another_run_has_its_own_sliders(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.run.choose(WIDE)
    engine.serve()
    qtbot.waitUntil(lambda: panel.findChild(QWidget, "latents.slider.39") is not None)
    panel.run.choose(VAE)
    engine.serve()
    qtbot.waitUntil(lambda: panel.findChild(QWidget, "latents.slider.39") is None)


def test_it_works_again_after_the_engines_death(panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.state.code.randomize(1)
    engine.serve()
    image = panel.image.image
    engine.die()
    panel.state._library.lose_engine()
    assert panel.image.image is image
    engine.hello()
    engine.serve()
    panel.state.code.set_value(0, 2.0)
    engine.serve()
    assert panel.state.shown is not None and panel.state.shown.code[0] == 2.0


def test_without_a_model_it_shows_the_remedy(qtbot: QtBot, engine: LatentEngine) -> None:
    library = RunLibrary(engine)
    panel = LatentsPanel(LatentsState(engine, library), library)
    qtbot.addWidget(panel)
    panel.show()
    assert panel.image._placeholder == WAITING
    engine.deliver(RunsListed(home="/runs", runs=(), problems=()))
    assert panel.image._placeholder == NO_RUN
    for name in ("reset", "randomize", "interpolate", "encode", "add_keyframe", "open_picture", "export"):
        action = panel.findChild(QAction, f"action.latents.{name}")
        assert action is not None and not action.isEnabled()
    panel.hide()


def test_it_is_painted_in_both_themes(qtbot: QtBot, panel: LatentsPanel) -> None:
    pictures = []
    for mode in ("dark", "light"):
        theme().set_mode(mode)
        pictures.append(panel.grab().toImage())
    theme().set_mode("system")
    assert pictures[0] != pictures[1]


def test_a_drawing_sets_the_code(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "user_image")
    user_image = panel.views["user_image"]
    canvas = user_image.canvas
    assert canvas.isVisible() and canvas.image.shape == engine.dataset.image.shape
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.image_rect().center().toPoint())
    engine.serve()
    encoding = panel.state.gallery.encoding
    assert encoding is not None and encoding.title == "your image"
    np.testing.assert_array_equal(panel.state.code.values, encoding.code)
    assert user_image.residual.image is not None and "Residual ±" in user_image.residual_caption.words
    assert not panel.original.isVisible()
    canvas.setFocus()
    qtbot.waitUntil(canvas.hasFocus)
    before = canvas.image
    qtbot.keyClick(canvas, Qt.Key.Key_Delete)
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    assert not np.array_equal(canvas.image, before) and len(panel.state.interpolation.keyframes) == 2
    assert not panel.state.interpolation.playing
    click(qtbot, panel, "clear_canvas")
    assert not canvas.image.any()


def test_without_an_encoder_optimization_finds_the_code(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine
) -> None:
    panel.run.choose(GAN)
    engine.serve()
    open_view(panel, "user_image")
    user_image = panel.views["user_image"]
    assert [user_image.method.itemData(index) for index in range(user_image.method.count())] == ["optimization"]
    steps = control(panel, "optimization_steps")
    assert isinstance(steps, QSpinBox) and steps.isVisible()
    steps.setValue(5)
    click(qtbot, panel, "find_code")
    assert panel.state.user_image.optimizing
    engine.serve()
    assert not panel.state.user_image.optimizing
    assert f"RMS error {panel.state.user_image.error:.3f} after 5 of 5 steps" in user_image.status.text()


def test_a_fitted_picture_is_described(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine, tmp_path: Path) -> None:
    open_view(panel, "user_image")
    user_image = panel.views["user_image"]
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, 20:40] = (255, 0, 0)
    Image.fromarray(picture).save(tmp_path / "me.jpg")
    with qtbot.waitSignal(user_image.source.taken):
        user_image.source.open(str(tmp_path / "me.jpg"))
    engine.serve()
    assert "me.jpg was 64×48 RGB, converted to 8×8 grey with 4 levels" in user_image.status.text()
    assert panel.state.gallery.encoding is not None and user_image.canvas.image.any()
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    with qtbot.waitSignal(user_image.source.failed):
        user_image.source.open(str(tmp_path / "bad.png"))
    assert "bad.png" in user_image.status.text() and user_image.status.property("role") == "error"


def test_an_interpolation_is_exported(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine, tmp_path: Path) -> None:
    open_view(panel, "export")
    view = panel.views["export"]
    panel.state.interpolation.set_seconds(0.8)
    assert "20 frames of 512×512 pixels, 0.8 s" in view.extent.text()

    def finish() -> bool:
        engine.serve()
        return not panel.state.export.busy

    view.export_to(str(tmp_path / "a"))
    qtbot.waitUntil(finish)
    assert view.status.text() == f"Written: {tmp_path / 'a.gif'}"
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 20
    view.export_to(str(tmp_path / "a.gif"))
    assert "already" in view.status.text() and control(panel, "export_replace").isVisible()
    click(qtbot, panel, "export_replace")
    qtbot.waitUntil(finish)
    assert view.status.text().startswith("Written")


def test_an_original_stands_above_where_a_map_needs_the_width(panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.state.gallery.choose(3)
    panel.state.gallery.encode()
    engine.serve()
    assert panel.original.isVisible()
    open_view(panel, "data")
    engine.serve()
    assert place(panel.original, panel).y() == place(panel.image, panel).y()
    open_view(panel, "map")
    engine.serve()
    panel.layout().activate()
    QApplication.sendPostedEvents()
    beside = panel.views["map"].beside
    assert beside is not None
    original, image, shown = (place(widget, panel) for widget in (panel.original, panel.image, beside))
    assert original.bottom() < image.y() and abs(original.center().x() - image.center().x()) < 8
    assert shown.x() > image.right() and shown.width() > image.width()


def test_another_order_shows_its_first_dimensions(panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.run.choose(WIDE)
    engine.serve()
    stats, bank = panel.state.dimension_stats, panel.sliders.bank
    panel.state.code.choose_dim(stats.order()[0])
    stats.set_sort("pixel_change")
    stats.pixel_change = np.arange(40, dtype=np.float32)
    stats.pixel_change[panel.state.code.dim] = -1.0
    stats.set_sort("index")
    stats.set_sort("pixel_change")
    assert bank.order[-1] == panel.state.code.dim
    assert bank._span(0).start == 0
