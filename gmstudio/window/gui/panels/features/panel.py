"""Features panel."""

from typing import ClassVar

from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.page_tabs import page_tabs
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.features.pages import PAGES
from gmstudio.window.gui.panels.features.space_row import SpaceRow, space_words
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.features.state import FeaturesState
from gmstudio.window.state.runs.library import RunLibrary

NO_RUN = "No model has been trained yet: start one under Train, for example a VAE on coloured shapes."


class FeaturesPanel(Panel):
    """Pages about what trained models are good for.

    Args:
        state: state of the panel.
        library: library of runs.

    Attributes:
        run: choice of the run.
        space: choice of the features.
        tabs: of the pages.
    """

    name: ClassVar[str] = "features"

    def __init__(self, state: FeaturesState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._library = state, library
        self.run = RunChooser(library, "", prefer="encode")
        self.run.setObjectName("features.run")
        self.space = SpaceRow(self, state)
        self.note = ElidedLabel()
        self.tabs = LazyTabs(page_tabs(PAGES, self, state))
        # The height that the pages need counts, so that the panel scrolls where there is less.
        self.tabs.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.name_widget(self.tabs, "tabs", "Pages", "")
        self.remember(self.tabs)
        self.add_tab_actions(self.tabs)
        self.record_edits(state.edits)
        self._lay_out()
        self.run.chosen.connect(state.choose_run)
        state.run_changed.connect(lambda: self.run.choose(state.run))
        state.run_changed.connect(self._show_note)
        state.layers.changed.connect(self._show_note)
        state.choose_run(self.run.current())
        self._show_note()

    def _lay_out(self) -> None:
        label = QLabel("Model")
        label.setBuddy(self.run)
        row = QHBoxLayout()
        row.setSpacing(GRID)
        row.addWidget(label)
        row.addWidget(self.run, 1)
        row.addSpacing(GRID)
        row.addWidget(self.space, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        page.setSpacing(GRID)
        page.addLayout(row)
        page.addWidget(self.note)
        page.addWidget(self.tabs, 1)

    def _show_note(self) -> None:
        """Say why there are no layers to choose from."""
        layers = self._state.layers
        if layers.problem:
            words = layers.problem
        elif not self._state.run:
            words = NO_RUN if self._library.home else ""  # the chooser of the run says that it waits
        elif layers.listed and not layers.layers:
            words = "This model computes no features of an image; the baselines, pixels and PCA, are of its data."
        else:
            words = ""
        set_role(self.note, error=bool(layers.problem))
        self.note.set_words(words)
        self.note.setVisible(bool(words))

    def picture_details(self) -> dict[str, str]:
        """Features of which pictures are saved."""
        return {"features": space_words(self._state, self._state.space)}

    def set_active(self, active: bool) -> None:
        """Request only while the panel is on the screen."""
        self._state.set_active(active)
