r"""Normalizing flows by coupling layers: NICE and Real NVP, a density by change of variables.

An invertible network f maps an image y to noise z = f(y) of as many dimensions, and the density of images follows from
that of the noise,

    log p(y) = log N(f(y); 0, I) + log |det ∂f/∂y|.

f is a chain of coupling layers, each of which is inverted in one pass and has a triangular Jacobian, so that
likelihood, sampling and inference of z are all exact and cost the same. Additive couplings keep volume (NICE), affine
ones stretch it (Real NVP), and mixtures of logistics bend it (Flow++). ``mlp`` couples the two
colours of a checkerboard over the flattened image by dense networks; ``conv`` couples maps by residual convolutional
networks: checkerboards, then, after blocks of 2×2 pixels have become channels (squeeze), halves of the channels; then
half of them is factored out unchanged and the rest is processed likewise.

Pixels are integers and a density is of a continuum, so noise u in [0, 1) is added, v = x + u, and y = v / L. Exact is
the density of v; the probability of the integer image is its integral over the bin, of which E[log p(x + u)]
is a lower bound: ``elbo``. As in the paper, y is first mapped to the real line by logit(α + (1 - 2α) y), which is
defined a little beyond [0, 1]: density outside [0, 1] is missing in the bound, and samples outside are clamped to the
nearest level.

Differences from the papers: a Gaussian prior for NICE too, learned scales and shifts between the couplings in place of
batch normalization (so that a density does not depend on other images of the batch), and sides that are odd are not
squeezed.

Source: Dinh, Krueger & Bengio, NICE, ICLR 2015 workshop, arXiv:1410.8516, section 3; Dinh, Sohl-Dickstein & Bengio,
Density estimation using Real NVP, ICLR 2017, arXiv:1605.08803, sections 3 and 4.1; Ho et al., Flow++, ICML 2019,
arXiv:1902.00275, sections 3.1 (variational dequantization) and 3.2 (couplings by mixtures of logistics).
Shapes: B batch, C channels, H height, W width, L levels, D = C·H·W, K draws of noise.
"""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Struct
from torch import Tensor

from gmstudio.families import published
from gmstudio.families.base import Family, LossTerms, Phase, TrajectoryStep
from gmstudio.families.diagnostics import Figure
from gmstudio.families.flow.coupling_stacks import ConvSizes, DenseSizes, dense_couplings, image_couplings
from gmstudio.families.flow.couplings import CouplingKind, Motion
from gmstudio.families.flow.dequantization import Dequantization, UniformDequantization, VariationalDequantization
from gmstudio.families.flow.figures import latent_histogram
from gmstudio.families.flow.layers import Chain, Diagonal
from gmstudio.families.flow.objectives import OBJECTIVES
from gmstudio.families.flow.scale_codes import code_layers, code_part, scale_places
from gmstudio.families.flow.scoring import DequantizedScoring, log_normal
from gmstudio.families.flow.trajectory import layer_trajectory, num_shown, warped
from gmstudio.families.insides import WarpStep
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, LatentSpec, TrajectoryCard
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

MAX_FLOATS = 2**22
"""Floats of one activation that scoring and sampling hold at a time; larger batches are computed in chunks."""
MAX_FIGURE_FLOATS = 2**14
DEQUANTIZATION_CHANNELS = 16


class RealNVPConfig(Struct, frozen=True, kw_only=True):
    """Settings of a flow of coupling layers."""

    architecture: Annotated[
        Literal["mlp", "conv"],
        field("Architecture", "Dense networks over the flattened image, or residual convolutional networks over maps."),
    ] = "conv"
    coupling: Annotated[
        CouplingKind,
        field(
            "Coupling",
            "affine: scale and shift, as in Real NVP. additive: shift only, as in NICE. mixture of logistics: the "
            "distribution function of a mixture, then scale and shift, as in Flow++; one layer can join or part "
            "clusters.",
            labels={"mixture": "mixture of logistics"},
        ),
    ] = "affine"
    num_components: Annotated[
        int,
        field(
            "Mixture components",
            "Logistics in the mixture of each moved value.",
            ge=1,
            le=64,
            unit="components",
            when={"coupling": "mixture"},
        ),
    ] = 8
    num_couplings: Annotated[
        int,
        field(
            "Couplings",
            "Coupling layers; with conv those of each kind of mask at each scale. Two or more move every pixel.",
            ge=1,
            le=64,
            unit="layers",
        ),
    ] = 3
    num_hidden: Annotated[
        int,
        field("Hidden units", "Width of the dense networks (mlp only).", ge=1, le=8192, unit="units", log=True),
    ] = 256
    num_layers: Annotated[
        int,
        field("Hidden layers", "Hidden layers of each dense network (mlp only).", ge=1, le=16, unit="layers"),
    ] = 2
    num_channels: Annotated[
        int,
        field(
            "Channels",
            "Channels of the residual networks at the image's size, doubled with each squeeze (conv only).",
            ge=1,
            le=512,
            unit="channels",
            log=True,
        ),
    ] = 32
    num_blocks: Annotated[
        int,
        field("Residual blocks", "Residual blocks of each network (conv only).", ge=0, le=32, unit="blocks"),
    ] = 1
    num_scales: Annotated[
        int,
        field(
            "Scales",
            "How often the image is halved and half of it factored out, plus one; fewer where sides are odd "
            "(conv only).",
            ge=1,
            le=8,
            unit="scales",
        ),
    ] = 2
    dequantization: Annotated[
        Literal["uniform", "variational"],
        field(
            "Dequantization",
            "Noise that makes integers continuous: the same for all, or learned and fitted to the image, which "
            "tightens the bound.",
        ),
    ] = "uniform"
    alpha: Annotated[
        float,
        field(
            "α of the logit",
            "Pixels y in [0, 1] are mapped to the real line by logit(α + (1 - 2α) y): smaller spreads black and white "
            "further out.",
            ge=1e-6,
            le=0.49,
            log=True,
            advanced=True,
        ),
    ] = 0.05


class RealNVP(DequantizedScoring, Family):
    """Flow of coupling layers (Dinh et al. 2015, 2017)."""

    Config = RealNVPConfig
    config: RealNVPConfig
    entrywise = ("log_scale", "shift", "gain", "raw")
    training_defaults: ClassVar[Training] = Training(
        steps=1000,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        warmup=100,
        grad_clip=50.0,
        checkpoint_every=1000,
    )
    start_on_points: ClassVar[Start] = Start(
        data="points",
        config={
            "architecture": "mlp",
            "coupling": "mixture",
            "num_components": 6,
            "num_couplings": 4,
            "num_hidden": 32,
            "alpha": 0.02,
        },
        training={"steps": 700, "batch_size": 512, "learning_rate": 1e-2, "validate_every": 350, "sample_every": 350},
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="realnvp",
        title="Flow (NICE, Real NVP)",
        branch=("Explicit density", "Tractable density", "Change of variables"),
        summary=(
            "An invertible network turns an image into Gaussian noise of the same size and back. The density of an "
            "image with noise added to its integers is exact, by change of variables; of the integer image it gives "
            "a lower bound, which a weighted average over the noise tightens. Every image has exactly one code."
        ),
        source=(
            "Dinh, Krueger & Bengio, NICE, 2015, arXiv:1410.8516; Dinh, Sohl-Dickstein & Bengio, Density estimation "
            "using Real NVP, ICLR 2017, arXiv:1605.08803, sections 3 and 4.1."
        ),
        published=published.REALNVP,
        objectives=OBJECTIVES,
        trajectory=TrajectoryCard(
            steps="Layers shown",
            axis="layer",
            shown="Intermediate activation, shown in image space with the remaining layers set to identity.",
            from_images="Images x are mapped to their codes z, layer by layer, and back to x′.",
            default_steps=64,
            image_position=0,
        ),
    )

    def __init__(self, config: RealNVPConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        config = self.config
        self.latent = LatentSpec(image.num_dims)
        self.dequantization: Dequantization = UniformDequantization()
        if config.dequantization == "variational":
            self.dequantization = VariationalDequantization(image.shape, image.levels, DEQUANTIZATION_CHANNELS)
        motion = Motion(config.coupling, config.num_components)
        if config.architecture == "mlp":
            dense = DenseSizes(config.num_couplings, config.num_hidden, config.num_layers)
            couplings = dense_couplings(image.shape, dense, motion)
        else:
            conv = ConvSizes(config.num_couplings, config.num_channels, config.num_blocks, config.num_scales)
            couplings = image_couplings(image.shape, conv, motion)
        self.flow = Chain([Diagonal(image.shape, image.shape), couplings, Diagonal(image.shape, image.shape)])

    # ---- training ------------------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """One phase for the parameters of the flow, and of the noise's flow where it is learned."""
        return [Phase("model", list(self.parameters()), self.loss, entrywise=self.entrywise_parameters())]

    def loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Negative bound with one draw of noise per image, averaged over the batch.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of u.

        Returns:
            ``loss`` = ``noise`` - ``log_det`` (+ ``dequantization``), 0-dim, nats per image.
        """
        y_BCHW, log_q_B = self._dequantized(batch, generator)
        z_BD, log_det_B = self.transform(y_BCHW)
        noise = -log_normal(z_BD).mean()
        log_det = log_det_B.mean() - self._log_levels()
        terms = {"loss": noise - log_det, "noise": noise, "log_det": log_det}
        if self.config.dequantization == "variational":
            dequantization = log_q_B.mean()
            terms |= {"loss": terms["loss"] + dequantization, "dequantization": dequantization}
        return terms

    def _dequantized(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Draw noise: y = (x + u) / L, and log q(u|x), (B,) nats."""
        like = next(self.parameters())
        u_BCHW, log_q_B = self.dequantization.draw(x, like, generator)
        return (x.to(like) + u_BCHW) / self.image.levels, log_q_B

    def _log_levels(self) -> float:
        """Volume of the levels, log |det ∂v/∂y| of v = L·y: D log L."""
        return self.image.num_dims * math.log(self.image.levels)

    # ---- change of variables -------------------------------------------------------------------------------

    def transform(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """Towards the noise: z = f(y).

        Args:
            y: (B, C, H, W) floats in [0, 1).

        Returns:
            z, (B, D), each entry at its pixel's place, and log |det ∂z/∂y|, (B,), nats.
        """
        h_BCHW, log_det_B = self._to_line(y)
        z_BCHW, more = self.flow(h_BCHW)
        return z_BCHW.flatten(1), log_det_B + more

    def invert(self, z: Tensor) -> Tensor:
        """Towards the image: (B, D) → y, (B, C, H, W); it may lie beyond [0, 1] by α / (1 - 2α)."""
        h_BCHW, _ = self.flow.inverse(z.view(-1, *self.image.shape))
        return self._from_line(h_BCHW)

    def log_density(self, y: Tensor) -> Tensor:
        """Exact log-density of the continuous image v = L·y, in units of levels, so that bits/dim compare.

        Args:
            y: (B, C, H, W) floats in [0, 1).

        Returns:
            (B,), nats.
        """
        z_BD, log_det_B = self.transform(y)
        return log_normal(z_BD) + log_det_B - self._log_levels()

    def _to_line(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """logit(α + (1 - 2α) y) and its log |det|, (B,)."""
        alpha = self.config.alpha
        below = alpha + (1.0 - 2.0 * alpha) * y
        above = alpha + (1.0 - 2.0 * alpha) * (1.0 - y)
        log_below, log_above = below.log(), above.log()
        log_det_B = -(log_below + log_above).flatten(1).sum(1)
        return log_below - log_above, log_det_B + self.image.num_dims * math.log(1.0 - 2.0 * alpha)

    def _from_line(self, h: Tensor) -> Tensor:
        """Undo ``_to_line``."""
        alpha = self.config.alpha
        return (torch.sigmoid(h) - alpha) / (1.0 - 2.0 * alpha)

    def _max_rows(self) -> int:
        """Largest number of images in one pass through the flow."""
        widest = self.config.num_hidden
        if self.config.architecture == "conv":
            widest = self.config.num_channels * self.image.height * self.image.width
        return max(1, MAX_FLOATS // max(widest, self.image.num_dims))

    # ---- exploring -----------------------------------------------------------------------------------------

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) integers → (B, D) codes of the centres of their bins, x + ½."""
        like = next(self.parameters())
        return self.transform((x.to(like) + 0.5) / self.image.levels)[0]

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """The code, and its parts by the scale at which they are factored out; see ``LayeredFeatures``."""
        return code_layers(scale_places(self.flow, self.image.shape))

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``: of the centres of the image's bins."""
        return code_part(self.encode(x), scale_places(self.flow, self.image.shape), layer)

    def decode(self, z: Tensor) -> Tensor:
        """(B, D) codes → (B, C, H, W) in [0, 1]: the centre of a level's bin is that level."""
        return self._shown(self.invert(z))

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Invert z ~ N(0, I) and take the level in whose bin each sub-pixel falls: (n, C, H, W) uint8."""
        z_BD = torch.randn(n, self.image.num_dims, generator=generator, device=self.device)
        y_BCHW = torch.cat([self.invert(piece) for piece in torch.split(z_BD, self._max_rows())])
        levels = self.image.levels
        return (y_BCHW * levels).floor().clamp(0, levels - 1).to(torch.uint8)

    def _shown(self, y_BCHW: Tensor) -> Tensor:
        """Continuous pixels as intensities: the centre of level l's bin is l / (L - 1)."""
        levels = self.image.levels
        return ((y_BCHW * levels - 0.5) / (levels - 1)).clamp(0.0, 1.0)

    def trajectory(
        self, x: Tensor | None, n: int, steps: int, generator: torch.Generator | None = None
    ) -> Iterator[TrajectoryStep]:
        """States of the flow layer by layer: from noise to the image, or from given images to their codes and back.

        Args:
            x: (n, C, H, W) integers, mapped to their codes and back; None draws z and maps it to an image.
            n: how many.
            steps: largest number of states shown after the first; layers are left out evenly where there are more.
            generator: source of z.

        Returns:
            A generator of steps; the log density is that of the state itself, in units of the logit.
        """
        with torch.no_grad():
            if x is None:
                h = torch.randn(n, *self.image.shape, generator=generator, device=self.device)
                log_density_B = log_normal(h.flatten(1))
            else:
                y_BCHW = (x.to(next(self.parameters())) + 0.5) / self.image.levels
                log_density_B = self.log_density(y_BCHW)
                h, log_det_B = self._to_line(y_BCHW)
                log_density_B = log_density_B + self._log_levels() - log_det_B
        ways = {"to_pixels": self._from_line, "to_images": self._shown}
        yield from layer_trajectory(self.flow, h, log_density_B, steps, inverse=x is None, **ways)

    def warp(self, points: Tensor, *, inverse: bool) -> Iterator[WarpStep]:
        """Points layer by layer, see ``LayeredFlow``: the logit is the first layer, and its units are the layers'."""
        points_BCHW = points.view(-1, *self.image.shape)
        return warped(self.flow, points_BCHW, inverse=inverse, to_line=self._to_line, from_line=self._from_line)

    def trajectory_steps(self, steps: int, *, from_images: bool) -> int:
        """Number of layers that are shown, of images on both ways."""
        return num_shown(self.flow, steps, inverse=not from_images)

    @torch.no_grad()
    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """The entries of the codes of validation images against the standard normal distribution."""
        images = batch[: max(1, min(MAX_FIGURE_FLOATS // self.image.num_dims, self._max_rows()))]
        y_BCHW, _ = self._dequantized(images, generator)
        z_BD, _ = self.transform(y_BCHW)
        return (latent_histogram(z_BD),)
