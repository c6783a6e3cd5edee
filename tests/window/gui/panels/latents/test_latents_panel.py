"""The Latents panel: its controls write the state, and show it."""

import numpy as np
import pytest
from latent_engine import DIMS, WIDE, LatentEngine
from latent_fixture import click, control, engine, open_view, panel, place
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractSlider,
    QComboBox,
    QLineEdit,
)
from pytestqt.qtbot import QtBot

from gmstudio.protocol.latents import ComputeDimensionStats
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.latents.sliders import COMPUTING
from gmstudio.window.gui.panels.latents.tabs import VIEWS

__all__ = ["engine", "panel"]


def test_controls_have_names_words_and_tips(panel: LatentsPanel) -> None:
    names = (
        "run image slider.3 value.3 lock.3 reset randomize perturb sort compute_stats strip encode data add_keyframe "
        "replace_keyframe remove_keyframe keyframe_earlier keyframe_later sample_keyframes interpolate position "
        "path seconds loop split index canvas residual brush open_picture paste_picture fit invert method "
        "optimization_steps find_code export_source export_format export_fps export_scale export code_metrics"
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
    assert [tab.name for tab in panel.tabs.tabs] == [entry.name for entry in VIEWS]
    for tab in panel.tabs.tabs:
        qtbot.keyClick(slider, tab.key)
        view = panel.views[tab.name]
        assert panel.tabs.open_page == tab.name and view.isVisible()
        assert panel.image.height() > panel.tabs.height()
        for other in panel.views.values():
            if other.beside is not None:
                assert other.beside.isVisible() == (other is view)


def test_a_slider_moves_the_image(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    slider = control(panel, "slider.3")
    assert isinstance(slider, QAbstractSlider)
    before = panel.image.image
    slider.setValue(220)
    assert panel.state.code.values[3] == pytest.approx(2.2)
    engine.serve()
    request = panel.state.shown.request if panel.state.shown else 0
    assert panel.image.image is not None and not np.array_equal(panel.image.image, before)
    with qtbot.waitSignal(panel.image.painted, check_params_cb=lambda number: number == request):
        panel.image.update()


def test_buttons_set_the_whole_code(qtbot: QtBot, panel: LatentsPanel) -> None:
    click(qtbot, panel, "randomize")
    drawn = panel.state.code.values
    assert drawn.all()
    click(qtbot, panel, "perturb")
    moved = np.abs(panel.state.code.values - drawn)
    assert moved.all() and moved.max() < 2.0  # 0.3 of a standard normal, and 5 % towards 0
    click(qtbot, panel, "lock.2")
    kept = panel.state.code.values[2]
    click(qtbot, panel, "reset")
    assert panel.state.code.values[2] == kept
    assert not np.delete(panel.state.code.values, 2).any()
    slider = control(panel, "slider.0")
    assert isinstance(slider, QAbstractSlider) and slider.value() == 0


def test_arrow_keys_move_the_dimension_that_was_chosen_by_key(qtbot: QtBot, panel: LatentsPanel) -> None:
    slider = control(panel, "slider.1")
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    qtbot.keyClick(slider, Qt.Key.Key_J)
    dim = panel.state.code.dim
    focused = control(panel, f"slider.{dim}")
    assert dim != 1 and focused.hasFocus()
    qtbot.keyClick(focused, Qt.Key.Key_Right)
    assert panel.state.code.values[dim] == np.float32(0.1) and panel.state.code.values[1] == 0


def test_keys_of_a_page_do_nothing_on_another(qtbot: QtBot, panel: LatentsPanel) -> None:
    open_view(panel, "interpolation")
    panel.setFocus()
    code = panel.state.code.values
    canvas = panel.views["user_image"].canvas  # type: ignore[attr-defined]
    cleared: list[bool] = []
    canvas.changed.connect(lambda: cleared.append(True))
    keyframes = len(panel.state.interpolation.keyframes)
    qtbot.keyClick(panel, Qt.Key.Key_C, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(panel, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert cleared == [] and (panel.state.code.values == code).all()
    open_view(panel, "map")
    qtbot.keyClick(panel, Qt.Key.Key_W)
    qtbot.keyClick(panel, Qt.Key.Key_A)
    assert len(panel.state.interpolation.keyframes) == keyframes
    open_view(panel, "interpolation")
    qtbot.keyClick(panel, Qt.Key.Key_A)
    assert len(panel.state.interpolation.keyframes) == keyframes + 1


def test_keys_work_in_the_panel_but_not_while_typing(qtbot: QtBot, panel: LatentsPanel) -> None:
    slider, field = control(panel, "slider.1"), control(panel, "value.1")
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    qtbot.keyClick(slider, Qt.Key.Key_N)
    drawn = panel.state.code.values
    assert drawn.all()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClick(field, Qt.Key.Key_R)
    np.testing.assert_array_equal(panel.state.code.values, drawn)
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_R)
    assert not panel.state.code.values.any()


def test_space_plays_but_presses_the_button_that_has_the_focus(qtbot: QtBot, panel: LatentsPanel) -> None:
    panel.image.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    panel.image.setFocus()
    qtbot.keyClick(panel.image, Qt.Key.Key_Space)
    assert panel.state.interpolation.playing
    qtbot.keyClick(panel.image, Qt.Key.Key_P)
    assert not panel.state.interpolation.playing
    lock = control(panel, "lock.1")
    lock.setFocus()
    qtbot.keyClick(lock, Qt.Key.Key_Space)
    assert panel.state.code.locked[1]
    assert not panel.state.interpolation.playing


def test_a_typed_value_that_cannot_be_is_reported_in_the_panel(qtbot: QtBot, panel: LatentsPanel) -> None:
    field = control(panel, "value.1")
    assert isinstance(field, QLineEdit)
    field.setText("7.5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "7.5" in panel.sliders.summary.text() and panel.sliders.summary.property("role") == "error"
    field.setText("1.5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert panel.state.code.values[1] == 1.5
    assert panel.sliders.summary.property("role") == "muted"


def test_a_vae_is_sorted_by_kl_and_can_be_otherwise(panel: LatentsPanel) -> None:
    sort = control(panel, "sort")
    assert isinstance(sort, QComboBox)
    assert sort.currentData() == "kl"
    assert list(panel.sliders.bank.order) == panel.state.dimension_stats.order()
    sort.setCurrentIndex(sort.findData("index"))
    sort.activated.emit(sort.currentIndex())
    assert list(panel.sliders.bank.order) == list(range(DIMS))


def test_the_first_statistics_are_announced_while_they_are_computed(panel: LatentsPanel, engine: LatentEngine) -> None:
    assert panel.sliders.summary.text() != COMPUTING
    panel.run.choose(WIDE)
    engine.serve(most=len(engine.sent) - engine.answered)  # the run is open; what was requested then waits
    assert engine.unanswered(ComputeDimensionStats) and panel.sliders.summary.text() == COMPUTING
    engine.serve()
    assert "posterior collapse. Total KL: " in panel.sliders.summary.text()


def test_collapsed_dimensions_are_counted(panel: LatentsPanel) -> None:
    panel.state.dimension_stats.kl = np.array([1.0, 0.001, 0.5, 0.0, 2.0], np.float32)
    panel.state.dimension_stats.changed.emit()
    verdict = "∅ Partial posterior collapse. Total KL: 3.50 nats · 2 of 5 dimensions collapsed"
    assert panel.sliders.summary.text().startswith(verdict)
    assert place(panel.sliders.summary, panel).bottom() < place(panel.sliders.bank, panel).top()  # at the top
    assert "these dimensions carry no information about x" in panel.sliders.summary.text()
    assert list(panel.sliders.bank.order) == [4, 0, 2, 1, 3]


def test_the_order_does_not_change_under_the_users_hands(qtbot: QtBot, panel: LatentsPanel) -> None:
    before = panel.sliders.bank.order
    slider = control(panel, "slider.0")
    slider.setFocus()
    qtbot.waitUntil(slider.hasFocus)
    panel.state.dimension_stats.kl = np.array([0.1, 0.2, 0.3, 0.4, 0.5], np.float32)
    panel.state.dimension_stats.changed.emit()
    assert panel.sliders.bank.order == before
    panel.sliders.bank.left.emit()
    assert list(panel.sliders.bank.order) == [4, 3, 2, 1, 0]
