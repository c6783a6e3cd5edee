"""The image of the Pixels panel keeps its size and place, whatever tool opens, message appears or run ends."""

from collections.abc import Callable

import pytest
from pixel_engine import PixelEngine
from PySide6.QtCore import QRectF, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.pixels.panel import PixelsPanel

SIDE = 6


def edit(panel: PixelsPanel) -> None:
    panel.tool_line.edit.trigger()
    panel.session.edit(0, 0)


def condition(panel: PixelsPanel) -> None:
    panel.session.browse()
    panel.condition.trigger()


def refuse(panel: PixelsPanel) -> None:
    panel.session.problem = "A sentence about something that went wrong, long enough to need more than one line. " * 3
    panel.session.changed.emit()


ACTIONS: dict[str, Callable[[PixelsPanel], None]] = {
    "edit": edit,
    "leave": lambda panel: panel.tool_line.leave(),
    "paint an order": lambda panel: panel.session.tools.set_tool("order"),
    "heat map": lambda panel: panel.heat.trigger(),
    "saliency": lambda panel: panel.attribution.show_saliency.trigger(),
    "large saliency": lambda panel: panel.attribution.large.trigger(),
    "receptive field": lambda panel: panel.attribution.show_receptive_field(),
    "compare": lambda panel: panel.comparison.compare.trigger(),
    "large ratio": lambda panel: panel.comparison.large.trigger(),
    "guess all": lambda panel: panel.guess.guess.trigger(),
    "last round": lambda panel: panel.session.guessing.seek_round(100),
    "condition": condition,
    "observe": lambda panel: panel.session.condition_on(0),
    "inpainting": lambda panel: panel.session.conditioning.choose_preset("inpainting"),
    "paint a mask": lambda panel: panel.session.tools.set_tool("mask"),
    "finish": lambda panel: panel.transport.finish.trigger(),
    "fail": refuse,
}


@pytest.mark.parametrize("size", [(1200, 700), (880, 560)], ids=["wide", "narrow"])
def test_the_image_and_the_bars_stay_where_they_are(
    qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine, size: tuple[int, int]
) -> None:
    panel.resize(*size)
    panel.session.navigator.draw_to(8)
    engine.serve()

    def places() -> dict[str, QRectF]:
        QApplication.processEvents()
        canvas, bars = panel.canvas, panel.conditional.bars
        image = canvas.image_rect()
        image.moveTopLeft(canvas.mapTo(panel, image.topLeft()))
        return {
            "image": image,
            "bars": QRectF(bars.mapTo(panel, bars.rect().topLeft().toPointF()), bars.size().toSizeF()),
            "transport": QRectF(panel.transport.geometry()),
            "tabs": QRectF(panel.tabs.geometry()),
        }

    before = places()
    for name, act in ACTIONS.items():
        act(panel)
        engine.serve()
        assert places() == before, f"after: {name}"


def test_an_error_lies_over_the_image_with_its_remedy(panel: PixelsPanel, engine: PixelEngine) -> None:
    refuse(panel)
    QApplication.processEvents()
    assert panel._problem.isVisible() and panel._problem.parent() is panel.canvas
    assert panel._reopen_button.isVisible() and panel._problem.height() < panel.canvas.height() / 2
    panel.session.problem = ""
    panel.session.changed.emit()
    assert not panel._problem.isVisible()


def test_the_original_and_the_completion_keep_their_size_at_the_end(panel: PixelsPanel, engine: PixelEngine) -> None:
    condition(panel)
    engine.serve()
    panel.session.condition_on(0)
    engine.serve()
    QApplication.processEvents()
    before = panel.conditioning.images.geometry()
    panel.transport.finish.trigger()
    engine.serve()
    QApplication.processEvents()
    assert panel.session.state is not None and panel.session.state.finished
    assert panel.conditioning._outcome.text() and panel.conditioning.images.geometry() == before


def test_the_original_stands_beside_the_completion_at_the_same_size(panel: PixelsPanel, engine: PixelEngine) -> None:
    condition(panel)
    engine.serve()
    panel.session.condition_on(0)
    panel.transport.finish.trigger()
    engine.serve()
    QApplication.processEvents()
    view, state = panel.conditioning, panel.session.state
    assert state is not None and view.original.picture is not None and view.completion.picture is not None
    assert (view.original.picture.image == engine.data[0]).all() and view.original.picture.placed.all()
    assert (view.completion.picture.image == state.image).all()
    assert view.original.image_rect().size() == view.completion.image_rect().size() and view.original.isVisible()


@pytest.mark.parametrize("typed", ["5", "-1"])
def test_a_temperature_out_of_range_is_refused_in_words_and_not_turned_into_another(
    qtbot: QtBot, panel: PixelsPanel, typed: str
) -> None:
    field = panel.conditional.temperature.field
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, typed)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "enter a number from 0 to 2" in field.problem
    assert panel.session.navigator.temperature == 1.0


def test_a_presentation_has_a_larger_image(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.resize(1280, 720)
    panel.session.navigator.draw_to(3)
    engine.serve()
    QApplication.processEvents()
    before = panel.canvas.image_rect()
    panel.set_presenting(True)
    QApplication.processEvents()
    assert panel.canvas.image_rect().height() > 1.1 * before.height()
    assert panel.conditional.bars.isVisible() and not panel.tabs.isVisible() and not panel.header.isVisible()
    panel.set_presenting(False)
    QApplication.processEvents()
    assert panel.canvas.image_rect() == before and panel.tabs.isVisible()
