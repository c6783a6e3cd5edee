"""Messages about data sets, and about checking the settings of a run against one; data cards."""

from typing import Any, Literal, get_args

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec

SplitName = Literal["train", "valid", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
SPLIT_TITLES: dict[SplitName, str] = {"train": "training", "valid": "validation", "test": "test"}
"""Adjectives for display, as in "validation images"."""


class DataFingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """Identity of the images that a run is trained on, kept in its record.

    Args:
        image: shape and levels of the images.
        sizes: number of images in each split.
        digests: SHA-256 of the images and labels of each split, in hexadecimal digits.
        labels: labels that training images have, rising; empty: none has any.
        origin: SHA-256 of the imported set that the images were taken from, which names it; empty: from none. It is
            not compared, since what was taken may be the same when the set is not.
    """

    image: ImageSpec
    sizes: dict[SplitName, int]
    digests: dict[SplitName, str]
    labels: tuple[int, ...] = ()
    origin: str = ""

    def differences(self, other: "DataFingerprint") -> tuple[str, ...]:
        """Phrases on how other data differ from these; empty when they are the same."""
        found = []
        if other.image != self.image:
            found.append(f"images of {other.image} instead of {self.image}")
        for split, title in SPLIT_TITLES.items():
            before, now = self.sizes.get(split, 0), other.sizes.get(split, 0)
            if before != now:
                found.append(f"{now:,} {title} images instead of {before:,}")
            elif other.digests.get(split) != self.digests.get(split):
                found.append(f"other {title} images or labels")
        if other.labels != self.labels:
            found.append(f"{_listing(other.labels)} instead of {_listing(self.labels)}")
        return tuple(found)


def _listing(labels: tuple[int, ...]) -> str:
    """Labels in words, consecutive ones as a range."""
    if not labels:
        return "no labels"
    if len(labels) == labels[-1] - labels[0] + 1 > 2:
        return f"labels {labels[0]} to {labels[-1]}"
    return f"{'label' if len(labels) == 1 else 'labels'} {', '.join(map(str, labels))}"


# ---- commands: data ---------------------------------------------------------------------------------------


class BrowseData(Command, frozen=True, kw_only=True):
    """Load a data source and show images of one split, from ``start`` on; answered with ``DataBrowsed``.

    Args:
        data: key of the source.
        data_config: its settings.
        run: path of the run whose recorded data are shown instead, after a comparison with those it was trained on;
            empty: none.
        split: which images.
        start: number of the first one.
        count: largest number of images.
    """

    data: str
    data_config: dict[str, Any]
    run: str = ""
    split: SplitName = "train"
    start: int = 0
    count: int = 64


class LocateData(Command, frozen=True, kw_only=True):
    """Use the data of a run from another folder, or as they are now; answered with ``RunOpened``.

    The run's record keeps the decision. Images of another shape are refused in any case.

    Args:
        run: path of the run, which must not be in training.
        folder: folder that holds the data now; empty: the recorded one.
        accept_changed: take the data even where they differ from those that the run was trained on.
    """

    run: str
    folder: str = ""
    accept_changed: bool = False


class DescribeModel(Command, frozen=True, kw_only=True):
    """Check the settings of a run without training; answered with ``ModelDescribed``."""

    spec: RunSpec


# ---- events: data -------------------------------------------------------------------------------------------


class DataBrowsed(Event, frozen=True, kw_only=True):
    """Images (N, C, H, W) uint8 levels of a split, labels (N,) int64 or None, and the sizes of the splits."""

    data: str
    image: ImageSpec
    split: SplitName
    start: int
    sizes: dict[SplitName, int]
    images: Array
    labels: Array | None
    label_names: tuple[str, ...]


class ModelDescribed(Event, frozen=True, kw_only=True):
    """The settings are valid: number of parameters, image spec of the data, and remarks of the family.

    ``remarks`` are sentences; most families have none.
    """

    family: str
    num_parameters: int
    image: ImageSpec
    remarks: tuple[str, ...] = ()


class DataEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A data source in the engine's catalog.

    Args:
        name: key in ``SOURCES``.
        title: display name.
        summary: description, one or two sentences.
        config_schema: JSON Schema of its Config.
    """

    name: str
    title: str
    summary: str
    config_schema: dict[str, Any]
