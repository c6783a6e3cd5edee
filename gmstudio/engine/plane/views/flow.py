r"""A flow's grid, warped layer by layer, with the change of volume as shade.

    log p(x) = log N(f(x); 0, I) + log |det ∂f/∂x|:   where a cell grows on the way to the noise, the density is high.

Shapes: R × C crossings of the grid, N points, D dimensions.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.views.view import Drawing, Floats, View, ViewRequest, array, groups, nats
from gmstudio.families.base import Family
from gmstudio.families.insides import LayeredFlow, WarpStep
from gmstudio.protocol.plane import PlaneSlider, PlaneView
from gmstudio.protocol.plane_layers import Dots, Mesh, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Number

CROSSINGS = 33
ON_A_LINE = 241
REACH = 3.0
"""Codes of the grid on the way back reach to three standard deviations."""
SHOWN_POINTS = 400
EDGE = 1e-4
"""Distance of the outermost crossings from the ends of the axes, where a logit is infinite."""


class Warp(View):
    """Grid of one end, carried to the other end through the layers.

    Args:
        inverse: from the noise to the points, instead of from the points to the noise.
    """

    def __init__(self, *, inverse: bool) -> None:
        self.inverse = inverse
        self.name = "warp_back" if inverse else "warp"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Flows of layers."""
        return isinstance(model, LayeredFlow)

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        way = "from noise to points" if self.inverse else "from points to noise"
        if grid.dims == 1:
            shown = f"The map of the line {way} after each layer, with points of the data on it."
        else:
            shown = (
                f"A regular grid {'of codes' if self.inverse else 'of the plane'}, carried {way} layer by layer; its "
                "shade is the logarithm of the change of volume so far."
            )
        return PlaneView(
            name=self.name,
            title="Noise to points" if self.inverse else "Points to noise",
            help=shown,
            sliders=(self._frame(model, grid),),
            axes=_line_axes(grid) if grid.dims == 1 else (),
            animated=True,
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        frame = self._frame(request.model, request.grid)
        shown = request.whole(frame)
        start = self._start(request)
        crossings = _step(request.model, start, shown, inverse=self.inverse)
        yield None
        data = self._data(request)
        carried = _step(request.model, data, shown, inverse=self.inverse)
        if request.grid.dims == 1:
            yield Drawing(_map_of_the_line(request, start, crossings, data, carried, self.inverse), (), crossings.label)
            return
        side = CROSSINGS
        points = request.unit_to_points(crossings.places).reshape(side, side, 2)
        log_det = crossings.log_det.cpu().double().numpy().reshape(side, side)
        corners = [log_det[:-1, :-1], log_det[:-1, 1:], log_det[1:, :-1], log_det[1:, 1:]]
        labels = None if self.inverse else request.data_labels(SHOWN_POINTS)
        layers: tuple[PlaneLayer, ...] = (
            Mesh(name="grid", points=array(points), shade=array(np.mean(corners, axis=0)), unit="nats"),
            Dots(
                name="codes" if self.inverse else "validation points",
                points=array(request.unit_to_points(carried.places)),
                groups=groups(labels),
            ),
        )
        yield Drawing(layers, self._numbers(request, shown), f"{crossings.label[:1].upper()}{crossings.label[1:]}.")

    def _frame(self, model: Family, grid: PlaneGrid) -> PlaneSlider:
        assert isinstance(model, LayeredFlow)
        with torch.inference_mode():
            start = torch.full((1, grid.dims), 0.5, device=model.device)
            last = len(list(model.warp(start, inverse=self.inverse))) - 1
        return PlaneSlider(name="frame", title="Layers", low=0.0, high=float(last), step=1.0, value=float(last))

    def _start(self, request: ViewRequest) -> Tensor:
        """Regular grid at the first end: (N, D)."""
        ends = (-REACH, REACH) if self.inverse else (EDGE, 1.0 - EDGE)
        line = torch.linspace(*ends, ON_A_LINE if request.grid.dims == 1 else CROSSINGS)
        if request.grid.dims == 1:
            return line.unsqueeze(1).to(request.device)
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        return torch.stack([columns.flatten(), rows.flatten()], 1).to(request.device)

    def _data(self, request: ViewRequest) -> Tensor:
        """Points of the data at the first end, or codes drawn from the prior: (N, D)."""
        if self.inverse:
            shape = (SHOWN_POINTS, request.grid.dims)
            return torch.randn(shape, generator=request.generator(), device=request.device)
        levels_ND = request.data_images(SHOWN_POINTS).reshape(-1, request.grid.dims)
        return torch.from_numpy((levels_ND + 0.5) / request.grid.levels).float().to(request.device)

    def _numbers(self, request: ViewRequest, shown: int) -> tuple[Number, ...]:
        """Change of volume at the chosen point."""
        if request.point is None or self.inverse:
            return ()
        place = torch.from_numpy(request.grid.to_unit(request.point[np.newaxis])).float().to(request.device)
        at = _step(request.model, place, shown, inverse=False)
        code = ", ".join(f"{value:.3f}" for value in at.states[0].tolist())
        return (
            Number("state", f"({code})", "The chosen point after these layers.", "h"),
            Number("log |det J|", nats(float(at.log_det[0])), "Logarithm of the change of volume so far.", r"\log|J|"),
        )


def _step(model: Family, points: Tensor, shown: int, *, inverse: bool) -> WarpStep:
    assert isinstance(model, LayeredFlow)
    return next(islice(model.warp(points, inverse=inverse), shown, None))


def _line_axes(grid: PlaneGrid) -> tuple[PointAxis, ...]:
    return (grid.axes[0], PointAxis("h", -1.3 * REACH, 1.3 * REACH))


def _map_of_the_line(
    request: ViewRequest, start: Tensor, crossings: WarpStep, data: Tensor, carried: WarpStep, inverse: bool
) -> tuple[PlaneLayer, ...]:
    """Graph of the map of a line, with points on it: point on the horizontal axis, state on the vertical one."""

    def graph(before: Tensor, after: WarpStep) -> Floats:
        points = request.unit_to_points(after.places if inverse else before)[:, 0]
        states = (before if inverse else after.states)[:, 0].cpu().double().numpy()
        return np.stack([points, states], axis=1)

    return (
        Paths(name="x from z" if inverse else "h of x", points=array(graph(start, crossings)[np.newaxis])),
        Dots(name="codes" if inverse else "validation points", points=array(graph(data, carried)), series=1),
    )
