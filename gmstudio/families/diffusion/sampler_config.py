"""Settings of a diffusion model's samplers: they belong to sampling, and a trained model takes any of them.

Source: Song, Meng & Ermon 2021, Denoising diffusion implicit models, arXiv:2010.02502, equations 12 and 16.
"""

from typing import Annotated, Literal

from msgspec import Struct

from gmstudio.protocol.config import field


class DDPMSampler(Struct, frozen=True, kw_only=True):
    """Settings of sampling."""

    sampler: Annotated[
        Literal["ddpm", "ddim"],
        field(
            "Sampler",
            "DDPM: ancestral sampling, each step adds the noise of the posterior (η = 1). DDIM: each step adds η times "
            "as much; with η = 0 the image depends on x_T alone.",
            labels={"ddpm": "DDPM (ancestral)", "ddim": "DDIM"},
        ),
    ] = "ddpm"
    eta: Annotated[
        float,
        field(
            "η",
            "Noise that a step of DDIM adds, relative to DDPM: 0 is deterministic.",
            ge=0,
            le=1,
            when={"sampler": "ddim"},
        ),
    ] = 0.0
    steps: Annotated[
        int,
        field(
            "Sampling steps",
            "Denoising steps of a sample; fewer than the model's timesteps skip some of them.",
            ge=1,
            le=4000,
            unit="steps",
            log=True,
            use="samples",
        ),
    ] = 50
    shown: Annotated[
        Literal["x_t", "x_0"],
        field(
            "Frames show",
            "The noisy image x_t, or the image x̂₀ that the network predicts from it.",
            labels={"x_t": "noisy image x_t", "x_0": "predicted image x̂₀"},
            use="trajectories",
        ),
    ] = "x_t"

    @property
    def noise(self) -> float:
        """η of equation 16: noise of a step relative to that of q(x_{t-1}|x_t, x_0)."""
        return 1.0 if self.sampler == "ddpm" else self.eta


class DDPMDecoder(Struct, frozen=True, kw_only=True):
    """Settings of decoding: deterministic sampling (DDIM, η = 0), for which x_T is the code of its image."""

    steps: Annotated[
        int,
        field(
            "DDIM steps",
            "Deterministic steps from a code x_T to its image: few, so that an image follows a slider at once.",
            ge=1,
            le=4000,
            unit="steps",
            log=True,
        ),
    ] = 4
