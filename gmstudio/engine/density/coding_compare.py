"""Sizes of images as PNG and WebP files, each as small as its format allows without loss, beside a model's code.

PNG: as deep as the levels need (1, 2, 4 or 8 bits, ISO/IEC 15948 section 11.2.2), with a palette where that is smaller,
each row filtered or not, compressed as well as zlib can. WebP: lossless (RFC 9649 section 3) at the slowest setting,
which finds palettes by itself. Raw: log₂ of the number of levels for each sub-pixel.

Shapes: N images, C channels, H height, W width.
"""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.runtime.beside import beside
from gmstudio.media.levels import to_display
from gmstudio.protocol.density_bytes import CodeSize
from gmstudio.protocol.images import ImageSpec

if TYPE_CHECKING:
    from PIL import Image

Images = NDArray[np.uint8]
MAX_SHEET_PIXELS = 1 << 22
IMAGES_EACH = 16
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY = 0
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_RLE, zlib.Z_FIXED)


def raw_bits(image: ImageSpec, count: int) -> float:
    """Return the bits of images without any model, each sub-pixel by itself."""
    return count * image.num_dims * math.log2(image.levels)


def compare_sizes(images: Images, image: ImageSpec) -> Iterator[tuple[CodeSize, ...] | None]:
    """Measure images as pictures, in a thread beside the engine's loop: a large WebP takes seconds.

    Args:
        images: (N, C, H, W) levels.
        image: their shape and levels.

    Returns:
        A generator of None while it works and, last, the sizes; those of sheets for several images only.
    """
    png = webp = 0
    for start in range(0, len(images), IMAGES_EACH):
        found = yield from beside(partial(_file_sizes, images[start : start + IMAGES_EACH], image.levels))
        png, webp = png + found[0], webp + found[1]
    several = len(images) > 1
    sizes = [
        CodeSize(name="png", title="PNG, a file each" if several else "PNG", bits=8.0 * png),
        CodeSize(name="webp", title="WebP, a file each" if several else "WebP, lossless", bits=8.0 * webp),
    ]
    if several and len(images) * image.height * image.width <= MAX_SHEET_PIXELS:
        png, webp = yield from beside(lambda: _file_sizes(sheet_of(images)[None], image.levels))
        sizes.insert(1, CodeSize(name="png_sheet", title="PNG, one sheet", bits=8.0 * png))
        sizes.append(CodeSize(name="webp_sheet", title="WebP, one sheet", bits=8.0 * webp))
    yield (*sizes, CodeSize(name="raw", title="raw", bits=raw_bits(image, len(images))))


def _file_sizes(images: Images, num_levels: int) -> tuple[int, int]:
    """Bytes of all images as PNG and as WebP, a file each."""
    png = sum(len(smallest_png(levels, num_levels)) for levels in images)
    return png, sum(len(webp_file(levels, num_levels)) for levels in images)


def sheet_of(images: Images) -> Images:
    """Put images side by side without lines, (N, C, H, W) → (C, H', W'), about as wide as high."""
    count, channels, height, width = images.shape
    columns = max(1, min(count, round(math.sqrt(count * height / width))))
    rows = -(-count // columns)
    sheet = np.zeros((channels, rows * height, columns * width), np.uint8)
    for index, levels in enumerate(images):
        top, left = height * (index // columns), width * (index % columns)
        sheet[:, top : top + height, left : left + width] = levels
    return sheet


def smallest_png(levels: Images, num_levels: int) -> bytes:
    """Return an image (C, H, W) of levels as the smallest PNG that we find.

    A grey PNG of fewer than 256 levels has the levels as its samples, as deep as they need.
    """
    if levels.shape[0] == 1 and num_levels <= 16:
        return _grey_png(levels[0], 1 if num_levels == 2 else 2 if num_levels <= 4 else 4)
    from PIL import Image

    shown = to_display(levels, num_levels)
    picture = Image.fromarray(shown[0] if len(shown) == 1 else np.ascontiguousarray(shown.transpose(1, 2, 0)))
    candidates = [picture]
    colours = picture.getcolors(256)
    if colours is not None:
        palette = np.array([np.atleast_1d(colour) for _count, colour in colours], np.uint8)
        candidates.append(_with_palette(shown, palette))
    return min((_pil_png(candidate) for candidate in candidates), key=len)


def webp_file(levels: Images, num_levels: int) -> bytes:
    """Return an image (C, H, W) of levels as a lossless WebP."""
    from PIL import Image

    shown = to_display(levels, num_levels)
    rgb = np.broadcast_to(shown, (3, *shown.shape[1:])).transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(file, "WEBP", lossless=True, quality=100, method=6)
    return file.getvalue()


def _with_palette(shown: Images, palette: Images) -> "Image.Image":
    from PIL import Image

    table = {tuple(colour.tolist()): number for number, colour in enumerate(palette)}
    rows = shown.transpose(1, 2, 0)
    numbers = np.array([[table[tuple(pixel.tolist())] for pixel in row] for row in rows], np.uint8)
    picture = Image.fromarray(numbers)
    picture.putpalette(np.broadcast_to(palette, (len(palette), 3)).tobytes())
    return picture


def _pil_png(picture: "Image.Image") -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _grey_png(levels: Images, depth: int) -> bytes:
    """Grey PNG of a depth below 8; filters don't pay there (section 12.7), so the rows are not filtered."""
    height, width = levels.shape
    bits = np.unpackbits(levels[..., None], axis=2)[..., 8 - depth :].reshape(height, -1)
    rows = np.packbits(bits, axis=1)
    data = np.concatenate((np.zeros((height, 1), np.uint8), rows), axis=1).tobytes()
    packed = min((_deflated(data, strategy) for strategy in _STRATEGIES), key=len)
    head = struct.pack(">IIBBBBB", width, height, depth, _GREY, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _deflated(data: bytes, strategy: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, strategy)
    return packer.compress(data) + packer.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
