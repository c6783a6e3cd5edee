"""The panels on a screen of 960×540 points (1920×1080 pixels at scale 2)."""

from collections.abc import Iterator

import numpy as np
import pytest
from chains_scene import ChainsScene
from latent_engine import VAE, LatentEngine
from latent_fixture import control
from pixels_scene import make_panel, nade_engine
from plane_scene import FLOW, GAN, NADE, PlaneScene
from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from training_scene import Scene, grid, points

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.chains.panel import ChainsPanel
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.gui.panels.plane.panel import PlanePanel
from gmstudio.window.gui.panels.train.panel import TrainPanel
from gmstudio.window.gui.shell.page import PanelPage
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary

SMALL, LARGE = QSize(888, 441), QSize(1290, 690)
"""Room of a page in windows of 960×500 and 1366×768 points."""


@pytest.fixture
def pages(qtbot: QtBot) -> Iterator[list[PanelPage]]:
    pages: list[PanelPage] = []
    yield pages
    for page in pages:
        page.hide()


def put(qtbot: QtBot, pages: list[PanelPage], panel: Panel, size: QSize = SMALL) -> PanelPage:
    page = PanelPage(panel)
    qtbot.addWidget(page)
    pages.append(page)
    page.resize(size)
    page.show()
    settle()
    return page


def settle() -> None:
    for _ in range(5):
        QApplication.processEvents()


def bars(page: PanelPage) -> str:
    return f"{'v' * (page.verticalScrollBar().maximum() > 0)}{'h' * (page.horizontalScrollBar().maximum() > 0)}"


def is_inside(widget: QWidget, page: PanelPage) -> bool:
    """Test whether all of a widget is in view."""
    corner = widget.mapTo(page.viewport(), QPoint(0, 0))
    return widget.isVisible() and page.viewport().rect().contains(corner) and widget.width() > 0


def test_train_shows_the_new_run_or_the_run_shown(qtbot: QtBot, pages: list[PanelPage]) -> None:
    scene = Scene()
    panel = TrainPanel(scene.state, scene.library)
    page = put(qtbot, pages, panel)
    samples, start = control_of(panel, "samples"), control_of(panel, "start")
    assert bars(page) == "" and start.isVisible() and not samples.isVisible()
    scene.begin()
    scene.client.deliver(points("/runs/a", "loss", np.arange(50), np.arange(50.0)))
    scene.client.deliver(grid("/runs/a", 40))
    settle()
    assert bars(page) == "" and not start.isVisible() and samples.width() > 400
    assert all(is_inside(control_of(panel, name), page) for name in ("pause", "tabs", "curves", "samples"))
    panel.sections.open("new")
    settle()
    assert start.isVisible() and start.width() > 700 and not samples.isVisible()
    page.resize(LARGE)
    settle()
    assert bars(page) == "" and start.isVisible() and start.width() < 360 and samples.isVisible()


def test_pixels_gives_distribution_or_views_the_whole_side(qtbot: QtBot, pages: list[PanelPage]) -> None:
    panel = make_panel(qtbot, nade_engine(6))
    page = put(qtbot, pages, panel)
    speed, stop = panel.transport.speed, panel.transport.breakpoints
    assert bars(page) == "" and is_inside(panel.conditional.bars, page) and not panel.tabs.isVisible()
    assert is_inside(speed, page) and is_inside(stop, page)
    assert panel.canvas.image_rect().height() > 230
    panel.condition.trigger()
    settle()
    assert panel.tabs.open_page == "condition" and panel.tabs.height() > 300 and not panel.conditional.isVisible()
    panel.choose.trigger()
    assert panel.conditional.bars.isVisible()
    page.resize(LARGE)
    settle()
    assert bars(page) == "" and panel.tabs.isVisible() and panel.conditional.isVisible()
    assert panel.transport.isAncestorOf(speed) and panel.transport.isAncestorOf(stop)


def latents(qtbot: QtBot, pages: list[PanelPage]) -> tuple[LatentsPanel, PanelPage]:
    engine = LatentEngine()
    library = RunLibrary(engine)
    panel = LatentsPanel(LatentsState(engine, library), library)
    page = put(qtbot, pages, panel)
    engine.hello()
    engine.serve()
    assert panel.state.run == VAE
    panel.state.gallery.encode_image("valid", 0)
    engine.serve()
    settle()
    return panel, page


@pytest.mark.parametrize(("view", "most"), [("traversal", ""), ("data", ""), ("map", ""), ("directions", "v")])
def test_latents_has_images_and_sliders_side_by_side(
    qtbot: QtBot, pages: list[PanelPage], view: str, most: str
) -> None:
    panel, page = latents(qtbot, pages)
    panel.tabs.show_page(view)
    settle()
    assert bars(page) in ("", most)
    assert panel.sliders.bank.height() > 120 and is_inside(control(panel, "slider.0"), page)
    assert is_inside(panel.image, page)
    assert panel.sliders.mapTo(panel, QPoint(0, 0)).x() > panel.stage.width()
    if view == "traversal":
        assert panel.image.height() > 150


def test_chains_shows_settings_or_curves(qtbot: QtBot, pages: list[PanelPage]) -> None:
    scene = ChainsScene()
    panel = ChainsPanel(scene.state, scene.library)
    page = put(qtbot, pages, panel)
    scene.arrive()
    scene.answer(40, done=True)
    settle()
    assert bars(page) == "" and panel.setup.isVisible() and not panel.curves.isVisible()
    assert is_inside(control_of(panel, "play"), page) and panel.images.height() > 230
    panel.sections.open("curves")
    settle()
    assert bars(page) == "" and panel.curves.plot.height() > 100 and not panel.setup.isVisible()
    page.resize(LARGE)
    settle()
    assert panel.setup.isVisible() and panel.curves.isVisible() and not panel.sections.bar.isVisible()
    scene.state.pause()


def test_plane_shows_four_planes_or_their_numbers(qtbot: QtBot, pages: list[PanelPage]) -> None:
    scene = PlaneScene()
    panel = PlanePanel(scene.state, scene.library)
    page = put(qtbot, pages, panel)
    scene.state.set_active(True)
    scene.arrive()
    for run in (FLOW, NADE, GAN):
        scene.state.add_run(run)
    scene.serve()
    panel.stage.refresh()
    settle()
    assert bars(page) == "" and len(panel.stage.frames) == 5 and all(is_inside(f, page) for f in panel.stage.frames)
    scene.state.set_options(truth="none")
    panel.stage.refresh()
    settle()
    assert bars(page) == "" and all(is_inside(frame, page) for frame in panel.stage.frames)
    assert all(frame.canvas.area.width() > 100 and frame.canvas.area.height() > 90 for frame in panel.stage.frames)
    assert is_inside(control_of(panel, "play"), page) and not panel.side.isVisible()
    panel.sections.open("side")
    settle()
    assert panel.numbers.plot.height() > 60 and not panel.stage.isVisible() and bars(page) == ""
    page.resize(LARGE)
    settle()
    assert bars(page) == "" and panel.stage.isVisible() and panel.numbers.isVisible()
    assert all(min(frame.canvas.area.width(), frame.canvas.area.height()) > 150 for frame in panel.stage.frames)
    scene.state.set_active(False)


def control_of(panel: TrainPanel | PixelsPanel | ChainsPanel | PlanePanel, name: str) -> QWidget:
    found = panel.findChild(QWidget, f"{panel.name}.{name}")
    assert found is not None, name
    return found
