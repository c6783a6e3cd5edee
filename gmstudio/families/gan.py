r"""The generative adversarial network: a generator trained against a discriminator of real and generated images.

The generator turns noise into an image, x = G(z) with z ~ N(0, I); the discriminator D(x) is the probability that x
is real. Both play

    min_G max_D  E_x[log D(x)] + E_z[log(1 - D(G(z)))].

One step moves D down its loss -log D(x) - log(1 - D(G(z))), then G down its own: ``minimax`` is log(1 - D(G(z))) as in
the game; ``non-saturating`` is -log D(G(z)), which has the same fixed point but keeps its gradient while D wins. There
is no likelihood: samples and D are all there is to look at.

Differences from the paper: Adam with β₁ = 0.5 and leaky ReLU in D (Radford et al. 2016, arXiv:1511.06434), Gaussian z,
and Gaussian instance noise on what D sees in training (Arjovsky & Bottou 2017, arXiv:1701.04862): the images are
integers and G's output is not, which D would learn at once. Normalization is per image instead of per batch, so G(z)
depends on z alone.

Source: Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014, arXiv:1406.2661, section 3 and algorithm 1.
Shapes: B batch, C channels, H height, W width, Z latent dimensions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.cards import FamilyCard, ImageSpec, LatentSpec, Objective, Term, Training, field
from gmstudio.families.base import Family, LossTerms, Phase
from gmstudio.nn.stacks import ConvDown, ConvUp, dense_stack, leaky_relu, scaled

ADAM_BETAS = (0.5, 0.999)
MAX_IMAGES = 1024
"""Images that ``sample`` generates at a time."""


class GANConfig(Struct, frozen=True, kw_only=True):
    """Settings of a generative adversarial network."""

    architecture: Annotated[
        Literal["mlp", "dcgan"],
        field("Architecture", "Dense layers, or strided convolutions in the manner of DCGAN."),
    ] = "mlp"
    objective: Annotated[
        Literal["non-saturating", "minimax"],
        field(
            "Generator objective",
            "non-saturating: minimize -log D(G(z)). minimax: minimize log(1 - D(G(z))), whose gradient "
            "vanishes while the discriminator wins.",
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
            "Standard deviation of the Gaussian noise added to real and generated images before D sees them in "
            "training; black to white is 2. It keeps D from telling integers from fractions: more is steadier, less is "
            "sharper, and binary images need more.",
            ge=0,
            le=2,
        ),
    ] = 0.6


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
            layers = [nn.Linear(config.num_latent, up.num_in), up]
        self.layers = nn.Sequential(*layers, nn.Tanh())

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
            self.layers = nn.Sequential(down, nn.Linear(down.num_out, 1))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → (B,)."""
        logits: Tensor = self.layers(x_BCHW).to(x_BCHW.dtype).squeeze(1)
        return logits


_D_LOSS = (
    r"\mathcal{L}_D = -\mathbb{E}_{x}\left[\log D(x)\right] - \mathbb{E}_{z}\left[\log\left(1 - D(G(z))\right)\right]"
)


def _objective(name: str, latex: str, help_generator: str) -> Objective:
    """The game with one of the generator's losses."""
    terms = (
        Term(
            "discriminator_loss",
            r"\mathcal{L}_D",
            "Cross-entropy of telling real from generated; 2 log 2 = 1.386 when D can only guess.",
            unit="nats",
        ),
        Term("generator_loss", r"\mathcal{L}_G", help_generator, unit="nats"),
        Term("d_real", r"D(x)", "Mean probability that D gives to real images of being real.", unit="probability"),
        Term("d_fake", r"D(G(z))", "Mean probability that D gives to generated images of being real.", "probability"),
    )
    return Objective(_D_LOSS + r",\quad " + latex, terms, when={"objective": name})


class GAN(Family):
    """Generative adversarial network (Goodfellow et al. 2014)."""

    Config = GANConfig
    config: GANConfig
    training_defaults: ClassVar[Training] = Training(
        steps=5000,
        batch_size=64,
        learning_rate=2e-3,
        schedule="cosine",
        validate_every=200,
        sample_every=200,
        checkpoint_every=1000,
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="gan",
        title="GAN",
        branch=("Implicit density", "Direct"),
        summary=(
            "A generator turns a Gaussian code into an image in one pass; a discriminator learns to tell such images "
            "from real ones, and the generator learns to fool it. Samples are sharp, but there is no likelihood, no "
            "encoder, and no single curve that shows progress: the losses only say who is ahead, and the generator "
            "may forget whole classes (mode collapse)."
        ),
        source="Goodfellow et al., Generative Adversarial Nets, NeurIPS 2014, arXiv:1406.2661, section 3, algorithm 1.",
        objectives=(
            _objective(
                "non-saturating",
                r"\mathcal{L}_G = -\mathbb{E}_{z}\left[\log D(G(z))\right]",
                "Surprise of D at taking generated images for real; log 2 = 0.693 when D can only guess.",
            ),
            _objective(
                "minimax",
                r"\mathcal{L}_G = \mathbb{E}_{z}\left[\log\left(1 - D(G(z))\right)\right]",
                "The generator's share of the game's value; -log 2 = -0.693 when D can only guess, 0 when D wins.",
            ),
        ),
    )

    def __init__(self, config: GANConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.latent = LatentSpec(self.config.num_latent)
        self.generator = Generator(self.config, image)
        self.critic = Critic(self.config, image)

    # ---- training ------------------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """The discriminator's phase, then the generator's, each with its own parameters."""
        return [
            Phase("discriminator", list(self.critic.parameters()), self.discriminator_loss, ADAM_BETAS),
            Phase("generator", list(self.generator.parameters()), self.generator_loss, ADAM_BETAS),
        ]

    def discriminator_loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """-log D(x) - log(1 - D(G(z))), averaged over the batch; no gradient reaches G.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of z and of the instance noise.

        Returns:
            ``loss`` in nats, and the mean D(x) ``d_real`` and D(G(z)) ``d_fake``, 0-dim.
        """
        with torch.no_grad():
            real_BCHW = scaled(batch, self.image.levels, next(self.parameters()))
            fake_BCHW = self.generator(self._codes(len(batch), generator))
            both = self._noisy(torch.cat([real_BCHW, fake_BCHW]), generator)
        real_B, fake_B = self.critic(both).chunk(2)
        loss = functional.softplus(-real_B).mean() + functional.softplus(fake_B).mean()
        d_real, d_fake = torch.sigmoid(real_B.detach()).mean(), torch.sigmoid(fake_B.detach()).mean()
        return {"loss": loss, "d_real": d_real, "d_fake": d_fake}

    def generator_loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """-log D(G(z)) or log(1 - D(G(z))), averaged over as many new codes as the batch has images.

        Args:
            batch: (B, C, H, W) integers, of which only the number counts.
            generator: source of z and of the instance noise.

        Returns:
            ``loss``, 0-dim, nats; its gradient reaches G only.
        """
        fake_BCHW = self.generator(self._codes(len(batch), generator))
        with _frozen(self.critic):
            logits_B = self.critic(self._noisy(fake_BCHW, generator))
        if self.config.objective == "minimax":
            return {"loss": functional.logsigmoid(-logits_B).mean()}
        return {"loss": -functional.logsigmoid(logits_B).mean()}

    def _codes(self, n: int, generator: torch.Generator | None) -> Tensor:
        """Draw from the prior: (n, Z)."""
        like = next(self.parameters())
        return torch.randn(n, self.latent.num_dims, generator=generator, dtype=like.dtype, device=like.device)

    def _noisy(self, x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
        """Images as D sees them in training."""
        if self.config.instance_noise == 0:
            return x_BCHW
        noise = torch.randn(x_BCHW.shape, generator=generator, dtype=x_BCHW.dtype, device=x_BCHW.device)
        return x_BCHW + self.config.instance_noise * noise

    # ---- exploring -----------------------------------------------------------------------------------------

    def decode(self, z: Tensor) -> Tensor:
        """G(z): (B, Z) codes → (B, C, H, W) in [0, 1]."""
        images: Tensor = self.generator(z)
        return (0.5 * (images + 1.0)).clamp(0.0, 1.0)

    def discriminate(self, means: Tensor) -> Tensor:
        """D, without instance noise: (B, C, H, W) floats in [0, 1] → (B,) probability of being real."""
        return torch.sigmoid(self.critic(2.0 * means - 1.0))

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """G(z) for z ~ N(0, I), rounded to the nearest level: (n, C, H, W) uint8."""
        pieces = torch.split(self._codes(n, generator), MAX_IMAGES)
        means = torch.cat([self.decode(z_BZ) for z_BZ in pieces])
        return (means * (self.image.levels - 1)).round().to(torch.uint8)


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """What is computed inside passes gradients through the module, but none to its parameters."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
