r"""NADE: one hidden layer that is updated pixel by pixel.

    a_1 = c,   a_{i+1} = a_i + W_{:,i} x_i,   h_i = f(a_i),   p(x_i = 1 | x_{<i}) = \sigma(b_i + V_i h_i)

All conditionals share W, so the running pre-activation a costs one update per pixel: scoring and sampling cost alike.
For more than two levels V_i h_i + b_i are the weights, means and scales of a mixture, integrated over each level's bin
(RNADE, ``LevelMixture``). Training never holds the hidden layer of all pixels at once (``nade.hidden``).

Order-agnostic training hides a random set of pixels and predicts all of them at once, by a network whose inputs include
the mask; weighted by D over their number, the loss is on average that of all orders. One such network serves any
order, and may be deep: then a step updates a and evaluates the other layers again.

Differences from the papers: units are rectified unless logistic ones (2011) are chosen, because with mixtures those
often get stuck; RNADE's rescaling of pre-activations is left out, its mixture is made discrete, and Adam
replaces momentum. Deep networks are trained order-agnostically only, as in the paper, because one order at a time would
cost D passes through all layers per image.

Source: Larochelle & Murray 2011, The Neural Autoregressive Distribution Estimator, AISTATS, section 2; Uria, Murray &
Larochelle 2013, RNADE, arXiv:1306.0186, section 3; Uria, Murray & Larochelle 2014, A Deep and Tractable Density
Estimator, arXiv:1310.1757, sections 3 and 4.

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W), F features of each, N hidden
units, n sub-pixels of a chunk.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor, nn

from gmstudio.families import published
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.figures import MAX_FILTERS
from gmstudio.families.autoregressive.level_logits import LevelLogits
from gmstudio.families.autoregressive.nade.blocks import NADEBlocks
from gmstudio.families.autoregressive.nade.features import NADEFeatures
from gmstudio.families.autoregressive.nade.hidden import mean_nll, pre_activations
from gmstudio.families.autoregressive.nade.objectives import ONE_ORDER, ORDER_AGNOSTIC
from gmstudio.families.autoregressive.nade.sampler import NADEStepper
from gmstudio.families.autoregressive.ordered_inputs import unit_levels
from gmstudio.families.autoregressive.orders import (
    OrderField,
    OrderSeedField,
    flat_index,
    from_order,
    in_order,
    named_order,
)
from gmstudio.families.base import LossTerms
from gmstudio.families.diagnostics import Figure
from gmstudio.families.figures import unit_filters
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.level_mixture import LevelMixture
from gmstudio.nn.products import Linear, linear, product
from gmstudio.nn.stepping.ops import step_ops
from gmstudio.protocol.config import ConfigError, field
from gmstudio.protocol.families import FamilyCard
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

INITIAL_SPREAD = 0.01
MAX_WEIGHTS = 200_000_000
"""Limit of the weights; with gradients and Adam's averages they are four times as many numbers, 3.2 GB."""


class NADE(NADEFeatures, AutoregressiveFamily):
    """Neural autoregressive distribution estimator; see the module's docstring.

    Raises:
        ConfigError: when several hidden layers are chosen without order-agnostic training.
    """

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of a NADE."""

        num_hidden: Annotated[
            int, field("Hidden units", "Units of each hidden layer.", ge=1, le=16384, unit="units", log=True)
        ] = 500
        order: OrderField = "raster"
        order_agnostic: Annotated[
            bool,
            field("Order-agnostic", "Train on random sets of observed pixels; the model then generates in any order."),
        ] = False
        num_layers: Annotated[
            int,
            field(
                "Hidden layers",
                "More than one makes a deep NADE, which is trained order-agnostically.",
                ge=1,
                le=8,
                unit="layers",
            ),
        ] = 1
        activation: Annotated[
            Literal["sigmoid", "relu"],
            field("Activation", "Rectified units, or logistic ones as in the first paper.", advanced=True),
        ] = "relu"
        num_components: Annotated[
            int,
            field(
                "Components",
                "Components of each pixel's mixture (more than two levels only).",
                ge=1,
                le=64,
                unit="components",
            ),
        ] = 10
        mixture: Annotated[
            Literal["logistic", "gaussian"],
            field("Mixture", "Kind of the mixture's components (more than two levels only).", advanced=True),
        ] = "logistic"
        order_seed: OrderSeedField = 0

    card: ClassVar[FamilyCard] = FamilyCard(
        name="nade",
        title="NADE",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary=(
            "A hidden layer is updated pixel by pixel and predicts each pixel before reading it. Because all "
            "predictions share the weights of that layer, each new pixel only adds a term to a running sum. Trained "
            "on random sets of observed pixels, one network generates in any order and inpaints any mask."
        ),
        source=(
            "Larochelle & Murray 2011, The Neural Autoregressive Distribution Estimator, AISTATS, section 2; Uria, "
            "Murray & Larochelle 2013, arXiv:1306.0186, section 3, and 2014, arXiv:1310.1757, sections 3 and 4"
        ),
        published=published.NADE,
        objectives=(ONE_ORDER, ORDER_AGNOSTIC),
    )
    entrywise = ("offset_DF",)
    training_defaults: ClassVar[Training] = Training(steps=600, batch_size=64, learning_rate=3e-3, schedule="cosine")
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_hidden": 256, "num_components": 20},
        training={**SHORT_RUN, "steps": 1000, "learning_rate": 2e-2},
    )
    differentiable = True
    own_index: Tensor

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        if config.num_layers > 1 and not config.order_agnostic:
            raise ConfigError(
                {
                    "num_layers": (
                        f"{config.num_layers} hidden layers in one fixed order would cost a pass through all of them "
                        "for every pixel of every image; turn Order-agnostic on, or use 1 layer."
                    )
                }
            )
        self.config: NADE.Config = config
        self.any_order = config.order_agnostic
        self.order_words = (
            f"the order of its training only ({config.order}); train another model for another order, or "
            "order-agnostically"
        )
        self._own_order = named_order(config.order, image, config.order_seed)
        self.register_buffer("own_index", flat_index(self._own_order, image), persistent=False)
        size, width = image.num_dims, config.num_hidden
        self.output: LevelLogits | LevelMixture = LevelLogits(2)
        if image.levels > 2:
            self.output = LevelMixture(image.levels, config.num_components, config.mixture)
        num_weights = size * width * (1 + config.order_agnostic + self.output.num_features)
        if num_weights > MAX_WEIGHTS:
            raise ValueError(
                f"{width} hidden units for {size} sub-pixels of {image.levels} levels have {num_weights:,} weights; at "
                f"most {MAX_WEIGHTS:,} are allowed. Use fewer units or components, or resize the images."
            )
        # Rows by sub-pixel of the flattened image, so that an order is a permutation of rows.
        self.weight_DN = nn.Parameter(torch.randn(size, width).mul_(INITIAL_SPREAD))
        self.given_DN = nn.Parameter(torch.randn(size, width).mul_(INITIAL_SPREAD)) if config.order_agnostic else None
        self.bias_N = nn.Parameter(torch.zeros(width))
        self.deeper = nn.ModuleList(Linear(width, width) for _ in range(config.num_layers - 1))
        features = self.output.num_features
        self.readout_DFN = nn.Parameter(torch.randn(size, features, width).div_(width**0.5).mul_(0.1))
        self.offset_DF = nn.Parameter(torch.zeros(size, features))
        if isinstance(self.output, LevelMixture):
            with torch.no_grad():
                self.offset_DF.copy_(self.output.initial_features().expand_as(self.offset_DF))

    @property
    def own_order(self) -> Tensor:
        """See ``AutoregressiveFamily``."""
        return self._own_order

    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``; for 2 levels the first logit is 0."""
        index_D = self._index(order_D3)
        parts = [self.output(features) for _, features in self._features(in_order(x_BCHW, index_D), index_D)]
        return from_order(torch.cat(parts, dim=2).transpose(1, 2), index_D, self.image)

    def log_prob_per_dim(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``."""
        index_D = self._index(order_D3)
        values_BD = in_order(x_BCHW, index_D)
        parts = [
            self.output.log_prob(features, values_BD[:, chunk])
            for chunk, features in self._features(values_BD, index_D)
        ]
        return from_order(torch.cat(parts, dim=1), index_D, self.image)

    def log_components(
        self, levels_BCHW: Tensor, step: int, order_D3: Tensor, labels_B: Tensor | None = None
    ) -> Tensor:
        """See ``AutoregressiveFamily``: one evaluation of the hidden layer, summed from the start."""
        index_D = self._index(order_D3)
        before_n, own = index_D[:step], index_D[step]
        x_Bn = unit_levels(levels_BCHW.flatten(1)[:, before_n], self.image.levels, self.bias_N.dtype)
        sums_BN = x_Bn @ self.weight_DN[before_n] + self.bias_N
        if self.given_DN is not None:
            sums_BN = sums_BN + self.given_DN[before_n].sum(0)
        features_BF = self._hidden(sums_BN) @ self.readout_DFN[own].T + self.offset_DF[own]
        if isinstance(self.output, LevelMixture):
            return self.output.log_components(features_BF)
        logits_B1L: Tensor = self.output(features_BF.unsqueeze(2)).transpose(1, 2)
        return logits_B1L.log_softmax(2)

    @torch.no_grad()
    def weight_figures(self) -> tuple[Figure, ...]:
        """Filters, the columns of W; see ``AutoregressiveFamily``."""
        units_N = self.weight_DN.norm(dim=0).argsort(descending=True, stable=True)[:MAX_FILTERS]
        words = "The columns of W with the largest norm."
        return (unit_filters(self.weight_DN.T[units_N], self.image, units_N, "filters", "Filters", words),)

    def block_conditionals(self, order_D3: Tensor, batch: int, labels_B: Tensor | None = None) -> NADEBlocks | None:
        """See ``AutoregressiveFamily``."""
        return NADEBlocks(self, order_D3, batch) if self.device.type == "cpu" else None

    def stepper(
        self, images_BCHW: NDArray[np.uint8], order_D3: Tensor, rewindable: bool, labels_B: Tensor | None = None
    ) -> NADEStepper:
        """The incremental sampler."""
        return NADEStepper(self, images_BCHW, order_D3, step_ops(len(images_BCHW), self.device))

    def _index(self, order_D3: Tensor) -> Tensor:
        """(D,) indices of the order's sub-pixels in the flattened image."""
        return self.own_index if order_D3 is self._own_order else flat_index(order_D3, self.image).to(self.device)

    def _features(self, values_BD: Tensor, index_D: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Features (B, F, n) given the values before each, chunk by chunk of the order."""
        x_BD = unit_levels(values_BD, self.image.levels, self.bias_N.dtype)
        readout_DFN, offset_DF = self.readout_DFN[index_D], self.offset_DF[index_D]
        known_DN = None
        if self.given_DN is not None:
            given_DN = self.given_DN[index_D]
            known_DN = given_DN.cumsum(0) - given_DN
        for chunk, sums_nBN in pre_activations(x_BD, self.weight_DN[index_D], self.bias_N):
            hidden_nBN = self._hidden(sums_nBN if known_DN is None else sums_nBN + known_DN[chunk].unsqueeze(1))
            features_nBF = torch.bmm(hidden_nBN, readout_DFN[chunk].transpose(1, 2)) + offset_DF[chunk].unsqueeze(1)
            yield chunk, features_nBF.permute(1, 2, 0)

    def _hidden(self, sums: Tensor) -> Tensor:
        """Pre-activations of the first hidden layer to the last hidden layer: (…, N) → (…, N)."""
        activate = torch.sigmoid if self.config.activation == "sigmoid" else torch.relu
        hidden = activate(sums)
        for layer in self.deeper:
            hidden = activate(layer(hidden))
        return hidden

    def _loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Mean −log p(x), nats per image; in order-agnostic training an estimate of its average over orders."""
        if self.given_DN is not None:
            return {"loss": self._agnostic_loss(batch, generator)} if self.training else super()._loss(batch, generator)
        values_BD = in_order(batch, self.own_index)
        x_BD = unit_levels(values_BD, self.image.levels, self.bias_N.dtype)
        rows: tuple[Tensor, Tensor, Tensor] = (self.weight_DN, self.readout_DFN, self.offset_DF)
        if self.config.order != "raster" or self.image.channels > 1:
            rows = (rows[0][self.own_index], rows[1][self.own_index], rows[2][self.own_index])
        parameters = (rows[0], self.bias_N, *rows[1:])
        return {"loss": mean_nll(x_BD, values_BD, parameters, self.output, self.config.activation)}

    def _agnostic_loss(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Loss with a random number of random sub-pixels observed in each image, and all others predicted."""
        assert self.given_DN is not None
        values_BD, size = batch.flatten(1), self.image.num_dims
        num_given_B1 = torch.randint(size, (len(batch), 1), generator=generator, device=batch.device)
        noise_BD = torch.rand(values_BD.shape, generator=generator, device=batch.device)
        ranks_BD = torch.arange(size, device=batch.device).expand_as(values_BD)
        is_given_BD = torch.empty_like(ranks_BD).scatter_(1, noise_BD.argsort(1), ranks_BD) < num_given_B1
        given_BD = is_given_BD.to(self.bias_N.dtype)
        x_BD = unit_levels(values_BD, self.image.levels, self.bias_N.dtype) * given_BD
        hidden_BN = self._hidden(product(x_BD, self.weight_DN) + product(given_BD, self.given_DN) + self.bias_N)
        features_BDF = linear(hidden_BN, self.readout_DFN.flatten(0, 1)).unflatten(1, self.offset_DF.shape)
        nll_BD = -self.output.log_prob((features_BDF + self.offset_DF).transpose(1, 2), values_BD)
        weight_B = size / (size - num_given_B1.squeeze(1))
        return ((nll_BD * (1.0 - given_BD)).sum(1) * weight_B).mean()
