"""Film of a training: the tiles at recorded steps, one after another, as a GIF."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.media import Provenance
from gmstudio.media.writing import Stopped, check_size, put_in_place, write_gif
from gmstudio.window.client.background_task import Background
from gmstudio.window.gui.panels.plane.pictures import pictures_size, pixels_of, tiles_image
from gmstudio.window.gui.panels.plane.stage import Stage
from gmstudio.window.state.plane.state import PlaneState

MAX_FRAMES = 100
MAX_WIDTH = 1000
"""Width of a film in pixels, above which it is made smaller."""
LONGEST_S = 20.0
"""Time after which a surface that does not arrive ends the film."""


def film_places(stops: NDArray[np.float64]) -> NDArray[np.float64]:
    """Up to ``MAX_FRAMES`` of the recorded places, evenly chosen, the first and the last among them."""
    if len(stops) <= MAX_FRAMES:
        return stops
    chosen: NDArray[np.float64] = stops[np.unique(np.linspace(0, len(stops) - 1, MAX_FRAMES).round().astype(int))]
    return chosen


class TrainingFilm(QObject):
    """Moves the slider through the recorded places, and takes a picture of the tiles at each.

    Args:
        state: state of the panel.
        stage: the tiles.

    Attributes:
        message: progress, the path of the film, or the reason why there is none.
        failed: the message is a reason.

    Signals:
        changed: ``message`` or ``busy`` changed.
    """

    changed = Signal()

    def __init__(self, state: PlaneState, stage: Stage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.message, self.failed = "", False
        self._state, self._stage = state, stage
        self._places: list[float] = []
        self._taken: list[NDArray[np.uint8]] = []
        self._before: float | None = None
        self._path, self._origin = Path(), Provenance(family="", run="")
        self._background = Background(self)
        self._background.done.connect(lambda path: self._report(f"Written: {path}"))
        self._background.failed.connect(lambda problem: self._report(problem, failed=True))
        self._check = QTimer(self, singleShot=True, interval=0)
        self._check.timeout.connect(self._take_when_ready)
        self._late = QTimer(self, singleShot=True, interval=round(1000 * LONGEST_S))
        self._late.timeout.connect(lambda: self._end("The film was given up: a recorded surface did not arrive."))
        stage.refreshed.connect(self._on_refreshed)

    @property
    def recording(self) -> bool:
        """Pictures are being taken."""
        return bool(self._places)

    @property
    def busy(self) -> bool:
        """Pictures are being taken, or the file is being written."""
        return self.recording or self._background.busy

    def start(self, path: str, origin: Provenance) -> None:
        """Take the pictures, and write the file; a film under way is given up."""
        self._end("")
        self._path, self._origin = Path(path), origin
        place = self._state.place
        place.pause()
        self._before, self._places, self._taken = place.place, film_places(place.stops).tolist(), []
        self._go_on()

    def stop(self) -> None:
        """Give the film up."""
        self._background.stop()
        self._end("The film was stopped.")

    def _go_on(self) -> None:
        """Show the next place."""
        count, total = len(self._taken), len(self._places)
        self._report(f"Recording frame {count + 1} of {total} …")
        self._late.start()
        self._state.place.go(self._places[count], recorded=True)
        self._check.start()

    def _on_refreshed(self) -> None:
        if self.recording and not self._check.isActive():
            self._check.start()

    def _take_when_ready(self) -> None:
        if not self.recording:
            return
        problem = next((tile.problem for tile in self._state.tiles if tile.feed.problem), "")
        if problem:
            self._end(problem)
            return
        if not all(tile.feed.current and not tile.feed.busy for tile in self._state.tiles):
            return
        self._stage.refresh()
        by_time = self._state.place.axis == "time"
        at = self._places[len(self._taken)]
        caption = f"training time {at:.2f} s" if by_time else f"training step {at:,.0f}"
        frames = self._stage.frames
        scale = min(1.0, MAX_WIDTH / pictures_size(frames).width())
        pixels = pixels_of(tiles_image(frames, scale, caption))
        if self._taken and pixels.shape != self._taken[0].shape:
            self._end("The film was given up: the planes changed their size meanwhile. Start it again.")
            return
        self._taken.append(pixels)
        if len(self._taken) < len(self._places):
            self._go_on()
        else:
            self._write()

    def _write(self) -> None:
        frames, path, origin, fps = self._taken, self._path, self._origin, self._state.place.speed_hz
        self._end("")
        self._report(f"Writing {path.name} …")
        self._background.start(partial(_write_film, path, frames, origin, fps))

    def _end(self, reason: str) -> None:
        if self.recording:
            self._late.stop()
            self._places, self._taken = [], []
            self._state.place.go(self._before)
        if reason:
            self._report(reason, failed=True)

    def _report(self, message: str, *, failed: bool = False) -> None:
        self.message, self.failed = message, failed
        self.changed.emit()


def _write_film(path: Path, frames: list[NDArray[np.uint8]], origin: Provenance, fps: float, stopped: Stopped) -> str:
    images = np.stack(frames)
    check_size("gif", len(images), 1, images.shape[2], images.shape[3], 1)
    with put_in_place(path, overwrite=True) as partial_path:
        write_gif(partial_path, images, origin, fps, 1, stopped)
    return str(path)
