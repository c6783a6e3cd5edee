r"""The generative adversarial network: a generator trained against a discriminator of real and generated images.

The generator turns noise into an image, x = G(z) with z ~ N(0, I); the discriminator D(x) is the probability that x
is real. The game is

    min_G max_D  E_x[log D(x)] + E_z[log(1 - D(G(z)))].

One step updates D by its loss, then G by its own. The losses are a choice (``adversarial.losses``):
``minimax`` is the game as written; ``non-saturating`` lets G minimize -log D(G(z)), which has the same fixed point but
keeps its gradient while D wins; ``least squares``, ``hinge`` and ``wasserstein`` (with a penalty on the gradient's
norm) replace the logarithms, and D's output is then a score instead of a probability. There is no likelihood; the model
can be judged by its samples and by D only.

Differences from the paper: Adam with β₁ = 0.5 and leaky ReLU in D (Radford et al. 2016, arXiv:1511.06434), Gaussian z,
and Gaussian instance noise on the inputs of D in training (Arjovsky & Bottou 2017, arXiv:1701.04862): the images are
integers and G's output is not, which D would learn to exploit at once. Normalization is per image instead of per batch,
so G(z) depends on z alone. Spectral normalization of D (Miyato et al. 2018, arXiv:1802.05957) and a moving average of
G's weights (Yazıcı et al. 2019, arXiv:1806.04498) are optional.

Source: Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014, arXiv:1406.2661, section 3 and algorithm 1.
Shapes: B batch, C channels, H height, W width, Z latent dimensions, F features.
"""

from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gmstudio.families import published
from gmstudio.families.adversarial.losses import ADVERSARIAL_LOSSES, AdversarialName, gradient_penalty
from gmstudio.families.adversarial.objectives import PROBABILITY, SCORE, objective
from gmstudio.families.base import Family, LossTerms, Phase
from gmstudio.families.diagnostics import Figure
from gmstudio.families.feature_layers import StackFeatures, with_default
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.ema import MovingAverage
from gmstudio.nn.frozen import frozen_parameters
from gmstudio.nn.products import Linear
from gmstudio.nn.stacks import ConvDown, ConvUp, dense_stack, leaky_relu, scaled
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, LatentSpec
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import Metric
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

ADAM_BETAS = (0.5, 0.999)
WASSERSTEIN_BETAS = (0.0, 0.9)
"""Adam's β of Gulrajani et al. 2017, algorithm 1: momentum hurts where the critic's loss keeps changing."""
MAX_IMAGES = 1024
"""Images that ``sample`` generates at a time."""
NUM_BINS = 40


class GANConfig(Struct, frozen=True, kw_only=True):
    """Settings of a generative adversarial network."""

    architecture: Annotated[
        Literal["mlp", "dcgan"],
        field("Architecture", "Dense layers, or strided convolutions in the manner of DCGAN."),
    ] = "mlp"
    objective: Annotated[
        AdversarialName,
        field(
            "Objective",
            "non-saturating: G minimizes -log D(G(z)). minimax: G minimizes log(1 - D(G(z))), whose gradient vanishes "
            "while D wins. least squares: squared distances from 0 and 1. hinge: margins of 1. wasserstein: difference "
            "of mean scores, with a gradient penalty.",
        ),
    ] = "non-saturating"
    num_latent: Annotated[
        int, field("Latent dimensions", "Entries of the code z; one slider each.", ge=1, le=512, unit="dimensions")
    ] = 10
    num_hidden: Annotated[
        int,
        field("Hidden units", "Width of the dense hidden layers (mlp only).", ge=1, le=8192, unit="units", log=True),
    ] = 256
    num_layers: Annotated[
        int,
        field("Hidden layers", "Dense hidden layers of G and of D (mlp only).", ge=1, le=8, unit="layers"),
    ] = 2
    num_channels: Annotated[
        int,
        field(
            "Channels",
            "Channels of the largest feature map, doubled at each halving of the map (dcgan only).",
            ge=1,
            le=256,
            unit="channels",
            log=True,
        ),
    ] = 32
    instance_noise: Annotated[
        float,
        field(
            "Instance noise",
            "Standard deviation of the Gaussian noise added to the inputs of D in training; black to white is 2. It "
            "hides the difference between integer and continuous images: more is more stable, less is sharper, and "
            "binary images need more.",
            ge=0,
            le=2,
            live=True,
        ),
    ] = 0.6
    discriminator_steps: Annotated[
        int,
        field(
            "Discriminator steps",
            "Updates of D before each one of G, each on a batch of its own; wasserstein is usually trained with 5.",
            ge=1,
            le=20,
            unit="updates",
        ),
    ] = 1
    gradient_penalty: Annotated[
        float,
        field(
            "Gradient penalty",
            "Weight of the squared distance of the critic's gradient norm from 1, between real and generated images "
            "(wasserstein only).",
            ge=0,
            le=1000,
            live=True,
        ),
    ] = 10.0
    spectral_norm: Annotated[
        bool,
        field("Spectral norm", "Divide each of D's weight matrices by its largest singular value."),
    ] = False
    ema: Annotated[
        float,
        field(
            "Average of G",
            "Decay of the exponential moving average of G's weights, which samples use; 0: the weights themselves.",
            ge=0,
            le=0.99999,
            advanced=True,
        ),
    ] = 0.0


class Generator(nn.Module):
    """G: codes → images in [-1, 1]."""

    def __init__(self, config: GANConfig, image: ImageSpec) -> None:
        super().__init__()
        layers: list[nn.Module]
        if config.architecture == "mlp":
            sizes = (config.num_latent, config.num_hidden, config.num_layers, image.num_dims)
            layers = [dense_stack(*sizes), nn.Unflatten(1, image.shape)]
        else:
            up = ConvUp(*image.shape, config.num_channels, norm=True)
            layers = [Linear(config.num_latent, up.num_in), up]
        self.layers = nn.Sequential(*layers, nn.Tanh())

    def first(self, z_BZ: Tensor) -> Tensor:
        """(B, Z) → outputs of the first layer (B, F)."""
        first = self.layers[0]
        features: Tensor = first[:2](z_BZ) if isinstance(first, nn.Sequential) else first(z_BZ)
        return features

    def forward(self, z_BZ: Tensor) -> Tensor:
        """(B, Z) → (B, C, H, W)."""
        images: Tensor = self.layers(z_BZ).to(z_BZ.dtype)
        return images


class Critic(nn.Module):
    """D before its sigmoid: images in [-1, 1] → logits."""

    def __init__(self, config: GANConfig, image: ImageSpec) -> None:
        super().__init__()
        if config.architecture == "mlp":
            dense = dense_stack(image.num_dims, config.num_hidden, config.num_layers, 1, leaky_relu)
            self.layers = nn.Sequential(nn.Flatten(1), dense)
        else:
            down = ConvDown(*image.shape, config.num_channels, leaky_relu)
            self.layers = nn.Sequential(down, Linear(down.num_out, 1))
        if config.spectral_norm:
            for module in list(self.modules()):
                if isinstance(module, nn.Linear | nn.Conv2d):
                    spectral_norm(module)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → (B,)."""
        logits: Tensor = self.layers(x_BCHW).to(x_BCHW.dtype).squeeze(1)
        return logits


class GAN(Family):
    """Generative adversarial network (Goodfellow et al. 2014)."""

    Config = GANConfig
    config: GANConfig
    training_defaults: ClassVar[Training] = Training(
        steps=5000, learning_rate=2e-3, schedule="cosine", validate_every=200, sample_every=200, checkpoint_every=1000
    )
    start: ClassVar[Start] = Start(
        data="mnist",
        data_config={"levels": 256},
        config={"instance_noise": 0.3, "ema": 0.995},  # the digits' smaller images need more noise
        training={"learning_rate": 1e-3},
    )
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={
            "num_latent": 4,
            "num_hidden": 64,
            "num_layers": 3,
            "instance_noise": 0.05,  # nearly a cell of 64: black to white is 2
            "discriminator_steps": 3,
            "ema": 0.995,
        },
        training={**SHORT_RUN, "steps": 2000, "batch_size": 128, "learning_rate": 1e-3},
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="gan",
        title="GAN",
        branch=("Implicit density", "Direct"),
        summary=(
            "A generator turns a Gaussian code into an image in one pass; a discriminator learns to distinguish such "
            "images from real ones, and the generator learns to fool it. Samples are sharp, but there is no "
            "likelihood, no encoder, and no single curve that shows progress: the losses only show the "
            "balance of the two networks, and the generator may omit whole classes (mode collapse)."
        ),
        source="Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014, arXiv:1406.2661, section 3, algorithm 1.",
        published=published.GAN,
        objectives=tuple(objective(name) for name in ADVERSARIAL_LOSSES),
    )

    def __init__(self, config: GANConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.latent = LatentSpec(self.config.num_latent, decoded="Generated image G(z)")
        self.generator = Generator(self.config, image)
        self.critic = Critic(self.config, image)
        self.losses = ADVERSARIAL_LOSSES[self.config.objective]
        self.averaged = MovingAverage(self.generator, self.config.ema) if self.config.ema > 0 else None

    # ---- training ------------------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """The discriminator's phase, then the generator's, each with its own parameters."""
        betas = WASSERSTEIN_BETAS if self.config.objective == "wasserstein" else ADAM_BETAS
        return [
            Phase(
                "discriminator",
                list(self.critic.parameters()),
                self.discriminator_loss,
                betas,
                updates_per_step=self.config.discriminator_steps,
            ),
            Phase(
                "generator",
                list(self.generator.parameters()),
                self.generator_loss,
                betas,
                after_update=self._average if self.averaged is not None else None,
            ),
        ]

    def discriminator_loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Loss of D, averaged over the batch; no gradient reaches G.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of z and of the instance noise.

        Returns:
            ``loss``, the mean D(x) ``d_real`` and D(G(z)) ``d_fake`` (probabilities, or scores where the objective has
            no probabilities), and for ``wasserstein`` the ``gradient_penalty``; 0-dim.
        """
        with torch.no_grad():
            real_BCHW = scaled(batch, self.image.levels, next(self.parameters()))
            fake_BCHW = self.generator(self._codes(len(batch), generator))
            both = self._noisy(torch.cat([real_BCHW, fake_BCHW]), generator)
        real_B, fake_B = self.critic(both).chunk(2)
        d_real, d_fake = self.losses.shown(real_B.detach()).mean(), self.losses.shown(fake_B.detach()).mean()
        terms = {"loss": self.losses.discriminator(real_B, fake_B), "d_real": d_real, "d_fake": d_fake}
        if self.config.objective == "wasserstein":
            noisy_real, noisy_fake = both.chunk(2)
            penalty = gradient_penalty(self.critic, noisy_real, noisy_fake, generator)
            terms["loss"] = terms["loss"] + self.config.gradient_penalty * penalty
            terms["gradient_penalty"] = penalty.detach()
        return terms

    def generator_loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Loss of G, averaged over as many new codes as the batch has images.

        Args:
            batch: (B, C, H, W) integers, of which only the number counts.
            generator: source of z and of the instance noise.

        Returns:
            ``loss``, 0-dim; its gradient reaches G only.
        """
        fake_BCHW = self.generator(self._codes(len(batch), generator))
        with frozen_parameters(self.critic):
            logits_B = self.critic(self._noisy(fake_BCHW, generator))
        return {"loss": self.losses.generator(logits_B)}

    def _average(self) -> None:
        """Update the moving average of G."""
        assert self.averaged is not None
        self.averaged.update(self.generator)

    def _shown(self) -> Generator:
        """Generator used for samples."""
        generator = self.generator if self.averaged is None else self.averaged.copy
        assert isinstance(generator, Generator)
        return generator

    def _codes(self, n: int, generator: torch.Generator | None) -> Tensor:
        """Draw from the prior: (n, Z)."""
        like = next(self.parameters())
        return torch.randn(n, self.latent.num_dims, generator=generator, dtype=like.dtype, device=like.device)

    def _noisy(self, x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
        """Images with instance noise, the inputs of D in training."""
        if self.config.instance_noise == 0:
            return x_BCHW
        noise = torch.randn(x_BCHW.shape, generator=generator, dtype=x_BCHW.dtype, device=x_BCHW.device)
        return x_BCHW + self.config.instance_noise * noise

    # ---- exploring -----------------------------------------------------------------------------------------

    def decode(self, z: Tensor) -> Tensor:
        """G(z): (B, Z) codes → (B, C, H, W) in [0, 1]."""
        images: Tensor = self._shown()(z)
        return (0.5 * (images + 1.0)).clamp(0.0, 1.0)

    @property
    def critic_metric(self) -> Metric:
        """D(x), or σ(D(x)) under the objectives in which D is a score."""
        return PROBABILITY if self.losses.is_probability else SCORE

    def discriminate(self, means: Tensor) -> Tensor:
        """D, without instance noise: (B, C, H, W) floats in [0, 1] → (B,) in [0, 1].

        It is the probability of being real for ``minimax`` and ``non-saturating``, and a score mapped to
        0 … 1 by a sigmoid for the other objectives, in which D is not a probability.
        """
        return torch.sigmoid(self.critic(2.0 * means - 1.0))

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """D's hidden layers, the last one the default; see ``LayeredFeatures``."""
        layers = self._critic_stack().layers("discriminator")
        return with_default(layers, layers[-1].name)

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        return self._critic_stack().values(scaled(x, self.image.levels, next(self.parameters())), layer)

    def _critic_stack(self) -> StackFeatures:
        return StackFeatures(self.critic, next(self.parameters()).new_zeros(1, *self.image.shape))

    def first_features(self, z: Tensor) -> Tensor:
        """Outputs of G's first layer: (B, Z) codes → (B, F), after its nonlinearity where it has one of its own."""
        return self._shown().first(z)

    @torch.no_grad()
    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """D's output on real and on generated images, without instance noise, as a histogram."""
        real = scaled(batch, self.image.levels, next(self.parameters()))
        fake = self.generator(self._codes(len(batch), generator))
        outputs = self.losses.shown(torch.stack([self.critic(real), self.critic(fake)])).float()
        low, high = (0.0, 1.0) if self.losses.is_probability else (float(outputs.min()), float(outputs.max()))
        high = max(high, low + 1e-3)
        counts = torch.stack([torch.histc(row, NUM_BINS, low, high) for row in outputs.cpu()])
        return (
            Figure(
                kind="histogram",
                name="discriminator_outputs",
                title="D on real and generated images",
                help="Far apart: D distinguishes them well, and G may learn little. Equal: D cannot distinguish them.",
                series=("real", "generated"),
                edges=torch.linspace(low, high, NUM_BINS + 1),
                values=counts,
            ),
        )

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """G(z) for z ~ N(0, I), rounded to the nearest level: (n, C, H, W) uint8."""
        pieces = torch.split(self._codes(n, generator), MAX_IMAGES)
        means = torch.cat([self.decode(z_BZ) for z_BZ in pieces])
        return (means * (self.image.levels - 1)).round().to(torch.uint8)
