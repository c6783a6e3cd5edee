r"""WAIC over an ensemble: mean log-likelihood minus its variance.

    \mathrm{WAIC}(x) = \mathbb{E}_\theta[\log p_\theta(x)] - \mathrm{Var}_\theta[\log p_\theta(x)]

θ are the weights of the chosen runs, for example of one family trained with several seeds. Models that agree on the
training images disagree elsewhere. The variance is the unbiased one, with K − 1 in the denominator for K runs.

Difference from the paper: any runs can be chosen, the paper has five of the same settings.

Source: Choi, Jang & Alemi 2018, WAIC, but Why? Generative Ensembles for Robust Anomaly Detection, arXiv:1810.01392,
section 3; Watanabe 2010, Asymptotic Equivalence of Bayes Cross Validation and WAIC, JMLR 11.
"""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.density.statistics.likelihoods import LikelihoodStatistic, combined_error
from gmstudio.engine.density.statistics.statistic import Scored
from gmstudio.engine.density.subject import Subject
from gmstudio.protocol.density import StatisticCard, StatisticSettings

ENSEMBLE = 5
"""Runs of the paper's ensembles."""


class Waic(LikelihoodStatistic):
    """WAIC of an ensemble, nats.

    Raises:
        ValueError: when fewer than two runs are chosen.
    """

    card: ClassVar[StatisticCard] = StatisticCard(
        name="waic",
        title="WAIC of an ensemble",
        help="Mean log-likelihood under several runs minus its variance: runs that agree on the training images "
        "disagree on anomalies. Choose two or more runs, for example of several seeds.",
        latex=r"\mathbb{E}_\theta[\log p_\theta(x)] - \mathrm{Var}_\theta[\log p_\theta(x)]",
        unit="nats",
        direction="typical",
        needs="ensemble",
        source="Choi, Jang & Alemi 2018, WAIC, but Why?, arXiv:1810.01392, section 3",
    )
    order: ClassVar[int] = 4

    def __init__(self, subject: Subject, settings: StatisticSettings, seed: int) -> None:
        members = subject.ensemble(settings)
        if len(members) < 2:
            raise ValueError(
                f"WAIC needs an ensemble of two or more runs, and {len(members)} is chosen; choose runs of the same "
                f"family that were trained with other seeds, for example {ENSEMBLE}."
            )
        super().__init__(subject, settings, seed, sorted(members[1:], key=lambda member: member.weights))

    @property
    def kind_text(self) -> str:
        """Name with the number of runs."""
        kinds = " and ".join(sorted(set(self.likelihoods.kinds)))
        return f"WAIC of {len(self.likelihoods.members)} runs ({kinds})"

    def combined(self, images: NDArray[np.uint8], log_probs: Sequence[Scored]) -> Scored:
        """See ``LikelihoodStatistic``; the error is that of the first order in the errors of the log-likelihoods."""
        values_KB = np.stack([part.values for part in log_probs])
        mean_B, count = values_KB.mean(0), len(log_probs)
        slopes_KB = 1 / count - 2 * (values_KB - mean_B) / (count - 1)
        return Scored(mean_B - values_KB.var(0, ddof=1), combined_error(log_probs, list(slopes_KB)))

    def warnings(self) -> tuple[str, ...]:
        """See ``Statistic``."""
        found = super().warnings()
        kinds = sorted(set(self.likelihoods.kinds))
        if len(kinds) > 1:
            found += (
                f"The log-likelihoods of the ensemble are of several kinds ({', '.join(kinds)}), so their variance "
                "is not that of the weights alone; choose runs of one family.",
            )
        return found
