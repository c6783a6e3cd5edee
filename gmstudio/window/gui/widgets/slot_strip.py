"""Strip of a few slots of equal width, each with a colour, a name, and buttons to move and to remove it."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.gui.widgets.style_property import set_style_property

SWATCH, BUTTON = 12, 22
FREE = "free"


class Slot(NamedTuple):
    """Content of a slot.

    Args:
        name: what stands in it.
        colour: of its swatch.
        tip: tooltip of the name.
        problem: the name is shown as an error.
    """

    name: str
    colour: QColor
    tip: str = ""
    problem: bool = False


class SlotStrip(QWidget):
    """Slots side by side; those that are free keep their place, so that nothing moves when one is filled.

    Args:
        count: number of slots.
        named: object name of the strip, from which those of its buttons are made.
        what: what stands in a slot, for accessible names, for example ``run``.

    Signals:
        removed: number of a slot whose content is to be removed.
        moved: number of a slot whose content is to be moved one place to the left.
    """

    removed = Signal(int)
    moved = Signal(int)

    def __init__(self, count: int, named: str, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(named)
        self._slots: tuple[Slot, ...] = ()
        self._views = [_SlotView(number, named, what) for number in range(count)]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        for number, view in enumerate(self._views):
            row.addWidget(view, 1)
            view.remove.clicked.connect(partial(self._emit, self.removed, number))
            view.left.clicked.connect(partial(self._emit, self.moved, number))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self._restyle)
        self._restyle()

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Contents of the slots that are filled, from the left."""
        return self._slots

    def set_slots(self, slots: Sequence[Slot]) -> None:
        """Fill the slots from the left; at most as many as there are."""
        if tuple(slots) != self._slots:
            self._slots = tuple(slots)[: len(self._views)]
            for number, view in enumerate(self._views):
                view.show_slot(self._slots[number] if number < len(self._slots) else None)

    def _emit(self, signal: object, number: int, _checked: bool = False) -> None:
        assert hasattr(signal, "emit")
        signal.emit(number)

    def _restyle(self) -> None:
        for view in self._views:
            view.left.setIcon(theme().icon("left", "muted"))
            view.remove.setIcon(theme().icon("close", "muted"))


class _Swatch(QWidget):
    """Square in a colour."""

    def __init__(self) -> None:
        super().__init__()
        self.colour: QColor | None = None
        self.setFixedSize(SWATCH, SWATCH)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Fill the square, or outline an empty one."""
        with QPainter(self) as painter:
            if self.colour is None:
                painter.setPen(theme().color("border"))
                painter.drawRect(0, 0, SWATCH - 1, SWATCH - 1)
            else:
                painter.fillRect(self.rect(), self.colour)


class _SlotView(QFrame):
    """One slot."""

    def __init__(self, number: int, named: str, what: str) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._number, self._what = number, what
        self.swatch, self.name = _Swatch(), ElidedLabel(middle=True)
        self.name.setObjectName(f"{named}_name_{number + 1}")
        self.left, self.remove = QToolButton(), QToolButton()
        for button, verb, tip in (
            (self.left, "left", f"Move this {what} one place to the left"),
            (self.remove, "remove", f"Compare without this {what}"),
        ):
            button.setObjectName(f"{named}_{verb}_{number + 1}")
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.setToolTip(tip)
            button.setIconSize(QSize(12, 12))
            button.setFixedSize(scaled_px(self, BUTTON), scaled_px(self, BUTTON))
            button.setStyleSheet("padding: 0")  # that of other buttons leaves no room for the icon
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID // 2, 0, 0, 0)
        row.setSpacing(GRID // 2)
        row.addWidget(self.swatch)
        row.addWidget(self.name, 1)
        row.addWidget(self.left)
        row.addWidget(self.remove)
        self.show_slot(None)

    def show_slot(self, slot: Slot | None) -> None:
        """Show a content; None: the slot is free."""
        self.swatch.colour = None if slot is None else slot.colour
        self.swatch.update()
        role = "muted" if slot is None else "error" if slot.problem else ""
        set_style_property(self.name, "role", role)
        self.name.set_words(FREE if slot is None else slot.name)
        self.name.setToolTip("" if slot is None else slot.tip)
        for button, verb in ((self.left, "Move left"), (self.remove, "Remove")):
            button.setAccessibleName(f"{verb}: {slot.name if slot is not None else f'{self._what} {self._number + 1}'}")
            policy = button.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            button.setSizePolicy(policy)
        self.left.setVisible(slot is not None and self._number > 0)
        self.remove.setVisible(slot is not None)
