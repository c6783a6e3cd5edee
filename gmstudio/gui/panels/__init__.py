"""The panels, one a file, and the places that they have in the window.

A panel's module is imported when it is built and not before: plotting libraries are slow to load, and the window
should be visible first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmstudio.gui.panels.panel import Panel
    from gmstudio.session.studio import Studio


@dataclass(frozen=True)
class Place:
    """Where a panel is found.

    Args:
        name: the panel's object name.
        title: in the rail, the View menu and Help.
        icon: name of the icon.
        tip: what one does there.
        build: makes the panel.
    """

    name: str
    title: str
    icon: str
    tip: str
    build: "Callable[[Studio], Panel]"
