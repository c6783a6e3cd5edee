"""Scoring of a Boltzmann machine: log p(x) = -F(x) - log Z, with log Z summed or by annealed importance sampling."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from gmstudio.families.base import Preparation
from gmstudio.families.energy.annealed_importance import (
    LogZ,
    LogZMemory,
    describe_log_z,
    warning_on_log_z,
)
from gmstudio.families.energy.restricted_boltzmann import RestrictedBoltzmann
from gmstudio.families.energy.reverse_annealing import reverse_annealing
from gmstudio.families.insides import check_points, last_of
from gmstudio.nn.precision import widened
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.plane import SurfaceMethod

MIN_CHAINS = 100
"""Smallest number of annealing runs; of fewer, too few could be effective."""
PIECE_FLOATS = 2**20
"""Floats of one activation in a piece of a table."""


class AnnealedScoring(ABC):
    """Part of a family that scores images with its Boltzmann machine.

    Attributes:
        image: specification of the images.
        machine: the Boltzmann machine.
        config: has ``num_temperatures``, steps of annealing from independent sub-pixels to the machine.
    """

    image: ImageSpec
    machine: RestrictedBoltzmann
    config: Any

    def free_energy(self, x: Tensor) -> Tensor:
        """F(x) = -log Σ_h exp(-E(x, h)) of (B, C, H, W) integers: (B,), nats."""
        x_BD = self.machine.units.state(x, self.machine.weight_VH)
        return self.machine.free_energy(x_BD, self.machine.activation(self.machine.units.statistics(x_BD)))

    @torch.no_grad()
    def log_prob_estimate(self, x: Tensor, num_samples: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """Log p(x) = -F(x) - log Z, (B,) nats: exact where log Z can be summed, else by annealed importance sampling.

        log Z is cached while the weights and ``num_samples`` stay the same, so batches share one estimate, and its
        error is the same for all images.

        Args:
            x: (B, C, H, W) integers.
            num_samples: annealing runs; fewer than 100 are rounded up, for too few could be effective.
            generator: source of their noise.
        """
        *_, log_z = self._log_z(num_samples, generator)
        assert isinstance(log_z, LogZ)
        return -self.free_energy(x) - log_z.value

    @property
    def grid_method(self) -> SurfaceMethod:
        """All points are enumerated."""
        return "exact"

    def log_prob_grid(self) -> Tensor:
        """Log p of every point, (L, L) or (1, L), see ``GridDensity``: -F(x), normalized by their sum.

        Raises:
            ValueError: when the images are no points of one or two dimensions.
        """
        return last_of(self.log_prob_grid_pieces())

    def log_prob_grid_pieces(self) -> Iterator[Tensor | None]:
        """Yield None after each piece of a few milliseconds, then the table of ``log_prob_grid``."""
        check_points(self.image.num_dims)
        return self._log_prob_grid()

    def _log_prob_grid(self) -> Iterator[Tensor | None]:
        image = self.image
        every_ND = torch.cartesian_prod(*[torch.arange(image.levels)] * image.num_dims).view(-1, image.num_dims)
        x = every_ND.flip(1).view(-1, *image.shape)  # the first sub-pixel varies fastest
        logs = []
        for some in x.split(max(1, PIECE_FLOATS // max(self.machine.num_hidden, self.machine.units.num_statistics))):
            with torch.no_grad():
                logs.append(-widened(self.free_energy(some)))
            yield None
        log_N = torch.cat(logs)
        yield (log_N - torch.logsumexp(log_N, dim=0)).view(-1, image.levels)

    def prepare_estimate(
        self, num_samples: int = 100, generator: torch.Generator | None = None
    ) -> Iterator[Preparation]:
        """Estimate log Z in pieces of a few milliseconds, with which ``log_prob_estimate`` is then quick."""
        for piece in self._log_z(num_samples, generator):
            if not isinstance(piece, LogZ):
                yield piece

    def describe_estimate(self, num_samples: int) -> str:
        """Description of what ``log_prob_estimate`` returns; with log Z and its error where they are available."""
        if self.machine.enumerable():
            return "exact log-likelihood, log Z by enumeration"
        num_samples = max(MIN_CHAINS, num_samples)
        return describe_log_z(self._log_zs.known(num_samples), num_samples)

    def warning_on_estimate(self, num_samples: int) -> str:
        """Return why ``log_prob_estimate`` is only a bound, and the remedy; empty where it is an estimate."""
        return warning_on_log_z(self._log_zs.known(max(MIN_CHAINS, num_samples)))

    def estimate_error(self, num_samples: int) -> float:
        """Standard error of ``log_prob_estimate``, nats, the same for all images; 0 where it is exact.

        That of log Ẑ, by the delta method; NaN where log Z was not estimated yet, or is only bounded.
        """
        if self.machine.enumerable():
            return 0.0
        found = self._log_zs.known(max(MIN_CHAINS, num_samples))
        if found is None or found.is_lower_bound:
            return math.nan
        return math.expm1(found.high - found.value) / 3.0  # ``high`` is log(Ẑ + three standard errors of Ẑ)

    def is_estimated(self) -> bool:
        """Return whether log Z is estimated instead of summed."""
        return not self.machine.enumerable()

    def conservative_estimate(
        self, x: Tensor, num_chains: int, generator: torch.Generator
    ) -> Iterator[Preparation | Tensor]:
        """Lower bound, in expectation, by reverse annealing, where ``log_prob_estimate`` flatters.

        Yields progress every few milliseconds, then (B,) nats.
        """
        x_BD = self.machine.units.state(x, self.machine.weight_VH)
        temperatures = self.config.num_temperatures
        return reverse_annealing(self.machine, self._base_bias(), x_BD, num_chains, temperatures, generator)

    def _log_z(self, num_samples: int, generator: torch.Generator | None) -> Iterator[Preparation | LogZ]:
        if num_samples < 1:
            raise ValueError(f"num_samples is {num_samples}; an estimate needs at least 1 annealing run.")
        count = max(MIN_CHAINS, num_samples)
        return self._log_zs.pieces(self.machine, self._base_bias(), count, self.config.num_temperatures, generator)

    @cached_property
    def _log_zs(self) -> LogZMemory:
        return LogZMemory()

    @abstractmethod
    def _base_bias(self) -> Tensor:
        """Biases of a machine without weights whose sub-pixels have the data's frequencies."""
