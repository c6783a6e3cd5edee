"""Blocks of curves and of bars."""

from PySide6.QtWidgets import QWidget

from gmstudio.protocol.scenes import Bars, Block, Curves
from gmstudio.window.gui.scenes.titled_block import Edits, TitledBlock, plot_height
from gmstudio.window.gui.widgets.plots.grouped_bars import GroupedBars
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine, PlotMark


class CurvesBlock(TitledBlock):
    """Lines over a common axis, with marks that can be dragged; the input of a mark is its place, (1,).

    Args:
        edits: takes the places of marks.
    """

    adjustable = True

    def __init__(self, edits: Edits, parent: QWidget | None = None) -> None:
        self.plot = LinePlot("", "")
        super().__init__(self.plot, parent)
        self._block: Curves | None = None
        self.plot.mark_moved.connect(lambda name, x: edits.send(name, [x]))

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Curves)
        if block == self._block:
            return
        self._block = block
        self.write(block.title, "")
        self.plot.set_titles(block.x_title, block.y_title)
        self.plot.set_axes(block.y_range, log_x=block.log_x, log_y=block.log_y)
        lines = tuple(PlotLine(line.name, line.x.numpy(), line.y.numpy()) for line in block.lines)
        self.plot.set_lines(lines, block.x_range)
        self.plot.set_marks([PlotMark(mark.x, mark.label, mark.name) for mark in block.marks])

    def confirm(self, name: str) -> None:
        """Return the mark of an input to its place."""
        self.plot.confirm_mark(name)

    def height_for(self, width: int, room: int) -> int:
        """Height of the plot."""
        return plot_height(room)


class BarsBlock(TitledBlock):
    """Groups of bars."""

    adjustable = True

    def __init__(self, parent: QWidget | None = None) -> None:
        self.bars = GroupedBars()
        super().__init__(self.bars, parent)

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Bars)
        self.write(block.title, "")
        self.bars.set_bars(block.labels, block.series, block.values.numpy(), block.top)

    def height_for(self, width: int, room: int) -> int:
        """Height of the plot."""
        return plot_height(room)
