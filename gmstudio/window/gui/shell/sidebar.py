"""Sidebar at the left with a button for each panel."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.places import Place, place_key
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.style_property import set_style_property

WIDTH = 11 * GRID
ICON_SIZE = QSize(24, 24)
DENSE_HEIGHT = 28
"""Height of a button whose icon stands alone, close to the others."""
HELP = "help"


class Sidebar(QWidget):
    """Sidebar with one button for each place, and Help at the bottom.

    Icons stand alone where it is too low for words, and close to one another where it is too low for that.

    Args:
        places: entries of the panels, in their order.

    Signals:
        chosen: name of the panel, or ``help``.
    """

    chosen = Signal(str)

    def __init__(self, places: Sequence[Place], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(WIDTH)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QToolButton] = {}
        self._icons: dict[str, str] = {}
        self._worded_height = self._icon_height = 0
        self._dense = False
        self._style = Qt.ToolButtonStyle.ToolButtonTextUnderIcon
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GRID, 0, GRID)
        layout.setSpacing(0)
        for number, place in enumerate(places, start=1):
            key = place_key(number)
            tip = f"{place.tip} ({key})" if key else place.tip
            layout.addWidget(self._button(place.name, place.title, place.icon, tip))
        layout.addStretch()
        layout.addWidget(self._button(HELP, "Help", "help", "Keys of every panel, glossary and engine log (F1)"))
        theme().changed.connect(self._tint)
        self._tint()

    def minimumSizeHint(self) -> QSize:
        """Size with icons alone, close to one another."""
        return QSize(WIDTH, 2 * GRID + len(self._buttons) * DENSE_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the words out where they do not fit."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Measure the words again in another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._buttons:
            self._set_style(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            self._fit()

    def _fit(self) -> None:
        layout = self.layout()
        if layout is not None and self._style is Qt.ToolButtonStyle.ToolButtonTextUnderIcon:
            self._worded_height = layout.sizeHint().height()
        fits = self.height() >= self._worded_height
        self._set_style(Qt.ToolButtonStyle.ToolButtonTextUnderIcon if fits else Qt.ToolButtonStyle.ToolButtonIconOnly)
        if layout is not None and not fits:
            self._set_dense(self.height() < self._icon_height)

    def _set_style(self, style: Qt.ToolButtonStyle) -> None:
        if style is not self._style:
            self._style = style
            self._set_dense(False)
            for button in self._buttons.values():
                button.setToolButtonStyle(style)
            layout = self.layout()
            if layout is not None and style is Qt.ToolButtonStyle.ToolButtonIconOnly:
                self._icon_height = layout.sizeHint().height()

    def _set_dense(self, dense: bool) -> None:
        if dense != self._dense:
            self._dense = dense
            for button in self._buttons.values():
                set_style_property(button, "dense", dense)

    def show_chosen(self, name: str) -> None:
        """Mark the panel on display."""
        self._buttons[name].setChecked(True)

    def _button(self, name: str, title: str, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName(f"sidebar.{name}")
        button.setText(title)
        button.setAccessibleName(title)
        button.setToolTip(tip)
        button.setCheckable(True)
        button.setProperty("sidebar", True)
        button.setToolButtonStyle(self._style)
        button.setIconSize(ICON_SIZE)
        button.setFixedWidth(WIDTH - 1)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda: self.chosen.emit(name))
        self._group.addButton(button)
        self._buttons[name] = button
        self._icons[name] = icon
        return button

    def _tint(self) -> None:
        for name, button in self._buttons.items():
            button.setIcon(theme().icon(self._icons[name]))
