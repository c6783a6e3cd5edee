"""Guide to the lessons: their menu, and the stage, which is built when one is first opened."""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QMenu, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import Place
from gmstudio.window.state.lessons.state import TITLES, LessonsState
from gmstudio.window.state.studio import Studio

STAGE_MODULE = "gmstudio.window.gui.shell.lessons.stage"
"""Loaded while the window is idle, or when a lesson is first opened: the start does not wait for it."""


class LessonGuide(QObject):
    """Lessons of a window.

    Args:
        window: main window.
        places: entries of the panels, by name.
        studio: has their states.
        show_panel: shows a panel.

    Attributes:
        state: which lesson is open.
        holder: widget that takes the card, to be laid out below the panels; it takes no room while no lesson is open.
    """

    def __init__(
        self, window: QMainWindow, places: Mapping[str, Place], studio: Studio, show_panel: Callable[[str], None]
    ) -> None:
        super().__init__(window)
        self.state = LessonsState(self)
        self.holder = QWidget()
        QVBoxLayout(self.holder).setContentsMargins(0, 0, 0, 0)
        self.holder.hide()
        self._stage_parts = (window, self.state, places, studio, show_panel)
        self.stage: QObject | None = None
        self.state.changed.connect(self._on_changed)

    def fill_menu(self, menu: QMenu) -> None:
        """Add an entry for each lesson to a menu."""
        for name, title in TITLES.items():
            action = menu.addAction(title)
            action.setObjectName(f"window.lesson.{name}")
            action.setToolTip(f"Guided tour: {title}")
            action.triggered.connect(partial(self._open, name))

    def add_panel(self, panel: Panel) -> None:
        """Answer a panel's requests for lessons."""
        panel.lesson_wanted.connect(self.state.open)

    def _open(self, name: str, _checked: bool = False) -> None:
        self.state.open(name)

    def _on_changed(self) -> None:
        self.holder.setVisible(bool(self.state.name))
        if self.stage is None:
            stage = import_module(STAGE_MODULE).LessonStage(*self._stage_parts)
            self.stage = stage
            layout = self.holder.layout()
            assert layout is not None
            layout.addWidget(stage.card)
            stage.show_step()
