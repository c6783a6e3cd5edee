"""Pictures of the Atlas and the Data panel, with the ready models and data that come with the program."""

import tempfile
from pathlib import Path

import numpy as np
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


def take_points(stage: Stage) -> QImage:
    """A face drawn by hand: its density, and points that were drawn from it."""
    stage.panel(DataPanel)
    data = stage.studio.state(DataState)
    data.open_source("points")
    points = data.points
    points.set_values(shape="drawn")
    turn = np.linspace(0, 2 * np.pi, 60)
    head = 0.5 + 0.36 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    below = np.linspace(1.12 * np.pi, 1.88 * np.pi, 30)
    smile = 0.5 + 0.2 * np.stack([np.cos(below), np.sin(below)], axis=1)
    for radius, line in ((22, head), (20, smile), (34, np.array([[0.38, 0.6]])), (34, np.array([[0.62, 0.6]]))):
        points.set_radius(radius)
        points.begin_stroke(*line[0].tolist())
        for place in line[1:].tolist():
            points.extend_stroke(*place)
        points.end_stroke()
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
    Picture("data-points", (), take_points, "dark", examples=True),
    Picture("data-import", (), take_import, "light", examples=True),
)
