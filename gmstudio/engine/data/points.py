"""Description of points: their distribution, its entropy, and how much of the grid they occupy."""

from typing import Any

import numpy as np

from gmstudio.data import load
from gmstudio.data.dataset import DataError, Dataset
from gmstudio.data.points import entropy
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.points import DescribePoints, PointsDescribed

MAX_SENT = 20_000
"""Points that are sent at most."""
POINTS = "points"
FILE_SHAPES = frozenset({"picture", "csv"})


def is_made_at_once(data: str, data_config: dict[str, Any]) -> bool:
    """Whether the points are made within a fraction of a second, without reading a file.

    Such points are made anew for each description: while somebody draws, a density would else take the place of a
    loaded data set with each stroke.
    """
    return data == POINTS and data_config.get("shape") not in FILE_SHAPES


def made_points(data_config: dict[str, Any]) -> Dataset:
    """Make points.

    Raises:
        ConfigError: with fields ``data_config.x``.
    """
    try:
        return load(POINTS, data_config)
    except ConfigError as error:
        raise ConfigError({f"data_config.{field}": text for field, text in error.errors.items()}) from error


def describe_points(dataset: Dataset, command: DescribePoints) -> PointsDescribed:
    """Answer a question about points.

    Raises:
        DataError: when the images are no points.
    """
    if not dataset.axes:
        raise DataError(f"{dataset.source} has images of {dataset.image}, which are no points.")
    dims, levels = len(dataset.axes), dataset.image.levels
    places = dataset.train.images.reshape(-1, dims)
    cells = np.ravel_multi_index(tuple(places.T.astype(np.int64)), (levels,) * dims)
    count = max(0, min(command.count, MAX_SENT))
    labels = dataset.train.labels
    truth = dataset.truth
    return PointsDescribed(
        request=command.request,
        data=dataset.source,
        image=dataset.image,
        axes=dataset.axes,
        sizes=dataset.sizes,
        points=Array.of(np.ascontiguousarray(places[:count])),
        labels=None if labels is None else Array.of(np.ascontiguousarray(labels[:count])),
        label_names=dataset.label_names,
        truth=None if truth is None else Array.of(truth.astype(np.float32)),
        entropy=None if truth is None else entropy(truth),
        occupied=len(np.unique(cells)) / levels**dims,
        remarks=dataset.remarks,
    )
