"""What a family computes, and at which cost: facts derived from its capabilities and from measurements."""

from dataclasses import dataclass

from gmstudio.protocol.atlas import SamplingMeasured
from gmstudio.protocol.families import FamilyEntry

LIKELIHOODS = {
    "log_prob": ("exact", "log p(x) of an image is computed without approximation."),
    "elbo": ("lower bound", "A lower bound of log p(x) is computed; the likelihood itself is not known."),
    "log_prob_estimate": ("estimate", "log p(x) is estimated by sampling, with an error."),
}
"""Capability → likelihood in a word, and a sentence; the first capability that a family has counts."""
NO_LIKELIHOOD = ("none", "The model defines no likelihood that could be computed; it is judged by its samples.")
UNKNOWN = "…"
UNMEASURED = "–"


@dataclass(frozen=True)
class Fact:
    """A quantity on a family's page.

    Args:
        name: shown, and identifies it.
        value: in words, with its unit.
        tip: definition, or how it was measured, one sentence.
    """

    name: str
    value: str
    tip: str


def likelihood(entry: FamilyEntry) -> tuple[str, str]:
    """Return the kind of likelihood that a family computes: a word, and a sentence."""
    return next((words for name, words in LIKELIHOODS.items() if name in entry.capabilities), NO_LIKELIHOOD)


def facts(
    entry: FamilyEntry, measured: SamplingMeasured | None, ms_per_image: float | None, count: int, *, has_model: bool
) -> tuple[Fact, ...]:
    """Facts on a family.

    Args:
        entry: of the family.
        measured: cost of a sample of its model; None: not known yet.
        ms_per_image: time of an image when ``count`` are drawn together; None: not known yet.
        count: images that are drawn together.
        has_model: there is a model to measure.
    """
    word, sentence = likelihood(entry)
    missing = UNKNOWN if has_model else UNMEASURED
    return (
        Fact("Likelihood", word, sentence),
        Fact("Passes per sample", missing if measured is None else _passes(measured), _passes_tip(measured)),
        Fact(
            "Time per sample",
            missing if ms_per_image is None else f"{_milliseconds(ms_per_image)}, {count} at a time",
            "Computing time of an image, measured now by the engine on this machine while it draws the samples at the "
            "left.",
        ),
        Fact("Latent code", _latent(entry, measured), _latent_tip(entry)),
        Fact(
            "Parameters",
            missing if measured is None else f"{measured.num_parameters:,}",
            "Trainable numbers of this model.",
        ),
    )


def _passes(measured: SamplingMeasured) -> str:
    if not measured.passes:
        return "not a network"
    return f"{measured.passes:,}, one per sub-pixel" if measured.by_pixel else f"{measured.passes:,}"


def _passes_tip(measured: SamplingMeasured | None) -> str:
    tip = "Passes through the network, one after another, counted while a sample was drawn."
    if measured is not None and measured.by_pixel:
        tip += " The sampler keeps what earlier passes computed; their order remains."
    return tip


def _milliseconds(value: float) -> str:
    return f"{value:.2f} ms" if value < 1 else f"{value:.1f} ms" if value < 100 else f"{value / 1000:.2f} s"


def _latent(entry: FamilyEntry, measured: SamplingMeasured | None) -> str:
    if "decode" not in entry.capabilities:
        return "no"
    return "yes" if measured is None else f"yes, {measured.latent_dims:,} dimensions"


def _latent_tip(entry: FamilyEntry) -> str:
    if "decode" not in entry.capabilities:
        return "Images do not come from a code that could be changed."
    return "Images come from a code" + (", and images have codes." if "encode" in entry.capabilities else ".")
