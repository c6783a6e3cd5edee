"""Which curves belong in one plot, what they are called and in which unit they are shown."""

import math
from typing import NamedTuple

from gmstudio.protocol.families import Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.state.training.history import RunHistory

UNITS = ("nats", "bits/dim")
LOSS_UNITS = ("nats", "")


class Group(NamedTuple):
    """Curves that share a plot.

    Args:
        key: for the program.
        title: for people.
        unit: of the axis; may be empty.
    """

    key: str
    title: str
    unit: str


OTHERS = {
    "grad_norm": Group("grad_norm", "Gradient", "norm"),
    "learning_rate": Group("learning_rate", "Learning rate", ""),
    "images_per_s": Group("images_per_s", "Speed", "images/s"),
    "samples": Group("samples", "Samples against data", "share"),
}
"""Curves that the trainer records beside the objective's terms, by the beginning of their names."""


def term_of(objective: Objective | None, name: str) -> Term | None:
    """The objective's term of that name."""
    return next((t for t in objective.terms if t.name == name), None) if objective else None


def shown_in_bits(objective: Objective | None, name: str) -> bool:
    """Whether a term can be shown in bits per dimension.

    It can when it is a negative log-likelihood (or bound) of the whole image, or a part of one in the same unit.
    """
    term = term_of(objective, name)
    if term is None or objective is None:
        return False
    whole = any(t.per_image_nats for t in objective.terms)
    return term.per_image_nats or (whole and term.unit == "nats")


def group_of(objective: Objective | None, name: str, unit: str) -> Group:
    """The plot for a curve.

    Args:
        objective: of the run; None while unknown.
        name: of the curve.
        unit: what the user wants likelihoods in, one of ``UNITS``.
    """
    for prefix, group in OTHERS.items():
        if name == prefix or name.startswith(prefix + "_"):
            return group
    term = term_of(objective, name)
    if term is None:
        return Group(name, name.replace("_", " "), "")
    if term.unit == "probability":
        return Group("probability", "Probabilities", "")
    if shown_in_bits(objective, name):
        return Group("loss likelihood", "Likelihood", unit)
    if term.unit not in LOSS_UNITS:  # a count of something, which no loss is
        return Group(term.unit, term.unit.capitalize(), "")
    return Group(f"loss {term.unit}", "Loss", term.unit)


def label_of(name: str, objective: Objective | None = None) -> str:
    """A curve's name for people: ``grad_norm_generator`` is ``generator`` in its plot, ``d_real`` is ``D(x)``."""
    term = term_of(objective, name)
    if term is not None and "(" in term.latex and not set(term.latex) & set("\\{}^_"):
        return term.latex
    for prefix in OTHERS:
        if name.startswith(prefix + "_"):
            return name.removeprefix(prefix + "_").replace("_", " ")
    return name.replace("_", " ")


def unit_factor(objective: Objective | None, name: str, unit: str, image: ImageSpec | None) -> float:
    """What a recorded value is multiplied by to be in the wanted unit."""
    if unit == "bits/dim" and image is not None and shown_in_bits(objective, name):
        return image.bits_per_dim(1.0)
    return 1.0


def headline_of(objective: Objective | None, history: RunHistory) -> str:
    """The curve that says how good a model is: its likelihood (or bound), else its loss; empty where neither does."""
    likelihoods = [t.name for t in objective.terms if t.per_image_nats] if objective else []
    losses = ["loss"] if loss_compares(objective) else []
    return next((n for n in [*likelihoods, *losses] if history.curve("valid", n) is not None), "")


def loss_compares(objective: Objective | None) -> bool:
    """Whether a lower loss is a better model; also true while the objective is not known."""
    term = term_of(objective, "loss")
    return term is None or term.comparable


def number(value: float, digits: int = 4) -> str:
    """A measured value for people, always of so many digits: ``0.01230``, ``1,234``; a dash where there is none."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:#.{digits}g}".rstrip(".")
