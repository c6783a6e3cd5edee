"""Messages of the Features panel: what a model computes of an image, as features for other tasks.

What one page of the panel alone needs is in ``features_<page>``.
"""

from typing import ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.image_sets import ImageSet

PIXELS, PCA = "pixels", "pca"
"""Layers of the baselines, which belong to no run."""


class FeatureSpace(msgspec.Struct, frozen=True, kw_only=True):
    """Choice of features.

    Args:
        run: name of the run; empty: a baseline.
        layer: key of the layer; ``pixels`` or ``pca`` of a baseline.
        timestep: of a diffusion model, 1 or more; 0: the default of the layer.
        num_dims: of ``pca``: number of components; 0: all others and the default of ``pca``.
    """

    run: str = ""
    layer: str = PIXELS
    timestep: int = 0
    num_dims: int = 0


class FeatureLayer(msgspec.Struct, frozen=True, kw_only=True):
    """Layer of a model whose values are features.

    Args:
        name: its key, for example ``code`` or ``layer3``.
        title: for display, for example ``Posterior mean`` or ``Layer 3 of 8, pooled``.
        num_dims: number of features.
        help: one sentence on what it is.
        max_timestep: of a diffusion model: the largest timestep; 0: the layer takes none.
        default_timestep: of a diffusion model.
        default: it is the layer to begin with; one of a run's layers is.
        differentiable: a classifier on this layer can be fine-tuned through it.
    """

    name: str
    title: str
    num_dims: int
    help: str = ""
    max_timestep: int = 0
    default_timestep: int = 0
    default: bool = False
    differentiable: bool = True


class ListFeatureLayers(Command, frozen=True, kw_only=True):
    """List the layers of a run whose values are features; answered with ``FeatureLayersListed``."""

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str


class ProbeFeatures(Command, frozen=True, kw_only=True):
    """Train linear classifiers and k-nearest neighbours on features; answered with ``FeaturesProbed`` many times.

    Args:
        space: the features.
        run: name of the run whose data are used: its training images with labels, and its test images.
        labels_per_class: numbers of labelled training images a class; 0: all.
        num_seeds: choices of the labelled images.
        neighbours: k.
        seed: of the choices.
        max_train: training images that are used at most; 0: all.
        max_test: test images that are used at most; 0: all.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("space", "run")

    space: FeatureSpace
    run: str
    labels_per_class: tuple[int, ...] = (1, 5, 10, 50, 100, 0)
    num_seeds: int = 5
    neighbours: int = 5
    seed: int = 0
    max_train: int = 0
    max_test: int = 0


class FindNeighbours(Command, frozen=True, kw_only=True):
    """Find the images whose features are nearest to those of one; answered with ``NeighboursFound``.

    Args:
        space: the features.
        images: set that is searched.
        query: set with the image that is compared.
        index: number of that image in its set.
        count: neighbours that are wanted.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("space",)

    space: FeatureSpace
    images: ImageSet
    query: ImageSet
    index: int = 0
    count: int = 24


class FeatureLayersListed(Event, frozen=True, kw_only=True):
    """Layers of a run whose values are features; empty: it has none."""

    run: str
    layers: tuple[FeatureLayer, ...]


class WorkProgress(msgspec.Struct, frozen=True, kw_only=True):
    """Progress of work in stages.

    Args:
        stage: what is done, for example ``Computing features``.
        share: done of the whole work, 0 to 1; negative: unknown.
        seconds_left: negative: unknown.
    """

    stage: str = ""
    share: float = -1.0
    seconds_left: float = -1.0


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracies with one number of labels a class.

    Args:
        labels_per_class: number that was asked for; 0: all.
        num_labels: labelled images in all.
        linear: (S,) float64 test accuracies of the linear probe, by seed.
        neighbours: (S,) float64 test accuracies of the k-nearest neighbours.
        regularization: (S,) float64, the C that cross-validation chose.
        predicted: (M,) int64 predictions of the linear probe of the first seed for the test images.
    """

    labels_per_class: int
    num_labels: int
    linear: Array
    neighbours: Array
    regularization: Array
    predicted: Array


class FeaturesProbed(Event, frozen=True, kw_only=True):
    """Results of a probe; before the last reply those so far.

    Args:
        space: the features.
        title: for display, for example ``VAE, posterior mean, 20 dimensions``.
        num_dims: of the features.
        results: by number of labels.
        test_labels: (M,) int64 of the test images.
        test_indices: (M,) int64 numbers of the test images in their split.
        label_names: label → name.
        warnings: sentences, for example on classes with fewer labels than were asked for.
        weights_step: training step of the weights; −1: of a baseline.
        progress: of the work.
        done: this is the last reply.
    """

    space: FeatureSpace
    title: str
    num_dims: int
    results: tuple[ProbeResult, ...]
    test_labels: Array
    test_indices: Array
    label_names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    weights_step: int
    progress: WorkProgress
    done: bool

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done


class NeighboursFound(Event, frozen=True, kw_only=True):
    """Nearest images in a space of features.

    Args:
        space: the features.
        indices: (n,) int64 numbers in the set that was searched, the nearest first.
        distances: (n,) float64 Euclidean distances.
        title: of the features.
    """

    space: FeatureSpace
    indices: Array
    distances: Array
    title: str
