"""The Latents panel: its controls write the session's state, and show it."""

from pathlib import Path

import numpy as np
import pytest
from latent_engine import DIMS, GAN, VAE, WIDE, LatentEngine
from latent_fixture import click, control, engine, open_view, panel
from PIL import Image
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QSpinBox,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gmstudio.protocol.latents import ComputeDimensionStats
from gmstudio.protocol.runs import RunsListed
from gmstudio.window.gui.panels.latents.panel import NO_RUN, WAITING, LatentsPanel
from gmstudio.window.gui.panels.latents.sliders import MEASURING
from gmstudio.window.gui.panels.latents.tabs import VIEWS
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary

__all__ = ["engine", "panel"]


def test_controls_have_names_words_and_tips(panel: LatentsPanel) -> None:
    names = (
        "run image slider.3 value.3 lock.3 reset randomize vary sort measure strip encode data add_keyframe "
        "replace_keyframe remove_keyframe keyframe_earlier keyframe_later draw_keyframes interpolate position "
        "path seconds closed split index canvas residual brush open_picture paste_picture fit invert way "
        "search_steps find_code export_what export_form export_fps export_scale export told"
    )
    for name in names.split():
        widget = control(panel, name)
        assert widget.accessibleName(), name
        assert widget.toolTip(), name


def test_keys_are_listed_and_none_is_given_twice(panel: LatentsPanel) -> None:
    keys = [s.toString() for action in panel.listed_actions() for s in action.shortcuts()]
    assert {"R", "N", "Shift+N", "E", "P", "Space", "A", "O", "F"} <= set(keys)
    assert len(keys) == len(set(keys))


def test_every_view_is_reached_by_its_key_and_the_image_stays_the_largest(qtbot: QtBot, panel: LatentsPanel) -> None:
    slider = control(panel, "slider.0")
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    for entry in VIEWS:
        qtbot.keyClick(slider, entry.key)
        view = panel.views[entry.name]
        assert panel.tabs.currentWidget() is view and view.isVisible()
        assert panel.image.height() > panel.tabs.height()
        for other in panel.views.values():
            if other.beside is not None:
                assert other.beside.isVisible() == (other is view)


def test_a_slider_moves_the_image(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    slider = control(panel, "slider.3")
    assert isinstance(slider, QAbstractSlider)
    before = panel.image.image
    slider.setValue(220)
    assert panel.session.code[3] == pytest.approx(2.2)
    engine.serve()
    request = panel.session.shown.request if panel.session.shown else 0
    assert panel.image.image is not None and not np.array_equal(panel.image.image, before)
    with qtbot.waitSignal(panel.image.painted, check_params_cb=lambda number: number == request):
        panel.image.update()


def test_buttons_set_the_whole_code(qtbot: QtBot, panel: LatentsPanel) -> None:
    click(qtbot, panel, "randomize")
    drawn = panel.session.code
    assert drawn.all()
    click(qtbot, panel, "vary")
    assert np.corrcoef(panel.session.code, drawn)[0, 1] > 0.5
    click(qtbot, panel, "lock.2")
    kept = panel.session.code[2]
    click(qtbot, panel, "reset")
    assert panel.session.code[2] == kept
    assert not np.delete(panel.session.code, 2).any()
    slider = control(panel, "slider.0")
    assert isinstance(slider, QAbstractSlider) and slider.value() == 0


def test_keys_work_in_the_panel_but_not_while_typing(qtbot: QtBot, panel: LatentsPanel) -> None:
    slider, field = control(panel, "slider.1"), control(panel, "value.1")
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    qtbot.keyClick(slider, Qt.Key.Key_N)
    drawn = panel.session.code
    assert drawn.all()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClick(field, Qt.Key.Key_R)
    np.testing.assert_array_equal(panel.session.code, drawn)
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_R)
    assert not panel.session.code.any()


def test_space_plays_but_presses_the_button_that_has_the_focus(qtbot: QtBot, panel: LatentsPanel) -> None:
    panel.image.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    panel.image.setFocus()
    qtbot.keyClick(panel.image, Qt.Key.Key_Space)
    assert panel.session.interpolation.playing
    qtbot.keyClick(panel.image, Qt.Key.Key_P)
    assert not panel.session.interpolation.playing
    lock = control(panel, "lock.1")
    lock.setFocus()
    qtbot.keyClick(lock, Qt.Key.Key_Space)
    assert panel.session.locked[1]
    assert not panel.session.interpolation.playing


def test_nonsense_that_was_typed_is_told_in_the_panel(qtbot: QtBot, panel: LatentsPanel) -> None:
    field = control(panel, "value.1")
    assert isinstance(field, QLineEdit)
    field.setText("7.5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "7.5" in panel.sliders.summary.text() and panel.sliders.summary.property("role") == "error"
    field.setText("1.5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert panel.session.code[1] == 1.5
    assert panel.sliders.summary.property("role") == "muted"


def test_a_vae_is_sorted_by_kl_and_can_be_otherwise(panel: LatentsPanel) -> None:
    sort = control(panel, "sort")
    assert isinstance(sort, QComboBox)
    assert sort.currentData() == "kl"
    assert list(panel.sliders.bank.order) == panel.session.measures.order(DIMS)
    sort.setCurrentIndex(sort.findData("index"))
    sort.activated.emit(sort.currentIndex())
    assert list(panel.sliders.bank.order) == list(range(DIMS))


def test_the_first_measurement_is_told_while_it_goes_on(panel: LatentsPanel, engine: LatentEngine) -> None:
    assert panel.sliders.summary.text() != MEASURING
    panel.run.choose(WIDE)
    engine.serve(most=len(engine.sent) - engine.answered)  # the run is open; what was asked then waits
    assert engine.unanswered(ComputeDimensionStats) and panel.sliders.summary.text() == MEASURING
    engine.serve()
    assert "KL over all dimensions" in panel.sliders.summary.text() or "collapsed" in panel.sliders.summary.text()


def test_collapsed_dimensions_are_counted(panel: LatentsPanel) -> None:
    panel.session.measures.kl = np.array([1.0, 0.001, 0.5, 0.0, 2.0], np.float32)
    panel.session.measures.changed.emit()
    assert "2 of 5 dimensions are collapsed" in panel.sliders.summary.text()
    assert list(panel.sliders.bank.order) == [4, 0, 2, 1, 3]


def test_the_order_does_not_change_under_the_users_hands(qtbot: QtBot, panel: LatentsPanel) -> None:
    before = panel.sliders.bank.order
    slider = control(panel, "slider.0")
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    panel.session.measures.kl = np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32)
    panel.session.measures.changed.emit()
    assert panel.sliders.bank.order == before
    panel.sliders.bank.left.emit()
    assert list(panel.sliders.bank.order) == [4, 3, 2, 1, 0]


def test_an_image_of_the_traversal_sets_the_dimension(panel: LatentsPanel) -> None:
    panel.session.choose_dim(2)
    panel.views["along"].strip.clicked.emit(10)
    assert panel.session.code[2] == 3.0
    assert panel.views["along"].strip.position == pytest.approx(10.0)
    panel.views["along"].strip.scrubbed.emit(4.5)
    assert panel.session.code[2] == pytest.approx(-0.3)
    assert "z₂" in panel.views["along"].title.text()


def test_an_image_of_the_data_is_encoded_and_shown_beside(panel: LatentsPanel, engine: LatentEngine) -> None:
    assert not panel.original.isVisible()
    panel.views["data"].strip.clicked.emit(4)
    engine.serve()
    encoding = panel.session.gallery.encoding
    assert encoding is not None and encoding.index == 4
    assert panel.original.isVisible() and panel.original.image is encoding.image
    assert panel.image_caption.text().startswith("Reconstruction, RMS error 0.")
    assert f"label {engine.dataset.valid.labels[4]}" in panel.original_caption.text()
    panel.session.set_value(0, 1.0)
    engine.serve()
    assert panel.image_caption.text() == "Decoded from the code"
    panel.forget.trigger()
    assert not panel.original.isVisible()


def test_a_typed_number_is_encoded(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.views["data"].index.setValue(42)
    engine.serve()
    assert panel.session.gallery.page is not None and panel.session.gallery.page.start == 40
    open_view(panel, "data")
    click(qtbot, panel, "encode")
    engine.serve()
    assert panel.session.gallery.encoding is not None and panel.session.gallery.encoding.index == 42


def test_keyframes_are_added_and_gone_between(qtbot: QtBot, panel: LatentsPanel) -> None:
    open_view(panel, "interpolation")
    for _ in range(2):
        click(qtbot, panel, "remove_keyframe")
    click(qtbot, panel, "randomize")
    a = panel.session.code
    click(qtbot, panel, "add_keyframe")
    click(qtbot, panel, "randomize")
    b = panel.session.code
    click(qtbot, panel, "add_keyframe")
    position = control(panel, "position")
    assert isinstance(position, QAbstractSlider)
    position.setValue(position.maximum() // 2)
    np.testing.assert_allclose(panel.session.code, 0.5 * (a + b), atol=0.02)
    assert panel.views["interpolation"].title.text() == "1 of 2"
    position.setValue(position.maximum())
    click(qtbot, panel, "keyframe_earlier")
    np.testing.assert_array_equal(panel.session.interpolation.keyframes[0], b)
    assert panel.views["interpolation"].strip._captions == list("1⅛¼⅜½⅝¾⅞2")
    closed = control(panel, "closed")
    assert isinstance(closed, QAbstractButton)
    closed.click()
    assert panel.session.interpolation.closed and panel.views["interpolation"].strip._captions[-1] == "1"


def test_playing_moves_the_sliders(qtbot: QtBot, panel: LatentsPanel) -> None:
    open_view(panel, "interpolation")
    click(qtbot, panel, "interpolate")
    assert control(panel, "interpolate").accessibleName() == "Pause"
    start = panel.session.interpolation.position
    qtbot.waitUntil(lambda: panel.session.interpolation.position > start + 0.02)
    slider = control(panel, "slider.0")
    assert isinstance(slider, QAbstractSlider)
    assert slider.value() == round(100 * float(panel.session.code[0]))
    click(qtbot, panel, "interpolate")
    assert not panel.session.interpolation.playing


def test_a_gan_shows_its_verdict_and_no_data(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    told = control(panel, "told")
    assert isinstance(told, QLabel) and told.isVisible()
    assert "D(x)" not in told.text()
    panel.run.choose(GAN)
    engine.serve()
    qtbot.waitUntil(lambda: (engine.serve(), "D(x)" in told.text())[1])
    verdict = next(v for metric, v in panel.session.told.values.items() if metric.symbol == "D(x)")
    assert 0 < verdict < 1
    assert f"D(x) = {verdict:.3f}" in told.text().replace("\u00a0", " ") and "nats" in told.text()
    open_view(panel, "data")
    assert "has no encoder" in panel.views["data"].strip._placeholder and not panel.views["data"].strip.isEnabled()
    assert panel.sliders.sort.findData("kl") == -1


def test_another_run_has_its_own_sliders(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.run.choose(WIDE)
    engine.serve()
    qtbot.waitUntil(lambda: panel.findChild(QWidget, "latents.slider.39") is not None)
    panel.run.choose(VAE)
    engine.serve()
    qtbot.waitUntil(lambda: panel.findChild(QWidget, "latents.slider.39") is None)


def test_it_goes_on_after_the_engines_death(panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.session.randomize(1)
    engine.serve()
    image = panel.image.image
    engine.die()
    panel.session._library.lose_engine()
    assert panel.image.image is image
    engine.hello()
    engine.serve()
    panel.session.set_value(0, 2.0)
    engine.serve()
    assert panel.session.shown is not None and panel.session.shown.code[0] == 2.0


def test_without_a_model_it_says_what_to_do(qtbot: QtBot, engine: LatentEngine) -> None:
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
    encoding = panel.session.gallery.encoding
    assert encoding is not None and encoding.title == "your image"
    np.testing.assert_array_equal(panel.session.code, encoding.code)
    assert user_image.residual.image is not None and "RMS error" in user_image.residual_caption.text()
    assert not panel.original.isVisible()
    canvas.setFocus()
    qtbot.waitUntil(canvas.hasFocus)
    before = canvas.image
    qtbot.keyClick(canvas, Qt.Key.Key_Delete)
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    assert not np.array_equal(canvas.image, before) and len(panel.session.interpolation.keyframes) == 2
    assert not panel.session.interpolation.playing
    click(qtbot, panel, "clear_canvas")
    assert not canvas.image.any()


def test_without_an_encoder_a_search_finds_the_code(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.run.choose(GAN)
    engine.serve()
    open_view(panel, "user_image")
    user_image = panel.views["user_image"]
    assert [user_image.way.itemData(index) for index in range(user_image.way.count())] == ["search"]
    steps = control(panel, "search_steps")
    assert isinstance(steps, QSpinBox) and steps.isVisible()
    steps.setValue(5)
    click(qtbot, panel, "find_code")
    assert panel.session.user_image.searching
    engine.serve()
    assert not panel.session.user_image.searching
    assert f"RMS error {panel.session.user_image.error:.3f} after 5 of 5 steps" in user_image.said.text()


def test_a_picture_is_fitted_and_it_says_so(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine, tmp_path: Path
) -> None:
    open_view(panel, "user_image")
    user_image = panel.views["user_image"]
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, 20:40] = (255, 0, 0)
    Image.fromarray(picture).save(tmp_path / "me.jpg")
    with qtbot.waitSignal(user_image.source.taken):
        user_image.source.open(str(tmp_path / "me.jpg"))
    engine.serve()
    assert "me.jpg was 64×48 RGB, converted to 8×8 grey with 4 levels" in user_image.said.text()
    assert panel.session.gallery.encoding is not None and user_image.canvas.image.any()
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnonsense")
    with qtbot.waitSignal(user_image.source.failed):
        user_image.source.open(str(tmp_path / "bad.png"))
    assert "bad.png" in user_image.said.text() and user_image.said.property("role") == "error"


def test_a_journey_is_exported(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine, tmp_path: Path) -> None:
    open_view(panel, "export")
    view = panel.views["export"]
    panel.session.interpolation.set_seconds(0.8)
    assert "20 frames of 64×64 pixels, 0.8 s" in view.extent.text()

    def finish() -> bool:
        engine.serve()
        return not panel.session.export.busy

    view.export_to(str(tmp_path / "a"))
    qtbot.waitUntil(finish)
    assert view.told.text() == f"Written: {tmp_path / 'a.gif'}"
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 20
    view.export_to(str(tmp_path / "a.gif"))
    assert "already" in view.told.text() and control(panel, "export_replace").isVisible()
    click(qtbot, panel, "export_replace")
    qtbot.waitUntil(finish)
    assert view.told.text().startswith("Written")


def test_an_original_stands_above_where_a_map_needs_the_width(panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.session.gallery.choose(3)
    panel.session.gallery.encode()
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


def place(widget: QWidget, panel: LatentsPanel) -> QRect:
    return QRect(widget.mapTo(panel, QPoint(0, 0)), widget.size())


def test_another_order_shows_its_first_dimensions(panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.run.choose(WIDE)
    engine.serve()
    measures, bank = panel.session.measures, panel.sliders.bank
    panel.session.choose_dim(measures.order(40)[0])
    measures.set_sort("effect")
    measures.effect = np.arange(40, dtype=np.float32)
    measures.effect[panel.session.dim] = -1.0
    measures.set_sort("index")
    measures.set_sort("effect")
    assert bank.order[-1] == panel.session.dim
    assert bank._span(0).start == 0
