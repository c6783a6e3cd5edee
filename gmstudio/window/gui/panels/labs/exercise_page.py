"""Page of an exercise: what is asked, its runs with our values beside the user's, and the buttons that do it."""

import math

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QLabel,
    QSizePolicy,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.exercises import DELIVERABLE_TITLES, Exercise, ExerciseRun, OurValue, TestValue
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.progress_line import ProgressLine
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.gui.widgets.wrapping_row import WrappingRow
from gmstudio.window.state.labs.state import LabsState

COLUMNS = ("Run", "Family", "Data", "Steps", "Our test value", "Your test value")
STEPS = 1000
LINE_WIDTH = 720
"""Width of a text, pixels."""
NOT_RUN, NONE_YET = "not run", "–"


class ExercisePage(QWidget):
    """Page of the exercise that is shown.

    Args:
        state: state of the panel.
        panel: names the controls.
        actions: of the panel: set up, do, stop and open the folder.

    Attributes:
        words: title and origin.
        buttons: action → its button.
    """

    def __init__(self, state: LabsState, panel: Panel, actions: dict[str, QAction]) -> None:
        super().__init__(panel)
        self._state, self._panel = state, panel
        self.title, self.origin, self.words = ElidedLabel(self), ElidedLabel(self), QVBoxLayout()
        self.title.setProperty("role", "title")
        self.origin.setProperty("role", "muted")
        self.task, self.differs = self._text(""), self._text("muted")
        self.labs = WrappingRow(self)
        self.runs = QTreeWidget(self)
        self._items: list[QTreeWidgetItem] = []
        tip = "Runs of the exercise; the selected one can be set up in Train."
        panel.name_widget(self.runs, "exercise.runs", "Runs of the exercise", tip)
        self.stage, self.note, self.progress = ElidedLabel(self), ElidedLabel(self), ProgressLine(self)
        self.buttons = {name: panel.button(actions[name]) for name in ("setup", "do", "end", "folder")}
        self.buttons["do"].setProperty("primary", True)
        self._lay_out(list(self.buttons.values()))
        state.doing.changed.connect(self._show_work)
        state.selected.connect(self.show_exercise)

    def _text(self, role: str) -> QLabel:
        label = QLabel(self)
        label.setWordWrap(True)
        label.setProperty("role", role)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setMaximumWidth(LINE_WIDTH)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _lay_out(self, buttons: list[QToolButton]) -> None:
        self.runs.setHeaderLabels(list(COLUMNS))
        self.runs.setRootIsDecorated(False)
        self.runs.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.runs.header().setStretchLastSection(False)
        self.runs.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.runs.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.runs.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
        self.runs.setMinimumHeight(120)
        self.stage.setProperty("role", "muted")
        self.progress.setRange(0, STEPS)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName("Progress of the exercise")
        row = QHBoxLayout()
        row.setSpacing(GRID)
        for button in buttons:
            row.addWidget(button)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        self.words.setSpacing(2)
        self.words.addWidget(self.title)
        self.words.addWidget(self.origin)
        column.addLayout(self.words)
        above: tuple[QWidget, ...] = (self.task, self.differs, self.labs)
        for widget in above:
            column.addWidget(widget)
        column.addWidget(self.runs, 1)
        column.addLayout(row)
        below: tuple[QWidget, ...] = (self.stage, self.progress, self.note)
        for widget in below:
            column.addWidget(widget)

    @property
    def run(self) -> ExerciseRun | None:
        """Selected run; None: there is none."""
        exercise, item = self._state.exercise, self.runs.currentItem()
        if exercise is None or item is None:
            return None
        return exercise.runs[self.runs.indexOfTopLevelItem(item)]

    # ---- showing -------------------------------------------------------------------------------------------------

    def show_exercise(self) -> None:
        """Show the exercise that is selected."""
        exercise = self._state.exercise
        if exercise is None:
            return
        self.title.set_words(exercise.title)
        self.origin.set_words(origin_of(exercise))
        self.task.setText(exercise.task)
        self.differs.setText(f"Here: {exercise.differs}" if exercise.differs else "")
        self.differs.setVisible(bool(exercise.differs))
        self.labs.set_widgets([self._lab_button(name) for name in exercise.labs])
        self.runs.clear()
        self._items = []
        for run in exercise.runs:
            spec = run.spec
            steps = f"{spec.training['steps']:,}" if "steps" in spec.training else "default"
            family, data = self._state.family_title(spec.family), self._state.source_title(spec.data)
            item = QTreeWidgetItem(self.runs, [run.title, family, data, steps, our_text(run.ours), ""])
            self._items.append(item)
            writes = ", ".join(DELIVERABLE_TITLES[name] for name in run.deliverables)
            item.setToolTip(0, f"{run.title}: writes {writes}")
            item.setToolTip(4, run.ours.kind if run.ours is not None else "This run was not done here.")
        self.runs.setVisible(bool(exercise.runs))
        if self._items:
            self.runs.setCurrentItem(self._items[0])
        self._show_work()

    def _lab_button(self, name: str) -> QToolButton:
        entry = self._state.entry(name)
        title = entry.card.title if entry is not None else name
        button = QToolButton(self)
        button.setText(f"Laboratory: {title}")
        self._panel.name_widget(button, f"exercise.lab.{name}", f"Laboratory: {title}", "Open the laboratory.")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: self._state.select(name))
        return button

    def _show_work(self) -> None:
        """Show the values, the stage and the progress."""
        exercise, doing = self._state.exercise, self._state.doing
        if exercise is None:
            return
        for item, run in zip(self._items, exercise.runs, strict=False):
            value = doing.values.get((exercise.name, run.name))
            item.setText(5, value_text(value))
            item.setToolTip(5, value.kind if value is not None else "")
        own = doing.exercise is not None and doing.exercise.name == exercise.name
        self.stage.set_words(doing.stage if own else "")
        self.progress.setValue(round(STEPS * doing.progress))
        self.progress.setVisible(own and doing.busy)
        set_role(self.note, error=own and bool(doing.problem))
        self.note.set_words(doing.problem if own else "")

    # ---- acting --------------------------------------------------------------------------------------------------

    def ask_folder(self) -> None:
        """Ask for the folder of the deliverables without blocking the window, then begin."""
        exercise = self._state.exercise
        if exercise is None or not exercise.runs:
            return
        if self._state.doing.elsewhere:
            self._enter_folder(exercise)
            return
        dialog = QFileDialog(self, "Folder for the deliverables")
        dialog.setObjectName("exercise_folder_dialog")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self._state.doing.start(exercise, path))
        dialog.setModal(False)
        dialog.show()

    def _enter_folder(self, exercise: Exercise) -> None:
        """Enter a folder of the engine's machine, whose files a dialog of this one does not show."""
        dialog = QInputDialog(self)
        dialog.setObjectName("exercise_folder_entered")
        dialog.setWindowTitle("Folder for the deliverables")
        dialog.setLabelText(f"{self._state.doing.elsewhere} Path of a folder there:")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.textValueSelected.connect(
            lambda path: self._state.doing.start(exercise, path.strip()) if path.strip() else None
        )
        dialog.setModal(False)
        dialog.show()

    def open_folder(self) -> None:
        """Open the folder of the deliverables in the file manager, or where it is on another machine, say so."""
        if self._state.doing.elsewhere:
            self.note.set_words(f"{self._state.doing.elsewhere} So are the files, in {self._state.doing.folder}.")
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._state.doing.folder))


def origin_of(exercise: Exercise) -> str:
    """Course, year and number of an exercise."""
    after = "After " if exercise.after else ""
    return f"{after}{exercise.course}, {exercise.year} · {exercise.number}"


def our_text(value: OurValue | None) -> str:
    """Our value with its unit."""
    return NOT_RUN if value is None else f"{value.value:.3f} {value.unit}".strip()


def value_text(value: TestValue | None) -> str:
    """The user's value with its standard error and unit."""
    if value is None:
        return NONE_YET
    error = "" if math.isnan(value.error) else f" ± {value.error:.3f}"
    return f"{value.value:.3f}{error} {value.unit}".strip()
