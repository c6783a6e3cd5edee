"""A run's diagnostics while it trains: its figures, how fast it goes, and which of its phases go."""

import time

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import HistoryAppended, RunOpened
from gmstudio.protocol.training import DrawFigures, FigureDrawn, FiguresDrawn, PaceTraining
from gmstudio.window.client.engine_link import EngineLink

MIN_PACE_HZ, MAX_PACE_HZ = 0.2, 200.0
FIRST_PACE_HZ = 5.0
LEAST_PAUSE_MS, MOST_PAUSE_MS = 200, 5000
PAUSE_SHARE = 9
"""Figures are asked for again after so many times the time that the last ones took: training keeps nine tenths, or
what is left where five seconds are less (the first ones may have waited for the engine to load)."""
NORM = "grad_norm"


class Diagnostics(QObject):
    """Figures and pace of the run that is looked at.

    Figures are drawn only while somebody looks at them: anew after each step while it is slow, less often the longer
    they take.

    Attributes:
        run: path of the run, or "".
        figures: the newest ones; empty where the family draws none or none came yet.
        step: training step that they are of; -1 before.
        illustrated: the family draws figures.
        phases: names of the run's training phases.
        slow: the training is slowed down to ``pace_hz``.
        pace_hz: steps per second while slow.
        only: the one phase that is trained, or "" for all.
        live: the run is in training.
        problem: why figures or pace were refused, or "".

    Signals:
        drawn: new figures, or none any more.
        changed: pace, phases, whether it is live, or a problem.
        measured: new gradient norms.
    """

    drawn = Signal()
    changed = Signal()
    measured = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.figures: tuple[FigureDrawn, ...] = ()
        self.step = -1
        self.illustrated = False
        self.phases: tuple[str, ...] = ()
        self.slow, self.pace_hz = False, FIRST_PACE_HZ
        self.only = ""
        self.live = False
        self.problem = ""
        self._events = events
        self._norms: dict[str, dict[str, float]] = {}
        self._watched = self._stale = False
        self._drawing, self._asked_at = 0, 0.0
        self._pacing = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw_if_wanted)
        events.on(FiguresDrawn).connect(self._on_drawn)
        events.on(HistoryAppended).connect(self._on_history)
        events.on(CommandFailed).connect(self._on_failed)

    @property
    def norms(self) -> dict[str, float]:
        """Phase → the newest norm of its gradient; of a single phase under ""."""
        return self._norms.get(self.run, {})

    def show_run(self, opened: RunOpened) -> None:
        """Look at a run; a run that begins goes at full speed, all phases together."""
        if opened.info.run != self.run or (opened.live and not self.live):
            self.slow, self.only = False, ""
        if opened.info.run != self.run:
            self.figures, self.step, self._drawing = (), -1, 0
            self._timer.stop()
        self.run, self.phases, self.live = opened.info.run, opened.phases, opened.live
        self.illustrated = "figures" in opened.info.capabilities
        self.problem = ""
        self._stale = opened.live or bool(opened.info.checkpoint_steps)
        self._draw_if_wanted()
        self.drawn.emit()
        self.changed.emit()
        self.measured.emit()

    def set_live(self, live: bool) -> None:
        """Say whether the run is in training; when it ends, the pace is forgotten."""
        if live != self.live:
            self.live = live
            if not live:
                self.slow, self.only = False, ""
            self.changed.emit()

    def set_watched(self, watched: bool) -> None:
        """Say whether somebody looks at the figures."""
        self._watched = watched
        self._draw_if_wanted()

    def set_slow(self, slow: bool) -> None:
        """Slow the training down, or let it go."""
        self.slow = slow
        self._pace()

    def set_pace(self, pace_hz: float) -> None:
        """How many steps per second, at most, while it is slow."""
        self.pace_hz = min(max(pace_hz, MIN_PACE_HZ), MAX_PACE_HZ)
        if self.slow:
            self._pace()
        else:
            self.changed.emit()

    def set_only(self, phase: str) -> None:
        """Train only this phase; "" trains all."""
        if phase in ("", *self.phases):
            self.only = phase
            self._pace()

    def _pace(self) -> None:
        if self.live:
            phases = (self.only,) if self.only else ()
            pace = PaceTraining(steps_per_s=self.pace_hz if self.slow else 0.0, phases=phases)
            self._pacing = self._events.send(pace)
        self.problem = ""
        self.changed.emit()

    def _draw_if_wanted(self) -> None:
        """Ask for figures, unless those on their way, or just come, will do for now."""
        due = not self._drawing and not self._timer.isActive()
        if self._watched and self._stale and self.illustrated and due:
            self._stale = False
            self._asked_at = time.monotonic()
            self._drawing = self._events.send(DrawFigures(run=self.run))

    def _on_drawn(self, event: FiguresDrawn) -> None:
        self._rest(event.request)
        if event.run == self.run and event.step >= self.step:
            self.figures, self.step = event.figures, event.step
            self.drawn.emit()

    def _rest(self, request: int) -> None:
        """After an answer, leave the engine to the training for a while."""
        if request and request == self._drawing:
            self._drawing = 0
            took_ms = 1000 * (time.monotonic() - self._asked_at)
            self._timer.start(min(max(LEAST_PAUSE_MS, round(PAUSE_SHARE * took_ms)), MOST_PAUSE_MS))

    def _on_history(self, event: HistoryAppended) -> None:
        norms = self._norms.setdefault(event.run, {})
        for series in event.series:
            values = series.values.numpy()
            if series.split == "train" and series.name.startswith(NORM) and len(values):
                norms[series.name.removeprefix(NORM).removeprefix("_")] = float(values[-1])
        if event.run == self.run:
            self.measured.emit()
            if self.live:
                self._stale = True
                self._draw_if_wanted()

    def _on_failed(self, event: CommandFailed) -> None:
        if event.request not in (self._drawing, self._pacing) or not event.request:
            return
        self._rest(event.request)
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.changed.emit()
