"""Coloured shapes with known factors of variation, drawn by code.

An image shows one square, ellipse or triangle on black. Kind, scale, rotation, colour and position are drawn
independently and uniformly from fixed grids, and are kept beside the images (``Split.factors``), so that what a model
finds can be compared with what varies. The images are the same to the last bit on every machine.

Sources: P. Abbeel, X. Chen, J. Ho et al., CS294-158 Deep Unsupervised Learning, homework 1, whose coloured shapes have
20×20 pixels of 2 bits a channel; L. Matthey, I. Higgins, D. Hassabis and A. Lerchner, dSprites, 2017, for the factors.
"""

import math
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset, Factors, Labels, Split
from gmstudio.data.label_names import chosen_labels
from gmstudio.data.source import LEVELS_TITLE, Source
from gmstudio.media.levels import Images, quantize
from gmstudio.protocol.config import ConfigError, field
from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.protocol.images import ImageSpec

KINDS = ("square", "ellipse", "triangle")
COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (255, 0, 0),
    "orange": (255, 170, 0),
    "yellow": (255, 255, 85),
    "green": (0, 170, 0),
    "cyan": (85, 255, 255),
    "blue": (85, 85, 255),
    "violet": (170, 0, 255),
    "white": (255, 255, 255),
}
"""Name → RGB; multiples of 85, which 4 levels hold exactly."""
SIZES: dict[SplitName, int] = {"train": 6000, "valid": 1000, "test": 1000}
FACTOR_NAMES = ("kind", "scale", "rotation", "colour", "x", "y")
"""Columns of the factors: index in ``KINDS``; half the side of the square per side of the image; degrees,
counter-clockwise; index in ``COLOURS``; centre per side of the image, from the left and from the top."""

_NUM_SCALES, _NUM_ROTATIONS, _NUM_PLACES = 6, 24, 16
_SCALES = np.array([0.145 + 0.015 * step for step in range(_NUM_SCALES)])
_PLACES = np.array([0.34 + 0.0213 * step for step in range(_NUM_PLACES)])
_SEED = 294_158
_CHUNK_PIXELS = 1 << 19
Floats = NDArray[np.float64]


class ShapesConfig(Struct, frozen=True, kw_only=True):
    """Quantization, size and choice of images."""

    levels: Annotated[
        Literal[4, 16, 256],
        field(LEVELS_TITLE, "Quantize each colour channel to this many levels; 4 are 2 bits."),
    ] = 4
    size: Annotated[
        int,
        field("Size", "Rows and columns of the images.", ge=12, le=64, unit="pixels"),
    ] = 20
    subset: Annotated[
        int,
        field("Max. training images", "Train on at most this many images; 0: all 6,000.", ge=0, le=6000, unit="images"),
    ] = 0
    classes: Annotated[
        str, field("Include classes", "Kinds to include, as numbers or names: square, ellipse, triangle; empty: all.")
    ] = ""


class Shapes(Source):
    """Images of one coloured shape; its kind is the label. The factors are the same at every size and number of levels.

    20×20 pixels of 2 bits a channel are the course's; 1,200 sub-pixels cost an autoregressive model little more than
    the 784 of MNIST. Rotations by 90° leave a square as it is, and those by 180° an ellipse.
    """

    name: ClassVar[str] = "shapes"
    title: ClassVar[str] = "Coloured shapes"
    summary: ClassVar[str] = (
        "8,000 small colour images of a square, ellipse or triangle with known kind, scale, rotation, colour and "
        "position: 6,000 to train on, 1,000 to validate, 1,000 to test. They are drawn by code and need no download."
    )
    Config: ClassVar[type[Struct]] = ShapesConfig

    @classmethod
    def load(cls, config: ShapesConfig) -> Dataset:
        """Draw the images; see ``Source.load``."""
        kept = _chosen_kinds(config.classes)
        splits: dict[SplitName, Split] = {}
        for split, indices in draw_factors().items():
            indices = indices[np.isin(indices[:, 0], kept)]
            if split == "train" and config.subset:
                indices = indices[: config.subset]
            images = quantize(draw_images(indices, config.size), 255, config.levels)
            splits[split] = Split(images, indices[:, 0].copy(), Factors(FACTOR_NAMES, factor_values(indices)))
        return Dataset(
            source=cls.name,
            config=msgspec.to_builtins(config),
            image=ImageSpec(channels=3, height=config.size, width=config.size, levels=config.levels),
            train=splits["train"],
            valid=splits["valid"],
            test=splits["test"],
            label_names=KINDS,
        )


def _chosen_kinds(classes: str) -> tuple[int, ...]:
    if not classes.strip(" ,"):
        return tuple(range(len(KINDS)))
    chosen = chosen_labels(classes, KINDS)
    if not chosen:
        raise ConfigError({"classes": f"Include classes is {classes!r}, which names no class. Leave it empty for all."})
    return chosen


def draw_factors() -> dict[SplitName, Labels]:
    """Indices (N, 6) of each image's factors in their grids, by split; always the same."""
    random = np.random.RandomState(_SEED)
    counts = (len(KINDS), _NUM_SCALES, _NUM_ROTATIONS, len(COLOURS), _NUM_PLACES, _NUM_PLACES)
    total = sum(SIZES.values())
    indices = np.stack([random.randint(0, count, total) for count in counts], axis=1).astype(np.int64)
    parts = np.split(indices, np.cumsum([SIZES[split] for split in SPLITS])[:-1])
    return dict(zip(SPLITS, parts, strict=True))


def factor_values(indices: Labels) -> NDArray[np.float32]:
    """(N, 6) values of factors from their indices in the grids, see ``FACTOR_NAMES``."""
    kind, scale, rotation, colour, x, y = indices.T
    degrees = rotation * (360 / _NUM_ROTATIONS)
    return np.stack([kind, _SCALES[scale], degrees, colour, _PLACES[x], _PLACES[y]], axis=1).astype(np.float32)


def draw_images(indices: Labels, side: int) -> Images:
    """Draw images, anti-aliased.

    Args:
        indices: (N, 6), see ``draw_factors``.
        side: rows and columns, pixels.

    Returns:
        (N, 3, side, side) uint8, intensities 0 … 255.
    """
    images = np.empty((len(indices), 3, side, side), dtype=np.uint8)
    palette = np.array(list(COLOURS.values()), dtype=np.float64)
    chunk = max(1, _CHUNK_PIXELS // side**2)
    for start in range(0, len(indices), chunk):
        part = indices[start : start + chunk]
        coverage = np.clip(0.5 - _distances(part, side), 0.0, 1.0)
        for channel in range(3):
            shown = coverage * palette[part[:, 3], channel][:, None, None]
            images[start : start + len(part), channel] = np.floor(shown + 0.5)
    return images


def _distances(indices: Labels, side: int) -> Floats:
    """(N, side, side) signed distances of the pixels' centres from the outline, in pixels; negative inside."""
    _, scale, rotation, _, x, y = (column[:, None, None] for column in indices.T)
    half = _SCALES[scale] * side
    cosines, sines = _directions()
    centres = np.arange(side) + 0.5
    right = centres[None, None, :] - _PLACES[x] * side
    up = _PLACES[y] * side - centres[None, :, None]
    u = cosines[rotation] * right + sines[rotation] * up
    v = cosines[rotation] * up - sines[rotation] * right
    distances = np.empty(u.shape)
    for kind, outline in enumerate((_square, _ellipse, _triangle)):
        chosen = np.flatnonzero(indices[:, 0] == kind)
        distances[chosen] = outline(u[chosen], v[chosen], half[chosen])
    return distances


def _directions() -> tuple[Floats, Floats]:
    """Cosines and sines of the rotations, rounded to 2⁻²⁰: mathematical libraries differ in their last bits."""
    angles = [2 * math.pi * step / _NUM_ROTATIONS for step in range(_NUM_ROTATIONS)]
    rounded = np.array([[round(f(angle) * 2**20) / 2**20 for angle in angles] for f in (math.cos, math.sin)])
    return rounded[0], rounded[1]


def _square(u: Floats, v: Floats, half: Floats) -> Floats:
    distance: Floats = np.maximum(np.abs(u), np.abs(v)) - half
    return distance


def _ellipse(u: Floats, v: Floats, half: Floats) -> Floats:
    """Half axes 1.35 and 0.75 times ``half``; the distance is exact to first order at the outline."""
    p, q = u / (1.35 * half), v / (0.75 * half)
    radius = np.sqrt(p * p + q * q)
    slope = np.sqrt(np.square(p / (1.35 * half)) + np.square(q / (0.75 * half)))
    distance: Floats = radius * (radius - 1) / np.maximum(slope, 1e-9)
    return distance


def _triangle(u: Floats, v: Floats, half: Floats) -> Floats:
    """Isosceles, tip and base at 1.4 and −0.9 times ``half`` along u, the base 1.8 times ``half`` long.

    The normal of a leg is (0.9, 2.3) / √6.1. The tip is cut at a right angle, or its anti-aliasing would reach far.
    """
    tip, base, normal_u, normal_v = 1.4 * half, -0.9 * half, 0.3644, 0.93125
    legs = normal_u * (u - tip) + normal_v * np.abs(v)
    distance: Floats = np.maximum(np.maximum(legs, base - u), u - tip)
    return distance
