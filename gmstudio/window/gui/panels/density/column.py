"""Left column of the Density panel: the models, the images that they score, and the anomalous ones."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.images_chooser import ImagesChooser
from gmstudio.window.gui.panels.density.models_list import ModelsList
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.state.density.state import DensityState

WIDTH = 272


class DensityColumn(QScrollArea):
    """Choices that all pages share; it scrolls where it has no room.

    Args:
        panel: names the controls.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: DensityState) -> None:
        super().__init__()
        self.models = ModelsList(panel, state)
        self.images = ImagesChooser(panel, state, "images")
        self.against = ImagesChooser(panel, state, "against")
        heading = QLabel("Models")
        heading.setProperty("role", "heading")
        heading.setBuddy(self.models.list)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, GRID, 0)
        column.setSpacing(GRID)
        column.addWidget(heading)
        column.addWidget(self.models, 1)
        column.addWidget(self.images)
        column.addWidget(self.against)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(scaled_px(self, WIDTH))
