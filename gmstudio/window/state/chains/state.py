"""What the window knows of generation that is not pixel by pixel: a trajectory, and where one looks at it."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import TrajectoryCard
from gmstudio.protocol.metrics import Metric
from gmstudio.protocol.runs import SamplesDrawn
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.chains.mixing import NOTHING, Mixing, mixing
from gmstudio.window.state.runs.library import RunLibrary

Kind = Literal["generation", "training"]
Start = Literal["noise", "data", "image"]
MAX_COUNT = 64
MAX_STEPS = 10_000
MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 240.0
TICK_MS = 16


class ChainsState(QObject):
    """The state behind the Chains panel; widgets call its methods and follow its signals.

    Attributes:
        run: path of the chosen run, or "".
        kind: the family's own generation, or the training's sample grids.
        count: generations side by side.
        steps: transitions wanted.
        seed: of all noise.
        start: where generations begin.
        index: of the first image, for ``data``.
        drawn: (C, H, W) uint8 levels, for ``image``; None while nothing was drawn.
        labels: M labels, one for each moment that has come.
        metrics: metric → (M, N) values.
        metric: the one whose curve is shown; None where there is none.
        position: moment that is shown, 0 … M-1.
        running: more moments are on their way.
        expected: moments that there will be: about, until all have come; 0 when unknown.
        weights_step: training step of the weights; -1 before anything came.
        playing: the cursor moves by itself.
        speed_hz: moments per second while playing.
        problem: what went wrong last, a sentence, or "".

    Signals:
        changed: settings, run, whether it runs, or a problem.
        run_changed: another run was chosen.
        grown: moments came, or all went.
        moved: the cursor, or whether it moves by itself.
    """

    changed = Signal()
    run_changed = Signal()
    grown = Signal()
    moved = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.kind: Kind = "generation"
        self.count, self.steps, self.seed = 9, 200, 0
        self.start: Start = "noise"
        self.index = 0
        self.drawn: NDArray[np.uint8] | None = None
        self.labels: list[str] = []
        self.metrics: dict[Metric, NDArray[np.float32]] = {}
        self.metric: Metric | None = None
        self.position = 0
        self.running = False
        self.expected = 0
        self.weights_step = -1
        self.playing = False
        self.speed_hz = 20.0
        self.problem = ""
        self._events, self._library = events, library
        self._images: NDArray[np.uint8] = np.zeros((0, 0, 1, 1, 1), np.uint8)
        self._request = 0
        self._active = False
        self._due = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        events.on(TrajectoryAppended).connect(self._on_appended)
        events.on(SamplesDrawn).connect(self._on_samples_drawn)
        events.on(CommandFailed).connect(self._on_failed)
        library.engine_lost.connect(self._on_engine_lost)
        library.changed.connect(self._begin_if_needed)

    # ---- what is known -----------------------------------------------------------------------------------------

    @property
    def length(self) -> int:
        """M, moments that have come."""
        return len(self.labels)

    @property
    def images(self) -> NDArray[np.uint8]:
        """(M, N, C, H, W) uint8, 0 … 255."""
        return self._images[: self.length]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What can be looked at of the chosen run."""
        info = self._library.info(self.run)
        if info is None:
            return ()
        return ("generation", "training") if "trajectory" in info.capabilities else ("training",)

    @property
    def card(self) -> TrajectoryCard | None:
        """How to speak of the family's own generation; None of a training, and where it is not known."""
        info = self._library.info(self.run)
        families = self._library.catalog.families if self._library.catalog else ()
        entry = next((f for f in families if info is not None and f.card.name == info.spec.family), None)
        return entry.card.trajectory if entry is not None and self.kind == "generation" else None

    def shown(self) -> NDArray[np.uint8]:
        """(N, C, H, W): the moment at the cursor; empty when there is none."""
        return self.images[self.position] if self.length else self.images.reshape(0, 1, 1, 1)

    def strip(self, columns: int) -> tuple[NDArray[np.uint8], list[int]]:
        """Moments evenly over the trajectory: (N, K, C, H, W) images and the K moments they are."""
        count = min(columns, self.length)
        chosen = [round(i * (self.length - 1) / max(count - 1, 1)) for i in range(count)]
        return np.swapaxes(self.images[chosen], 0, 1), chosen

    def curve(self) -> NDArray[np.float32]:
        """(M, N) of the chosen measure; empty when there is none."""
        found = self.metrics.get(self.metric) if self.metric is not None else None
        return np.zeros((0, 0), np.float32) if found is None else found

    def mixing(self) -> tuple[Mixing, Mixing]:
        """How the chains mix by the chosen measure, and by their pixels; nothing of what is no Markov chain."""
        if self.card is None or not self.card.mixes or not self.length:
            return NOTHING, NOTHING
        curve = self.curve()
        by_measure = mixing(curve) if curve.size else NOTHING
        return by_measure, mixing(self.images.reshape(*self.images.shape[:2], -1))

    # ---- what to look at ---------------------------------------------------------------------------------------

    def choose_run(self, run: str) -> None:
        """Look at another run."""
        if run == self.run:
            return
        self._halt()
        self.run, self.drawn, self.problem = run, None, ""
        if self.kinds and self.kind not in self.kinds:
            self.kind = self.kinds[0]
        elif "generation" in self.kinds:
            self.kind = "generation"
        self._clear()
        self._begin_if_needed()
        self.run_changed.emit()
        self.changed.emit()

    def set_kind(self, kind: Kind) -> None:
        """Look at the family's own generation, or at its training, and begin."""
        if kind != self.kind and kind in self.kinds:
            self.kind = kind
            self.begin()

    def set_start(self, start: Start, index: int | None = None) -> None:
        """Choose where generations begin; the next ``begin`` uses it."""
        self.start = start
        if index is not None:
            self.index = max(0, index)
        self.changed.emit()

    def set_drawn(self, levels: NDArray[np.uint8]) -> None:
        """Begin at this image, (C, H, W) levels; the next ``begin`` uses it."""
        self.drawn, self.start = levels, "image"
        self.changed.emit()

    def set_size(self, count: int, steps: int) -> None:
        """Choose how many generations and transitions; the next ``begin`` uses them."""
        self.count, self.steps = min(max(count, 1), MAX_COUNT), min(max(steps, 1), MAX_STEPS)
        self.changed.emit()

    def set_seed(self, seed: int) -> None:
        """Choose the noise; the next ``begin`` uses it."""
        self.seed = min(max(seed, 0), MAX_SEED)
        self.changed.emit()

    def set_metric(self, metric: Metric) -> None:
        """Show the curve of another metric."""
        if metric != self.metric:
            self.metric = metric
            self.grown.emit()

    def begin(self) -> None:
        """Generate anew with the run's current weights; the cursor follows what comes when it plays."""
        if not self.run:
            return
        if self.start == "image" and self.drawn is None and self.kind == "generation":
            self.problem = "Draw the image to begin with first."
            self.changed.emit()
            return
        self._clear()
        self._request = self._events.send(self._command())
        self.running, self.problem = True, ""
        self.changed.emit()

    def stop(self) -> None:
        """End the generation that is under way; what came stays."""
        self._halt()
        self.changed.emit()

    def activate(self) -> None:
        """The panel is in use: begin, if nothing was begun."""
        self._active = True
        self._begin_if_needed()

    def deactivate(self) -> None:
        """The panel is out of map_view: stop playing."""
        self._active = False
        self.pause()

    # ---- moving along it -----------------------------------------------------------------------------------------

    def seek(self, position: int) -> None:
        """Go to a moment."""
        position = min(max(position, 0), max(self.length - 1, 0))
        if position != self.position:
            self.position = position
            self.moved.emit()

    def step(self, by: int) -> None:
        """Go forth or back by so many moments, and stand."""
        self.pause()
        self.seek(self.position + by)

    def play(self) -> None:
        """Move along by itself; from the end, begin at the start again."""
        if not self.length and not self.running:
            return
        if self.position >= self.length - 1 and not self.running:
            self.position = 0
        self.playing, self._due = True, 0.0
        self._timer.start()
        self.moved.emit()

    def pause(self) -> None:
        """Stand still."""
        if self.playing:
            self.playing = False
            self._timer.stop()
            self.moved.emit()

    def set_speed(self, speed_hz: float) -> None:
        """Choose how fast it plays."""
        self.speed_hz = min(max(speed_hz, MIN_SPEED_HZ), MAX_SPEED_HZ)
        self.moved.emit()

    # ---- within ------------------------------------------------------------------------------------------------

    def _command(self) -> RunTrajectory:
        drawn = self.drawn if self.start == "image" else None
        return RunTrajectory(
            run=self.run,
            kind=self.kind,
            count=self.count,
            steps=self.steps,
            seed=self.seed,
            start=self.start,
            index=self.index,
            image=None if drawn is None else Array.of(drawn),
        )

    def _tick(self) -> None:
        self._due += self.speed_hz * TICK_MS / 1000
        whole = math.floor(self._due)
        self._due -= whole
        if whole and self.position < self.length - 1:
            self.seek(self.position + whole)
        elif self.position >= self.length - 1 and not self.running:
            self.pause()

    def _begin_if_needed(self) -> None:
        if self.kinds and self.kind not in self.kinds:
            self.kind = self.kinds[0]
        if self._active and self.kinds and not self.length and not self.running and not self.problem:
            self.begin()
            self.play()

    def _halt(self) -> None:
        """Have the engine end what is under way, and wait for nothing."""
        if self.running and self.run and self.kind == "generation":
            self._events.send(RunTrajectory(run=self.run, count=0))
        self._end()

    def _end(self) -> None:
        """Nothing more comes."""
        self.running, self._request, self.expected = False, 0, self.length

    def _clear(self) -> None:
        self.labels, self.metrics = [], {}
        self.position, self.expected, self.weights_step = 0, 0, -1
        self.grown.emit()
        self.moved.emit()

    def _on_appended(self, event: TrajectoryAppended) -> None:
        if not self._request or event.request != self._request:
            return
        if event.labels:
            at_end = 0 < self.length == self.position + 1
            if event.start == 0:
                self.labels, self.metrics = [], {}
            self._take(event)
            if self.kind == "training":  # of which all moments come at once, anew when there are more of them
                self.position = self.length - 1 if at_end else min(self.position, self.length - 1)
        self.expected, self.weights_step = event.steps, event.weights_step
        if event.done:
            self._end()
            self.changed.emit()
        self.grown.emit()

    def _take(self, event: TrajectoryAppended) -> None:
        """Put new moments behind those that are there."""
        images, start = event.images.numpy(), self.length
        self.labels += event.labels
        if start == 0 or self.length > len(self._images):
            kept, room = self._images[:start], max(self.length, event.steps)
            self._images = np.empty((room if start == 0 else 2 * room, *images.shape[1:]), np.uint8)
            if start:
                self._images[:start] = kept
        self._images[start : self.length] = images
        for found in event.metrics:
            known = self.metrics.get(found.metric)
            new = found.values.numpy()
            self.metrics[found.metric] = new if known is None else np.concatenate([known, new])
        if self.metric not in self.metrics:
            self.metric = next(iter(self.metrics), None)

    def _on_samples_drawn(self, event: SamplesDrawn) -> None:
        """The training that is looked at has one more grid."""
        new = event.run == self.run and self.kind == "training" and not event.request
        if new and self._active and not self._request:
            self._request = self._events.send(self._command())

    def _on_failed(self, event: CommandFailed) -> None:
        if self._request and event.request == self._request:
            self._end()
            self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
            self.changed.emit()

    def _on_engine_lost(self) -> None:
        self._end()
        self.pause()
        self.changed.emit()
