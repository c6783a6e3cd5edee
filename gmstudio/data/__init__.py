"""Data sources: real images as uint8 arrays."""

from collections.abc import Iterator
from typing import Any

from gmstudio.data.binarized_mnist import BinarizedMnist
from gmstudio.data.cifar10 import Cifar10
from gmstudio.data.dataset import DataError, Dataset, Split
from gmstudio.data.digits import Digits
from gmstudio.data.fashion_mnist import FashionMnist
from gmstudio.data.idx import Idx
from gmstudio.data.images import Images
from gmstudio.data.mnist import Mnist
from gmstudio.data.points import Points
from gmstudio.data.progress import Progress
from gmstudio.data.shapes import Shapes
from gmstudio.data.source import Source, loaded
from gmstudio.protocol.config import parse_config, schema_of
from gmstudio.protocol.data import DataEntry

__all__ = ["SOURCES", "DataError", "Dataset", "Progress", "Source", "Split", "catalog", "load", "load_pieces"]

SOURCES: dict[str, type[Source]] = {
    source.name: source
    for source in (Digits, Mnist, FashionMnist, Shapes, Points, Idx, BinarizedMnist, Cifar10, Images)
}


def catalog() -> tuple[DataEntry, ...]:
    """Descriptions of all sources, for the window's forms."""
    return tuple(
        DataEntry(name=s.name, title=s.title, summary=s.summary, config_schema=schema_of(s.Config))
        for s in SOURCES.values()
    )


def load(name: str, values: dict[str, Any]) -> Dataset:
    """Load a data set.

    Args:
        name: key in ``SOURCES``.
        values: settings of the source as plain values; missing ones take their default.

    Raises:
        ConfigError: when a setting is unknown or outside its range.
        DataError: when there is no such source or a file cannot be used.
    """
    return loaded(load_pieces(name, values))


def load_pieces(name: str, values: dict[str, Any]) -> Iterator[Progress | Dataset]:
    """Load a data set a piece at a time; the last item is the data set. See ``load`` and ``Source.load_pieces``."""
    if name not in SOURCES:
        raise DataError(f"There is no data source {name!r}; there are {', '.join(SOURCES)}.")
    source = SOURCES[name]
    return source.load_pieces(parse_config(source.Config, values))
