"""Saved images of a run as one picture for other programs."""

import io

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.provenance import Provenance, metadata_of
from gmstudio.media.sheets import sheet
from gmstudio.runs.history import ImageGrid

LEAST_WIDTH = 256
"""Pixels; the images of smaller sheets are enlarged by a whole number."""


def picture_of(grid: ImageGrid) -> NDArray[np.uint8]:
    """Put saved images side by side, (H, W, C) with C = 1 or 3, 0 … 255."""
    laid = sheet(grid.images)
    scale = max(1, LEAST_WIDTH // laid.shape[-1])
    return laid.repeat(scale, axis=1).repeat(scale, axis=2).transpose(1, 2, 0)


def png_of(grid: ImageGrid, family: str, run: str) -> bytes:
    """Encode the picture of saved images as PNG, with run and step in its metadata."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    picture, info = picture_of(grid), PngInfo()
    for keyword, text in metadata_of(Provenance(family=family, run=run, step=grid.step, shows=grid.kind)).items():
        info.add_text(keyword, text)
    file = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, "PNG", pnginfo=info)
    return file.getvalue()
