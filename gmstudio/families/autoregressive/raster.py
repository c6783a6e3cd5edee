"""Base of autoregressive families with causal feature maps: a raster order, from any corner, and the outputs.

The network computes features of every pixel from the pixels before it in raster order, row by row from the top left;
an output (``pixel_outputs``) turns them into a distribution over the pixel's values. Generating from another corner
is the same network on the mirrored image.

Shape legend: B batch, C channels, H height, W width, L levels, F features, D sub-pixels (C·H·W).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.drawing import Thresholds
from gmstudio.families.autoregressive.figures import feature_maps
from gmstudio.families.autoregressive.map_features import MapFeatures
from gmstudio.families.autoregressive.masked_conv import group_slices
from gmstudio.families.autoregressive.orders import raster_order
from gmstudio.families.autoregressive.pixel_outputs import BernoulliOutput, OutputName, pixel_output
from gmstudio.families.diagnostics import Figure
from gmstudio.nn.stepping.columns import BinaryDraws, Columns
from gmstudio.nn.stepping.ops import Array, FloatArray, StepOps, step_ops
from gmstudio.protocol.config import ConfigError, field
from gmstudio.protocol.images import ImageSpec

Corner = Literal["top left", "top right", "bottom left", "bottom right"]

CornerField = Annotated[
    Corner, field("Scan start (raster order)", "Corner at which the raster order starts; rows follow away from it.")
]
OutputField = Annotated[
    OutputName,
    field(
        "Output",
        "Distribution of a pixel's value: softmax, a free probability for every level (auto means this), or a mixture "
        "of logistic distributions, in which neighbouring levels are alike.",
    ),
]
NumMixturesField = Annotated[
    int,
    field(
        "Mixture components",
        "Logistic distributions in a mixture; without effect on a softmax.",
        ge=1,
        le=50,
        unit="components",
    ),
]


class RasterFamily(MapFeatures, AutoregressiveFamily):
    """Base of the families whose features depend on the pixels before them in raster order.

    Args:
        config: has the fields ``corner``, ``output`` and ``num_mixtures``.
        image: specification of the images.
    """

    differentiable = True
    convolutional: ClassVar[bool] = False
    """The network takes images of any size, and its outputs depend only on their receptive field."""

    def __init__(self, config: Any, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.outputs = pixel_output(config.output, image, config.num_mixtures)
        self.order_words = f"raster order only: row by row from the {config.corner}"
        from_bottom, from_right = config.corner.startswith("bottom"), config.corner.endswith("right")
        self._mirrored_axes: tuple[int, ...] = tuple(
            axis for axis, mirrored in ((-2, from_bottom), (-1, from_right)) if mirrored
        )

    @property
    def own_order(self) -> Tensor:
        """See ``AutoregressiveFamily``: the raster order from the corner."""
        order_D3 = raster_order(self.image)
        for axis in self._mirrored_axes:
            order_D3[:, axis] = self.image.shape[axis] - 1 - order_D3[:, axis]
        return order_D3

    @abstractmethod
    def network(self, scaled_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Features for the output, of images scaled to [-1, 1], in raster order from the top left: (B, F, H, W)."""

    @abstractmethod
    def open_stepper(
        self, images_BCHW: NDArray[np.uint8], ops: StepOps, rewindable: bool, labels_B: Tensor | None = None
    ) -> "RasterStepper":
        """The incremental sampler on the given array operations."""

    @abstractmethod
    def reach(self, group: int, row: int, column: int) -> Tensor:
        """Sub-pixels that a group's features at a position can depend on, from the top left: (C, H, W) bool."""

    @abstractmethod
    def layer_features(self, x_1CHW: Tensor) -> list[tuple[str, Tensor]]:
        """Title and features (F, H, W) of each layer for an integer image, in the network's orientation."""

    @torch.no_grad()
    def pixel_figure_pieces(self, x: Tensor, row: int, column: int) -> Iterator[tuple[Figure, ...]]:
        """Also the feature maps of the image; see ``AutoregressiveFamily``."""
        yield from super().pixel_figure_pieces(x, row, column)
        layers = [(title, features.flip(self._mirrored_axes)) for title, features in self.layer_features(x)]
        yield (feature_maps(layers, row, column),)

    def features(self, x_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Features that the output needs, for integer images: (B, F, H, W)."""
        scaled_BCHW = scale_levels(x_BCHW.to(next(self.parameters()).dtype), self.image.levels)
        if not self._mirrored_axes:
            return self.network(scaled_BCHW, labels_B)
        return self.network(scaled_BCHW.flip(self._mirrored_axes), labels_B).flip(self._mirrored_axes)

    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``."""
        return self.outputs.log_probs(self.features(x_BCHW, labels_B), x_BCHW)

    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``."""
        return self.outputs.log_prob(self.features(x_BCHW, labels_B), x_BCHW)

    def log_components(
        self, levels_BCHW: Tensor, step: int, order_D3: Tensor, labels_B: Tensor | None = None
    ) -> Tensor:
        """See ``AutoregressiveFamily``; a convolutional network runs on the receptive field only."""
        channel, row, column = self._position(step)
        levels_BCHW = levels_BCHW.flip(self._mirrored_axes)
        scaled_BCHW = scale_levels(levels_BCHW.to(next(self.parameters()).dtype), self.image.levels)
        top = left = 0
        if self.convolutional:
            seen_CHW = self.reach(min(channel, self.outputs.num_groups - 1), row, column)
            top, left, bottom, right = _surroundings(seen_CHW, row, column)
            scaled_BCHW = scaled_BCHW[:, :, top:bottom, left:right]
        features_BF = self.network(scaled_BCHW, labels_B)[:, :, row - top, column - left]
        return self.outputs.log_components(features_BF, levels_BCHW[:, :, row, column], channel)

    def stepper(
        self, images_BCHW: NDArray[np.uint8], order_D3: Tensor, rewindable: bool, labels_B: Tensor | None = None
    ) -> "RasterStepper":
        """The incremental sampler."""
        return self.open_stepper(images_BCHW, step_ops(len(images_BCHW), self.device), rewindable, labels_B)

    def receptive_field(self, step: int, order_D3: Tensor) -> Tensor:
        """Sub-pixels within the masks of the network and the output: (C, H, W) bool."""
        channel, row, column = self._position(step)
        seen_CHW = self.reach(min(channel, self.outputs.num_groups - 1), row, column)
        seen_CHW[:channel, row, column] = True  # where the output orders the colours, the network sees none of them
        return seen_CHW.flip(self._mirrored_axes)

    def _position(self, step: int) -> tuple[int, int, int]:
        """Channel, row and column of a step in raster order from the top left."""
        pixel, channel = divmod(step, self.image.channels)
        return (channel, *divmod(pixel, self.image.width))

    def mirrored(self, images_BCHW: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """View of images as the network's input, with the first corner at the top left."""
        return np.flip(images_BCHW, self._mirrored_axes)

    def check_colours(self, **features: int) -> None:
        """Check that numbers of features, by field name, can be divided among the colours.

        Raises:
            ConfigError: when there are fewer features than colours.
        """
        for name, number in features.items():
            if number < self.outputs.num_groups:
                raise ConfigError({name: f"{name} is {number}; colour images need 3 or more, one for each colour."})


class RasterStepper(ABC):
    """Computation of one conditional after another in raster order; see ``Stepper``.

    The network is run once per pixel and colour group, by a program that was compiled for the column and the group.

    Args:
        model: the network.
        images_BCHW: the session's images, filled in as it goes.
        ops: the array operations.
    """

    def __init__(self, model: RasterFamily, images_BCHW: NDArray[np.uint8], ops: StepOps) -> None:
        self._images_BCHW = model.mirrored(images_BCHW)
        self._outputs = model.outputs
        self._num_groups = model.outputs.num_groups
        self._num_channels, _, self._width = model.image.shape
        self._channels = group_slices(self._num_channels, self._num_groups)
        self._scaled_L: FloatArray = scale_levels(torch.arange(model.image.levels).float(), model.image.levels).numpy()
        self._ops = ops
        self._features = ops.zeros(model.outputs.num_features)
        self._own_features = [self._features[own] for own in group_slices(len(self._features), self._num_groups)]
        self._num_computed = 0
        self._row: int | None = None
        self._programs: list[Columns] = []
        """Calls of a step by group and column, which write a group's features to ``_own_features``."""
        self._may_draw = len(images_BCHW) == self._num_channels == 1 and isinstance(model.outputs, BernoulliOutput)
        self._binary: BinaryDraws | None = None

    @abstractmethod
    def _enter_row(self, row: int) -> None:
        """Prepare the first column of a row; all rows above are complete."""

    @abstractmethod
    def _place(self, column: int, group: int) -> Array:
        """Cache slice of the scaled values of a group's channels at a column of the current row."""

    def logits(self, step: int) -> FloatArray:
        """See ``Stepper``; conditionals of earlier steps that were skipped are computed first."""
        pixel, channel = divmod(step, self._num_channels)
        group = min(channel, self._num_groups - 1)
        while self._num_computed <= pixel * self._num_groups + group:
            self._advance(self._num_computed)
        row, column = divmod(pixel, self._width)
        features_FB = self._ops.to_numpy(self._own_features[group])
        return self._outputs.step_logits(features_FB, self._images_BCHW[:, :channel, row, column])

    def draw_ahead(self, step: int, limits: Thresholds) -> int:
        """See ``DrawsAhead``: one binary image, up to the end of the row."""
        if not self._may_draw or self._num_computed not in (step, step + 1):
            return 0
        if self._binary is None:
            places = [self._place(column, 0) for column in range(self._width)]
            self._binary = BinaryDraws(self._features, places, self._scaled_L)
        row, column = divmod(step, self._width)
        self._come_to(step)
        own = slice(step, step + self._width - column)
        values_W = np.zeros(self._width - column, dtype=np.uint8)
        drawn = self._programs[0].draw(column, self._binary, limits.lower[own, 0], limits.upper[own, 0], values_W)
        self._images_BCHW[0, 0, row, column : column + drawn] = values_W[:drawn]
        self._num_computed = step + drawn
        return drawn

    def rewind(self, step: int) -> None:
        """See ``Stepper``; the cache of earlier pixels stays valid."""
        # The colours of a pixel share buffers of one pixel, so all of them are computed again.
        self._num_computed = min(self._num_computed, step // self._num_channels * self._num_groups)

    def _advance(self, number: int) -> None:
        """Run the network for the pixel and group of that number, after reading the values of the one before."""
        self._come_to(number)
        pixel, group = divmod(number, self._num_groups)
        self._programs[group].run(pixel % self._width)
        self._num_computed = number + 1

    def _come_to(self, number: int) -> None:
        """Read the values of the pixel and group before this number, and enter its row."""
        if number > 0:
            self._read_values(number - 1)
        row = number // self._num_groups // self._width
        if row != self._row:
            self._enter_row(row)
            self._row = row

    def _read_values(self, number: int) -> None:
        """Copy the values placed at a pixel and group into the cache, unless its row is complete."""
        pixel, group = divmod(number, self._num_groups)
        row, column = divmod(pixel, self._width)
        if row == self._row:
            place = self._place(column, group)
            values_BC = self._scaled_L[self._images_BCHW[:, self._channels[group], row, column]]
            for channel in range(len(place)):
                place[channel] = self._ops.load_batch(values_BC[:, channel])


def _surroundings(seen_CHW: Tensor, row: int, column: int) -> tuple[int, int, int, int]:
    """Top, left, bottom and right (the latter two exclusive) of the receptive field, the pixel, and a margin of one.

    A feature outside this rectangle depends on pixels outside the receptive field, its neighbours to the left or above,
    so the result does not depend on it, and it can be left out.
    """
    seen_HW = seen_CHW.any(0)
    seen_HW[row, column] = True
    rows, columns = seen_HW.nonzero().T
    top, left = max(int(rows.min()) - 1, 0), max(int(columns.min()) - 1, 0)
    return top, left, int(rows.max()) + 2, int(columns.max()) + 2


def scale_levels(values: Tensor, levels: int) -> Tensor:
    """Levels 0 … levels-1 as floats from -1 to 1."""
    return values * (2.0 / (levels - 1)) - 1.0
