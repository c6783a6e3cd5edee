"""Theme: colours by role, curve colours, tinted icons and the style sheet, dark or light.

Widgets read colours from ``theme()`` when they paint, and read stored ones again when ``changed`` is emitted. Colours
are defined nowhere else.
"""

from functools import cache
from string import Template
from typing import Literal
from weakref import WeakSet

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget
from shiboken6 import isValid

from gmstudio.system.resources import resource_path
from gmstudio.window.gui.memory_files import MemoryFiles

Mode = Literal["system", "dark", "light"]
MODES: tuple[Mode, ...] = ("system", "dark", "light")
GRID = 8
"""Pixels of the layout grid: margins and gaps are multiples of it, or half of it."""
ICON_SIZES = (16, 20, 24, 32, 48, 64)

_DARK = {
    "window": "#1e2024",
    "base": "#16181b",
    "raised": "#2a2d33",
    "border": "#3d424b",
    "text": "#e6e8eb",
    "muted": "#a0a7b2",
    "accent": "#58a6f0",
    "accent_text": "#0d1a29",
    "warning": "#e9b44c",
    "error": "#f47c7c",
    "good": "#5fc98f",
    "grid": "#31353c",
    "mark": "#ffb224",
}
_LIGHT = {
    "window": "#f3f4f6",
    "base": "#ffffff",
    "raised": "#e6e8ec",
    "border": "#c8cdd5",
    "text": "#1b1f24",
    "muted": "#59616d",
    "accent": "#1a67c4",
    "accent_text": "#ffffff",
    "warning": "#8a5a00",
    "error": "#b92f2f",
    "good": "#18743f",
    "grid": "#dfe2e7",
    "mark": "#e05600",
}
ROLES = tuple(_DARK)
_SHEET_ICONS = {"up": "muted", "down": "muted", "left": "muted", "right": "muted", "check": "accent_text"}
"""Icons that the style sheet loads as files, and their colour roles."""

# After Okabe and Ito's palette for colour-blind readers (2008), lightened or darkened to stand on the background.
_SERIES_DARK = ("#56b4e9", "#e69f00", "#35c39a", "#e07fb0", "#f0e442", "#ff7f45", "#a49bff", "#c9ced6")
_SERIES_LIGHT = ("#0072b2", "#c96a00", "#00805d", "#b8467f", "#7d7200", "#d03a00", "#5b4fc9", "#4b525c")


class Theme(QObject):
    """Colours and icons of the application, and the style sheet of its windows.

    Signals:
        changed: the colours changed; widgets read them again.
    """

    changed = Signal()

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._mode: Mode = "system"
        self._icons: dict[tuple[str, str], QIcon] = {}
        self._files: dict[bool, MemoryFiles] = {}
        self._sheet = ""
        self._styled = WeakSet[QWidget]()
        self.dark = False
        app.setStyle(QStyleFactory.create("Fusion"))
        app.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        self._read_scheme()
        self._apply()

    @property
    def mode(self) -> Mode:
        """Mode chosen by the user: ``system``, ``dark`` or ``light``."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Choose the mode: follow the system, dark or light."""
        self._mode = mode
        before = self.dark
        self._read_scheme()
        if self.dark != before:
            self._apply()
            self.changed.emit()

    def color(self, role: str) -> QColor:
        """Colour of a role, one of ``ROLES``."""
        return QColor(self._colors[role])

    def series(self, index: int) -> QColor:
        """Colour of curve ``index``, distinct for colour-blind readers; repeats after eight."""
        colors = _SERIES_DARK if self.dark else _SERIES_LIGHT
        return QColor(colors[index % len(colors)])

    def icon(self, name: str, role: str = "text") -> QIcon:
        """Icon ``resources/icons/<name>.svg`` in the colour of a role.

        Raises:
            FileNotFoundError: when there is no such icon.
        """
        key = (name, self._colors[role])
        if key not in self._icons:
            self._icons[key] = self._tinted(name, role)
        return self._icons[key]

    def style_window(self, window: QWidget) -> None:
        """Give a window the style sheet, now and whenever the colours change; what has it as an ancestor looks alike.

        It is not the application's, since Qt then styles all that is in a widget anew each time that the widget gets
        another parent, and a panel, which is put together from its parts, took three times as long to be built.
        """
        self._styled.add(window)
        window.setStyleSheet(self._sheet)

    @property
    def _colors(self) -> dict[str, str]:
        return _DARK if self.dark else _LIGHT

    def _read_scheme(self) -> None:
        if self._mode == "system":
            self.dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        else:
            self.dark = self._mode == "dark"

    def _on_system_changed(self) -> None:
        self.set_mode(self._mode)

    def _apply(self) -> None:
        self._app.setPalette(self._palette())
        sheet = resource_path("style.qss").read_text(encoding="utf-8")
        if self.dark not in self._files:  # Qt keeps pictures by their path, so each scheme has files of its own
            drawings = {f"{name}.svg": self._tinted_drawing(name, role) for name, role in _SHEET_ICONS.items()}
            self._files[self.dark] = MemoryFiles(drawings)
        icons = {name: self._files[self.dark].path(f"{name}.svg") for name in _SHEET_ICONS}
        self._sheet = Template(sheet).substitute(self._colors, **icons)
        for window in self._styled:
            if isValid(window):
                window.setStyleSheet(self._sheet)

    def _palette(self) -> QPalette:
        palette = QPalette()
        roles = {
            QPalette.ColorRole.Window: "window",
            QPalette.ColorRole.WindowText: "text",
            QPalette.ColorRole.Base: "base",
            QPalette.ColorRole.AlternateBase: "raised",
            QPalette.ColorRole.Text: "text",
            QPalette.ColorRole.PlaceholderText: "muted",
            QPalette.ColorRole.Button: "raised",
            QPalette.ColorRole.ButtonText: "text",
            QPalette.ColorRole.BrightText: "error",
            QPalette.ColorRole.Highlight: "accent",
            QPalette.ColorRole.HighlightedText: "accent_text",
            QPalette.ColorRole.Accent: "accent",
            QPalette.ColorRole.Link: "accent",
            QPalette.ColorRole.ToolTipBase: "raised",
            QPalette.ColorRole.ToolTipText: "text",
        }
        for palette_role, role in roles.items():
            palette.setColor(palette_role, self.color(role))
        for palette_role in (
            QPalette.ColorRole.WindowText,
            QPalette.ColorRole.Text,
            QPalette.ColorRole.ButtonText,
            QPalette.ColorRole.HighlightedText,
        ):
            palette.setColor(QPalette.ColorGroup.Disabled, palette_role, self.blend("muted", "window", 0.45))
        palette.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Highlight, self.color("border"))
        return palette

    def blend(self, role: str, other: str, share: float) -> QColor:
        """Blend the colours of two roles; ``share`` (0 … 1) is the weight of the second."""
        a, b = self.color(role), self.color(other)
        return QColor.fromRgbF(
            a.redF() * (1 - share) + b.redF() * share,
            a.greenF() * (1 - share) + b.greenF() * share,
            a.blueF() * (1 - share) + b.blueF() * share,
        )

    def _tinted_drawing(self, name: str, role: str) -> bytes:
        """SVG of an icon in the colour of a role."""
        return _drawing(name).replace("currentColor", self._colors[role]).encode()

    def _tinted(self, name: str, role: str) -> QIcon:
        drawing = _drawing(name)
        icon = QIcon()
        disabled = self.blend("muted", "window", 0.5)
        colors = {
            QIcon.Mode.Normal: self.color(role),
            QIcon.Mode.Disabled: disabled,
            QIcon.Mode.Selected: self.color("accent_text"),  # in a selected row, which has the accent's colour
        }
        for mode, color in colors.items():
            renderer = QSvgRenderer(QByteArray(drawing.replace("currentColor", color.name()).encode()))
            for size in ICON_SIZES:
                pixmap = QPixmap(QSize(size, size))
                pixmap.fill(Qt.GlobalColor.transparent)
                painter = QPainter(pixmap)
                renderer.render(painter, QRectF(0, 0, size, size))
                painter.end()
                icon.addPixmap(pixmap, mode)
        return icon


def icon_names() -> list[str]:
    """Names of all icons."""
    return sorted(path.stem for path in resource_path("icons").glob("*.svg"))


def _drawing(name: str) -> str:
    return resource_path(f"icons/{name}.svg").read_text(encoding="utf-8")


def theme() -> Theme:
    """Theme of the running application; created, and its palette set, at the first call."""
    app = QApplication.instance()
    assert isinstance(app, QApplication), "the theme needs a QApplication"
    return _theme_of(app)


@cache
def _theme_of(app: QApplication) -> Theme:
    return Theme(app)
