"""Families: the base class, training phases and the protocols from which capabilities are derived.

What a family has inside on points of one or two dimensions is in ``insides``.

Shape legend used in all families: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W), Z latent.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

import torch
from msgspec import Struct
from torch import Tensor, nn

from gmstudio.protocol.config import check_config
from gmstudio.protocol.families import FamilyCard, LatentSpec
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import Metric
from gmstudio.protocol.run_spec import Start
from gmstudio.protocol.training_settings import Training

LossTerms = dict[str, Tensor]


@dataclass(frozen=True)
class Phase:
    """Parameters and the loss that they minimize; the trainer runs all phases of a model in turn within one step.

    Args:
        name: short word, for example ``discriminator``; the only phase of a likelihood model is ``model``.
        parameters: the tensors that this phase's optimizer moves.
        loss: ``loss(batch, generator)`` → named 0-dim tensors, ``"loss"`` (minimized) among them. ``batch`` is an
            integer tensor (B, C, H, W) on the model's device; all noise comes from ``generator`` (same device). Where
            ``takes_labels``, it may be called with the labels, (B,) int64, as a third argument.
        betas: decay rates of Adam's moments.
        learning_rate_scale: factor of the learning rate in the training settings.
        updates_per_step: updates of this phase in one step, each on a batch of its own; a phase with fewer updates than
            another makes them after the other's first ones.
        before_update: called before each update with images of its batch, (B', C, H, W), and how many training images
            are among them for the first time: those that no earlier batch held, or all where each visit redraws pixels.
        after_update: called after each update of this phase's parameters, for example to average weights.
        takes_labels: whether ``loss`` accepts labels and conditions on them.
        couples: how the images of a batch act on one another in the loss, a phrase; empty: the loss is a mean over
            images, so that a batch can be computed in parts (``gmstudio.nn.batch_part``).
        entrywise: parameters that the lasso penalty leaves as they are, see ``Family.entrywise_parameters``.
    """

    name: str
    parameters: list[nn.Parameter]
    loss: Callable[..., LossTerms]
    betas: tuple[float, float] = (0.9, 0.999)
    learning_rate_scale: float = field(default=1.0)
    updates_per_step: int = 1
    before_update: Callable[[Tensor, int], None] | None = None
    after_update: Callable[[], None] | None = None
    takes_labels: bool = False
    couples: str = ""
    entrywise: Sequence[nn.Parameter] = ()


class Family(nn.Module, ABC):
    """Base of every model family.

    Args:
        config: the family's settings; checked here.
        image: specification of the images.

    Raises:
        ConfigError: when a field of the config is outside its range.
        ValueError: when the config and the image do not fit each other.
    """

    card: ClassVar[FamilyCard]
    Config: ClassVar[type[Struct]]
    SamplerConfig: ClassVar[type[Struct] | None] = None
    """Settings of sampling, where there are any: argument ``sampler`` of ``sample``, ``sample_pieces`` and
    ``trajectory``, each with the defaults where it is left out."""
    DecoderConfig: ClassVar[type[Struct] | None] = None
    """Settings of decoding, where there are any: those in ``decoder`` hold for ``decode`` and ``encode``."""
    former_settings: ClassVar[tuple[str, ...]] = ()
    """Fields that the config had in earlier versions; they are ignored in the runs that have them."""
    entrywise: ClassVar[tuple[str, ...]] = ()
    """Last names of the parameters of two or more dimensions that are no matrices or kernels, such as a bias for each
    sub-pixel."""
    training_defaults: ClassVar[Training]
    start: ClassVar[Start] = Start()
    """First run that is proposed: data and settings with which it gives recognizable samples soon."""
    start_on_points: ClassVar[Start | None] = None
    """Settings proposed for points of the plane; None: the family's defaults."""

    def __init__(self, config: Any, image: ImageSpec) -> None:
        super().__init__()
        self.config = check_config(config)
        self.image = image
        self.decoder: Any = self.DecoderConfig() if self.DecoderConfig is not None else None

    @abstractmethod
    def phases(self) -> list[Phase]:
        """Training phases, in the order in which one step runs them."""

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return next(self.parameters()).device

    def change_config(self, config: Any) -> None:
        """Train on with other values of settings whose fields are ``live``; the others must be as they are."""
        self.config = check_config(config)

    def num_parameters(self) -> int:
        """Number of trainable scalars."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def entrywise_parameters(self) -> list[nn.Parameter]:
        """Parameters named in ``entrywise``: they are added or multiplied entry by entry."""
        return [value for name, value in self.named_parameters() if name.rpartition(".")[2] in self.entrywise]

    def remarks(self) -> tuple[str, ...]:
        """Remarks on this model before it is trained, a sentence each; most families have none."""
        return ()


class PixelSession(Protocol):
    """Step-by-step generation of a batch of images, one sub-pixel at a time.

    The uniforms that turn probabilities into values are drawn once, when the session opens: ``uniforms`` is
    (D, B), row ``i`` used at step ``i``. So the same generator gives the same images however they are stepped,
    and drawing again after rewinding repeats them.
    """

    images: Tensor
    """(B, C, H, W) uint8; sub-pixels not placed yet are 0."""
    order: Tensor
    """(D, 3) int64 rows (channel, row, column): the generation order."""
    uniforms: Tensor
    step: int
    """Sub-pixels placed so far, 0 … D."""

    @property
    def position(self) -> tuple[int, int, int] | None:
        """(channel, row, column) to be drawn next; None at the end."""

    def conditional(self) -> Tensor:
        """(B, levels) float32 probabilities of the next sub-pixel given the ones placed."""

    def draw(self, temperature: float = 1.0) -> Tensor:
        """(B,) int64 values for the next sub-pixel: inverse CDF of the tempered conditional at ``uniforms[step]``."""

    def place(self, values: Tensor) -> None:
        """Set (B,) integers at the current position and advance by one step."""

    def rewind(self, step: int) -> None:
        """Go back to ``step`` (0 … current)."""

    def context(self) -> Tensor:
        """(C, H, W) bool: receptive field, the sub-pixels that the next conditional can depend on by architecture."""


@runtime_checkable
class Autoregressive(Protocol):
    """Families with the exact chain rule p(x) = ∏ p(x_i | x_<i)."""

    def log_prob(self, x: Tensor) -> Tensor:
        """(B,) nats."""

    def pixel_session(
        self, batch: int, order: Tensor | None = None, generator: torch.Generator | None = None
    ) -> PixelSession:
        """Open a session for ``batch`` images."""


@runtime_checkable
class Latent(Protocol):
    """Families whose images come from a code."""

    latent: LatentSpec

    def decode(self, z: Tensor) -> Tensor:
        """(B, Z) codes → (B, C, H, W) float means in [0, 1]."""


@runtime_checkable
class SteppedDecoder(Protocol):
    """Decodes a code in several passes through its network; fewer of them give a preview."""

    @property
    def num_decode_steps(self) -> int:
        """Passes from a code to its image."""

    def decode_pieces(self, z: Tensor) -> Iterator[Tensor | None]:
        """Yield None between the passes and, last, the images of ``decode``."""

    def with_decode_steps(self, steps: int) -> "Family":
        """The same model, sharing all weights, that decodes in another number of passes."""

    def preview_text(self, steps: int) -> str:
        """Caption of a preview in that number of passes: ``2 of 50 DDIM steps``."""


@runtime_checkable
class LevelDecoder(Protocol):
    """Families with codes z ~ N(0, I), given which sub-pixels are independent: p(x|z) = ∏ p(x_d|z)."""

    latent: LatentSpec

    def level_log_probs(self, z: Tensor) -> Tensor:
        """(B, Z) codes → (B, C, H, W, L) log-probabilities of all levels of each sub-pixel, nats."""


@runtime_checkable
class Encoder(Protocol):
    """Families that map images to codes."""

    def encode(self, x: Tensor) -> Tensor:
        """(B, C, H, W) integers → (B, Z) codes; the posterior's mean where there is a posterior."""


@runtime_checkable
class Posterior(Protocol):
    """Families with an approximate posterior q(z|x), Gaussian with independent dimensions."""

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) integers → mean and standard deviation, each (B, Z)."""

    def kl_per_dim(self, x: Tensor) -> Tensor:
        """(B, Z) nats: KL(q(z_j|x) ‖ p(z_j))."""


@runtime_checkable
class FirstFeatures(Protocol):
    """Families that expose their decoder's first layer, for directions found in it (Härkönen et al. 2020)."""

    def first_features(self, z: Tensor) -> Tensor:
        """(B, Z) codes → (B, F) features of the decoder's first layer."""


@runtime_checkable
class Discriminator(Protocol):
    """Families with a discriminator D(x)."""

    @property
    def critic_metric(self) -> Metric:
        """The output of ``discriminate`` as a quantity: D(x), or σ(D(x)) where D is a score and no probability."""

    def discriminate(self, means: Tensor) -> Tensor:
        """(B, C, H, W) floats in [0, 1] → (B,) in [0, 1]; higher is more real."""


@runtime_checkable
class Bounded(Protocol):
    """Families with a lower bound of log p(x)."""

    def elbo(self, x: Tensor, num_samples: int = 1, generator: torch.Generator | None = None) -> Tensor:
        """(B,) nats."""


@runtime_checkable
class Estimated(Protocol):
    """Families with an estimate of log p(x): importance-weighted, or with log Z by annealed importance sampling."""

    def log_prob_estimate(self, x: Tensor, num_samples: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """(B,) nats."""


@runtime_checkable
class ImportanceWeighted(Protocol):
    """Families whose estimate of log p(x) is the mean of importance weights, which are there one by one."""

    def log_weights(self, x: Tensor, num_samples: int = 100, generator: torch.Generator | None = None) -> Tensor:
        """(K, B) nats: log p(x, z_k) − log q(z_k|x) of K draws; their log-mean-exp is ``log_prob_estimate``."""


class Preparation(NamedTuple):
    """Progress of what the estimates of all images share.

    Args:
        title: of the present part of the work.
        share: done of that part, 0 to 1.
    """

    title: str
    share: float


@runtime_checkable
class PreparedEstimate(Protocol):
    """Families whose estimates of log p(x) share a long computation, for example of log Z."""

    def prepare_estimate(
        self, num_samples: int = 100, generator: torch.Generator | None = None
    ) -> Iterator[Preparation]:
        """Make that computation in pieces of a few milliseconds; ``log_prob_estimate`` with as many samples uses it.

        Nothing is yielded where it has been made, for the same weights.
        """


@runtime_checkable
class Invertible(Protocol):
    """Families with an invertible map between continuous images and noise: flows."""

    image: ImageSpec

    def transform(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) floats in [0, 1) → noise z, (B, D), and log |det ∂z/∂y|, (B,) nats."""

    def invert(self, z: Tensor) -> Tensor:
        """(B, D) → (B, C, H, W), the inverse of ``transform``."""


@runtime_checkable
class TimestepBound(Protocol):
    """Families whose bound is a sum over timesteps, which can be computed a few at a time."""

    @property
    def num_bound_terms(self) -> int:
        """Terms of the sum."""

    def bound_terms(self, x: Tensor, first: int, last: int, generator: torch.Generator | None = None) -> Tensor:
        """(B,) nats: terms ``first`` … ``last`` − 1 of −ELBO, each with noise drawn once."""


@runtime_checkable
class FreeEnergy(Protocol):
    """Energy-based families whose hidden units can be summed out."""

    def free_energy(self, x: Tensor) -> Tensor:
        """(B,) nats: −log of the unnormalized probability."""


@runtime_checkable
class Sampler(Protocol):
    """Families that generate."""

    def sample(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """(n, C, H, W) uint8 images."""


@runtime_checkable
class PiecewiseSampler(Protocol):
    """Families with slow sampling, which can be run in small pieces."""

    def sample_pieces(self, n: int, generator: torch.Generator | None = None) -> Iterator[Tensor | None]:
        """Yield None after each piece of a few milliseconds, then the (n, C, H, W) uint8 images of ``sample``."""


@dataclass(frozen=True, eq=False)
class TrajectoryStep:
    """One state on the trajectory of a generation that is not pixel by pixel.

    Args:
        images: (B, C, H, W) floats in [0, 1], shown for this state.
        metrics: metric → (B,) floats, for example each state's energy; the same metrics in all steps of a trajectory.
        label: name of the state, for example ``Gibbs step 12`` or ``t = 431``.
        position: of the state on the axis that ``TrajectoryCard.axis`` names.
    """

    images: Tensor
    metrics: dict[Metric, Tensor]
    label: str
    position: int


@runtime_checkable
class Trajectory(Protocol):
    """Families that generate step by step, whole images at a time: chains, denoising, flow layers."""

    def trajectory(
        self, x: Tensor | None, n: int, steps: int, generator: torch.Generator | None = None
    ) -> Iterator[TrajectoryStep]:
        """Run ``n`` generations side by side.

        Args:
            x: (n, C, H, W) integer images to start from, or None to start from noise (or the prior).
            n: how many.
            steps: transitions wanted; a family whose trajectory has a fixed length shows about this number of steps of
                it.
            generator: source of all noise.

        Returns:
            A generator of steps, the first one the start; each ``next`` takes at most some tens of milliseconds.
        """


@runtime_checkable
class MeasuredTrajectory(Protocol):
    """Families whose trajectories have a length of their own."""

    def trajectory_steps(self, steps: int, *, from_images: bool) -> int:
        """Number of states after the first of a trajectory of this number of steps."""


@runtime_checkable
class MarkovChain(Protocol):
    """Families that generate by a Markov chain over images."""

    def chain(self, x: Tensor, generator: torch.Generator | None = None) -> Iterator[Tensor]:
        """From (B, C, H, W) integers: a generator of the states after each transition, (B, C, H, W) uint8 levels."""
