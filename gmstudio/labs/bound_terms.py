r"""The terms of a VAE's bound by quadrature over a two-dimensional code, and their estimates by Monte Carlo.

    log p(x) = E_q[log p(x|z)] - KL(q ‖ p(z)) + KL(q ‖ p(z|x)),    p(z|x) = p(x|z) p(z) / p(x),

for any Gaussian q. The integral over z is a sum over a grid that is fitted to the posterior; those under q are sums
over a grid of standard deviations of q. The tails make the error of either fall exponentially with the spacing.

Source: Kingma & Welling 2014, arXiv:1312.6114, section 2.2; Burda, Grosse & Salakhutdinov 2016, arXiv:1509.00519,
equation 8 (L_k); Mohamed et al. 2020, Monte Carlo gradient estimation, JMLR 21, sections 4 and 5 (gradients).
Shapes: N codes of two entries, R × C points of a grid.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.variational.base import Variational
from gmstudio.nn.plain_adam import PlainAdam

Numbers = NDArray[np.float64]

LOG_2PI = math.log(2 * math.pi)
REACH = 5.0
"""Codes farther from the prior's mean have no weight: its density there is 4e-6 of that at 0."""
COARSE, FINE = 71, 101
UNDER_Q, LEAST_UNDER_Q, MOST_UNDER_Q = 91, 25, 585
"""Places along an axis of the grid under q: more on the axis where q is wider, as log p(x|z) has kinks there."""
NEGLIGIBLE = 18.0
"""Nats below the peak of the posterior that are outside of its grid."""
Q_REACH = 5.0
CODES_AT_ONCE = 4096


class CodeModel:
    """Log p(x|z) and log p(x, z) of one image as functions of the code.

    Args:
        model: VAE with two latent dimensions.
        x_1CHW: the image, integers.
    """

    def __init__(self, model: Variational, x_1CHW: Tensor) -> None:
        self.model, self.x_1CHW = model, x_1CHW

    def log_likelihood(self, z_N2: Numbers) -> Numbers:
        """Log p(x|z): (N,), nats."""
        codes = torch.from_numpy(z_N2).float().to(self.model.device)
        with torch.inference_mode():
            pieces = [self._of(piece_N2) for piece_N2 in codes.split(CODES_AT_ONCE)]
        values: Numbers = torch.cat(pieces).double().cpu().numpy()
        return values

    def log_joint(self, z_N2: Numbers) -> Numbers:
        """Log p(x, z) = log p(x|z) + log p(z): (N,), nats."""
        return self.log_likelihood(z_N2) + log_prior(z_N2)

    def gradients(self, z_N2: Numbers) -> Numbers:
        """∂ log p(x|z) / ∂z at each code: (N, 2)."""
        codes = torch.from_numpy(z_N2).float().to(self.model.device).requires_grad_()
        (gradients,) = torch.autograd.grad(self._of(codes).sum(), codes)
        values: Numbers = gradients.double().cpu().numpy()
        return values

    def _of(self, z_N2: Tensor) -> Tensor:
        return self.model.log_likelihood(self.x_1CHW, z_N2[:, None]).squeeze(1)


def log_prior(z_N2: Numbers) -> Numbers:
    """Log N(z; 0, I): (N,), nats."""
    values: Numbers = -0.5 * (z_N2**2).sum(-1) - LOG_2PI
    return values


@dataclass(frozen=True, eq=False)
class Gaussian2:
    """q(z) = N(μ, diag σ²) in two dimensions.

    Args:
        mean: (2,).
        deviation: (2,), above 0.
    """

    mean: Numbers
    deviation: Numbers

    def log_density(self, z_N2: Numbers) -> Numbers:
        """Log q(z): (N,), nats."""
        standard = (z_N2 - self.mean) / self.deviation
        values: Numbers = -0.5 * (standard**2).sum(-1) - np.log(self.deviation).sum() - LOG_2PI
        return values

    def kl_to_prior(self) -> float:
        """KL(q ‖ N(0, I)) in closed form, nats."""
        variance = self.deviation**2
        return float(0.5 * (self.mean**2 + variance - 1 - np.log(variance)).sum())

    def nodes(self, shifted: bool = False) -> tuple[Numbers, Numbers]:
        """Codes of a grid in standard deviations of q, (N, 2), and their weights under q, (N,), of sum 1.

        Args:
            shifted: by half the spacing, so that this grid has no code of the other.
        """
        counts = np.clip(UNDER_Q * np.sqrt(self.deviation / self.deviation[::-1]), LEAST_UNDER_Q, MOST_UNDER_Q)
        axes, masses = [], []
        for count in counts.round().astype(int):
            half = Q_REACH / (count - 1)
            axis: Numbers = np.linspace(-Q_REACH, Q_REACH, count) + (half if shifted else 0.0)
            mass = np.exp(-0.5 * axis**2)
            axes.append(axis)
            masses.append(mass / mass.sum())
        codes: Numbers = self.mean + self.deviation * _grid((axes[0], axes[1]))
        return codes, np.outer(masses[1], masses[0]).ravel()

    def draw(self, count: int, generator: torch.Generator) -> Numbers:
        """(count, 2) codes μ + σ ε."""
        noise = torch.randn((count, 2), generator=generator, device=generator.device).double().cpu().numpy()
        codes: Numbers = self.mean + self.deviation * noise
        return codes


@dataclass(frozen=True, eq=False)
class TruePosterior:
    """p(z|x) on a grid that is fitted to it.

    Args:
        log_evidence: log p(x) by quadrature, nats.
        axes: places of the grid's columns and rows, (C,) and (R,).
        density: (R, C) p(z|x).
        mean: (2,) E[z|x].
        deviation: (2,) standard deviations of z given x.
    """

    log_evidence: float
    axes: tuple[Numbers, Numbers]
    density: Numbers
    mean: Numbers
    deviation: Numbers

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Ends of the grid: left, right, bottom, top, half a cell beyond the outermost places."""
        (left, right), (bottom, top) = ((a[0] - (a[1] - a[0]) / 2, a[-1] + (a[1] - a[0]) / 2) for a in self.axes)
        return float(left), float(right), float(bottom), float(top)


def true_posterior(image: CodeModel) -> TruePosterior:
    """Integrate p(x|z) p(z) over z: once coarsely to find where it is, then finely there."""
    axes = (np.linspace(-REACH, REACH, COARSE),) * 2
    for count in (FINE, FINE):
        log_joint = image.log_joint(_grid(axes)).reshape(len(axes[1]), len(axes[0]))
        held = log_joint > log_joint.max() - NEGLIGIBLE
        axes = (_fitted(axes[0], held.any(0), count), _fitted(axes[1], held.any(1), count))
    log_joint = image.log_joint(_grid(axes)).reshape(len(axes[1]), len(axes[0]))
    area = (axes[0][1] - axes[0][0]) * (axes[1][1] - axes[1][0])
    top = log_joint.max()
    mass = np.exp(log_joint - top)
    log_evidence = float(top + math.log(mass.sum() * area))
    shares = mass / mass.sum()
    means = [float((shares.sum(axis) * places).sum()) for axis, places in enumerate(axes)]
    variances = [
        float((shares.sum(axis) * (places - mean) ** 2).sum())
        for axis, (places, mean) in enumerate(zip(axes, means, strict=True))
    ]
    return TruePosterior(log_evidence, axes, shares / area, np.array(means), np.sqrt(np.array(variances)))


@dataclass(frozen=True)
class Terms:
    """The terms of the identity for one image and one q, nats.

    Args:
        reconstruction: E_q[log p(x|z)].
        kl_prior: KL(q ‖ p(z)).
        kl_posterior: KL(q ‖ p(z|x)).
        log_evidence: log p(x).
    """

    reconstruction: float
    kl_prior: float
    kl_posterior: float
    log_evidence: float

    @property
    def bound(self) -> float:
        """ELBO."""
        return self.reconstruction - self.kl_prior

    @property
    def total(self) -> float:
        """What is to be log p(x)."""
        return self.bound + self.kl_posterior


def terms_of(image: CodeModel, posterior: TruePosterior, q: Gaussian2) -> Terms:
    """Compute each term by itself: KL(q ‖ p(z)) in closed form, the others by sums over grids without common codes."""
    codes, weights = q.nodes()
    reconstruction = float(weights @ image.log_likelihood(codes))
    shifted, shares = q.nodes(shifted=True)
    log_posterior = image.log_joint(shifted) - posterior.log_evidence
    kl_posterior = float(shares @ (q.log_density(shifted) - log_posterior))
    return Terms(reconstruction, q.kl_to_prior(), kl_posterior, posterior.log_evidence)


def mean_gradient(image: CodeModel, q: Gaussian2) -> Numbers:
    """∂ E_q[log p(x|z)] / ∂μ by quadrature: (2,)."""
    codes, weights = q.nodes()
    gradient: Numbers = weights @ image.gradients(codes)
    return gradient


def gradient_draws(image: CodeModel, q: Gaussian2, count: int, generator: torch.Generator) -> dict[str, Numbers]:
    """Estimates of ∂ E_q[log p(x|z)] / ∂μ from one draw each, by estimator, (count, 2)."""
    codes = q.draw(count, generator)
    values = image.log_likelihood(codes)
    direction = (codes - q.mean) / q.deviation**2
    baseline = (values.sum() - values) / (count - 1)
    return {
        "reparametrized": image.gradients(codes),
        "score function": values[:, None] * direction,
        "score function, mean as baseline": (values - baseline)[:, None] * direction,
    }


def tighten(image: CodeModel, q: Gaussian2, steps: int) -> Iterator[Gaussian2]:
    """Raise the bound by gradient steps on μ and log σ, with one set of draws; yields q after each step."""
    noise = torch.from_numpy(Gaussian2(np.zeros(2), np.ones(2)).draw(256, torch.Generator().manual_seed(0))).float()
    noise = torch.cat([noise, -noise]).to(image.model.device)
    mean, log_deviation = (
        torch.tensor(values, dtype=torch.float32, device=noise.device, requires_grad=True)
        for values in (q.mean, np.log(q.deviation))
    )
    optimizer = PlainAdam([mean, log_deviation], lr=0.03)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.03 * (1 - step / steps)
        codes = mean + log_deviation.exp() * noise
        kl = 0.5 * (mean.square() + (2 * log_deviation).exp() - 1 - 2 * log_deviation).sum()
        loss = kl - image.model.log_likelihood(image.x_1CHW, codes[:, None]).mean()
        gradients = torch.autograd.grad(loss, (mean, log_deviation))
        mean.grad, log_deviation.grad = gradients
        optimizer.step()
        found = (values.detach().cpu().double().numpy().copy() for values in (mean, log_deviation.exp()))
        yield Gaussian2(*found)


def log_means(log_values_N: Numbers, sizes: tuple[int, ...]) -> list[Numbers]:
    """For each size k, log-means of disjoint groups of k of the values, (N // k,): estimates from k draws."""
    found = []
    for size in sizes:
        groups = log_values_N[: len(log_values_N) // size * size].reshape(-1, size)
        found.append(np.logaddexp.reduce(groups, axis=1) - math.log(size))
    return found


def _grid(axes: tuple[NDArray[Any], NDArray[Any]]) -> Numbers:
    """(R · C, 2) points, row by row."""
    return np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)


def _fitted(places: Numbers, held: NDArray[np.bool_], count: int) -> Numbers:
    """Places from one cell before the first that is held to one after the last."""
    kept, step = places[held], places[1] - places[0]
    return np.linspace(kept[0] - step, kept[-1] + step, count)
