"""Places of the nodes of the drawn tree: branches in columns from left to right, families as tiles at the right.

Each group of families stands beside its branch, in one or two columns of tiles. The tree fills its height: tiles are
as high as fits, within limits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize

from gmstudio.window.state.atlas.taxonomy import Node, Path, Taxonomy

MAX_TILE = 64
MAX_TILE_WIDTH = 200
TILE_GAP = 2
TWO_COLUMNS = 2
MIN_TWO = 200
"""Width of a tile from which there are two columns."""


@dataclass(frozen=True)
class Spacing:
    """Distances in the tree, pixels.

    Args:
        margin: around the tree.
        across: between two columns, for the lines.
        between: between two groups.
        beside: above the group beside the tree, for its dividing line.
        least_tile: smallest height of a tile.
    """

    margin: int = 8
    across: int = 14
    between: int = 6
    beside: int = 18
    least_tile: int = 19


WIDE = Spacing()
TIGHT = Spacing(margin=4, across=11, between=3, beside=12, least_tile=16)
"""In a small window."""


@dataclass(frozen=True)
class Placement:
    """Where the nodes stand.

    Args:
        rects: path → rectangle.
        tile: height of a tile.
        divider: height of the line above what stands beside the tree.
    """

    rects: Mapping[Path, QRectF]
    tile: float
    divider: float


def place(tree: Taxonomy, size: QSize, box: Callable[[Node], QSize], spacing: Spacing = WIDE) -> Placement:
    """Place all nodes.

    Args:
        tree: the taxonomy.
        size: of the widget.
        box: gives the size that a branch's box needs.
        spacing: distances.
    """
    return _Placer(tree, size, box, spacing).place()


class _Placer:
    """Computation of one placement."""

    def __init__(self, tree: Taxonomy, size: QSize, box: Callable[[Node], QSize], spacing: Spacing) -> None:
        self._tree, self._size, self._spacing = tree, size, spacing
        branches = [node for node in tree.nodes if node.entry is None]
        self._boxes = {node.path: box(node) for node in branches}
        self._deepest = max(len(node.path) for node in branches)
        self._columns = [
            max((self._boxes[n.path].width() for n in branches if self._column(n) == depth), default=0)
            for depth in range(self._deepest + 1)
        ]
        self._box_height = max(hint.height() for hint in self._boxes.values())
        self._left = [float(spacing.margin)]
        for width in self._columns:
            self._left.append(self._left[-1] + width + spacing.across)
        self._groups = [node for node in branches if any(child.entry is not None for child in node.children)]
        self._empty = [node for node in branches if not node.children]
        room = size.width() - spacing.margin - self._left[-1]
        self._tile_columns = TWO_COLUMNS if room >= TWO_COLUMNS * MIN_TWO + TILE_GAP else 1
        widest = MAX_TILE_WIDTH if self._tile_columns == 1 else room
        self._tile_width = min((room - TILE_GAP * (self._tile_columns - 1)) / self._tile_columns, widest)
        self._rects: dict[Path, QRectF] = {}

    def _column(self, node: Node) -> int:
        """Column of a branch: the last one where families hang on it, else by its depth."""
        if node is self._tree.beside or (node.path and not any(child.entry is None for child in node.children)):
            return self._deepest
        return len(node.path)

    def _rows(self, node: Node) -> int:
        """Rows of tiles of a branch; 0: none."""
        count = sum(child.entry is not None for child in node.children)
        return -(-count // self._tile_columns)

    def place(self) -> Placement:
        ends = [node for node in self._tree.nodes if node in self._groups or node in self._empty]
        space = self._spacing
        gaps = 2 * space.margin + space.between * (len(ends) - 1) + space.beside
        tile = float(space.least_tile)
        for larger in range(MAX_TILE, space.least_tile - 1, -1):  # the largest tiles whose groups fit
            if sum(self._height(node, larger) for node in ends) + gaps <= self._size.height():
                tile = float(larger)
                break
        used = sum(self._height(node, tile) for node in ends) + gaps
        spare = max(0.0, self._size.height() - used) / max(1, len(ends))
        divider = 0.0
        top = space.margin + spare / 2
        for node in ends:
            if node is self._tree.beside:
                divider = top + (space.beside - space.between) / 2
                top += space.beside
            height = self._height(node, tile)
            self._place_group(node, top, height, tile)
            top += height + space.between + spare
        self._place_above(self._tree.root)
        return Placement(self._rects, tile, divider)

    def _height(self, node: Node, tile: float) -> float:
        return max(self._rows(node) * (tile + TILE_GAP) - TILE_GAP, float(self._box_height))

    def _place_group(self, node: Node, top: float, height: float, tile: float) -> None:
        self._place_box(node, top + height / 2)
        leaves = [child for child in node.children if child.entry is not None]
        rows = self._rows(node)
        first = top + (height - rows * (tile + TILE_GAP) + TILE_GAP) / 2
        for number, leaf in enumerate(leaves):
            column, row = divmod(number, rows)
            x = self._left[-1] + column * (self._tile_width + TILE_GAP)
            self._rects[leaf.path] = QRectF(x, first + row * (tile + TILE_GAP), self._tile_width, tile)

    def _place_above(self, node: Node) -> float:
        """Place a branch in the middle of its children, unless it is placed; return the height of its middle."""
        if node.path not in self._rects:
            middles = [self._place_above(child) for child in node.children]
            self._place_box(node, (middles[0] + middles[-1]) / 2)
        return self._rects[node.path].center().y()

    def _place_box(self, node: Node, middle: float) -> None:
        column, height = self._column(node), self._box_height
        rect = QRectF(self._left[column], middle - height / 2, self._columns[column], height)
        self._rects[node.path] = rect
