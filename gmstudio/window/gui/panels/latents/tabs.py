"""The views below the decoded image, one tab each."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.data import DataView
from gmstudio.window.gui.panels.latents.directions import DirectionsView
from gmstudio.window.gui.panels.latents.export import ExportView
from gmstudio.window.gui.panels.latents.interpolation import InterpolationView
from gmstudio.window.gui.panels.latents.map import MapView
from gmstudio.window.gui.panels.latents.traversal import TraversalView
from gmstudio.window.gui.panels.latents.user_image import UserImageView
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.widgets.lazy_tabs import Tab
from gmstudio.window.state.latents.state import LatentsState


class ViewEntry(NamedTuple):
    """Entry of a view.

    Args:
        name: of the tab; its action is ``view_<name>``.
        title: of the tab.
        tip: purpose of the view.
        make: builds it.
        group: of views whose controls have one height, so that the images above them stay where they are.
    """

    name: str
    title: str
    tip: str
    make: Callable[[Panel, LatentsState], LatentView]
    group: str = "images"


VIEWS: tuple[ViewEntry, ...] = (
    ViewEntry("traversal", "Traverse", "Latent traversal: the image along the chosen dimension", TraversalView),
    ViewEntry("interpolation", "Interpolation", "Interpolation between keyframes, and playing it", InterpolationView),
    ViewEntry("data", "Data", "Images of the data to encode", DataView),
    ViewEntry("map", "Map", "A plane of the latent space as images, with the encoded data on it", MapView, "map"),
    ViewEntry("directions", "Directions", "Interpretable directions, and a - b + c", DirectionsView, "directions"),
    ViewEntry("user_image", "Your image", "Draw, paste or open an image, and encode it or optimize z", UserImageView),
    ViewEntry("export", "Export", "The interpolation, the traversal or the map as GIF, PNG or MP4", ExportView),
)
"""In the order of the tabs; their keys are 1, 2, …"""


def latent_tabs(panel: Panel, state: LatentsState) -> tuple[Tab, ...]:
    """Return the entries of the tabs.

    Args:
        panel: that the views' controls belong to.
        state: shown and changed by the views.
    """
    return tuple(
        Tab(view.name, view.title, view.tip, partial(view.make, panel, state), key=str(number), group=view.group)
        for number, view in enumerate(VIEWS, 1)
    )
