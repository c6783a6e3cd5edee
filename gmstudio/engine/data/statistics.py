"""Statistics of a data set, computed in pieces: counts by label, levels of the pixels, mean image, duplicates."""

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.runtime.meter import Meter
from gmstudio.protocol.array import Array
from gmstudio.protocol.data import SPLITS, DataMeasured, MeasureData, SplitName, SplitStats

PIECE_PIXELS = 200_000
"""Sub-pixels of the images of one piece: about four milliseconds of work."""
DIGEST_BYTES = 16


class DataStatistics:
    """Statistics of the images seen so far.

    Images are equal when all their levels are; they are compared by 128-bit digests.

    Args:
        dataset: data set to measure.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        channels, height, width = dataset.image.shape
        self._histogram = np.zeros((channels, dataset.image.levels), np.int64)
        self._sum = np.zeros((channels, height, width), np.float64)
        self._seen: dict[SplitName, set[bytes]] = {split: set() for split in SPLITS}
        self._repeated: dict[SplitName, int] = dict.fromkeys(SPLITS, 0)
        self._shared: dict[SplitName, dict[SplitName, int]] = {split: {} for split in SPLITS}
        self.done = 0

    def add(self, split: SplitName, images: NDArray[np.uint8]) -> None:
        """Add images of a split, (N, C, H, W) uint8 levels."""
        for channel in range(images.shape[1]):
            counts = np.bincount(images[:, channel].ravel(), minlength=self._histogram.shape[1])
            self._histogram[channel] += counts
        self._sum += images.sum(axis=0, dtype=np.float64)
        for image in np.ascontiguousarray(images):
            self._compare(split, hashlib.blake2b(image.data, digest_size=DIGEST_BYTES).digest())
        self.done += len(images)

    def _compare(self, split: SplitName, digest: bytes) -> None:
        if digest in self._seen[split]:
            self._repeated[split] += 1
        self._seen[split].add(digest)
        for earlier in SPLITS[: SPLITS.index(split)]:
            if digest in self._seen[earlier]:
                self._shared[split][earlier] = self._shared[split].get(earlier, 0) + 1

    def measured(self, command: MeasureData) -> DataMeasured:
        """Return the statistics so far."""
        dataset = self._dataset
        return DataMeasured(
            request=command.request,
            data=command.data,
            image=dataset.image,
            done=self.done,
            total=sum(dataset.sizes.values()),
            splits={split: self._of_split(split, dataset.split(split)) for split in SPLITS},
            histogram=Array.of(self._histogram),
            mean=Array.of((self._sum / max(self.done, 1)).astype(np.float32)),
            label_names=dataset.label_names,
            resampled=dataset.resample,
        )

    def _of_split(self, name: SplitName, split: Split) -> SplitStats:
        labels: dict[int, int] = {}
        if split.labels is not None:
            found, counts = np.unique(split.labels, return_counts=True)
            labels = dict(zip(found.tolist(), counts.tolist(), strict=True))
        return SplitStats(
            size=len(split), labels=labels, repeated=self._repeated[name], shared=dict(self._shared[name])
        )


def measure(dataset: Dataset, command: MeasureData) -> Iterator[DataMeasured | None]:
    """Compute the statistics of a data set.

    Returns:
        A generator of the statistics so far now and then, None after other pieces, and last of all images.
    """
    statistics = DataStatistics(dataset)
    each = max(1, PIECE_PIXELS // dataset.image.num_dims)
    meter, total = Meter(), sum(dataset.sizes.values())
    for split in SPLITS:
        for start in range(0, dataset.sizes[split], each):
            stop = min(start + each, dataset.sizes[split])
            statistics.add(split, dataset.view(split, range(start, stop)))
            if statistics.done == total:
                break
            yield statistics.measured(command) if meter.due() else None
    yield statistics.measured(command)
