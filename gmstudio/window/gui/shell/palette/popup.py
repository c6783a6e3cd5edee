"""The palette on the screen: a field for words above the entries that match, in front of the window."""

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QLineEdit, QListView, QVBoxLayout, QWidget
from shiboken6 import isValid

from gmstudio.window.gui.shell.palette.rows import ENTRY_ROLE, PaletteDelegate, PaletteRows
from gmstudio.window.gui.shell.palette.search import MAX_SHOWN, PaletteSearch
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.state.palette import PaletteEntry

WIDTH, HEIGHT = 680, 440
PLACEHOLDER = "Search actions, panels, families, data sets, runs and demonstrations"
TIP = "Words in any order, or their first letters; ↑ and ↓ choose, Return runs, Esc closes"
_TO_LIST = frozenset({Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown})
_RETURN = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


class PalettePopup(QFrame):
    """Palette in front of a window; the focus returns to where it was.

    Args:
        window: its parent, whose size it follows.

    Signals:
        chosen: the entry that is to be done, after the palette has closed.
    """

    chosen = Signal(object)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("palette")
        self.setAccessibleName("Command palette")
        self.setAutoFillBackground(True)
        self.field = QLineEdit()
        self.field.setObjectName("palette.field")
        self.field.setAccessibleName("Words to search for")
        self.field.setPlaceholderText(PLACEHOLDER)
        self.field.setToolTip(TIP)
        self.list = QListView()
        self.list.setObjectName("palette.entries")
        self.list.setAccessibleName("Entries found")
        self.list.setToolTip("Click an entry to run it")
        self.list.setUniformItemSizes(True)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.rows = PaletteRows(self)
        self.list.setModel(self.rows)
        self.list.setItemDelegate(PaletteDelegate(self.list))
        self.count = QLabel()
        self.count.setProperty("role", "muted")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID)
        layout.addWidget(self.field)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.count)
        self.search = PaletteSearch(self)
        self.search.found.connect(self._on_found)
        self.field.textChanged.connect(self.search.set_query)
        self.list.clicked.connect(self._choose)
        self.field.installEventFilter(self)
        window.installEventFilter(self)
        self._before: QWidget | None = None
        self._wanted = False
        self.hide()
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus_changed)

    def open(self, entries: Iterable[PaletteEntry], recent: Sequence[str]) -> None:
        """Show entries, those of ``recent`` (ids) first, and give the focus to the field.

        Args:
            entries: read in pieces while the palette is shown.
            recent: ids, the last chosen one first.
        """
        if self.isHidden():
            self._before = QApplication.focusWidget()
        self._wanted = False
        self.field.clear()
        self.rows.set_entries([])
        self.count.setText(" ")
        self._place()
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)
        self.search.start(entries, recent)

    def close_back(self) -> None:
        """Close, and return the focus to the widget that had it."""
        before, self._before = self._before, None
        self.search.stop()
        self.hide()
        if before is not None and isValid(before) and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        else:
            self._window.setFocus()

    # ---- Qt's events ---------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move in the list by keys while a text is typed; follow the size of the window."""
        if watched is self._window:
            if event.type() == QEvent.Type.Resize and self.isVisible():
                self._place()
            return False
        if not isinstance(event, QKeyEvent) or watched is not self.field:
            return False
        key = Qt.Key(event.key())
        if event.type() == QEvent.Type.ShortcutOverride and key == Qt.Key.Key_Escape:
            event.accept()
            return True
        return event.type() == QEvent.Type.KeyPress and self._press(key, event)

    def _press(self, key: Qt.Key, event: QKeyEvent) -> bool:
        """Handle a key of the field; return whether it was one of the palette."""
        if key == Qt.Key.Key_Escape:
            self.close_back()
        elif key in _RETURN:
            self._wanted = self.search.running  # then what is listed does not belong to what was typed yet
            if not self._wanted:
                self._choose(self.list.currentIndex())
        elif key in _TO_LIST:
            self.list.keyPressEvent(event)
        else:
            return key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
        return True

    def _on_focus_changed(self, _old: QWidget | None, new: QWidget | None) -> None:
        """Close when the focus goes elsewhere in the program, where it stays."""
        if self.isVisible() and new is not None and new is not self and not self.isAncestorOf(new):
            self._before = None
            self.search.stop()
            self.hide()

    def _place(self) -> None:
        window = self._window.rect()
        width = min(scaled_px(self.field, WIDTH), window.width() - 4 * GRID)
        height = min(scaled_px(self.field, HEIGHT), window.height() - 8 * GRID)
        self.setGeometry(QRect((window.width() - width) // 2, 5 * GRID, width, height))

    # ---- what was found --------------------------------------------------------------------------------------

    def _on_found(self, entries: list[PaletteEntry], number: int) -> None:
        self.rows.set_entries(entries)
        if entries:
            self.list.setCurrentIndex(self.rows.index(0))
            self.list.scrollToTop()
        matches = (
            f"{number:,} {'match' if number == 1 else 'matches'}"
            if self.field.text().strip()
            else f"{number:,} entries"
        )
        more = f", the first {MAX_SHOWN} are listed: type more to narrow them down" if number > MAX_SHOWN else ""
        self.count.setText(f"{matches}{more}" if number else "Nothing matches; try fewer letters.")
        if self._wanted:
            self._wanted = False
            self._choose(self.list.currentIndex())

    def _choose(self, index: QModelIndex) -> None:
        entry = index.data(ENTRY_ROLE)
        if isinstance(entry, PaletteEntry) and not entry.reason:
            self.close_back()
            self.chosen.emit(entry)
