"""Messages about the course of a run's training: what the checkpoint nearest to a step makes of fixed images."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event


class TravelTo(Command, frozen=True, kw_only=True):
    """Look at the validation images through the checkpoint of a step; answered with ``TravelShown``, twice.

    Args:
        run: a run whose family encodes and decodes.
        step: of a checkpoint on the disk.
        images: validation images to reconstruct, the same for every step.
        points: validation images whose codes make the map, the same for every step.
    """

    interactive: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    run: str
    step: int
    images: int = 12
    points: int = 600


class CodeMap(msgspec.Struct, frozen=True, kw_only=True):
    """Codes of images, drawn in two dimensions, which stay the same from step to step.

    Args:
        places: (N, 2) float32.
        labels: (N,) int64; None: the data has none.
        label_names: label → name.
        axes: names of both dimensions.
        fitted_at: step of the checkpoint whose codes determine the dimensions; None: they are those of the code.
    """

    places: Array
    labels: Array | None
    label_names: tuple[str, ...]
    axes: tuple[str, str]
    fitted_at: int | None = None


class TravelShown(Event, frozen=True, kw_only=True):
    """The validation images through the checkpoint of a step; the reconstructions first, then the map with them.

    Args:
        step: of the checkpoint.
        originals: (N, C, H, W) uint8, 0 … 255.
        reconstructions: (N, C, H, W) uint8, decoded from the codes.
        codes: map of the codes; None: it follows.
    """

    run: str
    step: int
    originals: Array
    reconstructions: Array
    codes: CodeMap | None = None

    def ends_request(self) -> bool:
        """Return whether the map is there."""
        return self.codes is not None
