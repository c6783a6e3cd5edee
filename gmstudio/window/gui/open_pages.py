"""Pages of tabs that are open in a panel, and opening them again."""

from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs

Pages = tuple[tuple[str, str], ...]
"""Object names of tabs, and the name of the open page of each; the outer tabs first."""


def open_pages(panel: QWidget) -> Pages:
    """Return the pages that are open in a panel, of all tabs that are named."""
    tabs = panel.findChildren(LazyTabs)
    return tuple((found.objectName(), found.open_page) for found in tabs if found.objectName())


def show_pages(panel: QWidget, pages: Pages) -> None:
    """Open pages again; tabs and pages that are not there any more are left out."""
    for name, page in pages:
        tabs = panel.findChild(LazyTabs, name)
        if isinstance(tabs, LazyTabs) and tabs.open_page != page and page in {tab.name for tab in tabs.tabs}:
            tabs.show_page(page)
