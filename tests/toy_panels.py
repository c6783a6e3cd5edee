"""Two panels with next to nothing on them, for tests of the window around them."""

from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import Place
from gmstudio.window.state.studio import Studio


class FirstPanel(Panel):
    name = "first"
    title = "First"
    icon = "train"

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.studio = studio
        self.played: list[str] = []
        self.play = self.add_action(
            "play", "Play", "Space", lambda: self.played.append("play"), icon="play", tip="Generate on"
        )
        self.follow = self.add_action("follow", "Follow", "Ctrl+L", self.played.append, checkable=True)
        self.line = QLineEdit()
        self.name_widget(self.line, "line", "A line", "Type here")
        layout = QVBoxLayout(self)
        layout.addWidget(self.button(self.play))
        layout.addWidget(self.button(self.follow))
        layout.addWidget(self.line)
        layout.addStretch()


class SecondPanel(Panel):
    name = "second"
    title = "Second"
    icon = "pixels"

    def __init__(self, studio: Studio) -> None:
        super().__init__()
        self.add_action("back", "Back", "Left", self.played, icon="back")
        QVBoxLayout(self).addWidget(QLabel("Second"))

    def played(self) -> None:
        raise RuntimeError("a slot went wrong")


PLACES = (
    Place("first", "First", "train", "Do the first thing", FirstPanel),
    Place("second", "Second", "pixels", "Do the second thing", SecondPanel),
)
