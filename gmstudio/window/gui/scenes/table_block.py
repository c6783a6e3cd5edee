"""Block of a table of numbers; one that can be edited is an input, (R, C)."""

from PySide6.QtWidgets import QWidget

from gmstudio.protocol.scenes import Block, Table
from gmstudio.window.gui.scenes.titled_block import Edits, TitledBlock
from gmstudio.window.gui.widgets.number_table import NumberTable


class TableBlock(TitledBlock):
    """Table of numbers.

    Args:
        edits: takes the numbers.
    """

    def __init__(self, edits: Edits, parent: QWidget | None = None) -> None:
        self.table = NumberTable()
        super().__init__(self.table, parent)
        self._name = ""
        self.table.edited.connect(lambda values: edits.send(self._name, values))

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Table)
        self._name = block.name
        self.write(block.title, block.note)
        if self.table.numbers.editable != bool(block.name):
            self.table.set_editable(bool(block.name))
        self.table.set_numbers(block.columns, block.rows, block.values.numpy(), block.format, block.highlighted)

    def height_for(self, width: int, room: int) -> int:
        """All rows, up to a limit."""
        return self.table.full_height()
