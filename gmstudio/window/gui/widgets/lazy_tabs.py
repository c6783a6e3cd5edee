"""Tabs from a table of entries; each page is built when it is first needed and accessed by its name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QLayout, QSizePolicy, QTabBar, QTabWidget, QWidget

from gmstudio.window.gui.widgets.folding_row import FoldingRow

Height = Literal["largest", "fill"]


@dataclass(frozen=True)
class Tab:
    """Entry of ``LazyTabs``.

    Args:
        name: identifies the page, for example ``map``.
        title: text of the tab.
        tip: tooltip of the tab; the key is added to it.
        build: creates the page.
        key: shortcut that opens the tab, for example ``4``; empty: none. ``Panel.add_tab_actions`` installs it.
        group: pages of one group have one height, where the height follows the pages.
    """

    name: str
    title: str
    tip: str
    build: Callable[[], QWidget]
    key: str = ""
    group: str = ""


class LazyTabs(QTabWidget):
    """Tab widget that builds a page when its tab is first opened; the page in front is always built.

    Args:
        tabs: the entries, from left to right; their names differ.
        height: ``largest``: as high as the largest of the built pages of the open one's group needs, which leaves the
            rest to widgets above; ``fill``: as high as the layout allows, so that opening a tab moves nothing.

    Signals:
        page_built: name of a page that was just built.
        page_opened: name of the page that came to the front.
    """

    page_built = Signal(str)
    page_opened = Signal(str)

    def __init__(self, tabs: Sequence[Tab], *, height: Height = "fill", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tabs = {tab.name: tab for tab in tabs}
        assert len(self._tabs) == len(tabs), "names of tabs must differ"
        self._pages: dict[str, QWidget] = {}
        self._height = height
        self._frugal = False
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        vertical = QSizePolicy.Policy.Fixed if height == "largest" else QSizePolicy.Policy.Ignored
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, vertical)
        policy.setHeightForWidth(height == "largest")
        self.setSizePolicy(policy)
        for tab in tabs:
            self._insert(self.count(), QWidget(), tab)
        self.currentChanged.connect(self._on_current_changed)
        if tabs:
            self.page(tabs[0].name)

    @property
    def tabs(self) -> tuple[Tab, ...]:
        """The entries, from left to right."""
        return tuple(self._tabs.values())

    @property
    def open_page(self) -> str:
        """Name of the page in front; empty where there are no tabs."""
        return list(self._tabs)[self.currentIndex()] if self._tabs else ""

    @property
    def built(self) -> dict[str, QWidget]:
        """The pages that were built, by name, in the order of the tabs."""
        return {name: self._pages[name] for name in self._tabs if name in self._pages}

    def page(self, name: str) -> QWidget:
        """Return a page, built now where it was not yet.

        Raises:
            KeyError: when no tab has this name.
        """
        if name not in self._pages:
            self._build(name)
        return self._pages[name]

    def build_all(self) -> None:
        """Build every page, for instance so that the shortcuts which the pages define work from the start."""
        for name in self._tabs:
            self.page(name)

    def show_page(self, name: str) -> None:
        """Open a tab.

        Raises:
            KeyError: when no tab has this name.
        """
        self.setCurrentWidget(self.page(name))

    def set_frugal(self, frugal: bool) -> None:
        """Where the height follows the pages: be as high as the open page alone needs, for a window without room."""
        if frugal != self._frugal:
            self._frugal = frugal
            self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        """Controls of a page may wrap into more lines where there is less width."""
        return self._height == "largest"

    def heightForWidth(self, width: int) -> int:
        """Height of the largest page of the open one's group, and of the tab bar where that is not apart."""
        bar = 0 if self.tabBar().isHidden() else self.tabBar().sizeHint().height()
        group = self._tabs[self.open_page].group if self._tabs else ""
        pages = [
            page
            for name, page in self._pages.items()
            if (name == self.open_page if self._frugal else self._tabs[name].group == group)
        ]
        return bar + max((_height_of(page, width) for page in pages), default=0)

    def bar_apart(self) -> QTabBar:
        """Create a tab bar to be laid out apart from the pages, and hide their own."""
        bar = QTabBar()
        bar.setDrawBase(False)
        bar.setDocumentMode(True)
        bar.setExpanding(False)
        for index, tab in enumerate(self._tabs.values()):
            bar.addTab(tab.title)
            bar.setTabToolTip(index, self.tabToolTip(index))
        bar.setCurrentIndex(self.currentIndex())
        bar.currentChanged.connect(lambda index: self.show_page(list(self._tabs)[index]))
        self.currentChanged.connect(bar.setCurrentIndex)
        self.tabBar().hide()
        return bar

    def sizeHint(self) -> QSize:
        """Size for the largest page."""
        hint = super().sizeHint()
        return QSize(hint.width(), self.heightForWidth(max(1, self.width()))) if self._height == "largest" else hint

    def minimumSizeHint(self) -> QSize:
        """Smallest size; pages do not scroll, so it is the whole height of the largest one."""
        hint = super().minimumSizeHint()
        return QSize(hint.width(), self.heightForWidth(max(1, self.width()))) if self._height == "largest" else hint

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Announce the height for another width, at which rows of pages that are not shown may fold too."""
        super().resizeEvent(event)
        if self._height == "largest" and event.size().width() != event.oldSize().width():
            for page in self._pages.values():
                _fold(page, event.size().width())
            self.updateGeometry()

    def changeEvent(self, event: QEvent) -> None:
        """Measure anew in another style: layouts keep sizes, and those in hidden pages until they are shown."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._measure_again(self)

    def _measure_again(self, changed: QWidget) -> None:
        for layout in changed.findChildren(QLayout):
            layout.invalidate()
        self.updateGeometry()

    def _insert(self, index: int, page: QWidget, tab: Tab) -> None:
        self.insertTab(index, page, tab.title)
        self.setTabToolTip(index, f"{tab.tip} ({tab.key})" if tab.key else tab.tip)

    def _build(self, name: str) -> None:
        """Put a page in the place of its empty widget, without a change of the open tab."""
        page = self._tabs[name].build()
        self._pages[name] = page
        index, current = list(self._tabs).index(name), self.currentIndex()
        empty = self.widget(index)
        assert empty is not None
        with QSignalBlocker(self):
            self.removeTab(index)
            self._insert(index, page, self._tabs[name])
            self.setCurrentIndex(current)
        self._measure_again(page)
        empty.deleteLater()
        self.page_built.emit(name)

    def _on_current_changed(self, index: int) -> None:
        name = list(self._tabs)[index]
        page, focused = self.page(name), QApplication.focusWidget()
        if focused is not None and page.isAncestorOf(focused):
            page.setFocus()  # Qt gave it to the first field or list, which would take the keys of the panel
        self.updateGeometry()
        self.page_opened.emit(name)


def _fold(page: QWidget, width: int) -> None:
    """Lay out a page that is not shown, so that its height is that of this width."""
    layout = page.layout()
    if not page.isVisible() and layout is not None:
        page.resize(width, page.height())
        layout.activate()
        for row in page.findChildren(FoldingRow):
            row.fold()
        layout.activate()


def _height_of(page: QWidget, width: int) -> int:
    needed = page.heightForWidth(width) if page.hasHeightForWidth() else page.sizeHint().height()
    return max(needed, page.minimumSizeHint().height())
