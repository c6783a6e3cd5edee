"""Choice of size, colours and ground of a set from a sample of its images."""

import itertools
from collections import Counter
from collections.abc import Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Literal

import numpy as np

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.fitting import Target
from gmstudio.data.importing.raw import BadImageError, Guess, RawImage, RawSet
from gmstudio.data.importing.settings import ImportSettings
from gmstudio.data.importing.waiting import in_thread
from gmstudio.data.progress import Progress
from gmstudio.media.ink import edge_pixels
from gmstudio.protocol.images import MAX_SIDE

MEASURED_IMAGES = 512
"""Number of images whose sizes are read."""
DECODED_IMAGES = 64
"""Number of images whose colours are read."""
MAX_TRIED = 4_096
"""Images that are tried where none of those can be decoded."""
LARGEST_AUTO = 64
"""Longer side of images that were larger, where the user chose no size."""
Sizes = Counter[tuple[int, int]]
_LOOKED_SIDE = 128
_COLOURED, _COLOURED_SHARE = 0.1, 0.002
"""An image has colours where at least this share of its pixels has channels that differ by more than this."""
_PIECE = 8


def survey(raw: RawSet, settings: ImportSettings) -> Iterator[Progress | tuple[Target, tuple[Guess, ...]]]:
    """Choose what all images become; the last item is that, and the guesses.

    Raises:
        DataError: when no image of the sample can be decoded.
    """
    reasons: list[str] = []
    with ThreadPoolExecutor(1) as pool:
        sizes = yield from _measure(raw, 1 if settings.size and settings.width else MEASURED_IMAGES, pool, reasons)
        look = yield from _look_at(raw, pool, sizes, reasons)
    if not look.count:
        raise DataError(f"No image can be decoded; {len(_spread(len(raw), MAX_TRIED)):,} were tried. {reasons[-1]}")
    height, width, guesses = _size(sizes, settings, raw.content != "images")
    channels, colour_guesses = look.channels(settings)
    ground, ground_guesses = look.ground(settings)
    yield Target(channels, height, width, settings.fit, ground), (*guesses, *colour_guesses, *ground_guesses)


def _measure(raw: RawSet, count: int, pool: Executor, reasons: list[str]) -> Generator[Progress, None, Sizes]:
    """Count the sizes of some images; adds errors to ``reasons``."""
    sizes: Sizes = Counter()
    chosen = _spread(len(raw), count)
    for number, index in enumerate(chosen, 1):
        progress = Progress("sample", number, len(chosen))
        try:
            sizes[(yield from in_thread(pool, partial(raw.measure, index), progress))] += 1
        except BadImageError as error:
            reasons.append(str(error))
        if number % _PIECE == 0:
            yield progress
    return sizes


def _look_at(raw: RawSet, pool: Executor, sizes: Sizes, reasons: list[str]) -> Generator[Progress, None, "_Look"]:
    """Look at the pixels of some images, and go on until one can be decoded; adds its size where none is known."""
    look = _Look()
    chosen = _spread(len(raw), DECODED_IMAGES)
    others = (index for index in _spread(len(raw), MAX_TRIED) if not look.count)
    for number, index in enumerate(itertools.chain(chosen, others), 1):
        progress = Progress("sample", min(number, len(chosen)), len(chosen))
        read = partial(raw.read_reduced, index, _LOOKED_SIDE, _LOOKED_SIDE)
        try:
            look.add((yield from in_thread(pool, read, progress)))
            if not sizes:
                sizes[raw.measure(index)] += 1
        except BadImageError as error:
            reasons.append(str(error))
        yield progress
    return look


def _spread(total: int, count: int) -> list[int]:
    """At most ``count`` indices spread evenly over ``0 … total-1``."""
    return sorted({at * total // count for at in range(count)}) if total > count else list(range(total))


def _size(sizes: Sizes, settings: ImportSettings, is_exact: bool) -> tuple[int, int, tuple[Guess, ...]]:
    """(rows, columns) of the result, and what was guessed."""
    if settings.size and settings.width:
        return settings.size, settings.width, ()
    (rows, columns), most = min(sizes.items(), key=lambda item: (-item[1], item[0]))
    if settings.size:
        height, width = settings.size, max(1, round(columns * settings.size / rows))
    elif settings.width:
        height, width = max(1, round(rows * settings.width / columns)), settings.width
    else:
        scale = min(1.0, (MAX_SIDE if is_exact else LARGEST_AUTO) / max(rows, columns))
        height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
    height, width = min(height, MAX_SIDE), min(width, MAX_SIDE)
    if len(sizes) == 1 and (height, width) == (rows, columns):
        return height, width, ()
    share = "All" if len(sizes) == 1 else f"{most:,} of {sizes.total():,}"
    text = f"{share} sampled images have {rows}×{columns} pixels (rows × columns); all become {height}×{width}."
    return height, width, (Guess("size", text),)


class _Look:
    """Colours, edges and transparency of some images."""

    def __init__(self) -> None:
        self.count = 0
        self._num_colour = self._num_stored_as_colour = self._num_transparent = 0
        self._edges: list[float] = []
        self._ink: list[float] = []

    def add(self, image: RawImage) -> None:
        """Look at an image."""
        self.count += 1
        step = max(1, min(image.shape[:2]) // (2 * _LOOKED_SIDE))
        values = image[::step, ::step].astype(np.float32) / np.float32(255)
        has_alpha = image.shape[2] in (2, 4)
        colours, opacity = (values[..., :-1], values[..., -1]) if has_alpha else (values, np.ones_like(values[..., 0]))
        spread = (colours.max(2) - colours.min(2)) * opacity
        self._num_stored_as_colour += colours.shape[2] == 3
        self._num_colour += bool((spread > _COLOURED).mean() >= _COLOURED_SHARE)
        grey = colours.mean(2)
        if has_alpha and opacity.min() < 1:
            self._num_transparent += 1
            if opacity.max() > 0:
                self._ink.append(float(np.average(grey, weights=opacity)))
        edge = edge_pixels(np.stack((grey, opacity), axis=-1))
        if edge[:, 1].min() == 1:
            self._edges.append(float(np.median(edge[:, 0])))

    def channels(self, settings: ImportSettings) -> tuple[Literal[1, 3], tuple[Guess, ...]]:
        """Channels of the result, and what was guessed."""
        if settings.colour != "auto":
            return 3 if settings.colour == "rgb" else 1, ()
        if self._num_colour:
            grey = self.count - self._num_colour
            text = f"{self._num_colour:,} of {self.count:,} sampled images have colours, so that all become RGB."
            return 3, (Guess("colour", text),) if grey else ()
        text = "The images are stored in colour, but those that were sampled are grey; all become grey."
        return 1, (Guess("colour", text),) if self._num_stored_as_colour else ()

    def ground(self, settings: ImportSettings) -> tuple[int, tuple[Guess, ...]]:
        """Value of the ground, 0 or 255, and what was guessed."""
        if settings.ground != "auto":
            return 255 if settings.ground == "white" else 0, ()
        if self._edges:
            is_white, why = float(np.median(self._edges)) > 0.5, "as the edges of opaque images are"
        else:
            is_white, why = bool(self._ink) and float(np.median(self._ink)) < 0.5, "on which their ink shows best"
        text = f"Transparent parts become {'white' if is_white else 'black'}, {why}."
        return 255 if is_white else 0, (Guess("ground", text),) if self._num_transparent else ()
