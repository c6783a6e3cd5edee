"""The words both sides share: image specs, field metadata, family and data cards, training settings.

Nothing here imports torch or Qt, so the window and the engine can both read it.
"""

import json
import math
from typing import Annotated, Any, Literal, TypeVar

import msgspec

ConfigT = TypeVar("ConfigT", bound=msgspec.Struct)

_META: Any = msgspec.Meta  # its stub has one overload per pair of bounds
MAX_SIDE = 256
MAX_LEVELS = 256


class ConfigError(ValueError):
    """Settings that cannot be used; says so field by field.

    Attributes:
        errors: field name → one sentence naming the value, the limit and the remedy.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(" ".join(errors.values()))


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


def field(
    title: str,
    help: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    unit: str = "",
    log: bool = False,
    advanced: bool = False,
) -> msgspec.Meta:
    """Describe a config field, as in ``width: Annotated[int, field("Width", "…", ge=1)] = 500``.

    Args:
        title: the label in a form.
        help: the tooltip, one or two sentences in words of the field.
        ge: smallest value allowed.
        le: largest value allowed.
        gt: the value must be larger than this.
        unit: what is counted or measured, for example ``pixels``.
        log: the value spans orders of magnitude, so a form should step it by factors.
        advanced: a form may fold it away.
    """
    extra = {"unit": unit, "log": log, "advanced": advanced}
    meta: msgspec.Meta = _META(title=title, description=help, ge=ge, le=le, gt=gt, extra_json_schema=extra)
    return meta


def schema_of(config_type: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a config class, flat: ``{"properties": {...}}`` in declaration order.

    Each property has ``title``, ``description``, ``default``, ``unit``, ``log``, ``advanced`` and either ``type``
    (``integer``, ``number``, ``boolean``, ``string``) with ``minimum``/``maximum``/``exclusiveMinimum`` or
    ``enum`` (choices), or ``anyOf`` with a null for an optional value.
    """
    schema = msgspec.json.schema(config_type)
    (definition,) = [d for name, d in schema["$defs"].items() if name == config_type.__name__]
    return json.loads(json.dumps(definition))  # type: ignore[no-any-return]


def parse_config(config_type: type[ConfigT], values: dict[str, Any]) -> ConfigT:
    """Build a config from plain values, checking every field.

    Args:
        config_type: a msgspec Struct class whose fields are described with ``field``.
        values: field name → value; strings are converted (``"500"`` → 500). Missing fields take their default.

    Raises:
        ConfigError: for unknown fields and values outside their range, all of them at once.
    """
    known = {f.name: f for f in msgspec.structs.fields(config_type)}
    properties = schema_of(config_type)["properties"]
    errors: dict[str, str] = {}
    parsed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            errors[name] = f"There is no setting {name!r}; there are {', '.join(known)}."
            continue
        try:
            parsed[name] = msgspec.convert(value, known[name].type, strict=False)
        except msgspec.ValidationError:
            errors[name] = _refusal(properties[name], name, value)
            continue
        if isinstance(parsed[name], float) and not math.isfinite(parsed[name]):
            errors[name] = _refusal(properties[name], name, value)
    if errors:
        raise ConfigError(errors)
    return config_type(**parsed)


def check_config(config: ConfigT) -> ConfigT:
    """Return the config, or raise ``ConfigError``: msgspec does not check ranges in ``__init__``, this does."""
    return parse_config(type(config), {f: getattr(config, f) for f in config.__struct_fields__})


def _refusal(prop: dict[str, Any], name: str, value: object) -> str:
    return f"{prop.get('title', name)} is {value!r}; it must be {describe_limits(prop)}."


def describe_limits(prop: dict[str, Any]) -> str:
    """What a schema property accepts, in words: ``a whole number from 1 to 512``."""
    if "enum" in prop:
        return "one of " + ", ".join(str(v) for v in prop["enum"])
    options = [p for p in prop.get("anyOf", []) if p.get("type") != "null"]
    if options:
        return describe_limits({**options[0]}) + ", or empty"
    kind = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "text",
        "array": "a list",
    }[prop["type"]]
    low, high, above = prop.get("minimum"), prop.get("maximum"), prop.get("exclusiveMinimum")
    if low is not None and high is not None:
        return f"{kind} from {low:g} to {high:g}"
    if above is not None and high is not None:
        return f"{kind} above {above:g} and at most {high:g}"
    if low is not None:
        return f"{kind}, {low:g} or more"
    if above is not None:
        return f"{kind} above {above:g}"
    if high is not None:
        return f"{kind}, {high:g} or less"
    return kind


class Term(msgspec.Struct, frozen=True):
    r"""One named number of a loss, as it is recorded and shown.

    Args:
        name: the key in a phase's loss dict, for example ``kl``.
        latex: its symbol or expression, for example ``D_{KL}(q(z|x)\,\|\,p(z))``.
        help: what it is, one sentence.
        unit: ``nats`` for likelihoods and bounds (per image), ``probability`` or empty.
        per_image_nats: True when it is a negative log-likelihood (or bound) of the whole image, so that bits per
            dimension can be shown as well.
    """

    name: str
    latex: str
    help: str
    unit: str = ""
    per_image_nats: bool = False


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


class FamilyCard(msgspec.Struct, frozen=True, kw_only=True):
    """What the window shows of a family before it exists as a model.

    Args:
        name: key in ``FAMILIES``.
        title: display name.
        branch: path in Goodfellow's taxonomy (NIPS 2016 tutorial, figure 9), outermost first.
        summary: two or three sentences for a student.
        source: paper, authors, year, arXiv number or venue, section.
        objectives: one per variant of the training objective.
    """

    name: str
    title: str
    branch: tuple[str, ...]
    summary: str
    source: str
    objectives: tuple[Objective, ...]

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
