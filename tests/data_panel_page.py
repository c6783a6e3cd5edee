"""The Data panel on a scripted client, with its controls by name, and pictures that are previewed."""

from typing import TypeVar

import msgspec
import numpy as np
from data_scene import INFO, OLDER, SPEC, Scene, preview
from PySide6.QtWidgets import QToolButton, QTreeView, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.data_import import (
    ImportGuess,
    PreviewedImage,
)
from gmstudio.window.gui.panels.data.panel import DataPanel

WidgetT = TypeVar("WidgetT", bound=QWidget)


class Shown(Scene):
    """The panel on the screen, with two imported sets."""

    def __init__(self, qtbot: QtBot) -> None:
        super().__init__()
        self.panel = DataPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1150, 660)
        self.panel.show()
        qtbot.waitExposed(self.panel)
        self.start()
        self.list(INFO, OLDER)

    def find(self, kind: type[WidgetT], name: str) -> WidgetT:
        widget = self.panel.findChild(kind, f"data.{name}")
        assert widget is not None, name
        return widget

    def click(self, name: str) -> None:
        button = self.find(QToolButton, name)
        assert button.isEnabled(), name
        button.click()

    def row(self, title: str) -> None:
        """Choose a row of the list by its title."""
        tree = self.find(QTreeView, "sets")
        model = tree.model()
        row = next(n for n in range(model.rowCount()) if model.index(n, 0).data() == title)
        tree.setCurrentIndex(model.index(row, 0))

    def titles(self) -> list[str]:
        model = self.find(QTreeView, "sets").model()
        return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def pictures(**changes: object) -> object:
    grey = PreviewedImage(name="a.png", label=0, rows=8, columns=6, raw=Array.of(np.full((8, 6, 1), 200, np.uint8)))
    clear = PreviewedImage(name="b.png", label=1, rows=8, columns=6, raw=Array.of(np.zeros((8, 6, 4), np.uint8)))
    bad = PreviewedImage(name="c.png", label=1, problem="It is cut off.")
    event = preview(
        shown=(grey, clear, bad),
        images=Array.of(np.ones((3, *SPEC.shape), np.uint8)),
        labels={0: 10, 1: 20},
        label_names=("owl", "wren"),
        guesses=(ImportGuess(setting="label_column", text="2 folders were taken for classes."),),
    )
    return msgspec.structs.replace(event, **changes)
