"""Pictures of the Atlas and the Data panel, with the ready models and data that come with the program."""

import tempfile
from pathlib import Path

from PIL import Image
from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab, settle
from gmstudio.data import load
from gmstudio.window.gui.panels.atlas.panel import AtlasPanel
from gmstudio.window.gui.panels.data.panel import DataPanel
from gmstudio.window.state.atlas.state import AtlasState
from gmstudio.window.state.data.state import DataState

FOLDER_IMAGES = 120
LIVE_S = 8.0


def take_leaf(stage: Stage) -> QImage:
    """The taxonomy with the page of the VAE: samples drawn live, its formula, what it costs, what is published."""
    atlas = _atlas(stage)
    node = atlas.tree.family("vae")
    assert node is not None, "there is a VAE"
    atlas.select(node)
    settle(LIVE_S)
    return grab(stage.window)


def take_demonstration(stage: Stage) -> QImage:
    """Receptive fields measured by changing pixels: PixelCNN's blind spot beside Gated PixelCNN."""
    atlas = _atlas(stage)
    atlas.demonstrate("blind_spot")
    wait_until(lambda: atlas.player.scene is not None and not atlas.player.running, "the demonstration")
    return grab(stage.window)


def take_data_set(stage: Stage) -> QImage:
    """A data set that comes with the program, its images and statistics."""
    stage.panel(DataPanel)
    stage.studio.state(DataState).open_source("fashion_mnist")
    settle(LIVE_S)
    return grab(stage.window)


def take_import(stage: Stage) -> QImage:
    """A folder of pictures before it is imported: as they are, and as a model will see them."""
    stage.panel(DataPanel)
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "my digits"
        _write_pictures(folder)
        data = stage.studio.state(DataState)
        data.import_files(str(folder))
        wait_until(lambda: data.assistant.can_import, "a preview")
        settle(LIVE_S)
        return grab(stage.window)


def _atlas(stage: Stage) -> AtlasState:
    stage.panel(AtlasPanel)
    atlas = stage.studio.state(AtlasState)
    wait_until(lambda: atlas.has_engine, "the taxonomy")
    return atlas


def _write_pictures(folder: Path) -> None:
    """PNG files in a folder for each class."""
    images = load("mnist", {"levels": 256}).test
    assert images.labels is not None, "digits have labels"
    for index in range(FOLDER_IMAGES):
        path = folder / str(images.labels[index]) / f"{index:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images.images[index, 0]).save(path)


PICTURES = (
    Picture("atlas", (), take_leaf, "light", examples=True),
    Picture("atlas-demonstration", (), take_demonstration, "light", examples=True),
    Picture("data", (), take_data_set, "dark", examples=True),
    Picture("data-import", (), take_import, "light", examples=True),
)
