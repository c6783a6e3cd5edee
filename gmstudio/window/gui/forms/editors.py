"""Editors of one value each; typed text stays as typed, also when it is invalid."""

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.number_input import parse_number

ICON_SIZE = QSize(14, 14)
LOG_STEPS = (1.0, 2.0, 5.0)
"""Steps of a logarithmic field: 1, 2, 5, 10, 20 …"""


class NumberEdit(QAbstractSpinBox):
    """Number field with steps by arrow keys, wheel (with the focus) and buttons.

    Any text can be typed; ``value`` raises for text that is no number by the rule of ``parse_number``.

    Args:
        whole: integers only.
        low: the smallest number that steps reach; None: no limit.
        high: the largest; None: no limit.
        log: step by factors 1, 2, 5, 10 instead of by addition.
        above: ``low`` itself is not reached.

    Signals:
        edited: the text changed.
    """

    edited = Signal()

    def __init__(
        self,
        *,
        whole: bool,
        low: float | None = None,
        high: float | None = None,
        log: bool = False,
        above: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._whole = whole
        self._low = -math.inf if low is None else low
        self._high = math.inf if high is None else high
        self._log = log
        self._above = above
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.lineEdit().textChanged.connect(lambda _text: self.edited.emit())

    @property
    def value(self) -> int | float | None:
        """The number; None for an empty field.

        Raises:
            AmbiguousNumberError: when the text can be read in two ways.
            ValueError: when it is no number, or not an integer where one is required.
        """
        text = self.text().strip()
        return parse_number(text, integer=self._whole) if text else None

    def set_value(self, value: float | None) -> None:
        """Show a number; None empties the field."""
        self.lineEdit().setText(format_number(value))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Accept any text; the form marks invalid values."""
        return (QValidator.State.Acceptable, text, position)

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Enable steps up to the limits."""
        value = self._number_or_none()
        flags = QAbstractSpinBox.StepEnabledFlag.StepNone
        if value is None or value < self._high:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepUpEnabled
        if value is None or value > self._low:
            flags |= QAbstractSpinBox.StepEnabledFlag.StepDownEnabled
        return flags

    def stepBy(self, steps: int) -> None:
        """Change the number by a count of steps."""
        value = self._number_or_none()
        if value is None:
            value = max(self._low, 0.0) if math.isfinite(self._low) else 0.0
        for _ in range(abs(steps)):
            value = self._next(value, up=steps > 0)
        self.set_value(int(value) if self._whole else value)
        self.selectAll()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step only with the focus, so that scrolling a form changes nothing."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def minimumSizeHint(self) -> QSize:
        """Width for six digits."""
        return QSize(self.fontMetrics().horizontalAdvance("0" * 6) + 32, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        """Smallest useful width; a form stretches it."""
        return self.minimumSizeHint()

    def _number_or_none(self) -> float | None:
        try:
            return self.value
        except ValueError:
            return None

    def _next(self, value: float, *, up: bool) -> float:
        if self._log and value >= (1 if self._whole else 0) and (value > 0 or up):
            stepped = _next_log(value, up=up, smallest=1.0 if self._whole else 1e-6)
        else:
            size = 1.0 if self._whole else _tenth(self._high if math.isfinite(self._high) else max(abs(value), 1.0))
            stepped = round(value / size + (1 if up else -1)) * size
        if self._above and stepped <= self._low:
            return value
        return float(f"{min(max(stepped, self._low), self._high):.12g}")


def _next_log(value: float, *, up: bool, smallest: float) -> float:
    """Next number of 1, 2, 5, 10, 20 … above or below a positive one (from 0: the smallest)."""
    if value <= 0:
        return smallest
    exponent = math.floor(math.log10(value))
    ladder = [step * 10.0**e for e in (exponent - 1, exponent, exponent + 1) for step in LOG_STEPS]
    slack = 1e-9 * value
    if up:
        return min(x for x in ladder if x > value + slack)
    return max(x for x in ladder if x < value - slack)


def _tenth(size: float) -> float:
    """Power of ten of about a hundredth to a tenth of a range, at most 0.1."""
    return float(min(10.0 ** (math.floor(math.log10(max(size, 1e-9))) - 1), 0.1))


def format_number(value: float | None) -> str:
    """Format a setting: ``0.001``, ``64``; empty for None."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.12g}"


class ChoiceEdit(QComboBox):
    """Combo box of a few values.

    Args:
        choices: the values.
        none: text for "no value", or None where a value is required.

    Signals:
        edited: another value was chosen.
    """

    edited = Signal()

    def __init__(
        self,
        choices: list[Any],
        none: str | None = None,
        parent: QWidget | None = None,
        *,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(parent)
        self._values: list[Any] = ([None] if none is not None else []) + choices
        for value in self._values:
            text = str(none) if value is None else _choice_text(value)
            self.addItem((labels or {}).get(text, text))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.currentIndexChanged.connect(lambda _index: self.edited.emit())

    @property
    def value(self) -> Any:
        """The chosen value."""
        return self._values[self.currentIndex()] if self.currentIndex() >= 0 else None

    def set_value(self, value: Any) -> None:
        """Choose a value; one that is not among the choices clears the choice."""
        self.setCurrentIndex(self._values.index(value) if value in self._values else -1)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Change the value only with the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def minimumSizeHint(self) -> QSize:
        """Width for a short word."""
        return QSize(72, super().minimumSizeHint().height())


def _choice_text(value: Any) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


class FlagEdit(QCheckBox):
    """Check box.

    Signals:
        edited: it was toggled.
    """

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.toggled.connect(lambda _on: self.edited.emit())

    @property
    def value(self) -> bool:
        """State of the check box."""
        return self.isChecked()

    def set_value(self, value: Any) -> None:
        """Set the state of the check box."""
        self.setChecked(bool(value))


class TextEdit(QLineEdit):
    """Line of text.

    Args:
        optional: an empty line means "no value".

    Signals:
        edited: the text changed.
    """

    edited = Signal()

    def __init__(self, *, optional: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._optional = optional
        self.textChanged.connect(lambda _text: self.edited.emit())

    @property
    def value(self) -> str | None:
        """The text."""
        return None if self._optional and not self.text() else self.text()

    def set_value(self, value: Any) -> None:
        """Show a text, from its beginning."""
        self.setText("" if value is None else str(value))
        self.setCursorPosition(0)


class ListEdit(QLineEdit):
    """Line of several values, separated by commas; decimal numbers by semicolons, since a comma is a decimal mark.

    Args:
        item: type of one value: ``int``, ``float`` or ``str``.

    Signals:
        edited: the text changed.
    """

    edited = Signal()

    def __init__(self, item: type, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._item = item
        self._separator = ";" if item is float else ","
        self.setPlaceholderText(f"Separated by {'semicolons' if item is float else 'commas'}")
        self.textChanged.connect(lambda _text: self.edited.emit())

    @property
    def value(self) -> list[Any]:
        """The values.

        Raises:
            ValueError: when one of them is invalid.
        """
        parts = [part.strip() for part in self.text().split(self._separator) if part.strip()]
        if self._item is str:
            return list(parts)
        return [parse_number(part, integer=self._item is int) for part in parts]

    def set_value(self, value: Any) -> None:
        """Show values."""
        self.setText(f"{self._separator} ".join(str(v) for v in value or ()))


class ThemedIcon(QLabel):
    """Small icon that follows the theme.

    Args:
        icon: name of an icon.
    """

    def __init__(self, icon: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = icon
        theme().changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        self.setPixmap(theme().icon(self._icon, "muted").pixmap(ICON_SIZE))


class ResetButton(QToolButton):
    """Small flat button with a reset icon."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("flat", True)
        self.setProperty("bare", True)
        self.setIconSize(ICON_SIZE)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme().changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        self.setIcon(theme().icon("reset", "muted"))
