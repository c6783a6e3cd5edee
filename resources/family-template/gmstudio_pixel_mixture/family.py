"""Mixture of independent pixels: one of K prototypes is drawn, then each sub-pixel from that prototype's distribution.

p(x) = Σ_k π_k ∏_i p(x_i | k), and with the responsibilities r_k(x_<i) ∝ π_k ∏_{j<i} p(x_j | k) of the prototypes given
the sub-pixels before, p(x_i | x_<i) = Σ_k r_k(x_<i) p(x_i | k): an autoregressive model that is exact in every order.

Difference from the source: trained by gradient descent instead of expectation-maximization.

Source: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, section 9.3.3.

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W), K prototypes.
"""

from importlib.resources import files
from typing import Annotated, ClassVar

import torch
from msgspec import Struct
from torch import Tensor, nn

from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

LATEX = r"-\log p(x) = -\log \sum_k \pi_k \prod_i p(x_i \mid k)"


class PixelMixture(AutoregressiveFamily):
    """Mixture of independent pixels."""

    class Config(Struct, frozen=True, kw_only=True):
        """Settings; each field with title, help, range and unit becomes a row of the form."""

        num_prototypes: Annotated[
            int,
            field("Prototypes", "Number of images K of which each sample is a variant.", ge=1, le=200, log=True),
        ] = 20
        spread: Annotated[
            float,
            field(
                "Initial spread",
                "Standard deviation of the initial logits: prototypes that begin alike stay alike.",
                gt=0,
                le=10,
                advanced=True,
            ),
        ] = 0.5

    card: ClassVar[FamilyCard] = FamilyCard(
        name="pixel_mixture",
        title="Pixel mixture",
        branch=("Explicit density", "Tractable density", "Autoregressive"),
        summary="One of K prototypes is drawn, then each pixel by itself from it. What pixels have to do with each "
        "other is only which prototype they come from.",
        source="Bishop, Pattern Recognition and Machine Learning, 2006, section 9.3.3.",
        objectives=(Objective(LATEX, (Term("loss", LATEX, "Negative log-likelihood.", "nats", per_image_nats=True),)),),
        theory=files(__package__).joinpath("theory.md").read_text(encoding="utf-8"),
    )
    training_defaults: ClassVar[Training] = Training(steps=1000, learning_rate=2e-2, schedule="cosine")
    start: ClassVar[Start] = Start(data="digits")
    any_order = True

    def __init__(self, config: Config, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.log_weights_K = nn.Parameter(torch.zeros(config.num_prototypes))
        self.table_KDL = nn.Parameter(config.spread * torch.randn(config.num_prototypes, image.num_dims, image.levels))

    def logits(self, x_BCHW: Tensor, order_D3: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Conditionals of all sub-pixels, (B, C, H, W, L), see ``AutoregressiveFamily.logits``."""
        channels, height, width = self.image.shape
        order_D = (order_D3[:, 0] * height + order_D3[:, 1]) * width + order_D3[:, 2]
        log_probs_KDL = self.table_KDL.log_softmax(-1)
        own_KBD = log_probs_KDL.transpose(1, 2)[:, x_BCHW.flatten(1).long(), torch.arange(self.image.num_dims)]
        before_KBD = torch.zeros_like(own_KBD)
        before_KBD[:, :, order_D[1:]] = own_KBD[:, :, order_D].cumsum(-1)[:, :, :-1]
        responsible_KBD = (self.log_weights_K.log_softmax(0)[:, None, None] + before_KBD).log_softmax(0)
        mixed_BDL = responsible_KBD[0, :, :, None] + log_probs_KDL[0]
        for k in range(1, len(log_probs_KDL)):  # one after another: all at once would take K times the memory
            mixed_BDL = torch.logaddexp(mixed_BDL, responsible_KBD[k, :, :, None] + log_probs_KDL[k])
        return mixed_BDL.unflatten(1, (channels, height, width))
