r"""The generative stochastic network: the transition operator of a Markov chain is learned instead of a density.

One transition corrupts the image, passes it through noisy hidden layers and draws a new image,

    x̃_t ~ C(x̃ | x_t),      h_{t+1} = f(h_t, x̃_t, ε_t),      x_{t+1} ~ p(x | h_{t+1}),

and training only requires it to restore the image that the chain started from,

    L = -(1/K) Σ_{k=1…K} E[log p(x | h_k)],      x_0 = x,  h_0 = 0.

If p is the true conditional of images given their corruption, the chain's stationary distribution is the data's
(theorems 1 and 2); no normalizer and no density appear. K = 1 trains a denoising autoencoder. K > 1 is walkback
training (Bengio et al. 2013): the chain runs for K steps from the image, and every step is trained to reconstruct it,
so that the chain's own errors are corrected and no spurious modes remain.

Each hidden layer is tanh of the inputs from the layers above and below, with Gaussian noise added before and after; in
one transition first the odd layers are updated, then the even ones and the image, as in block Gibbs sampling of a deep
Boltzmann machine (figure 4). With one layer the state is the image alone; with more, the upper layers carry state, too.

Differences from the paper: weights up and down are separate parameters, Adam instead of gradient descent with momentum,
and a categorical output for images of more than two levels.

Sources: Bengio, Laufer, Alain & Yosinski, Deep Generative Stochastic Networks Trainable by Backprop, ICML 2014,
arXiv:1306.1091, sections 3, 4; Bengio, Yao, Alain & Vincent, Generalized Denoising Auto-Encoders as Generative Models,
NeurIPS 2013, arXiv:1305.6663, section 4.
Shapes: B batch, C channels, H height, W width, F features per sub-pixel, J units of a hidden layer.
"""

import time
from collections.abc import Iterator
from typing import Annotated, ClassVar

import torch
from msgspec import Struct
from torch import Tensor

from gmstudio.families import published
from gmstudio.families.base import Family, LossTerms, Phase, TrajectoryStep
from gmstudio.families.diagnostics import Figure
from gmstudio.families.energy.chain_samplers import GSNSampler
from gmstudio.families.energy.gsn_figures import loss_figure, walkback_figure
from gmstudio.families.energy.gsn_transition import Hidden, Transition, TransitionSizes
from gmstudio.families.energy.visible_units import VisibleKind, level_counts
from gmstudio.families.feature_layers import with_default
from gmstudio.nn.corruption import corrupt
from gmstudio.nn.likelihoods import pixel_likelihood
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, Objective, Term, TrajectoryCard
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import DISTANCE, Metric
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

PIECE_S = 0.004
MAX_FLOATS = 2**22
"""Floats of one activation that sampling holds at a time; larger batches are computed in chunks."""
DEFAULT_SAMPLER = GSNSampler()
NUM_SHOWN = 8
RATES_MEMORY = 1000.0
RECONSTRUCTION = Metric(
    "reconstruction log-likelihood",
    "log p(x | h)",
    "nats",
    help="Log-likelihood of the image under the transition that starts from it.",
)


class GSNConfig(Struct, frozen=True, kw_only=True):
    """Settings of a generative stochastic network."""

    num_hidden: Annotated[
        int, field("Hidden units", "Width of each hidden layer.", ge=1, le=8192, unit="units", log=True)
    ] = 500
    num_layers: Annotated[
        int,
        field(
            "Hidden layers",
            "With one, a transition depends on the image alone; the layers above it keep their state from one "
            "transition to the next.",
            ge=1,
            le=8,
            unit="layers",
        ),
    ] = 2
    visible: Annotated[
        VisibleKind,
        field(
            "Visible units",
            "levels: one input per sub-pixel. Gray code: the bits of each level as inputs, so that the network "
            "distinguishes neighbouring levels; outputs are levels in either case. For few pixels of many levels, such "
            "as points; the number of levels must be a power of two.",
            labels={"gray": "Gray code"},
        ),
    ] = "levels"
    num_walkback: Annotated[
        int,
        field(
            "Walkback steps",
            "Transitions of the chain from each image in training; each of them is trained to reconstruct the image. "
            "The state of the top layer has an effect only after twice as many steps as there are layers.",
            ge=1,
            le=50,
            unit="steps",
            live=True,
        ),
    ] = 4
    corruption: Annotated[
        float,
        field(
            "Corruption",
            "Probability with which a pixel is set to black or white, with equal probability, before it enters the "
            "network. More corruption makes the chain mix faster and its images less certain.",
            ge=0.01,
            le=0.95,
            live=True,
        ),
    ] = 0.3
    hidden_noise: Annotated[
        float,
        field(
            "Hidden noise",
            "Standard deviation of the Gaussian noise that is added to each hidden unit before and after its tanh.",
            ge=0,
            le=10,
        ),
    ] = 0.3


_TERMS = (
    Term(
        "loss",
        r"\mathcal{L}",
        "Reconstruction loss of the image that the chain started from, averaged over the walkback. The hidden units "
        "depend on that image, so this is not its likelihood.",
        unit="nats",
    ),
    Term(
        "first_step",
        r"-\log p(x\,|\,h_1)",
        "Negative log-likelihood of the image under the first transition, from the corrupted image itself.",
        unit="nats",
    ),
    Term(
        "last_step",
        r"-\log p(x\,|\,h_K)",
        "Negative log-likelihood of the image under the last transition of the walkback.",
        unit="nats",
    ),
)


class GSN(Family):
    """Generative stochastic network (Bengio et al. 2014)."""

    Config = GSNConfig
    SamplerConfig = GSNSampler
    former_settings = ("sample_steps",)
    config: GSNConfig
    training_defaults: ClassVar[Training] = Training(
        steps=2000,
        batch_size=64,
        learning_rate=1e-3,
        schedule="cosine",
        validate_every=400,  # precision and recall need 256 samples of 100 transitions each
        sample_every=250,
        checkpoint_every=1000,
    )
    start: ClassVar[Start] = Start(data="mnist", data_config={"binarize": "sample"})
    start_on_points: ClassVar[Start] = Start(
        data="points",
        # Several corrupted sub-pixels are restored independently of one another, so that few may be.
        config={
            "visible": "gray",
            "num_hidden": 256,
            "num_layers": 1,
            "num_walkback": 1,
            "corruption": 0.15,
            "hidden_noise": 0.05,
        },
        training={"steps": 1000, "batch_size": 256, "learning_rate": 5e-3, "validate_every": 500, "sample_every": 500},
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="gsn",
        title="GSN",
        branch=("Implicit density", "Markov chain"),
        summary=(
            "A network learns to undo corruption; corrupting and denoising in turn is a Markov chain whose stationary "
            "distribution is that of the data. There is no density: papers estimate log p(x) by a Parzen window over "
            "many samples, which is unreliable for images (Theis et al. 2016) and not shown here."
        ),
        source=(
            "Bengio, Laufer, Alain & Yosinski, Deep Generative Stochastic Networks Trainable by Backprop, ICML 2014, "
            "arXiv:1306.1091, sections 3 and 4; walkback: Bengio et al., NeurIPS 2013, arXiv:1305.6663, section 4."
        ),
        published=published.GSN,
        objectives=(
            Objective(
                r"\mathcal{L} = -\frac{1}{K}\sum_{k=1}^{K}\mathbb{E}\left[\log p_\theta(x\,|\,h_k)\right],\quad "
                r"h_k = f_\theta(h_{k-1}, \tilde{x}_{k-1}, \epsilon_k)",
                _TERMS,
            ),
        ),
        trajectory=TrajectoryCard(
            steps="Transitions",
            axis="transition",
            shown="Shown: E[x | h] of the last transition, or sampled x, as the sampler's settings say.",
            from_images="Chains start from these images.",
            mixes=True,
        ),
    )

    level_rates: Tensor
    rates_seen: Tensor

    def __init__(self, config: GSNConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.likelihood = pixel_likelihood(image.levels)
        sizes = TransitionSizes(self.config.num_hidden, self.config.num_layers, self.config.hidden_noise)
        self.transition = Transition(sizes, image, self.likelihood.num_features, self.config.visible)
        self.register_buffer("level_rates", torch.full((image.num_dims, image.levels), 1.0 / image.levels))
        self.register_buffer("rates_seen", torch.zeros(()))

    # ---- training ------------------------------------------------------------------------------------------

    def phases(self) -> list[Phase]:
        """One phase for all parameters."""
        return [Phase("model", list(self.parameters()), self.loss)]

    def loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Mean of -log p(x|h_k) over K transitions that start at the batch; gradients pass through the hidden layers.

        In training mode the frequencies of the data's levels are updated, from which chains of samples start.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of all noise.

        Returns:
            ``loss``, ``first_step`` and ``last_step``, 0-dim, nats per image.
        """
        if self.training:
            self._note(batch)
        grey_BCHW = self._grey(batch)
        hidden = self.transition.empty(grey_BCHW)
        nats: list[Tensor] = []
        for step in range(self.config.num_walkback):
            features, hidden = self._step(grey_BCHW, hidden, generator)
            nats.append(-self.likelihood.log_prob(features, batch).mean())
            if step + 1 < self.config.num_walkback:
                grey_BCHW = self._grey(self._draw(features, generator))
        return {"loss": torch.stack(nats).mean(), "first_step": nats[0].detach(), "last_step": nats[-1].detach()}

    def _grey(self, x: Tensor) -> Tensor:
        """Integer levels as floats in [0, 1]."""
        like = next(self.parameters())
        return x.to(device=like.device, dtype=like.dtype) / (self.image.levels - 1)

    def _step(self, grey_BCHW: Tensor, hidden: Hidden, generator: torch.Generator | None) -> tuple[Tensor, Hidden]:
        """One transition up to the new image's distribution: its features, and the new hidden layers."""
        corrupted = corrupt(grey_BCHW, "salt and pepper", self.config.corruption, generator)
        features, hidden = self.transition(corrupted, hidden, generator)
        return features, hidden

    @torch.no_grad()
    def _draw(self, features_BCHWF: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw from p(x|h): (B, C, H, W) uint8."""
        uniforms = torch.rand(
            features_BCHWF.shape[:-1], generator=generator, dtype=features_BCHWF.dtype, device=features_BCHWF.device
        )
        return self.likelihood.sample(features_BCHWF, uniforms)

    # ---- the chain -----------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None, sampler: GSNSampler = DEFAULT_SAMPLER) -> Tensor:
        """(n, C, H, W) uint8 images, each the end of an independent chain that started from independent pixels."""
        return next(images for images in self.sample_pieces(n, generator, sampler) if images is not None)

    def sample_pieces(
        self, n: int, generator: torch.Generator | None = None, sampler: GSNSampler = DEFAULT_SAMPLER
    ) -> Iterator[Tensor | None]:
        """Yield None every few milliseconds, then the images of ``sample``."""
        done = [torch.empty((0, *self.image.shape), dtype=torch.uint8, device=self.device)]
        widest = max(self.image.num_dims * self.image.levels, self.config.num_hidden * self.config.num_layers)
        rows, began = max(1, MAX_FLOATS // widest), time.perf_counter()
        for start in range(0, n, rows):
            x = self._noise(min(rows, n - start), generator)
            hidden = self.transition.empty(self._grey(x))
            for _ in range(sampler.steps):
                x, _, hidden = self._move(x, hidden, generator)
                if time.perf_counter() - began > PIECE_S:
                    yield None
                    began = time.perf_counter()
            done.append(x)
        yield torch.cat(done)

    def chain(self, x: Tensor, generator: torch.Generator | None = None) -> Iterator[Tensor]:
        """From (B, C, H, W) integers, hidden layers at 0: images after each transition, (B, C, H, W) uint8; endless."""
        hidden = self.transition.empty(self._grey(x))
        while True:
            x, _, hidden = self._move(x, hidden, generator)
            yield x

    def trajectory(
        self,
        x: Tensor | None,
        n: int,
        steps: int,
        generator: torch.Generator | None = None,
        sampler: GSNSampler = DEFAULT_SAMPLER,
    ) -> Iterator[TrajectoryStep]:
        """Chains, shown by the means of p(x|h), with metrics of the images drawn from them.

        The reconstruction log-likelihood of an image is that under the transition that starts from it.

        Args:
            x: (n, C, H, W) integers to start from, or None for independent pixels with the data's frequencies.
            n: number of chains.
            steps: transitions.
            generator: source of all noise.
            sampler: says whether means or the images drawn are shown; its own number of steps is not used.
        """
        x = self._noise(n, generator) if x is None else x.to(self.device)
        start, means = self._grey(x), self._grey(x)
        hidden = self.transition.empty(start)
        for step in range(steps + 1):
            moved, features, hidden = self._move(x, hidden, generator)
            with torch.no_grad():
                metrics = {
                    RECONSTRUCTION: self.likelihood.log_prob(features, x),
                    DISTANCE: (self._grey(x) - start).square().flatten(1).mean(1).sqrt(),
                }
            images = means if sampler.shown == "mean" else self._grey(x)
            yield TrajectoryStep(images, metrics, f"transition {step}" if step else "start", step)
            with torch.no_grad():
                x, means = moved, self.likelihood.mean(features)

    @torch.no_grad()
    def _move(self, x: Tensor, hidden: Hidden, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Hidden]:
        """One transition: the new images (B, C, H, W), the features they were drawn from, the new hidden layers."""
        features, hidden = self._step(self._grey(x), hidden, generator)
        return self._draw(features, generator), features, hidden

    @torch.no_grad()
    def _noise(self, n: int, generator: torch.Generator | None) -> Tensor:
        """Images of independent sub-pixels with the data's frequencies of levels: (n, C, H, W) uint8."""
        uniforms = torch.rand((n, self.image.num_dims), generator=generator, device=self.device)
        cumulative_DL = self.level_rates.cumsum(1)
        x_ND = (cumulative_DL[:, :-1] <= uniforms.unsqueeze(2)).sum(2)
        return x_ND.to(torch.uint8).view(-1, *self.image.shape)

    @torch.no_grad()
    def _note(self, batch: Tensor) -> None:
        """Update the running average of the data's frequencies of levels, over about the last thousand batches."""
        counts_DL = level_counts(batch.to(self.device).flatten(1).long(), self.image.levels)
        self.rates_seen += 1.0
        self.level_rates += (counts_DL - self.level_rates) / self.rates_seen.clamp(max=RATES_MEMORY)

    # ---- features ------------------------------------------------------------------------------------------

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """The hidden layers without noise, of an image that is held; see ``LayeredFeatures``."""
        count, size = self.config.num_layers, self.config.num_hidden
        help = "Units of the hidden layer without noise or corruption, while the image is held."
        layers = tuple(
            FeatureLayer(name=f"hidden{level}", title=f"Hidden layer {level} of {count}", num_dims=size, help=help)
            for level in range(1, count + 1)
        )
        return with_default(layers, "hidden1")

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        return self.transition.settled(self._grey(x))[int(layer.removeprefix("hidden")) - 1]

    # ---- figures -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """A walkback from validation images, and the reconstruction loss of each of its steps.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of all noise.
        """
        target = batch.to(self.device)
        grey_BCHW = self._grey(target)
        hidden = self.transition.empty(grey_BCHW)
        columns, names, nats = [grey_BCHW[:NUM_SHOWN]], ["image"], []
        for step in range(1, self.config.num_walkback + 1):
            corrupted = corrupt(grey_BCHW, "salt and pepper", self.config.corruption, generator)
            features, hidden = self.transition(corrupted, hidden, generator)
            columns += [corrupted[:NUM_SHOWN], self.likelihood.mean(features[:NUM_SHOWN])]
            names += [f"corrupted {step}", f"reconstructed {step}"]
            nats.append(-self.likelihood.log_prob(features, target).mean())
            grey_BCHW = self._grey(self._draw(features, generator))
        images = torch.stack(columns, dim=1).flatten(0, 1)
        return walkback_figure(images, names), loss_figure(torch.stack(nats))
