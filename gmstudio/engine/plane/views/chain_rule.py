r"""The chain rule as slices: p(x₁), p(x₂ | x₁) at a place that is dragged, and their product.

    p(x₁, x₂) = p(x₁) p(x₂ | x₁) = p(x₂) p(x₁ | x₂)

An autoregressive model computes the factors of its own order. Those of the other order are computed by a model that was
trained in all orders; else they are derived from the joint distribution by sums and Bayes' rule.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.plane.exact import factor_pieces, product
from gmstudio.engine.plane.grid import Grid, PlaneGrid
from gmstudio.engine.plane.rules import rule_for
from gmstudio.engine.plane.views.view import Drawing, Floats, View, ViewRequest, array, nats
from gmstudio.families.base import Autoregressive, Family
from gmstudio.protocol.plane import PlaneView
from gmstudio.protocol.plane_layers import Guide, Heat, Paths, PlaneLayer, Profile
from gmstudio.protocol.scenes import Number

SYMBOLS = ("x₁", "x₂")
LATEX = ("x_1", "x_2")
SIDES = ("x", "y")
CONTOURS = 6


class Slices:
    """Factors of a joint distribution in one order.

    Args:
        axes: number of the first axis, and of the second one.
        first_L: p of the first.
        second_LL: p of the second given each level of the first, a row each.
    """

    def __init__(self, axes: tuple[int, ...], first_L: Floats, second_LL: Grid) -> None:
        self.axes, self.first_L, self.second_LL = axes, first_L, second_LL

    @classmethod
    def derived(cls, surface: Grid, axes: tuple[int, int]) -> "Slices":
        """Factors from the joint distribution by sums and Bayes' rule."""
        joint_LL = surface if axes[0] == 1 else surface.T
        first_L = joint_LL.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            second_LL = joint_LL / first_L[:, np.newaxis]
        return cls(axes, first_L, np.nan_to_num(second_LL, nan=1.0 / joint_LL.shape[1]))

    def draw(self, request: ViewRequest, note: str) -> Drawing:
        """Profiles along both edges, a guide at the place of the condition, and the product."""
        grid, (one, two) = request.grid, self.axes
        axis = grid.axes[one]
        start = axis.centre(int(self.first_L.argmax()), grid.levels)
        place = min(max(request.place(f"x{one + 1}", start), axis.low), axis.high)
        level = axis.level(place, grid.levels)
        given = f"p({SYMBOLS[two]} | {SYMBOLS[one]} = {axis.centre(level, grid.levels):.3g})"
        joint = product(self.axes, self.first_L, self.second_LL)
        guide = Guide(
            name=f"x{one + 1}",
            axis=SIDES[one],  # type: ignore[arg-type]
            value=place,
            label=SYMBOLS[one],
            help=f"Drag the value of {SYMBOLS[one]} on which {SYMBOLS[two]} is conditioned.",
        )
        layers: tuple[PlaneLayer, ...] = (
            Heat(
                name=f"p({SYMBOLS[one]}) p({SYMBOLS[two]} | {SYMBOLS[one]})",
                values=array(joint),
                extent=request.extent,
                contours=CONTOURS,
            ),
            self._profile(request, one, f"p({SYMBOLS[one]})", self.first_L, 0),
            guide,
            self._profile(request, two, given, self.second_LL[level], 1),
        )
        return Drawing(layers, self._numbers(level, f"{axis.centre(level, grid.levels):.3g}"), note)

    def _profile(self, request: ViewRequest, axis: int, name: str, heights: Floats, series: int) -> Profile:
        places = array(request.grid.centres(axis))
        side: Any = SIDES[axis]
        return Profile(name=name, axis=side, places=places, heights=array(heights), series=series)

    def _numbers(self, level: int, value: str) -> tuple[Number, ...]:
        one, two = (LATEX[axis] for axis in self.axes)
        a, b = (SYMBOLS[axis] for axis in self.axes)
        conditional_L = entropies(self.second_LL)
        first, each = float(entropies(self.first_L[np.newaxis])[0]), float(self.first_L @ conditional_L)
        joint = f"Entropy of the joint distribution: H({a}) + H({b} | {a}), the same in both orders."
        return (
            Number(f"p({a} = {value})", f"{self.first_L[level]:.5f}", "", rf"p({one} = {value})"),
            Number(f"H({a})", nats(first), f"Entropy of {a}.", f"H({one})"),
            Number(
                f"H({b} | {a} = {value})",
                nats(float(conditional_L[level])),
                f"Entropy of {b} at this value of {a}.",
                rf"H({two} \mid {one} = {value})",
            ),
            Number(f"H({b} | {a})", nats(each), f"Its mean over {a}.", rf"H({two} \mid {one})"),
            Number(f"H({a}, {b})", nats(first + each), joint, f"H({one}, {two})"),
        )


class ChainRule(View):
    """The factors that an autoregressive model computes."""

    name = "chain_rule"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Any autoregressive model of the plane."""
        return isinstance(model, Autoregressive) and grid.dims == 2

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        return PlaneView(
            name=self.name,
            title="Chain rule",
            help="The model's factors: one coordinate alone, and the other one given it. The line can be dragged; the "
            "product of both is the surface.",
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model, grid = request.model, request.grid
        axes, first_L, second_LL = yield from factor_pieces(model, grid)
        assert second_LL is not None
        if label_mixture(model, request.dataset.train.labels) is None:
            slices, note = Slices(axes, first_L, second_LL), ""
        else:
            slices = Slices.derived((yield from request.surface()), (axes[0], axes[1]))
            note = "Factors of the mixture over the labels, derived from its surface."
        yield slices.draw(request, note or f"Generated in the order {SYMBOLS[axes[0]]}, {SYMBOLS[axes[1]]}.")


class OtherOrder(View):
    """The factors of the order in which an autoregressive model does not generate."""

    name = "other_order"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Any autoregressive model of the plane."""
        return isinstance(model, Autoregressive) and grid.dims == 2

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        how = (
            "The model was trained in all orders and computes this one, too; its product may differ from that of the "
            "other order."
            if _any_order(model)
            else "The model generates in one order; these factors are derived from its surface by sums and Bayes' rule."
        )
        return PlaneView(name=self.name, title="Other order", help=how)

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model, grid = request.model, request.grid
        axes, _, _ = yield from factor_pieces(model, grid)
        other, surface = (axes[1], axes[0]), (yield from request.surface())
        if _any_order(model):
            order = torch.tensor([[0, 0, axis] for axis in other])
            _, first_L, second_LL = yield from factor_pieces(model, grid, order)
            assert second_LL is not None
            slices = Slices(other, first_L, second_LL)
            apart = 0.5 * float(np.abs(product(other, first_L, second_LL) - surface).sum())
            note = f"Computed by the model in this order; total variation from the other order's product: {apart:.3g}."
        else:
            slices = Slices.derived(surface, other)
            note = "Derived from the surface by sums and Bayes' rule."
        yield slices.draw(request, note)


class DerivedSlices(View):
    """Marginal and conditional distributions of a model without a chain rule of its own."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.name = f"slices_{first + 1}"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Any model of the plane whose surface is computed without counting samples."""
        computed = rule_for(model).method not in (None, "histogram")
        return computed and grid.dims == 2 and not isinstance(model, Autoregressive)

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        one, two = SYMBOLS[self.first], SYMBOLS[1 - self.first]
        return PlaneView(
            name=self.name,
            title=f"{two} given {one}",
            help=f"p({one}) and p({two} | {one}) at the line, which can be dragged; derived from the surface by sums "
            "and Bayes' rule.",
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        slices = Slices.derived((yield from request.surface()), (self.first, 1 - self.first))
        yield slices.draw(request, "Derived from the surface by sums and Bayes' rule.")


class LabelDensities(View):
    """Densities given the labels, of a class-conditional model."""

    name = "labels"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Models that are conditioned on labels which they were trained with."""
        return isinstance(model, Autoregressive) and len(getattr(model, "labels", ())) > 1

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        return PlaneView(
            name=self.name,
            title="Given the label",
            help="p(x | y) for each label y that the model was trained with, as lines of equal density.",
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model: Any = request.model
        layers: list[PlaneLayer] = []
        numbers: list[Number] = []
        for series, label in enumerate(model.labels):
            values = product(*(yield from factor_pieces(model, request.grid, label=label)))
            names = request.dataset.label_names
            title = names[label] if label < len(names) else str(label)
            if request.grid.dims == 2:
                layers += contour_paths(request, values, f"p(x | {title})", series)
            else:
                places = np.stack([request.grid.centres(0), values[0]], axis=1)
                layers.append(Paths(name=f"p(x | {title})", points=array(places[np.newaxis]), series=series))
            entropy = float(entropies(values.reshape(1, -1))[0])
            numbers.append(Number(f"H(x | {title})", nats(entropy), "Entropy given this label.", ""))
            yield None
        yield Drawing(tuple(layers), tuple(numbers))


def contour_paths(request: ViewRequest, values: Grid, name: str, series: int) -> list[PlaneLayer]:
    """Borders of the smallest regions that hold a half and nine tenths of the mass, as polylines of one colour."""
    centres = [request.grid.centres(axis) for axis in (0, 1)]
    layers: list[PlaneLayer] = []
    falling = np.sort(values, axis=None)[::-1]
    held = np.cumsum(falling)
    for share in (0.5, 0.9):
        height = falling[min(int(np.searchsorted(held, share * held[-1])), len(falling) - 1)]
        segments = _border(values >= height, centres)
        if len(segments):
            layers.append(
                Paths(
                    name=f"{name}, {share:.0%} of the mass" if share == 0.5 else "",
                    points=array(segments),
                    series=series,
                    dashed=share != 0.5,
                )
            )
    return layers


def _border(inside: Any, centres: list[Floats]) -> Floats:
    """Sides of cells between those inside and those outside: (S, 2, 2)."""
    half = [0.5 * (line[1] - line[0]) for line in centres]
    padded = np.pad(inside, 1)
    across_R, across_C = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    along_R, along_C = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    left = centres[0][0] - half[0] + 2 * half[0] * across_C
    low = centres[1][0] - half[1] + 2 * half[1] * along_R
    upright = np.stack(
        [np.stack([left, centres[1][across_R] - half[1]], 1), np.stack([left, centres[1][across_R] + half[1]], 1)], 1
    )
    level = np.stack(
        [np.stack([centres[0][along_C] - half[0], low], 1), np.stack([centres[0][along_C] + half[0], low], 1)], 1
    )
    return np.concatenate([upright, level])


def entropies(probs_NL: Grid) -> Floats:
    """Entropy of each row, in nats: (N,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms_NL = np.where(probs_NL > 0, probs_NL * np.log(probs_NL), 0.0)
    summed: Floats = -terms_NL.sum(1)
    return summed


def _any_order(model: Family) -> bool:
    return bool(getattr(model, "any_order", False))
