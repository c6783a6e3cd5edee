"""Fixed validation images through the checkpoints of a run: reconstructions, and a map of the codes."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.display import decoded, means_to_display
from gmstudio.engine.runtime.inspection import check_fit, encoder_of, exploring, in_pieces, latent_of
from gmstudio.engine.runtime.models import Loaded
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.runs_travel import CodeMap

KEPT_CODES = 48
KEPT_PLANES = 8
AGED = 1.5
"""The plane of a map is fitted again when the newest checkpoint has this multiple of the steps of the one it was
fitted to."""
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Plane:
    """Plane on which codes are drawn.

    Args:
        step: of the checkpoint that it was fitted to.
        mean: (Z,) mean code there.
        directions: (Z, 2) first two principal components there.
    """

    step: int
    mean: Floats
    directions: Floats


def fixed_rows(count: int, total: int) -> NDArray[np.int64]:
    """Return indices of validation images, the same at every step of every run on the data."""
    return np.sort(np.random.default_rng(0).permutation(total)[:count])


def images_of(dataset: Dataset, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return fixed validation images (N, C, H, W) uint8 levels, and their indices.

    Raises:
        ValueError: when there are none.
    """
    if not len(dataset.valid):
        raise ValueError("The data set has no validation images to look at; choose another run.")
    rows = fixed_rows(count, len(dataset.valid))
    return dataset.view("valid", rows), rows


def codes_of(loaded: Loaded, images: NDArray[np.uint8]) -> Generator[None, None, Floats]:
    """Encode images in pieces; returns the codes (N, Z).

    Raises:
        ValueError: when the family has no encoder.
    """
    encoder, parts = encoder_of(loaded.model), list[torch.Tensor]()

    def encode(rows: slice) -> None:
        with exploring(loaded.model):
            found = encoder.encode(torch.from_numpy(images[rows]).to(loaded.model.device))
            parts.append(found.float().cpu().clone())

    yield from in_pieces(len(images), 1, encode)
    return torch.cat(parts).numpy()


def reconstructions_of(loaded: Loaded, codes: Floats) -> NDArray[np.uint8]:
    """Decode codes (N, Z) to images (N, C, H, W), 0 … 255."""
    latent_of(loaded.model)
    with exploring(loaded.model):
        return means_to_display(decoded(loaded.model, torch.from_numpy(codes).to(loaded.model.device)))


class CodeMaps:
    """Maps of codes of runs, whose plane stays the same from step to step."""

    def __init__(self) -> None:
        self._codes: LRUCache[tuple[str, str, int], Floats] = LRUCache(KEPT_CODES)
        self._planes: LRUCache[tuple[str, str], Plane] = LRUCache(KEPT_PLANES)

    def codes(self, run: str, saved: str, loaded: Loaded, images: NDArray[np.uint8]) -> Generator[None, None, Floats]:
        """Return the codes of images, which are computed once for a checkpoint.

        Args:
            run: the run.
            saved: when the checkpoint was saved.
            loaded: its model.
            images: (N, C, H, W) uint8 levels.
        """
        key = (run, saved, len(images))
        if key not in self._codes:
            check = yield from codes_of(loaded, images)
            self._codes[key] = check
        return self._codes[key]

    def plane(self, run: str, created: str, newest: int) -> Plane | None:
        """Return the plane of a run; None: none was fitted, or to much earlier weights than the newest."""
        found = self._planes.get((run, created))
        return found if found is not None and newest <= AGED * max(found.step, 1) else None

    def fit(self, run: str, created: str, step: int, codes: Floats) -> Generator[None, None, Plane]:
        """Fit the plane of a run to the codes (N, Z) of a step, beside the loop."""
        plane = yield from beside(lambda: principal_plane(step, codes))
        self._planes[run, created] = plane
        return plane


def principal_plane(step: int, codes: Floats) -> Plane:
    """Return the plane of the two principal components of codes (N, Z), Z above 2."""
    mean = codes.mean(0)
    _, _, directions = np.linalg.svd(codes - mean, full_matrices=False)
    kept = np.zeros((codes.shape[1], 2), np.float32)
    kept[:, : min(2, len(directions))] = directions[:2].T
    return Plane(step, mean, kept)


def code_map(codes: Floats, plane: Plane | None, dataset: Dataset, rows: NDArray[np.int64]) -> CodeMap:
    """Draw codes on a plane.

    Args:
        codes: (N, Z).
        plane: None: the codes have two dimensions, or one.
        dataset: with the labels.
        rows: (N,) indices of the validation images.
    """
    labels = dataset.valid.labels
    places = codes if plane is None else (codes - plane.mean) @ plane.directions
    if places.shape[1] == 1:
        places = np.concatenate([places, np.zeros_like(places)], 1)
    return CodeMap(
        places=Array.of(np.ascontiguousarray(places, np.float32)),
        labels=None if labels is None else Array.of(labels[rows]),
        label_names=dataset.label_names,
        axes=("z₁", "z₂") if plane is None else ("first principal component", "second"),
        fitted_at=None if plane is None else plane.step,
    )


def shown_originals(images: NDArray[np.uint8], levels: int) -> Array:
    """Convert images of levels to images for display."""
    return Array.of(to_display(images, levels))


def fits(loaded: Loaded, dataset: Dataset) -> None:
    """Check that the model encodes and decodes, and that the images are its own.

    Raises:
        ValueError: when it does not, or they are not.
    """
    encoder_of(loaded.model)
    latent_of(loaded.model)
    check_fit(loaded.model, dataset)
