r"""The autoencoder: an image is compressed by a bottleneck and reconstructed. Not a generative model.

An encoder turns the image into a short code z = f(x), a decoder turns the code back, x̂ = g(z), and training minimizes

    ‖x - g(f(x))‖²,    or    -log p(x | g(f(x)))    with the pixel distribution of a VAE's decoder.

There is no distribution of codes to sample from and no p(x); its use is the code. Two settings make the code more than
a copy. A *denoising* autoencoder reconstructs the clean x from a corrupted x̃, which requires the dependences between
pixels. *Sparsity* lets few code units be active for each image: λ Σ_j E|z_j|, or λ Σ_j KL(ρ ‖ ρ̂_j) of
sigmoid units with the target ρ of their mean activation ρ̂_j.

The code is standardized to the data: batch normalization without scale and shift, with running averages in evaluation.
So a coordinate is in standard deviations over the images, a slider from -3 to 3 covers them at any scale of the
network, and a smaller code with a larger decoder does not lower the L1 penalty.

Differences from the papers: Adam from random weights instead of layer-wise pretraining, ReLU, untied weights.

Source: Hinton & Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks, Science 2006; Vincent et al.,
Stacked Denoising Autoencoders, JMLR 2010, sections 2 and 3; Ng, CS294A lecture notes: Sparse autoencoder, 2011,
section 3.
Shapes: B batch, C channels, H height, W width, F features per sub-pixel, Z entries of the code.
"""

import itertools
from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Struct
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.base import Family, LossTerms, Phase
from gmstudio.families.diagnostics import Figure
from gmstudio.families.feature_layers import EncoderFeatures
from gmstudio.families.figures import reconstruction_figure, unit_filters
from gmstudio.families.points import SHORT_RUN
from gmstudio.nn.corruption import CorruptionName, corrupt
from gmstudio.nn.encoders import (
    ArchitectureField,
    CodeDecoder,
    ImageEncoder,
    NumChannelsField,
    NumHiddenField,
    NumLayersField,
)
from gmstudio.nn.likelihoods import PixelLikelihood, pixel_likelihood
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, LatentSpec, Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

MAX_FILTERS = 36
SMALLEST_RATE = 1e-4


_RECONSTRUCTIONS = {
    "squared error": (
        r"\left\|x - g(f({}))\right\|^2",
        "Squared distance of the image from its reconstruction: grey values from 0 to 1, summed over sub-pixels.",
        "",
    ),
    "likelihood": (
        r"-\log p\left(x \mid g(f({}))\right)",
        "Negative log-likelihood of the image given its code; not a bound on -log p(x), because the code has no cost.",
        "nats",
    ),
}
_SPARSITIES = {
    "none": ("", ()),
    "l1": (
        r" + \lambda \sum_j \mathbb{E}_x\left[|z_j|\right]",
        (
            Term(
                "sparsity", r"\sum_j \mathbb{E}_x\left[|z_j|\right]", "Mean absolute value of the code entries, summed."
            ),
        ),
    ),
    "kl": (
        r" + \lambda \sum_j D_{KL}\left(\rho\,\|\,\hat\rho_j\right)",
        (
            Term(
                "sparsity",
                r"\sum_j D_{KL}\left(\rho\,\|\,\hat\rho_j\right)",
                "Divergence of the units' mean activations in the batch from the target rate.",
                "nats",
            ),
        ),
    ),
}


EPSILON = 1e-5


class AutoencoderConfig(Struct, frozen=True, kw_only=True):
    """Settings of an autoencoder."""

    architecture: ArchitectureField = "mlp"
    num_latent: Annotated[
        int,
        field(
            "Latent dimensions",
            "Entries of the code z; one slider each. A code with as many entries as the image has sub-pixels, or more "
            "(overcomplete), can copy the image and learns nothing of the data, unless the input is corrupted or the "
            "code sparse: on points of the plane take 1.",
            ge=1,
            le=512,
            unit="dimensions",
        ),
    ] = 10
    num_hidden: NumHiddenField = 512
    num_layers: NumLayersField = 1
    num_channels: NumChannelsField = 32
    reconstruction: Annotated[
        Literal["squared error", "likelihood"],
        field(
            "Reconstruction",
            "squared error: the distance ‖x - x̂‖² of grey values from 0 to 1. likelihood: -log p(x|z) of a Bernoulli "
            "(2 levels) or categorical (more) decoder.",
        ),
    ] = "squared error"
    noise: Annotated[
        CorruptionName,
        field(
            "Corruption",
            "Corruption of the encoder's inputs in training, while the clean images are the targets (denoising). "
            "gaussian: added to grey values. masking: pixels set to black; salt and pepper: or to white.",
        ),
    ] = "none"
    noise_level: Annotated[
        float,
        field(
            "Corruption level",
            "Standard deviation of Gaussian noise, where black to white is 1; or the probability that a pixel is set.",
            ge=0,
            le=1,
            live=True,
        ),
    ] = 0.3
    sparsity: Annotated[
        Literal["none", "l1", "kl"],
        field(
            "Sparsity",
            "l1: the code's entries are pulled to 0. kl: the code has sigmoid units with a target for their mean "
            "activation.",
        ),
    ] = "none"
    sparsity_weight: Annotated[
        float,
        field("Sparsity weight", "Weight of the penalty relative to the reconstruction.", ge=0, le=1000, live=True),
    ] = 0.1
    sparsity_target: Annotated[
        float,
        field("Target rate", "Target ρ of each sigmoid unit's mean activation (kl only).", gt=0, le=0.5, live=True),
    ] = 0.05


class Standardize(nn.Module):
    """Batch normalization without scale and shift: (B, Z) → (B, Z).

    In training each batch is standardized by its own mean and variance, of which exponential averages are kept; in
    evaluation by these averages. A batch of one image has no variance and is standardized by the averages, too.

    Args:
        num_entries: Z.
        momentum: weight of a batch in the averages.

    Source: Ioffe & Szegedy, Batch Normalization, ICML 2015, arXiv:1502.03167, algorithm 1 with γ = 1, β = 0.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, num_entries: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(num_entries))
        self.register_buffer("variance", torch.ones(num_entries))

    def forward(self, h_BZ: Tensor) -> Tensor:
        """Standardize by the batch in training, else by the averages."""
        if not self.training or not torch.is_grad_enabled():
            return self.by_averages(h_BZ)
        if len(h_BZ) < 2:
            with torch.no_grad():
                self.mean.lerp_(h_BZ.mean(0), self.momentum)
            return self.by_averages(h_BZ)
        variance_Z, mean_Z = torch.var_mean(h_BZ, dim=0, correction=0)
        with torch.no_grad():
            unbiased = len(h_BZ) / (len(h_BZ) - 1)
            self.mean.lerp_(mean_Z.to(self.mean), self.momentum)
            self.variance.lerp_((variance_Z * unbiased).to(self.variance), self.momentum)
        return (h_BZ - mean_Z) * torch.rsqrt(variance_Z + EPSILON)

    def by_averages(self, h_BZ: Tensor) -> Tensor:
        """Standardize by the running averages, whatever else is in the batch."""
        return (h_BZ - self.mean) * torch.rsqrt(self.variance + EPSILON)


def _objectives() -> tuple[Objective, ...]:
    """Objectives for each reconstruction, with corruption or without, and each sparsity."""
    made = []
    for (name, (latex, help_rec, unit)), (sparsity, (penalty, terms)), noisy in itertools.product(
        _RECONSTRUCTIONS.items(), _SPARSITIES.items(), (False, True)
    ):
        formula = (
            r"\mathbb{E}_{x"
            + (r",\,\tilde{x}" if noisy else "")
            + r"}\left["
            + latex.format(r"\tilde{x}" if noisy else "x")
        )
        loss = Term("loss", r"\mathcal{L}", "What is minimized.", unit)
        reconstruction = Term("reconstruction", latex.format("x"), help_rec, unit)
        when = {"reconstruction": name, "sparsity": sparsity} | ({} if noisy else {"noise": "none"})
        made.append(Objective(rf"\mathcal{{L}} = {formula}\right]{penalty}", (loss, reconstruction, *terms), when))
    return tuple(made)


class Autoencoder(Family, EncoderFeatures):
    """Autoencoder (Hinton & Salakhutdinov 2006); optionally denoising (Vincent et al. 2010) or sparse (Ng 2011)."""

    Config = AutoencoderConfig
    config: AutoencoderConfig
    training_defaults: ClassVar[Training] = Training(
        steps=1500,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        checkpoint_every=1000,  # writing one takes as long as fifty steps
    )
    start: ClassVar[Start] = Start(data="mnist", data_config={"levels": 256}, training={"steps": 3000})
    start_on_points: ClassVar[Start | None] = Start(
        data="points",
        config={"num_latent": 1, "num_hidden": 128, "num_layers": 2},  # with 2 it could copy the points of a plane
        training={**SHORT_RUN, "steps": 1500, "learning_rate": 3e-3},
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="autoencoder",
        title="Autoencoder",
        branch=("Not a generative model",),
        beside=True,
        summary=(
            "An encoder compresses an image to a short code, from which a decoder reconstructs it; the code contains "
            "only what the reconstruction needs. It is not a generative model: there is no distribution of codes, so "
            "there is no likelihood, and a random code may not decode to a digit. A VAE adds that distribution."
        ),
        source="Hinton & Salakhutdinov, Reducing the Dimensionality of Data with Neural Networks, Science 313, 2006; "
        "denoising: Vincent et al., JMLR 11, 2010, section 3; sparsity: Ng, CS294A lecture notes, 2011, section 3.",
        objectives=_objectives(),
    )

    def __init__(self, config: AutoencoderConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.latent = LatentSpec(self.config.num_latent, prior="none")
        self.likelihood: PixelLikelihood | None = None
        if self.config.reconstruction == "likelihood":
            self.likelihood = pixel_likelihood(image.levels)
        centred = self.config.sparsity != "kl"  # then standardizing removes any bias
        self.encoder = ImageEncoder(self.config, image, self.config.num_latent, output_bias=not centred)
        self.standardize = Standardize(self.config.num_latent)
        self.decoder = CodeDecoder(self.config, image, self.likelihood.num_features if self.likelihood else 1)

    # ---- training ------------------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """One phase for encoder and decoder together."""
        couples = "codes are standardized by the batch"
        return [Phase("model", list(self.parameters()), self.loss, couples=couples)]

    def loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Reconstruction error of the batch, and its sparsity penalty where there is one.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of the corruption; not touched where there is none.

        Returns:
            0-dim means over the batch: ``loss``, ``reconstruction`` (squared grey values, or nats) and, where it is
            chosen, ``sparsity`` without its weight.
        """
        grey_BCHW = self._grey(batch)
        h_BZ = self._units(self._corrupted(grey_BCHW, generator))
        z_BZ = self.standardize(h_BZ)
        reconstruction = self._error(batch, grey_BCHW, z_BZ)
        if self.config.sparsity == "none":
            return {"loss": reconstruction, "reconstruction": reconstruction}
        sparsity = z_BZ.abs().sum(1).mean() if self.config.sparsity == "l1" else self._rate_divergence(h_BZ)
        loss = reconstruction + self.config.sparsity_weight * sparsity
        return {"loss": loss, "reconstruction": reconstruction, "sparsity": sparsity}

    def _corrupted(self, grey_BCHW: Tensor, generator: torch.Generator) -> Tensor:
        """Input of the encoder in training: (B, C, H, W) grey values, black 0 and white 1."""
        return corrupt(grey_BCHW, self.config.noise, self.config.noise_level, generator)

    def _error(self, batch: Tensor, grey_BCHW: Tensor, z_BZ: Tensor) -> Tensor:
        features = self.decoder(z_BZ)
        if self.likelihood is not None:
            return -self.likelihood.log_prob(features, batch).mean()
        return functional.mse_loss(torch.sigmoid(features.squeeze(-1)), grey_BCHW, reduction="sum") / len(batch)

    def _rate_divergence(self, h_BZ: Tensor) -> Tensor:
        """Σ_j KL(ρ ‖ ρ̂_j) between Bernoulli rates, nats."""
        rate_Z = h_BZ.mean(0).clamp(SMALLEST_RATE, 1.0 - SMALLEST_RATE)
        target = torch.full_like(rate_Z, self.config.sparsity_target)
        return (torch.xlogy(target, target / rate_Z) + torch.xlogy(1 - target, (1 - target) / (1 - rate_Z))).sum()

    def _units(self, grey_BCHW: Tensor) -> Tensor:
        """The bottleneck before it is standardized: (B, Z); sigmoid units where they have a target rate."""
        h_BZ: Tensor = self.encoder(2.0 * grey_BCHW - 1.0)
        return torch.sigmoid(h_BZ) if self.config.sparsity == "kl" else h_BZ

    def _grey(self, x: Tensor) -> Tensor:
        """Integers as grey values, black 0 and white 1."""
        like = next(self.parameters())
        return x.to(device=like.device, dtype=like.dtype) / (self.image.levels - 1)

    def remarks(self) -> tuple[str, ...]:
        """Remark on a code that can copy the image."""
        size, dims = self.config.num_latent, self.image.num_dims
        if size < dims or self.config.noise != "none" or self.config.sparsity != "none":
            return ()
        entries, sub_pixels = ("entry" if size == 1 else "entries"), ("sub-pixel" if dims == 1 else "sub-pixels")
        return (
            f"The code has {size} {entries} for {dims} {sub_pixels}: it can copy the image and learns nothing of the "
            "data. Choose fewer latent dimensions, a corruption or sparsity.",
        )

    # ---- codes ---------------------------------------------------------------------------------------------

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) integers → codes (B, Z), in standard deviations over the training images."""
        return self.encode_floats(self._grey(x))

    def encode_floats(self, means: Tensor) -> Tensor:
        """(B, C, H, W) floats, black 0 and white 1 → codes (B, Z)."""
        return self.standardize.by_averages(self._units(means))

    def decode(self, z: Tensor) -> Tensor:
        """(B, Z) codes → (B, C, H, W) in [0, 1]: x̂, or the mean of p(x|z)."""
        features = self.decoder(z)
        return torch.sigmoid(features.squeeze(-1)) if self.likelihood is None else self.likelihood.mean(features)

    # ---- diagnostics -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """Reconstructions beside inputs (and corrupted inputs); filters; rates of sigmoid units."""
        if self.config.noise == "none":
            drawn = [reconstruction_figure(self, batch)]
        else:
            corrupted = self._corrupted(self._grey(batch), generator)
            drawn = [reconstruction_figure(self, batch, corrupted, self.encode_floats(corrupted))]
        if self.config.architecture == "mlp":
            drawn.append(self._filters())
        if self.config.sparsity == "kl":
            drawn.append(self._rates(self._units(self._grey(batch)).mean(0)))
        return tuple(drawn)

    def _filters(self) -> Figure:
        first = next(m for m in self.encoder.modules() if isinstance(m, nn.Linear))
        weight_ND = first.weight[:MAX_FILTERS].detach()
        units_N, title = torch.arange(len(weight_ND)), "Filters of the first layer"
        return unit_filters(weight_ND, self.image, units_N, "filters", title, "The first units.")

    def _rates(self, rate_Z: Tensor) -> Figure:
        return Figure(
            kind="bars",
            name="rates",
            title="Mean activation of code units",
            help="Mean activation of each sigmoid unit; the penalty pulls it towards the target rate.",
            series=("rate",),
            values=rate_Z.unsqueeze(0),
            reference=torch.full_like(rate_Z, self.config.sparsity_target),
        )
