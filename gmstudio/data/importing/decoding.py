"""Decoding of picture files that nobody has vetted: formats by content, sizes before memory, errors in sentences.

Shapes: H rows, W columns, C channels as in ``RawImage``.
"""

import contextlib
import math
import threading
import warnings
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.importing.raw import BadImageError, RawImage
from gmstudio.data.importing.settings import Orientation, ValueRange

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF")
MAX_SIDE = 16_384
MAX_PIXELS = 32 << 20
"""Largest number of pixels of a picture, for which decoder and result take about 300 MB."""
MAX_REDUCED_PIXELS = 64 << 20
"""The same for JPEGs that are reduced while they are decoded."""
LARGE_PIXELS = 1 << 20
"""Pictures of more pixels are decoded one at a time, and reduced to what is needed."""
one_large_picture = threading.RLock()
"""Held while a large picture is decoded, so that threads do not multiply its memory."""
_TRANSPOSING = (5, 6, 7, 8)
_INVERSES = {6: 8, 8: 6}
_ORIENTATION_TAG = 0x0112
_BAND_PIXELS = 1 << 20


def _silence_decoder() -> None:
    """Let the decoder give no warnings about oddities of files; its limits of size are errors."""
    from PIL import Image

    if warnings.filters[:1] != [("error", None, Image.DecompressionBombWarning, None, 0)]:
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("error", Image.DecompressionBombWarning)


def decode(
    content: bytes,
    name: str,
    orientation: Orientation = "auto",
    value_range: ValueRange = "auto",
    least: tuple[int, int] | None = None,
) -> RawImage:
    """Decode a picture.

    Args:
        content: of its file.
        name: for messages.
        orientation: ``auto`` turns it as its EXIF data say.
        value_range: of pictures with more than 8 bits; see ``_scaled``.
        least: (rows, columns) that are needed at least: a JPEG of twice that size and more is reduced while it is
            decoded, any other large picture afterwards, by means of squares. None: all are.

    Raises:
        BadImageError: when it cannot be used.
    """
    with _opened(content, name) as picture:
        turns = _turns(picture, orientation)
        if least is not None and (turns in _TRANSPOSING or orientation == "transpose"):
            least = least[1], least[0]
        _check_pixels(picture, name, MAX_REDUCED_PIXELS)
        if least is not None and picture.format == "JPEG":
            picture.draft(None, (least[1], least[0]))  # leaves out coefficients, ITU-T T.81
        _check_pixels(picture, name, MAX_PIXELS)
        is_large = picture.width * picture.height > LARGE_PIXELS
        with one_large_picture if is_large else contextlib.nullcontext():
            pixels = _loaded(picture, name, value_range, least if is_large else None)
    turned = _turned(pixels, turns)
    return np.ascontiguousarray(turned.transpose(1, 0, 2) if orientation == "transpose" else turned)


def measure(content: bytes, name: str, orientation: Orientation = "auto") -> tuple[int, int]:
    """(rows, columns) of a picture, from its header alone; see ``decode``."""
    with _opened(content, name) as picture:
        turns = _turns(picture, orientation)
        swaps = turns in _TRANSPOSING or orientation == "transpose"
        return (picture.width, picture.height) if swaps else (picture.height, picture.width)


@contextlib.contextmanager
def _opened(content: bytes, name: str) -> Iterator["Image.Image"]:
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise BadImageError(name, "The file is empty.")
    _silence_decoder()
    try:
        opened = Image.open(BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        reason = "It is no PNG, JPEG, WEBP, BMP, GIF or TIFF picture, or damaged. Convert it to PNG."
        raise BadImageError(name, reason) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImageError(name, f"It has more than {MAX_REDUCED_PIXELS:,} pixels. Resize it.") from error
    except MemoryError:
        raise
    except Exception as error:
        raise BadImageError(name, f"It is damaged ({_reason(error)}). Save it again.") from error
    with opened as picture:
        yield picture


def _reason(error: Exception) -> str:
    return str(error).strip(". ")[:200] or type(error).__name__


def _turns(picture: "Image.Image", orientation: Orientation) -> int:
    """EXIF orientation that is undone after decoding. Pillow undoes that of a TIFF itself, also unasked."""
    stored = _orientation_of(picture)
    if picture.format == "TIFF":
        return 1 if orientation == "auto" else _INVERSES.get(stored, stored)
    return stored if orientation == "auto" else 1


def _orientation_of(picture: "Image.Image") -> int:
    """EXIF orientation, 1 (upright) to 8; 1 where there is none, or it cannot be read."""
    if picture.format not in ("JPEG", "TIFF", "PNG", "WEBP"):
        return 1
    if picture.format == "PNG" and "exif" not in picture.info and "Raw profile type exif" not in picture.info:
        return 1
    try:
        found = picture.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF data do no harm to the picture
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _check_pixels(picture: "Image.Image", name: str, limit: int) -> None:
    width, height = picture.size
    if max(width, height) > MAX_SIDE:
        raise BadImageError(name, f"It is {width}×{height} pixels; a side has at most {MAX_SIDE:,}. Resize it.")
    if width * height > limit:
        raise BadImageError(name, f"It is {width}×{height} pixels; at most {limit:,} are read. Resize it.")


def _loaded(picture: "Image.Image", name: str, value_range: ValueRange, least: tuple[int, int] | None) -> RawImage:
    try:
        picture.load()
        direct = _direct(picture, name, value_range)
        if least is not None:
            # At least two pixels are left for each one that is needed, which are averaged exactly.
            factor = min(picture.height // (2 * least[0]), picture.width // (2 * least[1]))
            direct = direct.reduce(factor) if factor > 1 else direct
        return _copied(direct)
    except (BadImageError, MemoryError):
        raise
    except Exception as error:  # decoders raise errors of many kinds for damaged files
        raise BadImageError(name, f"It is damaged ({_reason(error)}). Save it again.") from error


def _direct(picture: "Image.Image", name: str, value_range: ValueRange) -> "Image.Image":
    """Picture in one of the modes L, LA, RGB and RGBA."""
    from PIL import Image

    if picture.mode == "F" or picture.mode.startswith("I"):
        return Image.fromarray(_scaled(picture, name, value_range))
    mode, has_transparency = picture.mode, "transparency" in picture.info
    if mode in ("1", "L"):
        wanted = "LA" if has_transparency and mode == "L" else "L"
    elif mode in ("P", "RGB"):
        wanted = "RGBA" if has_transparency else "RGB"
    else:
        wanted = {"LA": "LA", "La": "LA", "PA": "RGBA", "RGBA": "RGBA", "RGBa": "RGBA"}.get(mode, "RGB")
    return picture if mode == wanted else picture.convert(wanted)


def _copied(picture: "Image.Image") -> RawImage:
    width, height = picture.size
    if height <= _band_rows(picture):
        return np.atleast_3d(np.asarray(picture))
    pixels = np.empty((height, width, len(picture.getbands())), np.uint8)
    for top, values in _bands(picture):
        pixels[top : top + len(values)] = np.atleast_3d(values)
    return pixels


def _band_rows(picture: "Image.Image") -> int:
    return max(1, _BAND_PIXELS // picture.width)


def _bands(picture: "Image.Image") -> Iterator[tuple[int, NDArray[Any]]]:
    """First row and values of bands of rows, since to copy the whole at once takes three times its size."""
    rows = _band_rows(picture)
    for top in range(0, picture.height, rows):
        yield top, np.asarray(picture.crop((0, top, picture.width, min(top + rows, picture.height))))


def _scaled(picture: "Image.Image", name: str, value_range: ValueRange) -> NDArray[np.uint8]:
    """(H, W): values of 16 or 32 bits as 0 … 255.

    ``auto``: 16-bit values from 0 to 65,535; others from 0 to 1 (floats only), 255 or 65,535, the first of them that
    holds all.
    """
    extremes = [(float(values.min()), float(values.max())) for _, values in _bands(picture)]
    low, high = float(np.min(extremes)), float(np.max(extremes))
    if not math.isfinite(low) or not math.isfinite(high):
        raise BadImageError(name, "It has values that are infinite or no numbers. Save it with 8 bits.")
    bottom, top_value = (low, high) if value_range == "stretch" else (0.0, _white(picture.mode, high, value_range))
    if low < bottom or high > top_value:
        reason = f"Its values go from {low:g} to {high:g}, outside 0 to {top_value:g}."
        raise BadImageError(name, f"{reason} Choose value range minimum to maximum.")
    scale = 255.0 / max(top_value - bottom, 1e-12)
    pixels = np.empty((picture.height, picture.width), np.uint8)
    for top, values in _bands(picture):
        pixels[top : top + len(values)] = np.rint((values.astype(np.float64) - bottom) * scale)
    return pixels


def _white(mode: str, high: float, value_range: ValueRange) -> float:
    """Value of white."""
    if value_range != "auto":
        return 1.0 if value_range == "unit" else 255.0
    if mode.startswith("I;16"):
        return 65_535.0
    return next((top for top in ((1.0,) if mode == "F" else ()) + (255.0, 65_535.0) if high <= top), 65_535.0)


def _turned(pixels: RawImage, orientation: int) -> RawImage:
    """Turn and mirror a picture as its EXIF orientation asks (TIFF 6.0, section 8; Exif 2.32, 4.6.5)."""
    if orientation in _TRANSPOSING:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
