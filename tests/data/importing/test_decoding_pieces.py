"""Decoding goes on beside other work: pieces come while a slow image is decoded, and errors arrive in their place."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from gmstudio.data.importing.decoding_pieces import decode_pieces
from gmstudio.data.importing.fitting import Target
from gmstudio.data.importing.raw import BadImageError, RawArray, RawImage
from gmstudio.data.importing.settings import ImportSettings
from gmstudio.data.importing.survey import survey
from gmstudio.data.progress import Progress

IMAGES = np.random.RandomState(0).randint(0, 256, (200, 6, 5), dtype=np.uint8)
TARGET = Target(1, 6, 5)


class Held(RawArray):
    """Images that cannot be read before they are released."""

    def __init__(self) -> None:
        super().__init__(IMAGES, "held", "held")
        self.released = threading.Event()

    def read(self, index: int) -> RawImage:
        assert self.released.wait(60)
        return super().read(index)


@pytest.fixture
def held() -> Iterator[Held]:
    raw = Held()
    yield raw
    raw.released.set()


def test_pieces_come_while_an_image_is_decoded(held: Held) -> None:
    pieces = decode_pieces(held, range(200), TARGET)
    assert [len(next(pieces).images) for _ in range(3)] == [0, 0, 0]
    held.released.set()
    found = list(pieces)
    np.testing.assert_array_equal(np.concatenate([piece.images for piece in found])[:, 0], IMAGES)
    assert np.concatenate([piece.indices for piece in found]).tolist() == list(range(200))


def test_progress_comes_while_the_sample_is_read(held: Held) -> None:
    pieces = survey(held, ImportSettings())
    assert [next(pieces) for _ in range(3)] == [Progress("sample", 1, 200)] * 3
    held.released.set()
    *_, last = pieces
    assert isinstance(last, tuple) and last[0] == TARGET


class Bad(RawArray):
    """Every third image is bad; in one place something fails that no file can be blamed for."""

    def __init__(self, failing: int = -1) -> None:
        super().__init__(IMAGES, "bad", "bad")
        self.failing = failing

    def read(self, index: int) -> RawImage:
        if index == self.failing:
            raise MemoryError
        if index % 3 == 0:
            raise BadImageError(self.name(index), "It is bad.")
        return super().read(index)


@pytest.mark.parametrize("order", [range(200), range(199, -1, -1)])
def test_bad_images_are_left_out_in_order(order: range) -> None:
    pieces = list(decode_pieces(Bad(), order, TARGET))
    indices = np.concatenate([piece.indices for piece in pieces])
    assert indices.tolist() == [index for index in order if index % 3]
    np.testing.assert_array_equal(np.concatenate([piece.images for piece in pieces])[:, 0], IMAGES[indices])
    bad = [error.name for piece in pieces for error in piece.bad]
    assert bad == [f"bad, image {index}" for index in order if index % 3 == 0]


@pytest.mark.parametrize("failing", [1, 199])
def test_what_is_no_file_s_fault_is_raised(failing: int) -> None:
    with pytest.raises(MemoryError):
        list(decode_pieces(Bad(failing), range(200), TARGET))
