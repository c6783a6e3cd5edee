"""A set from named arrays: which hold images and labels, which split each is, and how its values are understood."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.data.idx_file import MAX_SOURCE_SIDE
from gmstudio.data.importing.formats.array_labels import concatenated_labels
from gmstudio.data.importing.formats.class_arrays import merged_classes
from gmstudio.data.importing.formats.format_set import FormatSet, ImagePart, read_part
from gmstudio.data.importing.formats.layout import Layout, find_layout, is_image_size
from gmstudio.data.importing.formats.naming import Role, role_of
from gmstudio.data.importing.formats.stored import MAX_IMAGES, Reading, StoredArray, shares
from gmstudio.data.importing.formats.value_range import Extent, ValueRange, chosen_range, measure
from gmstudio.data.importing.raw import Content, Guess, ValueAxis
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.data import SPLITS, SplitName

_NUMBERS = "buif"
_LONG_ROW = 256  # shorter rows of a table are more often series than images


@dataclass(frozen=True)
class _Chosen:
    """Arrays of images by split (None: no split is named), and those of their labels."""

    key: str
    images: dict[SplitName | None, StoredArray]
    labels: dict[SplitName | None, StoredArray]
    guesses: tuple[Guess, ...]


def assemble(arrays: Sequence[StoredArray], title: str, origin: str, settings: ReadSettings) -> Reading[FormatSet]:
    """Make a set of the arrays of a file or folder.

    Args:
        arrays: all of them, in the file's order.
        title: short name of the set.
        origin: path of the file or folder, for messages.
        settings: how they are understood.

    Raises:
        DataError: when none holds images, several fit and none is named, or their sizes do not belong together.
        ConfigError: when settings do not fit them.
    """
    chosen = _choose(merged_classes(arrays), origin, settings.variant.strip())
    order: list[SplitName | None] = [split for split in (None, *SPLITS) if split in chosen.images]
    images = [chosen.images[split] for split in order]
    content = _content_of(images[0], settings.content)
    layouts, guesses = _layouts(images, content, settings)
    extent = yield from shares(measure(images, by_column=content == "points"), 0.0, 0.5)
    if _is_rather_sequences(content, extent, images[0], settings.content):
        content = "sequences"
        layouts, guesses = _layouts(images, content, settings)
    value_range, range_guesses = _range_of(extent, images[0], content, settings)
    parts: list[ImagePart] = []
    for number, (array, layout) in enumerate(zip(images, layouts, strict=True)):
        reading = read_part(array, layout, value_range, extent.bad[number], content)
        parts.append((yield from shares(reading, 0.5 + 0.5 * number / len(images), 0.5 / len(images))))
    counts = {split: len(part.values) for split, part in zip(order, parts, strict=True)}
    labels, names = concatenated_labels(counts, chosen.labels)
    raw = FormatSet(
        parts,
        title,
        labels,
        names,
        _splits(counts),
        (*chosen.guesses, *guesses, *range_guesses),
        content,
        _axes(value_range, content),
    )
    if labels is None and chosen.labels:
        lacking = ", ".join(split or "all" for split in order if split not in chosen.labels)
        raw.remarks = (f"Labels are left out: there are none for the images of {lacking}.",)
    return raw


def _choose(arrays: Sequence[StoredArray], origin: str, variant: str) -> _Chosen:
    roles = [(array, role_of(array.name)) for array in arrays]
    counts = {array.shape[0] for array in arrays if len(array.shape) >= 2}
    numeric = [(array, role) for array, role in roles if _may_be_images(array)]
    candidates = [(array, role) for array, role in numeric if not role.is_labels] or numeric
    if not candidates:
        raise DataError(
            f"{origin} holds no array of images: {_listing(arrays)}. Save numbers as (images, height, width), with or "
            "without an axis of channels."
        )
    key, guesses = _chosen_key(candidates, origin, variant)
    images: dict[SplitName | None, StoredArray] = {}
    for array, role in candidates:
        if role.key == key and role.split not in images:
            images[role.split] = array
    if None in images and len(images) > 1:
        images = {
            "train" if split is None else split: array
            for split, array in images.items()
            if split or "train" not in images
        }
    labels = _labels_for(images, roles, counts)
    return _Chosen(key, images, labels, guesses)


def _may_be_images(array: StoredArray) -> bool:
    if array.dtype.kind not in _NUMBERS or len(array.shape) not in (1, 2, 3, 4) or 0 in array.shape:
        return False
    return not (len(array.shape) == 1 or (len(array.shape) == 2 and array.shape[1] == 1))


def _chosen_key(
    candidates: Sequence[tuple[StoredArray, Role]], origin: str, variant: str
) -> tuple[str, tuple[Guess, ...]]:
    keys = list(dict.fromkeys(role.key for _, role in candidates))
    if variant:
        for array, role in candidates:
            if variant.lower() in (array.name.lower(), role.key):
                return role.key, ()
        names = ", ".join(array.name for array, _ in candidates)
        raise ConfigError({"variant": f"Subset name is {variant!r}; {origin} holds {names}. Choose one of them."})
    if len(keys) == 1:
        return keys[0], ()
    named = [key for key in keys if next(role for _, role in candidates if role.key == key).is_images]
    key = max(named or keys, key=lambda key: sum(a.num_bytes for a, role in candidates if role.key == key))
    taken = ", ".join(array.name for array, role in candidates if role.key == key)
    others = ", ".join(array.name for array, role in candidates if role.key != key)
    return key, (Guess("variant", f"Images are taken from {taken}; there are also {others}."),)


def _labels_for(
    images: dict[SplitName | None, StoredArray], roles: Sequence[tuple[StoredArray, Role]], counts: set[int]
) -> dict[SplitName | None, StoredArray]:
    """Arrays of labels by split: those whose names say so, else the only ones of one value an image."""
    taken = {id(array) for array in images.values()}
    rest = [(array, role) for array, role in roles if id(array) not in taken and array.shape]
    labels: dict[SplitName | None, StoredArray] = {}
    for split, array in images.items():
        fitting = [
            (other, role) for other, role in rest if role.split == split or (split == "train" and not role.split)
        ]
        named = [other for other, role in fitting if role.is_labels]
        plain = [
            other
            for other, role in fitting
            if _is_column(other) and other.shape[0] == array.shape[0] and other.dtype.kind in "buiUS"
        ]
        plain += [other for other, role in fitting if _is_row(other) and other.shape[1] == array.shape[0]]
        if named or len(plain) == 1:
            labels[split] = min(named, key=lambda other: len(other.shape)) if named else plain[0]
    return labels


def _is_column(array: StoredArray) -> bool:
    return len(array.shape) == 1 or (len(array.shape) == 2 and array.shape[1] == 1)


def _is_row(array: StoredArray) -> bool:
    return len(array.shape) == 2 and array.shape[0] == 1 and array.dtype.kind in "bui"


def _content_of(array: StoredArray, setting: str) -> Content:
    if len(array.shape) != 2:
        if setting in ("sequences", "points"):
            text = f"{array.origin} has the shape {array.shape}, and {setting} need one row of values each."
            raise ConfigError({"content": f"{text} Choose images as its content, or save (rows, values)."})
        return "images"
    width = array.shape[1]
    if setting == "points" and width != 2:
        text = f"{array.origin} has {width} values a row; points of the plane have 2. Choose another content."
        raise ConfigError({"content": text})
    if setting != "auto":
        return setting  # type: ignore[return-value]
    if width == 2:
        return "points"
    return "images" if is_image_size(width) else "sequences"


def _is_rather_sequences(content: Content, extent: Extent, array: StoredArray, setting: str) -> bool:
    """Test whether short rows have values that pixels have not: negative ones, or fractions beyond 1."""
    unlike = float(np.min(extent.low)) < 0 or (float(np.max(extent.high)) > 1 and not extent.whole)
    short = len(array.shape) == 2 and array.shape[1] < _LONG_ROW
    return setting == "auto" and content == "images" and short and unlike


def _layouts(
    images: Sequence[StoredArray], content: Content, settings: ReadSettings
) -> tuple[list[Layout], tuple[Guess, ...]]:
    layouts: list[Layout] = []
    guesses: dict[Guess, None] = {}
    for array in images:
        if array.shape[0] > MAX_IMAGES:
            raise DataError(
                f"{array.origin} holds {array.shape[0]:,} images; at most {MAX_IMAGES:,} are read. Split it."
            )
        if content == "images":
            layout, found = find_layout(array.shape, settings, array.origin, array.column_major)
        else:
            layout, found = Layout(1, array.shape[1]), ()
            if array.shape[1] > MAX_SOURCE_SIDE:
                raise DataError(
                    f"{array.origin} has rows of {array.shape[1]:,} values; at most {MAX_SOURCE_SIDE:,} are read. Save "
                    "shorter rows, or images as (images, height, width)."
                )
            if settings.content == "auto":
                found = (Guess("content", f"Rows of {array.shape[1]} values are taken as {content}."),)
        layouts.append(layout)
        guesses |= dict.fromkeys(found)
    sizes = {(layout.height, layout.width) for layout in layouts}
    if len(sizes) > 1 and content != "images":
        raise DataError(f"{images[1].origin} has rows of another length than {images[0].origin}. Keep one length.")
    return layouts, tuple(guesses)


def _range_of(
    extent: Extent, array: StoredArray, content: Content, settings: ReadSettings
) -> tuple[ValueRange, tuple[Guess, ...]]:
    if content == "images":
        return chosen_range(extent, array.dtype, settings.value_range, array.origin)
    if content == "sequences":
        return ValueRange(float(extent.low), float(extent.high)), ()
    return ValueRange(extent.low, extent.high), ()


def _axes(value_range: ValueRange, content: Content) -> tuple[ValueAxis, ...]:
    if content == "images":
        return ()
    lows, highs = np.atleast_1d(value_range.low), np.atleast_1d(value_range.high)
    return tuple(ValueAxis("", float(low), float(high)) for low, high in zip(lows, highs, strict=True))


def _splits(counts: dict[SplitName | None, int]) -> NDArray[np.int8] | None:
    if None in counts or len(counts) == 1:
        return None
    numbers = [np.full(count, SPLITS.index(split), np.int8) for split, count in counts.items() if split]
    return np.concatenate(numbers)


def _listing(arrays: Sequence[StoredArray]) -> str:
    shown = [f"{array.name} {array.shape} {array.dtype}" for array in arrays[:5]]
    return ", ".join([*shown, *(["…"] if len(arrays) > 5 else [])]) or "it is empty"
