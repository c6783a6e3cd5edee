"""Sliders of a code: signals, display, and hundreds of them without a delay of the window."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QAbstractSlider, QApplication, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.families import dim_label
from gmstudio.window.gui.widgets.name_editor import NameEditor
from gmstudio.window.gui.widgets.sliders.bank import MAX_ROWS, SliderBank
from gmstudio.window.gui.widgets.sliders.coordinate_slider import SigmaField, SigmaSlider
from gmstudio.window.gui.widgets.sliders.row import LockButton, measure_text
from gmstudio.window.gui.widgets.sliders.scale import QUANTILE, SHARE


@pytest.fixture
def bank(qtbot: QtBot) -> SliderBank:
    bank = SliderBank("latents")
    qtbot.addWidget(bank)
    bank.resize(420, 400)
    bank.show()
    bank.set_dims(10)
    ready(qtbot, bank)
    leave(bank)
    return bank


def leave(bank: SliderBank) -> None:
    """Take focus and pointer away from the sliders, wherever they were left by the test before."""
    bank.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    focused = bank.focusWidget()
    if focused is not None:
        focused.clearFocus()


def ready(qtbot: QtBot, bank: SliderBank) -> None:
    """Wait for the rows that are created and updated later."""
    qtbot.waitUntil(lambda: not bank._later.isActive() and not bank._stale and len(bank._rows) == bank.count)


def wait_for_view(qtbot: QtBot, bank: SliderBank) -> None:
    """Wait until every row is created."""
    qtbot.waitUntil(lambda: not bank._later.isActive() and not bank._unfinished())


def slider(bank: SliderBank, dim: int) -> SigmaSlider:
    found = bank.findChild(QWidget, f"latents.slider.{dim}")
    assert isinstance(found, SigmaSlider)
    return found


def field(bank: SliderBank, dim: int) -> SigmaField:
    found = bank.findChild(QLineEdit, f"latents.value.{dim}")
    assert isinstance(found, SigmaField)
    return found


def lock(bank: SliderBank, dim: int) -> LockButton:
    found = bank.findChild(QWidget, f"latents.lock.{dim}")
    assert isinstance(found, LockButton)
    return found


def test_every_dimension_has_named_controls(bank: SliderBank) -> None:
    for dim in range(10):
        assert isinstance(slider(bank, dim), QAbstractSlider)
        assert (slider(bank, dim).minimum(), slider(bank, dim).maximum()) == (-300, 300)
        assert slider(bank, dim).accessibleName() == f"Latent dimension {dim}"
        for control in (slider(bank, dim), field(bank, dim), lock(bank, dim)):
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
            assert control.accessibleName() and control.toolTip()


def test_a_slider_emits_its_value_in_sigma(qtbot: QtBot, bank: SliderBank) -> None:
    with qtbot.waitSignal(bank.moved) as moved:
        slider(bank, 3).setValue(150)
    assert moved.args == [3, 1.5]
    assert field(bank, 3).text() == "1.50"


def test_values_are_shown_without_a_signal(qtbot: QtBot, bank: SliderBank) -> None:
    values = np.linspace(-2, 2, 10).astype(np.float32)
    with qtbot.assertNotEmitted(bank.moved):
        bank.set_values(values)
        ready(qtbot, bank)
    assert [slider(bank, dim).value() for dim in range(10)] == [round(100 * float(v)) for v in values]
    assert field(bank, 0).text() == "-2.00"


def test_a_typed_value_may_lie_beyond_the_slider(qtbot: QtBot, bank: SliderBank) -> None:
    with qtbot.waitSignal(bank.moved) as moved:
        qtbot.keyClicks(field(bank, 2), "\b\b\b\b4,5")
        qtbot.keyClick(field(bank, 2), Qt.Key.Key_Return)
    assert moved.args == [2, 4.5]
    assert slider(bank, 2).value() == 300
    assert field(bank, 2).text() == "4.50"
    with qtbot.waitSignal(bank.moved) as moved:
        qtbot.keyClick(slider(bank, 2), Qt.Key.Key_Left)
    assert moved.args == [2, 2.9]


@pytest.mark.parametrize("typed", ["6.5", "much", "nan", ""])
def test_an_invalid_value_is_reported_and_reverted(qtbot: QtBot, bank: SliderBank, typed: str) -> None:
    refused: list[str] = []
    bank.refused.connect(refused.append)
    with qtbot.assertNotEmitted(bank.moved):
        field(bank, 1).setText(typed)
        qtbot.keyClick(field(bank, 1), Qt.Key.Key_Return)
    assert typed in refused[-1] and "-6 to 6" in refused[-1] and "Dimension 1" in refused[-1]
    assert field(bank, 1).property("invalid")
    qtbot.keyClick(field(bank, 1), Qt.Key.Key_Escape)
    assert field(bank, 1).text() == "0.00"
    assert refused[-1] == "" and not field(bank, 1).property("invalid")


def test_typing_is_not_disturbed_by_new_values(qtbot: QtBot, bank: SliderBank) -> None:
    bank.activateWindow()
    field(bank, 1).setFocus()
    qtbot.waitUntil(lambda: field(bank, 1).hasFocus())
    field(bank, 1).selectAll()
    qtbot.keyClicks(field(bank, 1), "2.")
    bank.set_values(np.ones(10, np.float32))
    assert field(bank, 1).text() == "2."
    assert field(bank, 2).text() == "1.00"
    qtbot.keyClick(field(bank, 1), Qt.Key.Key_Return)
    assert field(bank, 1).text() == "2.00"


def test_arrow_keys_in_the_field_step_by_a_tenth(qtbot: QtBot, bank: SliderBank) -> None:
    with qtbot.waitSignal(bank.moved) as moved:
        qtbot.keyClick(field(bank, 4), Qt.Key.Key_Down)
    assert moved.args == [4, -0.1]


def test_keys_move_a_slider(qtbot: QtBot, bank: SliderBank) -> None:
    for key, value in (
        (Qt.Key.Key_Right, 10),
        (Qt.Key.Key_PageUp, 110),
        (Qt.Key.Key_End, 300),
        (Qt.Key.Key_Home, -300),
        (Qt.Key.Key_0, 0),
    ):
        qtbot.keyClick(slider(bank, 0), key)
        assert slider(bank, 0).value() == value


def test_the_pointer_takes_the_handle_or_brings_it(qtbot: QtBot, bank: SliderBank) -> None:
    target = slider(bank, 0)
    right = QPoint(round(target._x(2.0)), target.height() // 2)
    qtbot.mousePress(target, Qt.MouseButton.LeftButton, pos=right)
    assert target.value() == pytest.approx(200, abs=3)
    before = target.value()
    qtbot.mouseRelease(target, Qt.MouseButton.LeftButton, pos=right)
    qtbot.mousePress(target, Qt.MouseButton.LeftButton, pos=right + QPoint(3, 0))
    assert target.value() == before  # taken beside its middle, it does not jump
    qtbot.mouseRelease(target, Qt.MouseButton.LeftButton)
    qtbot.mouseDClick(target, Qt.MouseButton.LeftButton, pos=right)
    assert target.value() == 0


def test_the_wheel_scrolls_the_list_unless_a_slider_has_the_focus(qtbot: QtBot, bank: SliderBank) -> None:
    target = slider(bank, 0)

    def turn() -> None:
        middle = QPointF(target.rect().center())
        nothing, held = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
        phase = Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(middle, target.mapToGlobal(middle), QPoint(), QPoint(0, 120), nothing, held, phase, False)
        QApplication.sendEvent(target, event)

    turn()
    assert target.value() == 0
    bank.activateWindow()
    target.setFocus()
    qtbot.waitUntil(target.hasFocus)
    turn()
    assert target.value() > 0


def test_a_locked_dimension_cannot_be_moved_by_hand(qtbot: QtBot, bank: SliderBank) -> None:
    with qtbot.waitSignal(bank.locked) as locked:
        qtbot.mouseClick(lock(bank, 5), Qt.MouseButton.LeftButton)
    assert locked.args == [5, True]
    bank.set_locked(np.arange(10) == 5)
    assert not slider(bank, 5).isEnabled() and not field(bank, 5).isEnabled() and lock(bank, 5).isEnabled()
    assert slider(bank, 4).isEnabled()


def test_sliders_are_placed_and_tabbed_through_in_order(qtbot: QtBot, bank: SliderBank) -> None:
    order = [7, 2, 9, 0, 1, 3, 4, 5, 6, 8]
    bank.set_order(order)
    tops = [slider(bank, dim).mapTo(bank, QPoint(0, 0)).y() for dim in order]
    assert tops == sorted(tops)
    qtbot.waitUntil(lambda: not bank._later.isActive())
    assert lock(bank, 7).nextInFocusChain() is slider(bank, 2)
    assert slider(bank, 2).nextInFocusChain() is field(bank, 2)


def test_touching_a_slider_turns_to_its_dimension(qtbot: QtBot, bank: SliderBank) -> None:
    with qtbot.waitSignal(bank.chosen, check_params_cb=lambda dim: dim == 6):
        qtbot.mousePress(slider(bank, 6), Qt.MouseButton.LeftButton)
    qtbot.mouseRelease(slider(bank, 6), Qt.MouseButton.LeftButton)


def test_the_chosen_dimension_is_scrolled_into_view(qtbot: QtBot, bank: SliderBank) -> None:
    bank.set_dims(60)
    ready(qtbot, bank)
    bank.set_current(55)
    assert bank._area.verticalScrollBar().value() > 0
    assert slider(bank, 55).visibleRegion().boundingRect().height() > 0


def test_another_order_keeps_the_chosen_dimension_in_view(qtbot: QtBot, bank: SliderBank) -> None:
    bank.resize(420, 4 * 32 + 24)
    bank.set_current(9)
    bank.set_order([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    bar = bank._area.verticalScrollBar()
    assert bar.value() == 0 and slider(bank, 9).isVisible()
    bar.setValue(bar.maximum())
    bank.set_order([8, 9, 7, 6, 5, 4, 3, 2, 1, 0])  # it was out of view
    assert bar.value() == bar.maximum()


def test_rows_out_of_view_come_up_to_date_too(qtbot: QtBot, bank: SliderBank) -> None:
    bank.set_dims(128)
    assert bank.findChild(QWidget, "latents.slider.127") is None  # not all at once
    bank.set_values(np.full(128, 1.25, np.float32))
    ready(qtbot, bank)
    assert slider(bank, 127).value() == 125
    bank.set_dims(3)
    qtbot.waitUntil(lambda: bank.findChild(QWidget, "latents.slider.127") is None)
    assert slider(bank, 2).value() == 0


def test_bars_are_relative_to_the_largest(bank: SliderBank) -> None:
    bank.set_measures("KL (nats)", np.array([0.0, 2.0, 1.0] + [0.5] * 7), np.arange(10) == 0)
    assert bank._rows[1]._measure == ("2.000", 1.0)
    assert bank._rows[2]._measure == ("1.000", 0.5)
    assert bank._rows[0]._faint and not bank._rows[1]._faint
    bank.set_measures("", None)
    assert bank._rows[1]._measure is None


def test_bars_of_an_absolute_scale_compare_between_runs(bank: SliderBank) -> None:
    bank.set_measures("KL, 0–5 nats", np.array([0.0, 2.5, 1.0] + [0.5] * 7), full=5.0)
    assert bank._rows[1]._measure == ("2.500", 0.5)
    bank.set_measures("KL, 0–5 nats", np.array([0.0, 2.5, 8.0] + [0.5] * 7), full=5.0)
    assert bank._rows[1]._measure == ("2.500", 0.5) and bank._rows[2]._measure == ("8.000", 1.0)


def test_band_and_value_are_painted(qtbot: QtBot, bank: SliderBank) -> None:
    plain = slider(bank, 0).grab().toImage()
    bank.set_bands(np.ones(10), np.full(10, 0.5))
    banded = slider(bank, 0).grab().toImage()
    assert banded != plain
    bank.set_values(np.full(10, 5.0, np.float32))
    assert slider(bank, 0).grab().toImage() != banded
    bank.set_bands(None, None)
    bank.set_values(np.zeros(10, np.float32))
    assert slider(bank, 0).grab().toImage() == plain


def test_thousands_of_dimensions_share_rows(qtbot: QtBot, bank: SliderBank) -> None:
    bank.set_dims(3072)
    values = np.linspace(-3, 3, 3072).astype(np.float32)
    bank.set_values(values)
    wait_for_view(qtbot, bank)
    assert bank.findChild(QWidget, "latents.slider.3000") is None
    bank.set_current(3000)
    wait_for_view(qtbot, bank)
    assert slider(bank, 3000).value() == round(100 * float(values[3000]))
    assert len(bank._rows) <= MAX_ROWS
    with qtbot.waitSignal(bank.moved) as moved:
        slider(bank, 3000).setValue(50)
    assert moved.args == [3000, 0.5]


def test_some_dimensions_are_left_out(qtbot: QtBot, bank: SliderBank) -> None:
    bank.set_order([4, 2])
    assert [dim for dim in range(10) if slider(bank, dim).isVisible()] == [2, 4]
    bank.set_order(list(range(10)))
    assert all(slider(bank, dim).isVisibleTo(bank) for dim in range(10))


def test_a_quantile_is_shown_and_typed(qtbot: QtBot, bank: SliderBank) -> None:
    bank.set_values(np.full(10, 1.0, np.float32))
    bank.set_scale(QUANTILE)
    ready(qtbot, bank)
    assert field(bank, 1).text() == "84.1%"
    assert slider(bank, 1).value() == 841
    with qtbot.waitSignal(bank.moved) as moved:
        field(bank, 1).setText("97.5")
        qtbot.keyClick(field(bank, 1), Qt.Key.Key_Return)
    assert moved.args == [1, pytest.approx(1.96, abs=1e-3)]
    refused: list[str] = []
    bank.refused.connect(refused.append)
    field(bank, 1).setText("100")
    qtbot.keyClick(field(bank, 1), Qt.Key.Key_Return)
    assert "0.1 to 99.9" in refused[-1]


def test_units_that_are_off_or_on_go_from_0_to_1(qtbot: QtBot, bank: SliderBank) -> None:
    bank.set_dims(10, "h", SHARE)
    ready(qtbot, bank)
    assert (slider(bank, 3).minimum(), slider(bank, 3).maximum()) == (0, 100)
    with qtbot.waitSignal(bank.moved) as moved:
        slider(bank, 3).setValue(40)
    assert moved.args == [3, 0.4]


def test_a_dimension_is_named_in_its_row(qtbot: QtBot, bank: SliderBank) -> None:
    bank.activateWindow()
    qtbot.mouseDClick(bank._rows[3], Qt.MouseButton.LeftButton, pos=QPoint(12, 10))
    editor = bank.findChild(QLineEdit, "latents.name")
    assert isinstance(editor, NameEditor) and editor.isVisible()
    qtbot.keyClicks(editor, "slant")
    with qtbot.waitSignal(bank.renamed) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == [3, "slant"] and not editor.isVisible()
    bank.set_names({3: "slant"})
    ready(qtbot, bank)
    assert "slant (z₃)" in slider(bank, 3).toolTip()
    assert slider(bank, 3).accessibleName() == "Latent dimension 3, slant"


def test_after_naming_the_focus_is_where_it_was(qtbot: QtBot, bank: SliderBank) -> None:
    bank.activateWindow()
    slider(bank, 3).setFocus()
    qtbot.waitUntil(slider(bank, 3).hasFocus)
    chosen: list[int] = []
    bank.chosen.connect(chosen.append)
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        bank.edit_name(5)
        editor = bank.findChild(NameEditor)
        assert editor is not None
        qtbot.waitUntil(editor.hasFocus)
        qtbot.keyClicks(editor, "tilt")
        qtbot.keyClick(editor, key)
        assert slider(bank, 3).hasFocus() and editor.isHidden()
    assert set(chosen) == {3}
    bank.edit_name(5)
    with qtbot.assertNotEmitted(bank.renamed):
        bank.set_dims(4)


def test_labels_are_written_with_subscripts() -> None:
    assert dim_label("z", 128) == "z₁₂₈"


def test_the_order_waits_while_the_user_is_at_the_sliders(qtbot: QtBot, bank: SliderBank) -> None:
    assert not bank.in_hand
    bank.activateWindow()
    slider(bank, 0).setFocus()
    qtbot.waitUntil(lambda: bank.in_hand)
    with qtbot.waitSignal(bank.left):
        QApplication.sendEvent(bank, QEvent(QEvent.Type.Leave))


def test_small_measures_have_two_digits(bank: SliderBank) -> None:
    texts = [measure_text(value) for value in (1.741, 0.0312, 0.00996, 0.00782, 0.00044, 0.0)]
    assert texts == ["1.741", "0.031", "0.010", "0.0078", "0.00044", "0.000"]


def test_the_first_are_shown_wherever_the_current_one_is(qtbot: QtBot, bank: SliderBank) -> None:
    bank.set_dims(64)
    bank.set_current(40)
    assert bank._span(0).start > 20
    bank.set_order(range(63, -1, -1))
    bank.show_first()
    assert bank._span(0).start == 0
