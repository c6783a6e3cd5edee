"""Widgets of the blocks of a scene; each is updated in place while the scene keeps its shape."""

from typing import assert_never

from gmstudio.protocol.scenes import (
    Bars,
    Block,
    Curves,
    Formula,
    Maps,
    Numbers,
    Pictures,
    Plane,
    Sentence,
    Table,
)
from gmstudio.window.gui.scenes.picture_blocks import MapsBlock, PicturesBlock
from gmstudio.window.gui.scenes.plane_block import PlaneBlock
from gmstudio.window.gui.scenes.plot_blocks import BarsBlock, CurvesBlock
from gmstudio.window.gui.scenes.table_block import TableBlock
from gmstudio.window.gui.scenes.text_blocks import FormulaBlock, NumbersBlock, SentenceBlock
from gmstudio.window.gui.scenes.titled_block import Edits

AnyBlock = (
    PicturesBlock
    | MapsBlock
    | CurvesBlock
    | BarsBlock
    | NumbersBlock
    | SentenceBlock
    | FormulaBlock
    | TableBlock
    | PlaneBlock
)


def block_widget(block: Block, edits: Edits) -> AnyBlock:
    """Create the widget for a block, without its content.

    Args:
        block: what it will show.
        edits: takes what the user edits.
    """
    match block:
        case Pictures():
            return PicturesBlock()
        case Maps():
            return MapsBlock()
        case Curves():
            return CurvesBlock(edits)
        case Bars():
            return BarsBlock()
        case Numbers():
            return NumbersBlock()
        case Sentence():
            return SentenceBlock()
        case Formula():
            return FormulaBlock()
        case Table():
            return TableBlock(edits)
        case Plane():
            return PlaneBlock(edits)
        case _:
            assert_never(block)
