r"""The fully visible belief network: one logistic regression per pixel on all pixels before it.

    p(x) = \prod_i p(x_i | x_{<i}),    p(x_i = 1 | x_{<i}) = \sigma(b_i + \sum_{j<i} W_{ij} x_j)

The D regressions are one product with a strictly lower triangular matrix, so training is one masked product
(``masked_linear``) and an image is scored in one. Sampling takes one row of the matrix per pixel: D rows are again that
one product. The negative log-likelihood is convex in the weights, so training finds the best network of this kind.

Differences from the papers: with 3 to 8 levels each regression is a softmax over the levels, with more the softmax is
of 8 features through a map that all pixels share (``LevelLogits``), and no longer convex. Values are scaled to 0 … 1.
There is no penalty on the weights; validation shows when to stop.

Source: Frey 1998, Graphical Models for Machine Learning and Digital Communication, MIT Press, section 3.4 (logistic
autoregressive networks); Gan, Henao, Carlson & Carin 2015, Learning Deep Sigmoid Belief Networks with Data
Augmentation, AISTATS, section 2.3 and table 1 (FVSBN).

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W) in the order, F features of each.
"""

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor, nn

from gmstudio.families import published
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.figures import pixel_weights, weights_figure
from gmstudio.families.autoregressive.fvbn_blocks import FVBNBlocks
from gmstudio.families.autoregressive.level_logits import LevelLogits
from gmstudio.families.autoregressive.masked_linear import Mask, in_blocks, masked_linear
from gmstudio.families.autoregressive.ordered_inputs import OrderedInputs, unit_levels
from gmstudio.families.autoregressive.orders import (
    OrderField,
    OrderSeedField,
    flat_index,
    from_order,
    in_order,
    named_order,
    steps_at,
)
from gmstudio.families.diagnostics import Figure
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.stepping.ops import FloatArray, Program, StepOps, step_ops
from gmstudio.protocol.families import FamilyCard, Objective, Term
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

MAX_WEIGHTS = 200_000_000
INITIAL_SPREAD = 1e-3


class FVBN(AutoregressiveFamily):
    """Fully visible belief network; see the module's docstring.

    Raises:
        ValueError: when the matrix of the images' sub-pixels would not fit.
    """

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of a fully visible belief network."""

        order: OrderField = "raster"
        order_seed: OrderSeedField = 0

    card: ClassVar[FamilyCard] = FamilyCard(
        name="fvbn",
        title="Fully visible belief network",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary=(
            "Predicts each pixel from all pixels before it by a logistic regression of its own (a softmax for more "
            "than two levels). No hidden units, no shared weights: the simplest model that depends on all earlier "
            "pixels. It learns strokes, but no conjunctions of pixels, and its parameters grow with the square of the "
            "pixels."
        ),
        source=(
            "Frey 1998, Graphical Models for Machine Learning and Digital Communication, section 3.4; Gan, Henao, "
            "Carlson & Carin 2015, Learning Deep Sigmoid Belief Networks with Data Augmentation, AISTATS, section 2.3"
        ),
        published=published.FVBN,
        objectives=(
            Objective(
                latex=(
                    r"-\log p_\theta(x) = -\sum_{i=1}^{D} \log p(x_i \mid x_{<i}), \quad "
                    r"p(x_i = 1 \mid x_{<i}) = \sigma\left(b_i + \sum_{j<i} W_{ij} x_j\right)"
                ),
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
    entrywise = ("bias_FD",)
    training_defaults: ClassVar[Training] = Training(
        steps=1500, batch_size=64, learning_rate=5e-3, schedule="cosine", checkpoint_every=1000
    )
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        training={**SHORT_RUN, "steps": 600, "learning_rate": 2e-2},
    )
    differentiable = True
    own_index: Tensor

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.config: FVBN.Config = config
        self.output = LevelLogits(image.levels)
        size, features = image.num_dims, self.output.num_features
        if size**2 * features > MAX_WEIGHTS:
            raise ValueError(
                f"A fully visible belief network has a weight for each pair of its {size} sub-pixels, here "
                f"{size**2 * features:,}; at most {MAX_WEIGHTS:,} are allowed. Resize the images or use fewer levels."
            )
        self._own_order = named_order(config.order, image, config.order_seed)
        self.register_buffer("own_index", flat_index(self._own_order, image), persistent=False)
        self._is_flat = config.order == "raster" and image.channels == 1  # then the order is that of the memory
        self._kept_mask: Mask = ()
        self.order_words = f"the order of its training only ({config.order}); train another model for another order"
        self.weight_FDD = nn.Parameter(torch.randn(features, size, size).mul_(INITIAL_SPREAD))
        self.bias_FD = nn.Parameter(torch.randn(features, size).mul_(INITIAL_SPREAD))

    def remarks(self) -> tuple[str, ...]:
        """Remark on points of the plane, whose curves are no linear functions."""
        if self.image.shape != (1, 1, 2):
            return ()
        return (
            "On points of the plane, the logits of p(x₂ | x₁) are linear in x₁: they cannot follow curves such as "
            "moons, which NADE and MADE do with hidden units.",
        )

    @property
    def own_order(self) -> Tensor:
        """See ``AutoregressiveFamily``."""
        return self._own_order

    def num_parameters(self) -> int:
        """Number of effective scalars, without the ignored diagonals and upper triangles of the stored matrices."""
        features, size = self.bias_FD.shape
        return super().num_parameters() - features * size * (size + 1) // 2

    def features(self, ordered_BD: Tensor) -> Tensor:
        """(B, D) integers in the order → (B, F, D): output of each sub-pixel's regression."""
        x_BD = unit_levels(ordered_BD, self.image.levels, self.bias_FD.dtype)
        weight_ED, bias_E = self.weight_FDD.flatten(0, 1), self.bias_FD.flatten()
        out_BFD: Tensor = masked_linear(x_BD, weight_ED, bias_E, self._mask()).unflatten(1, self.bias_FD.shape)
        return out_BFD

    def _mask(self) -> Mask:
        """The strictly lower triangle, on the device and in the precision of the weights."""
        if not self._kept_mask or self._kept_mask[0].mask.device != self.bias_FD.device:
            with torch.inference_mode(False):  # it is kept for training, too
                self._kept_mask = in_blocks(torch.ones_like(self.weight_FDD[0]).tril(-1))
        return self._kept_mask

    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``; for 2 levels the first logit is 0."""
        logits_BLD = self.output(self.features(self._ordered(x_BCHW)))
        return self._restored(logits_BLD.transpose(1, 2))

    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``."""
        ordered_BD = self._ordered(x_BCHW)
        return self._restored(self.output.log_prob(self.features(ordered_BD), ordered_BD))

    def _ordered(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → (B, D): sub-pixels in the order."""
        return x_BCHW.flatten(1) if self._is_flat else in_order(x_BCHW, self.own_index)

    def _restored(self, values_BD: Tensor) -> Tensor:
        """Undo ``_ordered``: (B, D, …) → (B, C, H, W, …)."""
        if not self._is_flat:
            return from_order(values_BD, self.own_index, self.image)
        restored: Tensor = values_BD.unflatten(1, self.image.shape)
        return restored

    def log_components(
        self, levels_BCHW: Tensor, step: int, order_D3: Tensor, labels_B: Tensor | None = None
    ) -> Tensor:
        """See ``AutoregressiveFamily``: one row of the matrix."""
        x_Bn = unit_levels(levels_BCHW.flatten(1)[:, self.own_index[:step]], self.image.levels, self.bias_FD.dtype)
        features_BF = x_Bn @ self.weight_FDD[:, step, :step].T + self.bias_FD[:, step]
        logits_B1L: Tensor = self.output(features_BF.unsqueeze(2)).transpose(1, 2)
        return logits_B1L.log_softmax(2)

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """The logits of all sub-pixels, which are linear in the image; see ``LayeredFeatures``."""
        help = "Inputs of the sub-pixels' sigmoids or softmaxes, linear in those before; there is no hidden layer."
        size = self.bias_FD.numel()
        return (FeatureLayer(name="logits", title="Logits of the sub-pixels", num_dims=size, help=help, default=True),)

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        return self.features(self._ordered(x)).flatten(1)

    @torch.no_grad()
    def pixel_figure_pieces(self, x: Tensor, row: int, column: int) -> Iterator[tuple[Figure, ...]]:
        """Also the weights of the pixel's regression; see ``AutoregressiveFamily``."""
        yield from super().pixel_figure_pieces(x, row, column)
        contrast_F = self.output.contrast().to(self.weight_FDD)
        found = []
        for step in steps_at(self._own_order, row, column):
            before_D = torch.arange(self.image.num_dims, device=self.own_index.device) < step
            weights_D = contrast_F @ self.weight_FDD[:, step]
            found.append(pixel_weights(weights_D, before_D, self.own_index, self.image))
        yield (weights_figure(found, row, column),)

    def block_conditionals(self, order_D3: Tensor, batch: int, labels_B: Tensor | None = None) -> FVBNBlocks | None:
        """See ``AutoregressiveFamily``."""
        return FVBNBlocks(self, batch) if self.device.type == "cpu" else None

    def stepper(
        self, images_BCHW: NDArray[np.uint8], order_D3: Tensor, rewindable: bool, labels_B: Tensor | None = None
    ) -> "FVBNStepper":
        """The incremental sampler."""
        return FVBNStepper(self, images_BCHW, order_D3, step_ops(len(images_BCHW), self.device))


class FVBNStepper:
    """Computation of one conditional after another, one row of the matrix each; rewinding needs no stored state.

    Args:
        model: the network; its weights are copied now.
        images_BCHW: the session's images, filled in as it goes.
        order_D3: the model's order.
        ops: the array operations.
    """

    def __init__(self, model: FVBN, images_BCHW: NDArray[np.uint8], order_D3: Tensor, ops: StepOps) -> None:
        self._ops = ops
        self._inputs = OrderedInputs(ops, images_BCHW, order_D3, model.image.levels)
        weights_DFK = ops.load(torch.cat([model.bias_FD.unsqueeze(2), model.weight_FDD], dim=2).transpose(0, 1))
        to_levels_LF = ops.load(model.output.matrix())
        features_F = ops.zeros(model.output.num_features)
        self._logits_L = ops.zeros(model.image.levels)
        self._programs: list[Program] = [
            ops.linear(weights_DFK[step][:, : step + 1], self._inputs.rows[: step + 1], features_F)
            + ops.linear(to_levels_LF, features_F, self._logits_L)
            for step in range(len(order_D3))
        ]

    def logits(self, step: int) -> FloatArray:
        """See ``Stepper``."""
        self._inputs.read(step)
        for call in self._programs[step]:
            call()
        return self._ops.to_numpy(self._logits_L).T

    def rewind(self, step: int) -> None:
        """See ``Stepper``."""
        self._inputs.rewind(step)
