r"""The variational autoencoder: a latent-variable model trained through a learned approximate posterior.

An image is generated in two steps, z ~ N(0, I) and x ~ p(x|z), where a decoder network computes p(x|z). The marginal
p(x) = ∫ p(x|z) p(z) dz has no closed form, so an encoder network proposes q(z|x) = N(μ(x), diag σ²(x)), and training
maximizes the evidence lower bound

    log p(x) ≥ E_q[log p(x|z)] - KL(q(z|x) ‖ p(z)),    KL_j = (μ_j² + σ_j² - 1) / 2 - log σ_j,

with z = μ(x) + σ(x) ⊙ ε, ε ~ N(0, I), so that the gradient passes through the sampling. The gap of the bound is
KL(q(z|x) ‖ p(z|x)); k importance-weighted draws narrow it, in scoring and (``num_importance``) in training.

Settings that change the objective, but neither ``elbo`` nor ``log_prob_estimate``: ``beta`` weights the KL (Higgins et
al. 2017); ``kl_warmup`` raises that weight from 0 (Sønderby et al. 2016, arXiv:1602.02282); ``free_bits`` stops a
dimension's KL, averaged over the batch, from being lowered further (Kingma et al. 2016, arXiv:1606.04934, appendix
C.8). The last two are against posterior collapse: dimensions whose posterior is the prior.

Differences from the paper: Adam instead of AdaGrad, ReLU instead of tanh, and decoders of integers only (``decoder``),
so that log p is always of the integer image.

Source: Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, arXiv:1312.6114, sections 2.3, 3, appendices B, C.
Shapes: B batch, C channels, H height, W width, F features per sub-pixel, Z latent dimensions, K posterior draws.
"""

import math
from typing import Annotated, Any, ClassVar, Literal

import torch
from msgspec import Struct
from torch import Tensor

from gmstudio.families import published
from gmstudio.families.base import LossTerms, Phase
from gmstudio.families.feature_layers import CODE, EncoderFeatures
from gmstudio.families.points import SHORT_RUN
from gmstudio.families.variational.base import (
    ACTIVE_KL_NATS,
    Variational,
    kl_to_prior,
    log_prior_ratio,
    standard_normal,
)
from gmstudio.nn.encoders import (
    ArchitectureField,
    CodeDecoder,
    ImageEncoder,
    NumChannelsField,
    NumHiddenField,
    NumLatentField,
    NumLayersField,
)
from gmstudio.nn.likelihoods import LikelihoodName, pixel_likelihood
from gmstudio.nn.stacks import scaled
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, LatentSpec, Objective, Term
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

MAX_FLOATS = 2**22
"""Floats of one activation that scoring and sampling hold at a time; larger batches are computed in chunks."""


class VAEConfig(Struct, frozen=True, kw_only=True):
    """Settings of a variational autoencoder."""

    architecture: ArchitectureField = "mlp"
    num_latent: NumLatentField = 10
    num_hidden: NumHiddenField = 512
    num_layers: NumLayersField = 1
    num_channels: NumChannelsField = 32
    decoder: Annotated[
        LikelihoodName,
        field(
            "Decoder",
            "Distribution of each pixel given the code. auto: Bernoulli for 2 levels, categorical for more. "
            "Discretized: a Gaussian or logistic bump, integrated over each level's bin.",
        ),
    ] = "auto"
    beta: Annotated[
        float,
        field(
            "β",
            "Weight of the KL term in training. 1 is the bound on log p; more pulls codes nearer the prior, "
            "less for better reconstructions.",
            ge=0,
            le=1000,
            live=True,
        ),
    ] = 1.0
    kl_warmup: Annotated[
        int,
        field(
            "KL warm-up",
            "Raise the weight of the KL from 0 to β over this many first steps, so that codes are learned before they "
            "are pulled to the prior; 0: none. Validation counts it in full.",
            ge=0,
            le=10_000_000,
            unit="steps",
        ),
    ] = 0
    free_bits: Annotated[
        float,
        field(
            "Free bits",
            "The KL of each dimension, averaged over the batch, costs at least this much, so there is no gain in "
            "lowering it further; 0: none.",
            ge=0,
            le=100,
            unit="nats",
            live=True,
        ),
    ] = 0.0
    num_importance: Annotated[
        int,
        field(
            "Importance samples",
            "Codes drawn per image in training. 1 is the plain bound (ELBO); more train the tighter "
            "importance-weighted bound (IWAE), at as many times the decoder's work.",
            ge=1,
            le=1000,
            unit="draws",
            log=True,
            live=True,
        ),
    ] = 1


_RECONSTRUCTION = r"-\mathbb{E}_{q_\phi(z|x)}\left[\log p_\theta(x|z)\right]"
_KL = r"D_{KL}\left(q_\phi(z|x)\,\|\,p(z)\right)"
_FREE_KL = r"\sum_j \max\left(\lambda,\ \mathbb{E}_x\left[D_{KL}\left(q_\phi(z_j|x)\,\|\,p(z_j)\right)\right]\right)"
_WEIGHT = r"\frac{p(z_i)}{q_\phi(z_i|x)}"
_TERMS = (
    Term(
        "reconstruction",
        r"-\mathbb{E}_{q}\left[\log p_\theta(x|z)\right]",
        "Reconstruction loss: the negative log-likelihood of the image given a code sampled from its posterior.",
        unit="nats",
    ),
    Term(
        "kl",
        _KL,
        "Divergence of the posterior from the standard normal prior: information that codes carry about the image.",
        unit="nats",
        label="KL",
    ),
    Term(
        "active_dimensions",
        r"\left|\{j : \mathbb{E}_x[D_{KL,j}] > 0.01\}\right|",
        "Latent dimensions whose KL, averaged over the batch, is above 0.01 nats; the others have collapsed to the "
        "prior and are not used.",
        unit="dimensions",
    ),
)
_NEGATIVE_ELBO = Term(
    "negative_elbo",
    r"-\mathbb{E}_{q}\left[\log p_\theta(x|z)\right] + D_{KL}",
    "Reconstruction plus KL, each in full: at least -log p(x), whatever is minimized.",
    unit="nats",
    per_image_nats=True,
    label="−ELBO",
)


def _weighted_iwae(beta: str) -> str:
    weight = rf"\left({_WEIGHT}\right)^{{{beta}}}" if beta else _WEIGHT
    draws = r"-\mathbb{E}_{z_1 \ldots z_k \sim q_\phi(z|x)}"
    return rf"{draws}\left[\log \frac{{1}}{{k}} \sum_{{i=1}}^{{k}} p_\theta(x|z_i)\, {weight}\right]"


LossKind = Literal["negative ELBO", "bound", "surrogate"]
"""Relation of a loss to -log p(x): its negative evidence lower bound, another upper bound, or neither."""


def _objective(kind: LossKind, expression: str, when: dict[str, Any], help_loss: str) -> Objective:
    """Objective under the conditions ``when``; unless the loss is the negative ELBO, that is recorded beside it."""
    loss = Term("loss", r"\mathcal{L}", help_loss, unit="nats", per_image_nats=kind != "surrogate")
    terms = (loss, *_TERMS) if kind == "negative ELBO" else (loss, *_TERMS, _NEGATIVE_ELBO)
    return Objective(r"\mathcal{L} = " + expression, terms, when=when)


def _objectives() -> tuple[Objective, ...]:
    """All variants, the most specific first: the first one whose conditions hold is the one that is minimized."""
    beta, rising = r"\beta\,", r"\beta \min(1, t/T)\,"
    one, steady, plain = {"num_importance": 1}, {"kl_warmup": 0}, {"beta": 1.0, "kl_warmup": 0}
    help_elbo = "Minimized: the negative evidence lower bound, at least -log p(x)."
    help_beta = "Minimized: reconstruction plus β times KL; a bound on -log p(x) only for β ≥ 1, and a loose one."
    help_rising = "Minimized: reconstruction plus KL, whose weight rises over the first T steps."
    help_free = "Minimized: reconstruction plus the KL, of which each dimension costs λ nats or more."
    help_iwae = "Minimized: the negative importance-weighted bound of k draws, between -log p(x) and -ELBO."
    help_power = "Minimized: the bound of k draws, with the importance weights raised to the power β."
    return (
        _objective("negative ELBO", f"{_RECONSTRUCTION} + {_KL}", {**one, **plain, "free_bits": 0.0}, help_elbo),
        _objective("surrogate", f"{_RECONSTRUCTION} + {beta} {_KL}", {**one, **steady, "free_bits": 0.0}, help_beta),
        _objective("surrogate", f"{_RECONSTRUCTION} + {rising} {_KL}", {**one, "free_bits": 0.0}, help_rising),
        _objective("surrogate", f"{_RECONSTRUCTION} + {beta} {_FREE_KL}", {**one, **steady}, help_free),
        _objective("surrogate", f"{_RECONSTRUCTION} + {rising} {_FREE_KL}", one, help_free),
        _objective("bound", _weighted_iwae(""), plain, help_iwae),
        _objective("surrogate", _weighted_iwae(r"\beta \min(1, t/T)"), {}, help_power),
    )


class VAE(Variational, EncoderFeatures):
    """Variational autoencoder (Kingma & Welling 2014)."""

    Config = VAEConfig
    config: VAEConfig
    training_defaults: ClassVar[Training] = Training(
        steps=1500,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        checkpoint_every=1000,  # writing one takes as long as fifty steps
    )
    start: ClassVar[Start] = Start(data="mnist", data_config={"binarize": "sample"}, training={"steps": 3000})
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_latent": 2, "num_hidden": 128, "num_layers": 2},
        training={**SHORT_RUN, "steps": 1200, "learning_rate": 4e-3},
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="vae",
        title="VAE",
        branch=("Explicit density", "Approximate density", "Variational"),
        summary=(
            "A decoder turns a Gaussian code into an image; an encoder approximates the posterior of codes given an "
            "image. Both are trained together on a lower bound of log p(x), so the reported figure is a bound, not "
            "the likelihood. Pixels are independent given the code: means look smooth or blurred, and samples show "
            "pixel noise."
        ),
        source="Kingma & Welling, Auto-Encoding Variational Bayes, ICLR 2014, arXiv:1312.6114, sections 2 and 3; with "
        "importance samples Burda, Grosse & Salakhutdinov, ICLR 2016, arXiv:1509.00519, section 3.",
        published=published.VAE,
        objectives=_objectives(),
    )

    kl_steps: Tensor

    def __init__(self, config: VAEConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        if self.config.num_importance > 1 and self.config.free_bits > 0:
            raise ValueError(
                f"Free bits are {self.config.free_bits:g} with {self.config.num_importance} importance samples, whose "
                "bound has no KL per dimension. Set free bits to 0 or importance samples to 1."
            )
        self.latent = LatentSpec(self.config.num_latent)
        self.likelihood = pixel_likelihood(image.levels, self.config.decoder)
        self.encoder = ImageEncoder(self.config, image, 2 * self.config.num_latent)
        self.decoder = CodeDecoder(self.config, image, self.likelihood.num_features)
        if self.config.kl_warmup:
            self.register_buffer("kl_steps", torch.zeros((), dtype=torch.int64))

    # ---- training ------------------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """One phase for encoder and decoder together."""
        couples = "free bits hold for the KL averaged over the batch" if self.config.free_bits else ""
        return [Phase("model", list(self.parameters()), self.loss, couples=couples)]

    def loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """The chosen negative bound, averaged over the batch.

        With KL warm-up, each call in training mode that records gradients counts as a step.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of ε.

        Returns:
            0-dim, nats per image: ``loss``, ``reconstruction``, ``kl`` and, unless it is the loss, their sum
            ``negative_elbo``; and ``active_dimensions``, the number of those with a mean KL above ``ACTIVE_KL_NATS``.
        """
        config, weight = self.config, self._kl_weight()
        mean_BZ, log_var_BZ = self.posterior_parameters(batch)
        eps_KBZ = standard_normal(mean_BZ, config.num_importance, generator)
        z_KBZ = mean_BZ + torch.exp(0.5 * log_var_BZ) * eps_KBZ
        log_lik_KB = self.log_likelihood(batch, z_KBZ)
        reconstruction = -log_lik_KB.mean()
        kl_Z = kl_to_prior(mean_BZ, log_var_BZ).mean(0)
        kl = kl_Z.sum()
        if config.num_importance > 1:
            log_weight_KB = log_lik_KB + weight * log_prior_ratio(eps_KBZ, z_KBZ, log_var_BZ)
            loss = math.log(config.num_importance) - torch.logsumexp(log_weight_KB, dim=0).mean()
        else:
            loss = reconstruction + weight * (kl_Z.clamp(min=config.free_bits).sum() if config.free_bits else kl)
        active = (kl_Z.detach() > ACTIVE_KL_NATS).sum().to(kl)
        terms = {"loss": loss, "reconstruction": reconstruction, "kl": kl, "active_dimensions": active}
        if config.beta != 1 or config.kl_warmup or config.free_bits or config.num_importance > 1:
            terms["negative_elbo"] = (reconstruction + kl).detach()
        return terms

    def _kl_weight(self) -> Tensor | float:
        """Weight of the KL: β, or less during warm-up, which counts a step in training."""
        if not self.config.kl_warmup or not self.training:
            return self.config.beta
        weight = self.config.beta * (self.kl_steps / self.config.kl_warmup).clamp(max=1.0)
        if torch.is_grad_enabled():
            self.kl_steps += 1
        return weight

    def code_layer(self) -> FeatureLayer:
        """See ``EncoderFeatures``."""
        help = "Mean of the posterior q(z|x), the encoder's output."
        return FeatureLayer(name=CODE, title="Posterior mean", num_dims=self.latent.num_dims, help=help)

    # ---- terms of the bounds -----------------------------------------------------------------------

    def posterior_parameters(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ² in float32 (or wider), each (B, Z)."""
        outputs = self.encoder(scaled(x, self.image.levels, next(self.parameters())))
        mean_BZ, log_var_BZ = outputs.chunk(2, dim=1)
        return mean_BZ, log_var_BZ

    def log_likelihood(self, x_BCHW: Tensor, z_KBZ: Tensor) -> Tensor:
        """Log p(x|z) of each image under its K codes: (K, B), nats."""
        features = self.decoder(z_KBZ.flatten(0, 1))
        images = x_BCHW.expand(len(z_KBZ), *x_BCHW.shape).flatten(0, 1)
        return self.likelihood.log_prob(features, images).view(z_KBZ.shape[:2])

    def level_log_probs(self, z: Tensor) -> Tensor:
        """(B, Z) codes → (B, C, H, W, L) log p(x_d|z) of all levels of each sub-pixel, nats."""
        return self.likelihood.level_log_probs(self.decoder(z))

    def max_rows(self) -> int:
        """See ``Variational``."""
        widest = max(self.image.num_dims * self.image.levels, self.config.num_hidden)
        if self.config.architecture == "conv":
            widest = max(widest, self.config.num_channels * self.image.height * self.image.width)
        return max(1, MAX_FLOATS // widest)

    def decode(self, z: Tensor) -> Tensor:
        """(B, Z) codes → (B, C, H, W) means of p(x|z) in [0, 1]: expected level / (levels - 1)."""
        return self.likelihood.mean(self.decoder(z))

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Draw z ~ N(0, I), then x ~ p(x|z): (n, C, H, W) uint8."""
        z_BZ = torch.randn(n, self.latent.num_dims, generator=generator, device=self.device)
        images = []
        for piece_BZ in torch.split(z_BZ, self.max_rows()):
            uniforms = torch.rand(len(piece_BZ), *self.image.shape, generator=generator, device=self.device)
            images.append(self.likelihood.sample(self.decoder(piece_BZ), uniforms))
        return torch.cat(images)
