"""Choice of the model family: a button with its title, and a searchable tree of the taxonomy that it opens."""

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.families import FamilyEntry
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID, theme

NAME_ROLE = Qt.ItemDataRole.UserRole
SEARCH_ROLE = Qt.ItemDataRole.UserRole + 1
TIP = "Family to train, by its treatment of the density (Goodfellow's taxonomy, 2016)"
SEARCH_TIP = "Words of the title, the branch, the summary or the source"
LIST_SIZE = QSize(360, 460)
_TO_TREE = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown})
_RETURN = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


class FamilyTree(QTreeWidget):
    """Families of the catalog below their branches of the taxonomy; a single sub-branch shares its branch's row."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setItemsExpandable(False)
        self.setIndentation(12)
        self.setUniformRowHeights(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        theme().changed.connect(self._tint)

    def fill(self, families: tuple[FamilyEntry, ...]) -> None:
        """Show these families, in the catalog's order."""
        self.clear()
        self._fill_branch(self.invisibleRootItem(), [(f.card.branch, f) for f in families])
        self.expandAll()
        self._tint()

    def filter_by(self, text: str) -> None:
        """Show the families whose title, branch, summary or source has every word of a text; select the likeliest."""
        words = text.casefold().split()
        for item in self._items():
            searched = str(item.data(0, SEARCH_ROLE) or "")
            item.setHidden(not searched or not all(word in searched for word in words))
        shown = [item for item in self._items() if not item.isHidden()]
        shown.sort(key=lambda item: not item.text(0).casefold().startswith(text.strip().casefold()))
        for item in shown:
            above = item.parent()
            while above is not None:
                above.setHidden(False)
                above = above.parent()
        if shown and words:
            self.setCurrentItem(shown[0])

    def drawBranches(self, painter: QPainter, rect: QRect, index: QModelIndex | QPersistentModelIndex) -> None:
        """Draw no arrows: all branches are open."""

    def select(self, name: str) -> None:
        """Select a family."""
        for item in self._items():
            if item.data(0, NAME_ROLE) == name:
                self.setCurrentItem(item)

    def chosen(self) -> str:
        """Return the name of the selected family, or ""."""
        item = self.currentItem()
        return str(item.data(0, NAME_ROLE) or "") if item is not None else ""

    def _items(self) -> list[QTreeWidgetItem]:
        return self.findItems("", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive)

    def _tint(self) -> None:
        """Draw branches in the muted colour."""
        for item in self._items():
            if not item.data(0, NAME_ROLE):
                item.setForeground(0, theme().color("muted"))

    def _fill_branch(self, parent: QTreeWidgetItem, families: list[tuple[tuple[str, ...], FamilyEntry]]) -> None:
        """Add the families and sub-branches of a branch."""
        for head in dict.fromkeys(branch[0] if branch else "" for branch, _ in families):
            below = [(branch[1:], f) for branch, f in families if (branch[0] if branch else "") == head]
            if not head:
                for _, family in below:
                    self._add_family(parent, family)
                continue
            title = head
            while len({branch[:1] for branch, _ in below}) == 1 and below[0][0]:
                title += f" › {below[0][0][0]}"
                below = [(branch[1:], f) for branch, f in below]
            item = QTreeWidgetItem(parent, [title])
            item.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self._fill_branch(item, below)

    def _add_family(self, parent: QTreeWidgetItem, family: FamilyEntry) -> None:
        item = QTreeWidgetItem(parent, [family.card.title])
        item.setData(0, NAME_ROLE, family.card.name)
        card = family.card
        searched = (card.name, card.title, *card.branch, card.summary, card.source)
        item.setData(0, SEARCH_ROLE, " ".join(searched).casefold())
        item.setToolTip(0, f"{family.card.summary}\n{family.card.source}")
        font = item.font(0)
        font.setBold(True)
        item.setFont(0, font)


class FamilyList(QFrame):
    """Popup with the families below their branches, and a field that filters them.

    Signals:
        chosen: name of the family that was chosen.
    """

    chosen = Signal(str)

    def __init__(self, panel: Panel, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search families")
        self.search.setClearButtonEnabled(True)
        self.tree = FamilyTree(self)
        panel.name_widget(self.search, "family_search", "Search families", SEARCH_TIP)
        panel.name_widget(self.tree, "families", "Model families", TIP)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.search)
        layout.addWidget(self.tree, 1)
        self.setFocusProxy(self.search)
        self.search.textChanged.connect(self.tree.filter_by)
        self.search.installEventFilter(self)
        self.tree.installEventFilter(self)
        self.tree.itemClicked.connect(lambda _item: self._choose())

    def open_below(self, button: QWidget, name: str) -> None:
        """Open below a button, with all families and one of them selected."""
        self.search.clear()
        self.tree.filter_by("")
        self.tree.select(name)
        screen = button.screen().availableGeometry()
        size = LIST_SIZE.expandedTo(QSize(button.width(), 0)).boundedTo(screen.size())
        below = button.mapToGlobal(QPoint(0, button.height()))
        top = min(below.y(), screen.bottom() - size.height())
        self.setGeometry(QRect(QPoint(min(below.x(), screen.right() - size.width()), top), size))
        self.show()
        self.search.setFocus()
        self.tree.scrollTo(self.tree.currentIndex(), QTreeWidget.ScrollHint.PositionAtCenter)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Choose by Return, and move in the tree by the arrow keys while a text is typed."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            key = Qt.Key(event.key())
            if key in _RETURN:
                self._choose()
                return True
            if watched is self.search and key in _TO_TREE:
                self.tree.event(event)
                return True
        return super().eventFilter(watched, event)

    def _choose(self) -> None:
        name = self.tree.chosen()
        if name:
            self.hide()
            self.chosen.emit(name)


class FamilyChooser(QWidget):
    """Button with the title of the chosen family, its branch, and the list that the button opens.

    Signals:
        chosen: name of the family that was chosen.
    """

    chosen = Signal(str)

    def __init__(self, panel: Panel, parent: QWidget) -> None:
        super().__init__(parent)
        self._families: tuple[FamilyEntry, ...] = ()
        self._name = ""
        self.button = QToolButton(self)
        self.button.setArrowType(Qt.ArrowType.DownArrow)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        panel.name_widget(self.button, "family", "Model family", TIP)
        self._branch = QLabel(self)
        self._branch.setProperty("role", "muted")
        self._branch.setWordWrap(True)
        self._branch.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.list = FamilyList(panel, self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.button)
        layout.addWidget(self._branch)
        self.button.clicked.connect(lambda: self.list.open_below(self.button, self._name))
        self.list.chosen.connect(self.chosen)

    def fill(self, families: tuple[FamilyEntry, ...]) -> None:
        """Offer these families, in the catalog's order."""
        self._families = families
        self.list.tree.fill(families)
        self.setEnabled(bool(families))
        self.show_family(self._name)

    def show_family(self, name: str) -> None:
        """Show a family as the chosen one."""
        self._name = name
        self.list.tree.select(name)
        card = next((family.card for family in self._families if family.card.name == name), None)
        self.button.setText(card.title if card else "Choose a family")
        self.button.setToolTip(f"{card.summary}\n{card.source}" if card else TIP)
        self._branch.setText(" › ".join(card.branch) if card else "")
