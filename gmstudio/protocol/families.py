"""Cards of the model families: words, objectives, latent space, capabilities."""

from typing import Any, Literal

import msgspec

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training

MARGINAL_NLL = "marginal_nll"
"""Name of the validation term −log p(x) of models whose loss is −log p(x | label)."""


class Term(msgspec.Struct, frozen=True):
    r"""Named term of a loss, as it is recorded and shown.

    Args:
        name: key in a phase's loss dict, for example ``kl``.
        latex: symbol or expression, for example ``D_{KL}(q(z|x)\,\|\,p(z))``.
        help: definition, one sentence.
        unit: ``nats`` for likelihoods and bounds (per image), ``probability`` or empty.
        per_image_nats: negative log-likelihood (or bound) of the whole image, which can be shown in bits per
            dimension too.
        comparable: lower values mean a better model; False for a loss like a difference of two free energies, whose
            lowest value is not shown as the best.
        label: short label in legends and tables, for example ``KL``; empty: the name in words.
        validation_only: computed in validation, beside the losses.
    """

    name: str
    latex: str
    help: str
    unit: str = ""
    per_image_nats: bool = False
    comparable: bool = True
    label: str = ""
    validation_only: bool = False

    @property
    def title(self) -> str:
        """Label, or the name in words."""
        return self.label or self.name.replace("_", " ")


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


class TrajectoryCard(msgspec.Struct, frozen=True, kw_only=True):
    """Description of a family's generation step by step, whole images at a time.

    Args:
        steps: label of the number of steps, for example ``Gibbs steps`` or ``Denoising steps``.
        axis: name of the axis on which frames lie, for example ``Gibbs step`` or ``t``.
        shown: one sentence on the images of a frame.
        from_images: one sentence on trajectories that are initialized from images.
        mixes: the frames are an ergodic Markov chain, of which autocorrelation and convergence can be measured.
        default_steps: number of steps that is offered first.
        image_position: position of the frames that are images; None: all frames are.
    """

    steps: str
    axis: str
    shown: str
    from_images: str
    mixes: bool = False
    default_steps: int = 200
    image_position: int | None = None


class PublishedFigure(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a paper, for comparison with one's own runs on the same images.

    Args:
        data: name of the images, with their size where it is not that of the data set.
        value: the figure.
        unit: ``nats`` per image, ``bits/dim``, or another quantity in words.
        source: authors, year, arXiv number or venue.
        section: section, table or figure of the source.
        model: variant of the model that has it; empty: the model as described.
        relation: of the quantity to the figure: ``≤`` for a bound of −log p(x), ``≈`` for an estimate.
        compared: source of data, a key of ``SOURCES``, on which a run's −log p(x) compares with it; empty: none does.
        compared_config: settings of that source that a run needs, the others being free.
    """

    data: str
    value: float
    unit: str
    source: str
    section: str
    model: str = ""
    relation: Literal["=", "≤", "≈"] = "="
    compared: str = ""
    compared_config: dict[str, Any] = {}  # msgspec copies empty defaults


class FamilyCard(msgspec.Struct, frozen=True, kw_only=True):
    """Description of a family, shown before a model of it exists.

    Args:
        name: key in ``FAMILIES``.
        title: display name.
        branch: path in Goodfellow's taxonomy (NIPS 2016 tutorial, figure 9), outermost first.
        summary: two or three sentences for a student.
        source: paper, authors, year, arXiv number or venue, section.
        objectives: one per variant of the training objective.
        trajectory: of families that generate step by step, whole images at a time.
        published: results of papers.
        beside: Goodfellow's taxonomy does not place it; the Atlas shows it beside the tree.
        theory: of a family of another package: Markdown with LaTeX between dollar signs, shown in the Atlas.
    """

    name: str
    title: str
    branch: tuple[str, ...]
    summary: str
    source: str
    objectives: tuple[Objective, ...]
    trajectory: TrajectoryCard | None = None
    published: tuple[PublishedFigure, ...] = ()
    beside: bool = False
    theory: str = ""

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
        decoded: caption of the image that a code gives.
    """

    num_dims: int
    symbol: str = "z"
    prior: Literal["normal", "bernoulli", "none"] = "normal"
    decoded: str = "Decoded image"


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
    "trajectory",
    "figures",
    "pixel_figures",
)
"""Method names from which the catalog derives what a family can do."""


class FamilyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A family in the engine's catalog.

    Args:
        card: words.
        config_schema: JSON Schema of its Config, see ``schema_of``.
        start: complete settings of the first run that it proposes; None: none.
        start_on_points: complete settings that it proposes for points of the plane; None: those on any data.
        sampler_schema: that of its SamplerConfig; empty: sampling has no settings.
        decoder_schema: that of its DecoderConfig; empty: decoding has no settings.
        training: its default training settings, on data for which it proposes none.
        capabilities: those of ``CAPABILITIES`` that the class has.
    """

    card: FamilyCard
    config_schema: dict[str, Any]
    training: Training
    capabilities: tuple[str, ...]
    start: RunSpec | None = None
    start_on_points: RunSpec | None = None
    sampler_schema: dict[str, Any] = {}
    decoder_schema: dict[str, Any] = {}

    def start_on(self, data: str) -> RunSpec | None:
        """Return the complete settings that the family proposes on a data source; None: it proposes none."""
        proposed = (self.start_on_points, self.start)
        return next((spec for spec in proposed if spec is not None and spec.data == data), None)

    def training_on(self, data: str) -> dict[str, Any]:
        """Return the default training settings on a data source, as plain values."""
        start = self.start_on(data)
        if start is not None:
            return start.training
        settings: dict[str, Any] = msgspec.to_builtins(self.training)
        return settings

    def config_on(self, data: str) -> dict[str, Any]:
        """Return the default settings of the family on a data source, as plain values."""
        start = self.start_on(data)
        if start is not None:
            return start.config
        return {name: prop.get("default") for name, prop in self.config_schema["properties"].items()}


_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def dim_label(symbol: str, dim: int) -> str:
    """A coordinate as it is written: ``z₃``."""
    return symbol + str(dim).translate(_SUBSCRIPTS)
