r"""PixelCNN: the chain rule over pixels, with all conditionals computed by one masked convolutional network.

    p(x) = \prod_i p(x_i | x_1, …, x_{i-1}),    i in raster order, R → G → B within a pixel

A 7×7 convolution with mask A excludes each pixel itself; residual blocks of ReLU–1×1 (2h → h), ReLU–3×3 (h → h),
ReLU–1×1 (h → 2h) with mask B follow, then two ReLU–1×1 layers and a Bernoulli (2 levels), a softmax over the levels or
a mixture of logistics (``pixel_outputs``).
Training evaluates all conditionals in one pass. Sampling needs one conditional after another, and computes each from
cached features of the earlier pixels (``PixelCNNStepper``), so that an image costs about what one pass costs.

Differences from the paper: the number of features is free (the paper has h = 128 for CIFAR-10, 16 for MNIST); the input
is scaled to [-1, 1], so that the zeros outside the image differ from every level of an even number of levels; the scan
can start at any corner of the image; and its output can be a mixture of logistics, as PixelCNN++ has it.

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, sections 3.3
to 3.6 and table 1.

Shape legend: B batch, C channels, H height, W width, L levels, F features, D sub-pixels (C·H·W).
"""

from functools import cached_property, partial
from typing import Annotated, ClassVar, Literal, cast

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families import published
from gmstudio.families.autoregressive.conv_cache import PixelCache, RowCache
from gmstudio.families.autoregressive.figures import convolution_filters, masks_figure, outputs_of
from gmstudio.families.autoregressive.map_features import MapLayer, same
from gmstudio.families.autoregressive.masked_conv import CausalReach, MaskedConv2d, MaskKind
from gmstudio.families.autoregressive.pixel_outputs import start_from
from gmstudio.families.autoregressive.pixelcnn_rows import PixelCNNRows
from gmstudio.families.autoregressive.raster import (
    CornerField,
    NumMixturesField,
    OutputField,
    RasterFamily,
    RasterStepper,
)
from gmstudio.families.diagnostics import Figure
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.stepping.columns import Columns
from gmstudio.nn.stepping.ops import Array, Program, StepOps
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training


class ResidualBlock(nn.Module):
    """x + conv1×1(relu(conv3×3(relu(conv1×1(relu(x)))))), all with mask B; 2h → h → h → 2h features.

    Args:
        num_channels: h.
        kernel_size: side of the middle kernel.
        num_groups: colours.
    """

    def __init__(self, num_channels: int, kernel_size: int, num_groups: int) -> None:
        super().__init__()
        self.reduce = MaskedConv2d("B", 2 * num_channels, num_channels, 1, num_groups)
        self.convolve = MaskedConv2d("B", num_channels, num_channels, kernel_size, num_groups)
        self.expand = MaskedConv2d("B", num_channels, 2 * num_channels, 1, num_groups)

    def forward(self, x_BFHW: Tensor) -> Tensor:
        """(B, 2h, H, W) → (B, 2h, H, W)."""
        inner_BFHW = self.convolve(self.reduce(functional.relu(x_BFHW)).relu_())
        out_BFHW: Tensor = self.expand(functional.relu(inner_BFHW))
        return out_BFHW.add_(x_BFHW)


class PixelCNN(RasterFamily):
    """PixelCNN; see the module's docstring.

    Raises:
        ConfigError: when the features cannot be divided among the image's colours.
    """

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of a PixelCNN."""

        num_blocks: Annotated[
            int,
            field(
                "Residual blocks",
                "Blocks after the first convolution; each extends the receptive field by one row up and one column "
                "left.",
                ge=1,
                le=64,
                unit="blocks",
            ),
        ] = 5
        num_channels: Annotated[
            int,
            field(
                "Hidden channels",
                "Features inside a block; between the blocks there are twice as many.",
                ge=1,
                le=512,
                unit="features",
                log=True,
            ),
        ] = 32
        num_head_channels: Annotated[
            int,
            field(
                "Head channels",
                "Features between the two last 1×1 convolutions.",
                ge=1,
                le=2048,
                unit="features",
                log=True,
            ),
        ] = 64
        input_kernel_size: Annotated[
            Literal[3, 5, 7, 9, 11],
            field("First kernel", "Side of the first convolution's kernel (mask A).", unit="pixels", advanced=True),
        ] = 7
        kernel_size: Annotated[
            Literal[3, 5, 7],
            field("Block kernel", "Side of the kernels in the blocks (mask B).", unit="pixels", advanced=True),
        ] = 3
        output: OutputField = "auto"
        num_mixtures: NumMixturesField = 5
        corner: CornerField = "top left"

    card: ClassVar[FamilyCard] = FamilyCard(
        name="pixelcnn",
        title="PixelCNN",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary=(
            "Generates pixels in raster order, each from a distribution that depends on the pixels before it. "
            "Masked convolutions read only those, so one pass scores a whole image exactly. Their shape leaves a blind "
            "spot above and to the right, which the Pixels panel shows."
        ),
        source=(
            "van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, "
            "sections 3.3 to 3.6"
        ),
        published=published.PIXELCNN,
        objectives=(
            Objective(
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
            ),
        ),
    )
    training_defaults: ClassVar[Training] = Training(steps=600, batch_size=64, learning_rate=2e-3, schedule="cosine")
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_blocks": 1, "input_kernel_size": 3},
        training={**SHORT_RUN, "steps": 500, "learning_rate": 1e-2},
    )
    convolutional = True

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.check_colours(num_channels=config.num_channels, num_head_channels=config.num_head_channels)
        self.config: PixelCNN.Config = config
        num_groups = self.outputs.num_groups
        width, head = 2 * config.num_channels, config.num_head_channels
        self.input = MaskedConv2d("A", image.channels, width, config.input_kernel_size, num_groups)
        self.blocks = nn.ModuleList(
            ResidualBlock(config.num_channels, config.kernel_size, num_groups) for _ in range(config.num_blocks)
        )
        self.head = MaskedConv2d("B", width, head, 1, num_groups)
        self.output = MaskedConv2d("B", head, self.outputs.num_features, 1, num_groups)
        start_from(self.output.bias, self.outputs)

    def network(self, scaled_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``RasterFamily``."""
        # Channels last: the many small 1×1 convolutions are then plain matrix products, 1.3 to 3 times as fast.
        hidden_BFHW = self.input(scaled_BCHW).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            hidden_BFHW = block(hidden_BFHW)
        out_BFHW: Tensor = self.output(self.head(functional.relu(hidden_BFHW)).relu_())
        return out_BFHW

    def open_stepper(
        self, images_BCHW: NDArray[np.uint8], ops: StepOps, rewindable: bool, labels_B: Tensor | None = None
    ) -> "PixelCNNStepper":
        """See ``RasterFamily``."""
        return PixelCNNStepper(self, images_BCHW, ops, rewindable)

    def block_conditionals(self, order_D3: Tensor, batch: int, labels_B: Tensor | None = None) -> PixelCNNRows | None:
        """See ``AutoregressiveFamily``."""
        return PixelCNNRows(self, batch) if self.device.type == "cpu" else None

    def reach(self, group: int, row: int, column: int) -> Tensor:
        """See ``RasterFamily``: what the masks let through, without the blind spot."""
        return self._reach.seen_from(group, row, column).expand(self.image.shape).clone()

    @cached_property
    def _reach(self) -> CausalReach:
        first, *others = self._kernels
        layers = [first, *others * self.config.num_blocks]
        return CausalReach(self.outputs.num_groups, self.image.height, self.image.width, layers)

    @property
    def _kernels(self) -> list[tuple[MaskKind, int]]:
        """Mask and size of the first convolution's kernel and of a block's."""
        return [("A", self.config.input_kernel_size), ("B", self.config.kernel_size)]

    def weight_figures(self) -> tuple[Figure, ...]:
        """Masks, and the filters of the first convolution; see ``AutoregressiveFamily``."""
        masks = masks_figure(self._kernels, self.outputs.num_groups, self._mirrored_axes)
        return masks, convolution_filters(self.input, self._mirrored_axes)

    def layer_features(self, x_1CHW: Tensor) -> list[tuple[str, Tensor]]:
        """See ``RasterFamily``."""
        input_1FHW, *blocks = outputs_of([self.input, *self.blocks], lambda: self.features(x_1CHW))
        named = [(f"block {number}", block[0]) for number, block in enumerate(blocks, start=1)]
        return [("first convolution", input_1FHW[0]), *named]

    def map_layers(self) -> list[MapLayer]:
        """See ``MapFeatures``."""
        count, width = len(self.blocks), 2 * self.config.num_channels
        blocks = [
            MapLayer(f"block{number}", f"Block {number} of {count}", block, width, same)
            for number, block in enumerate(self.blocks, start=1)
        ]
        return [MapLayer("input", "First convolution", self.input, width, same), *blocks]


class PixelCNNStepper(RasterStepper):
    """Computation of one conditional after another; each evaluates one position of each layer.

    Per sub-pixel and block: two products of a matrix with one column per image (1×1), and one for the 3×3 kernel's taps
    left of the pixel and at it; the taps above were computed for the whole row when it began (``RowCache``). Only the
    features of the current colour are computed. Weights are copied at opening, with masks multiplied in.

    Args:
        model: the network.
        images_BCHW: the session's images, filled in as it goes.
        ops: the array operations.
        rewindable: store the state that ``rewind`` needs.
    """

    def __init__(self, model: PixelCNN, images_BCHW: NDArray[np.uint8], ops: StepOps, rewindable: bool = True) -> None:
        super().__init__(model, images_BCHW, ops)
        self._blocks = cast(list[ResidualBlock], list(model.blocks))
        convolutions = [block.convolve for block in self._blocks]
        cache = partial(RowCache, ops, width=self._width, num_groups=self._num_groups, rewindable=rewindable)
        self._inputs = cache([model.input], kind="A")
        self._convolved = cache(convolutions, kind="B")
        self._programs = self._compile(model)

    def _enter_row(self, row: int) -> None:
        self._inputs.enter_row(row)
        self._convolved.enter_row(row)

    def _place(self, column: int, group: int) -> Array:
        return self._inputs.feature(0, column, group)

    def _compile(self, model: PixelCNN) -> list[Columns]:
        """Calls of a step, by colour and column."""
        ops, num_groups = self._ops, self._num_groups
        pixel_cache = partial(PixelCache, ops, num_groups=num_groups)
        reduce = [pixel_cache(block.reduce) for block in self._blocks]
        expand = [pixel_cache(block.expand) for block in self._blocks]
        head, output = pixel_cache(model.head), pixel_cache(model.output)
        programs: list[Columns] = []
        for group in range(num_groups):
            hidden, update = ops.zeros(reduce[0].num_inputs(group)), ops.zeros(reduce[0].num_inputs(group))
            inner, final = ops.zeros(expand[0].num_inputs(group)), ops.zeros(output.num_inputs(group))
            before = [layer.program(group, hidden, inner) for layer in reduce]
            after = [layer.program(group, inner, update) + ops.add(hidden, update, hidden) for layer in expand]
            last = head.program(group, hidden, final) + output.program(group, final, self._own_features[group])
            compile_column = partial(self._compile_column, group, hidden, inner, before, after, last)
            programs.append(ops.by_column(self._width, compile_column))
        return programs

    def _compile_column(
        self,
        group: int,
        hidden: Array,
        inner: Array,
        before: list[Program],
        after: list[Program],
        last: Program,
        column: int,
    ) -> Program:
        """Calls of a step at a column: the first convolution, the blocks, and ``last``.

        Args:
            group: the colour.
            hidden: features between the blocks.
            inner: features inside a block, at both ends of its convolution.
            before: for each block, calls before its convolution.
            after: for each block, calls after it.
            last: calls after all blocks.
            column: the column.
        """
        program = self._inputs.linear(0, column, group, hidden)
        for layer, (reduce, expand) in enumerate(zip(before, after, strict=True)):
            program += reduce
            program += self._ops.relu(inner, self._convolved.feature(layer, column, group))
            program += self._convolved.linear(layer, column, group, inner)
            program += expand
        return program + last
