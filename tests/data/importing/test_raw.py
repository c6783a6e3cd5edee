"""Sets of raw images."""

import numpy as np

from gmstudio.data.importing.raw import RawArray


def test_an_array_is_read_image_by_image() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    raw = RawArray(images, "photos", "photos.npy")
    assert len(raw) == 2
    assert raw.read(1).shape == (3, 4, 1)
    assert np.array_equal(raw.read(1)[..., 0], images[1])
    assert raw.name(1) == "photos.npy, image 1"
    assert raw.split_sizes == {}


def test_splits_are_counted_by_name() -> None:
    splits = np.array([0, 0, 2], dtype=np.int8)
    raw = RawArray(np.zeros((3, 2, 2, 3), np.uint8), "photos", "photos.npz", splits=splits)
    assert raw.split_sizes == {"train": 2, "valid": 0, "test": 1}
