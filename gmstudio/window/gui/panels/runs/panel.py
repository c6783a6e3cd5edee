"""Runs panel: pages about all runs, and about one run or a few of them."""

from typing import ClassVar

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from gmstudio.media.provenance import Provenance
from gmstudio.window.gui.page_tabs import page_tabs
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.compare_saving import HasOrigin
from gmstudio.window.gui.panels.runs.pages import PAGES
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import RunsState


class RunsPanel(Panel):
    """Pages about runs.

    Args:
        state: state of the panel.
        library: library of runs.

    Attributes:
        tabs: of the pages.
    """

    name: ClassVar[str] = "runs"

    def __init__(self, state: RunsState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.tabs = LazyTabs(page_tabs(PAGES, self, state))
        self.tabs.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.name_widget(self.tabs, "tabs", "Pages", "")
        self.remember(self.tabs)
        self.add_tab_actions(self.tabs)
        self.record_edits(state.edits)
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        page.setSpacing(GRID)
        page.addWidget(self.tabs, 1)
        self.tabs.setMinimumSize(1, 1)  # else every page would need the room that the largest one needs
        self.tabs.currentChanged.connect(lambda _index: self.updateGeometry())
        state.page_wanted.connect(self.tabs.show_page)

    def minimumSizeHint(self) -> QSize:
        """Least size in which the open page is legible; below it the panel scrolls."""
        page, layout = self.tabs.currentWidget(), self.layout()
        if page is None or layout is None:
            return super().minimumSizeHint()
        needed, margins = page.minimumSizeHint(), layout.contentsMargins()
        width = needed.width() + margins.left() + margins.right()
        bar = self.tabs.tabBar().sizeHint().height()
        return QSize(width, needed.height() + bar + margins.top() + margins.bottom())

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        self._state.set_active(active)

    def picture_origin(self, widget: QWidget) -> Provenance | None:
        """Origin of a picture of the open page, where that is not the run that the panel shows."""
        page = self.tabs.currentWidget()
        return page.picture_origin(widget) if isinstance(page, HasOrigin) else None
