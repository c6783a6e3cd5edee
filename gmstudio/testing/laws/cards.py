"""Laws of what a family says of itself: settings, objectives, formulas, figures and the words for its trajectory."""

import itertools
import warnings
from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from gmstudio.families.base import Family, Trajectory
from gmstudio.families.diagnostics import Figure, Illustrated, PixelIllustrated
from gmstudio.protocol.config import parse_config, schema_of
from gmstudio.testing.laws.comparison import demand, demand_equal
from gmstudio.testing.laws.inputs import GREY, described, random_images, seeded, state_of
from gmstudio.testing.laws.law import is_a, law
from gmstudio.testing.laws.models import IllustratedModel, PixelIllustratedModel

ONE = (GREY,)
"""Specification on which cards are checked: what a family says of itself does not depend on the images."""


@law(applies=is_a(Family), images=ONE)
def settings_are_explained(model: Family) -> None:
    """Every setting has a title, a help sentence and a valid default, and every choice of one an objective.

    That of the settings of sampling and decoding, too, but for the objective.
    """
    family = type(model)
    for kind in filter(None, (family.Config, family.SamplerConfig, family.DecoderConfig)):
        for name, prop in schema_of(kind)["properties"].items():
            demand(
                bool(prop.get("title")) and str(prop.get("description", "")).endswith("."),
                f"{described(model)}: the setting {name!r} needs a title and a help sentence; describe it by "
                "gmstudio.protocol.config.field.",
            )
        demand(
            parse_config(kind, {}) == kind(),
            f"{described(model)}: the settings do not all have valid defaults.",
        )
    schema = schema_of(family.Config)["properties"]
    defaults = {name: prop["default"] for name, prop in schema.items()}
    for name, prop in schema.items():
        for value in prop.get("enum", [False, True] if prop.get("type") == "boolean" else []):
            model.card.objective({**defaults, name: value})


@law(applies=is_a(Family), images=ONE)
def formulas_render(model: Family) -> None:
    """Every objective and every term has LaTeX that can be drawn, and every term a help sentence."""
    terms = itertools.chain.from_iterable(objective.terms for objective in model.card.objectives)
    for term in terms:
        demand(
            bool(term.latex) and term.help.endswith("."),
            f"{described(model)}: the term {term.name!r} needs a symbol and a help sentence.",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of ziamath, when it loads its font
        from ziamath.zmath import Latex

        for objective in model.card.objectives:
            for latex in (objective.latex, *(term.latex for term in objective.terms)):
                demand("<svg" in Latex(latex).svg(), f"{described(model)}: the formula {latex!r} cannot be drawn.")


@law(applies=is_a(Family), images=ONE)
def trajectories_have_words(model: Family) -> None:
    """The card says how to speak of a trajectory exactly where the family has one."""
    card = model.card.trajectory
    demand(
        (card is not None) == isinstance(model, Trajectory),
        f"{described(model)}: its card must have a TrajectoryCard if and only if it has a method 'trajectory'.",
    )
    if card is not None:
        demand(
            bool(card.steps) and card.shown.endswith(".") and card.from_images.endswith("."),
            f"{described(model)}: the words of its TrajectoryCard must be a title and two sentences.",
        )


@law(applies=is_a(Illustrated))
def figures_are_complete(model: IllustratedModel, num_images: int = 10) -> None:
    """Figures have names of their own, a title and help, finite values and edges that fit; the model stays as it is.

    Args:
        model: has ``figures``.
        num_images: random images that the figures are drawn for.
    """
    images = random_images(model.image, num_images)
    _check_figures(model, model.image.shape, lambda: model.figures(images, seeded()))


@law(applies=is_a(PixelIllustrated))
def pixel_figures_are_complete(model: PixelIllustratedModel) -> None:
    """Figures of the first and last pixel of an image are complete, as ``figures_are_complete`` demands of all."""
    _, height, width = model.image.shape
    image = random_images(model.image, 1)
    for row, column in ((0, 0), (height - 1, width - 1)):
        _check_figures(model, model.image.shape, partial(model.pixel_figures, image, row, column))


def _check_figures(model: object, shape: tuple[int, int, int], draw: Callable[[], tuple[Figure, ...]]) -> None:
    assert isinstance(model, nn.Module)
    before = state_of(model)
    figures = draw()
    for name, value in model.state_dict().items():
        demand_equal(value, before[name], f"{described(model)}: drawing figures changes {name}.")
    names = [figure.name for figure in figures]
    demand(len(set(names)) == len(names), f"{described(model)}: two figures have the same name: {', '.join(names)}.")
    for figure in figures:
        problem = _problem_of(figure, shape)
        demand(not problem, f"{described(model)}: the figure {figure.name!r} {problem}.")


def _problem_of(figure: Figure, image_shape: tuple[int, int, int]) -> str:
    """Fault of a figure, as the end of a sentence; empty if it has none."""
    if not figure.title or not figure.help.endswith("."):
        return "needs a title and a help sentence"
    if figure.kind == "images":
        images = figure.images
        if images is None or images.shape[1:] != image_shape:
            return f"needs images of shape {image_shape}"
        if not 0.0 <= float(images.min()) <= float(images.max()) <= 1.0:
            return "has images that are not within 0 to 1"
        if figure.series and len(figure.series) != figure.columns:
            return f"has {len(figure.series)} names for {figure.columns} columns"
        return ""
    if figure.kind == "maps":
        return _problem_of_maps(figure)
    values, edges = figure.values, figure.edges
    if values is None or not bool(torch.isfinite(values).all()) or len(values) != len(figure.series):
        return "needs finite values for each of its series"
    if figure.kind == "histogram" and (edges is None or len(edges) != values.shape[1] + 1 or (edges.diff() <= 0).any()):
        return "needs rising edges, one more than it has bins"
    if figure.kind == "table" and len(figure.labels) != values.shape[1]:
        return f"has {len(figure.labels)} names for {values.shape[1]} rows"
    return ""


def _problem_of_maps(figure: Figure) -> str:
    values = figure.values
    if values is None or values.dim() != 4 or values.shape[1] not in (1, 3) or bool(torch.isinf(values).any()):
        return "needs finite values (M, 1 or 3, H, W), NaN where there is none"
    if len(figure.labels) != len(values):
        return f"has {len(figure.labels)} names for {len(values)} maps"
    known = values[~torch.isnan(values)]
    if figure.classes and not set(known.tolist()) <= set(range(len(figure.classes))):
        return "has values that are no class"
    return ""
