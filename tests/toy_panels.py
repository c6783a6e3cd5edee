"""Two panels with next to nothing on them, for tests of the window around them."""

from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout

from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import Place, any_run, trained_run
from gmstudio.window.state.runs.library import RunLibrary


class ToyState(QObject):
    """Shows one run at a time.

    Signals:
        run_changed: another run is shown.
    """

    run_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject) -> None:
        super().__init__(parent)
        self.run = ""

    def choose_run(self, run: str) -> None:
        self.run = run
        self.run_changed.emit()


class FirstState(ToyState):
    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject) -> None:
        super().__init__(events, library, parent)
        self.choice = "nothing"

    def choices(self) -> dict[str, Any]:
        return {"choice": self.choice}

    def restore_choices(self, values: dict[str, Any]) -> None:
        self.choice = values["choice"]


class SecondState(ToyState):
    pass


class FirstPanel(Panel):
    name = "first"

    def __init__(self, state: FirstState, library: RunLibrary) -> None:
        super().__init__()
        self.state = state
        self.played: list[str] = []
        self.play = self.add_action(
            "play", "Play", "Space", lambda: self.played.append("play"), icon="play", tip="Generate on"
        )
        self.follow = self.add_action("follow", "Follow", "Ctrl+L", self.played.append, checkable=True)
        self.line = QLineEdit()
        self.name_widget(self.line, "line", "A line", "Type here")
        self.remember(self.follow)
        layout = QVBoxLayout(self)
        layout.addWidget(self.button(self.play))
        layout.addWidget(self.button(self.follow))
        layout.addWidget(self.line)
        layout.addStretch()


class SecondPanel(Panel):
    name = "second"

    def __init__(self, state: SecondState, library: RunLibrary) -> None:
        super().__init__()
        self.state = state
        self.add_action("back", "Back", "Left", self.played, icon="back")
        QVBoxLayout(self).addWidget(QLabel("Second"))

    def played(self) -> None:
        raise RuntimeError("a slot went wrong")


PLACES = (
    Place(
        "first",
        "First",
        "train",
        "Do the first thing",
        panel="toy_panels:FirstPanel",
        state="toy_panels:FirstState",
        shows=trained_run("pixel_session"),
    ),
    Place(
        "second",
        "Second",
        "pixels",
        "Do the second thing",
        panel="toy_panels:SecondPanel",
        state="toy_panels:SecondState",
        shows=any_run,
    ),
)
