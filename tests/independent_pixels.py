"""A family of another package in one module: every sub-pixel has a distribution of its own, whatever the others are.

Independent sub-pixels are the smallest autoregressive family, p(x) = ∏ p(x_i): legal in every order, though no pixel
has an influence on another.
"""

from typing import ClassVar

import torch
from msgspec import Struct
from torch import Tensor, nn

from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.families import FamilyCard, Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training_settings import Training

LATEX = r"-\log p(x) = -\sum_i \log p(x_i)"


class IndependentPixels(AutoregressiveFamily):
    """p(x) = ∏ p(x_i) with a table for each sub-pixel."""

    class Config(Struct, frozen=True, kw_only=True):
        """No settings."""

    card: ClassVar[FamilyCard] = FamilyCard(
        name="independent",
        title="Independent pixels",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary="Every pixel has a distribution of its own. Nothing is learned of how pixels go together.",
        source="None.",
        objectives=(Objective(LATEX, (Term("loss", LATEX, "Negative log-likelihood.", "nats", per_image_nats=True),)),),
    )
    training_defaults: ClassVar[Training] = Training()
    any_order = True

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.table = nn.Parameter(torch.zeros(*image.shape, image.levels))

    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """See ``AutoregressiveFamily``."""
        return self.table.expand(len(x_BCHW), *self.table.shape)
