"""One coordinate of a code: a slider in hundredths of σ that is cheap to have in hundreds, and its typed field."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QLineEdit, QSizePolicy, QWidget

from gmstudio.gui.theme import theme

UNITS = 100
"""Slider units per σ."""
REACH = 3.0
"""The slider goes from -3σ to 3σ."""
LIMIT = 6.0
"""What can be typed goes from -6σ to 6σ."""
RADIUS = 6
TRACK = 4
BAND_ALPHA = 110
STEP = 0.1


class SigmaSlider(QAbstractSlider):
    """A horizontal slider from -3σ to 3σ in units of 0.01σ, filled from 0 to its value.

    The arrow keys step by 0.1σ, Page Up and Page Down by 1σ; 0 and a double click go to 0. The wheel turns it only when
    it has the focus, so that scrolling a list of sliders moves none of them. A value beyond its reach, which can be
    typed, is shown as an arrow at its end.

    Signals: those of ``QAbstractSlider``.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setRange(round(-REACH * UNITS), round(REACH * UNITS))
        self.setSingleStep(round(STEP * UNITS))
        self.setPageStep(UNITS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._sigma = 0.0
        self._band: tuple[float, float] | None = None
        self._grab = 0.0
        self.valueChanged.connect(self._on_value_changed)

    def show_sigma(self, sigma: float) -> None:
        """Show a value without telling anybody; it may be beyond the reach."""
        if sigma != self._sigma:
            self._sigma = sigma
            self.blockSignals(True)
            self.setValue(round(sigma * UNITS))
            self.blockSignals(False)
            self.update()

    def set_band(self, band: tuple[float, float] | None) -> None:
        """Show a Gaussian behind: mean and standard deviation in σ; None: none."""
        if band != self._band:
            self._band = band
            self.update()

    def sizeHint(self) -> QSize:
        """Wide enough to aim at tenths of σ."""
        return QSize(160, 2 * RADIUS + 8)

    def minimumSizeHint(self) -> QSize:
        """Still of use."""
        return QSize(80, 2 * RADIUS + 8)

    # ---- where things are ----------------------------------------------------------------------------------------

    def _x(self, sigma: float) -> float:
        free = self.width() - 2 * RADIUS - 4
        return RADIUS + 2 + (sigma + REACH) / (2 * REACH) * free

    def _units_at(self, x: float) -> int:
        free = max(1, self.width() - 2 * RADIUS - 4)
        return round(((x - RADIUS - 2) / free * 2 * REACH - REACH) * UNITS)

    def _handle_sigma(self) -> float:
        return min(REACH, max(-REACH, self._sigma))

    def _on_value_changed(self, value: int) -> None:
        self._sigma = value / UNITS

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track with ticks at each σ, band, fill from 0, handle."""
        colors = theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle = self.height() / 2
        painter.setBrush(colors.color("border"))
        track = QRectF(self._x(-REACH), middle - TRACK / 2, self._x(REACH) - self._x(-REACH), TRACK)
        painter.drawRoundedRect(track, TRACK / 2, TRACK / 2)
        for sigma in range(-int(REACH), int(REACH) + 1):
            reach = 5 if sigma == 0 else 3
            painter.drawRect(QRectF(self._x(sigma) - 0.5, middle + TRACK / 2, 1, reach))
        self._paint_band(painter, middle)
        handle = self._handle_sigma()
        active = colors.color("accent" if self.isEnabled() else "muted")
        low, high = sorted((self._x(0.0), self._x(handle)))
        painter.setBrush(active)
        painter.drawRect(QRectF(low, middle - TRACK / 2, high - low, TRACK))
        self._paint_handle(painter, QPointF(self._x(handle), middle), active)

    def _paint_band(self, painter: QPainter, middle: float) -> None:
        if self._band is None:
            return
        mean, deviation = self._band
        color = theme().color("mark")
        low, high = (self._x(min(REACH, max(-REACH, mean + side * deviation))) for side in (-1, 1))
        faint = QColor(color)
        faint.setAlpha(BAND_ALPHA)
        painter.setBrush(faint)
        painter.drawRect(QRectF(low, middle - RADIUS, max(high - low, 1.0), 2 * RADIUS))
        if abs(mean) <= REACH:
            painter.setBrush(color)
            painter.drawRect(QRectF(self._x(mean) - 1, middle - RADIUS - 2, 2, 2 * RADIUS + 4))

    def _paint_handle(self, painter: QPainter, at: QPointF, active: QColor) -> None:
        focused = self.hasFocus()
        painter.setPen(QPen(theme().color("text" if focused else "base"), 2 if focused else 1))
        painter.setBrush(active)
        if abs(self._sigma) > REACH:
            side = 1 if self._sigma > 0 else -1
            corners = [QPointF(at.x() - side * RADIUS, at.y() + y) for y in (-RADIUS, RADIUS)]
            painter.drawPolygon(QPolygonF([*corners, QPointF(at.x() + side * (RADIUS + 1), at.y())]))
        else:
            painter.drawEllipse(at, RADIUS, RADIUS)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the handle where it is, or bring it to the pointer."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        handle, x = self._x(self._handle_sigma()), event.position().x()
        self._grab = x - handle if abs(x - handle) <= RADIUS + 2 else 0.0
        self.setSliderDown(True)
        if not self._grab:
            self.setSliderPosition(self._units_at(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        if self.isSliderDown():
            self.setSliderPosition(self._units_at(event.position().x() - self._grab))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Go to 0."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setValue(0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn only with the focus; else the list scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """0, Delete and Backspace go to 0."""
        if event.key() in (Qt.Key.Key_0, Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.setValue(0)
        else:
            super().keyPressEvent(event)


class SigmaField(QLineEdit):
    """Shows a value in σ and takes a typed one, from -6 to 6; Up and Down step by 0.1.

    What cannot be taken is told in words and marked until it is edited; leaving the field, or Escape, puts back what
    was there.

    Args:
        what: the value in words, for example ``Dimension 3``.

    Signals:
        entered: the typed value.
        refused: a sentence naming what was typed and what is allowed; "" when it is put right.
    """

    entered = Signal(float)
    refused = Signal(str)

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what = what
        self._sigma = 0.0
        self._invalid = False
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setText(self._shown())
        self.returnPressed.connect(self._on_return)
        self.textEdited.connect(lambda: self._mark(False))

    def value(self) -> float:
        """The value that is shown, in σ."""
        return self._sigma

    def setValue(self, sigma: float) -> None:
        """Enter a value as if it were typed."""
        self.setText(f"{sigma:g}")
        self._on_return()

    def show_sigma(self, sigma: float) -> None:
        """Show a value without telling anybody, unless something is being typed."""
        if sigma != self._sigma:
            typing = self.text() != self._shown() and self.hasFocus()
            self._sigma = sigma
            if not typing:
                self.setText(self._shown())

    def _shown(self) -> str:
        return f"{self._sigma:.2f}".replace("-0.00", "0.00")

    def _on_return(self) -> None:
        if self.text() == self._shown():
            return
        typed = self.text().strip()
        try:
            sigma = float(typed.replace(",", ".").replace("\N{MINUS SIGN}", "-"))
        except ValueError:
            sigma = float("nan")
        if not -LIMIT <= sigma <= LIMIT:
            self._mark(True)
            self.refused.emit(f"{self._what} cannot be “{typed}”; enter a number from -{LIMIT:g} to {LIMIT:g} (σ).")
            return
        self._mark(False)
        self._sigma = sigma
        self.setText(self._shown())
        self.entered.emit(sigma)

    def _put_back(self) -> None:
        self._invalid = False
        self._polish()
        self.setText(self._shown())

    def _mark(self, invalid: bool) -> None:
        if invalid != self._invalid:
            self._invalid = invalid
            self._polish()
            if not invalid:
                self.refused.emit("")

    def _polish(self) -> None:
        if self.property("invalid") != self._invalid:
            self.setProperty("invalid", self._invalid)
            self.style().polish(self)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leaving it enters what was typed; what cannot be taken is put back, its sentence stays."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self._on_return()
            if self._invalid:
                self._put_back()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down step; Escape puts the value back."""
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            step = STEP if key == Qt.Key.Key_Up else -STEP
            self.setValue(min(LIMIT, max(-LIMIT, round(self._sigma + step, 2))))
        elif key == Qt.Key.Key_Escape and self.text() != self._shown():
            self._put_back()
            self.refused.emit("")
        else:
            super().keyPressEvent(event)
