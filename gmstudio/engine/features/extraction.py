"""Features of many images, computed in pieces; those computed last are kept.

What is computed is identified by its content, by digests of the weights and of the images, so that other weights or
images never get features of former ones.

Shapes: N images, C channels, H height, W width, F features.
"""

import hashlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.conversion import check_convertible, conversion_text, convert
from gmstudio.engine.density.subjects import subject_of
from gmstudio.engine.features.layers import layer_of, values_of
from gmstudio.engine.runtime.beside import beside, result_of
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.inspection import exploring, in_background, in_pieces
from gmstudio.families.base import Family
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.features import PCA, PIXELS, FeatureLayer, FeatureSpace
from gmstudio.protocol.images import ImageSpec

KEPT_BYTES = 2**29
"""Features that are kept at most; larger ones are computed again at each use."""
MAX_BYTES = 2**31
"""Features of one set of images at most."""
DEFAULT_COMPONENTS = 50
CONVERTED_EACH = 2048
"""Images that are converted together, as they are decimal numbers meanwhile."""
BASELINE_STEP = -1

Features = NDArray[np.float32]
Images = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class SpaceFeatures:
    """Features of images in a space.

    Args:
        values: (N, F) float32.
        title: of the space, for display, for example ``VAE, Posterior mean, 20 dimensions``.
        weights_step: training step of the weights; ``BASELINE_STEP`` of a baseline.
        warnings: sentences.
    """

    values: Features
    title: str
    weights_step: int
    warnings: tuple[str, ...] = ()


class FeatureStore:
    """Features computed last, the least recently used dropped first.

    Args:
        max_bytes: of all that are kept.
    """

    def __init__(self, max_bytes: int = KEPT_BYTES) -> None:
        self._kept: LRUCache[tuple[Any, ...], Features] = LRUCache(max_bytes, getsizeof=lambda values: values.nbytes)

    def get(self, key: tuple[Any, ...]) -> Features | None:
        """Return kept features; None where there are none."""
        return self._kept.get(key)

    def put(self, key: tuple[Any, ...], values: Features) -> None:
        """Keep features, unless they alone are more than all that may be kept."""
        values.setflags(write=False)
        if values.nbytes <= self._kept.maxsize:
            self._kept[key] = values

    @property
    def num_bytes(self) -> int:
        """Size of what is kept."""
        return int(self._kept.currsize)


_STORES: WeakKeyDictionary[EngineContext, FeatureStore] = WeakKeyDictionary()


def store_of(context: EngineContext) -> FeatureStore:
    """Return the store of an engine, which lives as long as its context."""
    return _STORES.setdefault(context, FeatureStore())


def images_digest(images: Images) -> str:
    """SHA-256 of the shape and levels of images, in hexadecimal digits."""
    digest = hashlib.sha256(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images).data)
    return digest.hexdigest()


def extract(
    model: Family,
    layer: FeatureLayer,
    images: Images,
    timestep: int = 0,
    seed: int = 0,
    note: Callable[[int], None] | None = None,
) -> Iterator[Features | None]:
    """Compute a layer of a model for images.

    Args:
        model: with weights that do not change meanwhile.
        layer: one of ``layers_of(model)``.
        images: (N, C, H, W) uint8 levels of the model's images.
        timestep: of a diffusion model; 0: the layer's default.
        seed: of noise, where the features depend on any.
        note: called after each piece with the number of images that are done.

    Returns:
        A generator of None after each piece and, last, (N, F) float32.

    Raises:
        ValueError: at the first piece, when the images do not fit, there are too many of them or the timestep does not
            exist; later when features are not finite.
    """
    check_images(model, images)
    _check_size(len(images), layer.num_dims)
    compute = values_of(model, layer, timestep, seed)
    found = np.empty((len(images), layer.num_dims), dtype=np.float32)

    def fill(rows: slice) -> None:
        with exploring(model):
            values = compute(torch.from_numpy(np.ascontiguousarray(images[rows])).to(model.device))
            found[rows] = values.float().cpu().numpy()
        if note is not None:
            note(min(rows.stop, len(images)))

    yield from in_pieces(len(images), 1, fill)
    bad = yield from beside(lambda: int((~np.isfinite(found).all(axis=1)).sum()))
    if bad:
        raise ValueError(
            f"{layer.title} of {bad:,} of the {len(images):,} images has values that are not finite; the "
            "training has diverged. Choose an earlier checkpoint or another run."
        )
    yield found


def _check_size(count: int, num_dims: int) -> None:
    """Raise a ValueError where the features of all images take more than ``MAX_BYTES``."""
    size = count * num_dims * 4
    if size > MAX_BYTES:
        raise ValueError(
            f"{count:,} images with {num_dims:,} features each take {size / 2**30:.1f} GiB; at most "
            f"{MAX_BYTES / 2**30:.0f} GiB are computed. Use fewer images, or a layer with fewer features."
        )


def view_pieces(dataset: Dataset, split: SplitName, indices: NDArray[np.int64]) -> Iterator[Images | None]:
    """Yield None after each piece and, last, the images of ``Dataset.view``: drawing many binary ones takes long."""
    found = np.empty((len(indices), *dataset.image.shape), dtype=np.uint8)

    def fill(rows: slice) -> None:
        found[rows] = dataset.view(split, indices[rows])

    yield from in_pieces(len(indices), 1, fill)
    yield found


def check_images(model: Family, images: Images) -> None:
    """Check that images have the model's shape and levels.

    Raises:
        ValueError: when they have not.
    """
    if images.shape[1:] != model.image.shape:
        raise ValueError(
            f"The images have shape {images.shape[1:]}; {model.card.title} needs {model.image.shape} (channels, rows, "
            "columns). Convert them to the model's format."
        )
    highest = int(images.max(initial=0))
    if highest >= model.image.levels:
        raise ValueError(
            f"The images hold the level {highest}; the levels of {model.card.title} are 0 … {model.image.levels - 1}. "
            "Convert them to the model's format."
        )


def features_of(
    context: EngineContext,
    space: FeatureSpace,
    images: Images,
    image: ImageSpec,
    train: Images | None = None,
    seed: int = 0,
    note: Callable[[int], None] | None = None,
) -> Iterator[SpaceFeatures | None]:
    """Compute images' features in a space, or return those that are kept.

    Args:
        context: of the engine.
        space: the features: of a layer of a run, or a baseline.
        images: (N, C, H, W) uint8 levels; where the run's images have another size or other levels, they are converted
            and a sentence among the warnings says so.
        image: specification of the images.
        train: of ``pca``: images that the components are fitted on; None: the images themselves.
        seed: of noise, where the features depend on any.
        note: called with the number of images whose features of a run are computed.

    Returns:
        A generator of None after each piece and, last, the features.

    Raises:
        ValueError: at the first piece, when the space does not exist or does not fit the images.
        RunError: when the run or its checkpoints are missing or damaged.
    """
    if not len(images):
        raise ValueError("There are no images to compute features of; choose another set.")
    if space.run:
        yield from _of_run(context, space, images, image, seed, note)
    elif space.layer == PIXELS:
        _check_size(len(images), image.num_dims)
        values = yield from beside(lambda: pixels_of(images, image))
        yield SpaceFeatures(values, f"Pixels, {values.shape[1]:,} dimensions", BASELINE_STEP)
    elif space.layer == PCA:
        yield from _of_pca(context, space, images, image, images if train is None else train)
    else:
        raise ValueError(f"There is no baseline {space.layer!r}; choose {PIXELS} or {PCA}, or a run.")


def pixels_of(images: Images, image: ImageSpec) -> Features:
    """Return images as vectors: (N, C, H, W) → (N, D) grey values, black 0 and white 1."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(image.levels - 1)


def _of_run(
    context: EngineContext,
    space: FeatureSpace,
    images: Images,
    image: ImageSpec,
    seed: int,
    note: Callable[[int], None] | None,
) -> Iterator[SpaceFeatures | None]:
    yield from context.read_model(space.run)
    subject = subject_of(context, space.run)
    model, store = subject.model, store_of(context)
    for converted in _converted(images, image, model.image):
        yield None
        images = images if converted is None else converted
    conversion = conversion_text(image, model.image)
    layer = layer_of(model, space.layer)
    title = f"{model.card.title}, {layer.title}, {layer.num_dims:,} dimensions"
    timestep = space.timestep or layer.default_timestep
    if layer.max_timestep:
        title += f", t = {timestep}"
    digest = yield from beside(lambda: images_digest(images))
    key = (subject.weights, digest, layer.name, timestep, seed)
    values = store.get(key)
    if values is None:
        values = yield from result_of(extract(model, layer, images, space.timestep, seed, note))
        store.put(key, values)
    yield SpaceFeatures(values, title, subject.step, (f"{title}: {conversion}",) if conversion else ())


def _converted(images: Images, image: ImageSpec, target: ImageSpec) -> Iterator[Images | None]:
    """Convert images beside the engine's loop: None after each piece and, last, the images; nothing where they fit.

    Raises:
        ValueError: at the first piece, for rows of points or sequences of another shape.
    """
    if image == target:
        return
    check_convertible(image, target)
    slices = [slice(start, start + CONVERTED_EACH) for start in range(0, len(images), CONVERTED_EACH)]
    yield from in_background(lambda: np.concatenate([convert(images[rows], image, target) for rows in slices]))


def _of_pca(
    context: EngineContext, space: FeatureSpace, images: Images, image: ImageSpec, train: Images
) -> Iterator[SpaceFeatures | None]:
    most = min(len(train), image.num_dims)
    count = space.num_dims or min(DEFAULT_COMPONENTS, most)
    _check_size(max(len(images), len(train)), image.num_dims)
    if not 1 <= count <= most:
        raise ValueError(
            f"{count:,} principal components of {len(train):,} images with {image.num_dims:,} sub-pixels; choose 1 to "
            f"{most:,}."
        )
    store = store_of(context)
    key = (PCA, count, (yield from beside(lambda: images_digest(train))))
    components = store.get(key)
    if components is None:
        components = yield from beside(lambda: _principal_components(pixels_of(train, image), count))
        store.put(key, components)
    mean, axes = components[:1], components[1:]
    title = f"PCA, {count:,} principal {'component' if count == 1 else 'components'}"

    def project() -> Features:
        return np.asarray((pixels_of(images, image) - mean) @ axes.T, dtype=np.float32)

    yield SpaceFeatures((yield from beside(project)), title, BASELINE_STEP)


def _principal_components(pixels: Features, count: int) -> Features:
    """Mean and principal axes of (N, D) images: (1 + count, D)."""
    decomposition = importlib.import_module("sklearn.decomposition")
    fitted = decomposition.PCA(count, random_state=0).fit(pixels)
    return np.concatenate([fitted.mean_[np.newaxis], fitted.components_]).astype(np.float32)
