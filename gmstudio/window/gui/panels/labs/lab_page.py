"""Page of a laboratory: what it asks, its formula and settings, and its scene, the largest thing."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.labs.lab_settings import LabSettingsColumn
from gmstudio.window.gui.scenes.scene_view import SceneView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.formula import Formula
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.labs.state import LabsState

FORMULA = QSize(360, 56)
SCENE_MINIMUM = QSize(320, 220)
STEPS = 1000
STARTING, PREPARING, WORKING = "The engine is starting …", "Preparing …", "Computing …"


class LabPage(QWidget):
    """Page of the lab that is shown.

    Args:
        state: state of the panel.
        panel: names the controls.
        actions: of the panel.

    Attributes:
        words: title and question.
    """

    def __init__(self, state: LabsState, panel: Panel, actions: dict[str, QAction]) -> None:
        super().__init__(panel)
        self._state = state
        self.title, self.question, self.words = ElidedLabel(self), ElidedLabel(self), QVBoxLayout()
        self.title.setProperty("role", "title")
        self.question.setProperty("role", "muted")
        self.formula = Formula(17, self)
        self.settings = LabSettingsColumn(state, panel, actions)
        self.scene = SceneView(self)
        self.scene.setObjectName("labs.scene")
        self.scene.setAccessibleName("Scene of the laboratory")
        self.stage, self.note, self.progress = ElidedLabel(self), ElidedLabel(self), ProgressLine(self)
        self._buttons = [panel.button(actions[name]) for name in ("stop", "copy", "export")]
        self._lay_out()
        self.scene.input_edited.connect(state.edit)
        state.work.lab_changed.connect(self._show_lab)
        state.work.changed.connect(self._show_work)
        state.work.answered.connect(self.scene.confirm)
        self._show_work()

    def _lay_out(self) -> None:
        self.formula.setFixedSize(scaled_px(self, FORMULA.width()), scaled_px(self, FORMULA.height()))
        self.stage.setProperty("role", "muted")
        self.progress.setRange(0, STEPS)
        self.progress.setFixedSize(scaled_px(self, 120), 6)
        self.progress.setAccessibleName("Progress of the action")
        self.scene.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.scene.setMinimumSize(SCENE_MINIMUM)
        self.words.setSpacing(2)
        self.words.addWidget(self.title)
        self.words.addWidget(self.question)
        header = QHBoxLayout()
        header.setSpacing(2 * GRID)
        header.addLayout(self.words, 1)
        header.addWidget(self.formula, 0, Qt.AlignmentFlag.AlignVCenter)
        below = QHBoxLayout()
        below.setSpacing(GRID)
        below.addWidget(self.stage, 1)
        below.addWidget(self.progress, 0, Qt.AlignmentFlag.AlignVCenter)
        for button in self._buttons:
            below.addWidget(button)
        stage = QVBoxLayout()
        stage.setSpacing(GRID // 2)
        stage.addWidget(self.scene, 1)
        stage.addLayout(below)
        stage.addWidget(self.note)
        body = QHBoxLayout()
        body.setSpacing(GRID)
        body.addWidget(self.settings)
        body.addLayout(stage, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(header)
        column.addLayout(body, 1)

    def in_tab_order(self) -> list[QWidget]:
        """Widgets that take the focus: the settings, the scene, what is below it."""
        return [*self.settings.in_tab_order(), self.scene, *self._buttons]

    def set_presenting(self, presenting: bool) -> None:
        """Leave the settings out, or show them again."""
        self.settings.setVisible(not presenting)

    def _show_lab(self) -> None:
        entry = self._state.work.entry
        if entry is not None:
            self.title.set_words(entry.card.title)
            self.question.set_words(entry.card.question)
            self.formula.set_latex(entry.card.latex)
        self.scene.show_scene(None)

    def _show_work(self) -> None:
        """Show the newest scene, the stage and the note, each in its place."""
        work = self._state.work
        if work.scene is not None:
            self.scene.show_scene(work.scene)
        busy = bool(work.running) or work.opening
        stage = work.scene.stage if work.scene is not None else ""
        idle = STARTING if work.entry is None else ""
        self.stage.set_words(stage or ((PREPARING if work.opening else WORKING) if busy else idle))
        self.progress.setValue(round(STEPS * (work.scene.progress if work.scene is not None else 0.0)))
        self.progress.setVisible(busy)
        set_role(self.note, error=bool(work.problem))
        self.note.set_words(work.problem or work.note)
