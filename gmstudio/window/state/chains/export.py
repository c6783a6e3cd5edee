"""Export of a trajectory: a film of its frames, one frame, or a strip, as files with their provenance.

Shapes: M frames, N chains, C channels, H height, W width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from gmstudio.media import Provenance
from gmstudio.media.sheets import sheet, write_strip
from gmstudio.media.writing import (
    MAX_FPS,
    Format,
    StoppedError,
    fitting_scale,
    put_in_place,
    write_gif,
    write_mp4,
    write_png,
)
from gmstudio.window.state.chains.frames import Frames
from gmstudio.window.state.chains.picture_settings import settings_of
from gmstudio.window.state.chains.state import ChainsState
from gmstudio.window.state.film_files import FilmFiles, Writing

SUFFIXES = {"gif": "gif", "mp4": "mp4", "frame": "png", "strip": "png"}
STRIP_COLUMNS = 12
SIDE = 512
"""Pixels of the longer side of an exported picture, about; of a strip, of each of its images an eighth."""


@dataclass(frozen=True, eq=False)
class TrajectoryPlan:
    """An export.

    Args:
        path: of the file, replaced if it is there.
        content: of the file.
        frames: the trajectory; only its first ``length`` frames are read.
        length: number of frames.
        position: number of the frame that is shown.
        kept: trajectory at the left of it in a film or a frame, and for each frame the number of its own; None: none.
        axis: name of the trajectory's axis.
        origin: provenance that the file embeds.
        fps: frames per second of a film.
    """

    path: Path
    content: str
    frames: Frames
    length: int
    position: int
    kept: tuple[Frames, Sequence[int]] | None
    axis: str
    origin: Provenance
    fps: float


class TrajectoryExport(FilmFiles):
    """Writes a trajectory.

    Args:
        state: state of the chains.
    """

    suffixes = SUFFIXES

    def __init__(self, state: ChainsState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state

    def missing(self) -> str:
        """See ``FilmFiles``."""
        return "" if self._state.length else "There are no frames yet."

    def writing(self, content: str, target: Path) -> Writing:
        """See ``FilmFiles``."""
        state = self._state
        kept = None
        if state.kept is not None:
            belonging = [state.kept.frames.counterpart(state.frames, index) for index in range(state.length)]
            kept = (state.kept.frames, belonging)
        plan = TrajectoryPlan(
            path=target,
            content=content,
            frames=state.frames,
            length=state.length,
            position=state.position,
            kept=kept,
            axis=state.axis,
            origin=self._origin(content),
            fps=min(state.speed_hz, MAX_FPS),
        )
        return partial(write, plan)

    def _origin(self, content: str) -> Provenance:
        state, info = self._state, self._state.info
        details = {"Trajectory": state.description, "Axis": state.axis}
        if content == "frame":
            details["Frame"] = state.frames.labels[state.position]
        if state.kept is not None and content != "strip":
            details["Left"] = f"{state.kept.title}: {state.kept.description}"
        return Provenance(
            family=info.spec.family if info is not None else "",
            run=info.title if info is not None else "",
            folder=state.run,
            created=info.created if info is not None else "",
            step=state.frames.weights_step,
            seed=state.seed_of_frames if state.kind == "generation" else None,
            shows="trajectory",
            panel="chains",
            details=details | settings_of(state)[1],
        )


def write(plan: TrajectoryPlan, stopped: Callable[[], bool]) -> str:
    """Write the file of a plan and return its path."""
    with put_in_place(plan.path, overwrite=True) as partial_path:
        if plan.content == "strip":
            _write_strip(plan, partial_path, stopped)
        elif plan.content == "frame":
            picture = _sheets(plan, [plan.position])
            scale = _scale("png", picture)
            write_png(partial_path, picture, plan.origin, 1, scale, stopped)
        else:
            films = _sheets(plan, range(plan.length))
            form: Format = "gif" if plan.content == "gif" else "mp4"
            scale = _scale(form, films)
            film = write_gif if form == "gif" else write_mp4
            film(partial_path, films, plan.origin, plan.fps, scale, stopped)
        if stopped():
            raise StoppedError
    return str(plan.path)


def _write_strip(plan: TrajectoryPlan, path: Path, stopped: Callable[[], bool]) -> None:
    images, chosen = plan.frames.strip(STRIP_COLUMNS)
    labels = [f"{plan.frames.positions[index]:,}" for index in chosen]
    scale = max(1, SIDE // 8 // max(images.shape[3:]))
    write_strip(path, images, labels, plan.axis, plan.origin, scale, stopped)


def _sheets(plan: TrajectoryPlan, chosen: Sequence[int]) -> NDArray[np.uint8]:
    """(M, C, H, W) grids of the chains' images at some frames, those of the kept trajectory at the left."""
    images = plan.frames.images[: plan.length]
    right = np.stack([sheet(images[index]) for index in chosen])
    if plan.kept is None:
        return right
    kept, belonging = plan.kept
    left = np.stack([sheet(kept.images[belonging[index]]) for index in chosen])
    return beside(left, right)


def _scale(form: Format, pictures: NDArray[np.uint8]) -> int:
    count, _, height, width = pictures.shape
    return fitting_scale(form, count, height, width, SIDE)


def beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Put pictures beside each other with a gap: (M, C, H, W) each, of any two heights and numbers of channels."""
    channels, height = max(left.shape[1], right.shape[1]), max(left.shape[2], right.shape[2])

    def fitted(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if pictures.shape[1] < channels:
            pictures = np.repeat(pictures, channels, axis=1)
        return np.pad(pictures, ((0, 0), (0, 0), (0, height - pictures.shape[2]), (0, 0)))

    gap = np.full((len(right), channels, height, 4), 128, np.uint8)
    return np.concatenate([fitted(left), gap, fitted(right)], axis=3)
