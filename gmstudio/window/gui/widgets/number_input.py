"""Numbers typed by the user: one rule for every number field, whatever the locale of the system.

A lone comma or point is the decimal mark: ``0,5`` and ``0.5`` are one half, and in a field of decimal numbers ``1.000``
is 1. There is no thousands separator. What can be read in two ways is refused in a sentence that says how to write it:
more than one mark (``1.000,5``), and in a field of whole numbers a mark before exactly three digits (``1.000``: 1 or
1000). Options of the command line and TOML files take points only; they don't come through here.
"""

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QKeySequence, QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QLabel, QSpinBox, QWidget

from gmstudio.window.gui.widgets.style_property import set_style_property

if TYPE_CHECKING:
    _Base = QAbstractSpinBox
else:
    _Base = object
NOTE_NAME = "number_refusal"
NOTE_WIDTH = 320
NOTE_MS = 6000
"""Time for which the sentence stays after the focus has left, in milliseconds."""
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MARK = re.compile("[.,]")
_ONLY_MARKS_AND_DIGITS = re.compile(r"[+-]?\d[\d.,]*(?:[eE][+-]?\d+)?", re.ASCII)
_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_MINUS = "\N{MINUS SIGN}"


class AmbiguousNumberError(ValueError):
    """Text that can be read as different numbers."""


def parse_number(text: str, *, integer: bool) -> int | float:
    """Parse a number typed by the user, see the module's text for the rule.

    Args:
        text: what was typed; blanks around it are ignored.
        integer: the field takes whole numbers only.

    Returns:
        An int if ``integer``, else a float.

    Raises:
        AmbiguousNumberError: for text that can be read in two ways.
        ValueError: for text that is no number, is too large, or has a fraction where a whole number is required.
    """
    typed = text.strip()
    plain = typed.replace(_MINUS, "-")
    if _ONLY_MARKS_AND_DIGITS.fullmatch(plain) and len(_MARK.findall(plain)) > 1:
        example = "1000" if integer else "1000.5"
        raise AmbiguousNumberError(
            f"“{typed}” is ambiguous: write at most one decimal mark and no thousands separator, as in {example}."
        )
    if not _NUMBER.fullmatch(plain):
        kind = "a whole number" if integer else "a number"
        raise ValueError(f"“{typed}” is not {kind}." if typed else f"Nothing is entered; enter {kind}.")
    if integer and _GROUP.fullmatch(plain):
        whole, digits = re.split("[.,]", plain)
        raise AmbiguousNumberError(f"“{typed}” is ambiguous: write {whole} or {whole}{digits}.")
    plain = plain.replace(",", ".")
    number = float(plain)
    if not math.isfinite(number):
        raise ValueError(f"“{typed}” is too large for a number.")
    if not integer:
        return number
    exact = Decimal(plain)
    if exact != exact.to_integral_value():
        raise ValueError(f"“{typed}” is not a whole number.")
    return int(exact)


def _bare(text: str, prefix: str, suffix: str) -> str:
    """Text without prefix and suffix; Qt adds its own to those that were typed or pasted."""
    typed = text.strip()
    while prefix and typed.startswith(prefix):
        typed = typed.removeprefix(prefix).strip()
    while suffix and typed.endswith(suffix):
        typed = typed.removesuffix(suffix).strip()
    return typed


class RefusalNote(QLabel):
    """Sentence below a field whose text was refused; it covers what is there until the text is corrected."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName(NOTE_NAME)
        self.setWordWrap(True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(NOTE_MS)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def show_below(self, field: QWidget, sentence: str, *, brief: bool = False) -> None:
        """Show a sentence below a field, inside the window.

        Args:
            field: a widget of the note's window.
            sentence: the text; "" hides the note.
            brief: hide it again after ``NOTE_MS`` milliseconds.
        """
        self._timer.stop()
        self.setText(sentence)
        if not sentence:
            self.hide()
            return
        window = field.window()
        self.resize(min(NOTE_WIDTH, window.width()), 1)
        self.resize(self.width(), self.heightForWidth(self.width()))
        corner = field.mapTo(window, QPoint(0, field.height() + 2))
        if corner.y() + self.height() > window.height():
            corner.setY(corner.y() - field.height() - self.height() - 4)
        self.move(max(0, min(corner.x(), window.width() - self.width())), max(0, corner.y()))
        self.raise_()
        self.show()
        if brief:
            self._timer.start()


def note_of(window: QWidget) -> RefusalNote:
    """Return the note of a window, created at its first use."""
    note = window.findChild(RefusalNote, NOTE_NAME)
    return note if isinstance(note, RefusalNote) else RefusalNote(window)


class _NumberInput(_Base):
    """Rule of ``parse_number`` for a spin box of Qt, mixed in before ``QSpinBox`` or ``QDoubleSpinBox``.

    Values take effect on Return, by a step, or when the focus leaves. Text that is refused on Return stays, marked,
    above the sentence that says why; when the focus leaves, or on Escape, the value before returns. ``refused`` emits
    that sentence, and "" when the text was corrected or discarded.
    """

    if TYPE_CHECKING:
        refused = Signal(str)

    def _prepare(self) -> None:
        """Connect the line of text; called once by the constructor of the field."""
        self._problem = ""
        self.setKeyboardTracking(False)
        self.lineEdit().textEdited.connect(lambda _text: self._set_problem(""))

    @property
    def num_decimals(self) -> int:
        """Decimals that the field shows and takes; 0: whole numbers."""
        return 0

    @property
    def _spin(self) -> QSpinBox | QDoubleSpinBox:
        """The field as the spin box of Qt that it is mixed into."""
        return cast("QSpinBox | QDoubleSpinBox", self)

    @property
    def problem(self) -> str:
        """Sentence on the refused text; empty: none was refused."""
        return self._problem

    @property
    def is_typed(self) -> bool:
        """Text was typed that is not the value yet."""
        return self.lineEdit().text() != self._text_of_value()

    def _text_of_value(self) -> str:
        """Text of the field where nothing was typed."""
        spin = self._spin
        if spin.specialValueText() and spin.value() == spin.minimum():
            return spin.specialValueText()
        return f"{spin.prefix()}{self.textFromValue(spin.value())}{spin.suffix()}"

    def read(self, text: str) -> int | float:
        """Parse the text of the field, with or without its prefix and unit; the minimum's own text is the minimum.

        Raises:
            ValueError: for text that is no number or ambiguous, a number beyond the limits, or too many decimals.
        """
        spin, decimals = self._spin, self.num_decimals
        if spin.specialValueText() and text.strip() == spin.specialValueText():
            return spin.minimum()
        typed = _bare(text, spin.prefix().strip(), spin.suffix().strip())
        number = parse_number(typed, integer=not decimals)
        low, high = spin.minimum(), spin.maximum()
        if not low <= number <= high:
            raise ValueError(f"“{typed}” is out of range: enter a number from {low:.12g} to {high:.12g}.")
        if round(number, decimals) != number:
            raise ValueError(f"“{typed}” has too many decimals: enter a number with at most {decimals}.")
        return number

    def validate(self, text: str, position: int) -> Any:
        """Accept what ``read`` accepts; everything else is text on its way to a number."""
        state = QValidator.State.Intermediate if self._problem_of(text) else QValidator.State.Acceptable
        return (state, text, position)

    def fixup(self, text: str) -> str:
        """Correct nothing: a refused text is never turned into another number."""
        return text

    def textFromValue(self, value: float) -> str:
        """Format with a point and without separators, in every locale."""
        return f"{value:.{self.num_decimals}f}"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Refuse invalid text on Return, and discard it on Escape."""
        problem = self._problem_of(self.text())
        if problem and event.matches(QKeySequence.StandardKey.Cancel):
            self.restore()
        elif problem and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._set_problem(problem)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Take the typed number, or refuse the text and show the value again."""
        leaves = event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        problem = self._problem_of(self.text()) if leaves else ""
        super().focusOutEvent(event)
        if problem:
            self._set_problem(problem)
            self.restore()
            self._show(problem, brief=True)

    def restore(self) -> None:
        """Discard the typed text and show the value."""
        self._set_problem("")
        self.lineEdit().setText(self._text_of_value())
        self.selectAll()

    def _problem_of(self, text: str) -> str:
        try:
            self.read(text)
        except ValueError as error:
            return str(error)
        return ""

    def _set_problem(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            set_style_property(self, "invalid", bool(problem))
            self.refused.emit(problem)
            self._show(problem)

    def _show(self, problem: str, *, brief: bool = False) -> None:
        """Show a sentence below the field; "" hides it."""
        if self.isVisible():
            note_of(self.window()).show_below(self, problem, brief=brief)

    def hideEvent(self, event: QHideEvent) -> None:
        """Hide the sentence with the field."""
        if self._problem:
            note_of(self.window()).show_below(self, "")
        super().hideEvent(event)


class IntegerField(_NumberInput, QSpinBox):
    """Field of a whole number, see ``parse_number``.

    Signals: those of ``QSpinBox``, and:
        refused: sentence on the refused text; "" when it was corrected or discarded.
    """

    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prepare()

    def valueFromText(self, text: str) -> int:
        """Parse a text that ``validate`` accepted."""
        return int(self.read(text))


class NumberField(_NumberInput, QDoubleSpinBox):
    """Field of a decimal number, or with ``setDecimals(0)`` of a whole one, see ``parse_number``.

    Signals: those of ``QDoubleSpinBox``, and:
        refused: sentence on the refused text; "" when it was corrected or discarded.
    """

    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prepare()

    @property
    def num_decimals(self) -> int:
        """Decimals that the field shows and takes; 0: whole numbers."""
        return self.decimals()

    def valueFromText(self, text: str) -> float:
        """Parse a text that ``validate`` accepted."""
        return self.read(text)
