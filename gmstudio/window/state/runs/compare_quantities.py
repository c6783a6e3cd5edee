"""Quantities that curves of different runs measure, and why two of them do not compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gmstudio.protocol.families import Objective
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.state.training.curves import OTHERS, Group, group_of, headline_of, label_of, term_of
from gmstudio.window.state.training.history import RunHistory

NLL = "nll"
"""Key of −log p(x) of a whole image, or an upper bound of it."""
NLL_TITLE = "Negative log-likelihood"
LOSS = r"\mathcal{L}"
"""Symbol of a whole loss."""
ANYWHERE = ("learning_rate", "images_per_s")
"""Curves that are the same quantity in every run."""


@dataclass(frozen=True)
class Basis:
    """Values that must be equal for two curves to measure the same quantity; None: it does not matter.

    Args:
        image: shape and levels of the images.
        data: digest of the training images; empty: unknown.
        family: registry name.
        formula: of the quantity, as LaTeX.
        weights: settings of the family that may enter the loss, as title and value.
    """

    image: ImageSpec | None = None
    data: str | None = None
    family: str | None = None
    formula: str | None = None
    weights: tuple[tuple[str, str], ...] | None = None


@dataclass(frozen=True)
class Measured:
    """A curve of a run, and what it measures.

    Args:
        run: the run.
        name: of the curve.
        key: of the quantity, shared by the curves of other runs that may compare.
        title: of the quantity.
        unit: of the values, those of ``factor``.
        factor: converts recorded values.
        bound: the values are upper bounds of the quantity.
        lower_is_better: the lowest validation value is the best.
        basis: what another curve must share to compare.
    """

    run: str
    name: str
    key: str
    title: str
    unit: str
    factor: float
    bound: bool
    lower_is_better: bool
    basis: Basis


def measured_by(
    info: RunInfo, objective: Objective | None, history: RunHistory, unit: str, properties: Mapping[str, Any]
) -> list[Measured]:
    """Return what the curves of a run measure, its likelihood first.

    Args:
        info: of the run.
        objective: of the run; None while unknown.
        history: its curves.
        unit: of likelihoods: ``nats`` or ``bits/dim``.
        properties: of the schema of the family's config.
    """
    likelihoods = [term.name for term in objective.terms if term.per_image_nats] if objective is not None else []
    recorded = next((name for name in likelihoods if name in history.names()), "")  # before the first validation
    headline = headline_of(objective, history) or recorded
    found = [_measured(info, objective, name, headline, unit, properties) for name in history.names()]
    return sorted(found, key=lambda one: one.key != NLL)


def _measured(
    info: RunInfo, objective: Objective | None, name: str, headline: str, unit: str, properties: Mapping[str, Any]
) -> Measured:
    term, group = term_of(objective, name), group_of(objective, name, unit)
    if term is None or objective is None:
        return _recorded(info, objective, name, group)
    in_nats = term.unit == "nats"
    factor = info.image.bits_per_dim(1.0) if in_nats and unit == "bits/dim" else 1.0
    shown = unit if in_nats else term.unit
    if term.per_image_nats and name == headline:
        basis = Basis(image=info.image, data=info.data_digest)
        bound = "log_prob" not in info.capabilities
        return Measured(info.run, name, NLL, NLL_TITLE, shown, factor, bound, True, basis)
    basis = Basis(image=info.image, data=info.data_digest, formula=term.latex)
    if LOSS in term.latex:  # a symbol that stands for the whole formula of a family
        weights = _weights(info, properties)
        basis = Basis(info.image, info.data_digest, info.spec.family, objective.latex, weights)
    title = label_of(name, objective)
    lower = term.comparable and LOSS in term.latex
    return Measured(info.run, name, f"term {name}", title[:1].upper() + title[1:], shown, factor, False, lower, basis)


def _recorded(info: RunInfo, objective: Objective | None, name: str, group: Group) -> Measured:
    """Return what a curve measures that the trainer records beside the objective's terms."""
    label = label_of(name, objective)
    title = group.title if name in OTHERS or label == group.title else f"{group.short or group.title}: {label}"
    basis = Basis(family=info.spec.family, formula=objective.latex if objective is not None else "")
    if name in ANYWHERE:
        basis = Basis()
    elif name.startswith("samples_"):
        basis = Basis(image=info.image, data=info.data_digest)
    return Measured(info.run, name, name, title, group.unit, 1.0, False, False, basis)


def _weights(info: RunInfo, properties: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Settings of the family that may be weights in its loss: all that are decimal numbers."""
    kinds = {name: _kinds(prop) for name, prop in properties.items()}
    named = [name for name in info.spec.config if "number" in kinds.get(name, ())]
    return tuple((str(properties[name].get("title", name)), f"{info.spec.config[name]}") for name in named)


def _kinds(prop: Mapping[str, Any]) -> set[str]:
    return {str(one.get("type")) for one in (prop, *prop.get("anyOf", ()))}


def parted(curves: Sequence[Measured]) -> tuple[list[Measured], list[Measured]]:
    """Divide curves of one key into the largest set that compares, the first of several, and the others."""
    sets: dict[Basis, list[Measured]] = {}
    unknown = 0
    for curve in curves:
        basis = curve.basis
        if basis.data == "":  # images that are not known are not known to be the same
            unknown += 1
            basis = Basis(data=f"unknown {unknown}")
        sets.setdefault(basis, []).append(curve)
    largest = max(sets.values(), key=len, default=[])
    return largest, [curve for curve in curves if curve not in largest]


def why_not(curve: Measured, shown: Measured, names: Mapping[str, str], infos: Mapping[str, RunInfo]) -> str:
    """Return why a curve does not compare with one that is shown, a sentence.

    Args:
        curve: that is left out.
        shown: with which it is compared, of the same key.
        names: run → its name.
        infos: run → its description.
    """
    name, other = names[curve.run], names[shown.run]
    one, two = curve.basis, shown.basis
    if one.family != two.family:
        family = infos[curve.run].family_title
        return f"{name} is left out: it is a quantity of {family}, another one than that of {other}."
    if one.image != two.image:
        return f"{name} is left out: its images are {one.image}, those of {other} are {two.image}."
    if one.data == "" or two.data == "":
        unknown = name if one.data == "" else other
        return f"{name} is left out: it is not recorded which images {unknown} was trained on."
    if one.data != two.data:
        data = infos[curve.run].data_label, infos[shown.run].data_label
        labels = f" ({data[0]} and {data[1]})" if data[0] != data[1] else ""
        return f"{name} is left out: it was trained on other images than {other}{labels}."
    if one.formula != two.formula:
        return f"{name} is left out: it has another formula than in {other}."
    return f"{name} is left out: {_differing_weights(one, two)}, which may enter the loss."


def _differing_weights(one: Basis, two: Basis) -> str:
    mine, theirs = dict(one.weights or ()), dict(two.weights or ())
    titles = [title for title in {**mine, **theirs} if mine.get(title) != theirs.get(title)]
    return ", ".join(
        f"{title} is {mine.get(title, 'not set')} and not {theirs.get(title, 'not set')}" for title in titles
    )
