"""Button that shows the brush colour and opens a menu of shades or colours."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QColorDialog, QMenu, QToolButton, QWidget

from gmstudio.window.gui.theme import theme

BrushColour = NDArray[np.float64]
ICON_PX = 16
SHADES: tuple[tuple[str, str], ...] = (
    ("white", "#ffffff"),
    ("75 %", "#bfbfbf"),
    ("50 %", "#808080"),
    ("25 %", "#404040"),
    ("black", "#000000"),
)
COLOURS: tuple[tuple[str, str], ...] = (
    ("white", "#ffffff"),
    ("grey", "#808080"),
    ("black", "#000000"),
    ("red", "#e02020"),
    ("orange", "#f08010"),
    ("yellow", "#f0e020"),
    ("green", "#20a020"),
    ("cyan", "#20c0d0"),
    ("blue", "#2040e0"),
    ("magenta", "#c030c0"),
    ("brown", "#804010"),
)


class BrushColourButton(QToolButton):
    """Button with a menu of shades or colours, and a dialog for any other colour; none of it is modal.

    Signals:
        chosen: the brush colour, (3,) float64, red, green and blue, 0 … 1.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._color = QColor("#ffffff")
        self._kinds: tuple[tuple[str, str], ...] = ()
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.setIconSize(QSize(ICON_PX, ICON_PX))
        self.setMenu(QMenu(self))
        theme().changed.connect(self._fill)
        self.set_channels(1)

    @property
    def brush_colour(self) -> BrushColour:
        """Brush colour, (3,) float64, red, green and blue, 0 … 1."""
        return np.array([self._color.redF(), self._color.greenF(), self._color.blueF()]).round(6)

    def set_channels(self, channels: int) -> None:
        """Offer shades for grey images (1) or colours for RGB (3); a chosen colour becomes white for grey."""
        kinds = SHADES if channels == 1 else COLOURS
        if kinds is self._kinds:
            return
        self._kinds = kinds
        self._fill()
        if channels == 1 and len(set(self.brush_colour.tolist())) > 1:
            self.choose(QColor("#ffffff"))

    def choose(self, color: QColor) -> None:
        """Set the brush colour."""
        if color.isValid() and color != self._color:
            self._color = color
            self._fill()
            self.chosen.emit(self.brush_colour)

    def _fill(self) -> None:
        menu = self.menu()
        menu.clear()
        for name, code in self._kinds:
            action = QAction(_swatch(QColor(code)), name, menu)
            action.setCheckable(True)
            action.setChecked(QColor(code) == self._color)
            action.triggered.connect(lambda _checked=False, code=code: self.choose(QColor(code)))
            menu.addAction(action)
        menu.addSeparator()
        other = menu.addAction("Other …")
        other.triggered.connect(lambda _checked=False: self._ask())
        self.setIcon(_swatch(self._color))

    def _ask(self) -> None:
        """Open a non-modal dialog; the brush takes its colour as it changes."""
        dialog = QColorDialog(self._color, self)
        dialog.setObjectName("ink_dialog")
        dialog.setWindowTitle("Brush colour")
        dialog.setOption(QColorDialog.ColorDialogOption.NoButtons)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setModal(False)
        dialog.currentColorChanged.connect(self.choose)
        dialog.show()


def _swatch(color: QColor) -> QIcon:
    picture = QPixmap(ICON_PX, ICON_PX)
    picture.fill(color)
    painter = QPainter(picture)
    painter.setPen(QPen(theme().color("muted"), 1))
    painter.drawRect(0, 0, ICON_PX - 1, ICON_PX - 1)
    painter.end()
    return QIcon(picture)
