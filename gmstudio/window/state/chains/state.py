"""State of the Chains panel: a trajectory of whole images, and the frame of it that is shown."""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.array import Array
from gmstudio.protocol.chains import RunTrajectory, TrajectoryAppended
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import FamilyEntry, TrajectoryCard
from gmstudio.protocol.metrics import Metric
from gmstudio.protocol.runs import RunInfo, SamplesDrawn
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.chains.drawing import ChainDrawing
from gmstudio.window.state.chains.frames import Frames
from gmstudio.window.state.chains.mixing import NOTHING, Mixing, mixing
from gmstudio.window.state.chains.played_frames import PlayedFrames
from gmstudio.window.state.chains.settings import FamilySettings, describe, differences
from gmstudio.window.state.runs.library import RunLibrary

Kind = Literal["generation", "training"]
Start = Literal["noise", "data", "image"]
MAX_COUNT = 64
TRAINING_AXIS = "training step"


class Kept(NamedTuple):
    """Trajectory that is kept beside the present one, to compare them.

    Args:
        run: path of its run.
        title: of that run.
        frames: all that had arrived.
        description: its settings in words.
    """

    run: str
    title: str
    frames: Frames
    description: str


class ChainsState(PlayedFrames):
    """State of the Chains panel; what it plays is in ``PlayedFrames``.

    Attributes:
        run: path of the selected run, or "".
        kind: ``generation``: the family's own chain; ``training``: the sample grids saved in training.
        count: chains side by side.
        seed: seed of all noise.
        start: initial state of the chains.
        index: number of the first image, for ``data``.
        metric: metric whose curve is shown; None where there is none.
        kept: trajectory that is kept beside this one; None: none is.
        problem: reason why the last request failed, or "".
        drawing: image that the user draws, and its edits.

    Signals:
        changed: settings, run, ``running`` or a problem changed.
        run_changed: another run was selected.
    """

    changed = Signal()
    run_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.kind: Kind = "generation"
        self.count, self.seed = 9, 0
        self.start: Start = "noise"
        self.index = 0
        self.metric: Metric | None = None
        self.kept: Kept | None = None
        self.problem = ""
        self._library = library
        self._settings = FamilySettings()
        self.drawing = ChainDrawing(self)
        self.drawing.edits.about_run(lambda: self.run, self.choose_run, library.has_run)
        self._applied: RunTrajectory | None = None
        self._announced = 0
        self._active = False
        self._running = self._request(events)
        self._extending = self._request(events)
        events.on(SamplesDrawn).connect(self._on_samples_drawn)
        library.engine_lost.connect(self._on_engine_lost)
        library.changed.connect(self._begin_if_needed)
        library.checkpoint_chosen.connect(self._on_checkpoint_chosen)

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
    def expected(self) -> int:
        """Number of frames that there will be, from the start; 0 when unknown."""
        return max(self._announced, self.length) if self.running else self.length

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of trajectory that the selected run has."""
        info = self._library.info(self.run)
        if info is None:
            return ()
        return ("generation", "training") if "trajectory" in info.capabilities else ("training",)

    @property
    def info(self) -> RunInfo | None:
        """Description of the selected run; None where it is not in the library."""
        return self._library.info(self.run)

    @property
    def entry(self) -> FamilyEntry | None:
        """Catalog entry of the family whose generation is chosen; None for a training, and where it is unknown."""
        info = self.info if self.kind == "generation" else None
        families = self._library.catalog.families if self._library.catalog else ()
        return next((f for f in families if info is not None and f.card.name == info.spec.family), None)

    @property
    def card(self) -> TrajectoryCard | None:
        """Description of the family's own generation; None for a training, and where the family is unknown."""
        return self.entry.card.trajectory if self.entry is not None else None

    @property
    def axis(self) -> str:
        """Name of the trajectory's axis, on which ``positions`` lie."""
        return self.card.axis if self.card is not None else TRAINING_AXIS

    def curve(self) -> NDArray[np.float32]:
        """Return the (M, N) values of the chosen metric; empty when there is none."""
        found = self.frames.metrics.get(self.metric) if self.metric is not None else None
        return np.zeros((0, 0), np.float32) if found is None else found

    def mixing(self) -> tuple[Mixing, Mixing]:
        """Compute how the chains mix, by the chosen metric and by their pixels; empty for what is no Markov chain."""
        if self.card is None or not self.card.mixes or not self.length:
            return NOTHING, NOTHING
        curve = self.curve()
        by_metric = mixing(curve) if curve.size else NOTHING
        return by_metric, mixing(self.frames.images.reshape(*self.frames.images.shape[:2], -1))

    # ---- settings ------------------------------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Transitions requested of the family, or grids of the training."""
        return self._settings.steps(self.entry)

    @property
    def sampler(self) -> dict[str, Any]:
        """All settings of the family's sampler; empty where it has none."""
        return self._settings.all_of(self.entry) if self.entry is not None else {}

    @property
    def drawn(self) -> NDArray[np.uint8] | None:
        """(C, H, W) uint8 levels of the selected run, for ``image``; None where nothing of its size was drawn."""
        return None if self.info is None else self.drawing.levels_of(self.info.image)

    @property
    def pending(self) -> frozenset[str]:
        """Names of the settings that the present trajectory was not computed with."""
        if self._applied is None or self._applied.run != self.run or self._applied.kind != self.kind:
            return frozenset()
        return differences(self._applied, self._command())

    @property
    def applied(self) -> RunTrajectory | None:
        """Command of the present trajectory; None before there is one."""
        return self._applied

    @property
    def seed_of_frames(self) -> int | None:
        """Seed of the present trajectory; None before there is one."""
        return self._applied.seed if self._applied is not None else None

    @property
    def description(self) -> str:
        """Settings of the present trajectory in words; empty before there is one."""
        return describe(self._applied, self.entry) if self._applied is not None else ""

    def choose_run(self, run: str) -> None:
        """Select another run; a drawn image stays where it has the size of the run's images."""
        if run == self.run:
            return
        self._cancel()
        self.run, self.problem = run, ""
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
            self.restart()

    def set_start(self, start: Start, index: int | None = None) -> None:
        """Choose the initial state for the next ``begin``."""
        self.start = start
        if index is not None:
            self.index = max(0, index)
        self.changed.emit()

    def set_drawn(self, levels: NDArray[np.uint8]) -> None:
        """Initialize the chains of the next ``begin`` from an image, (C, H, W) levels of the selected run."""
        if self.info is not None:
            self.drawing.take(levels, self.info.image)
            self.start = "image"
            self.changed.emit()

    def set_size(self, count: int, steps: int) -> None:
        """Set the number of chains, and of the family's transitions, for the next ``begin``."""
        self.count = min(max(count, 1), MAX_COUNT)
        self._settings.set_steps(self.entry, steps)
        self.changed.emit()

    def set_seed(self, seed: int) -> None:
        """Set the seed for the next ``begin``."""
        self.seed = min(max(seed, 0), MAX_SEED)
        self.changed.emit()

    def set_sampler(self, values: dict[str, Any]) -> None:
        """Set the settings of the family's sampler for the next ``begin``."""
        if self.entry is not None:
            self._settings.set_sampler(self.entry, values)
            self.changed.emit()

    def choices(self) -> dict[str, Any]:
        """Settings of the families as JSON values, kept from one start of the window to the next."""
        return self._settings.choices()

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Take the settings of the families that were kept."""
        self._settings.restore(values)

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
        self._applied = self._command()
        self._announced = self._applied.steps + 1
        self._running.send(self._applied)
        self.problem = ""
        self.changed.emit()

    def restart(self) -> None:
        """Start a new trajectory and play it, as after the choice of a run."""
        self.begin()
        if self.running:
            self.play()

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

    # ---- comparing and continuing --------------------------------------------------------------------------------

    def keep(self, on: bool) -> None:
        """Keep the present trajectory beside the next one, or remove the one that is kept."""
        title = self.info.title if self.info is not None else ""
        self.kept = Kept(self.run, title, self.frames, self.description) if on and self.length else None
        self.grown.emit()

    def counterpart(self) -> int:
        """Return the number of the kept trajectory's frame that belongs to the frame that is shown."""
        return self.kept.frames.counterpart(self.frames, self.position) if self.kept is not None else 0

    def image_frame(self) -> int | None:
        """Number of the frame whose states are images from which chains can start; None: it has not arrived.

        The frame that is shown where it holds images, else the first one that does.
        """
        place = self.card.image_position if self.card is not None else None
        if not self.length or place is None or self.frames.positions[self.position] == place:
            return self.position if self.length else None
        return self.frames.positions.index(place) if place in self.frames.positions else None

    def chain_image(self) -> NDArray[np.uint8] | None:
        """(C, H, W) levels of the selected chain's image, or the first chain's; None where there is none yet."""
        frame = self.image_frame()
        if frame is None or self.info is None:
            return None
        shown = self.frames.frame(frame)[max(self.chain, 0)].astype(np.float32)
        levels: NDArray[np.uint8] = (shown * (self.info.image.levels - 1) / 255).round().astype(np.uint8)
        return levels

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
            sampler=self._settings.sampler(self.entry),
        )

    def _begin_if_needed(self) -> None:
        if self.kinds and self.kind not in self.kinds:
            self.kind = self.kinds[0]
        if self._active and self.kinds and not self.length and not self.running and not self.problem:
            self.restart()

    def _on_checkpoint_chosen(self, run: str) -> None:
        """Generate again with the weights of another checkpoint."""
        if run == self.run and self.kind == "generation":
            self._cancel()
            self.problem = ""
            self._clear()
            self._begin_if_needed()

    def _cancel(self) -> None:
        self._running.cancel()
        self._extending.cancel()

    def _clear(self) -> None:
        self.frames, self._applied = Frames(), None
        self.position, self._announced = 0, 0
        self.grown.emit()
        self.moved.emit()

    def _on_appended(self, event: TrajectoryAppended) -> None:
        if event.labels:
            at_end = 0 < self.length == self.position + 1
            if event.start == 0:
                self.frames = Frames()
            self.frames.append(event)
            if self.metric not in self.frames.metrics:
                self.metric = next(iter(self.frames.metrics), None)
            if self.chain >= event.images.shape[1]:
                self.chain = -1
            if self.kind == "training":  # all frames arrive at once, and again when a grid is added
                self.position = self.length - 1 if at_end else min(self.position, self.length - 1)
        self._announced = event.steps
        if event.done:
            self.changed.emit()
        self.grown.emit()

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
