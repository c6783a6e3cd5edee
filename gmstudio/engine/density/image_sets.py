"""Sets of images opened for a model: of a data set, a folder, a file, or given; converted to the model's images.

Work takes place in pieces. A few sets are kept, so that a contact sheet pages through one without opening it again.
"""

import hashlib
import itertools
import time
import weakref
from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.data import SOURCES
from gmstudio.data.dataset import DataError, Dataset
from gmstudio.data.importing import decoding
from gmstudio.data.importing.decoding_pieces import decode_pieces
from gmstudio.data.importing.fitting import Target
from gmstudio.data.importing.opening import open_raw
from gmstudio.data.importing.picture_index import PICTURE_SUFFIXES
from gmstudio.data.importing.pictures import MAX_FILE_BYTES
from gmstudio.data.importing.raw import BadImageError, RawImage, RawSet
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.data.progress import Progress
from gmstudio.engine.density.conversion import (
    check_convertible,
    conversion_text,
    convert,
    fit_pictures,
    pictures_text,
)
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.meter import Meter
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.media.levels import quantize
from gmstudio.protocol.base import Event
from gmstudio.protocol.config import parse_config, schema_of
from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.image_sets import DataImages, FolderImages, GivenImages, ImageSet
from gmstudio.protocol.images import MAX_SIDE, ImageSpec
from gmstudio.protocol.plain_text import plain_text
from gmstudio.runs.folder import RunFolder
from gmstudio.system.regular_file import read_regular
from gmstudio.system.typed_path import typed_path

KEPT_SETS = 6
KEPT_BYTES = 1 << 30
PIECE = 256
"""Images that are converted at a time."""
QUICK_S = 0.04
"""Time after which the opening of a set is reported."""
NAMED_BAD = 3
"""Unreadable files that a sentence names."""
BYTE_LEVELS = 256
_NUMBERS = itertools.count(1)
_ALL = slice(None)


@dataclass(frozen=True, eq=False)
class OpenedImages:
    """Images of a set, as a model sees them.

    Args:
        images: (N, C, H, W) uint8 levels.
        image: shape and levels.
        labels: (N,) int64; None: they have none.
        label_names: label → name.
        title: short name of the set, for example ``MNIST, test``.
        conversion: sentence on the conversion; empty: there was none.
        names: file names of the images of a folder; empty: they have none.
        warnings: sentences, for example on files that could not be read.
    """

    images: NDArray[np.uint8]
    image: ImageSpec
    labels: NDArray[np.int64] | None
    label_names: tuple[str, ...]
    title: str
    conversion: str = ""
    names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def chosen(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Check numbers of images.

        Raises:
            ValueError: when there is no image of one of them.
        """
        outside = indices[(indices < 0) | (indices >= len(self))]
        if outside.size:
            raise ValueError(
                f"There is no image {int(outside[0])} in {self.title}; they go from 0 to {len(self) - 1}. Open the "
                "set again: it may have changed."
            )
        return indices


Opening = Generator[Event | None, None, OpenedImages]
"""Events of progress, or None, after each piece; returns the set."""


@dataclass(frozen=True)
class _Kept:
    dataset: Dataset | None
    opened: OpenedImages


_SIDES: "weakref.WeakKeyDictionary[EngineContext, dict[bytes, tuple[int, ...]]]" = weakref.WeakKeyDictionary()
"""Rows and columns of the images of data sets that were opened."""
_KEPT: "weakref.WeakKeyDictionary[EngineContext, OrderedDict[bytes, _Kept]]" = weakref.WeakKeyDictionary()


def open_images(
    context: EngineContext, spec: ImageSet, target: ImageSpec | None, *, request: int = 0, fresh: bool = True
) -> Opening:
    """Open a set in pieces; use it in a job as ``opened = yield from open_images(…)``.

    Args:
        context: has the data sets.
        spec: the set.
        target: shape and levels of the model's images; None: the images stay as they are.
        request: number of the command that needs it.
        fresh: read a folder or file again, as it may have changed; else a kept set will do.

    Raises:
        ValueError: when there is no such set, or none of its images can be used; the sentence has the remedy.
    """
    kept = _KEPT.setdefault(context, OrderedDict())
    key = hashlib.sha256(msgspec.msgpack.encode([spec, target])).digest()
    found = kept.get(key)
    if isinstance(spec, DataImages):
        dataset = yield from _dataset(context, spec, target, request)
        if found is not None and found.dataset is dataset:
            kept.move_to_end(key)
            return found.opened
        opened = yield from _reported(context, request, dataset.source, _of_dataset(spec, dataset, target))
    elif found is not None and not (fresh and isinstance(spec, FolderImages)):
        kept.move_to_end(key)
        return found.opened
    else:
        dataset = None
        work = _of_folder(spec, target) if isinstance(spec, FolderImages) else _of_given(spec, target)
        title = Path(spec.path).name if isinstance(spec, FolderImages) else spec.title
        opened = yield from _reported(context, request, title, work)
    _keep(kept, key, _Kept(dataset, opened))
    return opened


def open_now(context: EngineContext, spec: ImageSet, target: ImageSpec | None) -> OpenedImages:
    """Open a set at once; see ``open_images``."""
    opening = open_images(context, spec, target)
    while True:
        try:
            next(opening)
        except StopIteration as end:
            opened: OpenedImages = end.value
            return opened


def _keep(kept: OrderedDict[bytes, _Kept], key: bytes, entry: _Kept) -> None:
    kept.pop(key, None)
    kept[key] = entry
    while len(kept) > KEPT_SETS or (
        len(kept) > 1 and sum(other.opened.images.nbytes for other in kept.values()) > KEPT_BYTES
    ):
        kept.popitem(last=False)


Work = Generator[Progress, None, OpenedImages]


def _reported(context: EngineContext, request: int, title: str, work: Work) -> Opening:
    """Advance work, and report its progress where it takes long."""
    meter, began, number = Meter(), time.monotonic(), 0
    try:
        while True:
            try:
                progress = next(work)
            except StopIteration as end:
                opened: OpenedImages = end.value
                return opened
            if not number and time.monotonic() - began < QUICK_S:
                yield None
                continue
            is_first, number = not number, number or -next(_NUMBERS)  # data sets are numbered upwards
            if not meter.due() and not is_first:
                yield None
                continue
            pace = meter.pace(progress)
            yield DataLoading(
                request=request,
                load=number,
                title=title,
                stage="Converting images" if progress.stage == "finish" else "Reading pictures",
                done=progress.done,
                total=progress.total,
                rate=pace.rate,
                seconds_left=pace.seconds_left,
            )
    finally:
        work.close()
        if number:
            context.send(DataLoading(request=request, load=number, title=title, over=True))


# ---- data sets ---------------------------------------------------------------------------------------------------


def _dataset(
    context: EngineContext, spec: DataImages, target: ImageSpec | None, request: int
) -> Generator[Event | None, None, Dataset]:
    """Load the data set of a split."""
    if not spec.data and not spec.run:
        raise ValueError("No data set and no run is named; choose images to score.")
    if not spec.data:
        with RunFolder.open(spec.run) as run:
            record = run.record
        yield from context.when_data_of(record, request, lambda: None) or ()
        return load_run_data(context.data, record)
    config = dict(spec.data_config)
    choices = _levels_of(spec.data) if target is not None and "levels" not in config else ()
    if not choices or target is None:
        return (yield from _loaded(context, spec.data, config, request))
    # The source's own quantization where the sizes agree; else intensities, which are scaled before they are quantized.
    sides = _SIDES.setdefault(context, {})
    key = msgspec.json.encode([spec.data, config])
    if target.levels in choices and sides.get(key, target.shape[1:]) == target.shape[1:]:
        dataset = yield from _loaded(context, spec.data, {**config, "levels": target.levels}, request)
        sides[key] = dataset.image.shape[1:]
        if sides[key] == target.shape[1:]:
            return dataset
    return (yield from _loaded(context, spec.data, {**config, "levels": max(choices)}, request))


def _loaded(
    context: EngineContext, name: str, config: dict[str, Any], request: int
) -> Generator[Event | None, None, Dataset]:
    yield from context.when_data(request, name, config, lambda: None) or ()
    return context.data.load(name, config)


def _levels_of(name: str) -> tuple[int, ...]:
    """Numbers of levels that a source can quantize to; empty: it has no such setting."""
    if name not in SOURCES:
        return ()
    return tuple(schema_of(SOURCES[name].Config)["properties"].get("levels", {}).get("enum", ()))


def title_of_data(dataset: Dataset) -> str:
    """Return the short name of a data set."""
    if dataset.source not in SOURCES:
        return dataset.source
    source = SOURCES[dataset.source]
    return source.label(parse_config(source.Config, dataset.config))


def _of_dataset(spec: DataImages, dataset: Dataset, target: ImageSpec | None) -> Work:
    split = dataset.split(spec.split)
    title = title_of_data(dataset)
    rows = _rows_of(spec, dataset, title)
    labels = None if split.labels is None else split.labels[_ALL if rows is None else rows][: spec.count or None]
    size = len(split) if rows is None else len(rows)
    size = min(size, spec.count) if spec.count > 0 else size
    if not size:
        raise ValueError(f"{title} has no {spec.split} images; choose another split.")
    target = target or dataset.image
    check_convertible(dataset.image, target)
    if dataset.image == target and not (dataset.resample and spec.split == "train"):
        images = split.images[:size] if rows is None else split.images[rows[:size]]
    else:
        indices = np.arange(size) if rows is None else rows[:size]
        images = np.empty((size, *target.shape), np.uint8)
        for start in range(0, size, PIECE):
            part = dataset.view(spec.split, indices[start : start + PIECE])
            images[start : start + PIECE] = convert(part, dataset.image, target)
            yield Progress("finish", min(start + PIECE, size), size)
    chosen = f", label{'s' * (len(spec.labels) > 1)} {_named(spec.labels, dataset.label_names)}" if spec.labels else ""
    return OpenedImages(
        images=images,
        image=target,
        labels=labels,
        label_names=dataset.label_names,
        title=f"{title}, {spec.split}{chosen}",
        conversion=conversion_text(dataset.image, target),
    )


def _rows_of(spec: DataImages, dataset: Dataset, title: str) -> NDArray[np.int64] | None:
    """Numbers of the images with the wanted labels; None: all images.

    Raises:
        ValueError: when the images have no labels, or none has one of these; for a negative count.
    """
    if spec.count < 0:
        raise ValueError(f"{spec.count} images; choose 1 or more, or 0 for all.")
    if not spec.labels:
        return None
    labels = dataset.split(spec.split).labels
    if labels is None:
        raise ValueError(f"The images of {title} have no labels, so none can be chosen by label; choose all of them.")
    rows = np.flatnonzero(np.isin(labels, spec.labels))
    if not len(rows):
        present = np.unique(labels)
        known = f"its labels are {', '.join(map(str, present.tolist()[:20]))}" if len(present) else "it is empty"
        raise ValueError(
            f"No {spec.split} image of {title} has the label {_named(spec.labels, ())}; {known}. Choose one of them."
        )
    return rows.astype(np.int64)


def _named(labels: tuple[int, ...], names: tuple[str, ...]) -> str:
    return ", ".join(names[label] if 0 <= label < len(names) else str(label) for label in labels)


# ---- folders and files -------------------------------------------------------------------------------------------


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


def _of_folder(spec: FolderImages, target: ImageSpec | None) -> Work:
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


def _of_given(spec: GivenImages, target: ImageSpec | None) -> Work:
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
    piece = max(1, PIECE * 1024 // (height * width))
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
