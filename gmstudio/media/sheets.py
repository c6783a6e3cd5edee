"""Sheets of images: grids with lines between them, and strips whose columns are labelled.

Shapes: N images, R rows, K columns, C channels, H height, W width.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.provenance import Provenance, metadata_of

LINE = 128
"""Grey value of the lines between images."""
LABEL_HEIGHT, LABEL_SIZE = 20, 13
"""Height of a line of text, and of its letters, pixels."""
MARGIN = 4
Images = NDArray[np.uint8]


def sheet(images: Images, columns: int = 0) -> Images:
    """Put images side by side with lines between them, (N, C, H, W) → (C, H', W').

    Args:
        images: the images, 0 … 255.
        columns: of the grid; 0: about as many as rows.
    """
    count, channels, height, width = images.shape
    columns = columns or int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    grid = np.full((channels, rows * (height + 1) - 1, columns * (width + 1) - 1), LINE, np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + 1), (index % columns) * (width + 1)
        grid[:, top : top + height, left : left + width] = image
    return grid


def write_strip(
    path: Path,
    images: Images,
    labels: Sequence[str],
    title: str,
    origin: Provenance,
    scale: int,
    stopped: Callable[[], bool],
) -> None:
    """Write rows of images into a PNG, with a label above each column and the labels' title before the first row.

    Args:
        path: the file.
        images: (R, K, C, H, W), 0 … 255.
        labels: of the K columns; those that would run into the one before are left out.
        title: name of what the labels number.
        origin: written into the file.
        scale: screen pixels per image pixel.
        stopped: True cancels.

    Raises:
        StoppedError: when ``stopped`` was true.
    """
    from PIL import Image, ImageDraw, ImageFont
    from PIL.PngImagePlugin import PngInfo

    from gmstudio.media.writing import StoppedError

    rows, columns, channels, height, width = images.shape
    if stopped():
        raise StoppedError
    cell_y, cell_x = height * scale + MARGIN, width * scale + MARGIN
    font = ImageFont.load_default(LABEL_SIZE)
    least = round(font.getlength(title)) + 2 * MARGIN
    size = (max(columns * cell_x + MARGIN, least), rows * cell_y + MARGIN + 2 * LABEL_HEIGHT)
    picture = Image.new("RGB", size, "white")
    draw, free = ImageDraw.Draw(picture), 0.0
    draw.text((MARGIN, LABEL_HEIGHT / 2), title, "black", font, anchor="lm")
    for column, label in enumerate(labels):
        centre, length = MARGIN + column * cell_x + width * scale / 2, font.getlength(label)
        left = min(max(centre - length / 2, MARGIN), size[0] - MARGIN - length)
        if left >= free:
            draw.text((left, 1.5 * LABEL_HEIGHT), label, "black", font, anchor="lm")
            free = left + length + MARGIN
    for row in range(rows):
        for column in range(columns):
            tile = images[row, column].transpose(1, 2, 0)
            pixels = Image.fromarray(tile[..., 0] if channels == 1 else tile)
            large = pixels.resize((width * scale, height * scale), Image.Resampling.NEAREST)
            picture.paste(large, (MARGIN + column * cell_x, MARGIN + row * cell_y + 2 * LABEL_HEIGHT - MARGIN))
    info = PngInfo()
    for keyword, text in metadata_of(origin).items():
        info.add_text(keyword, text)
    picture.save(path, format="PNG", pnginfo=info)
