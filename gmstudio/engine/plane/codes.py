r"""Surfaces of models with a code z ~ N(0, I) given which sub-pixels are independent.

    p(x₁, x₂) = ∫ p(x₁|z) p(x₂|z) p(z) dz ≈ Σ_n w_n p(x₁|z_n) p(x₂|z_n),

one product of matrices. Codes of one or two dimensions lie on a regular grid with weights ∝ p(z_n); more dimensions
are filled by points of a Sobol sequence mapped to the prior, with weights 1/N: importance weighting with the prior as
the proposal.

Shapes: N codes, Z latent, L levels, D dimensions.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from gmstudio.engine.plane.rows import rows_in_pieces
from gmstudio.engine.plane.surface import Surface, SurfaceRequest
from gmstudio.families.base import Family, LevelDecoder

REACH = 5.0
"""The grid of codes reaches to five standard deviations, beyond which lies 1e-6 of the prior."""
NODES_IN_2D = 101
NODES_IN_1D = 4001
QUICK_NODES_IN_2D = 51
QUICK_NODES_IN_1D = 801
NUM_DRAWS = 16_384
QUICK_DRAWS = 4096
MAX_QUADRATURE_DIMS = 2
CODES = 512
"""Rows of a slice."""


def code_grid(num_dims: int, like: Tensor, nodes: int | None = None) -> tuple[Tensor, Tensor]:
    """Regular grid of codes.

    Args:
        num_dims: Z, 1 or 2.
        like: tensor of the precision and device of the codes.
        nodes: on each axis; None: as many as a surface takes.

    Returns:
        Codes (N, Z), the last dimension varying fastest, and their log-weights (N,) float64 on the CPU, whose
        exponentials sum to one.
    """
    count = nodes or (NODES_IN_1D if num_dims == 1 else NODES_IN_2D)
    line = torch.linspace(-REACH, REACH, count, dtype=torch.float64)
    codes_NZ = torch.cartesian_prod(*[line] * num_dims).view(-1, num_dims)
    log_weights_N = (-0.5 * codes_NZ.square().sum(1)).log_softmax(0)
    return codes_NZ.to(like), log_weights_N


def prior_codes(num_dims: int, count: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Points of a scrambled Sobol sequence, mapped to the standard normal distribution: (N, Z)."""
    seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
    uniforms_NZ = torch.quasirandom.SobolEngine(num_dims, scramble=True, seed=seed).draw(count, dtype=torch.float64)
    codes_NZ: Tensor = torch.special.ndtri(uniforms_NZ.clamp(1e-12, 1.0 - 1e-12))
    return codes_NZ.to(like)


def by_codes(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Surface of a model with a factorized decoder."""
    model, grid = request.model, request.grid
    assert isinstance(model, LevelDecoder)
    like, num_dims = next(model.parameters()), model.latent.num_dims
    quadrature = integrates(model)
    if quadrature:
        nodes = (QUICK_NODES_IN_1D, QUICK_NODES_IN_2D)[num_dims - 1] if request.quick else None
        codes_NZ, log_weights_N = code_grid(num_dims, like, nodes)
        note = f"{len(codes_NZ):,} codes on a grid within ±{REACH:g}."
    else:
        codes_NZ = prior_codes(num_dims, QUICK_DRAWS if request.quick else NUM_DRAWS, like, request.generator)
        log_weights_N = torch.zeros(len(codes_NZ), dtype=torch.float64).log_softmax(0)
        note = f"{len(codes_NZ):,} codes drawn from the prior."
    total = torch.zeros(grid.shape, dtype=torch.float64)  # on the CPU, since not every device has these floats

    def compute(rows: slice) -> None:
        with torch.inference_mode():
            probs_NDL = model.level_log_probs(codes_NZ[rows]).flatten(1, 3).exp().cpu().double()
            weights_N1 = log_weights_N[rows].exp().unsqueeze(1)
            second = probs_NDL[:, 1] if grid.dims == 2 else torch.ones_like(weights_N1)
            total.add_((weights_N1 * second).T @ probs_NDL[:, 0])

    yield from rows_in_pieces(len(codes_NZ), CODES, compute)
    yield Surface(total.numpy(), "quadrature" if quadrature else "importance weighting", note)


def has_level_decoder(model: Family) -> bool:
    """Return whether a factorized decoder with a normal prior gives the surface."""
    return isinstance(model, LevelDecoder) and model.latent.prior == "normal"


def integrates(model: Family) -> bool:
    """Return whether its codes have few enough dimensions for a grid."""
    return isinstance(model, LevelDecoder) and model.latent.num_dims <= MAX_QUADRATURE_DIMS
