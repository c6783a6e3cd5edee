"""Foundations panel: contents at the left, the page of a laboratory or of an exercise at the right."""

from itertools import pairwise
from typing import ClassVar

from PySide6.QtGui import QAction, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.labs.contents import Contents, Item, Section
from gmstudio.window.gui.panels.labs.exercise_page import ExercisePage, origin_of
from gmstudio.window.gui.panels.labs.export import NumbersExport
from gmstudio.window.gui.panels.labs.lab_page import LabPage
from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.labs.state import LabsState
from gmstudio.window.state.lessons.state import TITLES
from gmstudio.window.state.runs.library import RunLibrary

NARROW = 1440
"""Width of the panel below which its contents are a combo box in the place of the title: the scene is to be the
largest thing."""
KEYED_ACTIONS = 9
"""Actions of a lab that have a digit as their key."""
LESSON = "lesson:"
"""Begins the keys of lessons in the contents."""
LESSON_DETAIL = "Lesson: {}. A guided tour, whose steps open, set and outline what they speak of."
STARTING = "The engine is starting."
NEEDS = {
    "stop": "No action is under way.",
    "other": STARTING,
    "reset": STARTING,
    "export": "There are no numbers yet.",
    "copy": "There is no picture yet.",
    "setup": "No run of an exercise is selected.",
    "do": "No exercise with runs is shown, or one is being done.",
    "end": "No exercise is being done.",
    "folder": "Nothing was written yet.",
}
"""Reasons for actions that are disabled."""
DO = "Train and write deliverables…"
PREPARING, UNDER_WAY = "The lab is being prepared.", "An action is under way; stop it first."


class _Pages(QStackedWidget):
    """Pages of one size: a page whose texts wrap makes the panel no higher."""

    def hasHeightForWidth(self) -> bool:
        """The height does not follow from the width."""
        return False


class LabsPanel(Panel):
    """Laboratories on the ideas beneath the models, and exercises of public courses.

    Args:
        state: state of the panel.
        library: library of runs.
    """

    name: ClassVar[str] = "labs"

    def __init__(self, state: LabsState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.contents = Contents(self)
        self._acts: list[tuple[QAction, QToolButton]] = []
        self._left: QToolButton | None = None
        self._actions = self._make_actions()
        self.page = LabPage(state, self, self._actions)
        self.exercise = ExercisePage(state, self, self._actions)
        self._pages = _Pages(self)
        for page in (self.page, self.exercise):
            self._pages.addWidget(page)
        self._export = NumbersExport(self, state)
        self._lay_out()
        self.record_edits(state.edits)
        self.contents.chosen.connect(self._choose)
        state.labs_changed.connect(self._show_contents)
        state.selected.connect(self._show_selected)
        state.work.lab_changed.connect(self._show_lab_actions)
        state.work.changed.connect(self._show_actions)
        state.doing.changed.connect(self._show_exercise_actions)
        self.exercise.runs.currentItemChanged.connect(self._show_exercise_actions)
        library.changed.connect(self.page.settings.fill_runs)
        self._show_contents()
        self._show_selected()
        self._show_lab_actions()

    def set_active(self, active: bool) -> None:
        """Open the lab once the panel is on the screen."""
        self._state.set_active(active)

    def set_presenting(self, presenting: bool) -> None:
        """Show the scene alone, large."""
        self._presenting = presenting
        self.page.set_presenting(presenting)
        self._fold()

    # ---- layout --------------------------------------------------------------------------------------------------

    def _make_actions(self) -> dict[str, QAction]:
        rows = (
            ("stop", "Stop", "Ctrl+.", self._state.work.stop, "stop", "End the action; what it has computed is kept"),
            ("other", "Other random numbers", "N", self._other, "dice", "Restart the lab with the next seed"),
            ("reset", "Reset", "Ctrl+Backspace", self._state.reset, "reset", "Restart the lab with all defaults"),
            ("copy", "Copy picture", "Ctrl+Shift+C", self._copy, "copy", "Copy the whole scene as a picture"),
            ("export", "Export numbers…", "Ctrl+E", self._ask_export, "save", "Write all numbers of the scene as CSV"),
            (
                "setup",
                "Set up in Train",
                "T",
                self._set_up,
                "train",
                "Fill Train with the selected run's settings",
            ),
            ("do", DO, "Ctrl+Return", self._do, "play", "Train all runs, and write what is asked for into a folder"),
            ("end", "Stop the exercise", "", self._state.doing.stop, "stop", "End the training with a checkpoint"),
            ("folder", "Open folder", "", self._open_folder, "folder", "Show the written files in the file manager"),
        )
        return {
            name: self.add_action(name, text, key, slot, icon=icon, tip=tip, needs=NEEDS[name])
            for name, text, key, slot, icon, tip in rows
        }

    def _lay_out(self) -> None:
        self._presenting = False
        right = QVBoxLayout()
        right.setSpacing(GRID)
        right.addWidget(self._pages, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, GRID, 2 * GRID, GRID)
        row.setSpacing(2 * GRID)
        row.addWidget(self.contents)
        row.addLayout(right, 1)
        self._fold()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Offer the contents as a combo box in a narrow panel."""
        super().resizeEvent(event)
        self._fold()

    def _fold(self) -> None:
        narrow = self.room.width() < NARROW
        self.contents.setVisible(not narrow and not self._presenting)
        chooses = narrow and not self._presenting
        for page in (self.page, self.exercise):
            page.title.setVisible(not chooses)
        self._place_combo()
        self.contents.combo.setVisible(chooses)

    def _place_combo(self) -> None:
        """Put the combo box of the contents on the page that is shown, in the place of its title."""
        page = self.page if self._state.exercise is None else self.exercise
        combo = self.contents.combo
        if page.words.indexOf(combo) < 0:
            focused = combo.hasFocus()
            page.words.insertWidget(0, combo)
            if focused:
                combo.setFocus()

    # ---- showing -------------------------------------------------------------------------------------------------

    def _show_contents(self) -> None:
        labs = [
            Item(entry.card.name, f"{number}  {entry.card.title}", entry.card.question)
            for number, entry in enumerate(self._state.labs, start=1)
        ]
        exercises = [
            Item(exercise.name, exercise.title, f"{exercise.title}. {origin_of(exercise)}.")
            for exercise in self._state.exercises
        ]
        lessons = [Item(f"{LESSON}{name}", title, LESSON_DETAIL.format(title)) for name, title in TITLES.items()]
        lessons = lessons if labs else []  # with the labs, above which they would otherwise have to make room
        self.contents.set_sections(
            [Section("Laboratories", labs), Section("Lessons", lessons), Section("Exercises", exercises)]
        )
        self.contents.set_current(self._state.page)

    def _show_selected(self) -> None:
        state = self._state
        self.contents.set_current(state.page)
        self._pages.setCurrentWidget(self.page if state.exercise is None else self.exercise)
        self._place_combo()
        self._show_exercise_actions()

    def _show_lab_actions(self) -> None:
        """Give the buttons the names, words and help of the lab's actions."""
        entry = self._state.work.entry
        offered = entry.actions if entry is not None else ()
        while len(self._acts) < len(offered):
            self._add_act()
        for (action, button), wanted in zip(self._acts, offered, strict=False):
            action.setText(wanted.title)
            self.set_action_tip(action, wanted.help)
            button.setObjectName(f"labs.action.{wanted.name}")
        for action, button in self._acts[len(offered) :]:
            action.setText("")
            button.setObjectName("")
        self.page.settings.buttons.set_widgets([button for _, button in self._acts[: len(offered)]], keep=True)
        for first, second in pairwise([self.contents.list, self.contents.combo, *self.page.in_tab_order()]):
            QWidget.setTabOrder(first, second)
        self._show_actions()

    def _add_act(self) -> None:
        """Add the action of a lab, with its button; the first ones have a digit as their key."""
        number = len(self._acts) + 1
        key = str(number) if number <= KEYED_ACTIONS else ""
        action = self.add_action(f"act_{number}", f"Action {number}", key, lambda: self._act(number - 1))
        button = self.button(action)
        if number == 1:
            button.setProperty("primary", True)
        self._acts.append((action, button))

    def _show_actions(self) -> None:
        work, actions = self._state.work, self._actions
        reason = "" if work.ready else PREPARING if work.entry is not None else STARTING
        self._keep_focus(bool(reason) or work.lengthy)
        for action, _button in self._acts:
            self.allow(action, reason or (UNDER_WAY if work.lengthy else ""))
        actions["stop"].setEnabled(bool(work.running))
        for name in ("other", "reset"):
            actions[name].setEnabled(work.entry is not None)
        for name in ("copy", "export"):
            actions[name].setEnabled(work.scene is not None)

    def _keep_focus(self, busy: bool) -> None:
        """Hold the focus at the scene while buttons are disabled: keys must not go to the next field."""
        buttons = [button for _, button in self._acts]
        if busy and (button := next((button for button in buttons if button.hasFocus()), None)) is not None:
            self._left = button
            self.page.scene.setFocus()
        elif not busy and self._left is not None:
            if self.page.scene.hasFocus() and self._left.isVisible():
                for action, button in self._acts:
                    if button is self._left:
                        self.allow(action)
                self._left.setFocus()
            self._left = None

    def _show_exercise_actions(self) -> None:
        state, actions = self._state, self._actions
        runs = state.exercise.runs if state.exercise is not None else ()
        actions["setup"].setEnabled(self.exercise.run is not None)
        busy = state.doing.busy
        actions["end" if busy else "do"].setEnabled(busy or bool(runs))
        self._pass_focus(*(("do", "end") if busy else ("end", "do")))
        actions["do"].setEnabled(bool(runs) and not busy)
        actions["end"].setEnabled(busy)
        actions["folder"].setEnabled(bool(state.doing.files))

    def _pass_focus(self, left: str, taken: str) -> None:
        """Pass the focus from a button of the exercise that is disabled now to its counterpart."""
        buttons = self.exercise.buttons
        if self.window().focusWidget() is buttons[left]:
            buttons[taken].setFocus()

    # ---- acting --------------------------------------------------------------------------------------------------

    def _choose(self, key: str) -> None:
        """Show a page, or open a lesson, which shows the pages that it needs."""
        if key.startswith(LESSON):
            self.contents.set_current(self._state.page)
            self.lesson_wanted.emit(key.removeprefix(LESSON))
        else:
            self._state.select(key)

    def _act(self, number: int) -> None:
        entry = self._state.work.entry
        if entry is not None and number < len(entry.actions):
            self._state.work.act(entry.actions[number].name)

    def _other(self) -> None:
        self._state.set_seed(self._state.work.settings.seed + 1)

    def _copy(self) -> None:
        page = self.page.scene.widget()
        if page is not None:
            QGuiApplication.clipboard().setImage(page.grab().toImage())

    def _set_up(self) -> None:
        run = self.exercise.run
        if run is not None:
            self.setup_wanted.emit(run.spec)

    def _do(self) -> None:
        self.exercise.ask_folder()

    def _open_folder(self) -> None:
        self.exercise.open_folder()

    def _ask_export(self) -> None:
        self._export.ask()
