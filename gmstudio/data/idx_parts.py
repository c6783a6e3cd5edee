"""Rows of IDX files that make up the splits, and reading of their images."""

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Labels, permutation
from gmstudio.data.idx_file import image_pieces, read_labels
from gmstudio.data.idx_folder import IdxSet, PartName
from gmstudio.data.label_names import chosen_labels
from gmstudio.data.progress import Progress
from gmstudio.data.scattering import Scatter
from gmstudio.media.levels import Images, drawing, quantize
from gmstudio.media.resize import resize
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import ImageSpec

_SPLIT_SEED = 1998


@dataclass(frozen=True, eq=False)
class Part:
    """Rows (n,) of a file of images, and their labels (n,) or None."""

    path: Path
    rows: NDArray[np.int64]
    labels: Labels | None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def max_label(self) -> int:
        """Largest label; −1 where there are none."""
        return -1 if self.labels is None else int(self.labels.max())

    def take(self, indices: NDArray[np.int64]) -> "Part":
        """These rows of the part."""
        return Part(self.path, self.rows[indices], None if self.labels is None else self.labels[indices])

    def only(self, classes: str, names: tuple[str, ...]) -> "Part":
        """Images of these classes.

        Raises:
            ConfigError: when there are none, or no labels.
        """
        if not classes.strip(" ,"):
            return self
        if self.labels is None:
            raise ConfigError(
                {"classes": f"Include classes is {classes!r}, but {self.path.name} has no labels. Leave it empty."}
            )
        kept = np.flatnonzero(np.isin(self.labels, chosen_labels(classes, names)))
        if not kept.size:
            raise ConfigError(
                {"classes": f"Include classes is {classes!r}, but no image in {self.path.name} has such a label."}
            )
        return self.take(kept)


def list_part(files: IdxSet, part: PartName, count: int) -> Part:
    """All rows of a file of ``count`` images, with its labels."""
    labels_path = files.labels.get(part)
    labels = read_labels(labels_path) if labels_path else None
    return Part(files.images[part], np.arange(count), labels)


def split_parts(parts: list[Part], share: float) -> dict[SplitName, Part]:
    """Training, validation and test images: the files' own test part, or one held out as the validation part is.

    Raises:
        DataError: when too few images are left.
    """
    first = parts[0]
    count = len(first)
    held_out = max(1, round(share * count))
    splits = 1 if len(parts) == 2 else 2
    if count <= splits * held_out:
        raise DataError(
            f"{first.path} leaves {count} {'image' if count == 1 else 'images'}, too few to train on and to validate. "
            "Choose a folder with more images, or include more classes."
        )
    order = permutation(count, _SPLIT_SEED)
    return {
        "train": first.take(order[splits * held_out :]),
        "valid": first.take(order[:held_out]),
        "test": parts[1] if splits == 1 else first.take(order[held_out : 2 * held_out]),
    }


def read_splits(
    files: IdxSet, parts: list[Part], rows: dict[SplitName, Part], image: ImageSpec, *, resample: bool
) -> Generator[Progress, None, dict[SplitName, Images]]:
    """Read the images (N, 1, H, W) of each split: levels, or intensities of training images that are resampled."""

    def upright(piece: Images) -> Images:
        piece = piece.transpose(0, 2, 1) if files.is_emnist else piece
        fitted = piece if piece.shape[1:] == image.shape[1:] else resize(piece, image.height, image.width)
        return fitted[:, None]

    def convert(piece: Images) -> Images:
        return piece if resample else quantize(piece, 255, image.levels)

    images = {split: np.empty((len(part), *image.shape), np.uint8) for split, part in rows.items()}
    total, done = sum(map(len, parts)), 0
    for part in parts:
        scatter, start = Scatter(len(part)), 0
        for split, chosen in rows.items():
            if chosen.path == part.path:
                scatter.send(chosen.rows, images[split], convert)
        for piece in image_pieces(part.path):
            scatter.put(start, upright(piece))
            start, done = start + len(piece), done + len(piece)
            yield Progress("load", done, total)
    held_out: tuple[SplitName, ...] = ("valid", "test")
    for split in held_out if resample else ():
        for _ in drawing(images[split]):
            yield Progress("load", total, total)
    return images
