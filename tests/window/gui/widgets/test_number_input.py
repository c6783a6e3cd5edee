"""Typed numbers: a lone comma or point is the decimal mark in every locale; ambiguous text is refused in words."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QLocale, Qt
from PySide6.QtWidgets import QDoubleSpinBox, QSpinBox
from pytestqt.qtbot import QtBot

import gmstudio
from gmstudio.window.gui.forms.editors import ListEdit, NumberEdit
from gmstudio.window.gui.widgets.number_input import (
    AmbiguousNumberError,
    IntegerField,
    NumberField,
    note_of,
    parse_number,
)
from gmstudio.window.gui.widgets.sliders.scale import QUANTILE, SIGMA
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider

GERMAN = QLocale(QLocale.Language.German, QLocale.Country.Germany)


@pytest.fixture(params=[QLocale.c(), GERMAN], ids=["c", "german"], autouse=True)
def _locale(request: pytest.FixtureRequest) -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(request.param)
    yield
    QLocale.setDefault(before)


DECIMALS = [
    ("0,001", 0.001),
    ("0.001", 0.001),
    ("0,5", 0.5),
    (",5", 0.5),
    ("1.000", 1.0),
    ("1,000", 1.0),
    ("\N{MINUS SIGN}2,5", -2.5),
    ("1,5e-3", 0.0015),
    (" 7 ", 7.0),
]
WHOLE = [("64", 64), ("1e3", 1000), ("10,0", 10), ("0.000", 0), ("2000.000", 2000), ("1.0000", 1), ("-5", -5)]
AMBIGUOUS = ["1.000,5", "1,000.5", "1,5,2", "1.000.000", "1,,5", "1..5", "-1.000,5"]
NO_NUMBERS = ["", "abc", "1e", "0x10", "1 000", "1'000", "1_000", "nan", "inf", "1e999", "٣", "5 nats", ".", "-"]


@pytest.mark.parametrize(("text", "value"), DECIMALS)
def test_a_lone_mark_is_the_decimal_mark(text: str, value: float) -> None:
    assert parse_number(text, integer=False) == value


@pytest.mark.parametrize(("text", "value"), WHOLE)
def test_whole_numbers(text: str, value: int) -> None:
    number = parse_number(text, integer=True)
    assert number == value and isinstance(number, int)


@pytest.mark.parametrize("text", AMBIGUOUS)
@pytest.mark.parametrize("integer", [False, True])
def test_ambiguous_text_is_refused_with_the_remedy(text: str, integer: bool) -> None:
    with pytest.raises(AmbiguousNumberError, match="ambiguous: write") as caught:
        parse_number(text, integer=integer)
    assert text in str(caught.value)


@pytest.mark.parametrize(("text", "remedy"), [("1.000", "1 or 1000"), ("12,500", "12 or 12500")])
def test_a_mark_before_three_digits_is_ambiguous_in_a_whole_number(text: str, remedy: str) -> None:
    with pytest.raises(AmbiguousNumberError, match=f"write {remedy}"):
        parse_number(text, integer=True)


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize("integer", [False, True])
def test_other_text_is_no_number(text: str, integer: bool) -> None:
    with pytest.raises(ValueError, match=r"\."):
        parse_number(text, integer=integer)


def test_a_fraction_is_no_whole_number() -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        parse_number("1,5", integer=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="0123456789.,e+- '", max_size=9), st.booleans())
def test_a_number_is_what_one_mark_and_digits_say_or_nothing(text: str, integer: bool) -> None:
    try:
        number = parse_number(text, integer=integer)
    except ValueError:
        return
    assert float(number) == float(text.strip().replace(",", ".")) and text.count(".") + text.count(",") <= 1


# ---- fields ------------------------------------------------------------------------------------------------------


def enter(qtbot: QtBot, field: IntegerField | NumberField, text: str) -> None:
    field.lineEdit().selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def number_field(qtbot: QtBot) -> NumberField:
    field = NumberField()
    qtbot.addWidget(field)
    field.setDecimals(3)
    field.setRange(0.0, 4.0)
    field.setSuffix(" nats")
    field.setValue(2.0)
    field.show()
    return field


def integer_field(qtbot: QtBot) -> IntegerField:
    field = IntegerField()
    qtbot.addWidget(field)
    field.setRange(0, 5000)
    field.setPrefix("seed ")
    field.setValue(3)
    field.show()
    return field


@pytest.mark.parametrize(("text", "value"), [("0,5", 0.5), ("0.5", 0.5), ("1,000", 1.0), ("1.000 nats", 1.0)])
def test_a_field_takes_either_mark(qtbot: QtBot, text: str, value: float) -> None:
    field = number_field(qtbot)
    enter(qtbot, field, text)
    assert (field.value(), field.text()) == (value, f"{value:.3f} nats")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1.000,5", "ambiguous"),
        ("1,5,2", "ambiguous"),
        ("x", "not a number"),
        ("5", "from 0 to 4"),
        ("0.12345", "too many decimals"),
        ("", "enter a number"),
    ],
)
def test_a_field_refuses_in_words_and_keeps_its_value(qtbot: QtBot, text: str, said: str) -> None:
    field = number_field(qtbot)
    emitted: list[float] = []
    refused: list[str] = []
    field.valueChanged.connect(emitted.append)
    field.refused.connect(refused.append)
    if text:
        enter(qtbot, field, text)
    else:
        field.lineEdit().clear()
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert (emitted, field.value(), field.text()) == ([], 2.0, f"{text} nats")
    assert said in field.problem and refused == [field.problem] and field.property("invalid")
    note = note_of(field)
    assert note.isVisible() and note.text() == field.problem
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert (emitted, field.text(), field.problem, refused[-1]) == ([], "2.000 nats", "", "")
    assert not field.property("invalid") and not note.isVisible()


def test_a_whole_number_field_refuses_what_may_be_a_thousand(qtbot: QtBot) -> None:
    field = integer_field(qtbot)
    enter(qtbot, field, "seed 1.000")
    assert field.value() == 3 and "write 1 or 1000" in field.problem
    enter(qtbot, field, "1000")
    assert (field.value(), field.text(), field.problem) == (1000, "seed 1000", "")


@pytest.mark.parametrize("text", ["1.000", "99999", "9999999999999999999"])
def test_leaving_a_field_discards_what_is_refused(qtbot: QtBot, text: str) -> None:
    field = integer_field(qtbot)
    refused: list[str] = []
    field.refused.connect(refused.append)
    other = integer_field(qtbot)
    field.activateWindow()
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    field.lineEdit().selectAll()
    qtbot.keyClicks(field, text)
    field.clearFocus()
    qtbot.waitUntil(lambda: not field.hasFocus())
    assert (field.value(), field.text(), other.value()) == (3, "seed 3", 3)
    assert text in refused[0]


def test_nothing_acts_before_a_number_is_entered(qtbot: QtBot) -> None:
    field = integer_field(qtbot)
    emitted: list[int] = []
    field.valueChanged.connect(emitted.append)
    field.lineEdit().selectAll()
    qtbot.keyClicks(field, "1234")
    assert emitted == []
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert emitted == [1234]


def test_steps_still_count_from_the_value(qtbot: QtBot) -> None:
    field = number_field(qtbot)
    field.setSingleStep(0.5)
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert (field.value(), field.text()) == (2.5, "2.500 nats")


@pytest.mark.parametrize("text", ["0,5", "0.5"])
def test_the_field_of_a_slider(qtbot: QtBot, text: str) -> None:
    slider = TypedSlider(0.0, 4.0)
    qtbot.addWidget(slider)
    enter(qtbot, slider.field, text)
    assert slider.value == 0.5


def test_a_slider_of_whole_numbers(qtbot: QtBot) -> None:
    slider = TypedSlider(1, 2000, decimals=0, log=True, suffix=" px/s")
    qtbot.addWidget(slider)
    enter(qtbot, slider.field, "1.000")
    assert slider.value == 1 and "ambiguous" in slider.field.problem
    enter(qtbot, slider.field, "1000")
    assert slider.value == 1000


@pytest.mark.parametrize(("text", "value"), [("1,5", 1.5), ("1.5", 1.5), ("-0,25σ", -0.25)])
def test_coordinates(text: str, value: float) -> None:
    assert SIGMA.read(text) == value


@pytest.mark.parametrize("text", ["1.000,5", "1,2,3", "7", "x"])
def test_coordinates_are_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        SIGMA.read(text)


def test_quantiles() -> None:
    assert QUANTILE.read("50,0%") == QUANTILE.read("50.0") == 0.0


@pytest.mark.parametrize(("text", "value"), [("0,001", 0.001), ("0.001", 0.001), ("0,5", 0.5), ("1,000", 1.0)])
def test_a_setting_takes_either_mark(qtbot: QtBot, text: str, value: float) -> None:
    edit = NumberEdit(whole=False)
    qtbot.addWidget(edit)
    qtbot.keyClicks(edit.lineEdit(), text)
    assert edit.value == value


def test_a_list_of_decimal_numbers_is_separated_by_semicolons(qtbot: QtBot) -> None:
    edit = ListEdit(float)
    qtbot.addWidget(edit)
    edit.setText("0,5; 1.5")
    assert edit.value == [0.5, 1.5]
    edit.set_value([0.25, 2.0])
    assert edit.value == [0.25, 2.0]
    whole = ListEdit(int)
    qtbot.addWidget(whole)
    whole.setText("1.000, 2")
    with pytest.raises(AmbiguousNumberError):
        _ = whole.value


def test_no_spin_box_of_qt_is_used_beside_these_fields() -> None:
    source = Path(gmstudio.__file__).parent
    names = rf"\b({QSpinBox.__name__}|{QDoubleSpinBox.__name__})\b"
    users = [path.name for path in source.rglob("*.py") if re.search(names, path.read_text("utf-8"))]
    assert users == ["number_input.py"]


@pytest.mark.parametrize("kind", [IntegerField, NumberField])
def test_the_text_of_the_minimum_is_no_refused_number(qtbot: QtBot, kind: type[IntegerField | NumberField]) -> None:
    field = kind()
    qtbot.addWidget(field)
    field.setRange(0, 50)
    field.setSpecialValueText("all")
    refused: list[str] = []
    field.refused.connect(refused.append)
    field.show()
    field.setFocus()
    field.setValue(7)
    field.selectAll()
    qtbot.keyClicks(field, "0")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert field.text() == "all" and field.value() == 0 and not field.is_typed
    qtbot.keyClick(field, Qt.Key.Key_Return)
    field.clearFocus()
    assert not refused and field.text() == "all" and field.read("all") == 0
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "x")
    assert field.is_typed
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == "all" and field.value() == 0
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert field.value() == 1
