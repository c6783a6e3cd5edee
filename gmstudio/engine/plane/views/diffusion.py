r"""Diffusion in the plane: noised data and scores at a timestep, and paths from noise to points.

    x_t = √ᾱ_t x_0 + σ_t ε,    ∇ log p_t(x_t) ≈ -ε_θ(x_t, t) / σ_t

Shapes: N points, D dimensions.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.views.view import Drawing, Floats, View, ViewRequest, array, groups
from gmstudio.families.base import Family
from gmstudio.families.insides import Scored
from gmstudio.protocol.plane import PlaneSlider, PlaneView
from gmstudio.protocol.plane_layers import Arrows, Dots, Handles, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Number

NOISED = 800
FIELD = 21
LONGEST = 1.0 / FIELD
MARGIN = 0.25
"""Part of the plane beyond each end on which scores are drawn, too, since noise reaches there."""
NUM_PATHS = 60
STEPS = 40
ETA = PlaneSlider(name="eta", title="η", low=0.0, high=1.0, step=0.05, value=0.0)


def _scored(model: Family) -> Scored:
    assert isinstance(model, Scored)
    return model


class Score(View):
    """Noised data and the score at a timestep."""

    name = "score"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Diffusion models of the plane."""
        return isinstance(model, Scored) and grid.dims == 2

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        return PlaneView(
            name=self.name,
            title="Score",
            help="σ_t² ∇ log p(x_t) as the model predicts it: an arrow points from x_t to √ᾱ_t x̂₀, the denoised point "
            "as it is scaled in x_t. Dots are validation points, noised to the same timestep.",
            sliders=(self._time(model),),
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model = _scored(request.model)
        t = request.whole(self._time(request.model))
        signal, sigma = model.noise_level(t)
        images = request.data_images(NOISED)
        y_ND = torch.from_numpy((images.reshape(len(images), -1) + 0.5) / request.grid.levels).float()
        x0_ND = model.to_states(y_ND.to(request.device))
        noise = torch.randn(x0_ND.shape, generator=request.generator(), device=request.device)
        noised = model.to_places(signal * x0_ND + sigma * noise)
        line = torch.linspace(-MARGIN, 1.0 + MARGIN, FIELD)
        starts = torch.cartesian_prod(line, line).to(request.device)
        states = model.to_states(starts)
        score_ND = model.score(states, t)
        ends = model.to_places(states + sigma**2 * score_ND)
        starts_N2, ends_N2 = request.unit_to_points(starts), request.unit_to_points(ends)
        numbers = (
            Number("√ᾱ_t", f"{signal:.4f}", "Share of the data in x_t.", r"\sqrt{\bar{\alpha}_t}"),
            Number("σ_t", f"{sigma:.4f}", "Standard deviation of the noise in x_t.", r"\sigma_t"),
        )
        layers: tuple[PlaneLayer, ...] = (
            Dots(
                name=f"x_t, t = {t}",
                points=array(request.unit_to_points(noised)),
                groups=groups(request.data_labels(NOISED)),
            ),
            Arrows(name="σ_t² ∇ log p(x_t)", starts=array(starts_N2), ends=array(_shortened(starts_N2, ends_N2))),
        )
        note = (
            f"Arrows are at most {_longest(starts_N2):.3g} long; where denoising moves a point further, they are cut."
        )
        yield Drawing(layers, numbers, note)

    def _time(self, model: Family) -> PlaneSlider:
        last = _scored(model).num_timesteps
        return PlaneSlider(name="t", title="t", low=1.0, high=float(last), step=1.0, value=float(max(1, last // 5)))


class DenoisingPaths(View):
    """Paths from noise to points, and of a chosen noise."""

    name = "paths"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Diffusion models."""
        return isinstance(model, Scored)

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        time = PointAxis("denoising step", 0.0, float(self._steps(model)))
        return PlaneView(
            name=self.name,
            title="Denoising paths",
            help="Paths of x_t from noise to points; the dashed one starts where the handle is. With η = 0 a path "
            "depends on its start alone, with η = 1 noise is added in each step.",
            sliders=(self._frame(model), ETA),
            axes=(time, grid.axes[0]) if grid.dims == 1 else (),
            animated=True,
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model, dims = _scored(request.model), request.grid.dims
        shown, eta = request.whole(self._frame(request.model)), request.number(ETA)
        noise = torch.randn(NUM_PATHS, dims, generator=request.generator(), device=request.device)
        start = request.unit_to_points(model.to_places(torch.full((1, dims), 0.8, device=request.device)))
        handle = request.handles("start", start if dims == 2 else np.array([[0.0, start[0, 0]]]))
        own = handle[:, 1:] if dims == 1 else handle
        states = torch.cat([model.to_states(torch.from_numpy(request.grid.to_unit(own)).to(noise)), noise])
        trail: list[Tensor] = []
        times: list[int] = []
        steps = self._steps(request.model)
        for step in model.denoising_paths(states, model.num_timesteps, steps, eta, request.generator(1)):
            trail.append(model.to_places(step.states))
            times.append(step.t)
            yield None
            if len(trail) > shown:
                break
        places = np.stack([self._places(request, part, number) for number, part in enumerate(trail)], axis=1)
        layers: tuple[PlaneLayer, ...] = (
            Paths(name="x_t from noise", points=array(places[len(own) :]), series=0),
            Dots(name="", points=array(places[len(own) :, -1]), series=0),
            Paths(name="x_t from the handle", points=array(places[: len(own)]), series=1, dashed=True, marked=True),
            Handles(
                name="start",
                points=array(handle),
                labels=("x_T",) * len(handle),
                help="Drag the noise x_T from which this path starts.",
                along="y" if dims == 1 else None,
            ),
        )
        yield Drawing(layers, (), f"t = {times[-1]}, after {len(times) - 1} of {steps} denoising steps.")

    def _places(self, request: ViewRequest, places: Tensor, number: int) -> Floats:
        """Points (N, 2); on a line the step is the first coordinate and x₁ the second."""
        points = request.unit_to_points(places)
        if request.grid.dims == 1:
            points = np.stack([np.full(len(points), float(number)), points[:, 0]], axis=1)
        return points

    def _steps(self, model: Family) -> int:
        return min(STEPS, _scored(model).num_timesteps)

    def _frame(self, model: Family) -> PlaneSlider:
        last = float(self._steps(model))
        return PlaneSlider(name="frame", title="Denoising steps", low=0.0, high=last, step=1.0, value=last)


def _longest(starts_N2: Floats) -> float:
    sides = starts_N2.max(0) - starts_N2.min(0)
    return float(LONGEST * 2.0 * sides.mean())


def _shortened(starts_N2: Floats, ends_N2: Floats) -> Floats:
    """Ends of arrows that are cut to the largest length."""
    vectors = ends_N2 - starts_N2
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    ends: Floats = starts_N2 + vectors * np.minimum(1.0, _longest(starts_N2) / np.maximum(lengths, 1e-12))
    return ends
