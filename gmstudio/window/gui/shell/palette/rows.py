"""Rows of the palette: name and detail at the left, shortcut or kind at the right."""

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.state.palette import PaletteEntry

Index = QModelIndex | QPersistentModelIndex
ENTRY_ROLE = Qt.ItemDataRole.UserRole
NO_PARENT = QModelIndex()


class PaletteRows(QAbstractListModel):
    """Entries that were found, best first."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[PaletteEntry] = []

    def set_entries(self, entries: list[PaletteEntry]) -> None:
        """Show other entries."""
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: Index = NO_PARENT) -> int:
        """Number of entries."""
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Title, tooltip, the whole entry, or all words for screen readers."""
        if not index.isValid():
            return None
        entry = self.entries[index.row()]
        words = ", ".join(
            part for part in (entry.title, entry.kind, entry.detail, entry.shortcut, entry.reason) if part
        )
        return {
            Qt.ItemDataRole.DisplayRole: entry.title,
            Qt.ItemDataRole.ToolTipRole: entry.reason or entry.detail,
            Qt.ItemDataRole.AccessibleTextRole: words,
            ENTRY_ROLE: entry,
        }.get(Qt.ItemDataRole(role) if role < ENTRY_ROLE else ENTRY_ROLE)


class PaletteDelegate(QStyledItemDelegate):
    """Paints the rows; what cannot be done now is pale, with its reason in place of the detail."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Height of a row."""
        return QSize(0, option.fontMetrics.height() + GRID + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        entry = index.data(ENTRY_ROLE)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        if selected:
            painter.fillRect(option.rect, theme().color("accent"))
        text = theme().color("accent_text" if selected else "muted" if entry.reason else "text")
        quiet = theme().color("accent_text" if selected else "muted")
        room = option.rect.adjusted(GRID, 0, -GRID, 0)
        painter.setFont(option.font)
        painter.setPen(quiet)
        right = " · ".join(part for part in (entry.kind, entry.shortcut) if part)
        painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        room.setRight(room.right() - option.fontMetrics.horizontalAdvance(right) - 2 * GRID)
        room.setLeft(self._draw(painter, room, entry.title, text, option.font) + 2 * GRID)
        self._draw(painter, room, entry.reason or entry.detail, quiet, option.font)
        painter.restore()

    @staticmethod
    def _draw(painter: QPainter, room: QRect, text: str, color: Any, font: QFont) -> int:
        """Draw a text, shortened to its room; return where it ends."""
        painter.setPen(color)
        metrics = painter.fontMetrics()
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0, room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        return room.left() + metrics.horizontalAdvance(shown)
