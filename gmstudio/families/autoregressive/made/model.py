r"""MADE: an autoencoder whose masks make each output depend on the earlier pixels only.

    h^l = relu(b^l + (W^l ⊙ M^l) h^{l-1}),   h^0 = x;      features of pixel p: c_p + (V ⊙ M^V)_p h^L + (A ⊙ M^A)_p x

Every hidden unit has a degree m, the number of first pixels in the order that it depends on: it reads pixels before
position m and units of degree m or less; the output for position p reads units of degree p or less. One pass gives all
conditionals.

Orders and masks can be varied: each training step then takes one of several orders (the model's own and shuffles) and
one of several draws of the degrees. A model trained in several orders generates in any. The conditionals of
``num_averaged`` masks can be averaged, p(x_i | x_{<i}) = 1/K \sum_k p_k(x_i | x_{<i}), which is again exact.

Sampling computes each unit once, in the step when its last input becomes available (``MADEStepper``): with the units of
a layer sorted by degree an image costs half a pass, because half of the masked weights are zero.

Differences from the paper: the first mask's degrees are spread evenly instead of drawn, orders visit whole pixels,
ReLU and Adam, more than 2 levels through ``LevelLogits``.

Source: Germain, Gregor, Murray & Larochelle 2015, MADE: Masked Autoencoder for Distribution Estimation,
arXiv:1502.03509, sections 3 and 4.

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W), F features of each, N units of a
hidden layer, K masks, O orders.
"""

import math
from itertools import pairwise
from typing import Annotated, ClassVar, cast

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor, nn

from gmstudio.families import published
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.level_logits import LevelLogits
from gmstudio.families.autoregressive.made.blocks import MADEBlocks
from gmstudio.families.autoregressive.made.features import MADEFeatures
from gmstudio.families.autoregressive.made.figures import filter_figure, mask_figures, order_figure
from gmstudio.families.autoregressive.made.stepper import MADEStepper
from gmstudio.families.autoregressive.masked_linear import Mask, in_blocks, masked_linear, one_block
from gmstudio.families.autoregressive.ordered_inputs import unit_levels
from gmstudio.families.autoregressive.orders import OrderField, OrderSeedField, flat_index, named_order
from gmstudio.families.base import LossTerms
from gmstudio.families.diagnostics import Figure
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.stepping.ops import step_ops
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import MAX_SEED, Training

MAX_WEIGHTS = 200_000_000


class MADE(MADEFeatures, AutoregressiveFamily):
    """Masked autoencoder; see the module's docstring.

    Raises:
        ValueError: when the direct connection would have more weights than fit, or more masks are averaged than exist.
    """

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of a MADE."""

        num_hidden: Annotated[
            int, field("Hidden units", "Units of each hidden layer.", ge=1, le=16384, unit="units", log=True)
        ] = 500
        num_layers: Annotated[int, field("Hidden layers", "Masked hidden layers.", ge=1, le=8, unit="layers")] = 2
        direct: Annotated[
            bool,
            field("Direct connection", "Let each pixel also read the earlier ones without a hidden layer between."),
        ] = False
        order: OrderField = "raster"
        num_orders: Annotated[
            int,
            field(
                "Orders",
                "Train in this many orders, the chosen one and shuffles; with 2 or more the model generates in any.",
                ge=1,
                le=4096,
                unit="orders",
                log=True,
            ),
        ] = 1
        num_masks: Annotated[
            int,
            field(
                "Masks",
                "Draw the hidden units' degrees this many times and take one draw per training step.",
                ge=1,
                le=1024,
                unit="masks",
                log=True,
            ),
        ] = 1
        num_averaged: Annotated[
            int,
            field(
                "Masks averaged",
                "Average the conditionals of this many masks when scoring and sampling; costs as many passes.",
                ge=1,
                le=64,
                unit="masks",
                advanced=True,
            ),
        ] = 1
        order_seed: OrderSeedField = 0

    card: ClassVar[FamilyCard] = FamilyCard(
        name="made",
        title="MADE",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary=(
            "An autoencoder made to predict: masks cut every path from a pixel to itself and to the pixels before it, "
            "so one pass of dense layers gives all conditionals of an image. It can be trained in many orders at "
            "once. It has no notion of neighbouring pixels, which a convolution has built in."
        ),
        source=(
            "Germain, Gregor, Murray & Larochelle 2015, MADE: Masked Autoencoder for Distribution Estimation, "
            "arXiv:1502.03509, sections 3 and 4"
        ),
        published=published.MADE,
        objectives=(
            Objective(
                latex=(
                    r"-\log p_\theta(x) = -\sum_{i=1}^{D} \log p(x_i \mid x_{<i}), \quad "
                    r"h = \mathrm{relu}\left(b + (W \odot M^W)\, x\right), \quad "
                    r"p(x_i = 1 \mid x_{<i}) = \sigma\left(c + (V \odot M^V)\, h\right)_i"
                ),
                terms=(
                    Term(
                        name="loss",
                        latex=r"-\log p_\theta(x)",
                        help=(
                            "Negative log-likelihood of an image, averaged over the batch; lower is better. In "
                            "training under the mask and order of the step, in validation as the model scores."
                        ),
                        unit="nats",
                        per_image_nats=True,
                    ),
                ),
            ),
        ),
    )
    training_defaults: ClassVar[Training] = Training(
        steps=1500, batch_size=64, learning_rate=3e-3, schedule="cosine", checkpoint_every=1000
    )
    start: ClassVar[Start] = Start(
        data="mnist", data_config={"binarize": "sample"}, training={"steps": 4000, "learning_rate": 2e-3}
    )
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_hidden": 128},
        training={**SHORT_RUN, "steps": 1200, "learning_rate": 1e-2},
    )
    differentiable = True
    degrees: Tensor
    """(K, layers, N) of the hidden units under each mask."""
    positions: Tensor
    """(O, D) of the sub-pixels of the flattened image in each order of the training, the model's own first."""

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.config: MADE.Config = config
        self.output = LevelLogits(image.levels)
        size, outputs = image.num_dims, image.num_dims * self.output.num_features
        if config.direct and size * outputs > MAX_WEIGHTS:
            raise ValueError(
                f"The direct connection has {size * outputs:,} weights for {size} sub-pixels; at most "
                f"{MAX_WEIGHTS:,} are allowed. Turn it off, resize the images or use fewer levels."
            )
        if config.num_hidden * (size + outputs) > MAX_WEIGHTS:
            raise ValueError(
                f"{config.num_hidden} hidden units for {size} sub-pixels have {config.num_hidden * (size + outputs):,} "
                f"weights; at most {MAX_WEIGHTS:,} are allowed. Use fewer units, resize the images or use fewer levels."
            )
        if config.num_averaged > config.num_masks:
            raise ValueError(
                f"{config.num_averaged} masks cannot be averaged, because there are only {config.num_masks}; raise "
                "Masks to that number."
            )
        self.any_order = config.num_orders > 1
        self.order_words = (
            f"the order of its training only ({config.order}); train another model for another order, or for several"
        )
        with torch.device("cpu"):  # real values, also for a model on the meta device
            self._own_order = named_order(config.order, image, config.order_seed)
            generator = torch.Generator().manual_seed(config.order_seed)
            self.register_buffer("degrees", _degrees(config, size, generator), persistent=False)
            self.register_buffer("positions", self._trained_positions(generator), persistent=False)
        self._own_masks: list[Mask] = []
        widths = [size] + [config.num_hidden] * config.num_layers
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.readout = nn.Linear(config.num_hidden, outputs)
        self.direct = nn.Linear(size, outputs, bias=False) if config.direct else None

    @property
    def own_order(self) -> Tensor:
        """See ``AutoregressiveFamily``."""
        return self._own_order

    def positions_in(self, order_D3: Tensor) -> Tensor:
        """(D,) position in the order of each sub-pixel of the flattened image."""
        if order_D3 is self._own_order:
            return self.positions[0]
        return torch.argsort(flat_index(order_D3, self.image)).to(self.positions.device)

    def hidden_layers(self) -> list[nn.Linear]:
        """Hidden layers, the first one first."""
        return cast(list[nn.Linear], list(self.hidden))

    def features(self, x_BCHW: Tensor, masks: list[Mask]) -> Tensor:
        """(B, F, D): output of the network for each sub-pixel of the flattened image."""
        x_BD = unit_levels(x_BCHW.flatten(1), self.image.levels, self.readout.bias.dtype)
        hidden_BN = x_BD
        for layer, mask in zip(self.hidden_layers(), masks, strict=False):
            hidden_BN = masked_linear(hidden_BN, layer.weight, layer.bias, mask).relu_()
        out_BE = masked_linear(hidden_BN, self.readout.weight, self.readout.bias, masks[len(self.hidden)])
        if self.direct is not None:
            out_BE = masked_linear(x_BD, self.direct.weight, out_BE, masks[-1])
        out_BFD: Tensor = out_BE.unflatten(1, (self.output.num_features, self.image.num_dims))
        return out_BFD

    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``."""
        found = [self.output(self.features(x_BCHW, masks)) for masks in self._masks_averaged(order_D3)]
        logits_BLD = found[0] if len(found) == 1 else _log_mean_exp([one.log_softmax(1) for one in found])
        logits_BCHWL: Tensor = logits_BLD.transpose(1, 2).unflatten(1, self.image.shape)
        return logits_BCHWL

    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``."""
        return _log_mean_exp([self._log_prob(x_BCHW, masks) for masks in self._masks_averaged(order_D3)])

    def log_components(
        self, levels_BCHW: Tensor, step: int, order_D3: Tensor, labels_B: Tensor | None = None
    ) -> Tensor:
        """See ``AutoregressiveFamily``: averaging over masks makes a mixture of them."""
        own = int(flat_index(order_D3[step : step + 1], self.image))
        found = [self.features(levels_BCHW, masks)[:, :, own] for masks in self._masks_averaged(order_D3)]
        features_BFK = torch.stack(found, dim=2)
        logits_BKL: Tensor = self.output(features_BFK).transpose(1, 2)
        return logits_BKL.log_softmax(2) - math.log(len(found))

    def receptive_field(self, step: int, order_D3: Tensor) -> Tensor:
        """(C, H, W) bool: sub-pixels from which the masks leave a path to the conditional at ``step``."""
        if self.direct is not None:
            num_seen = step
        else:
            num_seen = max(_num_seen(degrees_LN, step) for degrees_LN in self.degrees[: self.config.num_averaged])
        seen_CHW: Tensor = (self.positions_in(order_D3) < num_seen).unflatten(0, self.image.shape)
        return seen_CHW.cpu()

    @torch.no_grad()
    def weight_figures(self) -> tuple[Figure, ...]:
        """Masks, connectivity, orders and filters, under the first mask; see ``AutoregressiveFamily``."""
        masks, degrees_LN = self._masks(self.positions[0], self.degrees[0]), self.degrees[0]
        order_D = flat_index(self._own_order, self.image).to(self.degrees.device)
        return (
            filter_figure(self.hidden_layers()[0].weight, masks[0], degrees_LN[0], self.image),
            *mask_figures(masks, degrees_LN, order_D),
            order_figure(self.positions, self.image),
        )

    def block_conditionals(self, order_D3: Tensor, batch: int, labels_B: Tensor | None = None) -> MADEBlocks | None:
        """See ``AutoregressiveFamily``."""
        return MADEBlocks(self, order_D3, batch) if self.device.type == "cpu" else None

    def stepper(
        self, images_BCHW: NDArray[np.uint8], order_D3: Tensor, rewindable: bool, labels_B: Tensor | None = None
    ) -> MADEStepper:
        """The incremental sampler."""
        return MADEStepper(self, images_BCHW, order_D3, step_ops(len(images_BCHW), self.device))

    def _loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Mean −log p(x), nats per image; in training under one of the orders and masks."""
        num_masks, num_orders = len(self.degrees), len(self.positions)
        if not self.training or num_masks == num_orders == 1:
            return super()._loss(batch, generator)
        # Drawn and looked up on the device, so that nothing waits for it.
        mask = torch.randint(num_masks, (1,), generator=generator, device=batch.device)
        order = torch.randint(num_orders, (1,), generator=generator, device=batch.device)
        degrees_LN = self.degrees.index_select(0, mask).squeeze(0)
        positions_D = self.positions.index_select(0, order).squeeze(0)
        masks = [one_block(mask) for mask in self._masks(positions_D, degrees_LN)]
        return {"loss": -self._log_prob(batch, masks).flatten(1).sum(1).mean()}

    def _log_prob(self, x_BCHW: Tensor, masks: list[Mask]) -> Tensor:
        log_prob_BD = self.output.log_prob(self.features(x_BCHW, masks), x_BCHW.flatten(1))
        return log_prob_BD.view(x_BCHW.shape)

    def _masks_averaged(self, order_D3: Tensor) -> list[list[Mask]]:
        if order_D3 is self._own_order and self.config.num_averaged == 1:
            if not self._own_masks or self._own_masks[0][0].mask.device != self.readout.bias.device:
                with torch.inference_mode(False):  # they are kept for training, too
                    masks = self._masks(self.positions[0], self.degrees[0])
                    self._own_masks = [in_blocks(mask) for mask in masks]
            return [self._own_masks]
        positions_D = self.positions_in(order_D3)
        averaged = self.degrees[: self.config.num_averaged]
        return [[one_block(mask) for mask in self._masks(positions_D, degrees_LN)] for degrees_LN in averaged]

    def _masks(self, positions_D: Tensor, degrees_LN: Tensor) -> list[Tensor]:
        """Masks of the hidden layers, the readout and, if there is one, the direct connection: floats 0 and 1."""
        masks = [degrees_LN[0].unsqueeze(1) > positions_D]
        masks += [after.unsqueeze(1) >= before for before, after in pairwise(degrees_LN)]
        masks.append(positions_D.unsqueeze(1) >= degrees_LN[-1])
        if self.direct is not None:
            masks.append(positions_D.unsqueeze(1) > positions_D)
        return [mask.to(self.readout.bias.dtype) for mask in masks]

    def _trained_positions(self, generator: torch.Generator) -> Tensor:
        """(O, D): positions of the sub-pixels in each order of the training, the model's own first."""
        seeds = torch.randint(MAX_SEED, (self.config.num_orders - 1,), generator=generator).tolist()
        orders = [self._own_order] + [named_order("random", self.image, seed) for seed in seeds]
        return torch.stack([torch.argsort(flat_index(order, self.image)) for order in orders])


def _degrees(config: MADE.Config, size: int, generator: torch.Generator) -> Tensor:
    """(K, layers, N) degrees 1 … D-1: spread evenly in the first mask, drawn in the others.

    Drawn ones are at least the smallest degree of the layer before, so that every unit has an input.
    """
    highest = max(size - 1, 1)
    even_N = 1 + torch.arange(config.num_hidden) * highest // config.num_hidden
    masks = [even_N.expand(config.num_layers, -1)]
    for _ in range(config.num_masks - 1):
        layers: list[Tensor] = []
        for _ in range(config.num_layers):
            lowest = int(layers[-1].min()) if layers else 1
            layers.append(torch.randint(lowest, highest + 1, (config.num_hidden,), generator=generator))
        masks.append(torch.stack(layers))
    return torch.stack(masks)


def _num_seen(degrees_LN: Tensor, step: int) -> int:
    """Number of sub-pixels, from the order's first on, from which a path leads to the output at a step.

    From layer to layer a path goes on to the unit of the highest degree that may be read: it reads all that others may.
    """
    highest = step
    for degrees_N in degrees_LN.flip(0):
        read = degrees_N[degrees_N <= highest]
        if not len(read):
            return 0
        highest = int(read.max())
    return highest


def _log_mean_exp(log_values: list[Tensor]) -> Tensor:
    if len(log_values) == 1:
        return log_values[0]
    return torch.logsumexp(torch.stack(log_values), dim=0) - math.log(len(log_values))
