"""Messages of the page Projection: images as points of a plane by their features."""

from typing import ClassVar, Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.features import FeatureSpace, WorkProgress
from gmstudio.protocol.image_sets import DataImages, ImageSet

ProjectionMethod = Literal["pca", "tsne", "umap", "dimensions"]
"""Two principal components, t-SNE, UMAP, or two of the features themselves."""

MAX_PROJECTED = 60_000
"""Most images of one projection."""
MIN_PROJECTED = 3
"""Fewest images of one projection."""


class ProjectionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of projections; each method uses those that concern it.

    Args:
        perplexity: of t-SNE, about the number of neighbours that count, 2 to 200; less than a third of the images.
        neighbours: of UMAP, 2 to 200.
        min_dist: of UMAP, smallest distance of two points, 0 to 1.
        first: component or feature on the horizontal axis, from 0.
        second: component or feature on the vertical axis.
        seed: of t-SNE and UMAP.
    """

    perplexity: float = 30.0
    neighbours: int = 15
    min_dist: float = 0.1
    first: int = 0
    second: int = 1
    seed: int = 0


class ProjectImages(Command, frozen=True, kw_only=True):
    """Project the features of images to a plane; answered with ``ImagesProjected`` many times, the last done.

    A projection that was computed before, of the same weights, images and settings, is answered at once.

    Args:
        run: name of the run whose size and levels the images are converted to; empty: they stay as they are.
        space: the features.
        images: to be projected, at most ``MAX_PROJECTED``.
        method: of the projection.
        settings: of the method.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    run: str
    space: FeatureSpace
    images: ImageSet = DataImages(count=5000)
    method: ProjectionMethod = "pca"
    settings: ProjectionSettings = ProjectionSettings()


class ImagesProjected(Event, frozen=True, kw_only=True):
    """Images as points of a plane; before the last reply as far as they are known.

    Args:
        run: name of the run.
        space: the features.
        title: of the features, for example ``VAE, posterior mean, 20 dimensions``.
        images_title: short name of the set.
        method: of the projection.
        method_text: how it was computed, in words, for example ``t-SNE, perplexity 30, on 50 principal components``.
        count: number of images.
        num_dims: number of features.
        places: (N, 2) float32, a point for each image in the order of the set; None: none are known yet.
        explained: share of the variance of each principal component; empty: the method has none.
        labels: (N,) int64, of the last reply; None: the images have none.
        label_names: label → name.
        factor_names: names of known factors of variation; empty: none are known.
        factors: (N, F) float32 values of the factors, of the last reply.
        warnings: sentences, for example on a perplexity that was lowered.
        weights_step: training step of the weights; −1: of a baseline.
        progress: of the work.
        seconds: that the work took, of the last reply; negative: it was kept.
        done: this is the last reply.
    """

    run: str
    space: FeatureSpace
    title: str
    images_title: str
    method: ProjectionMethod
    method_text: str
    count: int
    num_dims: int
    places: Array | None = None
    explained: tuple[float, ...] = ()
    labels: Array | None = None
    label_names: tuple[str, ...] = ()
    factor_names: tuple[str, ...] = ()
    factors: Array | None = None
    warnings: tuple[str, ...] = ()
    weights_step: int = -1
    progress: WorkProgress = WorkProgress()
    seconds: float = -1.0
    done: bool = False

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done
