"""The option ``--given`` of ``gmstudio sample``: observed pixels that samples are conditioned on.

    image.png:first=300     the first 300 sub-pixels in the generation order
    image.png:rows=14       the upper 14 rows
    image.png:mask=m.png    the pixels that are white in m.png
    digits:valid:3:rows=4   an image of a data set: source, split, number

``:resize`` scales pictures of another size, ``:convert`` turns colours into grey or grey into colours and lays
transparent parts on the ground of the run's data.

Shapes: C channels, H height, W width.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.cli.run_data import load_data_for
from gmstudio.media.ink import INK_IMAGES, measure_ink
from gmstudio.media.png import read_grey, read_levels
from gmstudio.protocol.data import SPLITS
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from gmstudio.engine.runtime.models import Loaded

LEAST_WHITE = 128
_OPTION = re.compile(r":(?=(?:first|rows|mask)=|(?:resize|convert)(?::|$))")
_FROM_DATA = re.compile(rf"(\w+):({'|'.join(SPLITS)}):(\d+)")


@dataclass(frozen=True)
class ConditioningOption:
    """A parsed ``--given`` option; exactly one of ``first``, ``rows`` and ``mask`` is set.

    Args:
        source: path of a PNG, or a data set's image.
        first: number of observed sub-pixels in the generation order.
        rows: number of observed upper rows.
        mask: path of a PNG that is white where pixels are observed.
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
        """Return the option as text without names of folders, for files that are passed on."""
        part = f"mask={Path(self.mask).name}"
        if self.first is not None:
            part = f"first={self.first}"
        elif self.rows is not None:
            part = f"rows={self.rows}"
        return f"{Path(self.source).name}:{part}"


@dataclass(frozen=True, eq=False)
class ObservedPixels:
    """An image, and the part of it that samples are conditioned on.

    Args:
        levels: (C, H, W).
        first: number of observed sub-pixels in the generation order; 0 where there is a mask.
        mask: (C, H, W) bool, True where observed; None: the ``first`` ones.
    """

    levels: NDArray[np.uint8]
    first: int = 0
    mask: NDArray[np.bool_] | None = None


def parse_given(text: str) -> ConditioningOption:
    """Parse a ``--given`` option.

    Raises:
        ValueError: when the observed part is not stated, or stated twice, or a number is malformed.
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
            f"--given {text}: write an image and which part of it is observed, one of image.png:first=300 (sub-pixels "
            "in the generation order), image.png:rows=14 (upper rows) or image.png:mask=m.png (white where observed)."
        )
    for name in ("first", "rows"):
        if name in values and not values[name].isdecimal():
            raise ValueError(f"--given {text}: {name} is {values[name]!r}; it must be a whole number, 0 or more.")
    return ConditioningOption(
        source=source,
        first=int(values["first"]) if "first" in values else None,
        rows=int(values["rows"]) if "rows" in values else None,
        mask=values.get("mask", ""),
        resize="resize" in values,
        convert="convert" in values,
    )


def read_given(text: str, loaded: "Loaded", data_dir: str = "") -> ObservedPixels:
    """Load the observed pixels that a ``--given`` option names.

    Args:
        text: the option.
        loaded: the run whose model samples the other pixels.
        data_dir: folder of a data set's files, where it is not the run's.

    Raises:
        ValueError: when the option, the image or the mask does not fit the model.
        FileNotFoundError: when there is no such file.
    """
    option, image = parse_given(text), loaded.model.image
    named = _FROM_DATA.fullmatch(option.source)
    if named:
        dataset = load_data_for(loaded, named[1], data_dir, accept_changed=True)
        (levels,) = dataset.view(named[2], [int(named[3])])
    else:
        levels = read_levels(
            str(typed_path(option.source)),
            image,
            resize=option.resize,
            convert=option.convert,
            ground=lambda: _ground_of(loaded, data_dir),
        )
    if option.first is not None:
        if option.first > image.num_dims:
            raise ValueError(f"--given {text}: {option.first} sub-pixels; the model's images have {image.num_dims}.")
        return ObservedPixels(levels, first=option.first)
    mask = np.zeros(image.shape, dtype=np.bool_)
    if option.rows is not None:
        if option.rows > image.height:
            raise ValueError(f"--given {text}: {option.rows} rows; the model's images have {image.height}.")
        mask[:, : option.rows] = True
    else:
        mask[:] = read_grey(str(typed_path(option.mask)), image, resize=option.resize) >= LEAST_WHITE
    return ObservedPixels(levels, mask=mask)


def _ground_of(loaded: "Loaded", data_dir: str) -> tuple[float, ...]:
    """Ground of the run's data; black where they cannot be read."""
    try:
        dataset = load_data_for(loaded, folder=data_dir, accept_changed=True)
    except (ValueError, OSError):
        return ()
    return measure_ink(dataset.train.images[:INK_IMAGES], dataset.image.levels).ground
