"""Choice of the way in which a model's surface is computed, by what the model can do."""

from collections.abc import Callable, Iterator

import torch

from gmstudio.data.dataset import Labels
from gmstudio.engine.plane import codes, counting, exact, tables
from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.surface import Rule, Surface, SurfaceRequest
from gmstudio.engine.runtime.inspection import exploring_pieces
from gmstudio.families.base import Family

NO_DENSITY = "This family has neither a density nor samples; what it has inside can be drawn."
NONE = Rule(None, NO_DENSITY, lambda request: iter(()))
_RULES: tuple[tuple[Callable[[Family], bool], Rule], ...] = (
    (exact.has_chain_rule, Rule("exact", "Exact, by the chain rule: p(x) = ∏ p(x_i | x_<i).", exact.by_chain_rule)),
    (
        exact.has_free_energy,
        Rule("exact", "Exact, by enumeration: Z is the sum of exp(−F(x)) over all cells.", exact.by_free_energy),
    ),
    (exact.has_log_prob, Rule("exact", "Exact, by the likelihood of every cell.", exact.by_log_prob)),
    (
        tables.has_table,
        Rule(
            "quadrature",
            "The density of the continuum, integrated over each cell by Gauss–Legendre quadrature; what lies beyond "
            "the axes belongs to the outermost cells, as for samples.",
            tables.by_table,
            has_quick=True,
        ),
    ),
    (
        lambda model: codes.has_level_decoder(model) and codes.integrates(model),
        Rule("quadrature", "∫ p(x|z) p(z) dz by quadrature over a grid of codes z.", codes.by_codes, has_quick=True),
    ),
    (
        codes.has_level_decoder,
        Rule(
            "importance weighting",
            f"Mean of p(x|z) over {codes.NUM_DRAWS:,} codes z drawn from the prior, which is importance weighting with "
            "the prior as the proposal.",
            codes.by_codes,
            has_quick=True,
        ),
    ),
    (
        counting.only_samples,
        Rule("histogram", f"Histogram of {counting.NUM_COUNTED:,} samples.", counting.by_counting),
    ),
)


def rule_for(model: Family) -> Rule:
    """Return the way in which the surface of a model is computed."""
    return next((rule for applies, rule in _RULES if applies(model)), NONE)


def surface_pieces(
    model: Family,
    grid: PlaneGrid,
    seed: int = 0,
    train_labels: Labels | None = None,
    num_counted: int = counting.NUM_COUNTED,
    *,
    quick: bool = False,
) -> Iterator[Surface | None]:
    """Compute the surface of a model whose weights don't change meanwhile.

    Args:
        model: of any family, trained on points.
        grid: of the points.
        seed: of all noise.
        train_labels: labels of the training points, of which class-conditional models are mixed; None: none.
        num_counted: samples that are counted, where only samples exist.
        quick: compute it less exactly, or count fewer samples, where that is much quicker.

    Returns:
        A generator of None after each piece of at most some tens of milliseconds, and of surfaces, of which the last
        one is ``done``; of nothing for a model that has neither density nor samples.
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    request = SurfaceRequest(model, grid, train_labels, generator, num_counted, quick)
    yield from exploring_pieces(model, rule_for(model).pieces(request))


def surface_of(
    model: Family, grid: PlaneGrid, seed: int = 0, train_labels: Labels | None = None, num_counted: int = 100_000
) -> Surface | None:
    """Last surface of ``surface_pieces``, computed at once; None: the model has neither density nor samples."""
    last = None
    for surface in surface_pieces(model, grid, seed, train_labels, num_counted):
        last = surface or last
    return last
