r"""Gated PixelCNN: PixelCNN with gates instead of ReLUs and two stacks instead of one, so that there is no blind spot.

    p(x) = \prod_i p(x_i | x_1, …, x_{i-1}),    i in raster order, R → G → B within a pixel

A stack of masked convolutions never reads some pixels above and to the right. Here a vertical stack reads all rows
above with rectangular kernels, and a horizontal stack reads the current row and, at each layer, the vertical stack's
row above (``gated_pixelcnn.layers``). Both have gates tanh(a) ⊙ σ(b), the horizontal one residual connections. Two
ReLU–1×1 layers and a Bernoulli (2 levels), a softmax over the levels or a mixture of logistics (``pixel_outputs``)
follow.

Given a label, every layer adds a vector of that label to the inputs of its gates, at every pixel alike. One more vector
means "no label". It is learned by hiding the labels of a tenth of the training images, so that p(x) without a label is
a density of its own beside p(x | label), and not their mixture.

Sampling computes the vertical stack once for each row and the horizontal stack at one position
(``gated_pixelcnn.sampler``), so that an image costs about what one scoring pass costs.

Differences from the paper: labels can be left out; the input is scaled to [-1, 1], so that the zeros outside the
image differ from every level of an even number of levels; initial weights are larger, so that the signal of deep
vertical stacks does not vanish; the scan can start at any corner; and its output can be a mixture of logistics, as
PixelCNN++ has it.

Source: van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves & Kavukcuoglu 2016, Conditional Image Generation with
PixelCNN Decoders, arXiv:1606.05328, section 2; labels: section 2.3, equation 4.

Shape legend: B batch, C channels, H height, W width, L levels, F features, D sub-pixels (C·H·W).
"""

from functools import partial
from operator import itemgetter
from typing import Annotated, ClassVar, Literal, cast

import numpy as np
import torch
from msgspec import Meta, Struct
from msgspec.structs import replace
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families import published
from gmstudio.families.autoregressive.base import NO_LABEL
from gmstudio.families.autoregressive.conv_cache import PixelCache
from gmstudio.families.autoregressive.figures import outputs_of
from gmstudio.families.autoregressive.gated_pixelcnn.figures import first_filters, stack_masks
from gmstudio.families.autoregressive.gated_pixelcnn.layers import GatedLayer
from gmstudio.families.autoregressive.gated_pixelcnn.rows import GatedRows
from gmstudio.families.autoregressive.gated_pixelcnn.sampler import HorizontalRow, VerticalRows
from gmstudio.families.autoregressive.map_features import MapLayer
from gmstudio.families.autoregressive.masked_conv import MaskedConv2d
from gmstudio.families.autoregressive.pixel_outputs import start_from
from gmstudio.families.autoregressive.raster import (
    CornerField,
    NumMixturesField,
    OutputField,
    RasterFamily,
    RasterStepper,
)
from gmstudio.families.base import LossTerms, Phase
from gmstudio.families.diagnostics import Figure
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.stepping.columns import Columns
from gmstudio.nn.stepping.ops import Array, Program, StepOps
from gmstudio.protocol.config import field
from gmstudio.protocol.families import MARGINAL_NLL, FamilyCard, Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

MAX_CLASSES = 65536


class GatedPixelCNN(RasterFamily):
    """Gated PixelCNN; see the module's docstring.

    Raises:
        ConfigError: when the features cannot be divided among the image's colours.
    """

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of a Gated PixelCNN."""

        num_layers: Annotated[
            int,
            field(
                "Gated layers",
                "Layers after the first one; each extends the receptive field by one row up and one column to either "
                "side.",
                ge=1,
                le=64,
                unit="layers",
            ),
        ] = 5
        num_channels: Annotated[
            int,
            field("Hidden channels", "Features of each stack.", ge=1, le=512, unit="features", log=True),
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
            field("First kernel", "Side of the first layer's kernel (mask A).", unit="pixels", advanced=True),
        ] = 7
        kernel_size: Annotated[
            Literal[3, 5, 7],
            field("Layer kernel", "Side of the kernels in the other layers (mask B).", unit="pixels", advanced=True),
        ] = 3
        output: OutputField = "auto"
        num_mixtures: NumMixturesField = 5
        corner: CornerField = "top left"
        num_classes: Annotated[
            Annotated[int, Meta(ge=0, le=MAX_CLASSES)] | None,
            field(
                "Classes",
                "Number of labels to condition on; empty: as many as the data has. 0 makes a model without labels.",
                unit="classes",
            ),
        ] = None
        label_dropout: Annotated[
            float,
            field(
                "Hidden labels",
                "Share of training images whose label is hidden, so that the model also learns p(x) without a label.",
                ge=0.0,
                le=1.0,
                advanced=True,
                live=True,
            ),
        ] = 0.1

    card: ClassVar[FamilyCard] = FamilyCard(
        name="gated_pixelcnn",
        title="Gated PixelCNN",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary=(
            "PixelCNN in two stacks: one reads all rows above, the other the current row and the first stack's "
            "features in the row above. So there is no blind spot, as PixelCNN has one. Gates in place of ReLUs "
            "multiply features, as in recurrent networks."
        ),
        source=(
            "van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders, arXiv:1606.05328, section 2"
        ),
        published=published.GATED_PIXELCNN,
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
                when={"num_classes": 0},
            ),
            Objective(
                latex=r"-\log p_\theta(x \mid y) = -\sum_{i=1}^{D} \log p_\theta(x_i \mid x_1, \ldots, x_{i-1}, y)",
                terms=(
                    Term(
                        name=MARGINAL_NLL,
                        latex=r"-\log p_\theta(x)",
                        help=(
                            "Negative log-likelihood of an image without its label, −log Σ_y p(y) p(x|y), with p(y) "
                            "from the training labels; computed in validation, for comparison with other models."
                        ),
                        unit="nats",
                        per_image_nats=True,
                        label="−log p(x)",
                        validation_only=True,
                    ),
                    Term(
                        name="loss",
                        latex=r"-\log p_\theta(x \mid y)",
                        help=(
                            "Negative log-likelihood of an image given its label y, averaged over the batch; in "
                            "training some labels are hidden. Lower is better, but it is not comparable to −log p(x)."
                        ),
                        unit="nats",
                        label="−log p(x | y)",
                    ),
                ),
            ),
        ),
    )
    entrywise = ("vertical_labels", "horizontal_labels")
    training_defaults: ClassVar[Training] = Training(steps=400, batch_size=64, learning_rate=2e-3, schedule="cosine")
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_layers": 1, "input_kernel_size": 3, "num_classes": 0},
        training={**SHORT_RUN, "steps": 400, "learning_rate": 1e-2},
    )
    convolutional = True

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.check_colours(num_channels=config.num_channels, num_head_channels=config.num_head_channels)
        self.config: GatedPixelCNN.Config = replace(config, num_classes=config.num_classes or 0)
        self.num_classes = config.num_classes or 0
        num_labels = self.num_classes + 1 if self.num_classes else 0  # the last one means "no label"
        num_groups, width, last = self.outputs.num_groups, config.num_channels, config.num_layers - 1
        self.input = GatedLayer("A", image.channels, width, config.input_kernel_size, num_groups, num_labels=num_labels)
        self.layers = nn.ModuleList(
            GatedLayer("B", width, width, config.kernel_size, num_groups, is_last=number == last, num_labels=num_labels)
            for number in range(config.num_layers)
        )
        self.head = MaskedConv2d("B", width, config.num_head_channels, 1, num_groups)
        self.output = MaskedConv2d("B", config.num_head_channels, self.outputs.num_features, 1, num_groups)
        start_from(self.output.bias, self.outputs)

    def network(self, scaled_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``RasterFamily``."""
        labels_B = self._label_rows(labels_B, len(scaled_BCHW))
        vertical_BFHW, horizontal_BFHW = self.input(scaled_BCHW, scaled_BCHW, labels_B)
        for layer in self.layers:
            vertical_BFHW, horizontal_BFHW = layer(vertical_BFHW, horizontal_BFHW, labels_B)
        out_BFHW: Tensor = self.output(functional.relu(self.head(functional.relu(horizontal_BFHW))))
        return out_BFHW

    def open_stepper(
        self, images_BCHW: NDArray[np.uint8], ops: StepOps, rewindable: bool, labels_B: Tensor | None = None
    ) -> "GatedPixelCNNStepper":
        """See ``RasterFamily``."""
        labels_B = self._label_rows(labels_B, len(images_BCHW))
        return GatedPixelCNNStepper(self, images_BCHW, ops, rewindable, labels_B)

    def block_conditionals(self, order_D3: Tensor, batch: int, labels_B: Tensor | None = None) -> GatedRows | None:
        """See ``AutoregressiveFamily``."""
        return GatedRows(self, batch, self._label_rows(labels_B, batch)) if self.device.type == "cpu" else None

    def phases(self) -> list[Phase]:
        """One phase: maximum likelihood, given the labels where the data has some."""
        parameters, entrywise = list(self.parameters()), self.entrywise_parameters()
        has_labels = self.num_classes > 0
        return [Phase("model", parameters, self._labelled_loss, takes_labels=has_labels, entrywise=entrywise)]

    def _labelled_loss(self, batch: Tensor, generator: torch.Generator, labels_B: Tensor | None = None) -> LossTerms:
        """Mean −log p(x | label), nats per image; in training some labels are hidden."""
        if labels_B is not None and self.training:
            hidden_B = torch.rand(len(batch), generator=generator, device=batch.device) < self.config.label_dropout
            labels_B = labels_B.masked_fill(hidden_B, NO_LABEL)
        return {"loss": -self.log_prob_per_dim(batch, self.own_order, labels_B).flatten(1).sum(1).mean()}

    def _label_rows(self, labels_B: Tensor | None, batch: int) -> Tensor | None:
        """Rows of the labels in the layers' tables; without labels the last one."""
        if not self.num_classes:
            return None
        if labels_B is None:
            return torch.full((batch,), self.num_classes, device=self.device)
        return torch.where(labels_B == NO_LABEL, self.num_classes, labels_B)

    def reach(self, group: int, row: int, column: int) -> Tensor:
        """See ``RasterFamily``: a rectangle above and the pixels left of it in the row, without a blind spot."""
        reach = self.config.input_kernel_size // 2 + self.config.num_layers * (self.config.kernel_size // 2)
        left = max(0, column - reach)
        seen_CHW = torch.zeros(self.image.shape, dtype=torch.bool)
        seen_CHW[:, max(0, row - 1 - reach) : row, left : column + reach + 1] = True
        seen_CHW[:, row, left:column] = True
        seen_CHW[:group, row, column] = True
        return seen_CHW

    def weight_figures(self) -> tuple[Figure, ...]:
        """Masks of both stacks, and the filters of the first layer; see ``AutoregressiveFamily``."""
        layers = [self.input, cast(GatedLayer, self.layers[0])]
        own = stack_masks(layers, self.outputs.num_groups, self._mirrored_axes)
        return own, *first_filters(self.input, self._mirrored_axes)

    def layer_features(self, x_1CHW: Tensor) -> list[tuple[str, Tensor]]:
        """See ``RasterFamily``; of both stacks, the vertical one ends before the last layer."""
        layers = [self.input, *cast(list[GatedLayer], list(self.layers))]
        found = []
        for number, (vertical, horizontal) in enumerate(outputs_of(layers, lambda: self.features(x_1CHW)), start=1):
            if not layers[number - 1].is_last:
                found.append((f"layer {number}, vertical stack", vertical[0]))
            found.append((f"layer {number}, horizontal stack", horizontal[0]))
        return found

    def map_layers(self) -> list[MapLayer]:
        """See ``MapFeatures``; the vertical stack ends before the last layer."""
        layers, width = [self.input, *cast(list[GatedLayer], list(self.layers))], self.config.num_channels
        found = []
        for number, layer in enumerate(layers, start=1):
            title = f"Layer {number} of {len(layers)}"
            if not layer.is_last:
                vertical = MapLayer(f"layer{number}-vertical", f"{title}, vertical stack", layer, width, itemgetter(0))
                found.append(vertical)
            found.append(MapLayer(f"layer{number}", f"{title}, horizontal stack", layer, width, itemgetter(1)))
        return found


class GatedPixelCNNStepper(RasterStepper):
    """Computation of one conditional after another: the vertical stack row by row, the horizontal one at a position.

    Per sub-pixel and layer: a matrix product for the horizontal kernel, one for the 1×1 convolution after the gate.
    Only the features of the current colour are computed. Weights are copied at opening, with masks
    multiplied in.

    Args:
        model: the network.
        images_BCHW: the session's images, filled in as it goes.
        ops: the array operations.
        rewindable: store the state that ``rewind`` needs.
        labels_B: rows of the layers' tables of labels, see ``GatedLayer``.
    """

    def __init__(
        self,
        model: GatedPixelCNN,
        images_BCHW: NDArray[np.uint8],
        ops: StepOps,
        rewindable: bool = True,
        labels_B: Tensor | None = None,
    ) -> None:
        super().__init__(model, images_BCHW, ops)
        layers = [model.input, *cast(list[GatedLayer], list(model.layers))]
        size = model.image.height, model.image.width
        self._vertical = VerticalRows(ops, layers, size, self._num_groups, rewindable=rewindable, labels_B=labels_B)
        self._horizontal = [
            HorizontalRow(ops, layer, below, self._width, self._num_groups)
            for layer, below in zip(layers, self._vertical.below, strict=True)
        ]
        self._row_shape = (self._width, self._num_channels, *ops.tail)
        self._programs = self._compile(model)

    def rewind(self, step: int) -> None:
        """See ``Stepper``; another row is computed again from its beginning."""
        super().rewind(step)
        row = step // (self._num_channels * self._width)
        if row != self._row:
            self._num_computed = min(self._num_computed, row * self._width * self._num_groups)

    def _enter_row(self, row: int) -> None:
        if row == 0:
            self._vertical.begin()
            return
        values_WCB = torch.from_numpy(self._scaled_L[self._images_BCHW[:, :, row - 1]].transpose(2, 1, 0))
        self._vertical.compute(row - 1, self._ops.adopt(values_WCB).reshape(self._row_shape))

    def _place(self, column: int, group: int) -> Array:
        return self._horizontal[0].feature(column, group)

    def _compile(self, model: GatedPixelCNN) -> list[Columns]:
        """Calls of a step, by colour and column."""
        ops, num_groups = self._ops, self._num_groups
        head, output = (PixelCache(ops, layer, num_groups) for layer in (model.head, model.output))
        programs: list[Columns] = []
        for group in range(num_groups):
            hidden, final = ops.zeros(head.num_inputs(group)), ops.zeros(output.num_inputs(group))
            last = head.program(group, hidden, final) + output.program(group, final, self._own_features[group])
            programs.append(ops.by_column(self._width, partial(self._compile_column, group, hidden, last)))
        return programs

    def _compile_column(self, group: int, hidden: Array, last: Program, column: int) -> Program:
        """Calls of a step at a column: the layers, of which the last one writes to ``hidden``, and ``last``."""
        following = [layer.feature(column, group) for layer in self._horizontal[1:]]
        program: Program = []
        for layer, out in zip(self._horizontal, [*following, hidden], strict=True):
            program += layer.program(column, group, out)
        return program + last
