"""Reads the words of PNG, GIF and MP4 files: bounded, and without decoding the pictures."""

import struct
from pathlib import Path
from typing import BinaryIO

import msgspec

from gmstudio.media.provenance import MAX_TEXT, Provenance, parse_words

FORMATS = (".png", ".gif", ".mp4")
MAX_WORDS = 64
MAX_BOX = 8 << 20
"""Bytes of an MP4's header box that are read."""
_COMMENT = b"\xa9cmt"


class NotOursError(ValueError):
    """The file is no picture of gmstudio's; it may be a fine picture of someone else's."""


def read_provenance(path: str | Path) -> Provenance:
    """What a picture's file tells of its origin.

    Raises:
        NotOursError: when it tells nothing that is ours.
        ValueError: when it is damaged, or tells what cannot be understood.
        OSError: when it cannot be read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise NotOursError(f"{path.name} is no {', '.join(form[1:].upper() for form in FORMATS)}.")
    words = _mp4_words(path) if suffix == ".mp4" else _picture_words(path)
    try:
        origin = parse_words(words)
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be brought back. {error}") from None
    if origin is None:
        raise NotOursError(f"{path.name} does not say that gmstudio made it.")
    return origin


def _picture_words(path: Path) -> dict[str, str]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path, formats=("PNG", "GIF")) as picture:
            found = dict(picture.info)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, struct.error):
        raise ValueError(f"{path.name} is no PNG or GIF of a usual size, or it is damaged.") from None
    comment = found.get("comment")
    if isinstance(comment, bytes):
        return _from_json(comment)
    texts = {str(key): str(text) for key, text in found.items() if isinstance(text, str) and len(text) <= MAX_TEXT}
    return dict(list(texts.items())[:MAX_WORDS])


def _from_json(text: bytes) -> dict[str, str]:
    """The words in one JSON object; none when it is something else."""
    if len(text) > 2 * MAX_TEXT:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}


def _mp4_words(path: Path) -> dict[str, str]:
    """The words in the comment tag, moov/udta/meta/ilst/©cmt/data, as Apple's metadata and ffmpeg have it."""
    with path.open("rb") as file:
        header = file.read(12)
        if header[4:8] != b"ftyp":
            raise ValueError(f"{path.name} is no MP4, or it is damaged.")
        file.seek(0)
        moov = _top_box(file, b"moov")
    box: bytes | None = moov
    for name in (b"udta", b"meta", b"ilst", _COMMENT, b"data"):
        # ``meta`` is a full box: four bytes of version and flags come before what it holds.
        box = None if box is None else _inner(box, name)
        if name == b"meta" and box is not None:
            box = box[4:]
    return {} if box is None else _from_json(box[8:])


def _top_box(file: BinaryIO, wanted: bytes) -> bytes | None:
    """What a box of the file holds; None where it is not there, or larger than ``MAX_BOX``."""
    for _ in range(MAX_WORDS):
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
    """What a box within a box holds."""
    at = 0
    while at + 8 <= len(box):
        size, name = struct.unpack_from(">I4s", box, at)
        if size < 8:
            return None
        if name == wanted:
            return box[at + 8 : at + size]
        at += size
    return None
