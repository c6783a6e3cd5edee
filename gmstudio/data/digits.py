"""The 1,797 handwritten digits of 8×8 pixels that scikit-learn contains: real images without a download."""

import gzip
import importlib.util
import zlib
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Dataset, Labels, Split, permutation
from gmstudio.data.source import LEVELS_TITLE, BinarizeField, Source
from gmstudio.media.levels import Images, draw_binary, quantize, to_intensities
from gmstudio.protocol.config import field
from gmstudio.protocol.images import ImageSpec

MAX_VALUE = 16
SIDE = 8
HELD_OUT_PER_DIGIT = 18
COURSE_ENDS = (1000, 1350)
_SPLIT_SEED = 1797
_TABLE = ("datasets", "data", "digits.csv.gz")


class DigitsConfig(Struct, frozen=True, kw_only=True):
    """Quantization of the digits."""

    levels: Annotated[
        Literal[2, 4, 16, 17],
        field(LEVELS_TITLE, "Quantize intensities to this many levels; 17 keeps the originals unchanged."),
    ] = 16
    binarize: BinarizeField = "threshold"
    split: Annotated[
        Literal["balanced", "course"],
        field(
            "Split",
            "Balanced by digit at random, or the first 1,000, next 350 and last 447 images in the set's order, as in "
            "the course and book of Tomczak (Deep Generative Modeling, 2022).",
            labels={"balanced": "1,437/180/180 balanced", "course": "1,000/350/447 (Tomczak)"},
            advanced=True,
        ),
    ] = "balanced"


class Digits(Source):
    """Optical recognition of handwritten digits, the test part of the UCI set.

    Split ``balanced``: of each digit 18 images are for validation and 18 for testing, the other 1,437 for training, by
    a fixed permutation; the images come from 13 writers, who are in all splits. Split ``course``: the first 1,000, next
    350 and last 447 images, as in J. Tomczak's course and book.

    Sources: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
    1998; J. Tomczak, Deep Generative Modeling, Springer 2022, section 2.3 and the code beside it.
    """

    name: ClassVar[str] = "digits"
    title: ClassVar[str] = "Digits 8×8"
    summary: ClassVar[str] = (
        "1,797 handwritten digits of 8×8 pixels: 1,437 to train on, 180 to validate, 180 to test. "
        "They come with gmstudio and need no download."
    )
    Config: ClassVar[type[Struct]] = DigitsConfig

    @classmethod
    def load(cls, config: DigitsConfig) -> Dataset:
        """Load the digits; see ``Source.load``."""
        values, labels = _read()
        train, valid, test = _split_indices(labels) if config.split == "balanced" else _course_indices(len(labels))
        resample = config.levels == 2 and config.binarize == "sample"
        intensities = to_intensities(values, MAX_VALUE)
        levels = draw_binary(intensities) if resample else quantize(values, MAX_VALUE, config.levels)
        return Dataset(
            source=cls.name,
            config=msgspec.to_builtins(config),
            image=ImageSpec(channels=1, height=SIDE, width=SIDE, levels=config.levels),
            train=Split((intensities if resample else levels)[train], labels[train]),
            valid=Split(levels[valid], labels[valid]),
            test=Split(levels[test], labels[test]),
            resample=resample,
            label_names=tuple("0123456789"),
        )


def _read() -> tuple[Images, Labels]:
    """(N, 1, 8, 8) uint8 values 0 … 16 and (N,) labels: scikit-learn's table, read without the second of its import.

    Raises:
        DataError: when scikit-learn is not installed, or its table is damaged.
    """
    package = importlib.util.find_spec("sklearn")
    folders = (package.submodule_search_locations or []) if package is not None else []
    path = next((found for folder in folders if (found := Path(folder, *_TABLE)).is_file()), None)
    if path is None:
        raise DataError(f"The digits are not there: scikit-learn has no {'/'.join(_TABLE)}. Install it again.")
    try:
        rows = gzip.decompress(path.read_bytes()).decode("ascii").split()
        table = np.array([row.split(",") for row in rows], dtype=np.uint8)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"{path} is damaged ({error}). Install scikit-learn again.") from error
    if table.ndim != 2 or table.shape[1] != SIDE * SIDE + 1 or table[:, :-1].max() > MAX_VALUE:
        raise DataError(f"{path} is damaged: it is no table of {SIDE}×{SIDE} digits. Install scikit-learn again.")
    return table[:, :-1].reshape(-1, 1, SIDE, SIDE).copy(), table[:, -1].astype(np.int64)


def _split_indices(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Indices of the training, validation and test images: a fixed random choice, in scikit-learn's order."""
    order = permutation(len(labels), _SPLIT_SEED)
    rank_within_digit = np.empty(len(labels), dtype=np.int64)
    for digit in range(10):
        of_digit = order[labels[order] == digit]
        rank_within_digit[of_digit] = np.arange(len(of_digit))
    part = np.minimum(rank_within_digit // HELD_OUT_PER_DIGIT, 2)
    train, valid, test = (np.flatnonzero(part == which) for which in (2, 0, 1))
    return train, valid, test


def _course_indices(count: int) -> list[NDArray[np.int64]]:
    """Indices of the training, validation and test images in the course's split."""
    return np.split(np.arange(count), COURSE_ENDS)
