"""Base of the two PixelRNNs: everything but their LSTM layers.

A 7×7 convolution with mask A excludes each pixel itself; residual LSTM layers of h states between 2h features follow,
then two ReLU–1×1 layers with mask B and a Bernoulli (2 levels), a softmax over the levels or a mixture of logistics
(``pixel_outputs``).

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, table 1.

Shape legend: B batch, C channels, H height, W width, P pixels (H·W) in raster order, F features.
"""

from abc import abstractmethod
from functools import partial
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, addmm, nn
from torch.nn import functional

from gmstudio.families.autoregressive.conv_cache import PixelCache, RowCache
from gmstudio.families.autoregressive.figures import convolution_filters, masks_figure, outputs_of
from gmstudio.families.autoregressive.map_features import MapLayer, same
from gmstudio.families.autoregressive.masked_conv import MaskedConv2d
from gmstudio.families.autoregressive.pixel_outputs import start_from
from gmstudio.families.autoregressive.raster import RasterFamily, RasterStepper
from gmstudio.families.diagnostics import Figure
from gmstudio.nn.stepping.columns import Columns
from gmstudio.nn.stepping.ops import Array, Program, StepOps
from gmstudio.protocol.config import field
from gmstudio.protocol.families import Objective, Term
from gmstudio.protocol.images import ImageSpec

NumLayersField = Annotated[
    int, field("LSTM layers", "Residual LSTM layers, one on top of the other.", ge=1, le=32, unit="layers")
]
NumChannelsField = Annotated[
    int,
    field(
        "Hidden channels",
        "States of an LSTM; between the layers there are twice as many features.",
        ge=1,
        le=512,
        unit="features",
        log=True,
    ),
]
NumHeadChannelsField = Annotated[
    int,
    field(
        "Head channels",
        "Features between the two last 1×1 convolutions.",
        ge=1,
        le=2048,
        unit="features",
        log=True,
    ),
]
InputKernelField = Annotated[
    Literal[3, 5, 7, 9, 11],
    field("First kernel", "Side of the first convolution's kernel (mask A).", unit="pixels", advanced=True),
]

LIKELIHOOD = Objective(
    latex=r"-\log p_\theta(x) = -\sum_{i=1}^{D} \log p_\theta(x_i \mid x_1, \ldots, x_{i-1})",
    terms=(
        Term(
            name="loss",
            latex=r"-\log p_\theta(x)",
            help="Negative log-likelihood of an image, averaged over the batch; lower is better.",
            unit="nats",
            per_image_nats=True,
        ),
    ),
)


class PixelRNN(RasterFamily):
    """Base of the PixelRNNs; see the module's docstring.

    Args:
        config: has ``num_layers``, ``num_channels``, ``num_head_channels`` and ``input_kernel_size`` besides the
            fields of ``RasterFamily``.
        image: specification of the images.

    Raises:
        ConfigError: when the features cannot be divided among the image's colours.
    """

    def __init__(self, config: Any, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.check_colours(num_channels=config.num_channels, num_head_channels=config.num_head_channels)
        num_groups, width = self.outputs.num_groups, 2 * config.num_channels
        kernel_size = config.input_kernel_size
        self.input = MaskedConv2d("A", image.channels, width, kernel_size, num_groups, batch_last=True)
        self.layers = nn.ModuleList(self.layer(number) for number in range(config.num_layers))
        self.head = MaskedConv2d("B", width, config.num_head_channels, 1, num_groups)
        self.output = MaskedConv2d("B", config.num_head_channels, self.outputs.num_features, 1, num_groups)
        start_from(self.output.bias, self.outputs)

    @abstractmethod
    def layer(self, number: int) -> nn.Module:
        """A new LSTM layer, 0 being the one above the first convolution."""

    @abstractmethod
    def run_layers(self, hidden_FPB: Tensor, values_CPB: Tensor) -> Tensor:
        """All LSTM layers, given the first convolution's features and the scaled image: (F, P, B)."""

    def network(self, scaled_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``RasterFamily``."""
        # Features first and the batch last: every layer is then one plain matrix product per wavefront of pixels.
        hidden_FPB = self.input(scaled_BCHW).permute(1, 2, 3, 0).flatten(1, 2).contiguous()
        hidden_FPB = self.run_layers(hidden_FPB, scaled_BCHW.permute(1, 2, 3, 0).flatten(1, 2))
        inner_FM = _pointwise(self.head, functional.relu(hidden_FPB.flatten(1)))
        out_FM = _pointwise(self.output, functional.relu(inner_FM))
        return out_FM.view(-1, *scaled_BCHW.shape[2:], len(scaled_BCHW)).permute(3, 0, 1, 2)

    def weight_figures(self) -> tuple[Figure, ...]:
        """Mask and filters of the first convolution; see ``AutoregressiveFamily``."""
        masks = masks_figure([("A", self.input.kernel_size)], self.outputs.num_groups, self._mirrored_axes)
        return masks, convolution_filters(self.input, self._mirrored_axes)

    def layer_features(self, x_1CHW: Tensor) -> list[tuple[str, Tensor]]:
        """See ``RasterFamily``."""
        input_1FHW, *layers = outputs_of([self.input, *self.layers], lambda: self.features(x_1CHW))
        named = [
            (f"LSTM layer {number}", layer_FP1.squeeze(2).unflatten(1, self.image.shape[1:]))
            for number, layer_FP1 in enumerate(layers, start=1)
        ]
        return [("first convolution", input_1FHW[0]), *named]

    def map_layers(self) -> list[MapLayer]:
        """See ``MapFeatures``."""
        count, width = len(self.layers), self.input.weight.shape[0]
        layers = [
            MapLayer(f"lstm{number}", f"LSTM layer {number} of {count}", layer, width, self._batch_first)
            for number, layer in enumerate(self.layers, start=1)
        ]
        return [MapLayer("input", "First convolution", self.input, width, same), *layers]

    def _batch_first(self, hidden_FPB: Tensor) -> Tensor:
        """(F, P, B) → (B, F, H, W)."""
        maps_BFHW: Tensor = hidden_FPB.permute(2, 0, 1).unflatten(2, self.image.shape[1:])
        return maps_BFHW


def _pointwise(layer: MaskedConv2d, x_FM: Tensor) -> Tensor:
    """A 1×1 convolution, with one column per pixel and image."""
    return addmm(layer.bias.unsqueeze(1), layer.masked_weight().flatten(1), x_FM)


class LayerCache(Protocol):
    """The LSTM layers of a sampler."""

    def feature(self, layer: int, column: int, group: int) -> Array:
        """Cache slice of a colour's input features of a layer at a column of the current row."""

    def program(self, layer: int, column: int, group: int, out: Array) -> Program:
        """Calls that compute a colour's output features of a layer at a column, once its input is in place."""


class PixelRNNStepper(RasterStepper):
    """Computation of one conditional after another; each evaluates one position of each layer.

    Everything that depends on complete rows only is computed when a row begins, for the whole row and all layers at
    once. Weights are copied at opening, with masks multiplied in.

    Args:
        model: the network.
        images_BCHW: the session's images, filled in as it goes.
        ops: the array operations.
        cache: the layers.
        rewindable: store the state that ``rewind`` needs.
    """

    def __init__(
        self,
        model: PixelRNN,
        images_BCHW: NDArray[np.uint8],
        ops: StepOps,
        cache: LayerCache,
        rewindable: bool = True,
    ) -> None:
        super().__init__(model, images_BCHW, ops)
        self._inputs = RowCache(ops, [model.input], self._width, self._num_groups, kind="A", rewindable=rewindable)
        self._programs = self._compile(model, cache)

    def _place(self, column: int, group: int) -> Array:
        return self._inputs.feature(0, column, group)

    def _compile(self, model: PixelRNN, cache: LayerCache) -> list[Columns]:
        """Calls of a step, by colour and column."""
        ops = self._ops
        head, output = (PixelCache(ops, layer, self._num_groups) for layer in (model.head, model.output))
        programs: list[Columns] = []
        for group in range(self._num_groups):
            hidden, inner = ops.zeros(head.num_inputs(group)), ops.zeros(output.num_inputs(group))
            last = head.program(group, hidden, inner) + output.program(group, inner, self._own_features[group])
            compile_column = partial(self._compile_column, cache, len(model.layers), group, hidden, last)
            programs.append(ops.by_column(self._width, compile_column))
        return programs

    def _compile_column(
        self, cache: LayerCache, num_layers: int, group: int, hidden: Array, last: Program, column: int
    ) -> Program:
        """Calls of a step at a column: convolution, layers, the last of which writes to ``hidden``, and ``last``."""
        features = [cache.feature(layer, column, group) for layer in range(num_layers)]
        program = self._inputs.linear(0, column, group, features[0])
        for layer, out in enumerate([*features[1:], hidden]):
            program += cache.program(layer, column, group, out)
        return program + last
