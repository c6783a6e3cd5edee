"""Digits in ten colours, one for each class, in files like those of CIFAR-10: colour images without a download."""

import colorsys
from pathlib import Path

import numpy as np

SIDE, SCALE = 32, 4
NUM_TEST = 200


def write_coloured_digits(folder: Path) -> None:
    """Write ``data_batch_1.bin`` and ``test_batch.bin``: a label's byte, then red, green and blue planes of 32×32."""
    from sklearn.datasets import load_digits  # type: ignore[import-untyped]

    images, labels = load_digits(return_X_y=True)
    images_NHW = images.reshape(-1, SIDE // SCALE, SIDE // SCALE) / 16.0
    colours_N3 = np.array([colorsys.hsv_to_rgb(label / 10, 0.85, 1.0) for label in labels])
    small_NCHW = (255 * images_NHW[:, None] * colours_N3[:, :, None, None]).round().astype(np.uint8)
    large_NCHW = small_NCHW.repeat(SCALE, axis=2).repeat(SCALE, axis=3)
    records = np.concatenate([labels.astype(np.uint8)[:, None], large_NCHW.reshape(len(labels), -1)], axis=1)
    (folder / "data_batch_1.bin").write_bytes(records[NUM_TEST:].tobytes())
    (folder / "test_batch.bin").write_bytes(records[:NUM_TEST].tobytes())
