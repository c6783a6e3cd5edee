"""A scene as widgets: rows of blocks, updated in place while their kinds stay the same."""

from typing import TypeAlias

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gmstudio.protocol.scenes import Scene
from gmstudio.window.gui.scenes.blocks import AnyBlock, TitledBlock, block_widget
from gmstudio.window.gui.theme import GRID

Shape: TypeAlias = tuple[tuple[type, ...], ...]


class SceneView(QScrollArea):
    """Scroll area with the rows of a scene."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # rows that come later move nothing
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Demonstration")
        self._page = QWidget()
        self._column = QVBoxLayout(self._page)
        self._column.setContentsMargins(0, 0, GRID, 0)
        self._column.setSpacing(2 * GRID)
        self._column.addStretch(1)
        self.setWidget(self._page)
        self._shape: Shape = ()
        self._rows: list[QWidget] = []
        self.blocks: list[list[AnyBlock]] = []

    def show_scene(self, scene: Scene | None) -> None:
        """Show a scene; None: none. Rows that stay of the same kinds keep their widgets."""
        rows = scene.rows if scene is not None else ()
        shape: Shape = tuple(tuple(type(block) for block in row) for row in rows)
        kept = 0
        while kept < min(len(shape), len(self._shape)) and shape[kept] == self._shape[kept]:
            kept += 1
        while len(self._rows) > kept:
            self.blocks.pop()
            self._rows.pop().deleteLater()
        for number in range(kept, len(rows)):
            self._add_row(number, [block_widget(block) for block in rows[number]])
        self._shape = shape
        for widgets, row in zip(self.blocks, rows, strict=True):
            for widget, block in zip(widgets, row, strict=True):
                widget.set_block(block)
        self._set_heights()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give pictures the height that belongs to their width."""
        super().resizeEvent(event)
        self._set_heights()

    def _add_row(self, number: int, widgets: list[AnyBlock]) -> None:
        row = QWidget(self._page)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * GRID)
        for widget in widgets:
            layout.addWidget(widget, 1, Qt.AlignmentFlag.AlignTop)
        self._column.insertWidget(number, row)
        row.show()
        self._rows.append(row)
        self.blocks.append(widgets)

    def _set_heights(self) -> None:
        room = self.viewport().width() - GRID
        for widgets in self.blocks:
            width = (room - 2 * GRID * (len(widgets) - 1)) // len(widgets)
            for widget in widgets:
                height = widget.height_for(width)
                if height and isinstance(widget, TitledBlock):
                    widget.content.setFixedHeight(height)
        # At once, and not when the scroll area gets to it: until then the new rows would squeeze those above.
        self._column.activate()
        needed = self._column.totalHeightForWidth(self._page.width())
        self._page.resize(self._page.width(), max(needed, self.viewport().height()))
