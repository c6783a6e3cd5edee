"""Context menus that save and copy the pictures and plots of every panel."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chains_scene import RBM, ChainsScene
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent, QCursor, QGuiApplication
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.media import read_provenance
from gmstudio.window.gui.panels.chains.panel import ChainsPanel
from gmstudio.window.gui.shell import save_menus
from gmstudio.window.gui.shell.save_menus import SaveMenus


class Stage(ChainsScene):
    """The Chains panel with a trajectory, its menus, and the paths that a user chooses."""

    def __init__(self, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.panel = ChainsPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.menus = SaveMenus(self.library, self.panel)
        self.menus.add_panel(self.panel, self.state)
        self.opened: list[QMenu] = []
        monkeypatch.setattr(QMenu, "popup", lambda menu, _place: self.opened.append(menu))
        monkeypatch.setattr(save_menus, "ask_path", self._answer)
        self.panel.resize(1200, 740)
        self.panel.show()
        self.arrive()
        self.state.choose_run(RBM)
        self.answer(10, done=True)
        self.state.step(4)

    def _answer(self, _parent: QWidget, _title: str, name: str, suffix: str, then: Callable[[str], Any]) -> None:
        then(str(self.folder / f"{name}.{suffix}"))

    def open(self, widget: QWidget, place: QPoint, *, by_key: bool = False) -> list[str]:
        """Ask for the context menu at a place of a widget, as Qt does."""
        reason = QContextMenuEvent.Reason.Keyboard if by_key else QContextMenuEvent.Reason.Mouse
        self.opened.clear()
        QCursor.setPos(widget.mapToGlobal(place))
        QApplication.sendEvent(widget, QContextMenuEvent(reason, place, widget.mapToGlobal(place)))
        return [action.text() for menu in self.opened for action in menu.actions() if not action.isSeparator()]

    def choose(self, title: str) -> None:
        next(action for action in self.opened[-1].actions() if action.text() == title).trigger()


@pytest.fixture
def stage(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(qtbot, monkeypatch, tmp_path)
    yield stage
    stage.state.pause()


def test_an_image_is_saved_with_its_run_and_the_panels_details(stage: Stage, qtbot: QtBot) -> None:
    images = stage.panel.images
    titles = stage.open(images, images.image_rect(1).center().toPoint())
    assert titles == ["Save this image as PNG…", "Copy this image", "Save all images as PNG…", "Copy all images"]
    with qtbot.waitSignal(stage.menus.written) as written:
        stage.choose("Save all images as PNG…")
    path = stage.folder / "images.png"
    assert written.args == [f"Written: {path}"]
    origin = read_provenance(path)
    assert (origin.family, origin.run, origin.step, origin.shows) == ("rbm", RBM, 10, "States")
    assert origin.details["Trajectory"] == "200 steps · seed 0"
    assert origin.details["Frame"] == "Gibbs step 4"
    assert (origin.panel, origin.seed) == ("chains", 0)


def test_a_plot_has_its_menu_inside_the_plotting_librarys_view(stage: Stage, qtbot: QtBot) -> None:
    plot = stage.panel.curves.plot
    qtbot.waitUntil(lambda: plot.isVisible() and plot.view_range()[0][1] > 8)
    titles = stage.open(plot._view.viewport(), plot._view.viewport().rect().center())
    assert titles[:3] == ["Save curves as PNG…", "Save curves as SVG…", "Save values as CSV…"]
    stage.choose("Copy values as CSV")
    assert QGuiApplication.clipboard().text().startswith("run,curve,split,Gibbs step,value")


def test_by_the_keyboard_the_menu_is_that_of_the_focus(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QApplication, "focusWidget", lambda: stage.panel.images)
    titles = stage.open(stage.panel, QPoint(2, 2), by_key=True)
    assert "Save all images as PNG…" in titles


def test_beside_pictures_there_is_no_menu(stage: Stage) -> None:
    assert stage.open(stage.panel.frame, QPoint(2, 2)) == [] and stage.opened == []


def test_a_file_that_cannot_be_written_is_reported(stage: Stage, qtbot: QtBot) -> None:
    stage.folder = stage.folder / "nowhere"
    stage.open(stage.panel.images, stage.panel.images.image_rect(0).center().toPoint())
    with qtbot.waitSignal(stage.menus.failed) as failed:
        stage.choose("Save this image as PNG…")
    assert failed.args is not None and "nowhere" in failed.args[0]


def test_the_export_of_a_trajectory_offers_its_curve(stage: Stage, qtbot: QtBot) -> None:
    qtbot.waitUntil(stage.panel.curves.plot.isVisible)
    stage.panel.save.trigger()
    titles = [action.text() for action in stage.opened[-1].actions()]
    assert titles[0] == "Film as GIF…" and "Save curves as SVG…" in titles


def test_the_right_button_erases_on_a_canvas_and_opens_no_menu(stage: Stage) -> None:
    stage.state.set_start("image")
    canvas = stage.panel.setup.canvas
    assert canvas.isVisible() and stage.open(canvas, canvas.rect().center()) == []
