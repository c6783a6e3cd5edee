"""IDX files, one or a folder of them, as a raw set."""

from pathlib import Path

import numpy as np

from gmstudio.data.dataset import DataError, Labels
from gmstudio.data.idx_file import read_images_in_pieces, read_images_shape, read_labels, read_labels_count
from gmstudio.data.idx_folder import PARTS, IdxSet, find_sets
from gmstudio.data.importing.formats.format_set import FormatSet, ImagePart
from gmstudio.data.importing.formats.layout import Layout
from gmstudio.data.importing.formats.stored import Reading, shares
from gmstudio.data.importing.formats.value_range import ValueRange
from gmstudio.data.importing.raw import Guess
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.data.label_names import label_names
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.data import SPLITS


def read_idx_folder(folder: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read one set of a folder.

    Raises:
        ConfigError: when there are several and none is named.
        DataError: when a file is damaged.
    """
    return (yield from _read(_named(folder, find_sets(folder), settings.variant.strip()), settings))


def read_idx_file(path: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read a file of images, with the labels and the other part beside it where its name tells them.

    Raises:
        DataError: when it holds no images, or is damaged.
    """
    try:
        sets = find_sets(path.parent)
    except DataError:
        sets = []
    for found in sets:
        if path in found.images.values() or path in found.labels.values():
            return (yield from _read(found, settings))
    alone = IdxSet(path.name.split(".", 1)[0], path.parent, {"train": path})
    return (yield from _read(alone, settings))


def _named(folder: Path, sets: list[IdxSet], variant: str) -> IdxSet:
    matching = [found for found in sets if not variant or found.name.lower() == variant.lower()]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(found.name for found in sets)
    raise ConfigError({"variant": f"Subset name is {variant!r}; {folder} holds {names}. Choose one of them."})


def _read(files: IdxSet, settings: ReadSettings) -> Reading[FormatSet]:
    parts = [part for part in PARTS if part in files.images]
    _check_counts(files)
    transposed = settings.orientation == "transpose" or (settings.orientation == "auto" and files.is_emnist)
    images: list[ImagePart] = []
    for number, part in enumerate(parts):
        path = files.images[part]
        values = yield from shares(read_images_in_pieces(path), number / len(parts), 1 / len(parts))
        layout = Layout(values.shape[1], values.shape[2], transposed=transposed)
        images.append(ImagePart(values, layout, ValueRange(0.0, 255.0), str(path)))
    labels = _labels(files)
    names = label_names(files.name, -1 if labels is None else int(labels.max(initial=-1)))
    numbers = tuple(str(label) for label in range(len(names)))
    guesses = (
        [Guess("orientation", f"Rows and columns were exchanged, since EMNIST is stored transposed: {files.name}.")]
        if files.is_emnist and settings.orientation == "auto"
        else []
    )
    splits = [np.full(len(part.values), SPLITS.index(name), np.int8) for name, part in zip(parts, images, strict=True)]
    return FormatSet(
        images,
        files.name.rsplit("/", 1)[-1],
        labels,
        () if names == numbers else names,
        np.concatenate(splits) if len(parts) > 1 else None,
        guesses,
    )


def _check_counts(files: IdxSet) -> None:
    """Compare the headers before a file is read."""
    for part, path in files.images.items():
        count = read_images_shape(path)[0]
        if part in files.labels and (labels := read_labels_count(files.labels[part])) != count:
            raise DataError(
                f"{files.labels[part]} holds {labels} labels, but {path.name} {count} images. Use files that belong "
                "together, or move the labels away."
            )


def _labels(files: IdxSet) -> Labels | None:
    if not set(files.images) <= set(files.labels):
        return None
    return np.concatenate([read_labels(files.labels[part]) for part in PARTS if part in files.images])
