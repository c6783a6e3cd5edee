r"""Output of a discriminator.

    D(x) = p(real | x)

the probability that the image is real and not generated, or a score mapped to 0 … 1 by a sigmoid, by objective. The
optimal discriminator is p_data / (p_data + p_g) on these two alone: of images unlike both it says nothing.

Source: Goodfellow et al. 2014, arXiv:1406.2661, proposition 1.
"""

from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.density.statistics.statistic import Scored, Statistic, levels_of
from gmstudio.families.base import Discriminator, Family
from gmstudio.protocol.density import StatisticCard


class DiscriminatorOutput(Statistic):
    """D(x); see the module."""

    card: ClassVar[StatisticCard] = StatisticCard(
        name="discriminator",
        title="Discriminator output",
        help="What the discriminator takes for the probability that an image is real and not generated. It has learned "
        "to tell training images from samples only, so that it may be wrong on anything else.",
        latex=r"D(x)",
        unit="",
        direction="typical",
        source="Goodfellow et al. 2014, arXiv:1406.2661, proposition 1",
    )
    order: ClassVar[int] = 60

    @classmethod
    def refusal(cls, model: Family) -> str:
        """Return why there is no D(x); see ``Statistic.refusal``."""
        if isinstance(model, Discriminator):
            return ""
        return f"{model.card.title} has no discriminator; choose a run of a family that has one, like GAN."

    @property
    def kind_text(self) -> str:
        """The quantity in words."""
        model: Any = self.subject.model
        metric = model.critic_metric
        return f"{metric.title}, output of the discriminator"

    @property
    def noisy(self) -> bool:
        """There is no noise."""
        return False

    def score(
        self, images: NDArray[np.uint8], generator: torch.Generator, labels: NDArray[np.int64] | None = None
    ) -> Scored:
        """Score some images; see ``Statistic.score``."""
        model: Any = self.subject.model
        means_BCHW = levels_of(images).to(self.device, self.dtype)
        output_B = model.discriminate(means_BCHW / (model.image.levels - 1))
        return Scored(output_B.double().flatten().cpu().numpy())
