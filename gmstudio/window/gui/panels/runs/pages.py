"""The pages of the Runs panel, one tab each."""

from gmstudio.window.gui.page_tabs import PageEntry
from gmstudio.window.gui.panels.runs.branches import BranchesPage
from gmstudio.window.gui.panels.runs.code import CodePage
from gmstudio.window.gui.panels.runs.compare import ComparePage
from gmstudio.window.gui.panels.runs.grid import GridPage
from gmstudio.window.gui.panels.runs.library import LibraryPage
from gmstudio.window.gui.panels.runs.pictures import PicturesPage
from gmstudio.window.gui.panels.runs.queue import QueuePage
from gmstudio.window.gui.panels.runs.travel import TravelPage
from gmstudio.window.gui.panels.runs.weights import WeightsPage
from gmstudio.window.state.runs.state import RunsState

PAGES: tuple[PageEntry[RunsState], ...] = (
    PageEntry("library", "Library", "All runs: search, sort, star, tag, and choose those to work with", LibraryPage),
    PageEntry("compare", "Compare", "Curves, settings and samples of runs, side by side", ComparePage),
    PageEntry("pictures", "Pictures", "Samples and picture files: swipe, blink, difference, in sync", PicturesPage),
    PageEntry(
        "travel", "Time travel", "One slider over the training of a run moves all that is shown of it", TravelPage
    ),
    PageEntry("branches", "Branches", "Family tree of a run, and new runs that begin at a checkpoint", BranchesPage),
    PageEntry("queue", "Queue", "Runs that wait to be trained one after another", QueuePage),
    PageEntry("grid", "Grid", "Runs over the values of two fields, side by side with their samples", GridPage),
    PageEntry("weights", "Import weights", "A run of weights that another program trained", WeightsPage),
    PageEntry("code", "Code", "The model of a run as one readable file of PyTorch", CodePage),
)
"""In the order of the tabs."""
