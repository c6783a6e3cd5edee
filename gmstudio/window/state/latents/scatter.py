"""Codes of the data, as dots on a map.

Shapes: Z latent dimensions, N codes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.data import SPLIT_TITLES, SplitName
from gmstudio.window.state.latents.encoded_images import image_title


@dataclass(frozen=True, eq=False)
class Scatter:
    """Codes of the data.

    Args:
        step: training step of the weights.
        split: of the images, its first ones.
        codes: (N, Z) float32.
        labels: (N,) int64, or None.
        names: of the labels.
    """

    step: int
    split: SplitName
    codes: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]

    @property
    def summary(self) -> str:
        """For display: ``180 validation images (weights of step 1,500)``."""
        return f"{len(self.codes):,} {SPLIT_TITLES[self.split]} images (weights of step {self.step:,})"

    def title(self, index: int) -> str:
        """Display name of one image: ``validation image 17, label 3``."""
        if self.labels is None:
            return image_title(self.split, index, "")
        label = int(self.labels[index])
        return image_title(self.split, index, self.names[label] if 0 <= label < len(self.names) else str(label))
