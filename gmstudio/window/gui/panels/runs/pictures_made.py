"""Pictures of the sources of the page Pictures: sheets of samples with lines between them, one sample, or a file."""

import math
from dataclasses import replace

import numpy as np

from gmstudio.media.sheets import sheet
from gmstudio.window.gui.panels.runs.compare_samples import displayed
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.compared_pictures import ComparedPicture
from gmstudio.window.state.runs.compare_grids import ShownGrid
from gmstudio.window.state.runs.pictures import PictureSource

Key = tuple[object, ...]


class PictureMaker:
    """Makes the pictures, and keeps those whose source did not change."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[object, ComparedPicture]] = {}

    def make(self, sources: tuple[PictureSource, ...], count: int, image: int) -> list[ComparedPicture]:
        """Make the pictures of all sources that have one.

        Args:
            sources: in their order.
            count: number of samples in each sheet.
            image: number of the sample that is shown alone, from 1; 0: all of them.
        """
        made: dict[Key, tuple[object, ComparedPicture]] = {}
        for source in sources:
            content = source.file or source.grid
            if content is None or (source.grid is not None and not count):
                continue
            title = title_of(source)
            key = (id(content), title, source.colour, source.levels, count, image, theme().dark)
            if key not in self._kept:
                self._kept[key] = content, replace(_picture(source, title, count, image), name=source.name)
            made[key] = self._kept[key]
        self._kept = made  # with their sources, so that no other one has the same id
        return [picture for _content, picture in made.values()]


def title_of(source: PictureSource) -> str:
    """Name of a source, with the step of its samples."""
    return source.name if source.grid is None else f"step {source.grid.step:,} · {source.name}"


def _picture(source: PictureSource, title: str, count: int, image: int) -> ComparedPicture:
    colour = theme().series(source.colour)
    if source.file is not None:
        return ComparedPicture(title, source.file.pixels, colour, packed=source.file.packed)
    assert source.grid is not None
    return _sheet(source.grid, source.levels, title, count, image, source.colour)


def _sheet(grid: ShownGrid, levels: int, title: str, count: int, image: int, colour: int) -> ComparedPicture:
    """Sheet of samples, or one of them."""
    shown = displayed(grid.images)
    levels = levels if shown is grid.images else 256  # drawn points have shades of their own
    shade = theme().series(colour)
    if image:
        return ComparedPicture(title, np.ascontiguousarray(shown[min(image, len(shown)) - 1]), shade, levels)
    shown = shown[:count]
    height, width = shown.shape[2:]
    columns = math.ceil(math.sqrt(len(shown)))
    pixels = sheet(shown, columns)
    rows_at, columns_at = np.arange(pixels.shape[1]), np.arange(pixels.shape[2])
    number = (rows_at // (height + 1))[:, np.newaxis] * columns + columns_at // (width + 1)
    on_a_line = ((rows_at + 1) % (height + 1) == 0)[:, np.newaxis] | ((columns_at + 1) % (width + 1) == 0)
    return ComparedPicture(title, pixels, shade, levels, ~on_a_line & (number < len(shown)), (height, width))
