"""State of the Chains panel: a trajectory of whole images, and the frame of it that is shown."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import TrajectoryCard
from gmstudio.protocol.metrics import Metric
from gmstudio.protocol.runs import SamplesDrawn
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.chains.mixing import NOTHING, Mixing, mixing
from gmstudio.window.state.play_clock import PlayClock
from gmstudio.window.state.runs.library import RunLibrary

Kind = Literal["generation", "training"]
Start = Literal["noise", "data", "image"]
MAX_COUNT = 64
MAX_STEPS = 10_000
MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 240.0
TRAINING_AXIS = "training step"


class ChainsState(QObject):
    """State of the Chains panel.

    Attributes:
        run: path of the selected run, or "".
        kind: ``generation``: the family's own chain; ``training``: the sample grids saved in training.
        count: chains side by side.
        steps: transitions requested.
        seed: seed of all noise.
        start: initial state of the chains.
        index: number of the first image, for ``data``.
        drawn: (C, H, W) uint8 levels, for ``image``; None while nothing was drawn.
        labels: M labels, one for each frame that arrived.
        positions: M positions on the trajectory's axis.
        metrics: metric → (M, N) values.
        metric: metric whose curve is shown; None where there is none.
        position: number of the frame that is shown, 0 … M-1.
        weights_step: training step of the weights; -1 before a frame arrived.
        speed_hz: frames per second while playing.
        problem: reason why the last request failed, or "".

    Signals:
        changed: settings, run, ``running`` or a problem changed.
        run_changed: another run was selected.
        grown: frames arrived, or all were removed.
        moved: another frame is shown, or ``playing`` changed.
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
        self.positions: list[int] = []
        self.metrics: dict[Metric, NDArray[np.float32]] = {}
        self.metric: Metric | None = None
        self.position = 0
        self.weights_step = -1
        self.speed_hz = 20.0
        self.problem = ""
        self._library = library
        self._images: NDArray[np.uint8] = np.zeros((0, 0, 1, 1, 1), np.uint8)
        self._announced = 0
        self._active = False
        self._clock = PlayClock(self)
        self._clock.ticked.connect(self._on_tick)
        self._running = self._request(events)
        self._extending = self._request(events)
        events.on(SamplesDrawn).connect(self._on_samples_drawn)
        library.engine_lost.connect(self._on_engine_lost)
        library.changed.connect(self._begin_if_needed)

    def _request(self, events: EngineLink) -> Request:
        request = Request(events, self)
        request.replied.connect(self._on_appended)
        request.failed.connect(self._on_failed)
        request.dropped.connect(self.changed)
        return request

    # ---- trajectory ----------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Further frames are being computed."""
        return self._running.busy

    @property
    def playing(self) -> bool:
        """The frames are shown one after another."""
        return self._clock.running

    @property
    def length(self) -> int:
        """M, number of frames that arrived."""
        return len(self.labels)

    @property
    def expected(self) -> int:
        """Number of frames that there will be: approximate until all have arrived; 0 when unknown."""
        return self._announced if self.running else self.length

    @property
    def images(self) -> NDArray[np.uint8]:
        """(M, N, C, H, W) uint8, 0 … 255."""
        return self._images[: self.length]

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of trajectory that the selected run has."""
        info = self._library.info(self.run)
        if info is None:
            return ()
        return ("generation", "training") if "trajectory" in info.capabilities else ("training",)

    @property
    def card(self) -> TrajectoryCard | None:
        """Description of the family's own generation; None for a training, and where the family is unknown."""
        info = self._library.info(self.run)
        families = self._library.catalog.families if self._library.catalog else ()
        entry = next((f for f in families if info is not None and f.card.name == info.spec.family), None)
        return entry.card.trajectory if entry is not None and self.kind == "generation" else None

    @property
    def axis(self) -> str:
        """Name of the trajectory's axis, on which ``positions`` lie."""
        return self.card.axis if self.card is not None else TRAINING_AXIS

    def shown(self) -> NDArray[np.uint8]:
        """Return the frame at ``position``, (N, C, H, W); empty when there is none."""
        return self.images[self.position] if self.length else self.images.reshape(0, 1, 1, 1)

    def strip(self, columns: int) -> tuple[NDArray[np.uint8], list[int]]:
        """Return frames evenly spaced over the trajectory: (N, K, C, H, W) images, and the K frame numbers."""
        count = min(columns, self.length)
        chosen = [round(i * (self.length - 1) / max(count - 1, 1)) for i in range(count)]
        return np.swapaxes(self.images[chosen], 0, 1), chosen

    def curve(self) -> NDArray[np.float32]:
        """Return the (M, N) values of the chosen metric; empty when there is none."""
        found = self.metrics.get(self.metric) if self.metric is not None else None
        return np.zeros((0, 0), np.float32) if found is None else found

    def mixing(self) -> tuple[Mixing, Mixing]:
        """Compute how the chains mix, by the chosen metric and by their pixels; empty for what is no Markov chain."""
        if self.card is None or not self.card.mixes or not self.length:
            return NOTHING, NOTHING
        curve = self.curve()
        by_metric = mixing(curve) if curve.size else NOTHING
        return by_metric, mixing(self.images.reshape(*self.images.shape[:2], -1))

    # ---- settings ------------------------------------------------------------------------------------------------

    def choose_run(self, run: str) -> None:
        """Select another run."""
        if run == self.run:
            return
        self._cancel()
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
        """Choose between the family's own generation and the training, and begin."""
        if kind != self.kind and kind in self.kinds:
            self.kind = kind
            self.begin()

    def set_start(self, start: Start, index: int | None = None) -> None:
        """Choose the initial state for the next ``begin``."""
        self.start = start
        if index is not None:
            self.index = max(0, index)
        self.changed.emit()

    def set_drawn(self, levels: NDArray[np.uint8]) -> None:
        """Initialize the chains of the next ``begin`` from an image, (C, H, W) levels."""
        self.drawn, self.start = levels, "image"
        self.changed.emit()

    def set_size(self, count: int, steps: int) -> None:
        """Set the number of chains and of transitions for the next ``begin``."""
        self.count, self.steps = min(max(count, 1), MAX_COUNT), min(max(steps, 1), MAX_STEPS)
        self.changed.emit()

    def set_seed(self, seed: int) -> None:
        """Set the seed for the next ``begin``."""
        self.seed = min(max(seed, 0), MAX_SEED)
        self.changed.emit()

    def set_metric(self, metric: Metric) -> None:
        """Show the curve of another metric."""
        if metric != self.metric:
            self.metric = metric
            self.grown.emit()

    def begin(self) -> None:
        """Start a new trajectory with the run's current weights; while playing, its frames are shown as they arrive."""
        if not self.run:
            return
        if self.start == "image" and self.drawn is None and self.kind == "generation":
            self.problem = "Draw the initial image first."
            self.changed.emit()
            return
        self._clear()
        self._extending.drop()
        self._running.send(self._command())
        self.problem = ""
        self.changed.emit()

    def stop(self) -> None:
        """End the computation; frames that arrived stay."""
        self._cancel()
        self.changed.emit()

    def set_active(self, active: bool) -> None:
        """Set whether the panel is on the screen: begin if there is no trajectory yet, or stop playing."""
        self._active = active
        if active:
            self._begin_if_needed()
        else:
            self.pause()

    # ---- frame that is shown -------------------------------------------------------------------------------------

    def seek(self, position: int) -> None:
        """Show a frame."""
        position = min(max(position, 0), max(self.length - 1, 0))
        if position != self.position:
            self.position = position
            self.moved.emit()

    def step(self, by: int) -> None:
        """Pause, and move forward or back by a number of frames."""
        self.pause()
        self.seek(self.position + by)

    def play(self) -> None:
        """Show the frames one after another; at the end, start again."""
        if not self.length and not self.running:
            return
        if self.position >= self.length - 1 and not self.running:
            self.position = 0
        self._clock.start(due=0.0)
        self.moved.emit()

    def pause(self) -> None:
        """Stop playing."""
        if self.playing:
            self._clock.stop()
            self.moved.emit()

    def set_speed(self, speed_hz: float) -> None:
        """Set the frames per second while playing."""
        self.speed_hz = min(max(speed_hz, MIN_SPEED_HZ), MAX_SPEED_HZ)
        self.moved.emit()

    def _on_tick(self) -> None:
        behind = self.position < self.length - 1
        due = self._clock.take(self.speed_hz, free=behind)
        if behind:
            self.seek(self.position + due)
        elif not self.running:
            self.pause()

    # ---- requests ------------------------------------------------------------------------------------------------

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

    def _begin_if_needed(self) -> None:
        if self.kinds and self.kind not in self.kinds:
            self.kind = self.kinds[0]
        if self._active and self.kinds and not self.length and not self.running and not self.problem:
            self.begin()
            self.play()

    def _cancel(self) -> None:
        self._running.cancel()
        self._extending.cancel()

    def _clear(self) -> None:
        self.labels, self.positions, self.metrics = [], [], {}
        self.position, self._announced, self.weights_step = 0, 0, -1
        self.grown.emit()
        self.moved.emit()

    def _on_appended(self, event: TrajectoryAppended) -> None:
        if event.labels:
            at_end = 0 < self.length == self.position + 1
            if event.start == 0:
                self.labels, self.positions, self.metrics = [], [], {}
            self._append(event)
            if self.kind == "training":  # all frames arrive at once, and again when a grid is added
                self.position = self.length - 1 if at_end else min(self.position, self.length - 1)
        self._announced, self.weights_step = event.steps, event.weights_step
        if event.done:
            self.changed.emit()
        self.grown.emit()

    def _append(self, event: TrajectoryAppended) -> None:
        images, start = event.images.numpy(), self.length
        self.labels += event.labels
        self.positions += event.positions
        if start == 0 or self.length > len(self._images):
            old, room = self._images[:start], max(self.length, event.steps)
            self._images = np.empty((room if start == 0 else 2 * room, *images.shape[1:]), np.uint8)
            if start:
                self._images[:start] = old
        self._images[start : self.length] = images
        for found in event.metrics:
            known = self.metrics.get(found.metric)
            new = found.values.numpy()
            self.metrics[found.metric] = new if known is None else np.concatenate([known, new])
        if self.metric not in self.metrics:
            self.metric = next(iter(self.metrics), None)

    def _on_samples_drawn(self, event: SamplesDrawn) -> None:
        """Extend the trajectory of a training by the grid that was just drawn."""
        new = event.run == self.run and self.kind == "training" and not event.request
        if new and self._active and not self.running and not self._extending.busy:
            self._extending.send(self._command())

    def _on_failed(self, failure: CommandFailed) -> None:
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()

    def _on_engine_lost(self) -> None:
        self._running.drop()
        self._extending.drop()
        self.pause()
        self.changed.emit()
