"""What the blocks of a scene share: heading, content, line below, and how high they are."""

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.scenes.minus import with_minus
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel

LEAST_PLOT, MOST_PLOT = 170, 360
"""Limits of the height of plots that stand beside no plane."""
PLOT_SHARE = 0.45
"""Part of the visible height that such plots take, within the limits."""


class Edits(QObject):
    """Edits of the inputs of a row of a scene, shared by its blocks.

    Signals:
        edited: name of the input and its numbers, a float64 array; while something is dragged, at each move.
    """

    edited = Signal(str, object)

    def send(self, name: str, numbers: ArrayLike) -> None:
        """Emit numbers of an input."""
        self.edited.emit(name, np.array(numbers, np.float64))


def plot_height(room: int) -> int:
    """Height of plots that stand beside no plane, where a height is visible, pixels."""
    return min(max(LEAST_PLOT, round(PLOT_SHARE * room)), MOST_PLOT)


class TitledBlock(QWidget):
    """Heading, content, and a line below.

    Class attributes:
        adjustable: the user can drag the height of its row.
    """

    adjustable = False

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.content, self.note = ElidedLabel(self), content, ElidedLabel(self)
        self.title.setProperty("role", "heading")
        self.note.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        for widget in (self.title, content, self.note):
            column.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def confirm(self, name: str) -> None:
        """Take the block as the answer to the last edit of an input: what was refused returns to its place."""

    def write(self, title: str, note: str) -> None:
        """Set heading and note; an empty note takes no room."""
        title, note = with_minus(title), with_minus(note)
        if title != self.title.words:
            self.title.set_words(title)
            self.content.setAccessibleName(title)
        if note != self.note.words or self.note.isHidden() != (not note):
            self.note.set_words(note)
            self.note.setVisible(bool(note))
