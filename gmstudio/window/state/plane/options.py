"""What the tiles of the Plane panel draw."""

from typing import Any, Literal, get_args

import msgspec

Quantity = Literal["p", "log p"]
TruthShown = Literal["none", "contours", "tile"]
PointsShown = Literal["none", "train", "valid"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)


class ShowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the tiles draw, the same in all of them.

    Args:
        quantity: p(x), or its logarithm.
        contours: contour lines of the model's p(x).
        points: data that are drawn as dots.
        labels: their dots have the colours of their labels.
        samples: points drawn from the model.
        truth: true p*: not at all, as contour lines in each tile, or as a tile of its own.
        common_scale: the strongest colour is the same probability in all tiles.
    """

    quantity: Quantity = "p"
    contours: bool = False
    points: PointsShown = "none"
    labels: bool = False
    samples: bool = False
    truth: TruthShown = "tile"
    common_scale: bool = True


def options_from(values: Any) -> ShowOptions:
    """Read options that were kept as JSON; the defaults where they do not fit."""
    try:
        return msgspec.convert(values, ShowOptions)
    except msgspec.ValidationError:
        return ShowOptions()
