"""The taxonomy as a drawn tree that is walked with mouse and keys."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from gmstudio.window.gui.panels.atlas.node_button import NodeButton
from gmstudio.window.gui.panels.atlas.tree_layout import TIGHT, WIDE, Placement, place
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.atlas.taxonomy import Node, Path, Taxonomy

SMALL_HEIGHT, SMALL_WIDTH = 480, 560
"""Below this size the tree is set in smaller type."""
SMALLER = 0.86
LARGE_STEPS = (1.25, 1.1, 1.0)
"""Sizes of the type to be tried in large type, as multiples of the usual size."""
LEAST_TITLE = 15
"""Number of letters of a title for which large type leaves room in a tile."""
MINIMUM = QSize(430, 330)
TIP_KEYS = "Arrow keys walk the tree, Return opens, Home goes to the root."
_STEPS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class TaxonomyTree(QWidget):
    """Tree whose nodes are buttons; Tab enters it at the node that had the focus last, arrow keys walk it.

    Signals:
        opened: path of a node that was clicked, or opened by Return or Space.
    """

    opened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tree: Taxonomy | None = None
        self._buttons: dict[Path, NodeButton] = {}
        self._nodes: dict[Path, Node] = {}
        self._placement: Placement | None = None
        self._selected: Path = ()
        self._current: Path = ()
        self._type_size = 0.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Taxonomy of generative models")
        theme().changed.connect(self.update)

    # ---- what it shows -----------------------------------------------------------------------------------------

    def set_tree(self, tree: Taxonomy) -> None:
        """Show a taxonomy; the samples of families that stay are kept."""
        self._tree = tree
        wanted = {node.path: node for node in tree.nodes}
        for path in [path for path, node in self._nodes.items() if wanted.get(path) != node]:
            self._buttons.pop(path).deleteLater()
        self._nodes = wanted
        for path, node in wanted.items():
            if path not in self._buttons:
                self._buttons[path] = self._button(node)
        self._set_current(self._current if self._current in wanted else ())
        self.set_selected(self._selected)
        self._lay_out()

    def set_selected(self, path: Path) -> None:
        """Mark a node and the way from the root to it."""
        self._selected = path
        for known, button in self._buttons.items():
            button.set_state(selected=known == path, on_path=self._is_on_path(self._nodes[known]))
        if not self.isAncestorOf(self.focusWidget() or self):
            self._set_current(path)
        self.update()

    def set_sample(self, family: str, image: NDArray[np.uint8] | None) -> None:
        """Show a sample in the tile of a family, (C, H, W) uint8, 0 … 255; None: none."""
        button = self.button(family)
        if button is not None:
            button.set_image(image)

    def button(self, name: str) -> NodeButton | None:
        """Button of a node by its name; None where there is none."""
        return next((self._buttons[path] for path, node in self._nodes.items() if node.name == name), None)

    @property
    def current(self) -> Path:
        """Path of the node at which Tab enters the tree."""
        return self._current

    def _button(self, node: Node) -> NodeButton:
        button = NodeButton(node.title, node.entry is not None, self)
        button.setObjectName(f"atlas.node.{node.name}")
        kind = "Family" if node.entry is not None else "Branch"
        button.setAccessibleName(f"{kind}: {' › '.join((*node.path[:-1], node.title))}")
        button.setToolTip(node.entry.card.summary if node.entry is not None else f"{node.title}. {TIP_KEYS}")
        button.clicked.connect(partial(self._open, node.path))
        button.focused.connect(partial(self._set_current, node.path))
        button.show()
        return button

    def set_details(self, details: dict[str, str]) -> None:
        """Set the second lines of the families' tiles: name → text."""
        for name, text in details.items():
            button = self.button(name)
            if button is not None:
                button.set_detail(text)

    def _open(self, path: Path) -> None:
        self._set_current(path)
        self.opened.emit(path)

    def _set_current(self, path: Path) -> None:
        """Let Tab enter the tree at a node only, so that it needs one stop."""
        self._current = path
        for known, button in self._buttons.items():
            policy = Qt.FocusPolicy.StrongFocus if known == path else Qt.FocusPolicy.ClickFocus
            if button.focusPolicy() != policy:
                button.setFocusPolicy(policy)

    # ---- layout ------------------------------------------------------------------------------------------------

    def minimumSizeHint(self) -> QSize:
        """Smallest size in which every title can be read."""
        return MINIMUM

    def sizeHint(self) -> QSize:
        """Size at which the tiles have a second line."""
        return QSize(680, 640)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the nodes again."""
        super().resizeEvent(event)
        self._lay_out()

    def changeEvent(self, event: QEvent) -> None:
        """Place the nodes again in another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._lay_out()

    def _lay_out(self) -> None:
        if self._tree is None:
            return
        small = self.height() < SMALL_HEIGHT or self.width() < SMALL_WIDTH
        spacing = TIGHT if small else WIDE
        for size in self._type_sizes(small):
            font = QFont(self.font())
            font.setPointSizeF(size)
            for button in self._buttons.values():
                button.setFont(font)
                button.tight = small
            self._placement = place(self._tree, self.size(), lambda node: self._buttons[node.path].sizeHint(), spacing)
            leaf = next((node for node in self._nodes.values() if node.entry is not None), None)
            if leaf is None or self._buttons[leaf.path].holds(LEAST_TITLE, self._rect(leaf).size()):
                break
        assert self._placement is not None
        for path, rect in self._placement.rects.items():
            self._buttons[path].setGeometry(rect.toAlignedRect())
        self.update()

    def _type_sizes(self, small: bool) -> tuple[float, ...]:
        """Sizes of the type in points, from the one to be preferred; large type shrinks where titles would be cut."""
        size, usual = self.font().pointSizeF() * (SMALLER if small else 1.0), QApplication.font().pointSizeF()
        return (size, *(step * usual for step in LARGE_STEPS if step * usual < size))

    # ---- keys --------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk: arrow keys to the nearest node in their direction, Home to the root, Return opens."""
        key = Qt.Key(event.key())
        if key in _STEPS:
            self._walk(*_STEPS[key])
        elif key == Qt.Key.Key_Home:
            self._focus(())
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self._current)
        else:
            super().keyPressEvent(event)

    def _focus(self, path: Path) -> None:
        if path in self._buttons:
            self._buttons[path].setFocus(Qt.FocusReason.OtherFocusReason)

    def _walk(self, right: int, down: int) -> None:
        node = self._nodes.get(self._current)
        if node is None or self._tree is None:
            return
        parent = self._tree.parent(node)
        if right > 0 and node.children:
            middle = self._middle(node)
            self._focus(min(node.children, key=lambda child: abs(self._middle(child).y() - middle.y())).path)
        elif right < 0 and parent is not None and not self._left_of(node):
            self._focus(parent.path)
        else:
            found = self._nearest(node, right, down)
            if found is not None:
                self._focus(found.path)

    def _left_of(self, node: Node) -> Node | None:
        """Tile in the first column beside one in the second."""
        return self._nearest(node, -1, 0) if node.entry is not None else None

    def _nearest(self, node: Node, right: int, down: int) -> Node | None:
        """The nearest node of the same column (up, down), or of the same group of tiles (left, right)."""
        here = self._rect(node)
        found = []
        for other in self._nodes.values():
            there = self._rect(other)
            x, y = there.center().x() - here.center().x(), there.center().y() - here.center().y()
            if down and y * down > 1 and abs(there.left() - here.left()) < 1:
                found.append((abs(y), other.path))
            elif right and x * right > 1 and abs(y) < 1 and other.path[:-1] == node.path[:-1]:
                found.append((abs(x), other.path))
        return self._nodes[min(found)[1]] if found else None

    def _rect(self, node: Node) -> QRectF:
        assert self._placement is not None
        return self._placement.rects[node.path]

    def _middle(self, node: Node) -> QPointF:
        return self._rect(node).center()

    # ---- painting ----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the lines between the nodes, those on the way to the selected one last."""
        if self._tree is None or self._placement is None:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme().color("border"), 1, Qt.PenStyle.DashLine))
            y = self._placement.divider
            painter.drawLine(QPointF(8, y), QPointF(self.width() - 8, y))
            pairs = [(node, child) for node in self._tree.nodes for child in node.children]
            pairs.sort(key=lambda pair: self._is_on_path(pair[1]))
            for node, child in pairs:
                on_path = self._is_on_path(child)
                self._paint_line(painter, node, child, theme().color("accent" if on_path else "border"), on_path)

    def _is_on_path(self, node: Node) -> bool:
        # the root has no line to what stands beside the tree
        return node.path == self._selected[: len(node.path)] and (node.path != () or not self._is_beside())

    def _is_beside(self) -> bool:
        return self._tree is not None and self._selected[:1] == self._tree.beside.path

    def _paint_line(self, painter: QPainter, node: Node, child: Node, color: QColor, bold: bool) -> None:
        start, end = self._rect(node), self._rect(child)
        if end.left() > self._first_tile_left() + 1:
            return  # a tile in the second column, beside one that has a line
        a = QPointF(start.right() - 2, start.center().y())
        b = QPointF(end.left() + 2, end.center().y())
        bend = (b.x() - a.x()) / 2
        path = QPainterPath(a)
        path.cubicTo(QPointF(a.x() + bend, a.y()), QPointF(b.x() - bend, b.y()), b)
        painter.setPen(QPen(color, 2.0 if bold else 1.2))
        painter.drawPath(path)

    def _first_tile_left(self) -> float:
        lefts = [self._rect(node).left() for node in self._nodes.values() if node.entry is not None]
        return min(lefts, default=float("inf"))
