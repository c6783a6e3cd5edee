"""Batches for training: the data set on the device, in an order that is a pure function of (seed, epoch).

On the CPU the arrays of the data set are indexed where they are, so that a set that is mapped from the disk is read
batch by batch and may be larger than the memory. On an accelerator it is copied, unless it would take most of the
memory there: then batches are taken on the host and sent without waiting.

The images of some steps are taken at once: scattered rows of a large array come from memory one wait after another,
and many of them in one call share the waits, which takes a third of the time.
"""

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset, Labels
from gmstudio.protocol.training_settings import Training


class Batches:
    """Training and validation batches on a device.

    Args:
        dataset: data set with training and validation images.
        batch_size: images per update; at most the size of the training split is used.
        seed: seed of the order.
        device: device of the batches.
        mutation: probability μ with which each sub-pixel of a training image is replaced by a random level, for a
            background model (Ren et al. 2019, arXiv:1906.02845, section 3).
        at_once: largest number of images that are validated at once; 0: ``batch_size``.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        seed: int,
        device: torch.device,
        mutation: float = 0.0,
        at_once: int = 0,
    ) -> None:
        self._device = device
        place = device if fits(dataset.train.images.nbytes + dataset.valid.images.nbytes, device) else HOST
        self._train = torch.from_numpy(dataset.train.images).to(place)
        self._valid = torch.from_numpy(dataset.valid.images).to(place)
        self._train_labels = _on_device(dataset.train.labels, place)
        self._valid_labels = _on_device(dataset.valid.labels, place)
        self._resample = dataset.resample
        self._mutation, self._levels = mutation, dataset.image.levels
        self._seed = seed
        self._order = torch.empty(0)
        self._is_new = torch.empty(0)
        self._ahead: tuple[Tensor, ...] = ()
        self._set_size(batch_size, at_once)

    def in_size(self, batch_size: int, at_once: int = 0) -> "Batches":
        """Return batches of another size of the same images, which are not copied."""
        changed = copy.copy(self)
        changed._set_size(batch_size, at_once)
        return changed

    def _set_size(self, batch_size: int, at_once: int) -> None:
        self.batch_size = min(batch_size, len(self._train))
        self._at_once = min(at_once or batch_size, self.batch_size)
        self.steps_per_epoch = len(self._train) // self.batch_size
        self._epoch = -1
        self._ahead_from = (-1, -1)
        self._num_ahead = 1
        if self._train.nbytes <= AHEAD_SET_BYTES:
            self._num_ahead = max(1, min(AHEAD, AHEAD_BYTES // max(1, self._train[: self.batch_size].nbytes)))

    def train(self, step: int, generator: torch.Generator) -> Tensor:
        """Return the batch of a step (0, 1, …), (B, C, H, W) uint8 levels.

        Where binarization is stochastic, pixels are drawn each time: on the CPU as a function of seed and step, on an
        accelerator from ``generator``, as the noise of noised data is on any device. Otherwise it is not used.
        """
        images = self._images(step)
        if self._resample and images.device.type != "cpu":
            uniforms = torch.rand(images.shape, generator=generator, device=images.device)
            images = (uniforms.mul_(255) < images).view(torch.uint8)
        return mutated(images, self._levels, self._mutation, generator) if self._mutation else images

    def _images(self, step: int) -> Tensor:
        """Images of the batch of a step, on the CPU binarized."""
        epoch, position = divmod(step, self.steps_per_epoch)
        offset = position % self._num_ahead
        if self._ahead_from != (epoch, position - offset):
            rows = self._rows(step - offset, self._num_ahead)
            images = self._sent(self._train.index_select(0, rows))
            if self._resample and images.device.type == "cpu":
                images = binarized(images, np.random.SeedSequence(self._seed, spawn_key=(step - offset,)))
            self._ahead = images.split(self.batch_size)
            self._ahead_from = (epoch, position - offset)
        return self._ahead[offset]

    def uncounted(self, step: int, batch: Tensor) -> tuple[Tensor, int]:
        """Images of the batch of a step that a count of the training images has to add.

        Args:
            step: of the batch.
            batch: as ``train`` returned it.

        Returns:
            Images that no earlier batch held, or the whole batch where each visit redraws the pixels; and how many
            training images are in a batch for the first time.
        """
        rows = self._rows(step)
        is_new = self._is_new[rows]
        number = int(is_new.sum())
        return (batch if self._resample or self._mutation else batch[is_new.to(batch.device)]), number

    def train_labels(self, step: int) -> Tensor | None:
        """Return the labels (B,) int64 of the batch of a step; None where the data has none."""
        return None if self._train_labels is None else self._sent(self._train_labels.index_select(0, self._rows(step)))

    def valid(self, limit: int) -> list[Tensor]:
        """Return at most ``limit`` validation images, always the same, in batches of at most ``at_once``."""
        rows = self._valid_rows(limit)
        return list(self._sent(self._valid.index_select(0, rows)).split(self._at_once)) if len(rows) else []

    def valid_labels(self, limit: int) -> list[Tensor] | None:
        """Return the labels of ``valid``, batch by batch; None where the data has none."""
        if self._valid_labels is None:
            return None
        return list(self._sent(self._valid_labels.index_select(0, self._valid_rows(limit))).split(self._at_once))

    def _sent(self, values: Tensor) -> Tensor:
        """Return values on the device; from the host of a CUDA device in pinned memory, without waiting."""
        if values.device == self._device:
            return values
        pinned = values.pin_memory() if self._device.type == "cuda" else values
        return pinned.to(self._device, non_blocking=True)

    def _rows(self, step: int, count: int = 1) -> Tensor:
        """Indices of the training images in the batches of some steps of an epoch, fewer at its end."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order = torch.from_numpy(self._permutation(epoch)).to(self._train.device)
            self._is_new = torch.from_numpy(self._never_held_before(epoch)).to(self._train.device)
            self._epoch = epoch
        start = position * self.batch_size
        end = min(start + count * self.batch_size, self.steps_per_epoch * self.batch_size)
        return self._order[start:end]

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self._seed, epoch]).permutation(len(self._train))

    def _never_held_before(self, epoch: int) -> NDArray[np.bool_]:
        """(N,): rows in no batch of an earlier epoch; each epoch leaves out what is less than a batch."""
        is_new = np.ones(len(self._train), bool)
        for earlier in range(epoch):
            if not is_new.any():
                break
            is_new[self._permutation(earlier)[: self.steps_per_epoch * self.batch_size]] = False
        return is_new

    def _valid_rows(self, limit: int) -> Tensor:
        order = np.random.default_rng(0).permutation(len(self._valid))[:limit]
        return torch.from_numpy(order).to(self._valid.device)


AHEAD, AHEAD_BYTES = 16, 2**20
"""Steps whose images are taken at once, at most, and their bytes."""
AHEAD_SET_BYTES = 2**28
"""A larger set may have to be read from the disk, each batch when it is needed."""
HOST = torch.device("cpu")
MOST = 0.5
"""Largest share of an accelerator's free memory that a data set takes."""


def fits(size: int, device: torch.device) -> bool:
    """Return whether a data set of this number of bytes is copied to a device."""
    if device.type != "cuda":
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return size <= MOST * free


def batches_for(dataset: Dataset, training: Training, device: torch.device) -> Batches:
    """Return the batches of a training on a device."""
    size, at_once = training.images_per_update, training.batch_size
    return Batches(dataset, size, training.seed, device, training.mutation, at_once)


def binarized(images: Tensor, seed: np.random.SeedSequence) -> Tensor:
    """Draw 1 with the probability v / 255 of each grey value v, to within 2e-5; 0 and 255 are certain.

    NumPy's generator and 16 bits for each draw take a third of the time of torch's on the CPU.

    Args:
        images: (B, C, H, W) uint8, on the CPU.
        seed: of the draws.
    """
    grey = images.numpy()
    words = np.random.SFC64(seed).random_raw(-(-grey.size // 4)).view(np.uint16)[: grey.size].reshape(grey.shape)
    ones: NDArray[np.bool_] = words < grey.astype(np.uint16) * 257  # 255 · 257 = 65535, below which a word may not be
    ones |= grey == 255
    return torch.from_numpy(ones.view(np.uint8))


def mutated(images: Tensor, levels: int, mutation: float, generator: torch.Generator) -> Tensor:
    """Replace sub-pixels by levels that are drawn uniformly, the same level among them.

    Args:
        images: (B, C, H, W) uint8.
        levels: number of levels L.
        mutation: probability μ of each sub-pixel to be replaced.
        generator: source of the noise, on the device of the images.

    Source: Ren et al. 2019, arXiv:1906.02845, section 3.
    """
    replaced = torch.rand(images.shape, generator=generator, device=images.device) < mutation
    noise = torch.randint(levels, images.shape, generator=generator, device=images.device, dtype=images.dtype)
    return torch.where(replaced, noise, images)


def _on_device(labels: Labels | None, device: torch.device) -> Tensor | None:
    return None if labels is None else torch.from_numpy(labels).to(device)
