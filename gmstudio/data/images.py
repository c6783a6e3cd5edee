"""The user's own images: a folder or archive of pictures, or a file of images, imported when first used.

What is imported once is one array on the disk (``gmstudio.data.importing``); levels, binarization, classes and splits
are chosen when it is loaded.
"""

from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Struct

from gmstudio.data.dataset import Dataset, Split
from gmstudio.data.images_preparation import Conversion, Preparation, conversion
from gmstudio.data.images_splitting import choose_rows, label_names_of
from gmstudio.data.importing import settings
from gmstudio.data.importing.kept_sets import imports_home
from gmstudio.data.importing.set_file import ImportedSet, is_import, name_of_import, open_import
from gmstudio.data.progress import Progress
from gmstudio.data.source import BINARIZATIONS, LEVELS_TITLE, LoadProgress, Source, loaded
from gmstudio.protocol.config import ConfigError, field
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.record import RunError
from gmstudio.system.typed_path import typed_path


class ImagesConfig(Struct, frozen=True, kw_only=True):
    """Place of the images, how they are imported (as ``ImportSettings``), and what is taken of them."""

    folder: Annotated[
        str,
        field(
            "Images",
            "Folder or zip archive of pictures, a file of images (.npz, .npy, .mat, .csv, IDX, CIFAR), or an imported "
            "set.",
            files=True,
        ),
    ] = ""
    size: settings.HeightField = 0
    width: settings.WidthField = 0
    fit: settings.FitField = "crop"
    colour: settings.ColourField = "auto"
    levels: Annotated[
        Literal[2, 4, 8, 16, 32, 64, 128, 256],
        field(LEVELS_TITLE, "Quantize intensities to this many levels; imported images have 256."),
    ] = 256
    binarize: Annotated[
        Literal["threshold", "sample"],
        field(
            "Binarization",
            "With 2 levels: a threshold, or stochastic: each pixel is sampled again in each epoch with its intensity "
            "as probability.",
            labels={**BINARIZATIONS, "threshold": "threshold"},
            when={"levels": 2},
        ),
    ] = "threshold"
    threshold: Annotated[
        float,
        field(
            "Threshold",
            "Smallest intensity, 0 to 1, that becomes 1 when images are binarized by a threshold.",
            gt=0,
            le=1,
            when={"levels": 2, "binarize": "threshold"},
        ),
    ] = 0.5
    invert: Annotated[bool, field("Invert", "Exchange black and white, and each colour with its complement.")] = False
    classes: Annotated[
        str,
        field("Include classes", "Labels to include, as numbers, ranges or names: 3,8 or 0-4 or cat; empty: all."),
    ] = ""
    subset: Annotated[
        int,
        field(
            "Max. training images", "Train on at most this many images; 0: all.", ge=0, le=100_000_000, unit="images"
        ),
    ] = 0
    variant: settings.VariantField = ""
    axes: settings.AxesField = "auto"
    value_range: settings.ValueRangeField = "auto"
    orientation: settings.OrientationField = "auto"
    label_column: settings.LabelColumnField = "auto"
    content: settings.ContentField = "auto"
    window: settings.WindowField = 32
    bad_files: settings.BadFilesField = "skip"
    ground: settings.GroundField = "auto"
    duplicates: settings.DuplicatesField = "keep"
    keep_splits: Annotated[
        bool,
        field(
            "Keep splits",
            "Keep the training, validation and test split that the files name; otherwise all are split at random.",
            advanced=True,
        ),
    ] = True
    valid_percent: Annotated[
        float,
        field(
            "Validation split",
            "Part of the training images held out for validation, where the files name no validation images.",
            gt=0,
            le=40,
            unit="%",
            advanced=True,
        ),
    ] = 10.0
    test_percent: Annotated[
        float,
        field(
            "Test split",
            "Part of the training images held out for testing, where the files name no test images.",
            gt=0,
            le=40,
            unit="%",
            advanced=True,
        ),
    ] = 10.0
    seed: Annotated[
        int,
        field(
            "Split seed",
            "Of the permutation by which images are held out and chosen.",
            ge=0,
            le=2**32 - 1,
            advanced=True,
        ),
    ] = 0


class Images(Source):
    """Images of the user's own, imported when first used.

    Splits that the files name are kept. A validation or test part that they do not name is held out of the training
    part by a permutation. All parts are in the order of such a permutation, so that the first images of a part are a
    sample of it.
    """

    name: ClassVar[str] = "images"
    title: ClassVar[str] = "Your own images"
    summary: ClassVar[str] = (
        "A folder or zip archive of pictures (PNG, JPEG, WEBP, BMP, GIF, TIFF), with a subfolder for each class, or a "
        "file of images such as .npz, .mat or .csv."
    )
    Config: ClassVar[type[Struct]] = ImagesConfig

    @classmethod
    def label(cls, config: ImagesConfig) -> str:
        """Name of the imported set, else that of the folder or file."""
        return name_of_import(config.folder) or PurePath(config.folder.strip("\"' ")).stem or super().label(config)

    @classmethod
    def load(cls, config: ImagesConfig) -> Dataset:
        """Load the images; see ``Source.load``."""
        return loaded(cls.load_pieces(config))

    @classmethod
    def load_pieces(cls, config: ImagesConfig) -> Iterator[LoadProgress | Dataset]:
        """Import the images unless they are kept, then load them; see ``Source.load_pieces``."""
        for item in find_set(config):
            if isinstance(item, Progress):
                yield item
            else:
                yield from _load(item, config)


def find_set(config: ImagesConfig) -> Iterator[Progress | ImportedSet]:
    """Open the imported set of a config, or import it; the last item is the set.

    Raises:
        ConfigError: when no files were chosen.
        DataError: when they cannot be used.
    """
    if not config.folder.strip():
        raise ConfigError({"folder": "Images is empty. Choose a folder or archive of pictures, or a file of images."})
    try:
        path, home = typed_path(config.folder), imports_home()
    except (RunError, ValueError) as error:
        raise ConfigError({"folder": f"Images: {error}"}) from error
    if is_import(path):
        yield open_import(path)
        return
    # Imported here, for the readers of all formats are a thirtieth of what an engine loads before it is ready.
    from gmstudio.data.importing.store import import_images

    yield from import_images(path, import_settings(config), home)


def import_settings(config: ImagesConfig) -> settings.ImportSettings:
    """Return the settings of the import."""
    names = settings.ImportSettings.__struct_fields__
    return settings.ImportSettings(**{name: getattr(config, name) for name in names})


def _load(imported: ImportedSet, config: ImagesConfig) -> Iterator[Progress | Dataset]:
    rows = choose_rows(imported, config)
    _, channels, height, width = imported.record.shape
    total, done = sum(map(len, rows.values())), 0
    splits: dict[SplitName, Split] = {}
    digests: dict[SplitName, str] = {}
    for split, chosen in rows.items():
        preparation = Preparation(imported, chosen, _conversion(config, split))
        for count in preparation.pieces():
            yield Progress("load", done + count, total)
        done += len(chosen)
        splits[split], digests[split] = Split(preparation.images, preparation.labels), preparation.digest
    yield Dataset(
        source=Images.name,
        config=msgspec.to_builtins(config),
        image=ImageSpec(channels, height, width, config.levels),
        train=splits["train"],
        valid=splits["valid"],
        test=splits["test"],
        resample=config.levels == 2 and config.binarize == "sample",
        label_names=label_names_of(imported),
        digests=digests,
        origin=imported.record.sha256,
    )


def _conversion(config: ImagesConfig, split: SplitName) -> Conversion:
    return conversion(
        config.levels, config.binarize, config.threshold, invert=config.invert, keeps_intensities=split == "train"
    )
