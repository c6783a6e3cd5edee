"""The Atlas panel on the screen."""

from atlas_scene import AtlasScene
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.atlas.node_button import NodeButton
from gmstudio.window.gui.panels.atlas.panel import AtlasPanel

SIZES = [(1290, 640), (880, 430)]
"""Sizes of the panel in a window of 1366×768, and of 960×540."""
LOW = (870, 400)
"""Size of the panel in a window of 960×510, which a title bar and a dock leave of a screen of 960×540."""


class Stage:
    """A shown panel on a scene.

    Attributes:
        scene: engine's side and state.
        panel: the panel.
    """

    def __init__(self, qtbot: QtBot, scene: AtlasScene) -> None:
        self.qtbot, self.scene = qtbot, scene
        self.panel = AtlasPanel(scene.state, scene.library)
        self.panel.resize(*SIZES[0])
        qtbot.addWidget(self.panel)
        self.panel.show()
        QApplication.processEvents()

    def node(self, name: str) -> NodeButton:
        button = self.panel.tree.button(name)
        assert button is not None, name
        return button

    def click(self, name: str) -> None:
        self.qtbot.mouseClick(self.node(name), Qt.MouseButton.LeftButton)

    def press(self, *keys: Qt.Key) -> None:
        for key in keys:
            self.qtbot.keyClick(self.panel.tree.focusWidget() or self.panel.tree, key)

    @property
    def focused(self) -> str:
        """Name of the node that has the focus."""
        tree = self.panel.tree
        return next(tree._nodes[path].name for path, button in tree._buttons.items() if button is tree.focusWidget())
