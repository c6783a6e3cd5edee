"""Codes of a diffusion model: the noise x_T, from which deterministic sampling (DDIM, η = 0) makes the image.

Source: Song, Meng & Ermon 2021, Denoising diffusion implicit models, arXiv:2010.02502, section 4.3.

Shapes: B batch, C channels, H height, W width, D = C·H·W.
"""

import copy
from collections.abc import Iterator
from typing import Self

from msgspec.structs import replace
from torch import Tensor

from gmstudio.families.diffusion.process import evenly_spaced_times
from gmstudio.families.diffusion.sampler_config import DDPMDecoder
from gmstudio.families.diffusion.samplers import denoise, intensities, noised_back
from gmstudio.families.diffusion.score import DiffusionScore
from gmstudio.nn.stacks import scaled


class NoiseCodes(DiffusionScore):
    """Part of a diffusion model that decodes noise and encodes images; see ``SteppedDecoder``.

    Attributes:
        decoder: settings of decoding.
    """

    decoder: DDPMDecoder

    def decode(self, z: Tensor) -> Tensor:
        """Decode noise x_T: (B, D) → the image of deterministic sampling in few steps, (B, C, H, W) in [0, 1]."""
        *_, image = self.decode_pieces(z)
        assert image is not None
        return image

    def decode_pieces(self, z: Tensor) -> Iterator[Tensor | None]:
        """Yield None after each step but the last, then the images of ``decode``."""
        state = z.view(-1, *self.image.shape)
        times = self._decode_times()
        for step in denoise(self._denoiser, self.schedule, state, times, eta=0.0):
            yield intensities(step.state) if step.t == 0 else None

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) integers → (B, D) codes x_T by DDIM inversion; ``decode`` approximately gives the images back.

        The fewer steps, the longer each is, and ``decode`` clamps predicted images to [-1, 1], which has no inverse.
        """
        x0_BCHW = scaled(x, self.image.levels, self.schedule.signal)
        return noised_back(self._denoiser, self.schedule, x0_BCHW, self._decode_times()).flatten(1)

    @property
    def num_decode_steps(self) -> int:
        """Steps from a code to its image."""
        return len(self._decode_times()) - 1

    def with_decode_steps(self, steps: int) -> Self:
        """The same model, sharing all weights, that decodes in another number of steps."""
        view = copy.copy(self)
        view.decoder = replace(self.decoder, steps=steps)
        return view

    def preview_text(self, steps: int) -> str:
        """The image decoded in fewer steps, in words: ``2 of 50 DDIM steps``."""
        return f"{steps} of {self.num_decode_steps} DDIM steps"

    def _decode_times(self) -> list[int]:
        return evenly_spaced_times(self.schedule.num_timesteps, self.decoder.steps)
