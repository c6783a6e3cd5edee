"""Settings of projections: what is refused, what is lowered for few images, and their description in words."""

from gmstudio.engine.features.projection_methods import MAX_COMPONENTS, REDUCED_DIMS
from gmstudio.protocol.features_projection import (
    MAX_PROJECTED,
    MIN_PROJECTED,
    ProjectionMethod,
    ProjectionSettings,
)

PERPLEXITIES, NEIGHBOURS, DISTANCES = (2.0, 200.0), (2, 200), (0.0, 1.0)


def check_settings(method: ProjectionMethod, settings: ProjectionSettings) -> None:
    """Check the settings that concern a method.

    Raises:
        ValueError: naming the value, the limit and the remedy.
    """
    if method == "tsne":
        _check_range("perplexity", settings.perplexity, *PERPLEXITIES)
    elif method == "umap":
        _check_range("number of neighbours", settings.neighbours, *NEIGHBOURS)
        _check_range("minimal distance", settings.min_dist, *DISTANCES)
    elif settings.first == settings.second:
        raise ValueError(f"Both axes are number {settings.first + 1}; choose two different ones.")
    if method in ("tsne", "umap") and not 0 <= settings.seed < 2**31:
        raise ValueError(f"The seed is {settings.seed}; choose one from 0 to {2**31 - 1:,}.")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"The {name} is {value:g}; choose one from {low:g} to {high:g}.")


def check_count(count: int, title: str) -> None:
    """Check the number of images.

    Raises:
        ValueError: when there are too few or too many.
    """
    if count < MIN_PROJECTED:
        raise ValueError(
            f"{title} has {count} image{'' if count == 1 else 's'}, and a projection needs {MIN_PROJECTED} or more. "
            "Choose more images."
        )
    if count > MAX_PROJECTED:
        raise ValueError(
            f"{title} has {count:,} images, and at most {MAX_PROJECTED:,} are projected. Choose a smaller number."
        )


def check_axes(method: ProjectionMethod, settings: ProjectionSettings, count: int, num_dims: int) -> None:
    """Check that the components or features of the axes are there.

    Raises:
        ValueError: when they are not.
    """
    if method in ("tsne", "umap"):
        return
    pca = method == "pca"
    most = min(num_dims, count - 1, MAX_COMPONENTS) if pca else num_dims
    name = "principal component" if pca else "dimension"
    if most < 2:
        raise ValueError(
            f"There is 1 {name}, which makes no plane; choose other features{', or more images' if pca else ''}."
        )
    for axis in (settings.first, settings.second):
        if not 0 <= axis < most:
            raise ValueError(f"There is no {name} {axis + 1}; choose one from 1 to {most}.")


def fitted_settings(
    method: ProjectionMethod, settings: ProjectionSettings, count: int
) -> tuple[ProjectionSettings, tuple[str, ...]]:
    """Lower what is too large for few images; settings that do not concern the method become its defaults.

    Args:
        method: of the projection.
        settings: of the method.
        count: number of images.

    Returns:
        The settings, equal for equal projections, and a sentence for each that was lowered.
    """
    default = ProjectionSettings()
    if method == "tsne":
        most = max(1.0, (count - 1) / 3)
        perplexity = min(settings.perplexity, most)
        words = f"The perplexity was lowered to {perplexity:.3g}, a third of the images."
        lowered = (words,) if perplexity < settings.perplexity else ()
        return ProjectionSettings(perplexity=perplexity, seed=settings.seed), lowered
    if method == "umap":
        neighbours = min(settings.neighbours, count - 1)
        words = f"The number of neighbours was lowered to {neighbours}, as there are {count} images."
        lowered = (words,) if neighbours < settings.neighbours else ()
        fitted = ProjectionSettings(neighbours=neighbours, min_dist=settings.min_dist, seed=settings.seed)
        return fitted, lowered
    return default, ()


def method_text(method: ProjectionMethod, settings: ProjectionSettings, num_dims: int) -> str:
    """Describe how a projection was computed.

    Args:
        method: of the projection.
        settings: as they were used; of ``pca`` and ``dimensions`` as they were asked for.
        num_dims: number of features.
    """
    reduced = f", of {REDUCED_DIMS} principal components" if num_dims > REDUCED_DIMS else ""
    if method == "tsne":
        return f"t-SNE, perplexity {settings.perplexity:.3g}, seed {settings.seed}{reduced}"
    if method == "umap":
        near = f"{settings.neighbours} neighbours, minimal distance {settings.min_dist:g}"
        return f"UMAP, {near}, seed {settings.seed}{reduced}"
    name = "Principal components" if method == "pca" else "Dimensions"
    return f"{name} {settings.first + 1} and {settings.second + 1}"
