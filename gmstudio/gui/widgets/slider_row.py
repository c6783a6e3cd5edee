"""A row of the slider bank: label and measure (painted), slider, typed field and lock."""

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from gmstudio.gui.theme import theme
from gmstudio.gui.widgets.sigma_slider import SigmaField, SigmaSlider

ROW_PX = 32
LABEL_PX = 48
MEASURE_PX = 64
FIELD_PX = 56
LOCK_PX = 24
GAP = 8
BAR_PX = 3
COLLAPSED = "∅"
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def dim_label(symbol: str, dim: int) -> str:
    """A coordinate as it is written: ``z₃``."""
    return symbol + str(dim).translate(_SUBSCRIPTS)


def slider_span(width: int) -> tuple[int, int]:
    """Left edge and width of the slider in a row of this width."""
    left = LABEL_PX + MEASURE_PX + GAP
    return left, max(40, width - left - FIELD_PX - LOCK_PX - 3 * GAP)


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
    """One latent dimension.

    Args:
        dim: its number.
        symbol: of the code, for the label: ``z`` gives ``z₃``.
        prefix: of the object names: ``latents`` gives ``latents.slider.3``.

    Signals:
        moved: dimension and new value in σ, by slider or field.
        locked: dimension and whether it is to be locked.
        chosen: dimension that the user turned to.
        refused: why what was typed cannot be taken; "" when it is put right.
    """

    moved = Signal(int, float)
    locked = Signal(int, bool)
    chosen = Signal(int)
    refused = Signal(str)

    def __init__(self, dim: int, symbol: str, prefix: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.dim = dim
        self._label = dim_label(symbol, dim)
        self._current = False
        self._measure: tuple[str, float] | None = None
        self._faint = False
        self.slider = SigmaSlider(self)
        self.field = SigmaField(f"Dimension {dim}", self)
        self.lock = LockButton(self)
        self._name(prefix)
        self.slider.valueChanged.connect(self._on_slider)
        self.field.entered.connect(self._on_entered)
        self.field.refused.connect(self.refused)
        self.lock.clicked.connect(self._on_lock)
        self.slider.installEventFilter(self)
        self.field.installEventFilter(self)

    def _name(self, prefix: str) -> None:
        tips = {
            "slider": "Coordinate {} of the code, in σ of the prior; a double click goes to 0. A band behind it is the "
            "posterior of the encoded image, mean ± σ.",
            "value": "Coordinate {} of the code in σ, typed: -6 to 6.",
            "lock": "Keep dimension {} while randomizing, resetting, encoding or interpolating.",
        }
        names = (
            (self.slider, "slider", "Latent dimension {}"),
            (self.field, "value", "Value of latent dimension {}"),
            (self.lock, "lock", "Lock latent dimension {}"),
        )
        for widget, control, words in names:
            widget.setObjectName(f"{prefix}.{control}.{self.dim}")
            widget.setAccessibleName(words.format(self.dim))
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
            self.setToolTip(words)
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
        painter.drawText(QRect(10, 0, LABEL_PX - 10, self.height()), flags, label)
        if self._measure is None:
            return
        text, share = self._measure
        area = QRect(LABEL_PX, 0, MEASURE_PX - GAP, self.height() - BAR_PX - 3)
        painter.setPen(colors.color("muted"))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
        bar = QRectF(area.left(), self.height() - BAR_PX - 4, area.width(), BAR_PX)
        painter.fillRect(bar, colors.color("grid" if not self._current else "border"))
        bar.setLeft(bar.right() - bar.width() * share)
        painter.fillRect(bar, colors.series(0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put slider, field and lock in their columns."""
        left, width = slider_span(self.width())
        height = self.slider.sizeHint().height()
        self.slider.setGeometry(left, (self.height() - height) // 2, width, height)
        self.field.setGeometry(left + width + GAP, 4, FIELD_PX, self.height() - 8)
        self.lock.setGeometry(left + width + FIELD_PX + 2 * GAP, (self.height() - LOCK_PX) // 2, LOCK_PX, LOCK_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Turn to this dimension."""
        self.chosen.emit(self.dim)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """Turning to slider or field, with the pointer or the keys, is turning to the dimension."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.MouseButtonPress):
            self.chosen.emit(self.dim)
        return False

    def _on_slider(self, value: int) -> None:
        sigma = value / 100
        self.field.show_sigma(sigma)
        self.moved.emit(self.dim, sigma)

    def _on_entered(self, sigma: float) -> None:
        self.slider.show_sigma(sigma)
        self.moved.emit(self.dim, sigma)

    def _on_lock(self, checked: bool) -> None:
        self.locked.emit(self.dim, checked)
