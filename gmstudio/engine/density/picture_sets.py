"""Sets of pictures opened for a model: of a folder, of a file, or given; fitted to the model's images.

Work takes place in pieces.
"""

from collections.abc import Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.data.importing import decoding
from gmstudio.data.importing.decoding_pieces import decode_pieces
from gmstudio.data.importing.fitting import Target
from gmstudio.data.importing.opening import open_raw
from gmstudio.data.importing.picture_index import PICTURE_SUFFIXES
from gmstudio.data.importing.pictures import MAX_FILE_BYTES
from gmstudio.data.importing.raw import BadImageError, RawImage, RawSet
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.data.progress import Progress
from gmstudio.engine.density.conversion import fit_pictures, pictures_text
from gmstudio.engine.density.opened_images import OpenedImages, OpeningWork, check_memory
from gmstudio.media.levels import quantize
from gmstudio.protocol.image_sets import FolderImages, GivenImages
from gmstudio.protocol.images import MAX_SIDE, ImageSpec
from gmstudio.protocol.plain_text import plain_text
from gmstudio.system.regular_file import read_regular
from gmstudio.system.typed_path import typed_path

PIECE_PIXELS = 256 * 1024
"""Pixels of given pictures that are fitted at a time."""
NAMED_BAD = 3
"""Unreadable files that a sentence names."""
BYTE_LEVELS = 256


class OnePicture(RawSet):
    """One picture file.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(plain_text(path.name))
        self._path = path

    def __len__(self) -> int:
        return 1

    def name(self, index: int) -> str:
        """Name of the file; see ``RawSet.name``."""
        return self.title

    def read(self, index: int) -> RawImage:
        """Decode the picture; see ``RawSet.read``."""
        try:
            content = read_regular(self._path, MAX_FILE_BYTES)
        except OSError as error:
            raise BadImageError(self.title, f"It cannot be read ({error.strerror or error}).") from error
        return decoding.decode(content, self.title)


class _Noted(RawSet):
    """Raw set that notes the sizes and colours of what is read."""

    def __init__(self, raw: RawSet) -> None:
        super().__init__(raw.title, raw.labels, raw.label_names)
        self._raw = raw
        self.seen: set[tuple[int, int]] = set()
        self.coloured = False

    def __len__(self) -> int:
        return len(self._raw)

    def name(self, index: int) -> str:
        return self._raw.name(index)

    def read(self, index: int) -> RawImage:
        return self._noted(index, self._raw.read(index))

    def read_reduced(self, index: int, height: int, width: int) -> RawImage:
        return self._noted(index, self._raw.read_reduced(index, height, width))

    def _noted(self, index: int, image: RawImage) -> RawImage:
        self.seen.add(self._raw.measure(index))
        self.coloured = self.coloured or image.shape[2] >= 3
        return image


def images_of_folder(spec: FolderImages, target: ImageSpec | None) -> OpeningWork:
    """Decode the pictures of a folder, or of a file, in pieces; returns them.

    Args:
        spec: the folder or file.
        target: shape and levels of the model's images; None: those of the first picture, 256 levels.

    Raises:
        ValueError: when there is no such folder, none of its pictures can be read, or they take too much memory.
    """
    if spec.count < 0:
        raise ValueError(f"{spec.count} images; choose 1 or more, or 0 for all.")
    if not spec.path.strip():
        raise ValueError("No folder or file is named; choose a folder of pictures or a picture file.")
    raw = yield from _raw(typed_path(spec.path))
    if raw.content != "images":
        raise DataError(f"{spec.path} holds {raw.content}, no pictures. Import it in Data, and choose it there.")
    if target is not None and target.height == 1:
        raise ValueError(f"The model's images are {target}, points or a sequence, and pictures cannot become such.")
    noted = _Noted(raw)
    size = min(len(raw), spec.count) if spec.count else len(raw)
    bad: list[BadImageError] = []
    shape = target or (yield from _own_spec(raw, size, bad))
    bad.clear()
    check_memory(size, shape)
    wanted = Target(3 if shape.channels == 3 else 1, shape.height, shape.width, fit="pad")
    parts: list[NDArray[np.uint8]] = []
    kept: list[NDArray[np.int64]] = []
    done = 0
    for piece in decode_pieces(noted, range(size), wanted):
        parts.append(quantize(piece.images, 255, shape.levels))
        kept.append(piece.indices)
        bad += piece.bad
        done += len(piece.indices) + len(piece.bad)
        yield Progress("decode", done, size, len(bad))
    rows = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    if not len(rows):
        raise DataError(_unreadable(bad, size) + " Choose a folder of PNG or JPEG pictures.")
    images = np.concatenate(parts)
    if target is None and not noted.coloured:
        images, shape = np.ascontiguousarray(images[:, :1]), ImageSpec(1, shape.height, shape.width, BYTE_LEVELS)
    return OpenedImages(
        images=images,
        image=shape,
        labels=None if raw.labels is None else raw.labels[rows],
        label_names=raw.label_names,
        title=plain_text(raw.title, 60),
        conversion=pictures_text(noted.seen, coloured=noted.coloured, target=shape),
        names=tuple(plain_text(raw.name(int(row)), 120) for row in rows),
        warnings=(_unreadable(bad, size),) if bad else (),
    )


def _raw(path: Path) -> Generator[Progress, None, RawSet]:
    """Open a folder or file; a lone picture, too."""
    if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
        return OnePicture(path)
    for item in open_raw(path, ReadSettings()):
        if isinstance(item, RawSet):
            return item
        yield item
    raise DataError(f"{path} holds no pictures. Choose a folder of PNG or JPEG pictures.")


def _own_spec(raw: RawSet, size: int, bad: list[BadImageError]) -> Generator[Progress, None, ImageSpec]:
    """Shape of the first picture that can be used, at most ``MAX_SIDE`` rows and columns, in colour."""
    for index in range(size):
        try:
            height, width = raw.measure(index)
        except BadImageError as error:
            bad.append(error)
            yield Progress("decode", index, size, len(bad))
            continue
        return _within(3, height, width)
    raise DataError(_unreadable(bad, size) + " Choose a folder of PNG or JPEG pictures.")


def _within(channels: int, height: int, width: int) -> ImageSpec:
    """Shape in proportion with at most ``MAX_SIDE`` rows and columns, 256 levels."""
    scale = min(1.0, MAX_SIDE / max(height, width))
    return ImageSpec(channels, max(1, round(height * scale)), max(1, round(width * scale)), BYTE_LEVELS)


def _unreadable(bad: list[BadImageError], size: int) -> str:
    """Sentence on the pictures that could not be read."""
    named = ", ".join(plain_text(error.name, 60) for error in bad[:NAMED_BAD])
    more = f" and {len(bad) - NAMED_BAD:,} more" if len(bad) > NAMED_BAD else ""
    reason = plain_text(bad[0].reason, 200) if bad else ""
    return f"{len(bad):,} of {size:,} pictures could not be read and are left out: {named}{more}. {reason}".strip()


# ---- given pictures ----------------------------------------------------------------------------------------------


def images_given(spec: GivenImages, target: ImageSpec | None) -> OpeningWork:
    """Fit given pictures in pieces; returns them.

    Args:
        spec: the pictures.
        target: shape and levels of the model's images; None: those of the pictures, 256 levels.

    Raises:
        ValueError: for arrays that are no pictures, and for a model whose images are points or sequences.
    """
    pictures = spec.images.numpy()
    if pictures.ndim != 4 or pictures.shape[1] not in (1, 3) or pictures.dtype != np.uint8 or not pictures.size:
        raise ValueError(
            f"Pictures of {pictures.dtype} and shape {pictures.shape}; give (N, C, rows, columns) uint8 with 1 or 3 "
            "channels, at least one."
        )
    channels, height, width = pictures.shape[1:]
    shape = target or _within(channels, height, width)
    if shape.height == 1 and (channels, height, width) != shape.shape:
        raise ValueError(f"The model's images are {shape}, points or a sequence, and pictures cannot become such.")
    images = np.empty((len(pictures), *shape.shape), np.uint8)
    piece = max(1, PIECE_PIXELS // (height * width))
    for start in range(0, len(pictures), piece):
        images[start : start + piece] = fit_pictures(pictures[start : start + piece], shape)
        yield Progress("finish", min(start + piece, len(pictures)), len(pictures))
    return OpenedImages(
        images=images,
        image=shape,
        labels=None,
        label_names=(),
        title=plain_text(spec.title, 60) or "pictures",
        conversion=pictures_text({(height, width)}, coloured=channels == 3, target=shape),
    )
