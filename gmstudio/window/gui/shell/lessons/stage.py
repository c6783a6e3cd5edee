"""Carrying out of the steps of a lesson: panels, settings, outlines, actions."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QMainWindow

from gmstudio.window.gui.places import Place, RunState, SetsUpRuns
from gmstudio.window.gui.shell.lessons.card import LessonCard
from gmstudio.window.gui.shell.lessons.controls import find_control, press_control, reveal_control, set_control
from gmstudio.window.gui.shell.lessons.outline import ControlOutlines
from gmstudio.window.state.lessons.lesson_text import Setting, Step
from gmstudio.window.state.lessons.state import LessonsState
from gmstudio.window.state.studio import Studio

LOOK_MS = 100
"""Time between two looks for controls that are not there yet."""
PATIENCE = 50
"""Looks after which a sentence says that a control is not there; it is still looked for."""


@runtime_checkable
class OpensLabs(Protocol):
    """State of a panel of laboratories."""

    def select(self, name: str) -> None:
        """Show a laboratory."""


class LessonStage(QObject):
    """Shows the step that is open.

    A step opens its panel, its laboratory or ready model, and gives controls their values when it is entered; its
    actions are carried out only when the reader presses *Show me*. Controls that are built later are waited for.

    Args:
        window: main window.
        state: which lesson and step is open.
        places: entries of the panels, by name.
        studio: has their states.
        show_panel: shows a panel.
    """

    def __init__(
        self,
        window: QMainWindow,
        state: LessonsState,
        places: Mapping[str, Place],
        studio: Studio,
        show_panel: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._window, self._places, self._studio, self._show_panel = window, places, studio, show_panel
        self._state = state
        self.card = LessonCard()
        self.outlines = ControlOutlines(window)
        self._due: list[Callable[[], bool]] = []
        self._step: Step | None = None
        self._looks = 0
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._keys = [self._key("Alt+PgDown", 1), self._key("Alt+PgUp", -1)]
        self.card.moved.connect(state.go)
        self.card.closed.connect(state.close)
        self.card.show_wanted.connect(self._show_me)
        state.changed.connect(self.show_step)

    def show_step(self) -> None:
        """Enter the step that is open, or clear the stage where none is."""
        lesson, self._step = self._state.lesson, self._state.step
        for shortcut in self._keys:
            shortcut.setEnabled(lesson is not None)
        self.card.setVisible(lesson is not None)
        self._due, self._looks = [], 0
        self._timer.stop()
        self.outlines.set_controls([])
        if lesson is not None and self._step is not None:
            self.card.set_step(lesson, self._state.number)
            self._enter(self._step)

    def _key(self, key: str, steps: int) -> QShortcut:
        shortcut = QShortcut(QKeySequence(key), self._window)
        shortcut.activated.connect(partial(self._state.go, steps))
        shortcut.setEnabled(False)
        return shortcut

    def _enter(self, step: Step) -> None:
        if step.panel not in self._places:
            self.card.set_note(f"This program has no panel named {step.panel}.")
            return
        self._show_panel(step.panel)
        state = self._places[step.panel].state_in(self._studio)
        if step.lab and isinstance(state, OpensLabs):
            state.select(step.lab)
        if step.family and isinstance(state, SetsUpRuns):
            state.set_up(step.family)
        elif step.family and isinstance(state, RunState):
            self._due.append(partial(self._choose_example, state, step.family))
        self._due += [partial(self._set, setting) for setting in step.settings]
        self._due.append(partial(self._outline, step.highlights))
        self._look()
        if self._due:
            self._timer.start()

    def _look(self) -> None:
        """Do what can be done by now, in its order."""
        while self._due and self._due[0]():
            self._due.pop(0)
        self._looks += 1
        if not self._due:
            self._timer.stop()
            self.card.set_note("")
        elif self._looks == PATIENCE:
            self.card.set_note("What this step names is not there yet; it is waited for.")

    def _choose_example(self, state: RunState, family: str) -> bool:
        run = self._studio.library.example(family)
        if run and state.run != run:
            state.choose_run(run)
        return bool(run)

    def _set(self, setting: Setting) -> bool:
        control = find_control(self._window, setting.control)
        if control is None or not control.isEnabled():
            return False
        set_control(control, setting.value)
        return True

    def _outline(self, names: tuple[str, ...]) -> bool:
        """Outline the controls that are there, and bring them into view; return whether all are."""
        found = [control for name in names if (control := find_control(self._window, name)) is not None]
        for control in found:
            reveal_control(control)
        self.outlines.set_controls(found)
        return len(found) == len(names)

    def _show_me(self) -> None:
        """Press the buttons of the step, one after the other; a sentence says which of them could not be pressed."""
        for name in self._step.shows if self._step is not None else ():
            control = find_control(self._window, name)
            problem = press_control(control) if control is not None else "The button of this step is not there yet."
            self.card.set_note(problem)
            if problem:
                return
