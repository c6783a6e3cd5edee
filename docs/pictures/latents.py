"""Pictures of the Latents panel: each of its views with another family."""

from collections.abc import Callable

import numpy as np
from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, sheet
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.gui.panels.latents.user_image import UserImageView
from gmstudio.window.state.latents.state import LatentsState

DRAWN = ("..9FE2..", ".6B3D8..", "....E6..", "..2BF5..", "....3E9.", ".....7C.", ".3A15DA.", "..9FFC2.")
"""A three, by hand: levels from 0 to F; a dot is 0."""
THREE, EIGHT, ZERO, ONE = 0, 1, 2, 5
"""Places of such digits in the validation split."""


class Explorer:
    """The panel, operated as by a user.

    Args:
        stage: the window with the models.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.panel = stage.panel(LatentsPanel)
        self.latents = stage.studio.state(LatentsState)

    def open(self, model: str, view: str) -> None:
        """Show a model, with the statistics of its dimensions and one of the views below the image."""
        latents = self.latents
        stats = latents.dimension_stats
        stats.set_sort("kl" if model == "vae" else "pixel_change")
        self.panel.run.choose(self.stage.runs[model])
        self.panel.tabs.show_page(view)
        wait_until(lambda: latents.shown is not None and stats.pixel_change is not None, f"{model}, its statistics")

    def encode(self, index: int) -> None:
        """Go to the code of an image of the validation split."""
        gallery = self.latents.gallery
        wait_until(lambda: gallery.page is not None, "images of the data")
        gallery.choose(index)
        gallery.encode()
        wait_until(lambda: gallery.encoding is not None and gallery.encoding.index == index, "its code")
        wait_until(lambda: self.latents.reconstructs, "its reconstruction")

    def fill_slots(self, a: int, b: int, c: int) -> None:
        """Put images of the validation split into the slots of a - b + c."""
        arithmetic = self.latents.arithmetic
        for index in (a, b, c):
            before = arithmetic.operands
            arithmetic.set_to_image("valid", index)
            wait_until(lambda: arithmetic.operands is not before, "its code")  # noqa: B023 (called here)

    def go_through(self, *images: int) -> None:
        """Interpolate from image to image, and stop between the first two."""
        codes = []
        for index in images:
            self.encode(index)
            codes.append(self.latents.code.values)
        self.latents.gallery.forget()
        interpolation = self.latents.interpolation
        interpolation.set_path("spherical")
        interpolation.set_keyframes(codes)
        interpolation.go_to(0.5)


def _map(explorer: Explorer) -> None:
    explorer.open("vae", "map")
    shown = explorer.latents.map
    wait_until(lambda: shown.scatter is not None, "codes of the data")
    shown.show_original(5)


def _directions(explorer: Explorer) -> None:
    """From an eight towards threes, and a - b + c."""
    explorer.open("autoencoder", "directions")
    directions = explorer.latents.directions
    explorer.encode(EIGHT)
    explorer.latents.gallery.forget()
    directions.set_kind("labels")
    for labels in ((8, 3), (1, 7), (0, 6)):
        directions.set_labels(*labels)
        directions.find()
        wait_until(lambda: not directions.busy, "a direction")
    explorer.fill_slots(ZERO, EIGHT, THREE)
    explorer.latents.code.set_amount(directions.found[0], 1.0)


def _user_image(explorer: Explorer) -> None:
    explorer.open("gan", "user_image")
    view = explorer.panel.views["user_image"]
    assert isinstance(view, UserImageView), "the view of this name"
    drawn = np.array([[int(pixel.replace(".", "0"), 16) for pixel in row] for row in DRAWN], np.uint8)
    view.canvas.set_image(drawn[np.newaxis])
    wait_until(lambda: not explorer.latents.user_image.optimizing and explorer.latents.user_image.step > 0, "a code")


def _interpolation(explorer: Explorer) -> None:
    explorer.open("realnvp", "interpolation")
    explorer.go_through(THREE, ONE, ZERO)


def _traversal(explorer: Explorer) -> None:
    explorer.open("ddpm", "traversal")
    explorer.latents.code.randomize(7)
    wait_until(lambda: explorer.latents.strips.traversal.images is not None, "the strip")


def _data(explorer: Explorer) -> None:
    explorer.open("rbm", "data")
    explorer.encode(THREE)


def _export(explorer: Explorer) -> None:
    explorer.open("vae", "export")
    explorer.go_through(ZERO, EIGHT, ONE)


VIEWS: tuple[tuple[str, Callable[[Explorer], None]], ...] = (
    ("Traverse: denoising diffusion, one entry of its noise", _traversal),
    ("Interpolation: Real NVP, from a three over a one to a zero", _interpolation),
    ("Data: the hidden units of a restricted Boltzmann machine for a real image", _data),
    ("Directions: class-mean differences of an autoencoder, and a - b + c", _directions),
    ("Your image: a drawn three, and the nearest that a GAN has", _user_image),
    ("Export: an interpolation through the space of a VAE as a film", _export),
)
"""Caption and scene; the map has a picture of its own."""


def take_map(stage: Stage) -> QImage:
    """A map of a VAE's latent space, at the code of an image of the data."""
    _map(Explorer(stage))
    return grab(stage.window)


def take_views(stage: Stage) -> QImage:
    """The other views, each with another family."""
    explorer = Explorer(stage)
    cells = []
    for caption, look in VIEWS:
        look(explorer)
        cells.append((caption, grab(explorer.panel)))
    return sheet(cells)


SIX = ("ddpm", "realnvp", "rbm", "autoencoder", "gan", "vae")
PICTURES = (
    Picture("latents", ("vae",), take_map, "light"),
    Picture("latents-families", SIX, take_views, "dark"),
)
