"""The pages of the Features panel, one tab each."""

from gmstudio.window.gui.page_tabs import PageEntry
from gmstudio.window.gui.panels.features.factors import FactorsPage
from gmstudio.window.gui.panels.features.fine_tuning import FineTuningPage
from gmstudio.window.gui.panels.features.probe import ProbePage
from gmstudio.window.gui.panels.features.projection import ProjectionPage
from gmstudio.window.state.features.state import FeaturesState

PAGES: tuple[PageEntry[FeaturesState], ...] = (
    PageEntry("probe", "Probe", "Classify with few labels on features, and compare models by it", ProbePage),
    PageEntry("fine_tuning", "Fine-tuning", "Train an encoder further with few labels", FineTuningPage),
    PageEntry("projection", "Projection", "Map of images by their features", ProjectionPage),
    PageEntry("factors", "Factors", "Compare the features with the known factors of the data", FactorsPage),
)
"""In the order of the tabs."""
