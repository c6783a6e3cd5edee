r"""The Markov chain of order n: each pixel depends on the n pixels before it in the order.

    p(x) = \prod_i p(x_i | x_{i-n}, …, x_{i-1})

While the table of all contexts is small, each of its conditionals is counted, with Laplace smoothing:

    p(x_i = l | u) = (N_i(u, l) + α) / (N_i(u) + α L)

which maximizes the likelihood exactly (up to α). Beyond ``MAX_TABLE`` entries each conditional is a logistic regression
on the n values (a softmax for more than two levels), and is trained by gradient.

Counting as training: the table's log odds are the parameters. Each training step adds to the counts the images of its
batch that no earlier batch held, so that each training image is counted once, however often it is used and however
many others are equal to it, and computes the parameters from the counts; the gradient is computed as for any model,
so that its norm shows how near the maximum is, but the optimizer's step is scaled to zero. Images that are binarized
again at each visit are counted at each, and counts are divided by the visits per training image, so that α keeps its
weight. One pass over the data is enough.

A full table over D pixels of two levels would have 2^D - 1 parameters, the chain of order 1 has 2D - 1
(``parameter_counts``).

Source: Bishop 2006, Pattern Recognition and Machine Learning, section 13.1 (Markov models); Manning, Raghavan & Schütze
2008, Introduction to Information Retrieval, section 11.3.2 (smoothing).

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W) in the order, F features of each,
n earlier sub-pixels, T contexts of the whole table, K = 1 + n.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.autoregressive.figures import pixel_weights, weights_figure
from gmstudio.families.autoregressive.level_logits import LevelLogits
from gmstudio.families.autoregressive.markov_figures import context_table
from gmstudio.families.autoregressive.markov_steppers import RegressionStepper, TableStepper
from gmstudio.families.autoregressive.ordered_inputs import unit_levels
from gmstudio.families.autoregressive.orders import (
    OrderField,
    OrderSeedField,
    flat_index,
    from_order,
    in_order,
    named_order,
    steps_at,
)
from gmstudio.families.autoregressive.session import Stepper
from gmstudio.families.base import Phase
from gmstudio.families.diagnostics import Figure
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.constants import constant
from gmstudio.nn.precision import widened
from gmstudio.nn.products import linear
from gmstudio.nn.stepping.ops import step_ops
from gmstudio.protocol.config import ConfigError, field
from gmstudio.protocol.families import FamilyCard, Objective, Term
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

MAX_TABLE = 2**20
"""Entries (contexts times levels, over all pixels) up to which conditionals are counted."""
MANY = 10**12
"""Larger numbers are given as a power of ten."""
MAX_WEIGHTS = 200_000_000
INITIAL_SPREAD = 1e-3

_NLL = r"-\log p_\theta(x) = -\sum_{i=1}^{D} \log p(x_i \mid x_{i-n}, \ldots, x_{i-1})"
_TERMS = (
    Term(
        name="loss",
        latex=r"-\log p_\theta(x)",
        help=(
            "Negative log-likelihood of an image, averaged over the batch; lower is better. While counting, the batch "
            "is counted before it is scored; validation images never are."
        ),
        unit="nats",
        per_image_nats=True,
    ),
)


class Markov(AutoregressiveFamily):
    """Markov chain of order n; see the module's docstring.

    Raises:
        ConfigError: when counting is chosen and the table would not fit.
        ValueError: when the regressions would not fit.
    """

    class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Settings of a Markov chain."""

        num_parents: Annotated[
            int,
            field(
                "Order n", "Number of preceding pixels that a pixel depends on.", ge=1, le=4096, unit="pixels", log=True
            ),
        ] = 9
        estimator: Annotated[
            Literal["auto", "counting", "logistic"],
            field(
                "Estimator",
                "Count each context (exact, but the table grows as levels to the power n), fit regressions, or count "
                "while the table is small.",
            ),
        ] = "auto"
        smoothing: Annotated[
            float,
            field(
                "Smoothing α",
                "Laplace's α: pseudo-count of every level in every context before any data (counting only).",
                gt=0,
                le=1000,
                log=True,
                unit="images",
            ),
        ] = 0.5
        order: OrderField = "raster"
        order_seed: OrderSeedField = 0

    card: ClassVar[FamilyCard] = FamilyCard(
        name="markov",
        title="Markov chain (AR-n)",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary=(
            "Predicts each pixel from the n pixels before it in the order and ignores the rest. Small tables are "
            "counted, which is exact maximum likelihood; larger ones become regressions. A full table over D binary "
            "pixels has 2^D - 1 parameters, the chain of order 1 only 2D - 1, but "
            "its samples are textures unless n reaches back to the pixel above."
        ),
        source=(
            "Bishop 2006, Pattern Recognition and Machine Learning, section 13.1; Manning, Raghavan & Schütze 2008, "
            "Introduction to Information Retrieval, section 11.3.2 (Laplace smoothing)"
        ),
        objectives=(
            Objective(
                latex=_NLL + r", \quad p(x_i = l \mid u) = \frac{N_i(u, l) + \alpha}{N_i(u) + \alpha L}",
                terms=_TERMS,
                when={"estimator": "counting"},
            ),
            Objective(
                latex=_NLL + r", \quad p(x_i = 1 \mid u) = \sigma\left(b_i + \sum_{j=1}^{n} W_{ij}\, x_{i-j}\right)",
                terms=_TERMS,
                when={"estimator": "logistic"},
            ),
            Objective(latex=_NLL, terms=_TERMS),
        ),
    )
    entrywise = ("bias_FD", "odds_TM")
    training_defaults: ClassVar[Training] = Training(steps=1000, batch_size=64, learning_rate=1e-2, schedule="cosine")
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_parents": 1, "smoothing": 0.1},  # two passes over the points, of which it counts all
        training={**SHORT_RUN, "steps": 80, "learning_rate": 1e-2},
    )
    own_index: Tensor
    counts: Tensor
    num_seen: Tensor
    num_images: Tensor
    starts: Tensor
    powers: Tensor

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.config: Markov.Config = config
        self.num_parents = min(config.num_parents, image.num_dims - 1)
        self.order_words = f"the order of its training only ({config.order}); train another model for another order"
        self._own_order = named_order(config.order, image, config.order_seed)
        self.register_buffer("own_index", flat_index(self._own_order, image), persistent=False)
        entries = _num_contexts(image.num_dims, self.num_parents, image.levels) * image.levels
        if config.estimator == "counting" and entries > MAX_TABLE:
            raise ConfigError(
                {
                    "estimator": (
                        f"A table of order {self.num_parents} for {image} has {entries:.3g} entries; at most "
                        f"{MAX_TABLE:,} are counted. Lower the order or the levels, or use logistic regressions."
                    )
                }
            )
        self.is_counted = config.estimator == "counting" or (config.estimator == "auto" and entries <= MAX_TABLE)
        self.differentiable = not self.is_counted
        if self.is_counted:
            self._make_table()
        else:
            self._make_regressions()

    def _make_table(self) -> None:
        image, size = self.image, self.image.num_dims
        sizes = [image.levels ** min(step, self.num_parents) for step in range(size)]
        starts = _sums([0, *sizes])
        self.register_buffer("starts", starts[:-1], persistent=False)
        self.register_buffer("powers", _powers(image.levels, self.num_parents), persistent=False)
        # Log odds against level 0, so that the parameters are exactly the free ones.
        self.odds_TM = nn.Parameter(torch.zeros(int(starts[-1]), image.levels - 1))
        self.register_buffer("counts", torch.zeros(int(starts[-1]), image.levels, dtype=torch.int64))
        self.register_buffer("num_seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("num_images", torch.zeros((), dtype=torch.int64))

    def _make_regressions(self) -> None:
        size, parents = self.image.num_dims, self.num_parents
        self.output = LevelLogits(self.image.levels)
        features = self.output.num_features
        if size * size * features > MAX_WEIGHTS:
            raise ValueError(
                f"Regressions for {self.image} take a matrix of {size * size * features:,} entries; at most "
                f"{MAX_WEIGHTS:,} are allowed. Resize the images, use fewer levels, or an order low enough to count."
            )
        self.weight_FDn = nn.Parameter(torch.randn(features, size, parents).mul_(INITIAL_SPREAD))
        self.bias_FD = nn.Parameter(torch.randn(features, size).mul_(INITIAL_SPREAD))

    @property
    def own_order(self) -> Tensor:
        """See ``AutoregressiveFamily``."""
        return self._own_order

    def num_parameters(self) -> int:
        """Number of trainable scalars; weights of pixels before the first one, which are never used, do not count."""
        if self.is_counted:
            return self.odds_TM.numel()
        return super().num_parameters() - len(self.weight_FDn) * self.num_parents * (self.num_parents + 1) // 2

    def parameter_counts(self) -> dict[str, int]:
        """Number of free parameters of p(x): of this model, of the chain of order 1, and of the full joint table."""
        size, levels = self.image.num_dims, self.image.levels
        chain = (levels - 1) * _num_contexts(size, min(1, size - 1), levels)
        return {"model": self.num_parameters(), "chain": chain, "full_joint": levels**size - 1}

    def remarks(self) -> tuple[str, ...]:
        """Comparison of its parameter count with those of the full joint table and of the chain of order 1."""
        counts, (size, levels) = self.parameter_counts(), (self.image.num_dims, self.image.levels)
        joint = f"{levels}^{size} - 1"
        if counts["full_joint"] < MANY:
            joint += f" = {counts['full_joint']:,}"
        else:
            joint += f" ≈ 10^{size * math.log10(levels):.0f}"
        chain = f"{counts['chain']:,}" + (f" = 2·{size} - 1" if levels == 2 else "") + " of the chain of order 1"
        own = f"{counts['model']:,} of this chain of order {self.num_parents}, {chain}"
        return (f"Free parameters: {chain if self.num_parents == 1 else own}, {joint} of the full joint table.",)

    def phases(self) -> list[Phase]:
        """One phase: maximum likelihood. While counting, the optimizer's step is scaled to zero."""
        if not self.is_counted:
            return super().phases()
        (phase,) = super().phases()
        return [replace(phase, learning_rate_scale=0.0, before_update=self.count)]

    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``; while counting, the first logit is 0."""
        values_BD = in_order(x_BCHW, self.own_index)
        if self.is_counted:
            logits_BDL = functional.pad(self.odds_TM[self._contexts(values_BD)], (1, 0))
        else:
            logits_BDL = self.output(self._features(values_BD)).transpose(1, 2)
        return from_order(logits_BDL, self.own_index, self.image)

    def log_components(
        self, levels_BCHW: Tensor, step: int, order_D3: Tensor, labels_B: Tensor | None = None
    ) -> Tensor:
        """See ``AutoregressiveFamily``: one row of the table, or one regression."""
        count = min(step, self.num_parents)
        before_Bn = levels_BCHW.flatten(1)[:, self.own_index[step - count : step]]
        if self.is_counted:
            rows_B = self.starts[step] + (before_Bn.long() * self.powers[self.num_parents - count :]).sum(1)
            logits_BL = functional.pad(self.odds_TM[rows_B], (1, 0))
        else:
            x_Bn = unit_levels(before_Bn, self.image.levels, self.bias_FD.dtype)
            weights_Fn = self.weight_FDn[:, step, self.num_parents - count :]
            features_BF = x_Bn @ weights_Fn.T + self.bias_FD[:, step]
            logits_BL = self.output(features_BF.unsqueeze(2)).squeeze(2)
        return logits_BL.log_softmax(1).unsqueeze(1)

    def receptive_field(self, step: int, order_D3: Tensor) -> Tensor:
        """(C, H, W) bool: the n sub-pixels before ``step``."""
        seen_CHW = torch.zeros(self.image.shape, dtype=torch.bool)
        seen_CHW[tuple(order_D3[max(0, step - self.num_parents) : step].T)] = True
        return seen_CHW

    @torch.no_grad()
    def pixel_figure_pieces(self, x: Tensor, row: int, column: int) -> Iterator[tuple[Figure, ...]]:
        """Also the table of the pixel, or the weights of its regression; see ``AutoregressiveFamily``."""
        yield from super().pixel_figure_pieces(x, row, column)
        steps = steps_at(self._own_order, row, column)
        if self.is_counted:
            yield tuple(self._table_figure(step) for step in steps)
        else:
            yield (weights_figure([self._weights_at(step) for step in steps], row, column),)

    def _table_figure(self, step: int) -> Figure:
        start, length = int(self.starts[step]), self.image.levels ** min(step, self.num_parents)
        rows = slice(start, start + length)
        probs_TL = functional.pad(self.odds_TM[rows], (1, 0)).softmax(1)
        return context_table(self._own_order, step, self.num_parents, self.counts[rows], probs_TL)

    def _weights_at(self, step: int) -> Tensor:
        """Weights of the regression at a step as an image, (C, H, W); NaN outside its n sub-pixels."""
        count, steps_D = min(step, self.num_parents), torch.arange(self.image.num_dims, device=self.own_index.device)
        weight_n = self.output.contrast().to(self.bias_FD) @ self.weight_FDn[:, step]
        weights_D = weight_n.new_zeros(self.image.num_dims)
        weights_D[step - count : step] = weight_n[self.num_parents - count :]
        read_D = (steps_D >= step - count) & (steps_D < step)
        return pixel_weights(weights_D, read_D, self.own_index, self.image)

    def stepper(
        self, images_BCHW: NDArray[np.uint8], order_D3: Tensor, rewindable: bool, labels_B: Tensor | None = None
    ) -> Stepper:
        """The incremental sampler."""
        if self.is_counted:
            return TableStepper(self, images_BCHW, order_D3)
        return RegressionStepper(self, images_BCHW, order_D3, step_ops(len(images_BCHW), self.device))

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """The logits of all sub-pixels given those before them; see ``LayeredFeatures``."""
        if self.is_counted:
            size = self.image.num_dims * (self.image.levels - 1)
            help = "Logarithms of the table's odds at each sub-pixel, given the sub-pixels before it."
        else:
            size, help = (
                self.bias_FD.numel(),
                "Inputs of the sub-pixels' sigmoids or softmaxes, linear in those before.",
            )
        return (FeatureLayer(name="logits", title="Logits of the sub-pixels", num_dims=size, help=help, default=True),)

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        values_BD = in_order(x, self.own_index)
        values = self.odds_TM[self._contexts(values_BD)] if self.is_counted else self._features(values_BD)
        return values.flatten(1)

    @torch.no_grad()
    def count(self, x_BCHW: Tensor, num_new: int) -> None:
        """Add images to the counts and compute the table from them.

        Args:
            x_BCHW: integers 0 … levels-1.
            num_new: number of them from training images that were not counted before; the others are further draws of
                counted ones.
        """
        if not len(x_BCHW):
            return
        values_BD = in_order(x_BCHW, self.own_index).long()
        entries_N = (self._contexts(values_BD) * self.image.levels + values_BD).flatten()
        self.counts += torch.bincount(entries_N, minlength=self.counts.numel()).view_as(self.counts)
        self.num_seen += len(values_BD)
        self.num_images += num_new
        images_per_visit = widened(self.num_images) / self.num_seen
        smoothed = widened(self.counts) * images_per_visit + self.config.smoothing
        self.odds_TM.copy_((smoothed[:, 1:] / smoothed[:, :1]).log())

    def _contexts(self, values_BD: Tensor) -> Tensor:
        """(B, D) rows of the table: the values before each sub-pixel as a number in base L."""
        if self.num_parents == 0:
            return self.starts.expand(values_BD.shape)
        earlier_BDn = functional.pad(values_BD.long(), (self.num_parents, -1)).unfold(1, self.num_parents, 1)
        return self.starts + (earlier_BDn * self.powers).sum(2)

    def _features(self, values_BD: Tensor) -> Tensor:
        """(B, F, D) of the regressions, all in one product with a banded matrix."""
        size, parents = values_BD.shape[1], self.num_parents
        x_BD = unit_levels(values_BD, self.image.levels, self.bias_FD.dtype)
        # Padding each row by one entry more than there are columns shifts row i by i: from windows to a band.
        padded = functional.pad(self.weight_FDn, (0, size + 1)).flatten(1)[:, :-size]
        band_FDD = padded.unflatten(1, (size, size + parents))[:, :, parents:]
        features_BFD: Tensor = linear(x_BD, band_FDD.flatten(0, 1)).unflatten(1, self.bias_FD.shape)
        return features_BFD + self.bias_FD


def _num_contexts(size: int, num_parents: int, levels: int) -> int:
    """Rows of the table of all pixels; the first ones have fewer parents."""
    few = min(num_parents, size)
    total: int = sum(levels**step for step in range(few)) + (size - few) * levels**num_parents
    return total


@constant
def _sums(values: list[int]) -> Tensor:
    """Sums of the values up to each, (n,) int64."""
    return torch.tensor(values).cumsum(0)


@constant
def _powers(base: int, count: int) -> Tensor:
    """Powers of a base, falling to 1: (count,) int64."""
    powers: Tensor = base ** torch.arange(count).flip(0)
    return powers
