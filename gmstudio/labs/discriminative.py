r"""Discriminative and generative: p(y | x) learned directly, and by Bayes from a model of p(x, y).

Source: Ng & Jordan 2002, On discriminative vs. generative classifiers, NeurIPS 14; Bishop 2006, Pattern Recognition and
Machine Learning, section 1.5.4. Classes, fits and errors are in ``two_classes``.
"""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import torch
from msgspec import Struct

from gmstudio.labs.base import Lab, LabBench, Numbers
from gmstudio.labs.class_models import LearningCurve, train_class_models
from gmstudio.labs.drawing import heat, line, wide
from gmstudio.labs.two_classes import (
    CELL,
    CELLS,
    CENTRES,
    GRID,
    REACH,
    Shape,
    classes_of,
    error_of,
    features_of,
    fitted_gaussians,
    logistic_regression,
)
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import field
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.plane_layers import Dots, Handles, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Block, Curves, Mark, Number, Plane, Scene, Sentence
from gmstudio.protocol.scenes import Numbers as NumbersBlock

NUM_SAMPLES = 300
RARE = 0.01
"""A point is an outlier when less than this share of the model's points is as rare."""
MAX_DOTS = 400
FAMILIES = ("made", "nade")
EXTENT = (-REACH, REACH, -REACH, REACH)
TITLES = {
    "naive bayes": "naive Bayes",
    "lda": "LDA",
    "qda": "QDA",
    "made": "MADE by class",
    "nade": "NADE by class",
}


class DiscriminativeConfig(Struct, frozen=True, kw_only=True):
    """Settings of the lab."""

    shape: Annotated[
        Shape,
        field(
            "Classes",
            "Independent coordinates suit naive Bayes, correlated ones LDA, unequal covariances QDA; moons none.",
        ),
    ] = "correlated"
    share: Annotated[float, field("Share of class 1", "p*(y = 1).", ge=0.05, le=0.95)] = 0.5
    points: Annotated[
        int, field("Points n", "Labelled points that both kinds of model see.", ge=8, le=5000, unit="points", log=True)
    ] = 60
    features: Annotated[
        Literal["linear", "quadratic"],
        field("Features of p(y | x)", "Logistic regression on the coordinates, or on their squares and product, too."),
    ] = "linear"
    generative: Annotated[
        Literal["naive bayes", "lda", "qda", "made", "nade"],
        field(
            "Model of p(x, y)",
            "A Gaussian for each class (naive Bayes: independent coordinates; LDA: one covariance), or a family.",
            labels={"naive bayes": "naive Bayes", "lda": "LDA", "qda": "QDA", "made": "MADE", "nade": "NADE"},
        ),
    ] = "lda"
    others: Annotated[
        int,
        field(
            "Other coordinates",
            "Coordinates that are N(0, 1) in both classes, for the curve of the error against n alone.",
            ge=0,
            le=30,
            unit="coordinates",
        ),
    ] = 10
    repeats: Annotated[
        int, field("Repeats", "Sets of points for each n of that curve.", ge=5, le=500, unit="sets", log=True)
    ] = 40


class Discriminative(Lab):
    """Two classifiers of one set of points, and what only one of them can do."""

    card: ClassVar[LabCard] = LabCard(
        name="discriminative",
        title="Discriminative and generative",
        question="What does a model of p(x, y) give that one of p(y | x) does not, and what does it cost?",
        latex=r"p(y \mid x) = \frac{p(x, y)}{p(x)} = \frac{p(x \mid y)\,p(y)}{\sum_{y'} p(x \mid y')\,p(y')}",
        notes="notes 5, line 5; notes 4, lines 9–11 and 41–43",
        book="Ng & Jordan (2002), NeurIPS 14; Bishop (2006), Pattern Recognition and Machine Learning, §1.5.4",
    )
    Config = DiscriminativeConfig
    config: DiscriminativeConfig
    actions: ClassVar[tuple[LabAction, ...]] = (
        LabAction(
            name="redraw", title="Draw other points", help="Draw another set of n points, and fit both kinds of model."
        ),
        LabAction(
            name="train", title="Train a family", help="Train a model of the chosen family, else a MADE, on each class."
        ),
        LabAction(
            name="curve", title="Error against n", help="Fit many sets of points of each size, and measure the errors."
        ),
    )
    live_inputs: ClassVar[frozenset[str]] = frozenset({"point"})

    def __init__(self, bench: LabBench, config: DiscriminativeConfig) -> None:
        super().__init__(bench, config)
        self._set = 0
        self._curve = LearningCurve()
        self._trained: Numbers | None = None
        self._draw()

    def default_inputs(self) -> dict[str, Numbers]:
        """Point at which everything is read."""
        return {"point": np.array([[2.5, -2.5]])}

    def configure(self, config: DiscriminativeConfig) -> None:
        """Other classes or another n draw new points; another family has to be trained anew."""
        old, self.config = self.config, config
        if (config.shape, config.share, config.points) != (old.shape, old.share, old.points):
            self._draw()
        if config.generative != old.generative:
            self._trained = None
        if (config.shape, config.share, config.others, config.repeats) != (
            old.shape,
            old.share,
            old.others,
            old.repeats,
        ):
            self._curve = LearningCurve()

    def edit(self, name: str, values: Numbers) -> str:
        """See ``Lab``; the point stays in the plane that is computed."""
        self.inputs[name] = np.clip(values, -REACH + CELL / 2, REACH - CELL / 2)
        return ""

    def _draw(self) -> None:
        self._truth = classes_of(self.config.shape, self.config.share)
        self._joint = self._truth.joint(GRID)
        generator = torch.Generator().manual_seed(self.bench.seed + 1000 * self._set)
        self._x, self._y = self._truth.draw(self.config.points, generator)
        self._trained = None

    # ---- acting ------------------------------------------------------------------------------------------------

    def act(self, action: str) -> Iterator[Scene | None]:
        """Draw, train or measure."""
        if action == "redraw":
            self._set += 1
            self._draw()
        elif action == "train":
            yield from self._train()
        else:
            curve = self._curve = LearningCurve()
            sizes = curve.measure(self._truth, self._joint, self.config.others, self.config.repeats, self.bench.seed)
            for share in sizes:
                yield self._staged("Fitting sets of points", share) if self.bench.due() else None

    def _train(self) -> Iterator[Scene | None]:
        if self.config.generative not in FAMILIES:
            self.config = msgspec.structs.replace(self.config, generative="made")
        family = self.config.generative
        joint = np.zeros((2, CELLS * CELLS))
        for share, found in train_class_models(self.bench, family, self._x, self._y, joint):
            if found:
                self._trained = joint
            yield self._staged(f"Training {TITLES[family]}", share) if self.bench.due() else None

    def _staged(self, stage: str, share: float) -> Scene:
        return msgspec.structs.replace(self.scene(), stage=f"{stage} …", progress=share)

    # ---- models ------------------------------------------------------------------------------------------------

    def _chance_directly(self) -> Numbers:
        """p(y = 1 | x) of logistic regression in all cells."""
        quadratic = self.config.features == "quadratic"
        weights = logistic_regression(features_of(self._x, quadratic)[None], self._y[None])[0]
        logits = features_of(GRID, quadratic) @ weights[:-1] + weights[-1]
        chance: Numbers = 0.5 * (1 + np.tanh(logits / 2))
        return chance

    def _modelled(self) -> Numbers | None:
        """p(x, y) of the generative model in all cells, (2, G); None: it has to be trained first."""
        kind = self.config.generative
        if kind == "made" or kind == "nade":  # not `in`: the type is narrowed so
            return self._trained
        return fitted_gaussians(self._x, self._y, kind).joint(GRID)

    # ---- drawing -----------------------------------------------------------------------------------------------

    def scene(self) -> Scene:
        """Both decision maps; samples, outliers and missing coordinates; errors against n."""
        direct, modelled = self._chance_directly(), self._modelled()
        known = np.full_like(self._joint, np.nan) if modelled is None else modelled
        by_bayes = _posterior(known)
        title = TITLES[self.config.generative]
        rows: tuple[tuple[Block, ...], ...] = (
            (
                self._map(f"p(y = 1 | x) directly: logistic regression, {self.config.features}", direct),
                self._map(f"p(y = 1 | x) by Bayes from p(x, y): {title}", by_bayes),
            ),
            (Sentence(text=self._finding(direct, modelled), finding=True),),
            (self._density(known, title), self._numbers(direct, modelled)),
            (
                self._missing(known),
                self._curve.curves(error_of(_posterior(self._joint), self._joint), self.config.others),
            ),
            (Sentence(text=self._curve.finding(), finding=True),),
        )
        return Scene(rows=rows)

    def _point(self) -> Handles:
        return Handles(
            name="point",
            points=wide(self.inputs["point"]),
            labels=("x",),
            help="Drag it to read p(y | x), p(x), and p(y | x₁) there.",
        )

    def _map(self, title: str, chance_G: Numbers) -> Plane:
        layers: tuple[PlaneLayer, ...] = (
            heat("p(y = 1 | x) − ½", chance_G.reshape(CELLS, CELLS) - 0.5, EXTENT, scale="diverging", top=0.5),
            Dots(
                name="training points",
                points=wide(self._x[:MAX_DOTS]),
                groups=Array.of(self._y[:MAX_DOTS]),
            ),
            self._point(),
        )
        return _plane(title, layers)

    def _density(self, joint_2G: Numbers, title: str) -> Plane:
        layers: list[PlaneLayer] = [
            heat("p(x)", joint_2G.sum(0).reshape(CELLS, CELLS), EXTENT, scale="shade"),
        ]
        if np.isfinite(joint_2G).all():
            samples, labels = _sampled(joint_2G, torch.Generator().manual_seed(self.bench.seed + 1))
            layers.append(Dots(name="samples (x, y)", points=wide(samples), groups=Array.of(labels)))
        return _plane(f"p(x), and {NUM_SAMPLES} samples (x, y): {title}", (*layers, self._point()))

    def _missing(self, joint_2G: Numbers) -> Curves:
        model, exact = (_posterior(joint.reshape(2, CELLS, CELLS).sum(1)) for joint in (joint_2G, self._joint))
        return Curves(
            title="x₂ missing: p(y = 1 | x₁), summed over x₂",
            x_title="x₁",
            y_title="probability",
            lines=(line("model of p(x, y)", CENTRES, model), line("exact", CENTRES, exact)),
            x_range=(-REACH, REACH),
            y_range=(0.0, 1.0),
            marks=(Mark(x=float(self.inputs["point"][0, 0]), label="x₁"),),
        )

    def _numbers(self, direct: Numbers, modelled: Numbers | None) -> NumbersBlock:
        cell = self._cell()
        exact = _posterior(self._joint)
        found = [
            Number(
                "Bayes error", f"{error_of(exact, self._joint):.4f}", "Of the exact p*(y | x): no classifier has less."
            ),
            Number(
                "Error, logistic regression",
                f"{error_of(direct, self._joint):.4f}",
                "Under p*, by a sum over the grid.",
            ),
        ]
        at = [
            Number("p(y = 1 | x), exact", f"{exact[cell]:.4f}", "At the point that is dragged."),
            Number("p(y = 1 | x), logistic regression", f"{direct[cell]:.4f}", "It has no measure of how usual x is."),
        ]
        if modelled is not None:
            density = modelled.sum(0)
            rarer = float(density[density <= density[cell]].sum() / density.sum())
            by_bayes = _posterior(modelled)
            along = _posterior(modelled.reshape(2, CELLS, CELLS).sum(1))
            found.append(
                Number(
                    "Error, by Bayes from p(x, y)",
                    f"{error_of(by_bayes, self._joint):.4f}",
                    "Under p*, by a sum over the grid.",
                )
            )
            at += [
                Number("p(y = 1 | x), by Bayes", f"{by_bayes[cell]:.4f}", "p(x, y) / p(x)."),
                Number("log p(x)", f"{math.log(max(density[cell], 1e-300)):.2f}", "Only a model of p(x, y) has it."),
                Number(
                    "Share of p(x) that is rarer",
                    _percent(rarer),
                    "Mass of places with a lower density: an outlier's is near 0.",
                ),
                Number("p(y = 1 | x₁)", f"{along[cell % CELLS]:.4f}", "With x₂ missing."),
            ]
        return NumbersBlock(title="Errors, and the point x", numbers=(*found, *at))

    def _finding(self, direct: Numbers, modelled: Numbers | None) -> str:
        title = TITLES[self.config.generative]
        bayes = error_of(_posterior(self._joint), self._joint)
        error = 100 * error_of(direct, self._joint)
        text = f"From {self.config.points:,} points logistic regression errs in {error:.1f} %"
        if modelled is None:
            return f"{text}; the Bayes error is {100 * bayes:.1f} %. Train a family: {title} has not been trained yet."
        cell = self._cell()
        density = modelled.sum(0)
        rarer = float(density[density <= density[cell]].sum() / density.sum())
        sure, outlying = max(direct[cell], 1 - direct[cell]), rarer < RARE
        return (
            f"{text}, {title} in {100 * error_of(_posterior(modelled), self._joint):.1f} %; the Bayes error is "
            f"{100 * bayes:.1f} %. At the point x logistic regression is sure to {100 * sure:.1f} %; "
            f"{_percent(rarer)} of the model's points are as rare, so x is {'an' if outlying else 'no'} outlier, which "
            "p(y | x) alone cannot say."
        )

    def _cell(self) -> int:
        """Cell of the point in use."""
        column, row = ((self.inputs["point"][0] + REACH) / CELL).astype(int)
        return int(row * CELLS + column)


def _plane(title: str, layers: tuple[PlaneLayer, ...]) -> Plane:
    axes = (PointAxis(name, -REACH, REACH) for name in ("x₁", "x₂"))
    return Plane(title=title, x=next(axes), y=next(axes), layers=layers, square=True)


def _posterior(joint_2G: Numbers) -> Numbers:
    """p(y = 1 | x) from p(x, y); one half where both are 0."""
    total = joint_2G.sum(0)
    chance: Numbers = np.where(total == 0, 0.5, joint_2G[1] / np.where(total == 0, 1.0, total))
    return chance


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share >= 1e-4 else "< 0.01 %"


def _sampled(
    joint_2G: Numbers, generator: torch.Generator
) -> tuple[Numbers, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Samples (N, 2) and labels (N,) from p(x, y): a cell by its probability, then a place within it."""
    chosen = torch.multinomial(torch.from_numpy(joint_2G.ravel()), NUM_SAMPLES, replacement=True, generator=generator)
    labels, cells = np.divmod(chosen.numpy(), CELLS * CELLS)
    within = torch.rand((NUM_SAMPLES, 2), generator=generator, dtype=torch.float64).numpy() - 0.5
    return GRID[cells] + CELL * within, labels.astype(np.int64)
