"""Export of the rounds of a guess: a film or a strip, as files with their provenance.

Shapes: M frames, C channels, H height, W width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from gmstudio.media import Provenance
from gmstudio.media.levels import to_display
from gmstudio.media.sheets import write_strip
from gmstudio.media.tints import round_tints, tinted
from gmstudio.media.writing import (
    Format,
    StoppedError,
    fitting_scale,
    put_in_place,
    write_gif,
    write_mp4,
)
from gmstudio.window.state.film_files import FilmFiles, Writing
from gmstudio.window.state.pixels.guessed_film import GuessedFilm
from gmstudio.window.state.pixels.picture_settings import film_settings
from gmstudio.window.state.pixels.state import PixelsState

SUFFIXES = {"gif": "gif", "mp4": "mp4", "strip": "png"}
STRIP_COLUMNS = 12
SIDE = 512
"""Pixels of the longer side of a film, about; of a strip, of each of its images a quarter."""
HOLD_S = 1.5
"""Time for which a film shows its last round."""


@dataclass(frozen=True, eq=False)
class FilmPlan:
    """An export.

    Args:
        path: of the file, replaced if it is there.
        content: of the file.
        film: the rounds.
        tints: the pixels are tinted by their state.
        origin: provenance that the file embeds.
        fps: rounds per second of a film.
    """

    path: Path
    content: str
    film: GuessedFilm
    tints: bool
    origin: Provenance
    fps: float


class FilmExport(FilmFiles):
    """Writes the film of a guess.

    Args:
        session: state of the panel, whose film it writes.
    """

    suffixes = SUFFIXES

    def __init__(self, session: PixelsState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session

    def missing(self) -> str:
        """See ``FilmFiles``."""
        film = self._session.guessing.film
        return "There are no finished rounds yet." if film is None or not film.done else ""

    def writing(self, content: str, target: Path) -> Writing:
        """See ``FilmFiles``."""
        guessing = self._session.guessing
        assert guessing.film is not None, "there are finished rounds"
        origin = self._origin(guessing.film)
        return partial(write, FilmPlan(target, content, guessing.film, guessing.tints, origin, guessing.speed_hz))

    def _origin(self, film: GuessedFilm) -> Provenance:
        info = self._session.library.info(film.state.run)
        return Provenance(
            family=info.spec.family if info is not None else "",
            run=info.title if info is not None else "",
            folder=film.state.run,
            created=info.created if info is not None else "",
            step=film.state.weights_step,
            seed=film.begun.seed,
            shows="rounds",
            panel="pixels",
            details={"Rounds": f"{film.last_round} for {film.num_guessed} sub-pixels"} | film_settings(film),
        )


def write(plan: FilmPlan, stopped: Callable[[], bool]) -> str:
    """Write the file of a plan and return its path."""
    with put_in_place(plan.path, overwrite=True) as partial_path:
        if plan.content == "strip":
            _write_strip(plan, partial_path, stopped)
        else:
            frames = np.stack([_frame(plan, frame) for frame in range(len(plan.film))])
            held = np.concatenate([frames, np.repeat(frames[-1:], round(HOLD_S * plan.fps), axis=0)])
            form: Format = "gif" if plan.content == "gif" else "mp4"
            scale = fitting_scale(form, *_sizes(held), SIDE)
            film = write_gif if form == "gif" else write_mp4
            film(partial_path, held, plan.origin, plan.fps, scale, stopped)
        if stopped():
            raise StoppedError
    return str(plan.path)


def _write_strip(plan: FilmPlan, path: Path, stopped: Callable[[], bool]) -> None:
    """Rounds evenly spaced over the film, the first and the last among them."""
    chosen = np.unique(np.linspace(0, len(plan.film) - 1, STRIP_COLUMNS).round().astype(int)).tolist()
    images = np.stack([_frame(plan, frame) for frame in chosen])
    labels = [f"{int(plan.film.rounds[frame]):,}" for frame in chosen]
    scale = max(1, round(SIDE / 4 / max(images.shape[2:])))
    write_strip(path, images[np.newaxis], labels, "round", plan.origin, scale, stopped)


def _frame(plan: FilmPlan, frame: int) -> NDArray[np.uint8]:
    """(C, H, W), 0 … 255: a round, with its tints of 3×3 for each pixel where they are on."""
    image = to_display(plan.film.images[frame], plan.film.state.spec.levels)
    return tinted(image, round_tints(*plan.film.masks(frame), coloured=len(image) > 1)) if plan.tints else image


def _sizes(frames: NDArray[np.uint8]) -> tuple[int, int, int]:
    count, _, height, width = frames.shape
    return count, height, width
