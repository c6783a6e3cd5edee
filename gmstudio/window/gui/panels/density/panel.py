"""Density panel: what is scored at the left, the pages of its uses at the right."""

from typing import ClassVar

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.page_tabs import page_tabs
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.column import DensityColumn
from gmstudio.window.gui.panels.density.pages import PAGES
from gmstudio.window.gui.run_text import run_name
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.runs.library import RunLibrary

NARROW = 1072
"""Width of the panel below which the column folds."""


class DensityPanel(Panel):
    """Pages about what trained models are good for.

    Args:
        state: state of the panel.
        library: library of runs.

    Attributes:
        column: models and sets of images.
        tabs: of the pages.
    """

    name: ClassVar[str] = "density"

    def __init__(self, state: DensityState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._library = state, library
        self._presenting = False
        self.choose = self.add_action(
            "choose",
            "Models and images",
            "M",
            self._fold,
            icon="row",
            tip="Show or hide the choice of models and images, in a window without room for both",
            checkable=True,
        )
        self.column = DensityColumn(self, state)
        self.tabs = LazyTabs(page_tabs(PAGES, self, state))
        self.name_widget(self.tabs, "tabs", "Pages", "")
        self.remember(self.tabs)
        self.add_tab_actions(self.tabs)
        self.record_edits(state.edits)
        self._lay_out()
        for change in (state.runs_changed, state.described.changed, state.described_against.changed, library.changed):
            change.connect(self._show_summary)
        self.tabs.currentChanged.connect(lambda _index: self.updateGeometry())
        self._show_summary()
        self._fold()

    def _lay_out(self) -> None:
        self._strip = QWidget()
        self._summary = ElidedLabel()
        self._summary.setObjectName("density.summary")
        self._summary.setProperty("role", "muted")
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        strip = QHBoxLayout(self._strip)
        strip.setContentsMargins(0, 0, 0, 0)
        strip.setSpacing(GRID)
        strip.addWidget(self.button(self.choose))
        strip.addWidget(self._summary, 1)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(self.column)
        row.addWidget(self.tabs, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        column.setSpacing(GRID)
        column.addWidget(self._strip)
        column.addLayout(row, 1)

    def minimumSizeHint(self) -> QSize:
        """Least size in which the open page is legible; below it the panel scrolls."""
        least = super().minimumSizeHint()
        page, layout = self.tabs.currentWidget(), self.layout()
        if page is None or layout is None or self.tabs.isHidden():
            return least
        needed, margins = page.minimumSizeHint(), layout.contentsMargins()
        width = needed.width() + margins.left() + margins.right()
        width += 0 if self.column.isHidden() else self.column.width() + GRID
        height = needed.height() + self.tabs.tabBar().sizeHint().height() + margins.top() + margins.bottom()
        height += 0 if self._strip.isHidden() else self._strip.sizeHint().height() + GRID
        return least.expandedTo(QSize(width, height))

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        self._state.set_active(active)

    def set_presenting(self, presenting: bool) -> None:
        """Leave out the column."""
        self._presenting = presenting
        self._fold()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold the column in a narrow panel."""
        super().resizeEvent(event)
        self._fold()

    def _fold(self, _checked: bool = False) -> None:
        narrow = self.room.width() < NARROW
        chosen = narrow and self.choose.isChecked()
        self._strip.setVisible(narrow and not self._presenting)
        self.column.setVisible(not self._presenting and (chosen or not narrow))
        self.tabs.setVisible(not chosen or self._presenting)

    def _show_summary(self) -> None:
        """Say beside the button what is chosen."""
        state = self._state
        info = self._library.info(state.run)
        names = [run_name(info)] if info is not None else []
        others = f"and {len(state.runs) - 1} more" if len(state.runs) > 1 else ""
        described, against = state.described.described, state.described_against.described
        images = described.title if described is not None else ""
        outside = f"against {against.title}" if against is not None else ""
        self._summary.set_words(" · ".join(filter(None, (" ".join([*names, others]).strip(), images, outside))))
