"""The panel."""

from PySide6.QtWidgets import QLabel, QVBoxLayout
from toy_feature.state import ToyState

from gmstudio.window.gui.panel import Panel
from gmstudio.window.state.runs.library import RunLibrary


class ToyPanel(Panel):
    """Shows a number of the newest run's parameters."""

    name, title, icon = "toy", "Toy", "info"

    def __init__(self, state: ToyState, _library: RunLibrary) -> None:
        super().__init__()
        self.count = self.add_action("count", "Count", "C", state.count, tip="Count the positive parameters")
        self.words = QLabel()
        self.name_widget(self.words, "words", "Count", "Positive parameters of the newest run")
        column = QVBoxLayout(self)
        column.addWidget(self.button(self.count))
        column.addWidget(self.words)
        state.changed.connect(lambda: self.words.setText(state.text))
