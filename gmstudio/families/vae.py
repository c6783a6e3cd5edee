r"""The variational autoencoder: a latent-variable model trained through a learned approximate posterior.

An image is made in two steps, z ~ N(0, I) and x ~ p(x|z), where a decoder network computes p(x|z). The marginal
p(x) = ∫ p(x|z) p(z) dz has no closed form, so an encoder network proposes q(z|x) = N(μ(x), diag σ²(x)), and training
maximizes the evidence lower bound

    log p(x) ≥ E_q[log p(x|z)] - KL(q(z|x) ‖ p(z)),    KL_j = (μ_j² + σ_j² - 1) / 2 - log σ_j,

with z = μ(x) + σ(x) ⊙ ε, ε ~ N(0, I), so that the gradient passes through the sampling. The gap of the bound is
KL(q(z|x) ‖ p(z|x)); k importance-weighted draws close it (Burda et al. 2016).

Differences from the paper: Adam instead of AdaGrad, ReLU instead of tanh, and a categorical decoder for images of more
than 2 levels, so that log p is always of the integer image. ``beta`` weights the KL in training (Higgins et al. 2017);
``elbo`` always uses 1.

Source: Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, arXiv:1312.6114, sections 2.3, 3, appendices B, C.
Shapes: B batch, C channels, H height, W width, F features per sub-pixel, Z latent dimensions, K posterior draws.
"""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Struct
from torch import Tensor, nn

from gmstudio.cards import FamilyCard, ImageSpec, LatentSpec, Objective, Term, Training, field
from gmstudio.families.base import Family, LossTerms, Phase
from gmstudio.nn.likelihoods import pixel_likelihood
from gmstudio.nn.stacks import ConvDown, ConvUp, dense_stack, scaled, subpixel_features

MAX_FLOATS = 2**22
"""Floats of one activation that scoring and sampling hold at a time; more is done in chunks."""


class VAEConfig(Struct, frozen=True, kw_only=True):
    """Settings of a variational autoencoder."""

    architecture: Annotated[
        Literal["mlp", "conv"],
        field("Architecture", "Dense layers, or strided convolutions with one dense layer next to the code."),
    ] = "mlp"
    num_latent: Annotated[
        int, field("Latent dimensions", "Entries of the code z; one slider each.", ge=1, le=512, unit="dimensions")
    ] = 10
    num_hidden: Annotated[
        int, field("Hidden units", "Width of the dense hidden layers.", ge=1, le=8192, unit="units", log=True)
    ] = 512
    num_layers: Annotated[
        int,
        field("Hidden layers", "Dense hidden layers of encoder and of decoder (mlp only).", ge=1, le=8, unit="layers"),
    ] = 1
    num_channels: Annotated[
        int,
        field(
            "Channels",
            "Channels of the largest feature map, doubled at each halving of the map (conv only).",
            ge=1,
            le=256,
            unit="channels",
            log=True,
        ),
    ] = 32
    beta: Annotated[
        float,
        field(
            "β",
            "Weight of the KL term in training. 1 is the bound on log p; more asks for codes nearer the prior, "
            "less for better reconstructions.",
            ge=0,
            le=1000,
        ),
    ] = 1.0


class Encoder(nn.Module):
    """q(z|x): images in [-1, 1] → mean and log variance."""

    def __init__(self, config: VAEConfig, image: ImageSpec) -> None:
        super().__init__()
        outputs = 2 * config.num_latent
        if config.architecture == "mlp":
            dense = dense_stack(image.num_dims, config.num_hidden, config.num_layers, outputs)
            self.layers = nn.Sequential(nn.Flatten(1), dense)
        else:
            down = ConvDown(*image.shape, config.num_channels)
            self.layers = nn.Sequential(down, dense_stack(down.num_out, config.num_hidden, 1, outputs))

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) → μ and log σ², each (B, Z)."""
        mean_BZ, log_var_BZ = self.layers(x_BCHW).to(x_BCHW.dtype).chunk(2, dim=1)
        return mean_BZ, log_var_BZ


class Decoder(nn.Module):
    """p(x|z): codes → features of each sub-pixel's distribution."""

    def __init__(self, config: VAEConfig, image: ImageSpec, num_features: int) -> None:
        super().__init__()
        self.image = image
        channels, height, width = image.shape
        self.conv = config.architecture == "conv"
        if self.conv:
            up = ConvUp(channels * num_features, height, width, config.num_channels)
            self.layers = nn.Sequential(dense_stack(config.num_latent, config.num_hidden, 1, up.num_in), up)
        else:
            outputs = image.num_dims * num_features
            self.layers = dense_stack(config.num_latent, config.num_hidden, config.num_layers, outputs)

    def forward(self, z_BZ: Tensor) -> Tensor:
        """(B, Z) → (B, C, H, W, F)."""
        out = self.layers(z_BZ).to(z_BZ.dtype)
        return subpixel_features(out, self.image.channels) if self.conv else out.unflatten(1, (*self.image.shape, -1))


def _terms(beta: float | None) -> tuple[Term, ...]:
    bound = beta == 1.0
    help_loss = (
        "What is minimized: the negative evidence lower bound, at least -log p(x)."
        if bound
        else "What is minimized: reconstruction plus β times KL; a bound on -log p(x) only for β ≥ 1, and a loose one."
    )
    return (
        Term("loss", r"\mathcal{L}", help_loss, unit="nats", per_image_nats=bound),
        Term(
            "reconstruction",
            r"-\mathbb{E}_{q}\left[\log p_\theta(x|z)\right]",
            "How badly images are told from their codes: the negative log-likelihood of the image given a code drawn "
            "from its posterior.",
            unit="nats",
        ),
        Term(
            "kl",
            r"D_{KL}\left(q_\phi(z|x)\,\|\,p(z)\right)",
            "How much the codes tell: the divergence of the posterior from the standard normal prior.",
            unit="nats",
        ),
    )


class VAE(Family):
    """Variational autoencoder (Kingma & Welling 2014)."""

    Config = VAEConfig
    config: VAEConfig
    training_defaults: ClassVar[Training] = Training(
        steps=1500,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        checkpoint_every=1000,  # steps are quick: writing one to the disk takes as long as fifty of them
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="vae",
        title="VAE",
        branch=("Explicit density", "Approximate density", "Variational"),
        summary=(
            "A decoder turns a Gaussian code into an image; an encoder guesses which codes an image may have come "
            "from. Both are trained together on a lower bound of log p(x), so what is reported is a bound, not the "
            "likelihood. Pixels are independent given the code: means look smooth or blurred, and samples show "
            "pixel noise."
        ),
        source="Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, arXiv:1312.6114, sections 2 and 3.",
        objectives=(
            Objective(
                r"\mathcal{L} = -\mathbb{E}_{q_\phi(z|x)}\left[\log p_\theta(x|z)\right]"
                r" + D_{KL}\left(q_\phi(z|x)\,\|\,p(z)\right)",
                _terms(1.0),
                when={"beta": 1.0},
            ),
            Objective(
                r"\mathcal{L} = -\mathbb{E}_{q_\phi(z|x)}\left[\log p_\theta(x|z)\right]"
                r" + \beta\, D_{KL}\left(q_\phi(z|x)\,\|\,p(z)\right)",
                _terms(None),
            ),
        ),
    )

    def __init__(self, config: VAEConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.latent = LatentSpec(self.config.num_latent)
        self.likelihood = pixel_likelihood(image.levels)
        self.encoder = Encoder(self.config, image)
        self.decoder = Decoder(self.config, image, self.likelihood.num_features)

    # ---- training ------------------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """One phase that moves encoder and decoder together."""
        return [Phase("model", list(self.parameters()), self.loss)]

    def loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Negative bound with one posterior draw per image, averaged over the batch.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of ε.

        Returns:
            ``loss`` = ``reconstruction`` + β ``kl``, 0-dim, nats per image.
        """
        mean_BZ, log_var_BZ = self._encode(batch)
        z_BZ = mean_BZ + torch.exp(0.5 * log_var_BZ) * _normal(mean_BZ, generator)
        reconstruction = -self.likelihood.log_prob(self.decoder(z_BZ), batch).mean()
        kl = _kl(mean_BZ, log_var_BZ).sum(1).mean()
        return {"loss": reconstruction + self.config.beta * kl, "reconstruction": reconstruction, "kl": kl}

    # ---- scoring -------------------------------------------------------------------------------------------

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
                total_B = total_B + self._log_likelihood(x_BCHW, z_KBZ).sum(0)
            bounds.append(total_B / num_samples - _kl(mean_BZ, log_var_BZ).sum(1))
        return torch.cat(bounds)

    @torch.no_grad()
    def log_prob_estimate(self, x: Tensor, num_samples: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """Importance-weighted estimate log (1/K) Σ_k p(x|z_k) p(z_k) / q(z_k|x), z_k ~ q(z|x).

        In expectation it is a lower bound that rises with K to log p(x). Codes are drawn in chunks, so memory does not
        grow with K.

        Args:
            x: (B, C, H, W) integers.
            num_samples: K, posterior draws per image.
            generator: source of ε.

        Returns:
            (B,), nats.

        Raises:
            ValueError: when num_samples is below 1.

        Source: Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, ICLR 2016, arXiv:1509.00519, eq. 8.
        """
        estimates = []
        for x_BCHW, mean_BZ, log_var_BZ in self._pieces(x, num_samples):
            total_B = torch.full((len(x_BCHW),), -math.inf, dtype=mean_BZ.dtype, device=mean_BZ.device)
            for eps_KBZ in self._draws(mean_BZ, num_samples, generator):
                z_KBZ = mean_BZ + torch.exp(0.5 * log_var_BZ) * eps_KBZ
                log_ratio_KB = 0.5 * (eps_KBZ.square() - z_KBZ.square() + log_var_BZ).sum(2)  # log p(z) - log q(z|x)
                log_weight_KB = self._log_likelihood(x_BCHW, z_KBZ) + log_ratio_KB
                total_B = torch.logaddexp(total_B, torch.logsumexp(log_weight_KB, dim=0))
            estimates.append(total_B - math.log(num_samples))
        return torch.cat(estimates)

    def _log_likelihood(self, x_BCHW: Tensor, z_KBZ: Tensor) -> Tensor:
        """Log p(x|z) of each image under its K codes: (K, B), nats."""
        features = self.decoder(z_KBZ.flatten(0, 1))
        images = x_BCHW.expand(len(z_KBZ), *x_BCHW.shape).flatten(0, 1)
        return self.likelihood.log_prob(features, images).view(z_KBZ.shape[:2])

    def _pieces(self, x: Tensor, num_samples: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Images with their μ and log σ², a bounded number at a time."""
        if num_samples < 1:
            raise ValueError(f"num_samples is {num_samples}; a bound needs at least 1 draw per image.")
        for x_BCHW in torch.split(x, self._max_rows()):
            yield x_BCHW, *self._encode(x_BCHW)

    def _draws(self, mean_BZ: Tensor, num_samples: int, generator: torch.Generator | None) -> Iterator[Tensor]:
        """Standard normal (K', B, Z) chunks, ``num_samples`` in all."""
        rows = max(1, self._max_rows() // max(1, len(mean_BZ)))
        for start in range(0, num_samples, rows):
            draws = min(rows, num_samples - start)
            yield _normal(mean_BZ.expand(draws, *mean_BZ.shape), generator)

    def _max_rows(self) -> int:
        """Images or codes that pass through the decoder at a time."""
        widest = max(self.image.num_dims * self.image.levels, self.config.num_hidden)
        if self.config.architecture == "conv":
            widest = max(widest, self.config.num_channels * self.image.height * self.image.width)
        return max(1, MAX_FLOATS // widest)

    # ---- codes ---------------------------------------------------------------------------------------------

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q(z|x): (B, C, H, W) integers → mean and standard deviation, each (B, Z)."""
        mean_BZ, log_var_BZ = self._encode(x)
        return mean_BZ, torch.exp(0.5 * log_var_BZ)

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) integers → posterior means (B, Z)."""
        return self._encode(x)[0]

    def kl_per_dim(self, x: Tensor) -> Tensor:
        """KL(q(z_j|x) ‖ p(z_j)) of each image and dimension: (B, Z), nats."""
        return _kl(*self._encode(x))

    def decode(self, z: Tensor) -> Tensor:
        """(B, Z) codes → (B, C, H, W) means of p(x|z) in [0, 1]: expected level / (levels - 1)."""
        return self.likelihood.mean(self.decoder(z))

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw z ~ N(0, I), then x ~ p(x|z): (n, C, H, W) uint8."""
        z_BZ = torch.randn(n, self.latent.num_dims, generator=generator, device=self.device)
        images = []
        for piece_BZ in torch.split(z_BZ, self._max_rows()):
            uniforms = torch.rand(len(piece_BZ), *self.image.shape, generator=generator, device=self.device)
            images.append(self.likelihood.sample(self.decoder(piece_BZ), uniforms))
        return torch.cat(images)

    def _encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ² in float32 (or wider), each (B, Z)."""
        mean_BZ, log_var_BZ = self.encoder(scaled(x, self.image.levels, next(self.parameters())))
        return mean_BZ, log_var_BZ


def _normal(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal noise of the shape, precision and device of ``like``."""
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)


def _kl(mean_BZ: Tensor, log_var_BZ: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, 1)) per dimension, nats (appendix B)."""
    return 0.5 * (mean_BZ.square() + torch.exp(log_var_BZ) - 1.0 - log_var_BZ)
