"""Figure of a latent map as a picture: tiles, and by choice axes and the data's dots with their legend.

Shapes: N dots.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.marks import mark_of

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

LEAST_FONT_PX = 12
MANY_DOTS, FEW_PARTS, MANY_PARTS = 300, 150, 230
"""Number of dots above which they are smaller, and the width of the tiles over the radius of a dot."""
PAPER, TEXT, RIM = (255, 255, 255), (40, 40, 40), (255, 255, 255)
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#7d7200", "#d55e00", "#6a5acd", "#4b525c", "#56b4e9", "#a03030")
SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉σ−→", "0123456789s-,")
"""Letters that the font of the figure may lack."""


@dataclass(frozen=True, eq=False)
class MapFigure:
    """What a figure shows besides its tiles.

    Args:
        low: coordinate of the tiles at the left and the bottom.
        high: coordinate of those at the right and the top.
        side: tiles along a side.
        axes: names of the horizontal and the vertical axis; None: no axes.
        places: (N, 2) coordinates of the dots; None: no dots.
        labels: (N,) labels of the dots, or None.
        names: label → class name.
    """

    low: float
    high: float
    side: int
    axes: tuple[str, str] | None = None
    places: NDArray[np.float32] | None = None
    labels: NDArray[np.int64] | None = None
    names: tuple[str, ...] = ()


def draw_figure(tiles: "Image.Image", figure: MapFigure, tile_px: int, gap_px: int) -> "Image.Image":
    """Draw axes and dots on and around tiles.

    Args:
        tiles: the picture of the tiles, with ``gap_px`` between them.
        figure: what to draw.
        tile_px: side of a tile.
        gap_px: between two tiles.
    """
    from PIL import Image, ImageDraw, ImageFont

    size = max(LEAST_FONT_PX, tiles.width // 40)
    font = ImageFont.load_default(size)
    left = 4 * size if figure.axes else 0
    legend = _legend_px(figure, size)
    below = (3 * size if figure.axes else 0) + legend
    sheet = Image.new("RGB", (tiles.width + left + (size if figure.axes else 0), tiles.height + below), PAPER)
    sheet.paste(tiles.convert("RGB"), (left, 0))
    draw = ImageDraw.Draw(sheet)
    scale = (figure.side - 1) * (tile_px + gap_px) / (figure.high - figure.low)

    def at(x: float, y: float) -> tuple[float, float]:
        half = tile_px / 2
        return left + half + (x - figure.low) * scale, tiles.height - half - (y - figure.low) * scale

    if figure.axes is not None:
        _draw_axes(sheet, draw, font, size, figure, (left, tiles.width, tiles.height))
        for value in (figure.low, figure.high):
            x, y = at(value, value)
            draw.text((x, tiles.height + size // 3), f"{value:g}", TEXT, font, anchor="ma")
            draw.text((left - size // 3, y), f"{value:g}", TEXT, font, anchor="rm")
    if figure.places is not None:
        radius = max(2.5, tiles.width / (FEW_PARTS if len(figure.places) <= MANY_DOTS else MANY_PARTS))
        for index, (x, y) in enumerate(figure.places.tolist()):
            px, py = at(x, y)
            if left <= px <= left + tiles.width and 0 <= py <= tiles.height:
                _draw_mark(draw, px, py, radius, 0 if figure.labels is None else int(figure.labels[index]))
        _draw_legend(draw, font, size, figure, left, sheet.height - legend)
    return sheet


def _draw_axes(
    sheet: "Image.Image",
    draw: "ImageDraw.ImageDraw",
    font: "ImageFont.FreeTypeFont | ImageFont.ImageFont",
    size: int,
    figure: MapFigure,
    area: tuple[int, int, int],
) -> None:
    from PIL import Image, ImageDraw

    left, width, height = area
    assert figure.axes is not None
    across, up = (name.translate(SUBSCRIPTS) for name in figure.axes)
    draw.text((left + width / 2, height + 1.5 * size), across, TEXT, font, anchor="ma")
    label = Image.new("RGB", (height, 2 * size), PAPER)
    ImageDraw.Draw(label).text((height / 2, size), up, TEXT, font, anchor="mm")
    sheet.paste(label.rotate(90, expand=True), (0, 0))


def _present(figure: MapFigure) -> list[int]:
    if figure.places is None or figure.labels is None:
        return []
    return [int(label) for label in np.unique(figure.labels)]


def _legend_px(figure: MapFigure, size: int) -> int:
    return 2 * size if _present(figure) else 0


def _draw_legend(
    draw: "ImageDraw.ImageDraw",
    font: "ImageFont.FreeTypeFont | ImageFont.ImageFont",
    size: int,
    figure: MapFigure,
    left: int,
    top: int,
) -> None:
    x = left + size / 2
    for label in _present(figure):
        name = figure.names[label] if 0 <= label < len(figure.names) else str(label)
        _draw_mark(draw, x, top + size, size / 2.5, label)
        draw.text((x + size * 0.7, top + size), name.translate(SUBSCRIPTS), TEXT, font, anchor="lm")
        x += 1.8 * size + draw.textlength(name.translate(SUBSCRIPTS), font)


def _draw_mark(draw: "ImageDraw.ImageDraw", x: float, y: float, radius: float, label: int) -> None:
    corners = [(x + radius * dx, y + radius * dy) for dx, dy in mark_of(label)]
    rim = [(x + 1.5 * radius * dx, y + 1.5 * radius * dy) for dx, dy in mark_of(label)]
    draw.polygon(rim, fill=RIM)
    draw.polygon(corners, fill=COLOURS[label % len(COLOURS)])
