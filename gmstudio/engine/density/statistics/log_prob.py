r"""Log-likelihood of an image: exact, a lower bound, or an importance-weighted estimate, with its standard error.

    bound      L(x) = (1/K) \sum_k l_k,              error  s(l) / \sqrt K
    estimate   log p(x) ≈ log (1/K) \sum_k w_k,      error  s(w) / (\bar w \sqrt K)     (delta method in log space)

with s the standard deviation of the K draws. A bound without an estimate, as of diffusion models, is drawn in a few
groups, whose means are the draws here. Where a family spreads its draws evenly, as over timesteps, the bound is more
exact than its error says.

Source: Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519, equation 8 (estimate). What is exact, bounded or estimated
says ``engine.evaluation.likelihood``.
Shapes: B batch, K draws.
"""

import math
from collections.abc import Iterator
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.density.statistics.statistic import Scored, Statistic, levels_of
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.evaluation import likelihood
from gmstudio.engine.evaluation.label_mixture import MAX_LABELS, LabelMixture, label_mixture
from gmstudio.engine.evaluation.likelihood import Exact, estimates, has_likelihood, kind_of_score
from gmstudio.families.base import (
    Bounded,
    Estimated,
    Family,
    ImportanceWeighted,
    Preparation,
    PreparedEstimate,
)
from gmstudio.protocol.density import ScoreKind, StatisticCard, StatisticSettings

BOUND_SAMPLES = 16
"""Draws an image of a bound: its default here, where each image's own score counts and not the mean alone."""
BOUND_GROUPS = 8
ESTIMATE_ROWS = 256
"""Draws of all images of a piece of an estimate."""
BOUND_ROWS = 8
"""The same for a bound, whose draws may each take passes through a large network."""


@runtime_checkable
class _MeasuredEstimate(Protocol):
    """Models that know the error of their estimate, the same for all images."""

    def is_estimated(self) -> bool:
        """Whether there is one."""

    def estimate_error(self, num_samples: int) -> float:
        """Standard error, nats."""


class LogProb(Statistic):
    """Log p(x), nats; see the module."""

    card: ClassVar[StatisticCard] = StatisticCard(
        name="log_prob",
        title="Log-likelihood",
        help="Log of the probability that the model gives the image: exact, a lower bound or an estimate, by family. "
        "Images unlike the training data should get low values; simple ones often get high values all the same.",
        latex=r"\log p(x)",
        unit="nats",
        direction="typical",
        source="Nalisnick et al. 2019, arXiv:1810.09136 (why it misleads)",
    )
    order: ClassVar[int] = 0

    def __init__(self, subject: Subject, settings: StatisticSettings, seed: int) -> None:
        super().__init__(subject, settings, seed)
        model: Any = subject.model
        self.num_samples = settings.num_samples or default_samples(model)
        if not 1 <= self.num_samples <= likelihood.MAX_SAMPLES:
            raise ValueError(
                f"{self.num_samples:,} samples an image; a score takes 1 to {likelihood.MAX_SAMPLES:,}. Choose some "
                "thousands: the error falls with the square root of the number only."
            )
        self._mixture: LabelMixture | None = None
        self._is_conditional = bool(getattr(model, "num_classes", 0))
        self._kind = self.kind_for(model)
        if self._kind == "estimate" and not estimates(model, self.num_samples):
            self._kind = "lower bound"

    @classmethod
    def refusal(cls, model: Family) -> str:
        """Return why there is no likelihood; see ``Statistic.refusal``."""
        if has_likelihood(model):
            return ""
        try:
            kind_of_score(model, 1)
        except ValueError as error:
            return str(error)
        return ""

    @classmethod
    def kind_for(cls, model: Family) -> ScoreKind:
        """Return whether log p(x) is exact, bounded or estimated by default."""
        if isinstance(model, Exact) or (isinstance(model, _MeasuredEstimate) and not model.is_estimated()):
            return "exact"
        return "estimate" if isinstance(model, Estimated) else "lower bound"

    @classmethod
    def needs_data(cls, model: Family, settings: StatisticSettings) -> bool:
        """Return whether the frequencies of the training labels are needed, for the mixture over labels."""
        return bool(getattr(model, "num_classes", 0)) and settings.labels == "marginal"

    @property
    def kind(self) -> ScoreKind:
        """Kind of these scores."""
        return self._kind

    @property
    def kind_text(self) -> str:
        """Kind in words; a family that measured the error of its estimate says so after the first scores."""
        if self._kind == "lower bound" and self.num_samples > 1:
            text = f"lower bound (ELBO), {self.num_samples:,} samples an image"
        else:
            text = kind_of_score(self.subject.model, self.num_samples)
        if self._is_conditional:
            text += likelihood.conditioning(self.uses_labels, self._mixture)
        return text

    @property
    def key(self) -> str:
        """Samples where there are any, and the likelihood of a class-conditional model."""
        samples = "" if self._kind == "exact" else f"samples={self.num_samples}"
        return " ".join(filter(None, [samples, f"labels={self.settings.labels}" if self._is_conditional else ""]))

    @property
    def uses_labels(self) -> bool:
        """Whether the label of each image is given to the model."""
        return self._is_conditional and self.settings.labels == "given"

    @property
    def noisy(self) -> bool:
        """Draws of bounds and estimates; not an exact log p(x), nor an estimate of log Z that all images share."""
        return self._kind != "exact" and not isinstance(self.subject.model, PreparedEstimate)

    @property
    def batch_size(self) -> int:
        """Images of one piece; fewer where many samples of each are drawn."""
        model = self.subject.model
        size = likelihood.batch_size(model, self.num_samples if self.noisy else 1)
        if self.noisy and self._kind == "estimate":
            size = min(size, ESTIMATE_ROWS // self.num_samples)
        elif self.noisy:
            size = min(size, BOUND_ROWS // min(BOUND_GROUPS, self.num_samples))
        return max(1, size)

    def prepare(self) -> Iterator[Preparation]:
        """Estimate log Z where the family needs it, and count labels for the mixture over labels."""
        if self.needs_data(self.subject.model, self.settings) and self._mixture is None:
            yield Preparation("counting labels", 0.0)
            train_labels = self.subject.dataset().train.labels
            self._mixture = label_mixture(self.subject.model, train_labels)
            if self._mixture is None and train_labels is not None:
                raise ValueError(
                    f"A mixture takes 1 to {MAX_LABELS} labels of training images; choose the likelihood given each "
                    "label, or that without labels."
                )
        yield from likelihood.prepare(self.subject.model, self.num_samples, self.seed)

    def score(
        self, images: NDArray[np.uint8], generator: torch.Generator, labels: NDArray[np.int64] | None = None
    ) -> Scored:
        """Score some images; see ``Statistic.score``.

        Raises:
            ValueError: when labels are to be given and there are none, or the model knows none of them.
        """
        model: Any = self.subject.model
        x_BCHW = levels_of(images).to(self.device)
        if isinstance(model, Exact):
            return Scored(_doubles(self._exact(model, x_BCHW, labels)))
        if isinstance(model, Estimated) and estimates(self.subject.model, self.num_samples):
            return self._estimated(model, x_BCHW, generator)
        assert isinstance(model, Bounded)
        return self._bounded(model, x_BCHW, generator)

    def warnings(self) -> tuple[str, ...]:
        """Return what limits the estimate of the family, where it says so."""
        model = self.subject.model
        warning = getattr(model, "warning_on_estimate", None)
        if warning is None or not estimates(model, self.num_samples):
            return ()
        return tuple(filter(None, [warning(self.num_samples)]))

    def _exact(self, model: Any, x_BCHW: Tensor, labels: NDArray[np.int64] | None) -> Tensor:
        if self.uses_labels:
            if labels is None:
                raise ValueError("The images have no labels to be given; choose the marginal likelihood, or none.")
            model.check_trained(labels.tolist())
            return model.log_prob(x_BCHW, labels=torch.from_numpy(np.array(labels)))  # type: ignore[no-any-return]
        if self._mixture is not None:
            return self._mixture.log_prob(model, x_BCHW)
        return model.log_prob(x_BCHW)  # type: ignore[no-any-return]

    def _estimated(self, model: Any, x_BCHW: Tensor, generator: torch.Generator) -> Scored:
        if isinstance(model, ImportanceWeighted):
            weights_KB = _doubles(model.log_weights(x_BCHW, num_samples=self.num_samples, generator=generator))
            return Scored(*log_mean_exp(weights_KB))
        values_B = _doubles(model.log_prob_estimate(x_BCHW, num_samples=self.num_samples, generator=generator))
        if self._kind == "exact":
            return Scored(values_B)
        error = model.estimate_error(self.num_samples) if isinstance(model, _MeasuredEstimate) else math.nan
        return Scored(values_B, np.full(len(values_B), error))

    def _bounded(self, model: Any, x_BCHW: Tensor, generator: torch.Generator) -> Scored:
        groups = min(BOUND_GROUPS, self.num_samples)
        least, larger = divmod(self.num_samples, groups)  # ``larger`` groups have one draw more
        draws, shares = [], []
        for count, size in ((larger, least + 1), (groups - larger, least)):
            if count:
                rows = model.elbo(x_BCHW.repeat(count, 1, 1, 1), num_samples=size, generator=generator)
                draws.append(_doubles(rows).reshape(count, -1))
                shares += [size / self.num_samples] * count
        draws_GB, shares_G = np.concatenate(draws), np.array(shares)
        values_B = shares_G @ draws_GB
        if groups == 1:
            return Scored(values_B, np.full(len(values_B), np.nan))
        return Scored(values_B, np.sqrt(shares_G @ np.square(draws_GB - values_B) / (groups - 1)))


def default_samples(model: Family) -> int:
    """Return the samples an image: many for an estimate, fewer for a bound alone."""
    return likelihood.ESTIMATE_SAMPLES if isinstance(model, Estimated) else BOUND_SAMPLES


def log_mean_exp(weights_KB: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log of the mean of weights, and its standard error by the delta method.

    Args:
        weights_KB: (K, B) logarithms of weights.

    Returns:
        (B,) nats each; the error is NaN for one weight.
    """
    draws = len(weights_KB)
    top_B = weights_KB.max(0)
    top_B = np.where(np.isfinite(top_B), top_B, 0.0)
    scaled_KB = np.exp(weights_KB - top_B)
    mean_B = scaled_KB.mean(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values_B = np.log(mean_B) + top_B
        if draws == 1:
            return values_B, np.full_like(values_B, np.nan)
        return values_B, scaled_KB.std(0, ddof=1) / (mean_B * math.sqrt(draws))


def _doubles(values: Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().numpy().astype(np.float64)
