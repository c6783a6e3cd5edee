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

# ---- commands: data ---------------------------------------------------------------------------------------


class BrowseData(Command, frozen=True, kw_only=True):
    """Load a data source and show images of one split, from ``start`` on; answered with ``DataBrowsed``."""

    data: str
    data_config: dict[str, Any]
    split: SplitName = "train"
    start: int = 0
    count: int = 64


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
