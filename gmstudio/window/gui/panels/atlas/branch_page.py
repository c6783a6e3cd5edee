"""Page of a branch: its theory, and buttons to what lies below it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.theory_page import TheoryPage
from gmstudio.window.gui.widgets.wrapping_row import WrappingRow
from gmstudio.window.state.atlas.taxonomy import Node
from gmstudio.window.state.theory import branch_theory

NO_TEXT = "A branch of the taxonomy that comes with a family of another package."


class BranchPage(QWidget):
    """Page of a branch.

    Signals:
        opened: path of a node below it whose button was clicked.
        link_activated: kind and name of a link in the theory.
    """

    opened = Signal(object)
    link_activated = Signal(str, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QLabel(self)
        self.title.setProperty("role", "title")
        self.children_row = WrappingRow(self)
        self.theory = TheoryPage(self)
        self.theory.setObjectName("atlas.branch_theory")
        self.theory.setAccessibleName("Theory of the branch")
        self.theory.link_activated.connect(self.link_activated)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addWidget(self.title)
        column.addWidget(self.children_row)
        column.addWidget(self.theory, 1)

    def show_branch(self, node: Node) -> None:
        """Show a branch."""
        text = branch_theory(node.path) or NO_TEXT
        head, _, rest = text.partition("\n")
        self.title.setText(head.removeprefix("# ") if head.startswith("# ") else node.title)
        self.theory.set_markdown(rest.lstrip() if head.startswith("# ") else text)
        self.children_row.set_widgets([self._button(child) for child in node.children])

    def _button(self, child: Node) -> QPushButton:
        button = QPushButton(child.title, self)
        button.setObjectName(f"atlas.child.{child.name}")
        button.setAccessibleName(f"Open {child.title}")
        summary = child.entry.card.summary if child.entry is not None else f"Branch: {child.title}"
        button.setToolTip(summary)
        button.clicked.connect(lambda: self.opened.emit(child.path))
        return button
