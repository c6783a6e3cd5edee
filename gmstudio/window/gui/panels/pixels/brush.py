"""Painting controls of the Pixels panel: brush on or off, its size, undo, clear."""

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.state.pixels.strokes import BRUSHES
from gmstudio.window.state.pixels.tools import Painting, PixelTools

UNDO_TIP, CLEAR_TIP = "Remove the last stroke", "Remove all strokes"
NOTHING_PAINTED = "Nothing is painted."


class BrushControls(QWidget):
    """Controls of one painting on the image.

    Args:
        panel: gets the actions.
        tools: state that is changed.
        painting: order or mask.
        text: of the button that selects the brush.
        key: its shortcut.
        tip: its tooltip.
    """

    def __init__(self, panel: Panel, tools: PixelTools, painting: Painting, text: str, key: str, tip: str) -> None:
        super().__init__(panel)
        self._panel, self._tools, self._painting = panel, tools, painting
        self._reason = ""
        name = f"{painting}.brush"
        self._tip = f"{tip}: drag to paint, with the right button to erase; or arrow keys, Space and Backspace"
        self.paint = panel.add_action(
            painting + ".paint", text, key, self._on_paint, icon="brush", tip=self._tip, checkable=True
        )
        self.undo = panel.add_action(
            painting + ".undo", "Remove the last stroke", "", lambda: tools.undo(painting), icon="undo", tip=UNDO_TIP
        )
        self.clear = panel.add_action(
            painting + ".clear", "Clear", "", lambda: tools.clear(painting), icon="remove", tip=CLEAR_TIP
        )
        self.side = QComboBox()
        for size in BRUSHES:
            self.side.addItem(f"{size} px", size)
        panel.name_widget(self.side, name, "Brush size", "Side of the square brush, in pixels of the image.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        row.addWidget(panel.button(self.paint))
        label = QLabel("Brush")
        label.setBuddy(self.side)
        row.addWidget(label)
        row.addWidget(self.side)
        row.addWidget(panel.button(self.undo, icon_only=True))
        row.addWidget(panel.button(self.clear, icon_only=True))
        row.addStretch(1)
        self.side.currentIndexChanged.connect(lambda _index: tools.set_brush(self.side.currentData()))
        tools.changed.connect(self.refresh)
        self.refresh()

    def allow(self, reason: str) -> None:
        """Enable the brush; or disable it, and put it away, for a reason."""
        self._reason = reason
        self._panel.allow(self.paint, reason)
        if reason and self._tools.tool == self._painting:
            self._tools.set_tool("go")

    def refresh(self) -> None:
        """Show whether the brush is selected, its size, and whether strokes can be undone."""
        self.paint.blockSignals(True)
        self.paint.setChecked(self._tools.tool == self._painting)
        self.paint.blockSignals(False)
        self.side.blockSignals(True)
        self.side.setCurrentIndex(BRUSHES.index(self._tools.brush))
        self.side.blockSignals(False)
        nothing = "" if len(self._tools.strokes(self._painting)) else NOTHING_PAINTED
        self._panel.allow(self.undo, nothing)
        self._panel.allow(self.clear, nothing)

    def _on_paint(self, on: bool) -> None:
        self._tools.set_tool(self._painting if on else "go")
