"""Small pictures and folders of them for tests."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gmstudio.data.importing.set_file import ImportedSet
from gmstudio.data.importing.settings import ImportSettings
from gmstudio.data.importing.store import import_images


def some_pixels(seed: int, height: int = 6, width: int = 5, channels: int = 1) -> NDArray[np.uint8]:
    """(height, width, channels) random intensities."""
    return np.random.RandomState(seed).randint(0, 256, (height, width, channels), dtype=np.uint8)


def picture_of(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, form, **options)
    return content.getvalue()


def png(seed: int, height: int = 6, width: int = 5, channels: int = 1) -> bytes:
    return encoded(picture_of(some_pixels(seed, height, width, channels)))


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files, in folders that are created."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def imported(path: Path, home: Path, **settings: object) -> ImportedSet:
    """Import files, and return the set."""
    *_, last = import_images(path, ImportSettings(**settings), home)  # type: ignore[arg-type]
    assert isinstance(last, ImportedSet)
    return last
