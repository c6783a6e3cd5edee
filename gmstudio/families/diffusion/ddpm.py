r"""The denoising diffusion model: noise is added to an image step by step, and a network learns to remove it.

The forward process mixes an image with Gaussian noise, x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε, until hardly any signal is left
at t = T. The model runs backwards from x_T ~ N(0, I): a network predicts the noise, ε_θ(x_t, t), which gives the
estimate x̂_0 of the image, and

    p(x_{t-1}|x_t) = N(μ̃_t(x_t, x̂_0), β̃_t I) for t > 1,    p(x_0|x_1) = Π_i ∫_bin N(x̂_{0,i}, β_1),

the last one integrated over each level's bin, so that it is a probability of the integer image. The variational bound

    -log p(x_0) ≤ KL(q(x_T|x_0) ‖ N(0, I)) + Σ_{t>1} KL(q(x_{t-1}|x_t, x_0) ‖ p(x_{t-1}|x_t)) - E[log p(x_0|x_1)]

is a weighted sum of E‖x_0 - x̂_0‖² over t; training on E‖ε - ε_θ‖² (``simple``) gives better samples, on the bound
better likelihoods. Sampling may skip timesteps (DDIM): with η = 0 an image depends on the noise x_T alone, so that x_T
is its code; with η = 1 and all timesteps it is ancestral sampling.

Differences from the paper: a smaller U-Net, or dense layers for points; β_1 as the variance of the last step; timesteps
of a batch are stratified; for few levels the first step adds more noise than the schedule, in proportion to the levels'
distance; samples, codes and bounds use a running average of the weights, as there, and so does validation.

Source: Ho, Jain & Abbeel, Denoising Diffusion Probabilistic Models, NeurIPS 2020, arXiv:2006.11239, sections 2 and 3;
Song, Meng & Ermon, Denoising Diffusion Implicit Models, ICLR 2021, arXiv:2010.02502, section 4; Nichol & Dhariwal 2021,
arXiv:2102.09672, section 3.2 (cosine schedule).
Shapes: B batch, C channels, H height, W width, D = C·H·W, T timesteps, N draws.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Struct
from torch import Tensor

from gmstudio.families import published
from gmstudio.families.base import Family, LossTerms, Phase, TrajectoryStep
from gmstudio.families.diagnostics import Figure
from gmstudio.families.diffusion.bound import DiffusionBound
from gmstudio.families.diffusion.bound_scoring import BoundScoring
from gmstudio.families.diffusion.decoding import NoiseCodes
from gmstudio.families.diffusion.figures import denoised_figure, error_figure
from gmstudio.families.diffusion.network_features import NetworkFeatures
from gmstudio.families.diffusion.networks import build_network, widest_activation
from gmstudio.families.diffusion.objectives import AVERAGED_LOSS, BOUND, SIMPLE
from gmstudio.families.diffusion.process import (
    NoiseSchedule,
    ScheduleKind,
    evenly_spaced_times,
    standard_noise,
    stratified_times,
)
from gmstudio.families.diffusion.sampler_config import DDPMDecoder, DDPMSampler
from gmstudio.families.diffusion.samplers import denoise, denoised, intensities
from gmstudio.families.diffusion.trajectory import denoising_trajectory
from gmstudio.nn.ema import MovingAverage
from gmstudio.nn.stacks import scaled
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, LatentSpec, TrajectoryCard
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

MAX_FLOATS = 2**22
"""Floats of one activation that scoring and sampling hold at a time; larger batches are computed in chunks."""
DEFAULT_SAMPLER = DDPMSampler()
CHAIN_DEPTH = 0.5
FIRST_HALF_BINS = 0.4
"""Least standard deviation of the first step's noise, in units of half the distance between two levels."""


class DDPMConfig(Struct, frozen=True, kw_only=True):
    """Settings of a denoising diffusion model."""

    num_timesteps: Annotated[
        int,
        field("Timesteps", "T, steps from the image to noise.", ge=2, le=4000, unit="steps", log=True),
    ] = 500
    schedule: Annotated[
        ScheduleKind,
        field("Noise schedule", "linear: β rises linearly, as in the paper. cosine: gentler at both ends."),
    ] = "cosine"
    weighting: Annotated[
        Literal["simple", "bound"],
        field(
            "Weighting",
            "simple: the squared error of the noise, all timesteps alike; better samples. bound: as the variational "
            "bound weights them; better likelihoods, noisier training.",
        ),
    ] = "simple"
    network: Annotated[
        Literal["unet", "dense"],
        field(
            "Network",
            "U-Net: convolutions at several resolutions. dense: layers over the flattened image, for points and small "
            "images.",
            labels={"unet": "U-Net"},
        ),
    ] = "unet"
    num_hidden: Annotated[
        int,
        field(
            "Hidden units",
            "Width of the dense layers.",
            ge=1,
            le=8192,
            unit="units",
            log=True,
            when={"network": "dense"},
        ),
    ] = 128
    num_layers: Annotated[
        int,
        field(
            "Residual layers",
            "Residual blocks of two dense layers each.",
            ge=1,
            le=32,
            unit="blocks",
            when={"network": "dense"},
        ),
    ] = 3
    num_channels: Annotated[
        int,
        field(
            "Channels",
            "Channels of the U-Net at the image's size; twice as many below.",
            ge=4,
            le=512,
            unit="channels",
            log=True,
            when={"network": "unet"},
        ),
    ] = 24
    num_blocks: Annotated[
        int,
        field(
            "Residual blocks",
            "At each resolution, on the way down and on the way up.",
            ge=1,
            le=8,
            unit="blocks",
            when={"network": "unet"},
        ),
    ] = 1
    num_scales: Annotated[
        int,
        field(
            "Resolutions",
            "How often the U-Net halves the image, plus one; fewer where a side would fall below 4.",
            ge=1,
            le=7,
            unit="resolutions",
            when={"network": "unet"},
        ),
    ] = 3
    attention: Annotated[
        bool,
        field("Attention", "Self-attention between all positions at the lowest resolution.", when={"network": "unet"}),
    ] = True
    ema: Annotated[
        float,
        field(
            "EMA decay",
            "Decay of the exponential moving average of the weights, which samples use; 0: the weights themselves.",
            ge=0,
            le=0.99999,
        ),
    ] = 0.995


class DDPM(BoundScoring, NoiseCodes, NetworkFeatures, Family):
    """Denoising diffusion probabilistic model (Ho et al. 2020)."""

    Config = DDPMConfig
    SamplerConfig = DDPMSampler
    DecoderConfig = DDPMDecoder
    former_settings = ("sampling_steps", "eta", "decode_steps")
    config: DDPMConfig
    decoder: DDPMDecoder
    training_defaults: ClassVar[Training] = Training(
        steps=2000,
        batch_size=64,
        learning_rate=3e-3,
        schedule="cosine",
        warmup=100,
        grad_clip=1.0,
        validate_every=100,
        sample_every=250,
        checkpoint_every=1000,
    )
    start_on_points: ClassVar[Start] = Start(
        data="points",
        config={"network": "dense", "num_timesteps": 100, "num_layers": 2},
        training={
            "steps": 1500,
            "batch_size": 256,
            "learning_rate": 1e-2,
            "validate_every": 500,
            "sample_every": 500,
        },
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="ddpm",
        title="Diffusion (DDPM)",
        branch=("Explicit density", "Approximate density", "Variational"),
        beside=True,
        summary=(
            "Noise is added to an image in many small steps, and a network learns to undo each. Sampling starts from "
            "noise and denoises. A latent-variable model whose encoder is fixed: it has a variational bound on "
            "log p(x), but is mostly trained on an unweighted form of it. Not in Goodfellow's (2016) "
            "taxonomy; placed here because it optimizes a variational bound."
        ),
        source=(
            "Ho, Jain & Abbeel, Denoising Diffusion Probabilistic Models, NeurIPS 2020, arXiv:2006.11239, sections 2 "
            "and 3; sampling with fewer steps: Song, Meng & Ermon, ICLR 2021, arXiv:2010.02502, section 4."
        ),
        published=published.DDPM,
        objectives=(SIMPLE, BOUND),
        trajectory=TrajectoryCard(
            steps="Denoising steps",
            axis="t",
            shown="Shown: the noisy image x_t, or the image x̂₀ predicted from it, as the sampler's settings say.",
            from_images="Images are noised to timestep t = number of steps, then denoised step by step.",
            default_steps=50,
            image_position=0,
        ),
    )

    def __init__(self, config: DDPMConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        config = self.config
        self.latent = LatentSpec(image.num_dims, symbol="x_T", decoded="DDIM sample from x_T")
        self.schedule = NoiseSchedule(config.num_timesteps, config.schedule, FIRST_HALF_BINS / (image.levels - 1))
        self.network = build_network(config, image)
        self.averaged = MovingAverage(self.network, config.ema)

    # ---- training ------------------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """One phase for the network; the moving average is updated after each update."""
        parameters = list(self.network.parameters())
        return [Phase("model", parameters, self.loss, after_update=lambda: self.averaged.update(self.network))]

    def loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Error of the predicted noise at one timestep per image, averaged over the batch.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of t and ε.

        Returns:
            ``loss``: mean squared error, or nats per image where the bound weights it, and then ``squared_error``.
            In evaluation mode ``averaged_loss``, too, for the same t and ε: of the averaged weights, predicted images
            clamped to [-1, 1] as in sampling; the loss's are not, which keeps their gradient and makes it looser.
        """
        x0_BCHW = scaled(batch, self.image.levels, self._like())
        t_B = stratified_times(len(batch), 1, self.config.num_timesteps, self.device, generator)
        eps_BCHW = standard_noise(x0_BCHW, generator)
        xt_BCHW = self.schedule.noised(x0_BCHW, t_B, eps_BCHW)
        terms: LossTerms = {}
        for network in (self.network,) if self.training else (self.network, self.averaged):
            predicted = network(xt_BCHW, self.schedule.fraction(t_B))
            error = value = (eps_BCHW - predicted).square().mean()
            is_averaged = network is self.averaged
            if self.config.weighting == "bound":
                image_BCHW = self.schedule.predicted_x0(xt_BCHW, t_B, predicted)
                image_BCHW = image_BCHW.clamp(-1.0, 1.0) if is_averaged else image_BCHW
                bound = DiffusionBound(self.schedule, network, self.image.levels)
                value = bound.of_prediction(batch, x0_BCHW, image_BCHW, t_B).mean()
                terms.setdefault("squared_error", error)
            terms[AVERAGED_LOSS if is_averaged else "loss"] = value
        return terms

    def _like(self) -> Tensor:
        return next(self.parameters())

    def _max_rows(self) -> int:
        """Largest number of images in one pass through the network."""
        return max(1, MAX_FLOATS // widest_activation(self.config, self.image))

    # ---- sampling ------------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample_pieces(
        self, n: int, generator: torch.Generator | None = None, sampler: DDPMSampler = DEFAULT_SAMPLER
    ) -> Iterator[Tensor | None]:
        """Yield None after each denoising step, then the images of ``sample``."""
        times = evenly_spaced_times(self.config.num_timesteps, sampler.steps)
        x_BCHW = torch.randn(n, *self.image.shape, generator=generator, device=self.device)
        done = []
        for state in torch.split(x_BCHW, self._max_rows()):
            last = state
            for step in denoise(self._denoiser, self.schedule, state, times, sampler.noise, generator):
                last = step.state
                yield None
            done.append(self._levels(last))
        yield torch.cat(done)

    def sample(
        self, n: int, generator: torch.Generator | None = None, sampler: DDPMSampler = DEFAULT_SAMPLER
    ) -> Tensor:
        """Denoise x_T ~ N(0, I), which is drawn first, as the sampler says: (n, C, H, W) uint8, the nearest levels."""
        *_, images = self.sample_pieces(n, generator, sampler)
        assert images is not None
        return images

    def _levels(self, x_BCHW: Tensor) -> Tensor:
        """The nearest levels of images in [-1, 1]: uint8."""
        return (intensities(x_BCHW) * (self.image.levels - 1)).round().to(torch.uint8)

    # ---- exploring -----------------------------------------------------------------------------------------

    @torch.no_grad()
    def chain(self, x: Tensor, generator: torch.Generator | None = None) -> Iterator[Tensor]:
        """A Markov chain over images: each transition adds noise up to half of the timesteps and denoises again.

        With exact denoising in as many steps as there are timesteps, the distribution of images would be stationary,
        because the chain draws x_t and x_0 from their conditionals in turn.

        Args:
            x: (B, C, H, W) integers to start from.
            generator: source of all noise.

        Returns:
            An endless generator of (B, C, H, W) uint8 levels.
        """
        depth = max(1, round(CHAIN_DEPTH * self.config.num_timesteps))
        times = evenly_spaced_times(depth, max(1, round(CHAIN_DEPTH * DEFAULT_SAMPLER.steps)))
        while True:
            noisy = self._noised(x, depth, generator)
            x = self._levels(denoised(self._denoiser, self.schedule, noisy, times, 1.0, generator))
            yield x

    @torch.no_grad()
    def trajectory(
        self,
        x: Tensor | None,
        n: int,
        steps: int,
        generator: torch.Generator | None = None,
        sampler: DDPMSampler = DEFAULT_SAMPLER,
    ) -> Iterator[TrajectoryStep]:
        """Denoising step by step.

        Args:
            x: (n, C, H, W) integers, which are noised to depth t = ``steps`` (at most T) and denoised one timestep at a
                time; None starts from noise at t = T and denoises it in at most this number of steps.
            n: number of images.
            steps: number of steps, or the depth.
            generator: source of all noise; x_T is drawn first, so that it is the same for every sampler.
            sampler: the noise of the steps, and whether x_t or the predicted image is shown; its own number of steps
                is not used.

        Returns:
            A generator of steps ``t = 431``, down to ``t = 0``; the metrics are the standard deviation of the
            noise and the change of the predicted image (root mean square, black to white is 1).
        """
        depth = self.config.num_timesteps if x is None else min(steps, self.config.num_timesteps)
        if x is None:
            state = torch.randn(n, *self.image.shape, generator=generator, device=self.device)
        else:
            state = self._noised(x, depth, generator)
        times = evenly_spaced_times(depth, steps)
        yield from denoising_trajectory(self._denoiser, self.schedule, state, times, sampler, generator)

    def trajectory_steps(self, steps: int, *, from_images: bool) -> int:
        """As many as asked for, at most T."""
        return min(steps, self.config.num_timesteps)

    def _noised(self, x: Tensor, t: int, generator: torch.Generator | None) -> Tensor:
        """x_t of integer images."""
        x0_BCHW = scaled(x, self.image.levels, self._like())
        times = torch.full((len(x),), t, dtype=torch.int64, device=self.device)
        return self.schedule.noised(x0_BCHW, times, standard_noise(x0_BCHW, generator))

    @torch.no_grad()
    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """Predictions from several noise levels, and the error by timestep."""
        images = scaled(batch, self.image.levels, self._like())
        return (
            denoised_figure(self._denoiser, self.schedule, images, generator),
            error_figure(self._denoiser, self.schedule, images, generator),
        )
