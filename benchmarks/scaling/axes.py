"""The axes along which cost is measured, and the models at their points."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from benchmarks.models import TABLE, configured_model
from gmstudio.engine.runtime.building import family_class
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec

AxisName = Literal["size", "levels", "batch", "width", "data"]
BATCH = 64
SIZE = 28
WIDTH_FIELDS = ("num_hidden", "num_channels")
"""Fields of a family's Config that are its width, the first one that it has."""
VALUES: dict[AxisName, tuple[int, ...]] = {
    "size": (8, 16, 32, 64),
    "levels": (2, 4, 16, 64, 256),
    "batch": (1, 4, 16, 64, 256),
    "width": (1, 2, 4, 8),
    "data": (1_000, 10_000, 100_000, 1_000_000),
}
"""Values by axis; those of the width are eighths of it, of which 8 is the whole."""
WORDS: dict[AxisName, str] = {
    "size": "rows and columns",
    "levels": "levels",
    "batch": "images in a batch",
    "width": "width of the model",
    "data": "training images",
}


@dataclass(frozen=True)
class Point:
    """One configuration to be measured.

    Args:
        value: on the axis, as it is shown.
        image: shape and levels.
        batch: images of a training step.
        config: settings of the family.
    """

    value: int
    image: ImageSpec
    batch: int
    config: Mapping[str, Any]

    def model(self, family: str) -> Family:
        """A model with random weights."""
        return configured_model(family, self.image, self.config)


def points(family: str, axis: AxisName, size: int = SIZE) -> list[Point]:
    """Configurations along an axis, the smallest first; all else is that of the other benchmarks.

    Args:
        family: key in ``FAMILIES``.
        axis: what grows; along ``data`` the model stays the same.
        size: rows and columns, where they do not grow.

    Raises:
        ValueError: when the family has no width.
    """
    table = TABLE.get(family, {})
    found = []
    for value in VALUES[axis]:
        image = ImageSpec(
            channels=1,
            height=value if axis == "size" else size,
            width=value if axis == "size" else size,
            levels=value if axis == "levels" else 2,
        )
        batch, config = value if axis == "batch" else BATCH, dict(table)
        if axis == "width":
            name, whole = width_of(family)
            value = max(1, whole * value // VALUES["width"][-1])
            config[name] = value
        found.append(Point(value, image, batch, config))
    return found


def width_of(family: str) -> tuple[str, int]:
    """Field that is a family's width, and its value in the other benchmarks.

    Raises:
        ValueError: when it has none.
    """
    kind = family_class(family)
    defaults = kind.Config()
    for name in WIDTH_FIELDS:
        if hasattr(defaults, name):
            return name, int(TABLE.get(family, {}).get(name, getattr(defaults, name)))
    raise ValueError(f"--axis width: {kind.card.title} has none of the fields {', '.join(WIDTH_FIELDS)}.")
