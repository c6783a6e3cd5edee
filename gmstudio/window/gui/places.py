"""The panels, one a file, and the places that they have in the window.

A panel's module is imported when it is built and not before: plotting libraries are slow to load, and the window
should be visible first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmstudio.window.gui.panel import Panel
    from gmstudio.window.state.studio import Studio


@dataclass(frozen=True)
class Place:
    """Where a panel is found.

    Args:
        name: the panel's object name.
        title: in the sidebar, the View menu and Help.
        icon: name of the icon.
        tip: what one does there.
        build: makes the panel.
        modules: what it will import, to be loaded before it is needed.
    """

    name: str
    title: str
    icon: str
    tip: str
    build: "Callable[[Studio], Panel]"
    modules: tuple[str, ...] = ()


def _train(studio: "Studio") -> "Panel":
    from gmstudio.window.gui.panels.train.panel import TrainPanel

    return TrainPanel(studio.training, studio.library)


def _pixels(studio: "Studio") -> "Panel":
    from gmstudio.window.gui.panels.pixels.panel import PixelsPanel

    return PixelsPanel(studio.pixels, studio.library)


def _latents(studio: "Studio") -> "Panel":
    from gmstudio.window.gui.panels.latents.panel import LatentsPanel

    return LatentsPanel(studio.latents, studio.library)


def _chains(studio: "Studio") -> "Panel":
    from gmstudio.window.gui.panels.chains.panel import ChainsPanel

    return ChainsPanel(studio.chains, studio.library)


PLOTTING = "gmstudio.window.gui.widgets.plots.curve_plot"
PLACES = (
    Place("train", "Train", "train", "Choose a model, train it, and watch it learn", _train, (PLOTTING,)),
    Place(
        "pixels",
        "Pixels",
        "pixels",
        "Step through the generation of an image, pixel by pixel",
        _pixels,
        ("gmstudio.window.gui.panels.pixels.panel",),
    ),
    Place(
        "latents",
        "Latents",
        "latents",
        "Move through a latent space and see what is decoded",
        _latents,
        ("gmstudio.window.gui.panels.latents.panel",),
    ),
    Place(
        "chains",
        "Chains",
        "chains",
        "Watch Markov chains, denoising, flow layers and training itself on a trajectory",
        _chains,
        ("gmstudio.window.gui.panels.chains.panel", PLOTTING),
    ),
)
"""In the order of the sidebar; Ctrl+1, Ctrl+2 … lead to them."""
