r"""Posteriors q(z|x) of a variational model: as ellipses in the plane of codes, and by what their codes decode to.

Shapes: N points, Z latent.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.views.latent import ENCODED, ON_A_CURVE, codes_in, decoded, decodes_codes, shown_dims
from gmstudio.engine.plane.views.view import Drawing, Floats, View, ViewRequest, array, flat, groups, nats
from gmstudio.families.base import Family, Latent, Posterior
from gmstudio.protocol.families import dim_label
from gmstudio.protocol.plane import PlaneView
from gmstudio.protocol.plane_layers import Arrows, Dots, Ellipses, Handles, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Number

DRAWN_CODES = 65
"""Codes that are drawn from a posterior and decoded."""


class PosteriorPlane(View):
    """Posteriors as ellipses in the plane of codes."""

    name = "posterior"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families with a Gaussian posterior of two or more dimensions."""
        return isinstance(model, Posterior) and isinstance(model, Latent) and model.latent.num_dims >= 2

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        assert isinstance(model, Latent)
        symbol, many = model.latent.symbol, model.latent.num_dims > 2
        titles = (
            (f"{symbol}, first shown", f"{symbol}, second shown")
            if many
            else tuple(dim_label(symbol, dim) for dim in (1, 2))
        )
        return PlaneView(
            name=self.name,
            title="Posteriors",
            help="q(z|x) as ellipses in the plane of codes: of the chosen point, and of the points to which the codes "
            "that can be dragged decode; dots are codes drawn from the posteriors of validation points.",
            axes=tuple(PointAxis(title, -4.0, 4.0) for title in titles),
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model, dims = request.model, shown_dims(request)
        assert isinstance(model, Posterior)
        columns = list(dims)
        images = torch.from_numpy(request.data_images(ENCODED)).to(request.device)
        mean_NZ, deviation_NZ = model.posterior(images)
        noise = torch.randn(mean_NZ.shape, generator=request.generator(), device=request.device)
        drawn = (mean_NZ + deviation_NZ * noise)[:, columns]
        yield None
        start = self._start(request, columns)
        handles = request.handles("codes", start)
        codes = codes_in(request, dims, torch.from_numpy(handles))
        points = [decoded(request, codes)]
        labels = [f"x̂{number}" for number in range(1, len(handles) + 1)]
        if request.point is not None:
            chosen = np.zeros((1, 2))
            chosen[0, : request.grid.dims] = request.point
            points, labels = [chosen, *points], ["x", *labels]
        of_points = request.of_points(np.concatenate(points))
        means, deviations = model.posterior(of_points)
        covariances = torch.diag_embed(deviations[:, columns].square())
        kl = model.kl_per_dim(of_points).sum(1)
        layers: tuple[PlaneLayer, ...] = (
            Dots(
                name="codes of validation points",
                points=array(drawn.cpu()),
                groups=groups(request.data_labels(ENCODED)),
            ),
            Ellipses(
                name="q(z|x)",
                means=array(means[:, columns].cpu()),
                covariances=array(covariances.cpu()),
                labels=tuple(
                    label.replace("x̂", "q") for label in labels
                ),  # no combining hat, which few fonts paint well
            ),
            Handles(
                name="codes",
                points=array(handles),
                labels=tuple(f"z{number}" for number in range(1, len(handles) + 1)),
                help="Drag a code; the ellipse q of its number is the posterior of the point that it decodes to.",
            ),
        )
        shown = " and ".join(f"z{dim + 1}" for dim in dims)
        note = "" if len(mean_NZ[0]) == 2 else f"Shown are {shown}, which carry most information."
        yield Drawing(layers, _divergences(labels, kl), note)

    def _start(self, request: ViewRequest, columns: list[int]) -> Floats:
        """Codes of three points far from each other: (3, 2)."""
        assert isinstance(request.model, Posterior)
        means, _ = request.model.posterior(request.of_points(request.spread_points(3)))
        codes: Floats = means[:, columns].cpu().double().numpy()
        return codes


class PosteriorLine(View):
    """Posteriors over a line of codes."""

    name = "posterior_line"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families with a Gaussian posterior of one dimension."""
        return isinstance(model, Posterior) and isinstance(model, Latent) and model.latent.num_dims == 1

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        return PlaneView(
            name=self.name,
            title="Posteriors",
            help="q(z|x) of the chosen point and of others, beside the prior and the mean of the posteriors of all "
            "validation points, which the prior is to equal.",
            axes=(PointAxis("z", -4.0, 4.0), PointAxis("density", 0.0, 2.0)),
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model = request.model
        assert isinstance(model, Posterior)
        points, labels = request.spread_points(3), ["x1", "x2", "x3"]
        if request.point is not None:
            points, labels = np.concatenate([flat(request.point[np.newaxis]), points]), ["x", *labels]
        places = np.linspace(-4.0, 4.0, ON_A_CURVE)
        of_points = request.of_points(points)
        images = torch.from_numpy(request.data_images(ENCODED)).to(request.device)
        prior = np.exp(-0.5 * places**2) / np.sqrt(2.0 * np.pi)
        layers: list[PlaneLayer] = [
            _curve("p(z)", places, prior, -1, dashed=True),
            _curve("mean of q(z|x) over points", places, _densities(model, images, places).mean(0), -1),
        ]
        for series, (label, heights) in enumerate(zip(labels, _densities(model, of_points, places), strict=True)):
            layers.append(_curve(f"q(z|{label})", places, heights, series, filled=True))
        kl = model.kl_per_dim(of_points).sum(1)
        yield Drawing(tuple(layers), _divergences(labels, kl))


class DecodedPosterior(View):
    """Where the codes of draggable points decode to: posteriors in the plane of points."""

    name = "decoded_posterior"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families with a Gaussian posterior, on points of the plane."""
        return isinstance(model, Posterior) and decodes_codes(model) and grid.dims == 2

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        return PlaneView(
            name=self.name,
            title="Reconstructions",
            help="Points that can be dragged, and the means that codes drawn from their posteriors decode to; "
            "posteriors that overlap are reconstructed alike.",
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model = request.model
        assert isinstance(model, Posterior)
        handles = request.handles("points", request.spread_points(3))
        mean_NZ, deviation_NZ = model.posterior(request.of_points(handles))
        layers: list[PlaneLayer] = []
        for number, (mean, deviation) in enumerate(zip(mean_NZ, deviation_NZ, strict=True)):
            noise = torch.randn(DRAWN_CODES, len(mean), generator=request.generator(number), device=request.device)
            points = decoded(request, mean + deviation * noise)
            layers.append(Dots(name=f"decoded from q(z|x{number + 1})", points=array(points), series=number))
        ends = decoded(request, mean_NZ)
        layers.append(Arrows(name="x to the mean decoded from its code", starts=array(handles), ends=array(ends)))
        layers.append(
            Handles(
                name="points",
                points=array(handles),
                labels=tuple(f"x{number}" for number in range(1, len(handles) + 1)),
                help="Drag a point to see what its codes decode to.",
            )
        )
        kl = model.kl_per_dim(request.of_points(handles)).sum(1)
        numbers = tuple(
            Number(f"KL of x{number}", nats(float(value)), "KL(q(z|x) ‖ p(z)) of this point.", "")
            for number, value in enumerate(kl, 1)
        )
        yield Drawing(tuple(layers), numbers)


def _divergences(labels: Sequence[str], kl_N: torch.Tensor) -> tuple[Number, ...]:
    """KL(q(z|x) ‖ p(z)) of points, by their labels."""
    words = "Information of the code about the point."
    return tuple(
        Number(
            f"KL(q(z|{label}) ‖ p(z))",
            nats(float(value)),
            words,
            rf"D_{{KL}}\left(q(z|{_latex(label)})\,\|\,p(z)\right)",
        )
        for label, value in zip(labels, kl_N, strict=True)
    )


def _densities(model: Posterior, images: torch.Tensor, places: Floats) -> Floats:
    """Density of each image's posterior at places of a line of codes: (N, places)."""
    mean_N1, deviation_N1 = (part.cpu().double().numpy() for part in model.posterior(images))
    heights: Floats = np.exp(-0.5 * ((places - mean_N1) / deviation_N1) ** 2) / (deviation_N1 * np.sqrt(2.0 * np.pi))
    return heights


def _curve(
    name: str, places: Floats, heights: Floats, series: int, *, dashed: bool = False, filled: bool = False
) -> Paths:
    points = np.stack([places, heights], axis=1)[np.newaxis]
    return Paths(name=name, points=array(points), series=series, dashed=dashed, filled=filled)


def _latex(label: str) -> str:
    r"""``x̂2`` as ``\hat{x}_{2}``, ``x2`` as ``x_{2}``."""
    number = label.removeprefix("x̂")
    if number != label:
        return rf"\hat{{x}}_{{{number}}}"
    return rf"x_{{{label[1:]}}}" if label[1:] else label
