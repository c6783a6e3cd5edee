r"""Score of a diffusion model, and its paths from noise to data in continuous values.

The noise that the network predicts is the score of the noisy data up to a factor, for with x_t = √ᾱ_t x_0 + σ_t ε

    ∇ log p_t(x_t) = E[∇ log q(x_t|x_0) | x_t] = -E[ε | x_t] / σ_t ≈ -ε_θ(x_t, t) / σ_t.

Source: Vincent 2011, A connection between score matching and denoising autoencoders, Neural Computation 23; Ho, Jain &
Abbeel 2020, Denoising diffusion probabilistic models, arXiv:2006.11239, section 3.2; Song & Ermon 2019,
arXiv:1907.05600, section 2.

Shapes: B batch, D sub-pixels.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from gmstudio.families.diffusion.denoiser import Denoiser
from gmstudio.families.diffusion.process import NoiseSchedule, evenly_spaced_times
from gmstudio.families.diffusion.samplers import denoise
from gmstudio.families.insides import DenoisingStep
from gmstudio.nn.ema import MovingAverage
from gmstudio.protocol.images import ImageSpec


class DiffusionScore:
    """Part of a family that shows the score and the denoising paths of its network.

    Attributes:
        image: specification of the images.
        schedule: of the noise.
        averaged: network that predicts the noise, with averaged weights.
    """

    image: ImageSpec
    schedule: NoiseSchedule
    averaged: MovingAverage

    @property
    def _denoiser(self) -> Denoiser:
        """Network that predicts the noise, with averaged weights."""
        network = self.averaged.copy
        assert isinstance(network, Denoiser)
        return network

    @property
    def num_timesteps(self) -> int:
        """T, steps from the data to noise."""
        return self.schedule.num_timesteps

    def noise_level(self, t: int) -> tuple[float, float]:
        """√ᾱ_t and σ_t = √(1 - ᾱ_t)."""
        return float(self.schedule.signal[t]), float(self.schedule.noise[t])

    def to_states(self, places: Tensor) -> Tensor:
        """Places in [0, 1], see ``insides``, as states: the centres of the first and last cell become -1 and 1."""
        levels = self.image.levels
        return (levels * places - 0.5) * (2.0 / (levels - 1)) - 1.0

    def to_places(self, states: Tensor) -> Tensor:
        """States as places: the inverse of ``to_states``."""
        levels = self.image.levels
        return ((states + 1.0) * (0.5 * (levels - 1)) + 0.5) / levels

    def score(self, states: Tensor, t: int) -> Tensor:
        """∇ log p_t(x_t) = -ε_θ(x_t, t) / σ_t: (B, D) per unit of the states, at states (B, D) of timestep 1 … T.

        Raises:
            ValueError: when t is outside 1 … T.
        """
        self._check_time(t)
        times = torch.full((len(states),), t, dtype=torch.int64, device=states.device)
        predicted: Tensor = self._denoiser(states.view(-1, *self.image.shape), self.schedule.fraction(times))
        return -predicted.flatten(1) / self.schedule.noise[t]

    @torch.no_grad()
    def denoising_paths(
        self, states: Tensor, t: int, steps: int, noise: float, generator: torch.Generator | None = None
    ) -> Iterator[DenoisingStep]:
        """Denoise (B, D) states of timestep t in at most this number of steps, see ``Scored``.

        Raises:
            ValueError: when t is outside 1 … T, or when there are no steps.
        """
        self._check_time(t)
        if steps < 1:
            raise ValueError(f"{steps} denoising steps; there must be at least 1.")
        yield DenoisingStep(t, states, states)
        start = states.view(-1, *self.image.shape)
        for step in denoise(self._denoiser, self.schedule, start, evenly_spaced_times(t, steps), noise, generator):
            yield DenoisingStep(step.t, step.state.flatten(1), step.predicted.flatten(1))

    def _check_time(self, t: int) -> None:
        if not 1 <= t <= self.num_timesteps:
            raise ValueError(f"Timestep {t}; noise is predicted from 1 to {self.num_timesteps}.")
