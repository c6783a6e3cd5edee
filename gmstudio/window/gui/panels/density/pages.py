"""The pages of the Density panel, one tab each."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.anomalies import AnomaliesPage
from gmstudio.window.gui.panels.density.bytes import BytesPage
from gmstudio.window.gui.panels.density.one_image import OneImagePage
from gmstudio.window.gui.panels.density.samples import SamplesPage
from gmstudio.window.gui.panels.density.scores import ScoresPage
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.lazy_tabs import Tab
from gmstudio.window.state.density.state import DensityState


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
    make: Callable[[Panel, DensityState], ActiveWidget]


PAGES: tuple[PageEntry, ...] = (
    PageEntry("scores", "Scores", "Score images under several models, and sort them by their likelihood", ScoresPage),
    PageEntry(
        "anomalies",
        "Anomalies",
        "Compare typical and anomalous images, and choose a threshold",
        AnomaliesPage,
    ),
    PageEntry("one_image", "One image", "One image through every family, side by side", OneImagePage),
    PageEntry(
        "samples", "Samples", "How good samples are, beside held-out images, and whether they are copies", SamplesPage
    ),
    PageEntry("bytes", "Bytes", "An exact model as a lossless coder, beside PNG and WebP", BytesPage),
)
"""In the order of the tabs; their keys are 1, 2, …"""


def density_tabs(panel: Panel, state: DensityState) -> tuple[Tab, ...]:
    """Return the entries of the tabs.

    Args:
        panel: that the pages' controls belong to.
        state: of the panel.
    """
    return tuple(
        Tab(page.name, page.title, page.tip, partial(page.make, panel, state), key=str(number))
        for number, page in enumerate(PAGES, 1)
    )
