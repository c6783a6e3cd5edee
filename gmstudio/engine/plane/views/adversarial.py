r"""The game in the plane: D(x) as a surface, and the gradients that the generator follows.

    z ~ N(0, I),   x = G(z),   -∂L_G/∂x at x: where a small step of x lowers the generator's loss.

Shapes: N points, D dimensions.
"""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.views.view import Drawing, View, ViewRequest, array
from gmstudio.families.adversarial.losses import AdversarialLosses
from gmstudio.families.base import Discriminator, Family, Latent
from gmstudio.nn.frozen import frozen_parameters
from gmstudio.protocol.plane import PlaneSlider, PlaneView
from gmstudio.protocol.plane_layers import Arrows, Dots, Heat, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Number

MOST_CELLS = 96
"""Places on each axis at which D is computed."""
CONTOURS = 6
LONGEST = 0.12
"""Length of the longest arrow, as a share of the plane."""
NUM_ARROWS = PlaneSlider(name="count", title="Arrows", low=20.0, high=400.0, step=20.0, value=120.0)


@runtime_checkable
class Adversarial(Protocol):
    """Families whose generator follows the gradient of a critic."""

    critic: nn.Module
    losses: AdversarialLosses


class DiscriminatorSurface(View):
    """D(x) over the plane, with points of the data and of the generator."""

    name = "discriminator"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families with a discriminator."""
        return isinstance(model, Discriminator)

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        assert isinstance(model, Discriminator)
        metric = model.critic_metric
        return PlaneView(
            name=self.name,
            title="Discriminator",
            help=f"{metric.symbol} over the plane, with points of the data and points generated now. {metric.help}",
            axes=(grid.axes[0], PointAxis(metric.symbol, 0.0, 1.0)) if grid.dims == 1 else (),
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model, grid = request.model, request.grid
        assert isinstance(model, Discriminator)
        count = min(MOST_CELLS, grid.levels)
        places = torch.cartesian_prod(*[(torch.arange(count) + 0.5) / count] * grid.dims).view(-1, grid.dims).flip(1)
        output = model.discriminate(_as_means(request, places)).float().cpu().numpy()
        name = model.critic_metric.symbol
        if grid.dims == 1:
            line = np.stack([request.unit_to_points(places)[:, 0], output], axis=1)
            yield Drawing((Paths(name=name, points=array(line[np.newaxis]), filled=True),))
            return
        yield None
        values = output.reshape(count, count)
        data = request.data_images(500)
        layers: tuple[PlaneLayer, ...] = (
            Heat(name=name, values=array(values), extent=request.extent, top=1.0, contours=CONTOURS),
            Dots(name="validation points", points=array(grid.within_cells(data, request.seed))),
        )
        means = _generated(request, 500)
        outputs = [
            float(model.discriminate(some).mean())
            for some in (torch.from_numpy(data).to(means) / (grid.levels - 1), means)
        ]
        if len(means):
            generated = array(request.means_to_points(means))
            layers = (*layers, Dots(name="generated points", points=generated, series=1))
        words = ("real", "validation points"), ("generated", "points generated now")
        numbers = tuple(
            Number(f"mean {name}, {short}", f"{value:.4f}", f"Mean over {long}.", "")
            for (short, long), value in zip(words, outputs, strict=True)
        )
        yield Drawing(layers, numbers)


class GeneratorGradients(View):
    """Arrows at generated points along the negative gradient of the generator's loss."""

    name = "generator_gradients"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families whose generator follows a critic, on points of the plane."""
        return isinstance(model, Adversarial) and isinstance(model, Latent) and grid.dims == 2

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        return PlaneView(
            name=self.name,
            title="Generator's gradients",
            help="−∂L_G/∂x at generated points x = G(z), without instance noise: where the discriminator would move "
            "them. The longest arrow has a fixed length.",
            sliders=(NUM_ARROWS,),
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model = request.model
        assert isinstance(model, Adversarial)
        means = _generated(request, request.whole(NUM_ARROWS))
        gradient_ND = generator_gradients(model, means)
        levels = request.grid.levels
        sides = np.array([axis.high - axis.low for axis in request.grid.axes])
        per_unit = gradient_ND.cpu().double().numpy() * levels / (levels - 1) / sides
        longest = float(np.linalg.norm(per_unit / sides, axis=1).max(initial=0.0))
        starts = request.means_to_points(means)
        scale = LONGEST / longest if longest > 0 else 0.0
        numbers = (
            Number(
                "mean ‖∂L_G/∂x‖",
                f"{np.linalg.norm(per_unit, axis=1).mean():.4g}",
                "Mean length of the gradient per unit of the axes, of one point's loss.",
                r"\mathbb{E}\left\|\partial \mathcal{L}_G / \partial x\right\|",
            ),
        )
        layers: tuple[PlaneLayer, ...] = (
            Dots(name="generated points", points=array(starts), series=1),
            Arrows(name="−∂L_G/∂x", starts=array(starts), ends=array(starts - scale * per_unit), series=1),
        )
        yield Drawing(layers, numbers)


def generator_gradients(model: Adversarial, means: Tensor) -> Tensor:
    """Gradient of each point's own generator loss with respect to its intensities: (N, D).

    Args:
        model: whose critic takes intensities from -1 to 1.
        means: (N, 1, 1, D) in [0, 1].
    """
    with torch.inference_mode(False), torch.enable_grad():
        places = means.clone().requires_grad_(True)
        with frozen_parameters(model.critic):
            loss = len(places) * model.losses.generator(model.critic(2.0 * places - 1.0))
            (gradient,) = torch.autograd.grad(loss, places)
    return gradient.flatten(1).detach()


def _generated(request: ViewRequest, count: int) -> Tensor:
    """Points of codes drawn from the prior, as intensities: (N, 1, 1, D)."""
    model = request.model
    assert isinstance(model, Latent)
    codes = torch.randn(count, model.latent.num_dims, generator=request.generator(), device=request.device)
    return model.decode(codes)


def _as_means(request: ViewRequest, places_ND: Tensor) -> Tensor:
    """Places from 0 to 1 along the axes as intensities, of which level l of L is l / (L − 1): (N, 1, 1, D)."""
    levels = request.grid.levels
    means = (places_ND * levels - 0.5) / (levels - 1)
    return means.float().view(-1, 1, 1, request.grid.dims).to(request.device)
