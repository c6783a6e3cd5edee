"""A page of the Features panel on a scripted engine, with its controls by name."""

from typing import Generic, TypeVar

from features_scene import VAE, FeaturesScene
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.features.panel import FeaturesPanel

W = TypeVar("W", bound=QWidget)
PageT = TypeVar("PageT", bound=QWidget)


class ShownPage(Generic[PageT]):
    def __init__(self, qtbot: QtBot, name: str, kind: type[PageT]) -> None:
        self.scene = FeaturesScene()
        self.panel = FeaturesPanel(self.scene.state, self.scene.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1270, 640)
        self.panel.show()
        self.scene.start()
        self.panel.tabs.show_page(name)
        page = self.panel.tabs.page(name)
        assert isinstance(page, kind)
        self.page: PageT = page
        qtbot.waitUntil(lambda: self.scene.state.run == VAE)
        self.scene.serve()

    def find(self, kind: type[W], name: str) -> W:
        found = self.panel.findChild(kind, f"features.{name}")
        assert isinstance(found, kind), name
        return found

    def choose(self, name: str, value: str) -> None:
        box = self.find(QComboBox, name)
        box.activated.emit(box.findData(value))
