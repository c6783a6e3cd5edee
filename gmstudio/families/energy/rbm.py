r"""The restricted Boltzmann machine: an undirected model of pixels and binary hidden units.

Every joint state has an energy; a lower energy means a higher probability,

    E(x, h) = -Σ_d b_d(x_d) - Σ_j c_j h_j - φ(x)ᵀ W h,      p(x) = Σ_h exp(-E(x, h)) / Z = exp(-F(x)) / Z.

The free energy F has a closed form, its normalizer Z has none: it sums over all images. Training lowers F on the data
and raises it on samples of the model,

    L = E_data[F(x)] - E_model[F(x)],      -∇ log p(x) = ∇F(x) - E_model[∇F(x)],

so with the samples held fixed L has the gradient of the likelihood, as far as they follow the model's distribution.
They come from block Gibbs sampling, h ~ p(h|x) and x ~ p(x|h): k steps from the data (contrastive divergence, CD-k,
Hinton 2002) or k steps onward in chains that are never restarted (persistent contrastive divergence, Tieleman 2008).
L itself is not a likelihood, and its value is not meaningful; log Z by annealed importance sampling gives log p(x) in
nats.

Two levels: binary units. More: a softmax unit for each sub-pixel (Salakhutdinov, Mnih & Hinton 2007), so that p is of
the integer image; above 8 levels neighbouring levels share weights, see ``visible_units``.

Differences from the papers: Adam (whose first moment takes the place of momentum), and the chains keep hidden states
instead of images, which saves a product. Sampling starts from independent sub-pixels and is annealed to the machine.

Sources: Hinton, Training Products of Experts by Minimizing Contrastive Divergence, Neural Computation 14, 2002;
Tieleman, Training Restricted Boltzmann Machines using Approximations to the Likelihood Gradient, ICML 2008;
Salakhutdinov & Murray, On the Quantitative Analysis of Deep Belief Networks, ICML 2008.
Shapes: B batch, C channels, H height, W width, D sub-pixels, V visible statistics, J hidden units, M chains.
"""

import time
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import torch
from msgspec import Struct
from torch import Tensor

from gmstudio.families import published
from gmstudio.families.base import Family, LossTerms, Phase, TrajectoryStep
from gmstudio.families.diagnostics import Figure
from gmstudio.families.energy.annealed_scoring import AnnealedScoring
from gmstudio.families.energy.chain_samplers import RBMSampler
from gmstudio.families.energy.contrastive_divergence import Penalties, Statistics, with_gradients
from gmstudio.families.energy.gibbs_trajectory import gibbs_trajectory
from gmstudio.families.energy.rbm_figures import activities, filters, free_energies
from gmstudio.families.energy.rbm_objectives import OBJECTIVES
from gmstudio.families.energy.restricted_boltzmann import RestrictedBoltzmann
from gmstudio.families.energy.visible_units import VisibleKind, bernoulli
from gmstudio.families.feature_layers import CODE
from gmstudio.nn.batch_part import whole_batch
from gmstudio.protocol.config import field
from gmstudio.protocol.families import FamilyCard, LatentSpec, TrajectoryCard
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

PIECE_S = 0.004
MAX_FLOATS = 2**22
"""Floats of one activation that sampling and scoring hold at a time; larger batches are computed in chunks."""
PSEUDO_ROWS = 512
RATES_MEMORY = 1000.0
DEFAULT_SAMPLER = RBMSampler()


class RBMConfig(Struct, frozen=True, kw_only=True):
    """Settings of a restricted Boltzmann machine."""

    num_hidden: Annotated[
        int,
        field(
            "Hidden units", "Binary units, each connected to the whole image.", ge=1, le=8192, unit="units", log=True
        ),
    ] = 500
    visible: Annotated[
        VisibleKind,
        field(
            "Visible units",
            "levels: one unit per sub-pixel, binary or softmax. Gray code: the bits of each level as binary units; "
            "neighbouring levels differ in one bit. For few pixels of many levels, such as points; the number of "
            "levels must be a power of two.",
            labels={"gray": "Gray code"},
        ),
    ] = "levels"
    negative_phase: Annotated[
        Literal["pcd", "cd"],
        field(
            "Negative phase",
            "Source of the model's samples in training. pcd: persistent chains, kept from update to update. cd: chains "
            "that restart at each batch of data; they learn quickly but do not reach regions far from it.",
        ),
    ] = "pcd"
    num_gibbs: Annotated[
        int,
        field(
            "Gibbs steps",
            "k of CD-k or PCD-k: steps of those chains at each update.",
            ge=1,
            le=1000,
            unit="steps",
            live=True,
        ),
    ] = 1
    num_chains: Annotated[
        int, field("Chains", "Persistent chains (pcd only).", ge=1, le=8192, unit="chains", log=True)
    ] = 64
    weight_decay: Annotated[
        float, field("Weight decay", "λ of the penalty λ/2 ‖W‖².", ge=0, le=10, advanced=True, live=True)
    ] = 0.0
    sparsity_cost: Annotated[
        float,
        field(
            "Sparsity cost",
            "Weight of the cross-entropy, in nats per unit, between the target and each hidden unit's mean activity "
            "over the batch; 0: no penalty.",
            ge=0,
            le=1000,
            advanced=True,
            live=True,
        ),
    ] = 0.0
    sparsity_target: Annotated[
        float,
        field(
            "Sparsity target",
            "Target of each hidden unit's mean activity.",
            ge=0.001,
            le=0.999,
            advanced=True,
            live=True,
        ),
    ] = 0.1
    num_temperatures: Annotated[
        int,
        field(
            "AIS temperatures",
            "Steps of annealed importance sampling when log Z is estimated. With few of them log Z is underestimated "
            "and log p(x) overestimated; they are doubled up to three times while fewer than 50 annealing runs are "
            "effective.",
            ge=1,
            le=1_000_000,
            unit="steps",
            log=True,
            advanced=True,
        ),
    ] = 3000


class RBM(AnnealedScoring, Family):
    """Restricted Boltzmann machine, trained by contrastive divergence (Hinton 2002; Tieleman 2008)."""

    Config = RBMConfig
    SamplerConfig = RBMSampler
    former_settings = ("sample_steps",)
    config: RBMConfig
    entrywise = ("visible_bias",)
    training_defaults: ClassVar[Training] = Training(
        steps=6000, schedule="cosine", validate_every=200, sample_every=500, checkpoint_every=2000
    )
    start: ClassVar[Start] = Start(
        data="mnist",
        data_config={"binarize": "sample"},
        # With one Gibbs step an update and no decay, most of the machine's mass goes to the ones.
        config={"num_hidden": 400, "num_gibbs": 5, "num_chains": 100, "weight_decay": 1e-3},
        training={"steps": 5000, "validate_every": 1250, "sample_every": 1250, "checkpoint_every": 5000},
    )
    start_on_points: ClassVar[Start] = Start(
        data="points",
        config={"num_hidden": 128, "num_gibbs": 5, "num_chains": 256},
        training={
            "steps": 800,
            "batch_size": 256,
            "learning_rate": 5e-2,
            "validate_every": 400,
            "sample_every": 400,
        },
    )
    card: ClassVar[FamilyCard] = FamilyCard(
        name="rbm",
        title="RBM",
        branch=("Explicit density", "Approximate density", "Markov chain"),
        summary=(
            "Pixels are connected to binary hidden units, and an image is more probable the lower its free energy. "
            "The normalizer is a sum over all images, estimated by annealed importance sampling. Samples come from a "
            "Markov chain that draws all hidden units, then all pixels, in turn; it mixes slowly between digits."
        ),
        source=(
            "Hinton, Training Products of Experts by Minimizing Contrastive Divergence, Neural Computation 14, 2002, "
            "sections 2-4; Tieleman, ICML 2008; Salakhutdinov & Murray, ICML 2008, section 4."
        ),
        published=published.RBM,
        objectives=OBJECTIVES,
        trajectory=TrajectoryCard(
            steps="Gibbs steps",
            axis="Gibbs step",
            shown="Shown: E[x | h] for the latest h, or sampled x, as the sampler's settings say.",
            from_images="Chains start from these images.",
            mixes=True,
        ),
    )
    level_rates: Tensor
    rates_seen: Tensor
    chains: Tensor

    def __init__(self, config: RBMConfig, image: ImageSpec) -> None:
        super().__init__(config, image)
        self.latent = LatentSpec(self.config.num_hidden, symbol="h", prior="bernoulli")
        self.machine = RestrictedBoltzmann(
            image.num_dims, image.levels, self.config.num_hidden, visible=self.config.visible
        )
        shape = self.machine.units.bias_shape
        self.register_buffer("level_rates", torch.full(shape, self.machine.units.uniform_count))
        self.register_buffer("rates_seen", torch.zeros(()))
        if self.config.negative_phase == "pcd":  # at zero weights, hidden units are 0 or 1 with equal probability
            chains = torch.randint(2, (self.config.num_chains, self.config.num_hidden), dtype=torch.uint8)
            self.register_buffer("chains", chains)

    # ---- training ------------------------------------------------------------------------------------------

    @property
    def penalties(self) -> Penalties:
        """Penalties of the loss, which may change while it trains."""
        return Penalties(self.config.weight_decay, self.config.sparsity_cost, self.config.sparsity_target)

    def phases(self) -> list[Phase]:
        """One phase for weights and biases."""
        couples = "the sparsity target holds for the batch's mean activity" if self.config.sparsity_cost else ""
        parameters, entrywise = list(self.machine.parameters()), self.entrywise_parameters()
        return [Phase("model", parameters, self.loss, couples=couples, entrywise=entrywise)]

    def loss(self, batch: Tensor, generator: torch.Generator) -> LossTerms:
        """Free energy of the batch minus that of the model's samples; its gradient is in closed form, without a graph.

        In training mode persistent chains advance and the frequencies of the data's levels are updated; the first batch
        sets the pixels' biases.

        Args:
            batch: (B, C, H, W) integers.
            generator: source of all noise.

        Returns:
            ``loss``, ``free_energy_data``, ``free_energy_samples``, ``pseudo_nll``, and with contrastive divergence
            ``reconstruction``; 0-dim, nats per image.
        """
        with torch.no_grad():
            x_BD, statistics_BV, activation_BJ = self._seen(batch)
            probs_BJ = torch.sigmoid(activation_BJ)
            of_data = Statistics(statistics_BV, probs_BJ, self.machine.units.mean_counts(x_BD))
            if self.training:
                self._start_at_rates(batch, of_data)
            terms: LossTerms = {}
            if self.config.negative_phase == "cd":
                h_MJ = bernoulli(probs_BJ, generator)
                logits = self.machine.visible_logits(h_MJ)
                terms["reconstruction"] = -self.machine.units.log_prob(logits, x_BD).mean()
                fake_MD = self.machine.units.sample(logits, generator)
            else:
                fake_MD = self.machine.draw_visible(self.chains.to(probs_BJ), generator)
            for _ in range(self.config.num_gibbs - 1):
                fake_MD = self.machine.draw_visible(self.machine.draw_hidden(fake_MD, generator), generator)
            fake_MV = self.machine.units.statistics(fake_MD)
            fake_MJ = self.machine.activation(fake_MV)
            of_model = Statistics(fake_MV, torch.sigmoid(fake_MJ), self.machine.units.mean_counts(fake_MD))
            if self.training:
                self._note(of_data, of_model, generator)
            data = terms["free_energy_data"] = self.machine.free_energy(x_BD, activation_BJ).mean()
            fake = terms["free_energy_samples"] = self.machine.free_energy(fake_MD, fake_MJ).mean()
            rows = PSEUDO_ROWS if self.training else max(PSEUDO_ROWS, MAX_FLOATS // self.config.num_hidden)
            terms["pseudo_nll"] = self.machine.pseudo_nll(x_BD, activation_BJ, rows, generator)
            loss = data - fake + self.penalties.value(self.machine, probs_BJ)
        if torch.is_grad_enabled():
            loss = with_gradients(loss, self.machine, of_data, of_model, self.penalties)
        return {"loss": loss, **terms}

    def _seen(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Integer images as states (B, D), statistics (B, V) and hidden activations (B, J)."""
        x_BD = self.machine.units.state(x, self.machine.weight_VH)
        statistics_BV = self.machine.units.statistics(x_BD)
        return x_BD, statistics_BV, self.machine.activation(statistics_BV)

    def _start_at_rates(self, batch: Tensor, data: Statistics) -> None:
        """Set the pixels' biases from the first batch's frequencies (Hinton 2010, Practical Guide, section 8)."""
        bias, counts, whole = self.machine.visible_bias, data.counts, whole_batch(batch)
        if whole is not batch:
            counts = self.machine.units.mean_counts(self.machine.units.state(whole, self.machine.weight_VH))
        rates = self.machine.units.log_odds(counts)
        bias.copy_(torch.where(self.rates_seen == 0.0, rates.to(bias), bias))

    def _note(self, data: Statistics, model: Statistics, generator: torch.Generator) -> None:
        """Advance the persistent chains, and update the running frequencies of the data's levels."""
        if self.config.negative_phase == "pcd":
            self.chains.copy_(bernoulli(model.hidden, generator))
        self.rates_seen += 1.0
        self.level_rates.lerp_(data.counts.to(self.level_rates), self.rates_seen.clamp(max=RATES_MEMORY).reciprocal())

    # ---- scoring -------------------------------------------------------------------------------------------

    def _base_bias(self) -> Tensor:
        """Biases of a machine without weights whose sub-pixels have the data's frequencies."""
        return self.machine.units.log_odds(self.level_rates)

    # ---- codes ---------------------------------------------------------------------------------------------

    def encode(self, x: Tensor) -> Tensor:
        """p(h_j = 1 | x): (B, C, H, W) integers → (B, J)."""
        return torch.sigmoid(self._seen(x)[2])

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """The hidden probabilities; see ``LayeredFeatures``."""
        help = "Probability p(h = 1 | x) of each hidden unit."
        size = self.config.num_hidden
        return (FeatureLayer(name=CODE, title="Hidden probabilities", num_dims=size, help=help, default=True),)

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        return self.encode(x)

    def decode(self, z: Tensor) -> Tensor:
        """(B, J) hidden states, or probabilities → (B, C, H, W) means of p(x|h) in [0, 1]."""
        means_BD = self.machine.units.mean(self.machine.visible_logits(z))
        return means_BD.view(-1, *self.image.shape)

    # ---- sampling ------------------------------------------------------------------------------------------

    @torch.no_grad()
    def sample(self, n: int, generator: torch.Generator | None = None, sampler: RBMSampler = DEFAULT_SAMPLER) -> Tensor:
        """(n, C, H, W) uint8 images, each from an independent block Gibbs chain that is annealed to the machine."""
        return next(images for images in self.sample_pieces(n, generator, sampler) if images is not None)

    def sample_pieces(
        self, n: int, generator: torch.Generator | None = None, sampler: RBMSampler = DEFAULT_SAMPLER
    ) -> Iterator[Tensor | None]:
        """Yield None every few milliseconds, then the images of ``sample``."""
        done = [torch.empty((0, *self.image.shape), dtype=torch.uint8, device=self.device)]
        rows = max(1, MAX_FLOATS // max(self.image.num_dims * self.image.levels, self.config.num_hidden))
        for start in range(0, n, rows):
            base_bias, began = self._base_bias(), time.perf_counter()
            x_MD = self.machine.independent(min(rows, n - start), base_bias, generator)
            for step in range(1, sampler.steps + 1):
                beta = min(1.0, 2.0 * step / sampler.steps)
                x_MD = self.machine.annealed_step(x_MD, beta, base_bias, generator)
                if time.perf_counter() - began > PIECE_S:
                    yield None
                    began = time.perf_counter()
            done.append(self._images(x_MD))
        yield torch.cat(done)

    def _images(self, x_MD: Tensor) -> Tensor:
        return x_MD.to(torch.uint8).view(-1, *self.image.shape)

    # ---- chains --------------------------------------------------------------------------------------------

    def chain(self, x: Tensor, generator: torch.Generator | None = None) -> Iterator[Tensor]:
        """Block Gibbs sampling from (B, C, H, W) integers: the image after each step, (B, C, H, W) uint8; endless."""
        x_BD = self.machine.units.state(x, self.machine.weight_VH)
        while True:
            x_BD, _ = self.machine.gibbs_step(x_BD, generator)
            yield self._images(x_BD)

    def trajectory(
        self,
        x: Tensor | None,
        n: int,
        steps: int,
        generator: torch.Generator | None = None,
        sampler: RBMSampler = DEFAULT_SAMPLER,
    ) -> Iterator[TrajectoryStep]:
        """Block Gibbs chains, shown by the pixels' means given the hidden units, with metrics of the images drawn.

        Args:
            x: (n, C, H, W) integers to start from, or None for independent pixels with the data's frequencies.
            n: number of chains.
            steps: Gibbs steps.
            generator: source of all noise.
            sampler: says whether means or the images drawn are shown; its own number of steps is not used.
        """
        if x is None:
            start_BD = self.machine.independent(n, self._base_bias(), generator)
        else:
            start_BD = self.machine.units.state(x, self.machine.weight_VH)
        yield from gibbs_trajectory(self.machine, self.image, start_BD, steps, sampler.shown, generator)

    # ---- figures -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def figures(self, batch: Tensor, generator: torch.Generator) -> tuple[Figure, ...]:
        """Filters of the most active hidden units, activities of all, free energies of data and of the model's samples.

        Args:
            batch: (B, C, H, W) integer validation images.
            generator: source of the model's samples.
        """
        probs_BJ = self.encode(batch)
        start_MJ = self.chains if self.config.negative_phase == "pcd" else bernoulli(probs_BJ, generator)
        fake_MD = self.machine.draw_visible(start_MJ.to(probs_BJ), generator)
        energies = self.free_energy(batch), self.free_energy(self._images(fake_MD))
        return (filters(self.machine, probs_BJ, self.image), activities(probs_BJ), free_energies(*energies))
