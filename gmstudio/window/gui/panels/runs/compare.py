"""Page Compare: curves, settings and samples of up to four runs, side by side."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.media.provenance import Provenance
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.compare_chooser import CompareChooser
from gmstudio.window.gui.panels.runs.compare_curves import CompareCurves
from gmstudio.window.gui.panels.runs.compare_samples import CompareSamples
from gmstudio.window.gui.panels.runs.compare_saving import CompareSaving
from gmstudio.window.gui.panels.runs.compare_settings import CompareSettings
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs, Tab
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.compare_grids import ComparedGrids
from gmstudio.window.state.runs.compare_settings import ComparedSettings
from gmstudio.window.state.runs.state import RunsState


class ComparePage(ActiveWidget):
    """Choice of the runs above three views of them.

    Args:
        panel: that the controls belong to.
        state: of the panel.

    Attributes:
        views: curves, settings and samples.
        words: what was written, or why nothing was.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._state = state.page(CompareState)
        grids, settings = state.page(ComparedGrids), state.page(ComparedSettings)
        self.words, saving = ElidedLabel(), CompareSaving(panel)
        self.words.setProperty("role", "muted")
        saving.said.connect(self.words.set_words)
        compared = self._state
        self.views = LazyTabs(
            (
                Tab(
                    "curves",
                    "Curves",
                    "Overlay the curves of the runs",
                    lambda: CompareCurves(panel, compared, grids, saving),
                ),
                Tab(
                    "settings",
                    "Settings",
                    "Compare the settings of the runs",
                    lambda: CompareSettings(panel, compared, settings, saving),
                ),
                Tab(
                    "samples",
                    "Samples",
                    "Compare samples of the same step and seed",
                    lambda: CompareSamples(panel, compared, grids, saving),
                ),
            )
        )
        panel.name_widget(self.views, "compare_views", "Views of the comparison", "")
        panel.remember(self.views)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID // 2)
        page.addWidget(CompareChooser(panel, compared))
        page.addWidget(self.views, 1)
        page.addWidget(self.words)

    def set_active(self, active: bool) -> None:
        """Open the runs only while the page is on the screen."""
        self._state.set_active(active)

    def picture_origin(self, _widget: QWidget) -> Provenance | None:
        """Origin of the pictures of the view that is open."""
        view = self.views.currentWidget()
        assert isinstance(view, CompareCurves | CompareSettings | CompareSamples)
        return view.origin()
