"""Markov chains from points that can be dragged.

Shapes: C chains, T transitions, D dimensions.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.views.view import Drawing, Floats, View, ViewRequest, array
from gmstudio.families.base import Family, FreeEnergy, MarkovChain
from gmstudio.protocol.plane import PlaneSlider, PlaneView
from gmstudio.protocol.plane_layers import Dots, Handles, Heat, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Number

MOST_STEPS = 500
STEPS = PlaneSlider(
    name="steps", title="Transitions", low=1.0, high=float(MOST_STEPS), step=1.0, value=60.0, unit="transitions"
)
NUM_STARTS = 2
SHOWN_NATS = 15.0


class Chains(View):
    """Chains as paths."""

    name = "chains"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families that generate by a Markov chain, and others that have one."""
        return isinstance(model, MarkovChain)

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        axes = (PointAxis("transition", 0.0, 60.0), grid.axes[0]) if grid.dims == 1 else ()
        return PlaneView(
            name=self.name,
            title="Markov chains",
            help="Chains that start at the points, which can be dragged; each segment is one transition. The visited "
            "points follow the model's distribution once the chain has forgotten its start.",
            sliders=(STEPS,),
            axes=axes,
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        grid, steps = request.grid, request.whole(STEPS)
        starts = request.spread_points(NUM_STARTS)
        if grid.dims == 1:
            starts = np.stack([np.zeros(len(starts)), starts[:, 0]], axis=1)
        handles = request.handles("starts", starts)
        own = handles[:, 1:] if grid.dims == 1 else handles
        images = request.of_points(own)
        assert isinstance(request.model, MarkovChain)
        states = [images.cpu().numpy()]
        for state in request.model.chain(images, request.generator()):
            states.append(state.cpu().numpy())
            yield None
            if len(states) > steps:
                break
        points = np.stack([self._points(request, state, number) for number, state in enumerate(states)], axis=1)
        layers: list[PlaneLayer] = []
        for number, path in enumerate(points):
            layers.append(Paths(name=f"chain {number + 1}", points=array(path[np.newaxis]), series=number))
            layers.append(Dots(name="", points=array(path), series=number))
        layers.append(
            Handles(
                name="starts",
                points=array(handles),
                labels=tuple(str(number) for number in range(1, len(handles) + 1)),
                help="Drag the start of this chain.",
                along="y" if grid.dims == 1 else None,
            )
        )
        moved = (np.diff(np.stack(states), axis=0) != 0).reshape(len(states) - 1, len(own), -1).any(2).mean()
        help_moved = "Share of transitions that end in another cell."
        yield Drawing(tuple(layers), (Number("moves", f"{moved:.1%}", help_moved, ""),))

    def _points(self, request: ViewRequest, images: NDArray[np.uint8], number: int) -> Floats:
        """Places within the cells of states, so that chains in one cell can be distinguished: (C, 2)."""
        places = request.grid.within_cells(images, request.seed + number)
        if number == 0:
            places = request.grid.points(images).astype(np.float32)
        if request.grid.dims == 1:
            return np.stack([np.full(len(places), float(number)), places[:, 0]], axis=1)
        return places.astype(np.float64)


class FreeEnergySurface(View):
    """F(x) over the grid."""

    name = "free_energy"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families with a free energy."""
        return isinstance(model, FreeEnergy)

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        return PlaneView(
            name=self.name,
            title="Free energy",
            help="F(x) above its lowest value: log p(x) = −F(x) − log Z, so every valley is a mode.",
            axes=(grid.axes[0], PointAxis("F(x) − min F", 0.0, SHOWN_NATS, "nats")) if grid.dims == 1 else (),
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        values, grid = (yield from request.surface()), request.grid
        assert isinstance(request.model, FreeEnergy)
        with np.errstate(divide="ignore"):
            above = -np.log(values / values.max())
        likeliest = int(values.argmax())  # any cell would do whose probability has not been rounded to 0
        lowest = float(request.model.free_energy(grid.images(request.device)[likeliest : likeliest + 1]))
        log_z = -lowest - float(np.log(values.flat[likeliest]))
        numbers = (Number("log Z", f"{log_z:.4f}", "Logarithm of the sum of exp(−F(x)) over the grid.", r"\log Z"),)
        if grid.dims == 1:
            line = np.stack([grid.centres(0), above[0]], axis=1)
            yield Drawing((Paths(name="F(x) − min F", points=array(line[np.newaxis])),), numbers)
            return
        heat = Heat(name="F(x) − min F", values=array(above), extent=request.extent, unit="nats", contours=8)
        yield Drawing((heat,), numbers)
