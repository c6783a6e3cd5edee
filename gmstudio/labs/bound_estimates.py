"""Estimates of log p(x) and of the bound's gradient by Monte Carlo, as the lab of the bound measures and draws them.

Plain Monte Carlo averages p(x|z) over z from the prior; importance weighting averages p(x|z) p(z) / q(z) over z from q.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import torch

from gmstudio.labs.base import Numbers
from gmstudio.labs.bound_terms import CODES_AT_ONCE, CodeModel, Gaussian2, gradient_draws, log_means, mean_gradient
from gmstudio.labs.drawing import line, wide
from gmstudio.protocol.scenes import Curves, Line, Table

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
GRADIENT_DRAWS = 4000
SPREAD = (10, 90)
"""Percentiles of the estimates that are drawn around their mean."""
COLUMNS = ("∂μ₁ mean", "∂μ₂ mean", "∂μ₁ variance", "∂μ₂ variance")
ESTIMATORS = ("reparametrized", "score function", "score function, mean as baseline")


class BoundEstimates:
    """What was measured for an image, and for a q; empty at first."""

    def __init__(self) -> None:
        self._from_prior: Numbers = np.zeros((0, 3))
        self._from_q: Numbers = np.zeros((0, 3))
        self._gradients: dict[str, Numbers] = {}
        self._exact: Numbers = np.full(2, np.nan)

    def forget_q(self) -> None:
        """Drop what belongs to a q that has changed."""
        self._from_q, self._gradients, self._exact = np.zeros((0, 3)), {}, np.full(2, np.nan)

    def estimate(self, image: CodeModel, q: Gaussian2, draws: int, generator: torch.Generator) -> Iterator[float]:
        """Draw codes from the prior and from q and compute their log-weights; yields the share of the work done."""
        prior = Gaussian2(np.zeros(2), np.ones(2))
        found: dict[bool, list[Numbers]] = {False: [], True: []}
        for weighted, source in ((False, prior), (True, q)):
            for begin in range(0, draws, CODES_AT_ONCE):
                codes = source.draw(min(CODES_AT_ONCE, draws - begin), generator)
                log_weights = image.log_joint(codes) - source.log_density(codes)
                found[weighted].append(log_weights)
                yield (begin / draws + weighted) / 2
        summaries: dict[bool, list[Numbers]] = {False: [], True: []}
        for weighted, size in itertools.product((False, True), SIZES):
            (estimates,) = log_means(np.concatenate(found[weighted]), (size,))
            summaries[weighted].append(np.array([estimates.mean(), *np.percentile(estimates, SPREAD)]))
            yield 1.0
        self._from_prior, self._from_q = np.stack(summaries[False]), np.stack(summaries[True])

    def compare_gradients(self, image: CodeModel, q: Gaussian2, generator: torch.Generator) -> Iterator[None]:
        """Draw both estimates of ∂ E_q[log p(x|z)] / ∂μ, and compute it by quadrature."""
        self._exact = mean_gradient(image, q)
        yield None
        self._gradients = gradient_draws(image, q, GRADIENT_DRAWS, generator)

    # ---- drawing -----------------------------------------------------------------------------------------------

    def prior_curves(self, log_evidence: float) -> Curves:
        """Estimates of log p(x) from n codes of the prior."""
        return _curves("Plain Monte Carlo: n codes from the prior", "n", self._from_prior, log_evidence)

    def bound_curves(self, log_evidence: float) -> Curves:
        """Importance-weighted bounds of k codes of q."""
        return _curves("Importance-weighted bound L_k: k codes from q", "k", self._from_q, log_evidence)

    def finding(self, log_evidence: float) -> str:
        """What the estimates came to."""
        if not len(self._from_prior):
            return "Estimate log p(x): from how many codes of the prior, and of q, does it come out right?"
        at = SIZES.index(100)
        mean, low, high = self._from_prior[at]
        parts = [
            f"From 100 codes of the prior the estimates of log p(x) are {log_evidence - mean:.2f} nats too low on "
            f"average, and 80 % of them spread over {high - low:.2f} nats: few of these codes have any weight."
        ]
        if len(self._from_q):
            below = self._from_q[:, 0] - log_evidence
            parts.append(
                f"From codes of q the mean of L₁, the ELBO, less log p(x) is {below[0]:+.3f} nats, of L₁₀₀ "
                f"{below[at]:+.3f}, of L₅₀₀₀ {below[-1]:+.4f}."
            )
        return " ".join(parts)

    def gradient_table(self) -> Table:
        """Means and variances of the gradient's estimates from one code each."""
        rows, values = ["quadrature"], [np.concatenate([self._exact, np.full(2, np.nan)])]
        for name in ESTIMATORS:
            draws = self._gradients.get(name)
            rows.append(name)
            values.append(np.full(4, np.nan) if draws is None else np.concatenate([draws.mean(0), draws.var(0)]))
        return Table(
            title="Gradient of E_q[log p(x|z)] with respect to q's mean, from one code",
            columns=COLUMNS,
            rows=tuple(rows),
            values=wide(np.stack(values)),
            format=".4g",
        )

    def gradient_finding(self) -> str:
        """How much more the score function's estimates vary."""
        if not self._gradients:
            return "Compare gradients: which estimate of the gradient varies less?"
        draws = [self._gradients[name] for name in ESTIMATORS]
        total = [found.var(0).sum() for found in draws]
        apart = max(float((np.abs(d.mean(0) - self._exact) / np.sqrt(d.var(0) / len(d))).max()) for d in draws)
        return (
            f"Over {GRADIENT_DRAWS:,} estimates from one code each the score function's variance is "
            f"{total[1] / total[0]:,.0f} times that of the reparametrized gradient, {total[2] / total[0]:,.1f} times "
            f"with a baseline; the means of the three are up to {apart:.1f} standard errors from quadrature."
        )


def _curves(title: str, symbol: str, summary_S3: Numbers, log_evidence: float) -> Curves:
    lines: list[Line] = [line("log p(x)", (1, SIZES[-1]), (log_evidence, log_evidence))]
    if len(summary_S3):
        lines += [
            line(name, SIZES, summary_S3[:, column])
            for column, name in enumerate(("mean", *(f"{share} % are below" for share in SPREAD)))
        ]
    values = np.concatenate([entry.y.numpy() for entry in lines])
    values = values[values > log_evidence - 40]
    return Curves(
        title=title,
        x_title=f"{symbol}, codes",
        y_title="nats",
        lines=tuple(lines),
        x_range=(1.0, float(SIZES[-1])),
        y_range=(math.floor(min(values.min(), log_evidence - 1)), math.ceil(max(values.max(), log_evidence) + 0.1)),
        log_x=True,
    )
