"""Scores of a flow: bounds of the probability of an integer image, and exact probabilities of points by quadrature.

Shapes: B batch, C channels, H height, W width, K draws of noise.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gmstudio.families.flow.grid import log_cell_masses
from gmstudio.families.flow.layers import Chain
from gmstudio.families.insides import check_points, last_of
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.plane import SurfaceMethod

LOG_TWO_PI = math.log(2.0 * math.pi)


class DequantizedScoring(ABC):
    """Part of a family that scores integer images with a density of continuous ones.

    Attributes:
        image: specification of the images.
        config: has ``alpha``, of the logit.
        flow: layers between the real line and the codes.
    """

    image: ImageSpec
    config: Any
    flow: Chain

    @abstractmethod
    def log_density(self, y: Tensor) -> Tensor:
        """Log-density of (B, C, H, W) images in [0, 1), in units of levels: (B,), nats."""

    @abstractmethod
    def _dequantized(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Draw noise: y = (x + u) / L, and log q(u|x), (B,) nats."""

    @abstractmethod
    def _max_rows(self) -> int:
        """Largest number of images in one pass through the flow."""

    @torch.no_grad()
    def elbo(self, x: Tensor, num_samples: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """Lower bound E[log p(x + u) - log q(u|x)] on the log-probability of the integer image, by Monte Carlo.

        Args:
            x: (B, C, H, W) integers.
            num_samples: draws of noise per image.
            generator: source of u.

        Returns:
            (B,), nats; in expectation at most log P(x).

        Raises:
            ValueError: when num_samples is below 1.
        """
        return self.log_weights(x, num_samples, generator).mean(0)

    @torch.no_grad()
    def log_prob_estimate(self, x: Tensor, num_samples: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """Importance-weighted estimate log (1/K) Σ_k p(x + u_k) / q(u_k|x) of the integer image's log-probability.

        In expectation it is a lower bound that rises with K to log P(x) = log ∫ p(x + u) du.

        Args:
            x: (B, C, H, W) integers.
            num_samples: K, draws of noise per image.
            generator: source of u.

        Returns:
            (B,), nats.

        Raises:
            ValueError: when num_samples is below 1.
        """
        return torch.logsumexp(self.log_weights(x, num_samples, generator), dim=0) - math.log(num_samples)

    @torch.no_grad()
    def log_weights(self, x: Tensor, num_samples: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """Log importance weights log p(x + u_k) - log q(u_k|x) of each image: (K, B), nats.

        Args:
            x: (B, C, H, W) integers.
            num_samples: K, draws of noise per image.
            generator: source of u.

        Raises:
            ValueError: when num_samples is below 1.
        """
        pieces = list(self._log_weights(x, num_samples, generator))
        return torch.cat(pieces, dim=1) if pieces else x.new_zeros((num_samples, 0), dtype=torch.float32)

    def _log_weights(self, x: Tensor, num_samples: int, generator: torch.Generator | None) -> Iterator[Tensor]:
        """Differences log p(x + u) - log q(u|x) of some images at a time: (K, B), nats."""
        if num_samples < 1:
            raise ValueError(f"num_samples is {num_samples}; a bound needs at least 1 draw per image.")
        rows = self._max_rows()
        for x_BCHW in torch.split(x, max(1, rows // num_samples)) if len(x) else ():
            draws = max(1, rows // len(x_BCHW))
            weights = []
            for start in range(0, num_samples, draws):
                repeated = x_BCHW.repeat(min(draws, num_samples - start), 1, 1, 1)
                y_BCHW, log_q_B = self._dequantized(repeated, generator)
                weights.append(self.log_density(y_BCHW) - log_q_B)
            yield torch.cat(weights).view(num_samples, -1)

    @property
    def grid_method(self) -> SurfaceMethod:
        """Quadrature of the density over each cell."""
        return "quadrature"

    def log_prob_grid(self) -> Tensor:
        """Log-probability of every cell of points, (L, L) or (1, L), see ``GridDensity``; exact up to the quadrature.

        The first and last cell include the density beyond [0, 1], which samples are clamped to; so a bound may miss
        more than the noise there.

        Raises:
            ValueError: when the images are no points of one or two dimensions.
        """
        return last_of(self.log_prob_grid_pieces())

    def log_prob_grid_pieces(self) -> Iterator[Tensor | None]:
        """Yield None after each piece of a few milliseconds, then the table of ``log_prob_grid``."""
        check_points(self.image.num_dims)
        like = next(self.flow.parameters())
        return log_cell_masses(self._log_line_density, self.image.num_dims, self.image.levels, self.config.alpha, like)

    @torch.no_grad()
    def _log_line_density(self, h_ND: Tensor) -> Tensor:
        """Log-density on the real line that the logit maps places to: (N,), nats."""
        z_BCHW, log_det_B = self.flow(h_ND.view(-1, *self.image.shape))
        log_B: Tensor = log_normal(z_BCHW.flatten(1)) + log_det_B
        return log_B


def log_normal(z_BD: Tensor) -> Tensor:
    """Log-density of the standard normal distribution: (B,), nats."""
    return -0.5 * (z_BD.square().sum(1) + z_BD.shape[1] * LOG_TWO_PI)
