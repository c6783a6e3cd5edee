"""Live samples: drawn again and again while they are seen, within a share of the engine's time."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.atlas import DrawLiveSamples, LiveKind, LiveSamplesDrawn
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary

COUNT = 9
IDLE_SHARE, BUSY_SHARE = 0.5, 0.12
"""Shares of the engine's time, while nothing trains and while something does."""
GAP_S = 1.2
"""Duration for which a set of samples is shown."""
LONGEST_S = 30.0
MAX_SEED = 2**31 - 1

Images = NDArray[np.uint8]


class LiveSamples(QObject):
    """Samples of one run, a new set every moment.

    Attributes:
        run: name of the run; empty: none.
        images: (N, C, H, W) uint8, 0 … 255, perhaps growing; None: there are none yet.
        kind: what the images are.
        ms_per_image: time of an image in the last complete set; None: there was none yet.
        paused: no further set is begun.
        problem: reason why the last set failed, or "".

    Signals:
        changed: an attribute changed.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.images: Images | None = None
        self.kind: LiveKind = "samples"
        self.ms_per_image: float | None = None
        self.paused = False
        self.problem = ""
        self._library = library
        self._seed = 0
        self._active = False
        self._shares = {
            training: Budget(share, gap_s=GAP_S, longest_s=LONGEST_S)
            for training, share in ((False, IDLE_SHARE), (True, BUSY_SHARE))
        }
        self._request = Request(events, self)
        self._request.replied.connect(self._on_drawn)
        self._request.failed.connect(self._on_failed)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._draw)

    @property
    def busy(self) -> bool:
        """A set is being drawn."""
        return self._request.busy

    def show(self, run: str) -> None:
        """Draw samples of a run from now on; of none: ""."""
        if run == self.run:
            return
        self._halt()
        self.run, self.images, self.ms_per_image, self.problem = run, None, None, ""
        self._draw()
        self.changed.emit()

    def pause(self, paused: bool) -> None:
        """Begin no further set, or go on."""
        self.paused = paused
        if not paused:
            self._draw()
        self.changed.emit()

    def set_active(self, active: bool) -> None:
        """Draw only while the samples are on the screen."""
        self._active = active
        if active:
            self._draw()
        else:
            self._halt()

    def retry(self) -> None:
        """Draw again after a failure, for example by a new engine."""
        self.problem = ""
        self._draw()

    def _halt(self) -> None:
        self._timer.stop()
        self._request.cancel()

    def _draw(self) -> None:
        """Begin a set, unless one is under way or none is wanted."""
        wanted = self._active and self.run and not self.paused and not self.problem
        if wanted and not self._request.busy and self._library.catalog is not None:
            self._timer.stop()
            self._request.send(DrawLiveSamples(run=self.run, count=COUNT, seed=self._seed))

    def _on_drawn(self, event: LiveSamplesDrawn) -> None:
        self.images, self.kind = event.images.numpy(), event.kind
        if event.done:
            self._seed = (self._seed + 1) % MAX_SEED
            self.ms_per_image = event.engine_ms / len(self.images)
            wait_s = self._shares[self._library.live_status == "running"].end(event.engine_ms / 1000)
            self._timer.start(round(1000 * wait_s))
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problem = failure.message
        self.changed.emit()


class Thumbnails(QObject):
    """One sample of each of several runs, drawn in turn and then renewed now and then.

    Signals:
        drawn: key whose image changed.
    """

    drawn = Signal(str)

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.images: dict[str, Images] = {}
        """Key → (C, H, W) uint8, 0 … 255."""
        self._library = library
        self._runs: dict[str, str] = {}
        self._turn: list[str] = []
        self._failed: set[str] = set()
        self._round = 0
        self._drawing = ""
        self._active = False
        self._first = Budget(IDLE_SHARE, gap_s=0.02, longest_s=LONGEST_S)
        self._renewed = Budget(BUSY_SHARE, gap_s=1.0, longest_s=LONGEST_S)
        self._request = Request(events, self)
        self._request.replied.connect(self._on_drawn)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self._wait_to_draw)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._draw)

    def show(self, runs: dict[str, str]) -> None:
        """Draw for these keys, each the name of a run; images of runs that are still shown stay."""
        if runs == self._runs:
            return
        for key in [key for key in self.images if runs.get(key) != self._runs.get(key)]:
            del self.images[key]
            self.drawn.emit(key)
        self._runs = dict(runs)
        self._failed.clear()
        self._turn = [key for key in runs if key not in self.images]
        self._wait_to_draw()

    def set_active(self, active: bool) -> None:
        """Draw only while the images are on the screen."""
        self._active = active
        if active:
            self._wait_to_draw()
        else:
            self._timer.stop()
            self._request.cancel()

    def retry(self) -> None:
        """Draw again what failed, for example by a new engine."""
        self._failed.clear()
        self._wait_to_draw()

    def _wait_to_draw(self) -> None:
        budget = self._first if any(key not in self.images for key in self._turn) else self._renewed
        self._timer.start(round(1000 * budget.wait_s))

    def _draw(self) -> None:
        if not self._active or self._request.busy or self._library.catalog is None:
            return
        if not self._turn:
            self._turn, self._round = [key for key in self._runs if key not in self._failed], self._round + 1
        if self._turn:
            self._drawing = self._turn.pop(0)
            self._request.send(DrawLiveSamples(run=self._runs[self._drawing], count=1, seed=1000 + self._round))

    def _on_drawn(self, event: LiveSamplesDrawn) -> None:
        self.images[self._drawing] = event.images.numpy()[0]
        if event.done:
            for budget in (self._first, self._renewed):
                budget.end(event.engine_ms / 1000)
            self._wait_to_draw()
        self.drawn.emit(self._drawing)

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self._failed.add(self._drawing)
            self._wait_to_draw()
