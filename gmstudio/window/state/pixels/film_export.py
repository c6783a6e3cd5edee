"""Export of the rounds of a guess: a film or a strip, as files with their provenance.

Shapes: M frames, C channels, H height, W width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.media import Provenance
from gmstudio.media.levels import to_display
from gmstudio.media.sheets import write_strip
from gmstudio.media.tints import round_tints, tinted
from gmstudio.media.writing import (
    NO_FFMPEG,
    StoppedError,
    ffmpeg_path,
    fitting_scale,
    put_in_place,
    write_gif,
    write_mp4,
)
from gmstudio.window.client.background_task import Background
from gmstudio.window.state.pixels.guessed_film import GuessedFilm
from gmstudio.window.state.pixels.picture_settings import film_settings
from gmstudio.window.state.pixels.state import PixelsState

Content = Literal["gif", "mp4", "strip"]
SUFFIXES: dict[Content, str] = {"gif": "gif", "mp4": "mp4", "strip": "png"}
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
    content: Content
    film: GuessedFilm
    tints: bool
    origin: Provenance
    fps: float


class FilmExport(QObject):
    """Writes one file at a time, in a thread.

    Args:
        session: state of the panel, whose film it writes.

    Attributes:
        message: path of the file that was written last, or the reason why there is none, in a sentence; "" before.
        failed: the message is a reason.

    Signals:
        changed: the message, or ``busy``, changed.
    """

    changed = Signal()

    def __init__(self, session: PixelsState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.message, self.failed = "", False
        self._background = Background(self)
        self._background.done.connect(lambda path: self._report(f"Written: {path}"))
        self._background.failed.connect(lambda problem: self._report(problem, failed=True))

    @property
    def busy(self) -> bool:
        """A file is being written."""
        return self._background.busy

    def problem(self, content: Content) -> str:
        """Reason why nothing of this kind can be written now; "": it can."""
        film = self._session.guessing.film
        if film is None or not film.done:
            return "There are no finished rounds yet."
        return NO_FFMPEG if content == "mp4" and not ffmpeg_path() else ""

    def start(self, content: Content, path: str) -> None:
        """Write a file; the end of its name is completed, and one under way is given up."""
        guessing, target, suffix = self._session.guessing, Path(path), f".{SUFFIXES[content]}"
        if target.suffix.lower() != suffix:
            target = target.with_name(target.name + suffix)
        if problem := self.problem(content):
            self._report(problem, failed=True)
            return
        assert guessing.film is not None, "there are finished rounds"
        origin = self._origin(guessing.film)
        plan = FilmPlan(target, content, guessing.film, guessing.tints, origin, guessing.speed_hz)
        self._background.start(partial(write, plan))
        self._report(f"Writing {target.name} …")

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

    def _report(self, message: str, *, failed: bool = False) -> None:
        self.message, self.failed = message, failed
        self.changed.emit()


def write(plan: FilmPlan, stopped: Callable[[], bool]) -> str:
    """Write the file of a plan and return its path."""
    with put_in_place(plan.path, overwrite=True) as partial_path:
        if plan.content == "strip":
            _write_strip(plan, partial_path, stopped)
        else:
            frames = np.stack([_frame(plan, frame) for frame in range(len(plan.film))])
            held = np.concatenate([frames, np.repeat(frames[-1:], round(HOLD_S * plan.fps), axis=0)])
            scale = fitting_scale(plan.content, *_sizes(held), SIDE)
            film = write_gif if plan.content == "gif" else write_mp4
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
