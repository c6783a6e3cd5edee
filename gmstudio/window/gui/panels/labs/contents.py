"""Contents of the Foundations panel: its pages in sections, as a list or, in a narrow panel, as a combo box."""

from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QFont, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.scaled import scaled_px

WIDTH = 216
LINES = 5
"""Lines of the description below the list."""
MOST_LINES = 40
"""Lines of the combo box's list: all of them, where the screen has the room."""
KEY = Qt.ItemDataRole.UserRole
DETAIL = Qt.ItemDataRole.UserRole + 1


class Item(NamedTuple):
    """Line of the contents.

    Args:
        key: identifies the page.
        title: of the line.
        detail: shown below the list while it is under the pointer or chosen.
    """

    key: str
    title: str
    detail: str


class Section(NamedTuple):
    """Heading with its lines."""

    title: str
    items: Sequence[Item]


class Contents(QWidget):
    """List of pages under headings.

    Args:
        panel: names the controls.

    Attributes:
        list: the list.
        combo: the same choice where the list has no room; the panel places it.

    Signals:
        chosen: key of the page that the user chose.
    """

    chosen = Signal(str)

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.list, self.combo, self._detail = QListWidget(self), QComboBox(panel), QLabel(self)
        tip = "Laboratories and exercises; choose one with the arrow keys or the mouse."
        panel.name_widget(self.list, "list", "Contents", tip)
        panel.name_widget(self.combo, "choose", "Contents", tip)
        self.list.setToolTip("")  # it would lie over the lines
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._detail.setWordWrap(True)
        self._detail.setProperty("role", "muted")
        self._detail.setTextFormat(Qt.TextFormat.PlainText)
        self._detail.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._detail.setFixedHeight(LINES * self.fontMetrics().lineSpacing())
        self.combo.setProperty("role", "title")
        self.combo.setMaxVisibleItems(MOST_LINES)
        self.combo.setPlaceholderText("Laboratories")  # until the engine has sent them
        self.combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.list, 1)
        column.addWidget(self._detail)
        self.setFixedWidth(scaled_px(self, WIDTH))
        self.list.currentItemChanged.connect(self._on_current)
        self.list.itemEntered.connect(lambda item: self._describe(item))
        self.combo.activated.connect(lambda index: self.chosen.emit(str(self.combo.itemData(index))))

    def set_sections(self, sections: Sequence[Section]) -> None:
        """Show other sections; one without lines is left out."""
        with QSignalBlocker(self.list), QSignalBlocker(self.combo):
            self.list.clear()
            self.combo.clear()
            for section in sections:
                if section.items:
                    self._add_heading(section.title)
                for item in section.items:
                    self._add(item)

    def set_current(self, key: str) -> None:
        """Mark the page that is shown."""
        with QSignalBlocker(self.list):
            for row in range(self.list.count()):
                if self.list.item(row).data(KEY) == key:
                    self.list.setCurrentRow(row)
                    self._describe(self.list.item(row))
        self.combo.setCurrentIndex(self.combo.findData(key))

    @property
    def _line_size(self) -> QSize:
        return QSize(0, self.fontMetrics().height() + GRID)

    def _add_heading(self, title: str) -> None:
        heading = QListWidgetItem(title, self.list)
        heading.setSizeHint(self._line_size)
        heading.setFlags(Qt.ItemFlag.NoItemFlags)
        font = QFont(self.list.font())
        font.setBold(True)
        heading.setFont(font)
        self.combo.addItem(title, "")
        self.combo.setItemData(self.combo.count() - 1, font, Qt.ItemDataRole.FontRole)
        model = self.combo.model()
        assert isinstance(model, QStandardItemModel)
        model.item(self.combo.count() - 1).setEnabled(False)

    def _add(self, item: Item) -> None:
        line = QListWidgetItem(item.title, self.list)
        line.setSizeHint(self._line_size)
        line.setData(KEY, item.key)
        line.setData(DETAIL, item.detail)
        self.combo.addItem(item.title, item.key)
        self.combo.setItemData(self.combo.count() - 1, self.list.font(), Qt.ItemDataRole.FontRole)
        self.combo.setItemData(self.combo.count() - 1, item.detail, Qt.ItemDataRole.ToolTipRole)

    def _on_current(self, item: QListWidgetItem | None) -> None:
        if item is not None and item.data(KEY):
            self._describe(item)
            self.chosen.emit(str(item.data(KEY)))

    def _describe(self, item: QListWidgetItem) -> None:
        self._detail.setText(str(item.data(DETAIL) or ""))
        self._detail.setToolTip(self._detail.text())

    def leaveEvent(self, event: object) -> None:
        """Describe the page that is shown again."""
        current = self.list.currentItem()
        if current is not None:
            self._describe(current)
