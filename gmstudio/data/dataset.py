"""Data sets: splits of integer images, with labels.

Shapes: N images, C channels, H rows, W columns. All random choices here use a fixed seed and NumPy's ``RandomState``,
whose stream never changes between versions.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.levels import _DRAW_SEED, Images, draw_binary
from gmstudio.protocol.data import SPLITS, DataFingerprint, SplitName
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.points import PointAxis

Labels = NDArray[np.int64]

_DIGEST_IMAGES = 4096


class DataError(ValueError):
    """Data that cannot be used; the message names the file or setting and the remedy."""


@dataclass(frozen=True, eq=False)
class Factors:
    """Known factors of variation of images, for scores of disentanglement.

    Args:
        names: name of each factor.
        values: (N, F) float32, by image and factor; factors without an order, such as a kind, are numbered.
    """

    names: tuple[str, ...]
    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        assert self.values.ndim == 2 and self.values.dtype == np.float32
        assert self.values.shape[1] == len(self.names)


@dataclass(frozen=True, eq=False)
class Split:
    """Images of one split.

    Args:
        images: (N, C, H, W) uint8.
        labels: (N,) int64, or None where the source has none.
        factors: of the images; None where the source knows none.
    """

    images: Images
    labels: Labels | None = None
    factors: Factors | None = None

    def __post_init__(self) -> None:
        assert self.images.ndim == 4 and self.images.dtype == np.uint8
        assert self.labels is None or (self.labels.shape == (len(self),) and self.labels.dtype == np.int64)
        assert self.factors is None or len(self.factors.values) == len(self)

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Real images, ready for training.

    Args:
        source: key in ``SOURCES``.
        config: the source's settings as plain values, defaults included.
        image: shape and levels of the images.
        train: training images: levels ``0 … levels-1``, or intensities (see ``resample``).
        valid: validation images, always levels.
        test: test images, always levels.
        resample: True for stochastic binarization: ``train.images`` hold intensities 0 … 255, that is 255 times the
            probability that a pixel is 1, and the trainer samples them again in each epoch. Validation and test images
            were sampled once.
        label_names: label → name.
        digests: of the splits (``SplitDigest``), where they were computed while the images were read.
        origin: SHA-256 of the imported set that the images were taken from; empty: from none.
        axes: of images that are points, one for each sub-pixel; empty: the images are no points.
        truth: of points, the probabilities of the distribution that they were drawn from, over the whole grid, (L₂, L₁)
            float64 with row x₂ and column x₁, or (1, L) for one dimension; None: it is unknown.
        remarks: what a user should know of the data, sentences.
    """

    source: str
    config: dict[str, Any]
    image: ImageSpec
    train: Split
    valid: Split
    test: Split
    resample: bool = False
    label_names: tuple[str, ...] = ()
    digests: Mapping[SplitName, str] | None = None
    origin: str = ""
    axes: tuple[PointAxis, ...] = ()
    truth: NDArray[np.float64] | None = None
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for split in self._splits.values():
            assert split.images.shape[1:] == self.image.shape, (split.images.shape, self.image)
        assert not self.axes or self.image.shape == (1, 1, len(self.axes)), (self.axes, self.image)

    @property
    def _splits(self) -> dict[SplitName, Split]:
        return {name: getattr(self, name) for name in SPLITS}

    @property
    def sizes(self) -> dict[SplitName, int]:
        """Number of images in each split."""
        return {name: len(split) for name, split in self._splits.items()}

    @cached_property
    def fingerprint(self) -> DataFingerprint:
        """Identity of the images and labels, computed at the first use."""
        return DataFingerprint(
            image=self.image,
            sizes=self.sizes,
            digests=dict(self.digests or {name: _digest(split) for name, split in self._splits.items()}),
            labels=self.train_labels,
            origin=self.origin,
        )

    @property
    def train_labels(self) -> tuple[int, ...]:
        """Labels that training images have, rising; empty where the source has none."""
        labels = self.train.labels
        return () if labels is None else tuple(np.unique(labels).tolist())

    @property
    def num_classes(self) -> int:
        """Largest label of all splits plus one; 0 where the source has none."""
        known = [split.labels for split in self._splits.values() if split.labels is not None]
        return 1 + max((int(labels.max()) for labels in known if len(labels)), default=-1)

    @property
    def factor_names(self) -> tuple[str, ...]:
        """Names of the known factors of variation; empty where the source knows none."""
        return self.train.factors.names if self.train.factors else ()

    def split(self, name: str) -> Split:
        """Return the split of this name.

        Raises:
            DataError: for another name.
        """
        for known, split in self._splits.items():
            if known == name:
                return split
        raise DataError(f"There is no split {name!r}; there are {', '.join(SPLITS)}.")

    def view(self, split_name: str, indices: Sequence[int] | NDArray[np.integer[Any]]) -> Images:
        """Return images for display: levels, (n, C, H, W) uint8.

        Images of a resampled split are the same at each call.

        Raises:
            DataError: for an unknown split or an index outside it.
        """
        images = self.split(split_name).images
        chosen = np.asarray(indices, dtype=np.int64).reshape(-1)
        outside = chosen[(chosen < 0) | (chosen >= len(images))]
        if outside.size:
            raise DataError(f"There is no {split_name} image {outside[0]}; they go from 0 to {len(images) - 1}.")
        shown = images[chosen]
        if self.resample and split_name == "train":
            for position, index in enumerate(chosen):
                shown[position] = draw_binary(shown[position], seed=_DRAW_SEED + 1 + int(index))
        return shown


class SplitDigest:
    """SHA-256 of the images and labels of a split, computed as the images come.

    Args:
        shape: (N, C, H, W) of all images.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._digest = hashlib.sha256(repr(shape).encode())

    def update(self, images: Images) -> None:
        """Add the next images (n, C, H, W)."""
        self._digest.update(np.ascontiguousarray(images).data)

    def of(self, labels: Labels | None) -> str:
        """Digest of the images so far and these labels, in hexadecimal digits."""
        digest = self._digest.copy()
        if labels is not None:
            digest.update(labels.astype("<i8").tobytes())
        return digest.hexdigest()


def _digest(split: Split) -> str:
    digest = SplitDigest(split.images.shape)
    for start in range(0, len(split), _DIGEST_IMAGES):
        digest.update(split.images[start : start + _DIGEST_IMAGES])
    return digest.of(split.labels)


def permutation(n: int, seed: int) -> NDArray[np.int64]:
    """A fixed order of ``0 … n-1``."""
    return np.random.RandomState(seed).permutation(n).astype(np.int64)
