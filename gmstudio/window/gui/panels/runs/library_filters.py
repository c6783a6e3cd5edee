"""Search field and filters of the Library page."""

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QWidget

from gmstudio.protocol.run_query import CONDITIONS, KINDS
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.library_view import LibraryView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.state.runs.listed import FILTERS, ListedRuns

SEARCH_TIP = (
    "Words in name, family, data, tags, note or settings. Conditions: "
    f"{', '.join(f'{key}:…' for key in CONDITIONS)}, where is: takes {', '.join(KINDS)}. A minus excludes."
)
PLACEHOLDER = "Find: words, tag:x, family:vae, is:starred"
ARCHIVED_TIP = "List archived runs, too"
TITLES = {"family": "Family", "data": "Data", "status": "Status", "tag": "Tag"}
ANY = {"family": "All families", "data": "All data", "status": "Any status", "tag": "Any tag"}
LETTERS = 8
"""Of the filters' lists; longer entries are elided."""


class LibraryFilters(QWidget):
    """Row above the table.

    Args:
        panel: that the controls belong to.
        state: of the page.
        view: whose columns are chosen.
    """

    def __init__(self, panel: Panel, state: ListedRuns, view: LibraryView) -> None:
        super().__init__()
        self._panel, self._state, self._view = panel, state, view
        self._make_search()
        self.boxes = {name: self._box(name) for name in FILTERS}
        self._lay_out()
        state.follow(self._show)
        state.filter_changed.connect(self._show)
        self._show()

    def _make_search(self) -> None:
        add = self._panel.add_action
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        self.search.setPlaceholderText(PLACEHOLDER)
        self._panel.name_widget(self.search, "search", "Find runs", SEARCH_TIP)
        self.search.textChanged.connect(self._state.search)
        self.begin = add("find", "Find runs", "Ctrl+F", self._focus_search, tip="Type words or conditions")
        self.archived = add(
            "archived", "Archived", "A", self._state.show_archived, icon="folder", tip=ARCHIVED_TIP, checkable=True
        )
        self.trash = add(
            "show_trash", "Trash", "", lambda _on: None, icon="remove", tip="Show the runs in the trash", checkable=True
        )
        self.columns = add("columns", "Columns", "K", self._open_columns, icon="row", tip="Choose the columns")

    def _box(self, name: str) -> QComboBox:
        box = QComboBox()
        box.setMinimumContentsLength(LETTERS)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        box.addItem(ANY[name], "")
        self._panel.name_widget(box, f"filter_{name}", TITLES[name], f"{TITLES[name]} of the runs that are listed")
        box.activated.connect(lambda place: self._state.set_filter(name, str(box.itemData(place))))
        return box

    def _lay_out(self) -> None:
        self._count = ElidedLabel()
        self._count.setObjectName("runs.library_count")
        self._count.setProperty("role", "muted")
        self._columns_button = self._panel.button(self.columns)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(self.search, 3)
        for box in self.boxes.values():
            row.addWidget(box)
        row.addWidget(self._panel.button(self.archived))
        row.addWidget(self._panel.button(self.trash))
        row.addWidget(self._columns_button)
        row.addWidget(self._count, 1)

    def set_count(self, words: str) -> None:
        """Say how many runs are listed."""
        self._count.set_words(words)

    @property
    def count(self) -> str:
        """Number of runs that are listed, in words."""
        return self._count.words

    def _focus_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _open_columns(self) -> None:
        button: QToolButton = self._columns_button
        self._view.column_menu().popup(button.mapToGlobal(button.rect().bottomLeft()))

    def _show(self) -> None:
        with QSignalBlocker(self.search), QSignalBlocker(self.archived):
            if self.search.text() != self._state.text:
                self.search.setText(self._state.text)
            self.archived.setChecked(self._state.archived)
        for name, box in self.boxes.items():
            self._fill(name, box)

    def _fill(self, name: str, box: QComboBox) -> None:
        """Offer the values that runs have; an open list stays as it is, so that nothing moves under the pointer."""
        chosen, offered = self._state.filters[name], self._state.offered[name]
        entries = [(ANY[name], ""), *((title, value) for value, title in offered.items())]
        if chosen and chosen not in offered:
            entries.append((chosen, chosen))
        if not box.view().isVisible():
            if entries != [(box.itemText(place), box.itemData(place)) for place in range(box.count())]:
                box.clear()
                for title, value in entries:
                    box.addItem(title, value)
            box.setCurrentIndex(box.findData(chosen))
