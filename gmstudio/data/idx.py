"""IDX files (MNIST, Fashion-MNIST, EMNIST and other sets in that format) from a folder that the user chooses."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Dataset, Labels, Split, permutation
from gmstudio.data.folder import named_folder
from gmstudio.data.idx_file import MAX_BYTES, image_pieces, read_images_shape, read_labels, read_labels_count
from gmstudio.data.idx_folder import PARTS, IdxSet, PartName, find_sets
from gmstudio.data.label_names import chosen_labels, label_names
from gmstudio.data.scattering import Scatter
from gmstudio.data.source import BINARIZATIONS, LEVELS_TITLE, LoadProgress, Source, loaded
from gmstudio.media.levels import Images, drawing, quantize
from gmstudio.media.resize import resize, resized_shape
from gmstudio.protocol.config import ConfigError, field
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import MAX_SIDE, ImageSpec

_SPLIT_SEED = 1998


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
    binarize: Annotated[
        Literal["threshold", "sample"],
        field(
            "Binarization",
            "With 2 levels: threshold at 0.5, or stochastic: each pixel is sampled again in each epoch with its "
            "intensity as probability. No effect with more levels.",
            labels=BINARIZATIONS,
        ),
    ] = "threshold"
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
        parts = [_list_part(files, part, counts[part]) for part in PARTS if part in files.images]
        names = label_names(files.name, max(part.max_label for part in parts))
        chosen = [part.only(config.classes, names) for part in parts]
        rows = _split(chosen, config.valid_percent / 100)
        rows["train"] = rows["train"].take(np.arange(min(config.subset or len(rows["train"]), len(rows["train"]))))
        _check_size(config, image, max(map(len, rows.values())))
        resample = config.levels == 2 and config.binarize == "sample"
        images = yield from _read_splits(files, parts, rows, image, resample=resample)
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


@dataclass(frozen=True, eq=False)
class _Part:
    """Rows (n,) of a file of images, and their labels (n,) or None."""

    path: Path
    rows: NDArray[np.int64]
    labels: Labels | None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def max_label(self) -> int:
        return -1 if self.labels is None else int(self.labels.max())

    def take(self, indices: NDArray[np.int64]) -> "_Part":
        return _Part(self.path, self.rows[indices], None if self.labels is None else self.labels[indices])

    def only(self, classes: str, names: tuple[str, ...]) -> "_Part":
        """Images of these classes."""
        if not classes.strip(" ,"):
            return self
        if self.labels is None:
            raise ConfigError(
                {"classes": f"Include classes is {classes!r}, but {self.path.name} has no labels. Leave it empty."}
            )
        kept = np.flatnonzero(np.isin(self.labels, chosen_labels(classes, names)))
        if not kept.size:
            raise ConfigError(
                {"classes": f"Include classes is {classes!r}, but no image in {self.path.name} has such a label."}
            )
        return self.take(kept)


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


def _list_part(files: IdxSet, part: PartName, count: int) -> _Part:
    labels_path = files.labels.get(part)
    labels = read_labels(labels_path) if labels_path else None
    return _Part(files.images[part], np.arange(count), labels)


def _split(parts: list[_Part], share: float) -> dict[SplitName, _Part]:
    """Training, validation and test images; see ``Idx``."""
    first = parts[0]
    count = len(first)
    held_out = max(1, round(share * count))
    splits = 1 if len(parts) == 2 else 2
    if count <= splits * held_out:
        raise DataError(
            f"{first.path} leaves {count} {'image' if count == 1 else 'images'}, too few to train on and to validate. "
            "Choose a folder with more images, or include more classes."
        )
    order = permutation(count, _SPLIT_SEED)
    return {
        "train": first.take(order[splits * held_out :]),
        "valid": first.take(order[:held_out]),
        "test": parts[1] if splits == 1 else first.take(order[held_out : 2 * held_out]),
    }


def _read_splits(
    files: IdxSet, parts: list[_Part], rows: dict[SplitName, _Part], image: ImageSpec, *, resample: bool
) -> Generator[LoadProgress, None, dict[SplitName, Images]]:
    """Read the images (N, 1, H, W) of each split: levels, or intensities of training images that are resampled."""

    def upright(piece: Images) -> Images:
        piece = piece.transpose(0, 2, 1) if files.is_emnist else piece
        fitted = piece if piece.shape[1:] == image.shape[1:] else resize(piece, image.height, image.width)
        return fitted[:, None]

    def convert(piece: Images) -> Images:
        return piece if resample else quantize(piece, 255, image.levels)

    images = {split: np.empty((len(part), *image.shape), np.uint8) for split, part in rows.items()}
    total, done = sum(map(len, parts)), 0
    for part in parts:
        scatter, start = Scatter(len(part)), 0
        for split, chosen in rows.items():
            if chosen.path == part.path:
                scatter.send(chosen.rows, images[split], convert)
        for piece in image_pieces(part.path):
            scatter.put(start, upright(piece))
            start, done = start + len(piece), done + len(piece)
            yield LoadProgress("load", done, total)
    held_out: tuple[SplitName, ...] = ("valid", "test")
    for split in held_out if resample else ():
        for _ in drawing(images[split]):
            yield LoadProgress("load", total, total)
    return images


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
