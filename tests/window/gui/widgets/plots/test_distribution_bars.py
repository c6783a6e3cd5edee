"""Bars: where they are, and how a value is chosen by mouse, arrows and digits, for 2 to 256 values."""

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QPixmap, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.cdf_strip import CdfStrip
from gmstudio.window.gui.widgets.plots.distribution_bars import DistributionBars
from gmstudio.window.gui.widgets.plots.distribution_paint import heaviest_components, other_model_color, value_labels

PLAIN = Qt.KeyboardModifier.NoModifier


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


# ---- many values: a part of them, quantiles, components, another model -----------------------------------------------


def wheel(bars: DistributionBars, x: float, turns: int, modifiers: Qt.KeyboardModifier = PLAIN) -> None:
    position = QPointF(x, bars.plot_rect().center().y())
    event = QWheelEvent(
        position,
        QPointF(bars.mapToGlobal(position.toPoint())),
        QPoint(0, 0),
        QPoint(0, 120 * turns),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(bars, event)


def bell(middle: float = 100.0, width: float = 4.0) -> np.ndarray:
    p = np.exp(-(((np.arange(256) - middle) / width) ** 2) / 2)
    return p / p.sum()


def test_the_wheel_zooms_around_the_pointer_and_a_click_still_chooses(qtbot: QtBot, bars: DistributionBars) -> None:
    fill(bars, 256)
    x = bars.bar_rect(100).center().x()
    wheel(bars, x, 6)
    assert bars.values.span < 80 and bars.value_at(QPointF(x, 60)) == 100
    with qtbot.waitSignal(bars.chosen) as chosen:
        qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=bars.bar_rect(103).center().toPoint())
    assert chosen.args == [103]
    before = bars.values
    wheel(bars, x, -1, Qt.KeyboardModifier.ShiftModifier)
    assert bars.values.low > before.low and bars.values.span == pytest.approx(before.span)
    assert not bars.grab().isNull()
    wheel(bars, x, -30)
    assert bars.values.is_whole


def test_few_values_are_always_all_in_view(bars: DistributionBars) -> None:
    fill(bars, 16)
    wheel(bars, 200, 5)
    bars.set_fitting(True)
    assert bars.values.is_whole


def test_keys_zoom_and_bring_the_candidate_into_view(qtbot: QtBot, bars: DistributionBars) -> None:
    fill(bars, 256, marked=40)
    bars.show()
    bars.setFocus()
    qtbot.waitUntil(bars.hasFocus)
    for _ in range(9):
        qtbot.keyClick(bars, Qt.Key.Key_Plus)
    assert bars.candidate == 40 and bars.values.span < 30
    qtbot.keyClick(bars, Qt.Key.Key_End)
    assert bars.candidate == 255 and 255 in bars.values.visible()
    qtbot.keyClick(bars, Qt.Key.Key_PageUp)
    assert 255 not in bars.values.visible()
    with qtbot.waitSignal(bars.chosen) as chosen:
        for digit in "128":
            qtbot.keyClick(bars, digit)
    assert chosen.args == [128] and 128 in bars.values.visible()


def test_the_view_follows_the_probability_without_jumping(bars: DistributionBars) -> None:
    bars.set_fitting(True)
    bars.set_distribution(bell(100), None, 100, shades(256))
    first = bars.values
    assert first.span < 60
    bars.set_distribution(bell(101), None, 101, shades(256))
    assert bars.values == first, "it still holds all of it"
    bars.set_distribution(bell(200), None, 200, shades(256))
    assert 200 in bars.values.visible() and 100 not in bars.values.visible()
    wheel(bars, 200, 1)
    assert not bars.fitting, "zooming stops following"
    bars.set_fitting(False)
    assert bars.values.is_whole


def test_a_value_can_be_attributed_without_choosing_it(qtbot: QtBot, bars: DistributionBars) -> None:
    fill(bars, 16)
    with qtbot.assertNotEmitted(bars.chosen), qtbot.waitSignal(bars.attribution_wanted) as wanted:
        point = bars.bar_rect(5).center().toPoint()
        qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, point)
    assert wanted.args == [5]
    with qtbot.assertNotEmitted(bars.chosen), qtbot.waitSignal(bars.attribution_wanted) as wanted:
        qtbot.keyClick(bars, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert wanted.args == [5]


@pytest.mark.parametrize("levels", [2, 16, 256])
def test_another_model_has_its_own_colour(bars: DistributionBars, levels: int) -> None:
    p = np.full(levels, 1 / levels)
    other_model = np.linspace(1, 3, levels) / np.linspace(1, 3, levels).sum()
    bars.set_distribution(p, None, None, shades(levels), other_model=other_model)
    shot = bars.grab().toImage()
    wanted = other_model_color().rgb()
    colours = {shot.pixel(x, y) for x in range(60, shot.width(), 3) for y in range(20, shot.height() - 40)}
    assert wanted in colours and theme().color("accent").rgb() in colours


def test_components_and_scale_change_the_picture(bars: DistributionBars) -> None:
    parts = np.stack([0.7 * bell(90), 0.298 * bell(140, 9), 0.002 * bell(10)])
    whole = parts.sum(axis=0)
    bars.set_distribution(whole, None, 90, shades(256))
    plain = bars.grab().toImage()
    bars.set_distribution(whole, None, 90, shades(256), components=parts)
    curves = bars.grab().toImage()
    assert curves != plain
    bars.set_log(True)
    assert bars.grab().toImage() != curves
    assert bars.chart().heights.floor == pytest.approx(1e-6)


def test_tails_heaped_on_the_ends_do_not_flatten_the_rest(bars: DistributionBars) -> None:
    p = 0.8 * bell(100, 30)
    p[0], p[-1] = 0.15, 0.05
    bars.set_distribution(p, None, 100, shades(256))
    assert bars.chart().heights.top <= 0.02
    bars.show_values(bars.values.zoomed(8, 200))
    assert bars.chart().heights.top <= 0.01, "the axis is that of the values in view"
    sharp = 0.1 * bell(100, 30)
    sharp[0] += 0.9
    bars.set_fitting(False)
    bars.set_distribution(sharp, None, 0, shades(256))
    assert bars.chart().heights.top == 1.0, "most of the probability is not cut off"
    assert not bars.grab().isNull()


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_the_labels_of_the_values_stand_below_their_bars_at_every_scale(bars: DistributionBars, scale: float) -> None:
    fill(bars, 16)
    shot = QPixmap(bars.size() * scale)
    shot.setDevicePixelRatio(scale)
    shot.fill(theme().color("window"))
    bars.render(shot)
    labels = value_labels(bars.chart(), bars.fontMetrics(), bars.fontMetrics().horizontalAdvance("15"))
    image, ground = shot.toImage(), theme().color("window")
    assert len(labels) > 4
    for box, value in labels:
        assert box.center().x() == pytest.approx(bars.bar_rect(value).center().x(), abs=3)
        part = image.copy(QRectF(box.topLeft() * scale, box.size() * scale).toRect())
        inked = any(part.pixelColor(x, y) != ground for x in range(part.width()) for y in range(part.height()))
        assert inked, f"{value} is written there"
    assert all(one.right() < next_.left() for (one, _), (next_, _) in pairwise(labels))


def test_the_sum_of_the_bars_and_the_ends_of_the_unit_interval_are_written(
    qtbot: QtBot, bars: DistributionBars
) -> None:
    fill(bars, 4)
    assert bars.sum_text() == "Σ p = 1"
    bars.probabilities = bars.probabilities / 2
    assert bars.sum_text() == "Σ p = 0.5"
    strip = CdfStrip()
    qtbot.addWidget(strip)
    strip.resize(300, strip.sizeHint().height())
    bar, image = strip.bar_rect(), strip.grab().toImage()
    ratio, ground = strip.devicePixelRatioF(), image.pixelColor(0, 0)
    for left, right in ((bar.left() - 14, bar.left() - 2), (bar.right() + 3, strip.width() - 1.0)):
        columns = range(int(left * ratio), int(right * ratio))
        assert any(image.pixelColor(x, y) != ground for x in columns for y in range(image.height()))


def test_components_are_listed_by_weight(bars: DistributionBars) -> None:
    components = np.zeros((3, 32))
    components[0, 4], components[1, 20], components[2, 9] = 0.3, 0.699, 0.001
    assert heaviest_components(components) == [1, 0], "the lightest is not drawn"
    bars.set_distribution(components.sum(axis=0), None, None, shades(32), components=components)
    plot = bars.plot_rect()
    corner = QRectF(plot.left() + 4, plot.top() + 2, 60, bars.fontMetrics().height()).toRect()
    with_legend = bars.grab(corner).toImage()
    bars.set_distribution(components.sum(axis=0), None, None, shades(32))
    assert bars.grab(corner).toImage() != with_legend, "the legend stands in the corner away from the median"
