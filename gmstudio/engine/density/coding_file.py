"""Files of coded images: what was coded, with which weights, and the code.

Layout, all numbers little-endian:

    4 bytes     ``GMSZ``
    1 byte      version, 1
    2 bytes     length of the header
    header      MessagePack array of the fields of ``CodedHeader``, in their order
    payload     32-bit words of the range coder
    4 bytes     CRC-32 of all before

A file is decoded with the weights, image format, order and groups that its header names, and the images are compared
with the header's digest: other images than those that were coded are never returned.
"""

import hashlib
import platform
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.density.coding import GROUP, MAX_IMAGES, WORD_BITS, Advance, Coding, CodingError, decode
from gmstudio.engine.density.subjects import weights_digest
from gmstudio.families.autoregressive.base import NO_LABEL, AutoregressiveFamily
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text

MAGIC = b"GMSZ"
VERSION = 1
SUFFIX = ".gmsz"
MAX_BYTES = 1 << 28
_PREFIX = struct.Struct("<4sBH")
_CHECK = struct.Struct("<I")
MAX_GROUP = 1024
MAX_LABEL = 2**31 - 1
MAX_SEED = 2**63 - 1


class CodedHeader(msgspec.Struct, frozen=True, array_like=True):
    """Header of a file of coded images.

    Args:
        run: title of the run, for people.
        family: name of the family.
        weights: SHA-256 of the weights, see ``subjects.weights_digest``, 32 bytes.
        image: channels, height, width, levels.
        count: number of images.
        group: images that were coded side by side.
        images: SHA-256 of the images' levels, 32 bytes.
        labels: label of each image, −1 for none; empty: the images were coded without labels.
        order: name of the generation order; empty: the model's own.
        order_seed: of the order ``random``.
        written_by: version of torch, processor.
    """

    run: str
    family: str
    weights: bytes
    image: tuple[int, int, int, int]
    count: int
    group: int
    images: bytes
    labels: tuple[int, ...] = ()
    order: str = ""
    order_seed: int = 0
    written_by: str = ""

    @property
    def spec(self) -> ImageSpec:
        """Size and levels of the images."""
        channels, height, width, levels = self.image
        return ImageSpec(channels=channels, height=height, width=width, levels=levels)


@dataclass(frozen=True, eq=False)
class CodedFile:
    """Content of a file of coded images.

    Args:
        header: what was coded.
        words: (n,) uint32 of the range coder.
    """

    header: CodedHeader
    words: NDArray[np.uint32]


def images_digest(images: NDArray[np.uint8]) -> bytes:
    """Return the SHA-256 of the levels of images."""
    return hashlib.sha256(np.ascontiguousarray(images, np.uint8).tobytes()).digest()


def this_computer() -> str:
    """Return what probabilities may depend on in their last bits: the version of torch and the processor."""
    return f"torch {torch.__version__}, {platform.machine()}"


def header_for(coding: Coding, images: NDArray[np.uint8], run: str) -> CodedHeader:
    """Return the header of images that are coded.

    Args:
        coding: conditions of the coding.
        images: (N, C, H, W) levels.
        run: title of the run.
    """
    spec = coding.model.image
    return CodedHeader(
        run=plain_text(run, MAX_TITLE),
        family=coding.model.card.name,
        weights=bytes.fromhex(weights_digest(coding.model)),
        image=(*spec.shape, spec.levels),
        count=len(images),
        group=coding.group,
        images=images_digest(images),
        labels=() if coding.labels is None else tuple(coding.labels.tolist()),
        order=coding.order,
        order_seed=coding.order_seed,
        written_by=this_computer(),
    )


def write_coded(header: CodedHeader, words: NDArray[np.uint32]) -> bytes:
    """Return the content of a file."""
    text = msgspec.msgpack.encode(header)
    body = _PREFIX.pack(MAGIC, VERSION, len(text)) + text + np.asarray(words, dtype="<u4").tobytes()
    return body + _CHECK.pack(zlib.crc32(body))


def read_coded(data: bytes) -> CodedFile:
    """Read the content of a file.

    Raises:
        CodingError: when it is no such file, of a later version, cut short or damaged.
    """
    if data[: len(MAGIC)] != MAGIC:
        raise CodingError(
            f"The file holds no coded images: it does not begin with {MAGIC.decode()}. Choose a file that Compress or "
            "`gmstudio encode` wrote."
        )
    if len(data) < _PREFIX.size + _CHECK.size:
        raise CodingError(f"The file is cut short after {len(data)} bytes; copy it again.")
    _magic, version, length = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise CodingError(
            f"The file has version {version} of the format; this gmstudio reads version {VERSION}. Use the gmstudio "
            "that wrote it."
        )
    body = data[: -_CHECK.size]
    if zlib.crc32(body) != _CHECK.unpack(data[-_CHECK.size :])[0]:
        raise CodingError("The file is damaged or cut short: its checksum differs. Copy it again.")
    payload = body[_PREFIX.size + length :]
    try:
        header = msgspec.msgpack.decode(body[_PREFIX.size : _PREFIX.size + length], type=CodedHeader)
        _check_header(header, payload)
    except (msgspec.MsgspecError, ValueError) as error:
        raise CodingError(f"The file's header cannot be used: {error}") from error
    header = msgspec.structs.replace(
        header,
        **{name: plain_text(getattr(header, name), MAX_TITLE) for name in ("run", "family", "order", "written_by")},
    )
    return CodedFile(header, np.frombuffer(payload, dtype="<u4").astype(np.uint32))


def coding_of(header: CodedHeader, model: AutoregressiveFamily) -> Coding:
    """Return the conditions under which a file was coded.

    Raises:
        CodingError: when the model is not the one that the file was coded with.
    """
    if header.family != model.card.name or header.spec != model.image:
        raise CodingError(
            f"The file was coded with a {header.family} of {header.spec}, from the run {header.run!r}; this model is a "
            f"{model.card.name} of {model.image}. Choose that run."
        )
    own = bytes.fromhex(weights_digest(model))
    if header.weights != own:
        raise CodingError(
            f"The file was coded with other weights (SHA-256 {header.weights.hex()[:12]}…, run {header.run!r}) than "
            f"those of this model ({own.hex()[:12]}…). Choose that run and the checkpoint that it had."
        )
    labels = np.array(header.labels, np.int64) if header.labels else None
    coding = Coding(model, header.order, header.order_seed, header.group, labels)
    try:
        coding.order_D3()
        model.check_labels(coding.labels_of(slice(None)), header.count)
    except ValueError as error:
        raise CodingError(f"The file's header does not fit this model: {error}") from error
    return coding


def decode_file(coding: Coding, coded: CodedFile) -> Iterator[Advance | NDArray[np.uint8]]:
    """Decode a file in pieces.

    Args:
        coding: from ``coding_of``.
        coded: the file.

    Returns:
        A generator of ``Advance`` after each piece and, last, the images, (N, C, H, W) levels.

    Raises:
        CodingError: when the images are not those that were coded.
    """
    for piece in decode(coding, coded.words, coded.header.count):
        if not isinstance(piece, Advance):
            check_decoded(coded.header, piece)
        yield piece


def check_decoded(header: CodedHeader, images: NDArray[np.uint8]) -> None:
    """Check that decoded images are those that were coded.

    Raises:
        CodingError: when they are not.
    """
    if images_digest(images) != header.images:
        raise CodingError(
            "The images that were decoded are not those that were coded: their SHA-256 differs, so they are withheld. "
            f"The file was written with {header.written_by}; this is {this_computer()}, where probabilities differ in "
            "their last bits. Decode it where it was written."
        )


def _check_header(header: CodedHeader, payload: bytes) -> None:
    """Check what a header that was made by hand could hold; a ValueError names it."""
    _ = header.spec
    if not 1 <= header.count <= MAX_IMAGES:
        raise ValueError(f"it names {header.count:,} images; a file holds 1 to {MAX_IMAGES:,}.")
    if not 1 <= header.group <= MAX_GROUP:
        raise ValueError(f"it names groups of {header.group:,} images; a group is 1 to {MAX_GROUP:,}, usually {GROUP}.")
    if len(payload) * 8 % WORD_BITS:
        raise ValueError(f"{len(payload)} bytes are no whole number of {WORD_BITS}-bit words.")
    if header.labels and (len(header.labels) != header.count or min(header.labels) < NO_LABEL):
        raise ValueError(f"it has {len(header.labels)} labels for {header.count} images.")
    if header.labels and max(header.labels) > MAX_LABEL:
        raise ValueError(f"it has the label {max(header.labels)}; a label is at most {MAX_LABEL:,}.")
    if not 0 <= header.order_seed <= MAX_SEED:
        raise ValueError(f"the seed of its order is {header.order_seed}; a seed is 0 to {MAX_SEED:,}.")
    if len(header.weights) != 32 or len(header.images) != 32:
        raise ValueError("a SHA-256 has 32 bytes.")
