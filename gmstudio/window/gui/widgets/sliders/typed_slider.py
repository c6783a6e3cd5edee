"""Slider with a number field: linear or logarithmic."""

import math

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QHBoxLayout, QSlider, QWidget

from gmstudio.window.gui.widgets.number_input import NumberField
from gmstudio.window.gui.widgets.wheel_guard import guard_wheel

_TICKS = 1000
ARROWS_WIDTH = 40
"""Width of a number field beside its text."""
INSET = 4
"""Additional pixels from a number field's left edge to its text."""


def inset_text(field: QAbstractSpinBox) -> None:
    """Inset the text of a number field; the padding of a style sheet does not reach it."""
    field.lineEdit().setTextMargins(INSET, 0, 0, 0)


class _FittedWidth(QObject):
    """Width of a number field that follows its font, which is larger in presentation mode."""

    def __init__(self, field: QAbstractSpinBox) -> None:
        super().__init__(field)
        self.longest = ""
        field.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FontChange and isinstance(watched, QAbstractSpinBox):
            self.fit(watched)
        return False

    def fit(self, field: QAbstractSpinBox) -> None:
        """Fix the width to that of the longest text."""
        field.setFixedWidth(field.fontMetrics().horizontalAdvance(self.longest) + ARROWS_WIDTH)


def fit_width(field: QAbstractSpinBox, longest: str) -> None:
    """Fix the width of a number field to that of its longest text, in any size of type."""
    inset_text(field)
    fitted = field.findChild(_FittedWidth) or _FittedWidth(field)
    fitted.longest = longest
    fitted.fit(field)


class TypedSlider(QWidget):
    """Slider and number field of one value.

    Args:
        low: smallest value; above 0 when ``log``.
        high: largest value.
        decimals: of the field; 0 makes whole numbers.
        log: the slider is logarithmic.
        suffix: unit behind the number, for example `` px/s``.

    Signals:
        value_changed: new value, moved or typed by the user.
    """

    value_changed = Signal(float)

    def __init__(
        self,
        low: float,
        high: float,
        *,
        decimals: int = 2,
        log: bool = False,
        suffix: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._low, self._high, self._log, self._decimals = low, high, log, decimals
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.field = NumberField(self)
        self.field.setDecimals(decimals)
        self.field.setSuffix(suffix)
        self.field.setStepType(
            NumberField.StepType.AdaptiveDecimalStepType if log else NumberField.StepType.DefaultStepType
        )
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        guard_wheel(self.field)
        self.setFocusProxy(self.slider)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        self.set_range(low, high)
        self.slider.valueChanged.connect(self._on_slid)
        self.field.valueChanged.connect(self._on_typed)

    @property
    def value(self) -> float:
        """Value of the field."""
        return self.field.value()

    def set_value(self, value: float) -> None:
        """Set the value without a signal."""
        with QSignalBlocker(self.field), QSignalBlocker(self.slider):
            if abs(value - self.field.value()) > 0.5 * 10**-self._decimals or value in (self._low, self._high):
                self.field.setValue(value)
            if not self.slider.isSliderDown():
                self.slider.setValue(self._tick_of(value))

    def set_range(self, low: float, high: float) -> None:
        """Set the smallest and the largest value."""
        self._low, self._high = low, high
        whole = self._decimals == 0 and not self._log
        with QSignalBlocker(self.field), QSignalBlocker(self.slider):
            self.field.setRange(low, high)
            self.slider.setRange(0, int(high - low) if whole else _TICKS)
            self.slider.setPageStep(max(1, self.slider.maximum() // 10))
            if not self._log:
                self.field.setSingleStep(1 if whole else (high - low) / 40)
            self.slider.setValue(self._tick_of(self.field.value()))
        longest = max((f"{limit:.{self._decimals}f}" for limit in (low, high)), key=len)
        fit_width(self.field, longest + self.field.suffix())

    def name(self, object_name: str, accessible_name: str, tip: str) -> None:
        """Name the slider, and the field ``<object_name>.value``."""
        self.slider.setObjectName(object_name)
        self.field.setObjectName(f"{object_name}.value")
        self.slider.setAccessibleName(accessible_name)
        self.field.setAccessibleName(f"{accessible_name}, typed")
        for widget in (self.slider, self.field):
            widget.setToolTip(tip)

    def _tick_of(self, value: float) -> int:
        if self._high <= self._low:
            return 0
        share = (value - self._low) / (self._high - self._low)
        if self._log:
            share = math.log(max(value, self._low) / self._low) / math.log(self._high / self._low)
        return round(share * self.slider.maximum())

    def _value_of(self, tick: int) -> float:
        share = tick / max(1, self.slider.maximum())
        if self._log:
            return float(self._low * (self._high / self._low) ** share)
        return self._low + share * (self._high - self._low)

    def _on_slid(self, tick: int) -> None:
        with QSignalBlocker(self.field):
            self.field.setValue(self._value_of(tick))
        self.value_changed.emit(self.field.value())

    def _on_typed(self, value: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(self._tick_of(value))
        self.value_changed.emit(value)
