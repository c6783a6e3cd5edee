"""The stage of the Latents panel: images of one size at fixed places, in every view and at every size of the window."""

import pytest
from latent_engine import RBM, VAE, WIDE, LatentEngine
from latent_fixture import control, engine, open_view, panel
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QSplitter, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.latents.tabs import VIEWS
from gmstudio.window.gui.shell.page import PanelPage

__all__ = ["engine", "panel"]

SIZES = ((1278, 690), (1832, 980), (648, 380))
"""Room of a panel in windows of 1366×768 and 1920×1080 points, and of 1440×900 pixels at scale 2."""


def place(widget: QWidget, panel: LatentsPanel) -> QRect:
    return QRect(widget.mapTo(panel, QPoint(0, 0)), widget.size())


def settle(panel: LatentsPanel, engine: LatentEngine) -> None:
    engine.serve()
    for _ in range(3):
        QApplication.sendPostedEvents()
        QApplication.processEvents()


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def page(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine, request: pytest.FixtureRequest) -> PanelPage:
    page = PanelPage(panel)
    qtbot.addWidget(page)
    page.resize(*request.param)
    page.show()
    settle(panel, engine)
    return page


@pytest.mark.parametrize("run", [VAE, WIDE, RBM])
def test_bar_and_images_stay_where_they_are(
    page: PanelPage, panel: LatentsPanel, engine: LatentEngine, run: str
) -> None:
    panel.run.choose(run)
    settle(panel, engine)
    places: dict[str, set[tuple[int, ...]]] = {"bar": set(), "images": set(), "controls": set()}
    for view in VIEWS:
        open_view(panel, view.name)
        for act in (
            lambda: None,
            panel.state.gallery.forget,
            panel.state.gallery.encode,
            panel.state.sampling.randomize,
        ):
            act()
            settle(panel, engine)
            opened = panel.views[view.name]
            image, original = place(panel.image, panel), place(opened.instead or panel.original, panel)
            assert image.size() == original.size(), view.name
            if opened.instead is None and panel.original.image is not None:
                assert panel.image.image_rect().size() == panel.original.image_rect().size()
            elif opened.instead is not None:
                assert opened.instead.image_rect().size() == panel.image.image_rect().size()
            places["bar"].add(place(panel.bar, panel).getRect())
            if opened.beside is None:
                places["images"].add((*image.getRect(), *original.getRect()))
                places["controls"].add(place(panel.tabs, panel).getRect())
            assert not image.intersects(original)
    assert {name: len(found) for name, found in places.items()} == {"bar": 1, "images": 1, "controls": 1}


def test_nothing_scrolls_sideways(page: PanelPage, panel: LatentsPanel, engine: LatentEngine) -> None:
    for view in VIEWS:
        open_view(panel, view.name)
        settle(panel, engine)
        assert page.horizontalScrollBar().maximum() == 0, view.name
        assert panel.width() == page.viewport().width()
        if page.height() > 600:
            assert page.verticalScrollBar().maximum() == 0, view.name


def test_the_map_fills_the_height(page: PanelPage, panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "map")
    settle(panel, engine)
    canvas = panel.views["map"].beside
    assert canvas is not None
    above, below = place(panel.bar, panel).bottom(), place(panel.tabs, panel).top()
    shown = place(canvas, panel)
    assert shown.top() - above <= 16 and below - shown.bottom() <= 16
    assert shown.width() > 2 * panel.image.width() or shown.width() > 500
    rest = shown.width() - canvas.map_rect().width(), shown.height() - canvas.map_rect().height()
    assert min(rest) < 0.25 * max(shown.width(), shown.height())


def test_slots_are_as_large_as_images_of_the_strip(page: PanelPage, panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "directions")
    settle(panel, engine)
    view = panel.views["directions"]
    assert control(panel, "slot_a").width() >= view.strip.image_rect(0).width() > 0


def test_the_splitter_gives_room_either_way(qtbot: QtBot, page: PanelPage, panel: LatentsPanel) -> None:
    split = control(panel, "split_view")
    assert isinstance(split, QSplitter)
    if split.orientation() == Qt.Orientation.Vertical:
        assert panel.width() < 880
        return
    widths = [panel.sliders.width()]
    for change in (-150, 150):
        split.moveSplitter(split.handle(1).x() + change, 1)
        qtbot.waitUntil(lambda: panel.sliders.width() != widths[-1])
        widths.append(panel.sliders.width())
    page.resize(page.width() + 100, page.height())
    QApplication.processEvents()
    assert panel.sliders.width() == widths[-1]  # the user's width stays
