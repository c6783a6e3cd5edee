"""Pages of a panel, one tab each, from a table of entries."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.lazy_tabs import Tab

S = TypeVar("S")


class PageEntry(NamedTuple, Generic[S]):
    """Entry of a page.

    Args:
        name: of the tab; its action is ``view_<name>``.
        title: of the tab.
        tip: purpose of the page.
        make: builds it on the panel, which its controls belong to, and the panel's state.
    """

    name: str
    title: str
    tip: str
    make: Callable[[Panel, S], ActiveWidget]


def page_tabs(pages: Sequence[PageEntry[S]], panel: Panel, state: S) -> tuple[Tab, ...]:
    """Return the entries of the tabs, in the order of the pages; their keys are 1, 2 and so on.

    Args:
        pages: of the panel.
        panel: that the pages' controls belong to.
        state: of the panel.
    """
    return tuple(
        Tab(page.name, page.title, page.tip, partial(page.make, panel, state), key=str(number))
        for number, page in enumerate(pages, 1)
    )
