"""Features panel."""

from typing import ClassVar

from PySide6.QtWidgets import QHBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.features.pages import features_tabs
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.state.features.state import FeaturesState
from gmstudio.window.state.runs.library import RunLibrary


class FeaturesPanel(Panel):
    """Pages about what trained models are good for.

    Args:
        state: state of the panel.
        library: library of runs.

    Attributes:
        tabs: of the pages.
    """

    name: ClassVar[str] = "features"

    def __init__(self, state: FeaturesState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._library = state, library
        self.tabs = LazyTabs(features_tabs(self, state))
        self.name_widget(self.tabs, "tabs", "Pages", "")
        self.remember(self.tabs)
        self.add_tab_actions(self.tabs)
        self.record_edits(state.edits)
        row = QHBoxLayout(self)
        row.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        row.addWidget(self.tabs, 1)

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        self._state.set_active(active)
