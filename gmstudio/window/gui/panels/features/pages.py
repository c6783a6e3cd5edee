"""The pages of the Features panel, one tab each."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.features.factors import FactorsPage
from gmstudio.window.gui.panels.features.fine_tuning import FineTuningPage
from gmstudio.window.gui.panels.features.probe import ProbePage
from gmstudio.window.gui.panels.features.projection import ProjectionPage
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.lazy_tabs import Tab
from gmstudio.window.state.features.state import FeaturesState


class PageEntry(NamedTuple):
    """Entry of a page.

    Args:
        name: of the tab; its action is ``view_<name>``.
        title: of the tab.
        tip: purpose of the page.
        make: builds it.
    """

    name: str
    title: str
    tip: str
    make: Callable[[Panel, FeaturesState], ActiveWidget]


PAGES: tuple[PageEntry, ...] = (
    PageEntry("probe", "Probe", "Classify with few labels on features, and compare models by it", ProbePage),
    PageEntry("fine_tuning", "Fine-tuning", "Train an encoder further with few labels", FineTuningPage),
    PageEntry("projection", "Projection", "Map of images by their features", ProjectionPage),
    PageEntry("factors", "Factors", "Compare the features with the known factors of the data", FactorsPage),
)
"""In the order of the tabs; their keys are 1, 2, …"""


def features_tabs(panel: Panel, state: FeaturesState) -> tuple[Tab, ...]:
    """Return the entries of the tabs.

    Args:
        panel: that the pages' controls belong to.
        state: of the panel.
    """
    return tuple(
        Tab(page.name, page.title, page.tip, partial(page.make, panel, state), key=str(number))
        for number, page in enumerate(PAGES, 1)
    )
