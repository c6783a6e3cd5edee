r"""Reconstruction error of families that encode and decode.

    e(x) = \frac1D \sum_d (g(f(x))_d - x_d)^2,    intensities from 0 (black) to 1 (white)

with the encoder f (the posterior's mean where there is a posterior) and the decoder g. As a score of anomalies: Hawkins
et al., Outlier Detection Using Replicator Neural Networks, 2002.
"""

from typing import Any, ClassVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.density.statistics.statistic import Scored, Statistic, levels_of
from gmstudio.engine.evaluation.reconstruction import reconstructs
from gmstudio.families.base import Family, Invertible
from gmstudio.protocol.density import StatisticCard


class Reconstruction(Statistic):
    """Mean squared error of the reconstruction, over the sub-pixels; see the module."""

    card: ClassVar[StatisticCard] = StatisticCard(
        name="reconstruction",
        title="Reconstruction error",
        help="Mean squared difference between an image and what the decoder makes of its code, black 0 and white 1. "
        "Images unlike the training data are reconstructed badly, unless they are simple.",
        latex=r"\frac1D\lVert g(f(x))-x\rVert^2",
        unit="",
        direction="anomalous",
        source="Hawkins et al. 2002, Outlier Detection Using Replicator Neural Networks",
    )
    order: ClassVar[int] = 50

    @classmethod
    def refusal(cls, model: Family) -> str:
        """Return why images are not reconstructed; see ``Statistic.refusal``."""
        if isinstance(model, Invertible):
            return f"{model.card.title} is invertible, so that it reconstructs any image; choose another statistic."
        if reconstructs(model):
            return ""
        return f"{model.card.title} does not encode and decode images; choose a run of a family that does, like VAE."

    @property
    def kind_text(self) -> str:
        """The error in words."""
        return "mean squared error of the reconstruction, black 0 and white 1"

    @property
    def key(self) -> str:
        """Settings of the decoder, where it has any."""
        model = self.subject.model
        return "" if model.DecoderConfig is None else msgspec.json.encode(model.decoder).decode()

    @property
    def noisy(self) -> bool:
        """There is no noise."""
        return False

    def score(
        self, images: NDArray[np.uint8], generator: torch.Generator, labels: NDArray[np.int64] | None = None
    ) -> Scored:
        """Score some images; see ``Statistic.score``."""
        model: Any = self.subject.model
        x_BCHW = levels_of(images).to(self.device)
        target_BCHW = x_BCHW.float() / (model.image.levels - 1)
        error_BCHW = (model.decode(model.encode(x_BCHW)).float() - target_BCHW).square()
        return Scored(error_BCHW.flatten(1).mean(1).double().cpu().numpy())
