"""Reading of provenance metadata from files of pictures and films: bounded in size, without decoding the pictures."""

import struct
from pathlib import Path
from typing import BinaryIO

from gmstudio.media.embedding import DESCRIPTION_TAG, described_texts, pdf_texts, svg_texts
from gmstudio.media.provenance import MAX_TEXT, Provenance, parse_metadata
from gmstudio.system.regular_file import regular_size

FORMATS = (".png", ".gif", ".mp4", ".webp", ".jpg", ".jpeg", ".svg", ".pdf")
MAX_ENTRIES = 64
MAX_BOX = 8 << 20
"""Bytes of an MP4's header box that are read."""
_NO_PICTURE = "{} is not a PNG, GIF, WebP or JPEG of a usual size, or it is damaged."
_COMMENT = b"\xa9cmt"


class NotOursError(ValueError):
    """A file without gmstudio's metadata, for example a photograph."""


def read_provenance(path: str | Path) -> Provenance:
    """Read the provenance of a picture from its file.

    Raises:
        NotOursError: when it has no gmstudio data.
        ValueError: when it is damaged, or its metadata is malformed.
        OSError: when it cannot be read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise NotOursError(f"{path.name} has no gmstudio data.")
    regular_size(path)
    readers = {".mp4": _mp4_metadata, ".svg": svg_texts, ".pdf": pdf_texts}
    metadata = readers.get(suffix, _image_metadata)(path)
    try:
        origin = parse_metadata(metadata)
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be restored. {error}") from None
    if origin is None:
        raise NotOursError(f"{path.name} has no gmstudio data.")
    return origin


def _image_metadata(path: Path) -> dict[str, str]:
    from PIL import Image, UnidentifiedImageError

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with Image.open(path, formats=("PNG", "GIF", "WEBP", "JPEG")) as picture:
            found = dict(picture.info)
            if picture.format in ("WEBP", "JPEG"):
                return described_texts(picture.getexif().get(DESCRIPTION_TAG))
    except (UnidentifiedImageError, *bombs, SyntaxError, ValueError, struct.error):
        raise ValueError(_NO_PICTURE.format(path.name)) from None
    except OSError as error:
        if error.errno is None:  # of a decoder, not of the system
            raise ValueError(_NO_PICTURE.format(path.name)) from None
        raise
    comment = found.get("comment")
    if isinstance(comment, bytes):
        return described_texts(comment)
    texts = {str(key): str(text) for key, text in found.items() if isinstance(text, str) and len(text) <= MAX_TEXT}
    return dict(list(texts.items())[:MAX_ENTRIES])


def _mp4_metadata(path: Path) -> dict[str, str]:
    """Read the metadata in the comment tag, moov/udta/meta/ilst/©cmt/data, in the layout of Apple and ffmpeg."""
    with path.open("rb") as file:
        header = file.read(12)
        if header[4:8] != b"ftyp":
            raise ValueError(f"{path.name} is not an MP4, or it is damaged.")
        file.seek(0)
        moov = _top_box(file, b"moov")
    box: bytes | None = moov
    for name in (b"udta", b"meta", b"ilst", _COMMENT, b"data"):
        # ``meta`` is a full box: four bytes of version and flags come before its content.
        box = None if box is None else _inner(box, name)
        if name == b"meta" and box is not None:
            box = box[4:]
    return {} if box is None else described_texts(box[8:])


def _top_box(file: BinaryIO, wanted: bytes) -> bytes | None:
    """Content of a top-level box; None when it is missing, or larger than ``MAX_BOX``."""
    for _ in range(MAX_ENTRIES):
        header = file.read(8)
        if len(header) < 8:
            return None
        size, name = struct.unpack(">I4s", header)
        body = size - 8
        if size == 1:
            large = file.read(8)
            if len(large) < 8:
                return None
            body = struct.unpack(">Q", large)[0] - 16
        if not 0 <= body < 1 << 62:
            return None
        if name == wanted:
            return file.read(body) if body <= MAX_BOX else None
        file.seek(body, 1)
    return None


def _inner(box: bytes, wanted: bytes) -> bytes | None:
    """Content of a box within a box; None when it is missing."""
    at = 0
    while at + 8 <= len(box):
        size, name = struct.unpack_from(">I4s", box, at)
        if size < 8:
            return None
        if name == wanted:
            return box[at + 8 : at + size]
        at += size
    return None
