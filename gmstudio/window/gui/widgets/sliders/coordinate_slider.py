"""Slider and number field of one coordinate of a code, on one of three scales; cheap enough for hundreds of them."""

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

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.sliders.scale import SIGMA, SliderScale
from gmstudio.window.gui.widgets.style_property import set_style_property

RADIUS = 6
TRACK = 4
BAND_ALPHA = 110


class SigmaSlider(QAbstractSlider):
    """Horizontal slider on a scale, filled from 0 to its value; in σ it ranges from -3σ to 3σ in hundredths.

    The arrow keys step by 0.1σ, Page Up and Page Down by 1σ; 0 and a double click reset it to 0. The wheel moves it
    only while it has the focus, so that scrolling a list of sliders moves none of them. A typed value beyond its range
    is shown as an arrow at its end.

    Signals: those of ``QAbstractSlider``.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOrientation(Qt.Orientation.Horizontal)
        self._scale = SIGMA
        self._fit_scale()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self._sigma = 0.0
        self._band: tuple[float, float] | None = None
        self._grab = 0.0
        self.valueChanged.connect(self._on_value_changed)

    def set_scale(self, scale: SliderScale) -> None:
        """Change the scale; the coordinate stays."""
        if scale is not self._scale:
            self._scale = scale
            self.blockSignals(True)
            self._fit_scale()
            self.setValue(round(scale.tick(self._sigma)))
            self.blockSignals(False)
            self.update()

    @property
    def sigma(self) -> float:
        """Coordinate of the handle."""
        return self._sigma

    def show_sigma(self, sigma: float) -> None:
        """Set the value without a signal; it may be beyond the range."""
        if sigma != self._sigma:
            self._sigma = sigma
            self.blockSignals(True)
            self.setValue(round(self._scale.tick(sigma)))
            self.blockSignals(False)
            self.update()

    def set_band(self, band: tuple[float, float] | None) -> None:
        """Show a Gaussian behind the track, given by mean and standard deviation in σ; None: none."""
        if band != self._band:
            self._band = band
            self.update()

    def sizeHint(self) -> QSize:
        """Width at which tenths of σ can be set with the pointer."""
        return QSize(160, 2 * RADIUS + 8)

    def minimumSizeHint(self) -> QSize:
        """Smallest usable size."""
        return QSize(80, 2 * RADIUS + 8)

    # ---- where things are ----------------------------------------------------------------------------------------

    def _x(self, sigma: float) -> float:
        """X coordinate of the handle; at an end for a value beyond the range."""
        return self._x_of_tick(min(self._scale.high, max(self._scale.low, self._scale.tick(sigma))))

    def _x_of_tick(self, tick: float) -> float:
        free = self.width() - 2 * RADIUS - 4
        return RADIUS + 2 + (tick - self._scale.low) / (self._scale.high - self._scale.low) * free

    def _units_at(self, x: float) -> int:
        free = max(1, self.width() - 2 * RADIUS - 4)
        return round((x - RADIUS - 2) / free * (self._scale.high - self._scale.low) + self._scale.low)

    def _fit_scale(self) -> None:
        self.setRange(self._scale.low, self._scale.high)
        self.setSingleStep(self._scale.step)
        self.setPageStep(self._scale.page)

    def _on_value_changed(self, value: int) -> None:
        self._sigma = self._scale.value(value)

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint track, ticks at each σ, band, fill from 0, and handle."""
        colors = theme()
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            middle = self.height() / 2
            painter.setBrush(colors.color("border"))
            left, right = self._x_of_tick(self._scale.low), self._x_of_tick(self._scale.high)
            painter.drawRoundedRect(QRectF(left, middle - TRACK / 2, right - left, TRACK), TRACK / 2, TRACK / 2)
            for tick in self._scale.marks:
                reach = 5 if tick == self._scale.zero else 3
                painter.drawRect(QRectF(self._x_of_tick(tick) - 0.5, middle + TRACK / 2, 1, reach))
            self._paint_band(painter, middle)
            handle = self._x(self._sigma)
            active = colors.color("accent" if self.isEnabled() else "muted")
            low, high = sorted((self._x(0.0), handle))
            painter.setBrush(active)
            painter.drawRect(QRectF(low, middle - TRACK / 2, high - low, TRACK))
            self._paint_handle(painter, QPointF(handle, middle), active)

    def _paint_band(self, painter: QPainter, middle: float) -> None:
        if self._band is None:
            return
        mean, deviation = self._band
        color = theme().color("mark")
        low, high = (self._x(mean + side * deviation) for side in (-1, 1))
        faint = QColor(color)
        faint.setAlpha(BAND_ALPHA)
        painter.setBrush(faint)
        painter.drawRect(QRectF(low, middle - RADIUS, max(high - low, 1.0), 2 * RADIUS))
        if not self._scale.beyond(mean):
            painter.setBrush(color)
            painter.drawRect(QRectF(self._x(mean) - 1, middle - RADIUS - 2, 2, 2 * RADIUS + 4))

    def _paint_handle(self, painter: QPainter, at: QPointF, active: QColor) -> None:
        focused = self.hasFocus()
        painter.setPen(QPen(theme().color("text" if focused else "base"), 2 if focused else 1))
        painter.setBrush(active)
        side = self._scale.beyond(self._sigma)
        if side:
            corners = [QPointF(at.x() - side * RADIUS, at.y() + y) for y in (-RADIUS, RADIUS)]
            painter.drawPolygon(QPolygonF([*corners, QPointF(at.x() + side * (RADIUS + 1), at.y())]))
        else:
            painter.drawEllipse(at, RADIUS, RADIUS)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Grab the handle, or move it to the pointer."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        handle, x = self._x(self._sigma), event.position().x()
        self._grab = x - handle if abs(x - handle) <= RADIUS + 2 else 0.0
        self.setSliderDown(True)
        if not self._grab:
            self.setSliderPosition(self._units_at(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move the handle with the pointer."""
        if self.isSliderDown():
            self.setSliderPosition(self._units_at(event.position().x() - self._grab))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Release the handle."""
        self.setSliderDown(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Reset to 0."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setValue(self._scale.zero)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Move only with the focus; otherwise the list scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Reset to 0 by 0, Delete and Backspace."""
        if event.key() in (Qt.Key.Key_0, Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.setValue(self._scale.zero)
        else:
            super().keyPressEvent(event)


class SigmaField(QLineEdit):
    """Number field for a value on a scale, in σ from -6 to 6; Up and Down step by 0.1.

    An invalid value is reported and marked until it is edited; leaving the field, or Escape, restores the value.

    Args:
        title: name of the value in error texts, for example ``Dimension 3``.

    Signals:
        entered: the typed value.
        refused: error text with the typed text and the limits; "" when it was corrected.
    """

    entered = Signal(float)
    refused = Signal(str)

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self._scale = SIGMA
        self._sigma = 0.0
        self._invalid = False
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setText(self._shown())
        self.returnPressed.connect(self._on_return)
        self.textEdited.connect(lambda: self._mark(False))

    def set_scale(self, scale: SliderScale, title: str) -> None:
        """Change the scale and the name of the value; text being typed is discarded."""
        self._title = title
        if scale is not self._scale:
            self._scale = scale
            self.revert()

    def value(self) -> float:
        """Value on display, as a coordinate."""
        return self._sigma

    def setValue(self, sigma: float) -> None:
        """Enter a coordinate as if it were typed."""
        if self._scale.kind == "linear":
            self.setText(f"{sigma:g}")
            self._on_return()
        elif sigma != self._sigma:
            self._enter(sigma)

    def show_sigma(self, sigma: float) -> None:
        """Set the value without a signal; text being typed is kept."""
        if sigma != self._sigma:
            typing = self.text() != self._shown() and self.hasFocus()
            self._sigma = sigma
            if not typing:
                self.setText(self._shown())

    def _shown(self) -> str:
        return self._scale.format(self._sigma)

    def _on_return(self) -> None:
        if self.text() == self._shown():
            return
        try:
            sigma = self._scale.read(self.text())
        except ValueError as error:
            self._mark(True)
            self.refused.emit(f"{self._title}: {error} Enter {self._scale.limits}.")
            return
        self._mark(False)
        self._enter(sigma)

    def _enter(self, sigma: float) -> None:
        self._sigma = sigma
        self.setText(self._shown())
        self.entered.emit(sigma)

    def revert(self) -> None:
        """Discard the typed text and show the value."""
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
        set_style_property(self, "invalid", self._invalid)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Enter the typed text; an invalid one is discarded, its error text stays."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self._on_return()
            if self._invalid:
                self.revert()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step by Up and Down; restore the value by Escape."""
        key = event.key()
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.setValue(round(self._scale.stepped(self._sigma, 1 if key == Qt.Key.Key_Up else -1), 4))
        elif key == Qt.Key.Key_Escape and self.text() != self._shown():
            self.revert()
            self.refused.emit("")
        else:
            super().keyPressEvent(event)
