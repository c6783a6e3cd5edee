"""Pictures: PNG files in as a model's levels, and grids of images out.

Shapes: N images, C channels, H height, W width.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.embedding import PICTURE_FORMS, save_picture
from gmstudio.media.ink import composited
from gmstudio.media.levels import quantize
from gmstudio.media.writing import put_in_place
from gmstudio.protocol.images import ImageSpec
from gmstudio.system.regular_file import regular_size

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 64_000_000
MAX_BYTES = 256 << 20
LINE = 128
"""Grey value of the lines between the images of a grid."""
_MODE_NAMES = {
    "L": "grey",
    "LA": "grey with transparency",
    "RGB": "in colour",
    "RGBA": "in colour with transparency",
}


Ground = tuple[float, ...]
"""Intensities of the ground that transparent parts get, 0 … 1, one for each channel."""


def read_levels(
    path: str,
    image: ImageSpec,
    *,
    resize: bool = False,
    convert: bool = False,
    ground: Callable[[], Ground] = tuple,
) -> NDArray[np.uint8]:
    """Read a PNG as levels (C, H, W) of a model's images.

    Args:
        path: the file.
        image: shape and levels of the model's images.
        resize: scale a picture of another size.
        convert: turn colours into grey, or grey into colours, and lay transparent parts on the ground.
        ground: returns the ground of the data, called for a transparent picture only; nothing returned: black.

    Raises:
        ValueError: when it is no PNG, or needs a conversion that was not requested.
        FileNotFoundError: when there is no such file.
    """
    mode = "RGB" if image.channels == 3 else "L"
    pixels = np.atleast_3d(_read(path, mode, (image.width, image.height), ground, resize=resize, convert=convert))
    return quantize(np.ascontiguousarray(pixels.transpose(2, 0, 1)), 255, image.levels)


def read_grey(path: str, image: ImageSpec, *, resize: bool = False) -> NDArray[np.uint8]:
    """Read a PNG as grey values (H, W) 0 … 255, one for each pixel of a model's images; like ``read_levels``."""
    return _read(path, "L", (image.width, image.height), tuple, resize=resize, convert=True)


def _read(
    path: str, mode: str, size: tuple[int, int], ground: Callable[[], Ground], *, resize: bool, convert: bool
) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        regular_size(path, MAX_BYTES)
        opened = Image.open(path, formats=("PNG",))
    except FileNotFoundError:
        raise FileNotFoundError(f"There is no file {path}.") from None
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise ValueError(f"{path} is no PNG picture of a usual size; save the picture as PNG.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror or error}); name a PNG picture.") from error
    with opened as picture:
        if picture.size != size and not resize:
            raise ValueError(
                f"{path} is {_size(picture.size)} pixels (width × height), the model's images are {_size(size)}; add "
                ":resize to resize it."
            )
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError(f"{path} is {_size(picture.size)} pixels; at most {MAX_PIXELS:,} are resized.")
        try:
            return np.asarray(_convert(picture, path, mode, ground, convert=convert).resize(size))
        except (OSError, SyntaxError) as error:  # what pillow raises for a damaged file
            raise ValueError(f"{path} is damaged ({error}); save it again.") from error


def _convert(
    picture: "Image.Image", path: str, mode: str, ground: Callable[[], Ground], *, convert: bool
) -> "Image.Image":
    if re.match("[IF]", picture.mode):
        raise ValueError(f"{path} has 16 bits or more for each value; save it with 8.")
    if picture.mode == "P":  # colours from a table: the same picture, written differently
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    elif picture.mode == "1":
        picture = picture.convert("L")
    if picture.mode != mode and not convert:
        kind = _MODE_NAMES.get(picture.mode, picture.mode)
        wanted = "grey" if mode == "L" else "in colour"
        raise ValueError(f"{path} is {kind}, the model's images are {wanted}; add :convert to turn it into that.")
    if picture.mode in ("RGBA", "LA"):
        picture = _laid(picture, ground() or (0.0,))
    return picture.convert(mode)


def _laid(picture: "Image.Image", ground: Ground) -> "Image.Image":
    """Lay a transparent picture on a ground, as in the window."""
    from PIL import Image

    laid, _inverted = composited(np.asarray(picture.convert("RGBA"), np.float32) / np.float32(255), ground)
    return Image.fromarray((laid * 255).round().astype(np.uint8))


def check_picture_name(path: Path) -> None:
    """Check that a picture can have this path, before the work that leads to it.

    Raises:
        ValueError: when it ends as no format that is written, is a folder, or its folder does not exist.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name a file in it that ends in .png.")
    if not path.parent.is_dir():
        raise ValueError(f"{path} cannot be written: there is no folder {path.parent}. Create it, or name another.")
    if path.suffix.lower() not in PICTURE_FORMS:
        raise ValueError(f"{path} is no name of a picture; end it in {', '.join(PICTURE_FORMS)}.")


def write_grid(images: NDArray[np.uint8], path: Path, scale: int, texts: Mapping[str, str]) -> None:
    """Write images side by side, with lines between them, into one picture.

    Args:
        images: (N, C, H, W), 0 … 255.
        path: the file; its suffix decides on the format.
        scale: screen pixels per image pixel.
        texts: keyword → text, written into the file as metadata.

    Raises:
        OSError: when it cannot be written; a file that was there is unchanged.
    """
    from PIL import Image

    n, channels, height, width = images.shape
    columns = int(np.ceil(np.sqrt(n)))
    rows = -(-n // columns)
    grid = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1, channels), LINE, np.uint8)
    for index, image in enumerate(images):
        top, left = (index // columns) * (height + 1) + 1, (index % columns) * (width + 1) + 1
        grid[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    pixels = np.repeat(np.repeat(grid, scale, axis=0), scale, axis=1)
    picture = Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels)
    with put_in_place(path, overwrite=True) as partial:
        save_picture(picture, partial, texts, path.suffix)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
