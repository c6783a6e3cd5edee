"""The views below the decoded image, one tab each, and the lines right under it; the panel takes them from here."""

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtWidgets import QWidget

from gmstudio.gui.panels.latents_data import DataView
from gmstudio.gui.panels.latents_directions import DirectionsView
from gmstudio.gui.panels.latents_export import ExportView
from gmstudio.gui.panels.latents_journey import JourneyView
from gmstudio.gui.panels.latents_map import MapView
from gmstudio.gui.panels.latents_own import OwnView
from gmstudio.gui.panels.latents_strips import TraversalView
from gmstudio.gui.panels.latents_told import ToldLine
from gmstudio.gui.panels.latents_view import LatentView
from gmstudio.gui.panels.panel import Panel
from gmstudio.session.latents import LatentsSession


class ViewEntry(NamedTuple):
    """A view and how to reach it.

    Args:
        name: of its action, ``latents.view_<name>``, and its key in ``LatentsPanel.views``.
        title: of the tab.
        key: that opens it.
        tip: what it is for.
        make: builds it.
    """

    name: str
    title: str
    key: str
    tip: str
    make: Callable[[Panel, LatentsSession], LatentView]


VIEWS: tuple[ViewEntry, ...] = (
    ViewEntry("along", "Along", "1", "The image along the dimension that was touched last", TraversalView),
    ViewEntry("journey", "Journey", "2", "From code to code through keyframes, and playing it", JourneyView),
    ViewEntry("data", "Data", "3", "Images of the data, to be encoded", DataView),
    ViewEntry("map", "Map", "4", "A plane of the space as images, with the data's codes on it", MapView),
    ViewEntry("directions", "Directions", "5", "Directions that mean something, and a - b + c", DirectionsView),
    ViewEntry("own", "Your image", "6", "Draw, paste or open an image and find its code", OwnView),
    ViewEntry("export", "Export", "7", "The journey, the traversal or the map as GIF, PNG or MP4", ExportView),
)
"""In the order of the tabs."""

BELOW_IMAGE: tuple[Callable[[Panel, LatentsSession], QWidget], ...] = (ToldLine,)
"""Lines under the decoded image, from top to bottom."""
