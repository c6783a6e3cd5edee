"""A row of the slider bank: label and measure (painted), slider, typed field and lock."""

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.sliders.coordinate_slider import SigmaField, SigmaSlider
from gmstudio.window.gui.widgets.sliders.scale import SIGMA, SliderScale

ROW_PX = 32
LABEL_PX = 48
NAMED_PX = 104
"""Room for a label once a dimension has a name."""
MEASURE_PX = 64
FIELD_PX = 56
LOCK_PX = 24
GAP = 8
BAR_PX = 3
COLLAPSED = "∅"


def slider_span(width: int, label_px: int = LABEL_PX) -> tuple[int, int]:
    """Left edge and width of the slider in a row of this width whose label has that room."""
    left = label_px + MEASURE_PX + GAP
    return left, max(40, width - left - FIELD_PX - LOCK_PX - 3 * GAP)


def measure_text(value: float) -> str:
    """A measure in three decimals, a small one in more, so that it has two digits: ``1.741``, ``0.0078``."""
    decimals = 3 if value >= 0.0095 or value < 0.000005 else 4 if value >= 0.00095 else 5
    return f"{value:.{decimals}f}"


class LockButton(QAbstractButton):
    """A small padlock, open or closed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def sizeHint(self) -> QSize:
        """A square."""
        return QSize(LOCK_PX, LOCK_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The icon; a frame with the focus."""
        painter = QPainter(self)
        locked = self.isChecked()
        role = "accent" if locked else "text" if self.underMouse() or self.hasFocus() else "muted"
        theme().icon("lock" if locked else "unlock", role).paint(painter, self.rect().adjusted(4, 4, -4, -4))
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme().color("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)

    def event(self, event: QEvent) -> bool:
        """Keep Space, which presses it, from the panel's shortcuts."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        ):
            event.accept()
            return True
        return super().event(event)

    def enterEvent(self, event: QEvent) -> None:
        """Brighten."""
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Fade."""
        self.update()


class SliderRow(QWidget):
    """One latent dimension; which one can be changed.

    Args:
        prefix: of the object names: ``latents`` gives ``latents.slider.3``.

    Signals:
        moved: dimension and new coordinate, by slider or field.
        locked: dimension and whether it is to be locked.
        chosen: dimension that the user turned to.
        refused: why what was typed cannot be taken; "" when it is put right.
        rename_wanted: dimension whose label was double-clicked.
    """

    moved = Signal(int, float)
    locked = Signal(int, bool)
    chosen = Signal(int)
    refused = Signal(str)
    rename_wanted = Signal(int)

    def __init__(self, prefix: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.dim = -1
        self._prefix = prefix
        self._scale = SIGMA
        self._label = self._full = ""
        self._label_px = LABEL_PX
        self._current = False
        self._measure: tuple[str, float] | None = None
        self._faint = False
        self.slider = SigmaSlider(self)
        self.field = SigmaField("", self)
        self.lock = LockButton(self)
        self.slider.valueChanged.connect(self._on_slider)
        self.field.entered.connect(self._on_entered)
        self.field.refused.connect(self.refused)
        self.lock.clicked.connect(self._on_lock)
        self.slider.installEventFilter(self)
        self.field.installEventFilter(self)

    def bind(self, dim: int, label: str, full: str, scale: SliderScale, words: str, label_px: int) -> None:
        """Be the row of this dimension.

        Args:
            dim: its number; -1: of none, out of map_view.
            label: what it is called, in short.
            full: the same with its number.
            scale: of its slider and field.
            words: the unit, for tooltips: ``in σ of the prior``.
            label_px: room for the label.
        """
        if (dim, full, scale, label_px) == (self.dim, self._full, self._scale, self._label_px):
            return
        if dim != self.dim:
            self.field.put_back()
        self.dim, self._label, self._full, self._scale = dim, label, full, scale
        self._name(words)
        self.slider.set_scale(scale)
        self.field.set_scale(scale, f"Dimension {dim}")
        if label_px != self._label_px:
            self._label_px = label_px
            self._place()
        self.update()

    def _name(self, words: str) -> None:
        limits = self._scale.limits
        named = f"{self._full}: c" if self._full != self._label else "C"
        tips = {
            "slider": f"{named}oordinate {{}} of the code, {words}; a double click goes to 0. A band behind it is the "
            "posterior of the encoded image, mean ± σ. F2 names the dimension.",
            "value": f"{named}oordinate {{}} of the code, typed: {limits}.",
            "lock": "Keep dimension {} while randomizing, resetting, encoding or interpolating.",
        }
        names = (
            (self.slider, "slider", "Latent dimension {}"),
            (self.field, "value", "Value of latent dimension {}"),
            (self.lock, "lock", "Lock latent dimension {}"),
        )
        for widget, control, accessible in names:
            widget.setObjectName(f"{self._prefix}.{control}.{self.dim}" if self.dim >= 0 else "")
            widget.setAccessibleName(accessible.format(self.dim) + (f", {self._label}" if named.endswith("c") else ""))
            widget.setToolTip(tips[control].format(self.dim))

    # ---- what it shows -----------------------------------------------------------------------------------------

    def show_sigma(self, sigma: float) -> None:
        """Show a value in σ."""
        self.slider.show_sigma(sigma)
        self.field.show_sigma(sigma)

    def show_locked(self, locked: bool) -> None:
        """Show whether it is locked; a locked one cannot be moved by hand."""
        self.lock.setChecked(locked)
        self.slider.setEnabled(not locked)
        self.field.setEnabled(not locked)

    def set_current(self, current: bool) -> None:
        """Mark it as the one that is looked along."""
        if current != self._current:
            self._current = current
            self.update()

    def set_measure(self, text: str, share: float, *, faint: bool) -> None:
        """Show a number and a bar.

        Args:
            text: the number; "": neither.
            share: length of the bar, 0 … 1.
            faint: it does not matter; painted muted and marked ``∅``.
        """
        measure = (text, min(1.0, max(0.0, share))) if text else None
        if faint != self._faint:
            words = f"Dimension {self.dim} is collapsed: the code tells nothing there." if faint else ""
            self.slider.setAccessibleDescription(words)
        if (measure, faint) != (self._measure, self._faint):
            self._measure, self._faint = measure, faint
            self.update()

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Background of the current one, label, measure."""
        colors = theme()
        painter = QPainter(self)
        if self._current:
            painter.fillRect(self.rect(), colors.color("raised"))
            painter.fillRect(QRect(0, 0, 3, self.height()), colors.color("accent"))
        painter.setPen(colors.color("muted" if self._faint else "text"))
        label = f"{self._label} {COLLAPSED}" if self._faint else self._label
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        room = QRect(10, 0, self._label_px - 10, self.height())
        painter.drawText(room, flags, self.fontMetrics().elidedText(label, Qt.TextElideMode.ElideRight, room.width()))
        if self._measure is None:
            return
        text, share = self._measure
        area = QRect(self._label_px, 0, MEASURE_PX - GAP, self.height() - BAR_PX - 3)
        painter.setPen(colors.color("muted"))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
        bar = QRectF(area.left(), self.height() - BAR_PX - 4, area.width(), BAR_PX)
        painter.fillRect(bar, colors.color("grid" if not self._current else "border"))
        bar.setLeft(bar.right() - bar.width() * share)
        painter.fillRect(bar, colors.series(0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put slider, field and lock in their columns."""
        self._place()

    def _place(self) -> None:
        left, width = slider_span(self.width(), self._label_px)
        height = self.slider.sizeHint().height()
        self.slider.setGeometry(left, (self.height() - height) // 2, width, height)
        self.field.setGeometry(left + width + GAP, 4, FIELD_PX, self.height() - 8)
        self.lock.setGeometry(left + width + FIELD_PX + 2 * GAP, (self.height() - LOCK_PX) // 2, LOCK_PX, LOCK_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Turn to this dimension."""
        self.chosen.emit(self.dim)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Name it."""
        if event.position().x() < self._label_px + MEASURE_PX:
            self.rename_wanted.emit(self.dim)

    def event(self, event: QEvent) -> bool:
        """Tell on hovering what the label has no room for."""
        if event.type() == QEvent.Type.ToolTip:
            collapsed = f" Dimension {self.dim} is collapsed: the code tells nothing there." if self._faint else ""
            self.setToolTip(f"{self._full}. Double-click, or F2, names it.{collapsed}")
        return super().event(event)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Turning to slider or field, with the pointer or the keys, is turning to the dimension."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.MouseButtonPress):
            self.chosen.emit(self.dim)
        return False

    def _on_slider(self, value: int) -> None:
        sigma = self._scale.value(value)
        self.field.show_sigma(sigma)
        self.moved.emit(self.dim, sigma)

    def _on_entered(self, sigma: float) -> None:
        self.slider.show_sigma(sigma)
        self.moved.emit(self.dim, sigma)

    def _on_lock(self, checked: bool) -> None:
        self.locked.emit(self.dim, checked)
