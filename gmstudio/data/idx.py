"""IDX files (MNIST, Fashion-MNIST, EMNIST and other sets in that format) from a folder that the user chooses."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Struct

from gmstudio.data.dataset import DataError, Dataset, Split
from gmstudio.data.folder import named_folder
from gmstudio.data.idx_file import MAX_BYTES, read_images_shape, read_labels_count
from gmstudio.data.idx_folder import PARTS, IdxSet, PartName, find_sets
from gmstudio.data.idx_parts import list_part, read_splits, split_parts
from gmstudio.data.label_names import label_names
from gmstudio.data.source import LEVELS_TITLE, BinarizeField, LoadProgress, Source, loaded
from gmstudio.media.resize import resized_shape
from gmstudio.protocol.config import ConfigError, field
from gmstudio.protocol.images import MAX_SIDE, ImageSpec


class IdxConfig(Struct, frozen=True, kw_only=True):
    """Choice of files and images, size and quantization."""

    folder: Annotated[
        str,
        field(
            "Folder",
            "Holds IDX files such as train-images-idx3-ubyte.gz, here or in a folder below (MNIST/raw, EMNIST/raw …).",
        ),
    ] = ""
    variant: Annotated[
        str,
        field("Subset name", "Set of files to load, where the folder holds several: FashionMNIST, emnist-letters, …"),
    ] = ""
    levels: Annotated[
        Literal[2, 4, 16, 256],
        field(LEVELS_TITLE, "Quantize intensities to this many levels; the files have 256."),
    ] = 2
    binarize: BinarizeField = "threshold"
    size: Annotated[
        int,
        field(
            "Resize to height",
            "Resize the images to this many rows, the columns in proportion, by averaging over areas; 0: keep.",
            ge=0,
            le=MAX_SIDE,
            unit="pixels",
        ),
    ] = 0
    subset: Annotated[
        int,
        field(
            "Max. training images", "Train on at most this many images; 0: all.", ge=0, le=100_000_000, unit="images"
        ),
    ] = 0
    classes: Annotated[
        str,
        field("Include classes", "Labels to include, as numbers, ranges or names: 3,8 or 0-4 or Coat; empty: all."),
    ] = ""
    valid_percent: Annotated[
        float,
        field(
            "Validation split",
            "Part of the training images held out for validation, by a fixed permutation. Where the files have no "
            "test images, an equal part is held out for testing.",
            gt=0,
            le=40,
            unit="%",
            advanced=True,
        ),
    ] = 10.0


class Idx(Source):
    """A folder of IDX files.

    The files' training part is split by a fixed permutation into training and validation images; the test part stays
    unchanged. A folder with one part only is split into all three.
    """

    name: ClassVar[str] = "idx"
    title: ClassVar[str] = "IDX files (MNIST …)"
    summary: ClassVar[str] = (
        "MNIST, Fashion-MNIST, EMNIST or other grey images in IDX files, gzipped or not, from a folder."
    )
    Config: ClassVar[type[Struct]] = IdxConfig

    @classmethod
    def label(cls, config: IdxConfig) -> str:
        """Name of the set of files, or of their folder: torchvision keeps MNIST in ``MNIST/raw``."""
        parts = [part for part in PurePath(config.folder).parts if part.lower() != "raw"]
        return config.variant or (parts[-1] if parts else super().label(config))

    @classmethod
    def load(cls, config: IdxConfig) -> Dataset:
        """Load the images; see ``Source.load``."""
        return loaded(cls.load_pieces(config))

    @classmethod
    def load_pieces(cls, config: IdxConfig) -> Iterator[LoadProgress | Dataset]:
        """Load the images; see ``Source.load_pieces``."""
        files = _choose_set(config)
        image, counts = _check_headers(files, config)
        parts = [list_part(files, part, counts[part]) for part in PARTS if part in files.images]
        names = label_names(files.name, max(part.max_label for part in parts))
        chosen = [part.only(config.classes, names) for part in parts]
        rows = split_parts(chosen, config.valid_percent / 100)
        rows["train"] = rows["train"].take(np.arange(min(config.subset or len(rows["train"]), len(rows["train"]))))
        _check_size(config, image, max(map(len, rows.values())))
        resample = config.levels == 2 and config.binarize == "sample"
        images = yield from read_splits(files, parts, rows, image, resample=resample)
        splits = {split: Split(images[split], part.labels) for split, part in rows.items()}
        yield Dataset(
            source=cls.name,
            config=msgspec.to_builtins(config),
            image=image,
            train=splits["train"],
            valid=splits["valid"],
            test=splits["test"],
            resample=resample,
            label_names=names,
        )


def _choose_set(config: IdxConfig) -> IdxSet:
    folder = named_folder(config.folder, "the IDX files")
    sets = find_sets(folder)
    wanted = config.variant.strip()
    matching = [found for found in sets if not wanted or found.name.lower() == wanted.lower()]
    if len(matching) == 1:
        return matching[0]
    there_are = f"{folder} holds {', '.join(found.name for found in sets)}. Choose one of them."
    raise ConfigError(
        {"variant": f"Subset name is {wanted!r}; {there_are}" if wanted else f"Subset name is empty; {there_are}"}
    )


def _check_headers(files: IdxSet, config: IdxConfig) -> tuple[ImageSpec, dict[PartName, int]]:
    """Compare the sizes in the headers with each other and with the settings, before a file is read or unpacked.

    Returns:
        Shape and levels of the data set's images, and the number of images in each file.
    """
    shapes = {part: read_images_shape(path) for part, path in files.images.items()}
    for part, path in files.labels.items():
        if part in shapes and (count := read_labels_count(path)) != shapes[part][0]:
            raise DataError(
                f"{path} holds {count} labels, but {files.images[part].name} {shapes[part][0]} images. "
                "Use files that belong together, or move the labels away."
            )
    parts = [part for part in PARTS if part in shapes]
    (_, height, width), (_, *other) = shapes[parts[0]], shapes[parts[-1]]
    if [height, width] != other:
        raise DataError(
            f"{files.images[parts[0]]} holds images of {height}×{width} pixels, but {files.images[parts[-1]].name} of "
            f"{other[0]}×{other[1]}. Keep only files of one set there."
        )
    upright = (width, height) if files.is_emnist else (height, width)
    return _image_spec(config, *upright), {part: shape[0] for part, shape in shapes.items()}


def _image_spec(config: IdxConfig, height: int, width: int) -> ImageSpec:
    if config.size:
        height, width = resized_shape(height, width, config.size)
    try:
        return ImageSpec(channels=1, height=height, width=width, levels=config.levels)
    except ValueError as error:
        raise ConfigError({"size": f"Resize to height is {config.size}: {error}"}) from error


def _check_size(config: IdxConfig, image: ImageSpec, count: int) -> None:
    size = count * image.num_dims
    if size > MAX_BYTES:
        raise ConfigError(
            {
                "size": f"Resize to height is {config.size}: the images would take {size / 2**30:.1f} GiB, and at most "
                f"{MAX_BYTES / 2**30:g} are allowed. Choose a smaller size or fewer training images."
            }
        )
