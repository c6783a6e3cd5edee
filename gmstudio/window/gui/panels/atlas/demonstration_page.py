"""Page of a demonstration: its scenes, its progress, and the buttons that stop and replay it."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.scenes.scene_view import SceneView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.state.atlas.player import DemonstrationPlayer

STEPS = 1000
WIDE = 480
"""Width of the page from which its buttons have words."""
PREPARING, COMPARING = "Preparing …", "Comparing …"
DONE = "Computed just now on this machine"


class DemonstrationPage(QWidget):
    """Page of the demonstration of a player.

    Args:
        player: computes it.
        buttons: stop, replay and back, which belong to the panel.
    """

    def __init__(
        self, player: DemonstrationPlayer, buttons: dict[str, QToolButton], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._player = player
        self._shown = ""
        self.title, self.sentence = ElidedLabel(self), QLabel(self)
        self.title.setProperty("role", "title")
        self.sentence.setWordWrap(True)
        self.stage, self.progress = ElidedLabel(self), ProgressLine(self)
        self.stage.setProperty("role", "muted")
        self.progress.setRange(0, STEPS)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName("Progress of the demonstration")
        self.scene = SceneView(self)
        self.scene.setObjectName("atlas.scene")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        header = QHBoxLayout()
        header.addWidget(self.title, 1)
        self._buttons = [buttons[name] for name in ("stop", "replay", "back")]
        for button in self._buttons:
            header.addWidget(button)
        column.addLayout(header)
        column.addWidget(self.sentence)
        column.addWidget(self.stage)
        column.addWidget(self.progress)
        column.addWidget(self.scene, 1)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        player.changed.connect(self.show_demonstration)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the words of the buttons out where they would cut the title."""
        super().resizeEvent(event)
        style = Qt.ToolButtonStyle
        for button in self._buttons:
            wide = event.size().width() >= WIDE
            button.setToolButtonStyle(style.ToolButtonTextBesideIcon if wide else style.ToolButtonIconOnly)

    def show_demonstration(self) -> None:
        """Show the newest scene, the stage and the progress."""
        player = self._player
        if player.card is None:
            return
        self.title.set_words(player.card.title)
        self.sentence.setText(player.card.sentence)
        scene = player.scene
        if scene is None and self._shown != player.card.name:
            self.scene.show_scene(None)  # while the same one is replayed its last scene stays until the first new one
        elif scene is not None:
            self._shown = player.card.name
            self.scene.show_scene(scene)
        progress = scene.progress if scene is not None else 0.0
        self.progress.setValue(round(STEPS * progress))
        self.progress.setVisible(player.running)
        running = (scene.stage or COMPARING) if scene is not None else PREPARING
        self.stage.set_words(player.problem or (running if player.running else DONE))
