"""Round of a guess on the Pixels panel's canvas: picture, tints, legend, and the reading of a pixel."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.tints import round_tints
from gmstudio.window.gui.panels.pixels.heat_maps import plain_picture
from gmstudio.window.gui.panels.pixels.names import CHANNELS
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture
from gmstudio.window.state.pixels.guessed_film import GuessedFilm
from gmstudio.window.state.pixels.guessing import PixelGuessing

TINTED = "green: settled · orange dot: changed in this round · pink: still wrong"


def round_picture(guessing: PixelGuessing) -> Picture | None:
    """Round that is shown in place of the generation, or None."""
    film = guessing.film
    if film is None or not guessing.shown:
        return None
    image = film.images[guessing.position]
    picture = plain_picture(film.state, np.zeros(image.shape, np.bool_), None)
    return replace(picture, image=image, placed=np.ones(image.shape, np.bool_))


def tints_of(guessing: PixelGuessing) -> NDArray[np.uint8] | None:
    """Tints of that round's pixels by their state, see ``round_tints``; None where they are off."""
    film = guessing.film
    if film is None or not (guessing.shown and guessing.tints):
        return None
    return round_tints(*film.masks(guessing.position), coloured=film.images.shape[1] > 1)


def round_words(film: GuessedFilm, frame: int) -> str:
    """Number of a round: ``Round 5 of 31``, or ``Round 5`` while further ones are computed."""
    of = f" of {film.last_round:,}" if film.done else ""
    return f"Round {int(film.rounds[frame]):,}{of}"


def round_reading(guessing: PixelGuessing, row: int, column: int) -> str:
    """Values of a pixel in the round that is shown, and since when they are right; off the image, the legend."""
    film = guessing.film
    if film is None:
        return ""
    channels, height, width = film.images.shape[1:]
    start = round_words(film, guessing.position)
    if not (0 <= row < height and 0 <= column < width):
        return f"{start} · {TINTED}" if guessing.tints else start
    values = film.images[guessing.position, :, row, column].tolist()
    names = CHANNELS[channels]
    each = [f"{name} {value}" if name else f"value {value}" for name, value in zip(names, values, strict=True)]
    text = f"{start} · row {row}, column {column}: {', '.join(each)}"
    return f"{text} · right from round {film.right_since(row, column):,} on" if film.done else text
