"""Images whose features are nearest to those of one: retrieval.

Shapes: N images, F features.
"""

import numpy as np

from gmstudio.engine.density.image_sets import open_images
from gmstudio.engine.features.extraction import Features, features_of
from gmstudio.engine.runtime.beside import beside, result_of
from gmstudio.engine.runtime.context import ANY_FAMILY, EngineContext
from gmstudio.engine.runtime.feature import Job
from gmstudio.protocol.array import Array
from gmstudio.protocol.features import FindNeighbours, NeighboursFound
from gmstudio.protocol.images import ImageSpec

MAX_NEIGHBOURS = 4096
BLOCK_BYTES = 16 << 20
"""Memory of the features that are compared at a time."""


def find_neighbours(context: EngineContext, command: FindNeighbours) -> Job:
    """Find the images of a set whose features are nearest to those of one image, by Euclidean distance.

    Returns:
        A generator of events of loading, or None, after each piece and, last, ``NeighboursFound``.

    Raises:
        ValueError: when the number of neighbours is out of range, or there is no such image.
    """
    if not 1 <= command.count <= MAX_NEIGHBOURS:
        raise ValueError(f"{command.count:,} neighbours; choose 1 to {MAX_NEIGHBOURS:,}.")
    return _find(context, command)


def _find(context: EngineContext, command: FindNeighbours) -> Job:
    image: ImageSpec | None = None
    if command.space.run:
        yield from context.read_model(command.space.run)
        image = context.model(command.space.run, ANY_FAMILY).model.image
    searched = yield from open_images(context, command.images, image, request=command.request)
    query = yield from open_images(context, command.query, searched.image, request=command.request)
    query.chosen(np.array([command.index], dtype=np.int64))
    images, one = searched.images, query.images[command.index : command.index + 1]
    everything = yield from result_of(features_of(context, command.space, images, searched.image, images))
    own = yield from result_of(features_of(context, command.space, one, searched.image, images))
    distances = yield from beside(lambda: distances_to(own.values[0], everything.values))
    nearest = np.argsort(distances, kind="stable")[: command.count]
    yield NeighboursFound(
        request=command.request,
        space=command.space,
        indices=Array.of(nearest.astype(np.int64)),
        distances=Array.of(distances[nearest]),
        title=everything.title,
    )


def distances_to(one: Features, others: Features) -> np.ndarray:
    """Euclidean distances of a vector (F,) from others (N, F): (N,) float64."""
    rows = max(1, BLOCK_BYTES // (8 * others.shape[1]))
    parts = [
        np.sqrt(np.square(others[start : start + rows].astype(np.float64) - one).sum(axis=1))
        for start in range(0, len(others), rows)
    ]
    return np.concatenate(parts)
