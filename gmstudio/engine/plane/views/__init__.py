"""Views of what a model has inside, in the order in which they are offered."""

from gmstudio.engine.plane.grid import PlaneGrid
from gmstudio.engine.plane.views.adversarial import DiscriminatorSurface, GeneratorGradients
from gmstudio.engine.plane.views.chain_rule import ChainRule, DerivedSlices, LabelDensities, OtherOrder
from gmstudio.engine.plane.views.chains import Chains, FreeEnergySurface
from gmstudio.engine.plane.views.diffusion import DenoisingPaths, Score
from gmstudio.engine.plane.views.flow import Warp
from gmstudio.engine.plane.views.latent import DecodedGrid, ReconstructionField
from gmstudio.engine.plane.views.posterior import DecodedPosterior, PosteriorLine, PosteriorPlane
from gmstudio.engine.plane.views.view import View
from gmstudio.families.base import Family

VIEWS: tuple[View, ...] = (
    ChainRule(),
    OtherOrder(),
    LabelDensities(),
    Warp(inverse=False),
    Warp(inverse=True),
    PosteriorPlane(),
    PosteriorLine(),
    DecodedPosterior(),
    DecodedGrid(),
    ReconstructionField(),
    DiscriminatorSurface(),
    GeneratorGradients(),
    Score(),
    DenoisingPaths(),
    Chains(),
    FreeEnergySurface(),
    DerivedSlices(0),
    DerivedSlices(1),
)


def views_of(model: Family, grid: PlaneGrid) -> dict[str, View]:
    """Return the views that a model has, by their names."""
    return {view.name: view for view in VIEWS if view.applies(model, grid)}
