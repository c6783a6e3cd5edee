"""A slider and its field show one value; keys stay with the field that has the focus."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.sliders.typed_slider import INSET, TypedSlider


def test_slider_and_field_follow_each_other(qtbot: QtBot) -> None:
    slider = TypedSlider(0.0, 2.0)
    qtbot.addWidget(slider)
    with qtbot.waitSignal(slider.value_changed) as changed:
        slider.slider.setValue(250)
    assert changed.args == [0.5] and slider.value == 0.5
    with qtbot.waitSignal(slider.value_changed):
        slider.field.setValue(2.0)
    assert slider.slider.value() == slider.slider.maximum()


def test_setting_a_value_emits_no_signal(qtbot: QtBot) -> None:
    slider = TypedSlider(0, 64, decimals=0)
    qtbot.addWidget(slider)
    with qtbot.assertNotEmitted(slider.value_changed):
        slider.set_value(17)
        slider.set_range(0, 784)
    assert (slider.value, slider.slider.value()) == (17, 17)


def test_a_logarithmic_slider_moves_by_factors(qtbot: QtBot) -> None:
    slider = TypedSlider(1.0, 1000.0, decimals=0, log=True, suffix=" px/s")
    qtbot.addWidget(slider)
    slider.set_value(10.0)
    assert slider.slider.value() == pytest.approx(1000 / 3, abs=1)
    slider.slider.setValue(667)
    assert slider.value == pytest.approx(100, rel=0.01)


def test_a_number_beyond_the_limits_is_refused(qtbot: QtBot) -> None:
    slider = TypedSlider(0.0, 2.0, decimals=2, suffix=" σ")
    qtbot.addWidget(slider)
    slider.set_value(1.0)
    for text in ("99", "-7", "1e1"):
        slider.field.selectAll()
        qtbot.keyClicks(slider.field, text)
        with qtbot.assertNotEmitted(slider.value_changed):
            qtbot.keyClick(slider.field, Qt.Key.Key_Return)
        assert slider.value == 1.0 and "from 0 to 2" in slider.field.problem
    slider.field.selectAll()
    qtbot.keyClicks(slider.field, "1.5")
    with qtbot.waitSignal(slider.value_changed):
        qtbot.keyClick(slider.field, Qt.Key.Key_Return)
    assert slider.value == 1.5 and not slider.field.problem


def test_a_fields_text_is_inset_and_not_cut(qtbot: QtBot) -> None:
    both = TypedSlider(0.5, 200.0, decimals=1, suffix=" steps/s")
    qtbot.addWidget(both)
    both.set_value(200.0)
    both.show()
    line = both.field.lineEdit()
    assert line.textMargins().left() == INSET
    needed = line.fontMetrics().horizontalAdvance("200.0 steps/s")
    assert line.width() >= needed + INSET
