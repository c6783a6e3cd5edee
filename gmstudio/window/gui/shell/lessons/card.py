"""Card of a lesson below the panel: text of the step, its number, and the buttons."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.theory_page import TheoryPage
from gmstudio.window.state.lessons.lesson_text import Lesson

HEIGHT, BUTTON_WIDTH = 150, 120
COLUMN_CHARACTERS = 140
"""Widest line of text: wider than elsewhere, because height is scarce."""


class LessonCard(QFrame):
    """Card of a lesson; not modal: everything else can be used beside it.

    It has a fixed height and stands below the panel, so that it covers nothing, whatever a step says. Esc closes it
    while it has the focus.

    Signals:
        moved: 1 for the next step, −1 for the one before.
        show_wanted: the actions of the step are to be carried out.
        closed: the lesson is to be closed.
    """

    moved = Signal(int)
    show_wanted = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lesson")
        self.setAccessibleName("Lesson")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.title, self.count, self.note = ElidedLabel(self), QLabel(self), ElidedLabel(self)
        self.title.setProperty("role", "heading")
        self.count.setProperty("role", "muted")
        self.note.setProperty("role", "warning")
        self.text = TheoryPage(self)
        self.text.document().setDocumentMargin(2)
        self.text.column_characters = COLUMN_CHARACTERS
        self.text.setObjectName("lesson.text")
        self.text.setAccessibleName("Text of the step")
        self.next = self._button("next", "Next", "Next step (Alt+Page Down)", lambda: self.moved.emit(1))
        self.back = self._button("back", "Back", "Step before (Alt+Page Up)", lambda: self.moved.emit(-1))
        self.show_me = self._button("show", "Show me", "Carry out what the step describes", self.show_wanted.emit)
        self.close_button = self._button("close", "Close", "Close the lesson; its step is kept", self.closed.emit)
        self.next.setProperty("primary", True)
        self._lay_out()
        self.hide()

    def set_step(self, lesson: Lesson, number: int) -> None:
        """Show a step, by its number from 0."""
        step, last = lesson.steps[number], number == len(lesson.steps) - 1
        self.title.set_words(f"{lesson.title}  ·  {step.title}")
        self.count.setText(f"Step {number + 1} of {len(lesson.steps)}")
        self.text.set_markdown(step.text)
        self.back.setEnabled(number > 0)
        self.next.setEnabled(not last)
        self.show_me.setEnabled(bool(step.shows))
        self.set_note("")
        self.setAccessibleDescription(f"{lesson.title}, step {number + 1} of {len(lesson.steps)}: {step.title}")

    def set_note(self, sentence: str) -> None:
        """Write a sentence beside the title, for example on a control that is not there."""
        self.note.set_words(sentence)
        self.note.setVisible(bool(sentence))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close at Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _button(self, name: str, text: str, tip: str, slot: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(f"lesson.{name}")
        button.setAccessibleName(text)
        button.setToolTip(tip)
        button.setAutoDefault(False)
        button.setFixedWidth(scaled_px(self, BUTTON_WIDTH))
        button.clicked.connect(lambda _checked=False: slot())  # type: ignore[operator]
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.note, 1)
        head.addWidget(self.count)
        left = QVBoxLayout()
        left.setSpacing(GRID // 2)
        left.addLayout(head)
        left.addWidget(self.text, 1)
        right = QVBoxLayout()
        right.setSpacing(GRID // 2)
        for button in (self.next, self.back, self.show_me, self.close_button):
            right.addWidget(button)
        right.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        row.setSpacing(2 * GRID)
        row.addLayout(left, 1)
        row.addLayout(right)
        self.setFixedHeight(scaled_px(self, HEIGHT))
