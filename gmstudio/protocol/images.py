"""Images: integers of a shape, a number of levels."""

import math

import msgspec

MAX_SIDE = 256
MAX_LEVELS = 256


class ImageSpec(msgspec.Struct, frozen=True, gc=False):
    """Specification of an image: integers ``0 … levels-1`` of shape ``(channels, height, width)``.

    Args:
        channels: 1 (grey) or 3 (RGB).
        height: rows, 1 to 256.
        width: columns, 1 to 256.
        levels: values a pixel can take, 2 (binary) to 256 (8-bit).

    Raises:
        ValueError: when a number is outside its range.
    """

    channels: int
    height: int
    width: int
    levels: int

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ValueError(f"An image has 1 channel (grey) or 3 (RGB), not {self.channels}.")
        for name, side in (("height", self.height), ("width", self.width)):
            if not 1 <= side <= MAX_SIDE:
                raise ValueError(f"The image {name} is {side} pixels; it must be 1 to {MAX_SIDE}. Resize the images.")
        if not 2 <= self.levels <= MAX_LEVELS:
            raise ValueError(
                f"{self.levels} levels: a pixel needs at least 2 and at most {MAX_LEVELS} values to choose from."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return (self.channels, self.height, self.width)

    @property
    def num_dims(self) -> int:
        """Number of sub-pixels, channels × height × width."""
        return self.channels * self.height * self.width

    def bits_per_dim(self, nats: float) -> float:
        """Turn nats per image into bits per sub-pixel."""
        return nats / (self.num_dims * math.log(2.0))

    def __str__(self) -> str:
        colour = "RGB" if self.channels == 3 else "grey"
        return f"{self.height}×{self.width} {colour}, {self.levels} levels"


class InkStatistics(msgspec.Struct, frozen=True):
    """Ground and ink of a data set's images, by which pictures and drawings are made alike.

    Args:
        ground: (C,) median intensity of the pixels at the edge, 0 … 1: black behind the digits of MNIST.
        plain: nearly all pixels at the edge have it, so that images are ink on a ground.
        stroke: median width of the strokes, pixels.
        box: median larger side of the ink's bounding box, pixels: 20 for MNIST.
    """

    ground: tuple[float, ...]
    plain: bool
    stroke: float
    box: float
