"""Folders of small pictures for tests."""

from pathlib import Path

import numpy as np
from PIL import Image


def make_pictures(folder: Path, classes: dict[str, int], size: tuple[int, int] = (12, 10), seed: int = 0) -> Path:
    """Write grey PNGs, a subfolder for each class, whose mean brightness rises with the class.

    Args:
        folder: created.
        classes: name of a class → number of pictures.
        size: (rows, columns).
        seed: of the noise.
    """
    generator = np.random.default_rng(seed)
    for level, (name, count) in enumerate(classes.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = generator.integers(0, 60, size) + 60 * level
            Image.fromarray(pixels.astype(np.uint8), "L").save(folder / name / f"{number:04}.png")
    return folder
