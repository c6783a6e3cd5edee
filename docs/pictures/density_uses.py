"""Pictures of the Density panel: one image through every family, and a model as a lossless coder."""

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.state.density.bytes import BytesState
from gmstudio.window.state.density.one_image import OneImageState
from gmstudio.window.state.density.state import DensityState

SHOWN = ("vae", "pixelcnn", "autoencoder", "gan", "realnvp", "nade")
INDEX = 3


def _ready(stage: Stage, *families: str) -> tuple[DensityPanel, DensityState]:
    """Choose ready models."""
    panel, state = stage.panel(DensityPanel), stage.studio.state(DensityState)
    state.set_runs(tuple(stage.studio.library.example(family) for family in families))
    return panel, state


def take_one_image(stage: Stage) -> QImage:
    """Picture of one image through six families."""
    panel, state = _ready(stage, *SHOWN)
    page = state.page(OneImageState)
    page.set_every_family(False)
    page.set_index(INDEX)
    panel.tabs.show_page("one_image")
    wait_until(lambda: len(page.cards) == len(SHOWN) and not page.busy, "the cards")
    return grab(panel.window())


def take_bytes(stage: Stage) -> QImage:
    """Picture of a hundred images that were coded, decoded and compared."""
    panel, state = _ready(stage, "pixelcnn")
    page = state.page(BytesState)
    panel.tabs.show_page("bytes")
    page.compress()
    wait_until(lambda: page.result is not None and not page.work, "the code")
    page.decode()
    wait_until(lambda: page.identical is not None, "the comparison")
    return grab(panel.window())


PICTURES = (
    Picture("density-one-image", (), take_one_image, "light", examples=True),
    Picture("density-bytes", (), take_bytes, "dark", examples=True),
)
