"""A scene as widgets: rows of blocks, updated in place while their kinds stay the same."""

from functools import partial
from typing import TypeAlias

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gmstudio.protocol.scenes import Scene
from gmstudio.window.gui.scenes.blocks import AnyBlock, block_widget
from gmstudio.window.gui.scenes.row_grip import RowGrip
from gmstudio.window.gui.scenes.table_block import TableBlock
from gmstudio.window.gui.scenes.titled_block import Edits, TitledBlock
from gmstudio.window.gui.theme import GRID

LEAST_HEIGHT, MOST_HEIGHT = 100, 1200
"""Limits of a height that the user drags."""
BLOCKS = "scene.blocks"
Shape: TypeAlias = tuple[tuple[type, ...], ...]


class SceneView(QScrollArea):
    """Scroll area with the rows of a scene.

    Rows that keep their kinds of blocks keep their widgets, their heights and what is dragged in them. Plots and
    planes of a row have one height, which a grip below them changes.

    Args:
        words: what the scene is, for screen readers.

    Signals:
        input_edited: name of an input and its numbers, float64: handles (N, 2), a guide or mark (1,), a table (R, C), a
            click (2,). While something is dragged, at each move.
    """

    input_edited = Signal(str, object)

    def __init__(self, parent: QWidget | None = None, words: str = "Demonstration") -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # rows that come later move nothing
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(words)
        self._page = QWidget()
        self._column = QVBoxLayout(self._page)
        self._column.setContentsMargins(0, 0, GRID, 0)
        self._column.setSpacing(2 * GRID)
        self._column.addStretch(1)
        self.setWidget(self._page)
        self._shape: Shape = ()
        self._rows: list[QWidget] = []
        self._edits: list[Edits] = []
        self._dragged: dict[int, int] = {}
        self.blocks: list[list[AnyBlock]] = []

    def show_scene(self, scene: Scene | None) -> None:
        """Show a scene; None: none. Rows that stay of the same kinds keep their widgets."""
        rows = scene.rows if scene is not None else ()
        shape: Shape = tuple(tuple(type(block) for block in row) for row in rows)
        kept = 0
        while kept < min(len(shape), len(self._shape)) and shape[kept] == self._shape[kept]:
            kept += 1
        if not kept:
            self.verticalScrollBar().setValue(0)  # another scene, of which the first row is the answer
        while len(self._rows) > kept:
            self.blocks.pop()
            self._edits.pop().blockSignals(True)  # a cell that loses the focus now belongs to the scene before
            self._rows.pop().deleteLater()
            self._dragged.pop(len(self._rows), None)
        for number in range(kept, len(rows)):
            edits = Edits()
            self._add_row(number, edits, [block_widget(block, edits) for block in rows[number]])
        self._shape = shape
        for widgets, row in zip(self.blocks, rows, strict=True):
            for widget, block in zip(widgets, row, strict=True):
                widget.set_block(block)
        self._share_widths()
        self._set_heights()

    def confirm(self, name: str) -> None:
        """Take the scene as the answer to the last edit of an input: what was refused or undone returns."""
        for row in self.blocks:
            for widget in row:
                if isinstance(widget, TitledBlock):
                    widget.confirm(name)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give pictures and planes the height that belongs to their width."""
        super().resizeEvent(event)
        self._share_widths()
        self._set_heights()

    def _add_row(self, number: int, edits: Edits, widgets: list[AnyBlock]) -> None:
        row = QWidget(self._page)
        edits.setParent(row)
        edits.edited.connect(self.input_edited)
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        blocks = QHBoxLayout()
        blocks.setObjectName(BLOCKS)
        blocks.setSpacing(2 * GRID)
        for place, widget in enumerate(widgets):
            widget.setObjectName(f"scene.{number}.{place}")
            blocks.addWidget(widget, 1, Qt.AlignmentFlag.AlignTop)
        column.addLayout(blocks)
        if any(widget.adjustable for widget in widgets):
            grip = RowGrip(row)
            grip.setObjectName(f"scene.grip.{number}")
            grip.dragged.connect(partial(self._drag, number))
            grip.reset.connect(partial(self._reset, number))
            column.addWidget(grip)
        self._column.insertWidget(number, row)
        row.show()
        self._rows.append(row)
        self._edits.append(edits)
        self.blocks.append(widgets)

    def _share_widths(self) -> None:
        """Give the tables of a row that has nothing else the widths that they need, below one another without room."""
        room = self.viewport().width() - GRID
        for row, widgets in zip(self._rows, self.blocks, strict=True):
            tables = [widget.table for widget in widgets if isinstance(widget, TableBlock)]
            layout = row.findChild(QBoxLayout, BLOCKS)
            if len(tables) == len(widgets) > 1 and layout is not None:
                needed = sum(table.full_width() for table in tables) + 2 * GRID * (len(tables) - 1)
                directions = QBoxLayout.Direction
                layout.setDirection(directions.LeftToRight if needed <= room else directions.TopToBottom)
                for place, table in enumerate(tables):
                    layout.setStretch(place, table.full_width() if needed <= room else 0)

    def _drag(self, number: int, pixels: int) -> None:
        heights = [widget.content.height() for widget in self._adjustable(number)]
        self._dragged[number] = min(max(max(heights) + pixels, LEAST_HEIGHT), MOST_HEIGHT)
        self._set_heights()

    def _reset(self, number: int) -> None:
        self._dragged.pop(number, None)
        self._set_heights()

    def _adjustable(self, number: int) -> list[TitledBlock]:
        return [w for w in self.blocks[number] if isinstance(w, TitledBlock) and w.adjustable]

    def _set_heights(self) -> None:
        room = self.viewport().width() - GRID
        for number, widgets in enumerate(self.blocks):
            width = (room - 2 * GRID * (len(widgets) - 1)) // len(widgets)
            heights = [widget.height_for(width, self.viewport().height()) for widget in widgets]
            common = [height for widget, height in zip(widgets, heights, strict=True) if widget.adjustable]
            for widget, height in zip(widgets, heights, strict=True):
                needed = self._dragged.get(number, max(common)) if widget.adjustable else height
                if needed and isinstance(widget, TitledBlock):
                    widget.content.setFixedHeight(needed)
        # At once, and not when the scroll area gets to it: until then the new rows would squeeze those above.
        self._column.activate()
        needed = self._column.totalHeightForWidth(self._page.width())
        height = max(needed, self.viewport().height())
        if self._page.height() != height:
            self._page.resize(self._page.width(), height)
