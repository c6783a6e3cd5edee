r"""Base of families with z ~ N(0, I), a decoder p(x|z) and a learned posterior q(z|x) = N(μ(x), diag σ²(x)).

Two lower bounds of log p(x) = log ∫ p(x|z) p(z) dz are computed; the second one is tighter with more draws:

    ELBO = E_q[log p(x|z)] - KL(q(z|x) ‖ p(z)),    L_K = E_q[log (1/K) Σ_k p(x|z_k) p(z_k) / q(z_k|x)].

Source: Kingma & Welling 2014, arXiv:1312.6114, section 2 and appendix B; Burda, Grosse & Salakhutdinov, Importance
Weighted Autoencoders, ICLR 2016, arXiv:1509.00519, equation 8 (L_K).
Shapes: B batch, C channels, H height, W width, Z latent dimensions, K posterior draws.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from gmstudio.families.base import Family
from gmstudio.families.diagnostics import Figure
from gmstudio.families.figures import reconstruction_figure
from gmstudio.protocol.families import LatentSpec

ACTIVE_KL_NATS = 0.01
CODE_BINS = 40
CODE_REACH = 4.0


class Variational(Family):
    """Base of families with a Gaussian approximate posterior: bounds, codes, and the information in a code."""

    latent: LatentSpec

    @abstractmethod
    def posterior_parameters(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) integers → μ and log σ², each (B, Z)."""

    @abstractmethod
    def log_likelihood(self, x_BCHW: Tensor, z_KBZ: Tensor) -> Tensor:
        """Log p(x|z) of each image under its K codes: (K, B), nats."""

    @abstractmethod
    def decode(self, z: Tensor) -> Tensor:
        """(B, Z) codes → (B, C, H, W) means of p(x|z) in [0, 1]."""

    @abstractmethod
    def max_rows(self) -> int:
        """Largest number of images or codes in one pass through the networks."""

    # ---- bounds --------------------------------------------------------------------------------------------

    @torch.no_grad()
    def elbo(self, x: Tensor, num_samples: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Evidence lower bound: E_q[log p(x|z)] by Monte Carlo, minus the closed-form KL.

        Args:
            x: (B, C, H, W) integers.
            num_samples: posterior draws per image.
            generator: source of ε.

        Returns:
            (B,), nats; in expectation at most log p(x).

        Raises:
            ValueError: when num_samples is below 1.
        """
        bounds = []
        for x_BCHW, mean_BZ, log_var_BZ in self._pieces(x, num_samples):
            total_B = mean_BZ.new_zeros(len(x_BCHW))
            for eps_KBZ in self._draws(mean_BZ, num_samples, generator):
                z_KBZ = mean_BZ + torch.exp(0.5 * log_var_BZ) * eps_KBZ
                total_B = total_B + self.log_likelihood(x_BCHW, z_KBZ).sum(0)
            bounds.append(total_B / num_samples - kl_to_prior(mean_BZ, log_var_BZ).sum(1))
        return torch.cat(bounds)

    @torch.no_grad()
    def log_prob_estimate(self, x: Tensor, num_samples: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """Importance-weighted estimate log (1/K) Σ_k p(x|z_k) p(z_k) / q(z_k|x), z_k ~ q(z|x).

        In expectation it is a lower bound that rises with K to log p(x). Codes are drawn in chunks, so that of each
        draw only its weight takes memory.

        Args:
            x: (B, C, H, W) integers.
            num_samples: K, posterior draws per image.
            generator: source of ε.

        Returns:
            (B,), nats.

        Raises:
            ValueError: when num_samples is below 1.
        """
        return torch.logsumexp(self.log_weights(x, num_samples, generator), dim=0) - math.log(num_samples)

    @torch.no_grad()
    def log_weights(self, x: Tensor, num_samples: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """Log importance weights log p(x|z_k) + log p(z_k) - log q(z_k|x), z_k ~ q(z|x).

        Args:
            x: (B, C, H, W) integers.
            num_samples: K, posterior draws per image.
            generator: source of ε.

        Returns:
            (K, B), nats.

        Raises:
            ValueError: when num_samples is below 1.
        """
        weights = []
        for x_BCHW, mean_BZ, log_var_BZ in self._pieces(x, num_samples):
            drawn = []
            for eps_KBZ in self._draws(mean_BZ, num_samples, generator):
                z_KBZ = mean_BZ + torch.exp(0.5 * log_var_BZ) * eps_KBZ
                drawn.append(self.log_likelihood(x_BCHW, z_KBZ) + log_prior_ratio(eps_KBZ, z_KBZ, log_var_BZ))
            weights.append(torch.cat(drawn))
        return torch.cat(weights, dim=1)

    def _pieces(self, x: Tensor, num_samples: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Images with their μ and log σ², a bounded number at a time."""
        if num_samples < 1:
            raise ValueError(f"num_samples is {num_samples}; a bound needs at least 1 draw per image.")
        for x_BCHW in torch.split(x, self.max_rows()):
            yield x_BCHW, *self.posterior_parameters(x_BCHW)

    def _draws(self, mean_BZ: Tensor, num_samples: int, generator: torch.Generator | None) -> Iterator[Tensor]:
        """Standard normal (K', B, Z) chunks, ``num_samples`` in all."""
        rows = max(1, self.max_rows() // max(1, len(mean_BZ)))
        for start in range(0, num_samples, rows):
            yield standard_normal(mean_BZ, min(rows, num_samples - start), generator)

    # ---- codes ---------------------------------------------------------------------------------------------

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q(z|x): (B, C, H, W) integers → mean and standard deviation, each (B, Z)."""
        mean_BZ, log_var_BZ = self.posterior_parameters(x)
        return mean_BZ, torch.exp(0.5 * log_var_BZ)

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) integers → posterior means (B, Z)."""
        return self.posterior_parameters(x)[0]

    def kl_per_dim(self, x: Tensor) -> Tensor:
        """KL(q(z_j|x) ‖ p(z_j)) of each image and dimension: (B, Z), nats."""
        return kl_to_prior(*self.posterior_parameters(x))

    # ---- diagnostics -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """Reconstructions beside inputs, KL per dimension, and the codes of all images against the prior."""
        mean_BZ, log_var_BZ = self.posterior_parameters(batch)
        kl_Z = kl_to_prior(mean_BZ, log_var_BZ).mean(0)
        z_KBZ = mean_BZ + torch.exp(0.5 * log_var_BZ) * standard_normal(mean_BZ, 1, generator)
        return reconstruction_figure(self, batch), _kl_bars(kl_Z), _code_histogram(z_KBZ.flatten())


def _kl_bars(kl_Z: Tensor) -> Figure:
    return Figure(
        kind="bars",
        name="kl_per_dim",
        title="KL per latent dimension, nats",
        help="Information of each dimension about an image, on average; one near 0 has collapsed to the prior.",
        series=("KL",),
        values=kl_Z.unsqueeze(0),
    )


def _code_histogram(z_N: Tensor) -> Figure:
    """Histogram of draws from all posteriors together, in all dimensions, with the counts of the prior."""
    edges = torch.linspace(-CODE_REACH, CODE_REACH, CODE_BINS + 1)
    counts, _ = torch.histogram(z_N.float().cpu(), edges)
    return Figure(
        kind="histogram",
        name="codes",
        title="Coordinates of codes",
        help="Codes drawn from the posteriors of validation images, all dimensions together. Training pulls them to "
        "the standard normal prior, the reference; where they differ, samples come from codes outside the training "
        "distribution of the decoder.",
        series=("posterior draws",),
        edges=edges,
        values=counts.unsqueeze(0),
        reference=len(z_N) * torch.special.ndtr(edges).diff(),
    )


def standard_normal(mean_BZ: Tensor, draws: int, generator: torch.Generator | None) -> Tensor:
    """Standard normal noise (K, B, Z), K = ``draws``, of the precision and device of ``mean_BZ``."""
    shape = (draws, *mean_BZ.shape)
    return torch.randn(shape, generator=generator, dtype=mean_BZ.dtype, device=mean_BZ.device)


def kl_to_prior(mean_BZ: Tensor, log_var_BZ: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)) per dimension, (B, Z) nats."""
    return 0.5 * (mean_BZ.square() + torch.exp(log_var_BZ) - 1.0 - log_var_BZ)


def log_prior_ratio(eps_KBZ: Tensor, z_KBZ: Tensor, log_var_BZ: Tensor) -> Tensor:
    """Log p(z) - log q(z|x) of z = μ + σ ε: (K, B), nats."""
    return 0.5 * (eps_KBZ.square() - z_KBZ.square() + log_var_BZ).sum(2)
