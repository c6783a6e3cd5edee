"""Pictures of a report: samples of the run's seed, reconstructions of test images, the density of points.

Shapes: N images, C channels, H height, W width.
"""

import io
from collections.abc import Generator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.reconstruction import reconstructs
from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.rules import surface_pieces
from gmstudio.engine.plane.surface import Surface
from gmstudio.engine.runs.report.content import Picture
from gmstudio.engine.runtime.display import decoded, means_to_display
from gmstudio.engine.runtime.inspection import encoder_of, exploring
from gmstudio.engine.sampling.grids import draw_grid, grid_kind
from gmstudio.families.base import Family, Sampler
from gmstudio.media.levels import to_display
from gmstudio.media.plot_pictures import Axis, density_picture
from gmstudio.media.sheets import sheet

NUM_SAMPLES, COLUMNS = 100, 20
NUM_RECONSTRUCTED = 20
MOST_SIDE = 1200
"""Pixels of the longer side of a sheet of images, about."""
PLAIN = str.maketrans("₀₁₂₃", "0123")
"""Letters that the font of the pictures lacks."""
KINDS = {
    "samples": ("Samples", "samples"),
    "means": ("Samples", "means of the decoder for codes drawn from the prior"),
    "reconstructions": ("Decoded codes", "decoded random codes: this family does not generate"),
}

PictureWork = Generator[None, None, Picture | None]
"""Yields after each piece; returns the picture, None where there is none."""


def samples_picture(model: Family, seed: int, step: int, texts: Mapping[str, str]) -> PictureWork:
    """Draw samples of the run's seed; the same for the same weights."""
    if not isinstance(model, Sampler) and not reconstructs(model):
        return None
    images: NDArray[np.uint8] | None = None
    for drawn in draw_grid(model, NUM_SAMPLES, seed):
        images = images if drawn is None else drawn
        yield None
    assert images is not None
    title, words = KINDS[grid_kind(model)]
    caption = f"{NUM_SAMPLES} {words}, of seed {seed}, with the weights of step {step:,}."
    return _of_images(title, caption, images, COLUMNS, {**texts, "Shows": title.lower(), "Seed": str(seed)})


def reconstructions_picture(model: Family, dataset: Dataset, texts: Mapping[str, str]) -> PictureWork:
    """Reconstruct the first test images, each below its original."""
    count = min(NUM_RECONSTRUCTED, len(dataset.test))
    if not reconstructs(model) or not count:
        return None
    images = dataset.view("test", range(count))
    yield None
    with exploring(model):
        codes = encoder_of(model).encode(torch.from_numpy(np.array(images)).to(model.device))
        means = means_to_display(decoded(model, codes))
    pairs = np.concatenate((to_display(np.array(images), model.image.levels), means))
    caption = f"The first {count} test images, and below them what the model makes of them."
    return _of_images("Reconstructions", caption, pairs, count, {**texts, "Shows": "reconstructions"})


def density_pieces(model: Family, dataset: Dataset, seed: int) -> Generator[None, None, Surface | None]:
    """Compute the density of a model of points; returns None where it has none."""
    found: Surface | None = None
    for surface in surface_pieces(model, grid_of_data(model, dataset), seed, dataset.train.labels):
        found = surface or found
        yield None
    return found


def density_map(model: Family, dataset: Dataset, surface: Surface, texts: Mapping[str, str]) -> Picture:
    """Draw the density of a model of points."""
    axes = [Axis(axis.title.translate(PLAIN), axis.low, axis.high) for axis in grid_of_data(model, dataset).axes]
    picture = density_picture(surface.values, f"p(x), {surface.method}", axes)
    caption = f"Probabilities of the cells that the points of the data lie in, by {surface.method}."
    return _encoded("Density", caption, picture, {**texts, "Shows": "p(x)"}, smooth=True)


def _of_images(title: str, caption: str, images: NDArray[np.uint8], columns: int, texts: Mapping[str, str]) -> Picture:
    pixels = sheet(images, columns)
    scale = max(1, MOST_SIDE // max(pixels.shape[1:]))
    shown = np.repeat(np.repeat(pixels, scale, 1), scale, 2).transpose(1, 2, 0)
    return _encoded(
        title, caption, Image.fromarray(np.ascontiguousarray(shown[..., 0] if shown.shape[2] == 1 else shown)), texts
    )


def _encoded(
    title: str, caption: str, picture: Image.Image, texts: Mapping[str, str], *, smooth: bool = False
) -> Picture:
    info, content = PngInfo(), io.BytesIO()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    picture.save(content, format="PNG", pnginfo=info, optimize=True)
    return Picture(title, caption, content.getvalue(), picture.width, picture.height, smooth)
