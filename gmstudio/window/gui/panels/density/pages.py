"""The pages of the Density panel, one tab each."""

from gmstudio.window.gui.page_tabs import PageEntry
from gmstudio.window.gui.panels.density.anomalies import AnomaliesPage
from gmstudio.window.gui.panels.density.bytes import BytesPage
from gmstudio.window.gui.panels.density.one_image import OneImagePage
from gmstudio.window.gui.panels.density.samples import SamplesPage
from gmstudio.window.gui.panels.density.scores import ScoresPage
from gmstudio.window.state.density.state import DensityState

PAGES: tuple[PageEntry[DensityState], ...] = (
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
"""In the order of the tabs."""
