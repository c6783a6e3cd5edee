"""Sets of images opened for a model: those of data sets are converted here, pictures in ``picture_sets``.

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
from gmstudio.data.dataset import Dataset
from gmstudio.data.progress import Progress
from gmstudio.engine.density.conversion import check_convertible, conversion_text, convert
from gmstudio.engine.density.opened_images import OpenedImages, OpeningWork, check_memory
from gmstudio.engine.density.picture_sets import images_given, images_of_folder
from gmstudio.engine.runtime.beside import at_once
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.meter import Meter
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.protocol.base import Event
from gmstudio.protocol.config import parse_config, schema_of
from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.image_sets import DataImages, FolderImages, ImageSet
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.folder import RunFolder

KEPT_SETS = 6
KEPT_BYTES = 1 << 30
PIECE = 256
"""Images that are converted at a time."""
QUICK_S = 0.04
"""Time after which the opening of a set is reported."""
_NUMBERS = itertools.count(1)
_ALL = slice(None)


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
        work = images_of_folder(spec, target) if isinstance(spec, FolderImages) else images_given(spec, target)
        title = Path(spec.path).name if isinstance(spec, FolderImages) else spec.title
        opened = yield from _reported(context, request, title, work)
    _keep(kept, key, _Kept(dataset, opened))
    return opened


def open_now(context: EngineContext, spec: ImageSet, target: ImageSpec | None) -> OpenedImages:
    """Open a set at once; see ``open_images``."""
    return at_once(open_images(context, spec, target))


def _keep(kept: OrderedDict[bytes, _Kept], key: bytes, entry: _Kept) -> None:
    kept.pop(key, None)
    kept[key] = entry
    while len(kept) > KEPT_SETS or (
        len(kept) > 1 and sum(other.opened.images.nbytes for other in kept.values()) > KEPT_BYTES
    ):
        kept.popitem(last=False)


def _reported(context: EngineContext, request: int, title: str, work: OpeningWork) -> Opening:
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


def _of_dataset(spec: DataImages, dataset: Dataset, target: ImageSpec | None) -> OpeningWork:
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
        check_memory(size, target)
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
