"""The pages of the Runs panel, one tab each."""

from gmstudio.window.gui.page_tabs import PageEntry
from gmstudio.window.state.runs.state import RunsState

PAGES: tuple[PageEntry[RunsState], ...] = ()
"""In the order of the tabs."""
