"""Grouping of curves into plots, with their labels and units."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.families import Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.state.training.history import RunHistory

UNITS = ("nats", "bits/dim")
LOSS_UNITS = ("nats", "")
LIKELIHOOD = "loss likelihood"
"""Key of the group of log-likelihoods, their bounds and parts of them."""


AXES = {"step": "training step", "epoch": "epoch", "time": "training time, s"}
"""Horizontal axes of the curves, and their names."""
PER_UNIT = 1000
"""Positions per epoch or second; positions are integers."""


class Group(NamedTuple):
    """Curves that share a plot.

    Args:
        key: identity.
        title: title of the plot.
        unit: unit of the values; may be empty.
        short: text of the button that shows the plot; empty: the title.
    """

    key: str
    title: str
    unit: str
    short: str = ""


OTHERS = {
    "grad_norm": Group("grad_norm", "Gradient", "norm"),
    "learning_rate": Group("learning_rate", "Learning rate", ""),
    "images_per_s": Group("images_per_s", "Speed", "images/s"),
    "samples": Group("samples", "Sample quality (precision, recall, density, coverage)", "", "Sample quality"),
}
"""Groups of curves that the trainer records beside the objective's terms, by the prefix of their names."""


def term_of(objective: Objective | None, name: str) -> Term | None:
    """Return the objective's term of that name; None where there is none."""
    return next((t for t in objective.terms if t.name == name), None) if objective else None


def shown_in_bits(objective: Objective | None, name: str) -> bool:
    """Return whether a term can be shown in bits per dimension.

    True for a negative log-likelihood (or bound) of the whole image, and for a part of one in the same unit.
    """
    term = term_of(objective, name)
    if term is None or objective is None:
        return False
    whole = any(t.per_image_nats for t in objective.terms)
    return term.per_image_nats or (whole and term.unit == "nats")


def group_of(objective: Objective | None, name: str, unit: str) -> Group:
    """Return the group of a curve.

    Args:
        objective: objective of the run; None while unknown.
        name: name of the curve.
        unit: unit in which likelihoods are shown, one of ``UNITS``.
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
        return Group(LIKELIHOOD, "Negative log-likelihood", f"{unit} per image" if unit == "nats" else unit, "NLL")
    if term.unit not in LOSS_UNITS:  # a count, for example of dimensions
        return Group(term.unit, term.unit.capitalize(), "")
    return Group(f"loss {term.unit}", "Loss", term.unit)


def label_of(name: str, objective: Objective | None = None) -> str:
    """Return the label of a curve: ``generator`` for ``grad_norm_generator``, ``D(x)`` for ``d_real``."""
    term = term_of(objective, name)
    if term is not None:
        plain = "(" in term.latex and not set(term.latex) & set("\\{}^_")
        return term.latex if plain and not term.label else term.title
    for prefix in OTHERS:
        if name.startswith(prefix + "_"):
            return name.removeprefix(prefix + "_").replace("_", " ")
    return name.replace("_", " ")


def unit_factor(objective: Objective | None, name: str, unit: str, image: ImageSpec | None) -> float:
    """Return the factor that converts recorded values to the requested unit."""
    if unit == "bits/dim" and image is not None and shown_in_bits(objective, name):
        return image.bits_per_dim(1.0)
    return 1.0


Steps = NDArray[np.int64]
ImagesSeen = Callable[[Steps], Steps]
"""Function from steps to the images in all batches up to them, both (n,) rising."""


def images_seen(batch_size: int, changes: Sequence[tuple[int, int]] = ()) -> ImagesSeen:
    """Return the function that counts the images in a run's batches.

    Args:
        batch_size: images in a batch.
        changes: (step, size) of the batches after that step, rising from step 0; empty: it is ``batch_size`` always.
    """
    rows = np.array(changes or [(0, batch_size)], dtype=np.int64)
    starts, sizes = rows[:, 0], rows[:, 1]
    begun = np.concatenate([[0], np.cumsum(np.diff(starts) * sizes[:-1])])

    def seen(steps: Steps) -> Steps:
        place = np.maximum(np.searchsorted(starts, steps, side="left") - 1, 0)
        counted: Steps = begun[place] + (steps - starts[place]) * sizes[place]
        return counted

    return seen


def positions_on(
    axis: str, steps: Steps, history: RunHistory, seen: ImagesSeen, num_train: int
) -> NDArray[np.int64] | None:
    """Positions of steps on an axis of ``AXES``: steps, or ``PER_UNIT`` to an epoch or a second of training.

    Time is summed from the recorded speeds, so it has no pauses.

    Args:
        axis: the axis.
        steps: (n,) rising.
        history: curves of the run.
        seen: counts the images of the run's batches.
        num_train: training images; 0: unknown.

    Returns:
        (n,) rising; None where the run has no such positions.
    """
    if axis == "step":
        return steps
    if axis == "epoch":
        return _whole(seen(steps) / num_train) if num_train else None
    curve = history.curve("train", "images_per_s")
    if curve is None or not len(curve):
        return None
    at, rates = curve.steps, np.maximum(curve.values, 1e-9)
    seconds = np.concatenate([[0.0], np.cumsum(np.diff(seen(at), prepend=0) / rates)])
    beyond = np.maximum(seen(steps) - seen(at[-1:]), 0) / rates[-1]
    found = np.interp(steps, np.concatenate([[0], at]), seconds)
    return _whole(found + beyond)


def _whole(values: NDArray[Any]) -> NDArray[np.int64]:
    positions: NDArray[np.int64] = np.rint(PER_UNIT * values).astype(np.int64)
    return positions


def headline_of(objective: Objective | None, history: RunHistory) -> str:
    """Return the curve that measures the quality of a model: its likelihood (or bound), else its loss, else ""."""
    likelihoods = [t.name for t in objective.terms if t.per_image_nats] if objective else []
    losses = ["loss"] if loss_compares(objective) else []
    return next((n for n in [*likelihoods, *losses] if history.curve("valid", n) is not None), "")


def loss_compares(objective: Objective | None) -> bool:
    """Return whether a lower loss means a better model; true while the objective is unknown."""
    term = term_of(objective, "loss")
    return term is None or term.comparable


def number(value: float, digits: int = 4) -> str:
    """Format a measured value with a number of digits: ``0.01230``, ``1,234``; a dash for NaN and infinity."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:#.{digits}g}".rstrip(".")
