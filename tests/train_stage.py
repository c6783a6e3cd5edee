"""The Train panel on a scene, with the pages of its tabs built."""

from collections.abc import Iterator
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget
from pytestqt.qtbot import QtBot
from training_scene import Scene

from gmstudio.protocol.training import (
    TrainingChanged,
)
from gmstudio.window.gui.panels.train.curves import TrainCurves
from gmstudio.window.gui.panels.train.panel import TrainPanel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs

WidgetT = TypeVar("WidgetT", bound=QWidget)


class Stage(Scene):
    """A scene with the panel on it."""

    def __init__(self, qtbot: QtBot, *, with_catalog: bool = True) -> None:
        super().__init__(with_catalog=with_catalog)
        self.qtbot = qtbot
        self.panel = TrainPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1200, 740)
        self.find("train.tabs", LazyTabs).build_all()
        self.panel.show()
        qtbot.waitExposed(self.panel)

    def find(self, name: str, kind: type[WidgetT] = QWidget) -> WidgetT:  # type: ignore[assignment]
        found = self.panel.findChild(kind, name)
        assert found is not None, name
        return found

    def press(self, name: str) -> None:
        self.qtbot.mouseClick(self.find(f"train.{name}"), Qt.MouseButton.LeftButton)

    def enabled(self) -> set[str]:
        names = ("start", "pause", "stop", "step", "keep")
        return {name for name in names if self.find(f"train.{name}").isEnabled()}

    def toggle(self) -> str:
        """Text of the button that pauses and resumes."""
        return self.find("train.pause", QToolButton).text()

    def change(self, status: str, step: int = 10, message: str = "") -> None:
        self.client.deliver(TrainingChanged(run="/runs/a", status=status, step=step, message=message))

    def curves(self) -> TrainCurves:
        return self.find("train.curves", TrainCurves)


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    stage = Stage(qtbot)
    yield stage
    stage.close()


@pytest.fixture
def early_stage(qtbot: QtBot) -> Iterator[Stage]:
    """The panel before the engine has started; the fixture keeps it until its timers have ended."""
    stage = Stage(qtbot, with_catalog=False)
    yield stage
    stage.close()
