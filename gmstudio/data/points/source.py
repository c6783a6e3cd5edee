"""Points of the line and the plane as images of 1×1 and 1×2 sub-pixels."""

from pathlib import PurePath
from typing import ClassVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset, Labels, Split, permutation
from gmstudio.data.points.density import PointDensity, known_density
from gmstudio.data.points.settings import SHAPES, PointsConfig
from gmstudio.data.points.table import TablePoints, read_points
from gmstudio.data.source import Source
from gmstudio.media.levels import Images
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.points import PointAxis

HELD_OUT_SHARE = 0.1
"""Of the rows of a table, held out at most for validation, and as many for testing."""
MARGIN = 0.05
"""Of the range of a column, left free at each end of its axis."""
FEW_POINTS = 10


class Points(Source):
    """Points, drawn from a distribution whose value is known in each cell of the grid, or read from a table.

    A point is an image of 1×D sub-pixels, D 1 or 2, whose levels number the cells along each axis; x₁ comes first.
    Points are drawn from the probabilities of the cells themselves, so that ``Dataset.truth`` is what a perfect model
    has learned, and its entropy the least −log p that any model reaches.
    """

    name: ClassVar[str] = "points"
    title: ClassVar[str] = "Points (1-D and 2-D)"
    summary: ClassVar[str] = (
        "Points of a line or the plane: moons, spirals, mixtures of Gaussians, a drawing, a picture, or a table. A "
        "point is an image of one or two sub-pixels, so that every family trains on it; the true distribution is known."
    )
    Config: ClassVar[type[Struct]] = PointsConfig

    @classmethod
    def label(cls, config: PointsConfig) -> str:
        """Name of the shape, or of its file."""
        words = SHAPES[config.shape]
        file = PurePath(config.path.strip("\"' ")).stem if config.shape in ("picture", "csv") else ""
        return file or words[:1].upper() + words[1:]

    @classmethod
    def load(cls, config: PointsConfig) -> Dataset:
        """Draw the points, or read them; see ``Source.load``."""
        if config.shape != "csv":
            return _drawn(config, known_density(config))
        if not config.path.strip():
            raise ConfigError({"path": "File is empty. Choose a table of points (CSV)."})
        return _read(config, read_points(config.path, config.columns, config.label_column))


def _drawn(config: PointsConfig, density: PointDensity) -> Dataset:
    sizes: dict[SplitName, int] = {
        "train": config.num_points,
        "valid": config.num_valid,
        "test": config.num_test,
    }
    levels, labels = draw_points(density.classes, sum(sizes.values()), config.seed, len(density.axes))
    kept = labels if density.label_names else None
    bounds = np.cumsum([0, *sizes.values()])
    splits = {
        split: Split(levels[begin:end], None if kept is None else kept[begin:end])
        for split, begin, end in zip(SPLITS, bounds[:-1], bounds[1:], strict=True)
    }
    return Dataset(
        source=Points.name,
        config=msgspec.to_builtins(config),
        image=ImageSpec(1, 1, len(density.axes), config.levels),
        train=splits["train"],
        valid=splits["valid"],
        test=splits["test"],
        label_names=density.label_names,
        axes=density.axes,
        truth=density.total,
        remarks=(*density.remarks, *_few(config.num_points)),
    )


def draw_points(classes: NDArray[np.float64], count: int, seed: int, dims: int) -> tuple[Images, Labels]:
    """Draw cells and classes together, independently of one another.

    Args:
        classes: (Y, L₂, L₁) probabilities, see ``PointDensity``.
        count: N.
        seed: of the draw; the first points of a longer draw are those of a shorter one.
        dims: 1 or 2.

    Returns:
        (N, 1, 1, D) uint8 levels and (N,) classes.
    """
    cumulated = np.cumsum(classes.ravel())
    uniforms = np.random.RandomState(seed).random_sample(count) * cumulated[-1]
    cells = np.searchsorted(cumulated, uniforms, side="right")
    label, row, column = np.unravel_index(np.minimum(cells, cumulated.size - 1), classes.shape)
    places = (column, row)[:dims]
    return np.stack(places, axis=1).astype(np.uint8)[:, None, None], label.astype(np.int64)


def _few(count: int) -> tuple[str, ...]:
    """Sentence on a training set from which a model learns its points by heart."""
    if count >= FEW_POINTS:
        return ()
    if count == 1:
        return ("There is 1 point to train on: models learn it by heart. Choose more.",)
    return (f"There are {count} points to train on: models learn them by heart. Choose more.",)


def _read(config: PointsConfig, table: TablePoints) -> Dataset:
    count = len(table.points)
    held_out = max(1, int(HELD_OUT_SHARE * count))
    num_valid, num_test = min(config.num_valid, held_out), min(config.num_test, held_out)
    order = permutation(count, config.seed)
    rows: dict[SplitName, NDArray[np.int64]] = {
        "valid": order[:num_valid],
        "test": order[num_valid : num_valid + num_test],
        "train": order[num_valid + num_test :][: config.num_points],
    }
    axes = tuple(_axis(values, title) for values, title in zip(table.points.T, _titles(table), strict=True))
    images = np.stack(
        [_levels(values, axis, config.levels) for values, axis in zip(table.points.T, axes, strict=True)], axis=1
    )[:, None, None]
    splits = {
        split: Split(images[chosen], None if table.labels is None else table.labels[chosen])
        for split, chosen in rows.items()
    }
    return Dataset(
        source=Points.name,
        config=msgspec.to_builtins(config),
        image=ImageSpec(1, 1, len(axes), config.levels),
        train=splits["train"],
        valid=splits["valid"],
        test=splits["test"],
        label_names=table.label_names,
        axes=axes,
        remarks=(*table.remarks, *_few(len(rows["train"]))),
    )


def _titles(table: TablePoints) -> tuple[str, ...]:
    if table.names:
        return table.names
    return ("x₁", "x₂") if table.points.shape[1] == 2 else ("x",)


def _axis(values: NDArray[np.float64], title: str) -> PointAxis:
    low, high = float(values.min()), float(values.max())
    margin = MARGIN * (high - low)
    return PointAxis(title, low - margin, high + margin)


def _levels(values: NDArray[np.float64], axis: PointAxis, levels: int) -> NDArray[np.uint8]:
    places = np.floor((values - axis.low) / (axis.high - axis.low) * levels)
    return np.clip(places, 0, levels - 1).astype(np.uint8)
