"""The views below the decoded image, one tab each, and the lines right under it; the panel takes them from here."""

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.code_metrics import MetricsLine
from gmstudio.window.gui.panels.latents.data import DataView
from gmstudio.window.gui.panels.latents.directions import DirectionsView
from gmstudio.window.gui.panels.latents.export import ExportView
from gmstudio.window.gui.panels.latents.interpolation import InterpolationView
from gmstudio.window.gui.panels.latents.map import MapView
from gmstudio.window.gui.panels.latents.tab import LatentView
from gmstudio.window.gui.panels.latents.traversal import TraversalView
from gmstudio.window.gui.panels.latents.user_image import UserImageView
from gmstudio.window.state.latents.state import LatentsState


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
    make: Callable[[Panel, LatentsState], LatentView]


VIEWS: tuple[ViewEntry, ...] = (
    ViewEntry("along", "Along", "1", "The image along the dimension that was touched last", TraversalView),
    ViewEntry(
        "interpolation", "Interpolation", "2", "From code to code through keyframes, and playing it", InterpolationView
    ),
    ViewEntry("data", "Data", "3", "Images of the data, to be encoded", DataView),
    ViewEntry("map", "Map", "4", "A plane of the space as images, with the data's codes on it", MapView),
    ViewEntry("directions", "Directions", "5", "Directions that mean something, and a - b + c", DirectionsView),
    ViewEntry("user_image", "Your image", "6", "Draw, paste or open an image and find its code", UserImageView),
    ViewEntry("export", "Export", "7", "The interpolation, the traversal or the map as GIF, PNG or MP4", ExportView),
)
"""In the order of the tabs."""

BELOW_IMAGE: tuple[Callable[[Panel, LatentsState], QWidget], ...] = (MetricsLine,)
"""Lines under the decoded image, from top to bottom."""
