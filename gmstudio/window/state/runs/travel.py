"""Time travel in the window: one step of a run's training, and all that is shown of it."""

from bisect import bisect_left, bisect_right

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import FetchSamples, HistoryAppended, RunInfo, RunOpened, SamplesDrawn
from gmstudio.protocol.runs_travel import TravelShown, TravelTo
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.play_clock import PlayClock
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.steps import latest_at, nearest
from gmstudio.window.state.training.history import RunHistory

SETTLED_MS = 200
"""Panels explore the model of another checkpoint when the step has rested so long."""
MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 20.0


class TravelState(QObject):
    """Step of the training of the panel's run that is shown.

    Args:
        runs: state of the panel.

    Attributes:
        step: that is shown; None: the newest, which is followed.
        history: curves of the run.
        opened: the run's ``RunOpened``; None while it is not open.
        samples: saved samples that are shown, those of the latest step that has any.
        shown: fixed images through a checkpoint; None: none are, yet.
        explores: panels explore the model of the step that is shown.
        problem: why something cannot be shown, a sentence; empty: nothing.
        speed_hz: stops a second while playing.
        playing: the step moves by itself.

    Signals:
        moved: ``step``, ``explores`` or ``playing`` changed.
        changed: samples, images, curves or the problem changed.
    """

    moved = Signal()
    changed = Signal()

    def __init__(self, runs: RunsState) -> None:
        super().__init__(runs)
        self._runs, self._library = runs, runs.library
        self.step: int | None = None
        self.history = RunHistory()
        self.opened: RunOpened | None = None
        self.samples: SamplesDrawn | None = None
        self.shown: TravelShown | None = None
        self.explores, self.problem, self.speed_hz = True, "", 4.0
        self._run = ""
        self._active = False
        self._sample_steps: list[int] = []
        self._fetching, self._looking = LatestWins(runs.link, self), LatestWins(runs.link, self)
        self._fetching.replied.connect(self._on_samples)
        self._looking.replied.connect(self._on_shown)
        for request in (self._fetching, self._looking):
            request.failed.connect(self._on_failed)
        self._settled = QTimer(self, interval=SETTLED_MS, singleShot=True)
        self._settled.timeout.connect(self._explore)
        self._clock = PlayClock(self)
        self._clock.ticked.connect(self._advance)
        runs.edits.add_part("travel", lambda: (self._run, self.step), self._restore)
        runs.run_changed.connect(self._follow_run)
        runs.link.on(HistoryAppended).connect(self._on_history)
        runs.link.on(SamplesDrawn).connect(self._on_drawn)
        self._library.run_opened.connect(self._on_opened)
        self._library.changed.connect(self._on_library_changed)
        self._library.engine_lost.connect(self._on_engine_lost)

    # ---- where it is ---------------------------------------------------------------------------------------------

    @property
    def run(self) -> str:
        """The run, or ""."""
        return self._run

    @property
    def info(self) -> RunInfo | None:
        """Description of the run."""
        return self._library.info(self._run) if self._run else None

    @property
    def last(self) -> int:
        """Newest step of the run."""
        info = self.info
        return max(self.history.last_step(), info.step if info is not None else 0)

    @property
    def at(self) -> int:
        """Step that is shown, as a number."""
        return self.last if self.step is None else min(self.step, self.last)

    @property
    def checkpoint(self) -> int | None:
        """Step of the checkpoint that is nearest to the step that is shown; None without any."""
        info = self.info
        steps = info.checkpoint_steps if info is not None else ()
        return nearest(steps, self.step)

    @property
    def stops(self) -> list[int]:
        """Steps with something of their own to show: checkpoints and saved samples, rising."""
        info = self.info
        return sorted({*self._sample_steps, *(info.checkpoint_steps if info is not None else ())})

    @property
    def looks(self) -> bool:
        """The family encodes and decodes, so that reconstructions and a map can be shown."""
        info = self.info
        return info is not None and {"encode", "decode"} <= set(info.capabilities)

    @property
    def explored(self) -> int | None:
        """Step of the checkpoint that panels explore now; None: the newest weights."""
        return self._library.checkpoints.steps.get(self._run)

    # ---- what the user does --------------------------------------------------------------------------------------

    def travel(self, step: int | None, key: str = "") -> None:
        """Go to another step as the user wants; this is undone.

        Args:
            step: to show; None: the newest, and follow it.
            key: moves of the same key that follow one another are undone as one.
        """
        words = "the newest step" if step is None else f"step {min(max(step, 0), self.last):,}"
        with self._runs.edits.recording(f"Travel to {words}", key=key):
            self.pause()
            self.go(step)

    def go(self, step: int | None) -> None:
        """Show another step; None: the newest, and follow it."""
        self.step = None if step is None else min(max(step, 0), self.last)
        self._update()
        self.moved.emit()

    def beside(self, by: int) -> int | None:
        """Return the next stop, or for a negative number that before; None where there is none."""
        stops, at = self.stops, self.at
        place = bisect_right(stops, at) if by > 0 else bisect_left(stops, at) - 1
        return stops[place] if 0 <= place < len(stops) else None

    def return_to_newest(self) -> None:
        """Show the newest step, and let all panels explore the newest weights."""
        self.travel(None)
        self._settled.stop()
        self._library.checkpoints.choose(self._run, None)

    def set_explores(self, on: bool) -> None:
        """Let panels explore the model of the step that is shown, or leave them at what they show."""
        if on != self.explores:
            self.explores = on
            self._update()
            self.moved.emit()

    def set_speed(self, speed_hz: float) -> None:
        """Set the stops a second while playing."""
        self.speed_hz = min(max(speed_hz, MIN_SPEED_HZ), MAX_SPEED_HZ)

    @property
    def playing(self) -> bool:
        """The step moves by itself."""
        return self._clock.running

    def play(self) -> None:
        """Move from stop to stop; from the end, begin at the first one."""
        stops = self.stops
        if len(stops) < 2:
            return
        if self.at >= stops[-1]:
            self.go(stops[0])
        self._clock.start(0.0)
        self.moved.emit()

    def pause(self) -> None:
        """Stop moving."""
        if self.playing:
            self._clock.stop()
            self.moved.emit()

    def set_active(self, active: bool) -> None:
        """Request and play only while the page is on the screen."""
        self._active = active
        if active:
            self._follow_run()
            self._update()
        else:
            self.pause()
            if self._settled.isActive():
                self._settled.stop()
                self._explore()

    def _restore(self, content: tuple[str, int | None]) -> None:
        """Show the step of before; of another run, nothing is known here any more."""
        run, step = content
        if run == self._run:
            self.pause()
            self.go(step)

    # ---- requests ------------------------------------------------------------------------------------------------

    def _follow_run(self) -> None:
        """Show the run of the panel."""
        if not self._active or self._runs.run == self._run:
            return
        self.pause()
        self._fetching.reset()
        self._looking.reset()
        self._run, self.step, self.problem = self._runs.run, None, ""
        self.history, self.opened, self.samples, self.shown = RunHistory(), None, None, None
        self._sample_steps = []
        if self._run:
            chosen = self.explored
            self.step = chosen  # where the panels are already
            opened = self._library.open(self._run, again=True)
            if opened is not None:
                self._take(opened)
        self.moved.emit()
        self.changed.emit()

    def _update(self) -> None:
        """Request what the step shows and is not there yet."""
        if not (self._active and self._run):
            return
        wanted = latest_at(self._sample_steps, self.at)
        if self.samples is not None and self.samples.step == wanted:
            self._fetching.reset()  # what was asked for on the way is not wanted any more
        elif wanted is not None:
            self._fetching.submit(FetchSamples(run=self._run, step=wanted))
        checkpoint = self.checkpoint
        if not self.looks or checkpoint is None or self._is_shown(checkpoint):
            self._looking.reset()
        else:
            self._looking.submit(TravelTo(run=self._run, step=checkpoint))
        if self.explores and self.step is not None and checkpoint != self.explored:
            self._settled.start()

    def _is_shown(self, checkpoint: int) -> bool:
        return self.shown is not None and self.shown.step == checkpoint and self.shown.codes is not None

    def _explore(self) -> None:
        """Let all panels explore the model of the step that is shown."""
        if self.explores and self._run and self.step is not None:
            self._library.checkpoints.choose(self._run, self.checkpoint)
            self.moved.emit()

    def _advance(self) -> None:
        """Go on to the next stop when it is due, and the last one is shown."""
        free = not (self._fetching.busy or self._looking.busy)
        if not self._clock.take(self.speed_hz, free=free):
            return
        if self.at >= self.stops[-1]:
            self.pause()
        else:
            self.go(self.beside(1))

    # ---- events --------------------------------------------------------------------------------------------------

    def _on_opened(self, event: RunOpened) -> None:
        if event.info.run == self._run:
            self._take(event)

    def _take(self, event: RunOpened) -> None:
        self.opened = event
        self._sample_steps = sorted({*self._sample_steps, *event.sample_steps})
        self._update()
        self.changed.emit()

    def _on_history(self, event: HistoryAppended) -> None:
        if event.run == self._run:
            self.history.merge(event)
            self.changed.emit()

    def _on_drawn(self, event: SamplesDrawn) -> None:
        """Take samples that the training has drawn now."""
        if event.run == self._run and not event.request:
            self._sample_steps = sorted({*self._sample_steps, event.step})
            if self.step is None:
                self.samples = event
            self.changed.emit()

    def _on_samples(self, event: SamplesDrawn) -> None:
        if event.run == self._run:
            self.samples = event
            self._sample_steps = sorted({*self._sample_steps, *event.kept})
            self.problem = ""
            self.changed.emit()

    def _on_shown(self, event: TravelShown) -> None:
        if event.run == self._run:
            self.shown, self.problem = event, ""
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problem = failure.message
            self.changed.emit()

    def _on_library_changed(self) -> None:
        """Follow the newest checkpoint, and note which one panels explore."""
        if self._active and self._run:
            if self.step is None:
                self._update()
            self.moved.emit()

    def _on_engine_lost(self) -> None:
        self._fetching.reset()
        self._looking.reset()
        self.pause()
