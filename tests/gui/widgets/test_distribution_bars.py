"""Bars: where they are, and how a value is chosen by mouse, arrows and digits, for 2 to 256 values."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from gmstudio.gui.theme import theme
from gmstudio.gui.widgets.cdf_strip import CdfStrip
from gmstudio.gui.widgets.distribution_bars import DistributionBars


def shades(levels: int) -> np.ndarray:
    return np.repeat(np.linspace(0, 255, levels).astype(np.uint8)[:, None], 3, axis=1)


def fill(bars: DistributionBars, levels: int, marked: int | None = 1) -> None:
    p = np.arange(1, levels + 1) / np.arange(1, levels + 1).sum()
    bars.set_distribution(p, None, marked, shades(levels))


@pytest.fixture
def bars(qtbot: QtBot) -> DistributionBars:
    bars = DistributionBars()
    qtbot.addWidget(bars)
    bars.resize(420, 190)
    return bars


@pytest.mark.parametrize("levels", [2, 4, 16, 256])
def test_every_value_has_its_column_and_paints(bars: DistributionBars, levels: int) -> None:
    fill(bars, levels, marked=0)
    for value in {0, 1, levels // 2, levels - 1}:
        assert bars.value_at(bars.bar_rect(value).center()) == value
    assert bars.bar_rect(levels - 1).right() == pytest.approx(bars.plot_rect().right())
    shot = bars.grab().toImage()
    bottom = bars.bar_rect(levels - 1).center()
    bottom.setY(bars.plot_rect().bottom() - 2)
    assert shot.pixelColor((bottom * bars.devicePixelRatioF()).toPoint()) == theme().color("accent")


def test_the_outline_of_a_second_distribution(bars: DistributionBars) -> None:
    fill(bars, 16)
    before = bars.grab().toImage()
    bars.set_distribution(bars.probabilities, np.eye(16)[3], 3, shades(16))
    assert bars.grab().toImage() != before


def test_a_click_chooses(qtbot: QtBot, bars: DistributionBars) -> None:
    fill(bars, 16)
    with qtbot.waitSignal(bars.chosen) as chosen:
        qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.bar_rect(11).center().toPoint())
    assert chosen.args == [11]


def test_arrows_and_return_choose(qtbot: QtBot, bars: DistributionBars) -> None:
    fill(bars, 4, marked=2)
    bars.show()
    bars.setFocus()
    qtbot.waitUntil(bars.hasFocus)
    assert bars.candidate == 2
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    assert bars.candidate == 3
    qtbot.keyClick(bars, Qt.Key.Key_Home)
    with qtbot.waitSignal(bars.chosen) as chosen:
        qtbot.keyClick(bars, Qt.Key.Key_Return)
    assert chosen.args == [0]


@pytest.mark.parametrize(
    ("levels", "digits", "values"),
    [(2, "1", [1]), (2, "7", []), (16, "7", [7]), (16, "13", [13]), (16, "0", [0]), (256, "200", [200])],
)
def test_digits_choose_as_soon_as_they_are_unambiguous(
    bars: DistributionBars, levels: int, digits: str, values: list[int]
) -> None:
    fill(bars, levels)
    chosen: list[int] = []
    bars.chosen.connect(chosen.append)
    for digit in digits:
        bars.type_digit(int(digit))
    assert chosen == values


def test_a_short_number_waits_for_return(qtbot: QtBot, bars: DistributionBars) -> None:
    fill(bars, 16)
    with qtbot.assertNotEmitted(bars.chosen):
        bars.type_digit(1)
    assert bars.typing
    with qtbot.waitSignal(bars.chosen) as chosen:
        bars.choose_candidate()
    assert chosen.args == [1] and not bars.typing


def test_with_nothing_to_show_nothing_can_be_chosen(qtbot: QtBot, bars: DistributionBars) -> None:
    bars.clear("The image is finished.")
    with qtbot.assertNotEmitted(bars.chosen):
        qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.rect().center())
        qtbot.keyClick(bars, Qt.Key.Key_Return)
        bars.type_digit(1)
    assert not bars.grab().isNull()


def test_the_number_points_into_its_share(qtbot: QtBot) -> None:
    strip = CdfStrip()
    qtbot.addWidget(strip)
    strip.resize(400, strip.sizeHint().height())
    strip.set_shares(np.array([0.25, 0.75]), 0.5, 1, shades(2))
    edges = strip._edges(strip.bar_rect())
    assert edges[1] == pytest.approx(strip.bar_rect().left() + strip.bar_rect().width() / 4)
    shot = strip.grab().toImage()
    middle = strip.bar_rect().center() * strip.devicePixelRatioF()
    assert shot.pixelColor(middle.toPoint()).name() == "#ffffff"
    strip.set_shares(np.zeros(0), 0.0, None, shades(0))
    assert strip.grab().toImage() != shot
