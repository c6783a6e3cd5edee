r"""Exact surfaces: by the chain rule, two passes of L rows, and by enumeration of all cells.

    p(x₁, x₂) = p(x_i) p(x_j | x_i)   in the order (i, j) of the model,
    p(x) = e^{-F(x)} / Σ_{x'} e^{-F(x')}.

Shapes: L levels, R rows (x₂), M cells, K labels.
"""

from collections.abc import Generator, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.evaluation.likelihood import Exact
from gmstudio.engine.plane.grid import Grid, PlaneGrid
from gmstudio.engine.plane.rows import rows_in_pieces
from gmstudio.engine.plane.surface import Surface, SurfaceRequest
from gmstudio.families.base import Autoregressive, Family, FreeEnergy

CONDITIONALS = 64
ENUMERATED = 1024
"""Rows of a slice."""


class Factors(NamedTuple):
    """Factors of the chain rule.

    Args:
        axes: in the order of generation.
        first: p of the first one, (L,).
        second: p of the second one given each level of the first, a row each; None on a line.
    """

    axes: tuple[int, ...]
    first: NDArray[np.float64]
    second: Grid | None


@runtime_checkable
class Conditionals(Protocol):
    """Autoregressive families that compute a single conditional for images without a session."""

    def check_order(self, order: Tensor | None) -> Tensor:
        """(D, 3) order; None: the model's own."""

    def log_components(
        self, levels_BCHW: Tensor, step: int, order_D3: Tensor, labels_B: Tensor | None = None
    ) -> Tensor:
        """(B, K, L) log-probabilities of the components of the conditional at a step."""


def factor_pieces(
    model: Family, grid: PlaneGrid, order: Tensor | None = None, label: int | None = None
) -> Generator[None, None, Factors]:
    """Compute the factors of the chain rule of an autoregressive model in pieces, and return them.

    Args:
        model: autoregressive.
        grid: of the points.
        order: generation order; None: the model's own.
        label: that the model is conditioned on; None: none.
    """
    if not isinstance(model, Conditionals):
        return _by_session(model, grid, order, label)
    order_D3 = model.check_order(order)
    axes = tuple(int(row[2]) for row in order_D3)
    images = torch.zeros((grid.levels, 1, 1, grid.dims), dtype=torch.uint8, device=model.device)
    images[:, 0, 0, axes[0]] = torch.arange(grid.levels, device=model.device)
    parts: list[NDArray[np.float64]] = []

    def conditional(rows: slice, step: int) -> NDArray[np.float64]:
        some = images[rows]
        labels = None if label is None else torch.full((len(some),), label, device=model.device)
        with torch.inference_mode():
            log_BKL = model.log_components(some, step, order_D3, labels)
            return log_BKL.cpu().double().logsumexp(1).exp().numpy()

    first_L = conditional(slice(1), 0)[0]
    if grid.dims == 1:
        return Factors(axes, first_L, None)
    yield from rows_in_pieces(grid.levels, CONDITIONALS, lambda rows: parts.append(conditional(rows, 1)))
    return Factors(axes, first_L, np.concatenate(parts))


def chain_rule_factors(
    model: Family, grid: PlaneGrid, order: Tensor | None = None, label: int | None = None
) -> Factors:
    """Factors of ``factor_pieces``, computed at once."""
    pieces = factor_pieces(model, grid, order, label)
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            found: Factors = end.value
            return found


@torch.inference_mode()
def _by_session(model: Family, grid: PlaneGrid, order: Tensor | None, label: int | None) -> Factors:
    """Factors from a session that places every level of the first sub-pixel, each in an image of its own."""
    autoregressive: Any = model
    levels = grid.levels
    options: dict[str, Any] = {"generator": torch.Generator().manual_seed(0)}  # the default one belongs to training
    if label is not None:
        options["labels"] = torch.full((levels,), label)
    session = autoregressive.pixel_session(levels, order, **options)
    axes = tuple(int(row[2]) for row in session.order)
    first_L = _probabilities(session.conditional()[:1])[0]
    if grid.dims == 1:
        return Factors(axes, first_L, None)
    session.place(torch.arange(levels))
    return Factors(axes, first_L, _probabilities(session.conditional()))


def product(axes: tuple[int, ...], first_L: NDArray[np.float64], second_LL: Grid | None) -> Grid:
    """Surface (R, L) from the factors of the chain rule."""
    if second_LL is None:
        return first_L[np.newaxis]
    joint_LL = first_L[:, np.newaxis] * second_LL
    return joint_LL if axes[0] == 1 else joint_LL.T


def by_chain_rule(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Surface of an autoregressive model; of a class-conditional one the mixture over its labels."""
    model, grid = request.model, request.grid
    mixture = label_mixture(model, request.train_labels)
    if mixture is None:
        factors = yield from factor_pieces(model, grid)
        yield Surface(product(*factors), "exact")
        return
    total = np.zeros(grid.shape)
    for label, share in mixture.frequencies.items():
        factors = yield from factor_pieces(model, grid, label=label)
        total += share * product(*factors)
        yield None
    yield Surface(total, "exact", f"Σ p(y) p(x | y) over {len(mixture.labels)} labels.")


def by_free_energy(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Surface of an energy-based model: e^{-F} of all cells, divided by its sum, which is Z."""
    yield from _enumerated(request, lambda model, images: -model.free_energy(images), normalized=False)


def by_log_prob(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Surface of any model with an exact likelihood: that of all cells."""
    yield from _enumerated(request, lambda model, images: model.log_prob(images), normalized=True)


def _enumerated(request: SurfaceRequest, log_of: Any, *, normalized: bool) -> Iterator[Surface | None]:
    grid, model = request.grid, request.model
    images = grid.images(model.device)
    parts: list[Tensor] = []

    def compute(rows: slice) -> None:
        with torch.inference_mode():
            parts.append(log_of(model, images[rows]).cpu().double())

    yield from rows_in_pieces(len(images), ENUMERATED, compute)
    log_M = torch.cat(parts)
    if not normalized:
        log_M = log_M - log_M.logsumexp(0)
    yield Surface(log_M.exp().numpy().reshape(grid.shape), "exact")


def has_chain_rule(model: Family) -> bool:
    """Return whether the chain rule gives the surface."""
    return isinstance(model, Autoregressive)


def has_free_energy(model: Family) -> bool:
    """Return whether unnormalized probabilities of all cells can be summed."""
    return isinstance(model, FreeEnergy)


def has_log_prob(model: Family) -> bool:
    """Return whether the exact likelihood of each cell is known."""
    return isinstance(model, Exact)


def _probabilities(probs_BL: Tensor) -> NDArray[np.float64]:
    return probs_BL.cpu().double().numpy()
