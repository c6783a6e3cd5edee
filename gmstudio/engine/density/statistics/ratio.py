r"""Likelihood ratio against a background model.

    LLR(x) = \log p(x) - \log p_\mathrm{background}(x)

Where x has a background, which the background model describes as well as the model does, it cancels, and what is
peculiar to the training images remains. The background model is one of the same family and settings, trained on data
whose sub-pixels are replaced by random levels with probability μ. Both terms are of the same kind: a difference of two
bounds, or of two estimates, is neither bound nor estimate of the difference.

Difference from the paper: the background model has no L2 penalty unless its run was trained with weight decay.

Source: Ren et al. 2019, Likelihood Ratios for Out-of-Distribution Detection, arXiv:1906.02845, section 3.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.density.statistics.likelihoods import LikelihoodStatistic, combined_error
from gmstudio.engine.density.statistics.statistic import Scored
from gmstudio.engine.density.subject import Subject
from gmstudio.protocol.density import ScoreKind, StatisticCard, StatisticSettings

NO_BACKGROUND = (
    "This run has no background model. Train one: the same settings with noised data (μ of 0.1 to 0.3) in Train, or "
    "by the button of the likelihood ratio in Density."
)
_KINDS: dict[ScoreKind, str] = {
    "exact": "exact log-likelihood ratio",
    "lower bound": "difference of two lower bounds",
    "estimate": "difference of two estimates",
}


class Ratio(LikelihoodStatistic):
    """Likelihood ratio against a background model, nats.

    Raises:
        ValueError: when there is no background model, it is the run itself, or its log-likelihood is of another kind.
    """

    card: ClassVar[StatisticCard] = StatisticCard(
        name="ratio",
        title="Likelihood ratio",
        help="Log-likelihood minus that of a background model, which was trained on noised data. What all images have "
        "in common, such as large even areas, cancels.",
        latex=r"\log p(x) - \log p_\mathrm{background}(x)",
        unit="nats",
        direction="typical",
        needs="background",
        source="Ren et al. 2019, Likelihood Ratios for Out-of-Distribution Detection, arXiv:1906.02845, section 3",
    )
    order: ClassVar[int] = 1

    def __init__(self, subject: Subject, settings: StatisticSettings, seed: int) -> None:
        background = subject.background(settings)
        if settings.background and settings.background == subject.run:
            raise ValueError(f"{subject.run} is the model itself; choose a background model, trained on noised data.")
        if background is None:
            raise ValueError(NO_BACKGROUND)
        super().__init__(subject, settings, seed, (background,))
        self._background = background
        kind, other = self.likelihoods.kinds
        if kind != other:
            raise ValueError(
                f"The background model gives a log-likelihood of another kind ({other}) than the model ({kind}), so "
                "their difference means little; choose a background model of the same family."
            )

    @property
    def kind_text(self) -> str:
        """Kind of the difference, with μ."""
        mutation = self._background.record.training.mutation
        return f"{_KINDS[self.likelihoods.kinds[0]]}, background μ = {mutation:g}"

    def combined(self, images: NDArray[np.uint8], log_probs: Sequence[Scored]) -> Scored:
        """See ``LikelihoodStatistic``."""
        model, background = log_probs
        return Scored(model.values - background.values, combined_error((model, background), (1.0, 1.0)))

    def warnings(self) -> tuple[str, ...]:
        """See ``Statistic``."""
        found = super().warnings()
        if not self._background.record.training.mutation:
            found += (
                f"The background model {self._background.run} was trained without noise (μ = 0); train one with μ of "
                "0.1 to 0.3.",
            )
        return found
