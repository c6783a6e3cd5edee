"""The words both sides share: image specs, family and data cards, training settings, and ``config_fields``.

Nothing here imports torch or Qt, so the window and the engine can both read it.
"""

import math
from typing import Annotated, Any, Literal

import msgspec

from gmstudio.config_fields import ConfigError, check_config, describe_limits, field, parse_config, schema_of

__all__ = [
    "CAPABILITIES",
    "MAX_LEVELS",
    "MAX_SIDE",
    "ConfigError",
    "DataEntry",
    "FamilyCard",
    "FamilyEntry",
    "ImageSpec",
    "LatentSpec",
    "Objective",
    "Term",
    "TimelineCard",
    "Training",
    "check_config",
    "describe_limits",
    "field",
    "parse_config",
    "schema_of",
]

MAX_SIDE = 256
MAX_LEVELS = 256


class ImageSpec(msgspec.Struct, frozen=True):
    """What an image is: integers ``0 … levels-1`` of shape ``(channels, height, width)``.

    Args:
        channels: 1 (grey) or 3 (RGB).
        height: rows, 1 to 256.
        width: columns, 1 to 256.
        levels: values a pixel can take, 2 (binary) to 256 (8-bit).

    Raises:
        ValueError: when a number is outside its range.
    """

    channels: int
    height: int
    width: int
    levels: int

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ValueError(f"An image has 1 channel (grey) or 3 (RGB), not {self.channels}.")
        for name, side in (("height", self.height), ("width", self.width)):
            if not 1 <= side <= MAX_SIDE:
                raise ValueError(f"The image {name} is {side} pixels; it must be 1 to {MAX_SIDE}. Resize the images.")
        if not 2 <= self.levels <= MAX_LEVELS:
            raise ValueError(
                f"{self.levels} levels: a pixel needs at least 2 and at most {MAX_LEVELS} values to choose from."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return (self.channels, self.height, self.width)

    @property
    def num_dims(self) -> int:
        """Number of sub-pixels, channels × height × width."""
        return self.channels * self.height * self.width

    def bits_per_dim(self, nats: float) -> float:
        """Turn nats per image into bits per sub-pixel."""
        return nats / (self.num_dims * math.log(2.0))

    def __str__(self) -> str:
        colour = "RGB" if self.channels == 3 else "grey"
        return f"{self.height}×{self.width} {colour}, {self.levels} levels"


class Term(msgspec.Struct, frozen=True):
    r"""One named number of a loss, as it is recorded and shown.

    Args:
        name: the key in a phase's loss dict, for example ``kl``.
        latex: its symbol or expression, for example ``D_{KL}(q(z|x)\,\|\,p(z))``.
        help: what it is, one sentence.
        unit: ``nats`` for likelihoods and bounds (per image), ``probability`` or empty.
        per_image_nats: True when it is a negative log-likelihood (or bound) of the whole image, so that bits per
            dimension can be shown as well.
        comparable: False for a loss whose lower values tell no better model, like a difference of two free energies;
            no best of it is told.
    """

    name: str
    latex: str
    help: str
    unit: str = ""
    per_image_nats: bool = False
    comparable: bool = True


class Objective(msgspec.Struct, frozen=True):
    """A training objective: its formula and its terms.

    Args:
        latex: the whole objective.
        terms: every key of the loss dicts (over all phases), ``loss`` included.
        when: the config values for which it holds, for example ``{"objective": "minimax"}``; empty: always.
    """

    latex: str
    terms: tuple[Term, ...]
    when: dict[str, Any] = {}  # msgspec copies empty defaults


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """How to train: what is the same for every family."""

    steps: Annotated[
        int,
        field("Steps", "Stop after this many parameter updates.", ge=1, le=10_000_000, unit="steps", log=True),
    ] = 1000
    batch_size: Annotated[
        int, field("Batch size", "Images per parameter update.", ge=1, le=65_536, unit="images", log=True)
    ] = 64
    learning_rate: Annotated[float, field("Learning rate", "Adam's step size.", gt=0, le=10, log=True)] = 1e-3
    schedule: Annotated[
        Literal["constant", "cosine"],
        field("Schedule", "Keep the learning rate, or lower it to zero along a half cosine over all steps."),
    ] = "constant"
    warmup: Annotated[
        int,
        field(
            "Warm-up",
            "Raise the learning rate linearly over this many first steps.",
            ge=0,
            le=1_000_000,
            unit="steps",
            advanced=True,
        ),
    ] = 0
    grad_clip: Annotated[
        float,
        field(
            "Clip gradient",
            "Scale the gradient down to at most this norm; 0 leaves it alone.",
            ge=0,
            le=1e9,
            advanced=True,
        ),
    ] = 0.0
    precision: Annotated[
        Literal["fp32", "bf16"],
        field(
            "Precision",
            "Arithmetic of the forward pass: 32-bit floats, or bfloat16 (faster on recent hardware, less exact).",
            advanced=True,
        ),
    ] = "fp32"
    cuda_graphs: Annotated[
        Literal["auto", "off"],
        field(
            "CUDA graphs",
            "On a CUDA device, capture an update of the weights once and replay it as a whole, which spares many small "
            "steps their wait for the processor; auto does so where the family allows it. No effect elsewhere.",
            advanced=True,
        ),
    ] = "auto"
    seed: Annotated[
        int,
        field("Seed", "Fixes the initial weights, the order of the data and all noise.", ge=0, le=2**31 - 1),
    ] = 0
    validate_every: Annotated[
        int,
        field(
            "Validate every",
            "Score the validation images every so many steps.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
        ),
    ] = 50
    validation_images: Annotated[
        int,
        field(
            "Validation images",
            "Score at most this many validation images each time.",
            ge=1,
            le=10_000_000,
            unit="images",
            log=True,
            advanced=True,
        ),
    ] = 500
    sample_every: Annotated[
        int,
        field(
            "Sample every",
            "Draw and keep a grid of samples every so many steps.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
        ),
    ] = 50
    checkpoint_every: Annotated[
        int,
        field(
            "Checkpoint every",
            "Write a checkpoint every so many steps.",
            ge=1,
            le=10_000_000,
            unit="steps",
            advanced=True,
        ),
    ] = 200
    num_samples: Annotated[
        int,
        field("Samples per grid", "Images in each kept grid.", ge=1, le=256, unit="images", advanced=True),
    ] = 36


class TimelineCard(msgspec.Struct, frozen=True, kw_only=True):
    """How to speak of generation that goes step by step, whole images at a time.

    Args:
        steps: what one asks for so many of, for example ``Transitions`` or ``Denoising steps``.
        shown: one sentence on what the images of a moment are.
        from_images: one sentence on what happens to images that it begins with.
        mixes: its moments are a Markov chain that forgets where it began, so that autocorrelation tells something.
    """

    steps: str
    shown: str
    from_images: str
    mixes: bool = False


class FamilyCard(msgspec.Struct, frozen=True, kw_only=True):
    """What the window shows of a family before it exists as a model.

    Args:
        name: key in ``FAMILIES``.
        title: display name.
        branch: path in Goodfellow's taxonomy (NIPS 2016 tutorial, figure 9), outermost first.
        summary: two or three sentences for a student.
        source: paper, authors, year, arXiv number or venue, section.
        objectives: one per variant of the training objective.
        timeline: of families that generate step by step, whole images at a time.
    """

    name: str
    title: str
    branch: tuple[str, ...]
    summary: str
    source: str
    objectives: tuple[Objective, ...]
    timeline: TimelineCard | None = None

    def objective(self, config: dict[str, Any]) -> Objective:
        """The objective that holds for these config values; a field that is missing (in an older run) fits any."""
        for objective in self.objectives:
            if all(config.get(key, value) == value for key, value in objective.when.items()):
                return objective
        raise ValueError(f"{self.title} has no objective for {config}.")


class LatentSpec(msgspec.Struct, frozen=True):
    """A latent space.

    Args:
        num_dims: coordinates of a code.
        symbol: how the literature writes the code, ``z``.
        prior: distribution of each coordinate: ``normal`` (mean 0, deviation 1), ``bernoulli`` (a unit that is off or
            on, 0 to 1), or ``none`` where the family has no prior and codes are standardized to the data instead.
    """

    num_dims: int
    symbol: str = "z"
    prior: Literal["normal", "bernoulli", "none"] = "normal"


CAPABILITIES = (
    "log_prob",
    "elbo",
    "log_prob_estimate",
    "sample",
    "pixel_session",
    "encode",
    "posterior",
    "decode",
    "first_features",
    "discriminate",
    "chain",
    "timeline",
    "figures",
)
"""Method names from which the catalog derives what a family can do."""


class FamilyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A family in the engine's catalog.

    Args:
        card: words.
        config_schema: JSON Schema of its Config, see ``schema_of``.
        training: its default training settings.
        capabilities: those of ``CAPABILITIES`` that the class has.
    """

    card: FamilyCard
    config_schema: dict[str, Any]
    training: Training
    capabilities: tuple[str, ...]


class DataEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A data source in the engine's catalog.

    Args:
        name: key in ``SOURCES``.
        title: display name.
        summary: what it is, one or two sentences.
        config_schema: JSON Schema of its Config.
    """

    name: str
    title: str
    summary: str
    config_schema: dict[str, Any]
