"""Messages about data sets, and about checking the settings of a run against one; data cards."""

from typing import Any, ClassVar, Literal, get_args

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
        run: name of the run whose recorded data are shown instead, after a comparison with those it was trained on;
            empty: none.
        split: which images.
        label: only images with this label; None: all of the split.
        start: number of the first one, among those with the label.
        count: largest number of images.
    """

    data: str
    data_config: dict[str, Any]
    run: str = ""
    split: SplitName = "train"
    label: int | None = None
    start: int = 0
    count: int = 64


class LocateData(Command, frozen=True, kw_only=True):
    """Use the data of a run from another folder, or as they are now; answered with ``RunOpened``.

    The run's record keeps the decision. Images of another shape are refused in any case.

    Args:
        run: name of the run, which must not be in training.
        folder: folder that holds the data now; empty: the recorded one.
        accept_changed: take the data even where they differ from those that the run was trained on.
    """

    run: str
    folder: str = ""
    accept_changed: bool = False


class DescribeModel(Command, frozen=True, kw_only=True):
    """Check the settings of a run without training; answered with ``ModelDescribed``."""

    spec: RunSpec


class MeasureData(Command, frozen=True, kw_only=True):
    """Compute statistics of a data set in pieces; answered with ``DataMeasured``.

    Args:
        data: key of the source.
        data_config: its settings.
    """

    superseded_within: ClassVar[tuple[str, ...]] = ()

    data: str
    data_config: dict[str, Any]


# ---- events: data -------------------------------------------------------------------------------------------


class DataBrowsed(Event, frozen=True, kw_only=True):
    """Images of a split.

    Args:
        data: key of the source.
        image: shape and levels of the images.
        split: which images.
        start: number of the first one, among those with the label that was asked for.
        sizes: number of images in each split.
        images: (N, C, H, W) uint8 levels.
        labels: (N,) int64; None: the images have none.
        label_names: label → name; empty where the names are the numbers themselves.
        total: number of images that can be paged through.
        indices: (N,) int64 index of each image in its split; None: they follow one another from ``start`` on.
    """

    data: str
    image: ImageSpec
    split: SplitName
    start: int
    sizes: dict[SplitName, int]
    images: Array
    labels: Array | None
    label_names: tuple[str, ...]
    total: int = 0
    indices: Array | None = None


class DataLoading(Event, frozen=True, kw_only=True):
    """Progress of loading the data set that a command needs; the reply to the command follows.

    A data set that loads at once is not reported. ``Cancel`` ends the command, and with its last one the loading.

    Args:
        load: number of the loading, the same for all commands that wait for it.
        title: short name of the data.
        stage: what is done now, for example ``Decoding images``.
        done: work done so far, in units.
        total: work in all; 0: unknown.
        unit: what is counted, for example ``images``.
        rate: units per second; 0: unknown.
        seconds_left: negative: unknown.
        over: the command does not wait any longer, as the data are loaded, cannot be, or it was cancelled.
    """

    load: int
    title: str
    stage: str = ""
    done: int = 0
    total: int = 0
    unit: str = "images"
    rate: float = 0.0
    seconds_left: float = -1.0
    over: bool = False

    def ends_request(self) -> bool:
        """The reply of the command itself follows."""
        return False


class SplitStats(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of the images of a split.

    Args:
        size: number of images.
        labels: label → number of images; empty where they have none.
        repeated: images that are equal to an earlier one of the same split.
        shared: earlier split → number of images of this split that also occur there.
    """

    size: int
    labels: dict[int, int] = {}
    repeated: int = 0
    shared: dict[SplitName, int] = {}


class DataMeasured(Event, frozen=True, kw_only=True):
    """Statistics of a data set; while they are computed, of the images so far.

    Args:
        data: key of the source.
        image: shape and levels of the images.
        done: images measured.
        total: images in all splits.
        splits: statistics of each split.
        histogram: (C, levels) int64, number of pixels of each level and channel.
        mean: (C, H, W) float32, mean level of each pixel.
        label_names: label → name.
        resampled: training images are binarized anew in each epoch; the statistics are of their first sampling.
    """

    data: str
    image: ImageSpec
    done: int
    total: int
    splits: dict[SplitName, SplitStats]
    histogram: Array
    mean: Array
    label_names: tuple[str, ...] = ()
    resampled: bool = False

    def ends_request(self) -> bool:
        """Whether all images are measured."""
        return self.done == self.total


class ModelDescribed(Event, frozen=True, kw_only=True):
    """The settings are valid: number of parameters, image spec of the data, and remarks on the data and the model.

    ``remarks`` are sentences; most data and families have none.
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
