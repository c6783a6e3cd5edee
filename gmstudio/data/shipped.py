"""Base class of the data sets in ``resources/data``: grey images of 28×28 pixels that come with the program.

An archive holds ``<split>_images`` (N, 28, 28) uint8 and ``<split>_labels`` (N,) uint8 for the splits ``train``,
``valid`` and ``test``. ``benchmarks/shipped/data.py`` makes it from the official files.
"""

import zipfile
import zlib
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Struct

from gmstudio.data.dataset import DataError, Dataset, Labels, Split
from gmstudio.data.label_names import chosen_labels, label_names
from gmstudio.data.source import LEVELS_TITLE, BinarizeField, Source
from gmstudio.media.levels import Images, draw_binary, quantize
from gmstudio.media.resize import resize
from gmstudio.protocol.config import ConfigError, field
from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.protocol.images import ImageSpec
from gmstudio.system.resources import resource_path

SIDE = 28
NUM_CLASSES = 10


class ShippedConfig(Struct, frozen=True, kw_only=True):
    """Quantization, size and choice of images."""

    levels: Annotated[
        Literal[2, 4, 16, 256],
        field(LEVELS_TITLE, "Quantize intensities to this many levels; the originals have 256."),
    ] = 2
    binarize: BinarizeField = "threshold"
    size: Annotated[
        int,
        field(
            "Resize to height",
            "Resize the images to this many rows and columns, by averaging over areas; 0: keep 28×28.",
            ge=0,
            le=64,
            unit="pixels",
        ),
    ] = 0
    subset: Annotated[
        int,
        field(
            "Max. training images",
            "Train on at most this many images; multiples of 10 keep the classes balanced; 0: all 6,000.",
            ge=0,
            le=6000,
            unit="images",
        ),
    ] = 0
    classes: Annotated[
        str,
        field("Include classes", "Labels to include, as numbers, ranges or names: 3,8 or 0-4 or Coat; empty: all."),
    ] = ""


class Shipped(Source):
    """Base class: 6,000 training, 1,000 validation and 1,000 test images, balanced by class, the split fixed."""

    Config: ClassVar[type[Struct]] = ShippedConfig

    @classmethod
    def load(cls, config: ShippedConfig) -> Dataset:
        """Load the images; see ``Source.load``."""
        names = label_names(cls.name, NUM_CLASSES - 1)
        side = config.size or SIDE
        image = ImageSpec(channels=1, height=side, width=side, levels=config.levels)
        resample = config.levels == 2 and config.binarize == "sample"
        splits: dict[SplitName, Split] = {}
        for split, (grey, labels) in _read(cls.name).items():
            grey, labels = _only(grey, labels, config.classes, names)
            if split == "train" and config.subset:
                grey, labels = grey[: config.subset], labels[: config.subset]
            grey = grey if side == SIDE else resize(grey, side, side)
            if not resample:
                grey = quantize(grey, 255, config.levels)
            elif split != "train":
                grey = draw_binary(grey)
            splits[split] = Split(np.ascontiguousarray(grey[:, None]), labels)
        return Dataset(
            source=cls.name,
            config=msgspec.to_builtins(config),
            image=image,
            train=splits["train"],
            valid=splits["valid"],
            test=splits["test"],
            resample=resample,
            label_names=names,
        )


def _read(name: str) -> dict[SplitName, tuple[Images, Labels]]:
    """Grey images (N, 28, 28) and labels (N,) of each split."""
    try:
        path = resource_path(f"data/{name}.npz")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            read = {
                split: (archive[f"{split}_images"], archive[f"{split}_labels"].astype(np.int64)) for split in SPLITS
            }
    except FileNotFoundError as error:
        raise DataError(str(error)) from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}). Install gmstudio again.") from error
    for split, (images, labels) in read.items():
        if images.dtype != np.uint8 or images.shape != (len(labels), SIDE, SIDE):
            raise DataError(
                f"{path} is damaged: its {split} images have the shape {images.shape}. Install gmstudio again."
            )
    return read


def _only(grey: Images, labels: Labels, classes: str, names: tuple[str, ...]) -> tuple[Images, Labels]:
    """Images and labels of the classes that the setting names; all where it is empty."""
    if not classes.strip(" ,"):
        return grey, labels
    chosen = chosen_labels(classes, names)
    if not chosen:
        raise ConfigError({"classes": f"Include classes is {classes!r}, which names no class. Leave it empty for all."})
    kept = np.flatnonzero(np.isin(labels, chosen))
    return grey[kept], labels[kept]
