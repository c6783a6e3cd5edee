r"""Codes and points: decoded grids and reconstructions.

The decoder maps codes z to means of points, so a plane of codes is a mesh in the plane of points, and a line of codes
is a curve. Of more than two dimensions those are shown that carry most information about the points, the others being
0.

Shapes: R × C crossings, Z latent, N points.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.views.view import Drawing, Floats, View, ViewRequest, array
from gmstudio.families.base import Encoder, Family, Invertible, Latent, Posterior, Sampler
from gmstudio.families.insides import Scored
from gmstudio.protocol.families import dim_label
from gmstudio.protocol.plane import PlaneSlider, PlaneView
from gmstudio.protocol.plane_layers import Arrows, Dots, Mesh, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Number

CROSSINGS = 41
ON_A_CURVE = 401
ENCODED = 1000
"""Points of the data whose codes are drawn."""
FIELD = 13
SHADED = 6.0
"""Largest change of log area that has a shade of its own."""
MARKED_CODES = (-2.0, -1.0, 0.0, 1.0, 2.0)
REACH = PlaneSlider(name="reach", title="Codes within", low=1.0, high=5.0, step=0.5, value=3.0, unit="σ")


def decodes_codes(model: Family) -> bool:
    """Return whether points come from continuous codes in one pass; of flows and diffusion there are views of all."""
    if not isinstance(model, Latent) or isinstance(model, Invertible | Scored):
        return False
    return model.latent.prior != "bernoulli"


def shown_dims(request: ViewRequest) -> tuple[int, ...]:
    """The one or two dimensions of the code that are drawn."""
    model = request.model
    assert isinstance(model, Latent)
    num_dims = model.latent.num_dims
    if num_dims <= 2:
        return tuple(range(num_dims))
    images = torch.from_numpy(request.data_images(ENCODED)).to(request.device)
    if isinstance(model, Posterior):
        informative_Z = model.kl_per_dim(images).mean(0)
        return tuple(sorted(informative_Z.argsort(descending=True)[:2].tolist()))
    return (0, 1)


def codes_in(request: ViewRequest, dims: tuple[int, ...], places: Tensor) -> Tensor:
    """Codes whose shown dimensions have these values, all others 0: (N, Z)."""
    assert isinstance(request.model, Latent)
    codes_NZ = torch.zeros(len(places), request.model.latent.num_dims, device=request.device)
    codes_NZ[:, list(dims)] = places.to(codes_NZ)
    return codes_NZ


def decoded(request: ViewRequest, codes_NZ: Tensor) -> Floats:
    """Points of the means of codes: (N, 2)."""
    assert isinstance(request.model, Latent)
    like = next(request.model.parameters())
    return request.means_to_points(request.model.decode(codes_NZ.to(like)))


class DecodedGrid(View):
    """Regular grid, or line, of codes in the plane of points."""

    name = "decoded_grid"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families with codes that are decoded in one pass, of points of the plane."""
        return decodes_codes(model) and grid.dims == 2

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        assert isinstance(model, Latent)
        many = "" if model.latent.num_dims <= 2 else ", of two of its dimensions, the others being 0"
        kind = "line" if model.latent.num_dims == 1 else "grid"
        return PlaneView(
            name=self.name,
            title="Decoded codes",
            help=f"A regular {kind} of codes{many}, decoded to the means of points; where lines crowd, points are "
            "frequent.",
            sliders=(REACH,),
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        dims, reach = shown_dims(request), request.number(REACH)
        assert isinstance(request.model, Latent)
        symbol = request.model.latent.symbol
        names = ", ".join(dim_label(symbol, dim + 1) for dim in dims)
        if len(dims) == 1:
            line = torch.linspace(-reach, reach, ON_A_CURVE).unsqueeze(1)
            marks = torch.tensor([[place] for place in MARKED_CODES if abs(place) <= reach])
            layers: tuple[PlaneLayer, ...] = (
                Paths(name=f"decoded {names}", points=array(decoded(request, line)[np.newaxis])),
                Dots(
                    name="",
                    points=array(decoded(request, marks)),
                    large=True,
                    series=0,
                    labels=tuple(f"{place:g}" for place in marks.flatten().tolist()),
                ),
            )
            yield Drawing(layers, (), f"Codes {names} from {-reach:g} to {reach:g}.")
            return
        line = torch.linspace(-reach, reach, CROSSINGS)
        rows, columns = torch.meshgrid(line, line, indexing="ij")
        codes = codes_in(request, dims, torch.stack([columns.flatten(), rows.flatten()], 1))
        points = decoded(request, codes).reshape(CROSSINGS, CROSSINGS, 2)
        step = 2.0 * reach / (CROSSINGS - 1)
        shade = np.log(np.maximum(_areas(points), 1e-12) / step**2).clip(-SHADED, SHADED)
        mesh = Mesh(name=f"decoded {names}", points=array(points), shade=array(shade), unit="log area")
        yield Drawing((mesh,), (), f"Codes {names} from {-reach:g} to {reach:g}; the shade is the change of area.")


class ReconstructionField(View):
    """Arrows from points to their reconstructions."""

    name = "reconstruction"

    def applies(self, model: Family, grid: PlaneGrid) -> bool:
        """Families that encode and decode."""
        return decodes_codes(model) and isinstance(model, Encoder)

    def describe(self, model: Family, grid: PlaneGrid) -> PlaneView:
        """See ``View``."""
        ends = "They end where the model can represent points."
        if not isinstance(model, Sampler):
            ends += " With noise in training they point to where data are dense (Alain & Bengio 2014)."
        return PlaneView(
            name=self.name,
            title="Reconstruction field",
            help=f"Arrows from points on a regular grid to what their codes decode to. {ends}",
            axes=_line_axes(grid) if grid.dims == 1 else (),
        )

    def draw(self, request: ViewRequest) -> Iterator[Drawing | None]:
        """See ``View``."""
        model, grid = request.model, request.grid
        assert isinstance(model, Encoder) and isinstance(model, Latent)
        levels = (
            np.linspace(0, grid.levels - 1, grid.levels if grid.dims == 1 else min(FIELD, grid.levels))
            .round()
            .astype(np.uint8)
        )
        mesh = np.meshgrid(*[levels] * grid.dims)
        images = np.stack([part.ravel() for part in mesh], axis=1).reshape(-1, 1, 1, grid.dims)
        starts = request.means_to_points(torch.from_numpy(images).float() / (grid.levels - 1))
        given = torch.from_numpy(images).to(request.device)
        ends = request.means_to_points(model.decode(model.encode(given)))
        data = torch.from_numpy(request.data_images(ENCODED)).to(request.device)
        rebuilt = request.means_to_points(model.decode(model.encode(data)))
        apart = np.linalg.norm(rebuilt - request.means_to_points(data.float() / (grid.levels - 1)), axis=1)
        numbers = (
            Number(
                "E‖x − x̂‖",
                f"{apart.mean():.4f}",
                "Mean distance of validation points from their reconstructions, in the units of the axes.",
                r"\mathbb{E}\,\|x - \hat{x}\|",
            ),
        )
        if grid.dims == 1:
            graph = np.stack([starts[:, 0], ends[:, 0]], axis=1)
            same = np.stack([starts[:, 0], starts[:, 0]], axis=1)
            identity = Paths(name="x itself", points=array(same[np.newaxis]), series=-1, dashed=True)
            yield Drawing((identity, Paths(name="reconstruction of x", points=array(graph[np.newaxis]))), numbers)
            return
        layers: tuple[PlaneLayer, ...] = (
            Arrows(name="x to its reconstruction", starts=array(starts), ends=array(ends)),
            Dots(name="reconstructions", points=array(rebuilt), series=1),
        )
        yield Drawing(layers, numbers)


def _areas(points_RC2: Floats) -> Floats:
    """Area of each quadrilateral of a mesh: (R − 1, C − 1)."""
    across = points_RC2[1:, 1:] - points_RC2[:-1, :-1]
    other = points_RC2[1:, :-1] - points_RC2[:-1, 1:]
    area: Floats = 0.5 * np.abs(across[..., 0] * other[..., 1] - across[..., 1] * other[..., 0])
    return area


def _line_axes(grid: PlaneGrid) -> tuple[PointAxis, PointAxis]:
    axis = grid.axes[0]
    return axis, PointAxis("reconstruction", axis.low, axis.high, axis.unit)
