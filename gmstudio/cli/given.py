"""What ``gmstudio sample --given`` names: an image, and which part of it is kept.

    image.png:first=300     the first 300 sub-pixels in the generation order
    image.png:rows=14       the upper 14 rows
    image.png:mask=m.png    the pixels that are white in m.png
    digits:valid:3:rows=4   an image of a data set: source, split, number

``:resize`` scales pictures of another size, ``:convert`` turns colours into grey or grey into colours.

Shapes: C channels, H height, W width.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.cli.run_data import load_run_data
from gmstudio.media.png import read_grey, read_levels

if TYPE_CHECKING:
    from gmstudio.engine.runtime.models import Loaded

LEAST_WHITE = 128
_OPTION = re.compile(r":(?=(?:first|rows|mask)=|(?:resize|convert)(?::|$))")
_FROM_DATA = re.compile(r"(\w+):(train|valid|test):(\d+)")


@dataclass(frozen=True)
class GivenWords:
    """A ``--given`` option, taken apart.

    Args:
        source: path of a PNG, or a data set's image.
        first: sub-pixels in the generation order; None: said otherwise.
        rows: upper rows; None: said otherwise.
        mask: path of a PNG that is white where pixels are given; empty: said otherwise.
        resize: scale pictures of another size.
        convert: turn colours into grey or the other way round.
    """

    source: str
    first: int | None = None
    rows: int | None = None
    mask: str = ""
    resize: bool = False
    convert: bool = False

    def without_folders(self) -> str:
        """The option again, as it may be kept in a file that is passed on."""
        part = f"mask={Path(self.mask).name}"
        if self.first is not None:
            part = f"first={self.first}"
        elif self.rows is not None:
            part = f"rows={self.rows}"
        return f"{Path(self.source).name}:{part}"


@dataclass(frozen=True, eq=False)
class Given:
    """An image, and which part of it is kept.

    Args:
        levels: (C, H, W).
        first: how many sub-pixels in the generation order; 0 where there is a mask.
        mask: (C, H, W) bool, the sub-pixels that are kept; None: the first ones.
    """

    levels: NDArray[np.uint8]
    first: int = 0
    mask: NDArray[np.bool_] | None = None


def parse_given(text: str) -> GivenWords:
    """Take a ``--given`` option apart.

    Raises:
        ValueError: when it does not say which part is given, says it twice, or a number is none.
    """
    source, *options = _OPTION.split(text)
    values: dict[str, str] = {}
    for option in options:
        name, _, value = option.partition("=")
        if name in values:
            raise ValueError(f"--given {text}: {name} is there twice; write it once.")
        values[name] = value
    parts = [name for name in ("first", "rows", "mask") if values.get(name)]
    if not source or len(parts) != 1:
        raise ValueError(
            f"--given {text}: write an image and which part of it is given, one of image.png:first=300 (sub-pixels in "
            "the generation order), image.png:rows=14 (upper rows) or image.png:mask=mask.png (where that is white)."
        )
    for name in ("first", "rows"):
        if name in values and not values[name].isdecimal():
            raise ValueError(f"--given {text}: {name} is {values[name]!r}; it must be a whole number, 0 or more.")
    return GivenWords(
        source=source,
        first=int(values["first"]) if "first" in values else None,
        rows=int(values["rows"]) if "rows" in values else None,
        mask=values.get("mask", ""),
        resize="resize" in values,
        convert="convert" in values,
    )


def read_given(text: str, loaded: "Loaded", data_dir: str = "") -> Given:
    """Read what a ``--given`` option names.

    Args:
        text: the option.
        loaded: the run whose model goes on from it.
        data_dir: folder of a data set's files, where it is not the run's.

    Raises:
        ValueError: when the option, the image or the mask does not fit the model.
        FileNotFoundError: when there is no such file.
    """
    words, image = parse_given(text), loaded.model.image
    named = _FROM_DATA.fullmatch(words.source)
    if named:
        dataset = load_run_data(loaded, named[1], data_dir)
        (levels,) = dataset.view(named[2], [int(named[3])])
    else:
        levels = read_levels(words.source, image, resize=words.resize, convert=words.convert)
    if words.first is not None:
        if words.first > image.num_dims:
            raise ValueError(f"--given {text}: {words.first} sub-pixels; the model's images have {image.num_dims}.")
        return Given(levels, first=words.first)
    mask = np.zeros(image.shape, dtype=np.bool_)
    if words.rows is not None:
        if words.rows > image.height:
            raise ValueError(f"--given {text}: {words.rows} rows; the model's images have {image.height}.")
        mask[:, : words.rows] = True
    else:
        mask[:] = read_grey(words.mask, image, resize=words.resize) >= LEAST_WHITE
    return Given(levels, mask=mask)
