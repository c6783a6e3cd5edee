"""Pages of the Runs panel by themselves, and the frame in which those of comparisons are tested."""

import pytest
from compare_scene import CompareScene
from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.runs.pages import PAGES
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.gui.shell.page import PanelPage

LARGE, SMALL = QSize(1290, 640), QSize(888, 441)


def only_pages(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Leave only some pages in the panels that are built from now on."""
    monkeypatch.setattr(
        "gmstudio.window.gui.panels.runs.panel.PAGES", tuple(page for page in PAGES if page.name in names)
    )


class CompareStage:
    """The panel on one of its pages that compare runs.

    Args:
        qtbot: owns the panel.
        name: of the page.
        runs: that are compared.
        size: of the frame.
    """

    def __init__(self, qtbot: QtBot, name: str, *runs: str, size: QSize = LARGE) -> None:
        self.scene = CompareScene(*runs)
        self.panel = RunsPanel(self.scene.state, self.scene.library)
        self.frame = PanelPage(self.panel)
        qtbot.addWidget(self.frame)
        self.frame.resize(size)
        self.frame.show()
        self.panel.tabs.show_page(name)
        self.settle()

    def settle(self) -> None:
        """Answer and show until all is there."""
        for _ in range(4):
            self.scene.serve()
            QGuiApplication.processEvents()

    def click(self, name: str) -> None:
        """Press a button."""
        button = self.panel.findChild(QToolButton, f"runs.{name}")
        assert isinstance(button, QToolButton) and button.isEnabled(), name
        button.click()
        self.settle()

    def visible_controls(self, content: QWidget, beginning: str) -> list[QWidget]:
        """Controls with a name that begins so; each lies wholly in the frame, which does not scroll."""
        assert self.frame.horizontalScrollBar().maximum() == 0 and self.frame.verticalScrollBar().maximum() == 0
        view = self.frame.viewport()
        found = [w for w in content.findChildren(QWidget) if w.isVisible() and w.objectName().startswith(beginning)]
        for control in found:
            assert view.rect().contains(control.mapTo(view, control.rect().bottomRight())), control.objectName()
        return found
