"""Diagnostics of the selected run: its figures, the pace of its training, and which of its phases are trained."""

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.runs import HistoryAppended, RunOpened
from gmstudio.protocol.training import DrawFigures, FigureDrawn, FiguresDrawn, PaceTraining
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary

MIN_PACE_HZ, MAX_PACE_HZ = 0.2, 200.0
FIRST_PACE_HZ = 5.0
FIGURES_SHARE = 0.1
"""Share of the engine's time that figures may take; training keeps the rest."""
MIN_PAUSE_S, MAX_PAUSE_S = 0.2, 5.0
"""Pause between two sets of figures; the first set may have waited for the engine to load a model."""
NORM = "grad_norm"


class Diagnostics(QObject):
    """Figures of the selected run, and the pace of the run in training.

    Figures are requested only while they are on the screen: after each step while the training is slow, less often the
    longer they take.

    Attributes:
        run: path of the run, or "".
        figures: the newest figures; empty where the family draws none or none arrived yet.
        step: training step of the figures; -1 before.
        illustrated: the family draws figures.
        phases: names of the run's training phases.
        slow: the training is limited to ``pace_hz``.
        pace_hz: steps per second while ``slow``.
        only: name of the one phase that is trained, or "" for all.
        problem: reason why figures or pace were refused, or "".

    Signals:
        drawn: figures arrived, or were removed.
        changed: pace, phases, ``live`` or a problem changed.
        measured: gradient norms arrived.
    """

    drawn = Signal()
    changed = Signal()
    measured = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.figures: tuple[FigureDrawn, ...] = ()
        self.step = -1
        self.illustrated = False
        self.phases: tuple[str, ...] = ()
        self.slow, self.pace_hz = False, FIRST_PACE_HZ
        self.only = ""
        self.problem = ""
        self._library = library
        self._norms: dict[str, dict[str, float]] = {}
        self._active = self._stale = False
        self._confirmed = (False, "")
        self._budget = Budget(FIGURES_SHARE, gap_s=MIN_PAUSE_S, longest_s=MAX_PAUSE_S)
        self._pause = QTimer(self, singleShot=True)
        self._pause.timeout.connect(self._draw_if_needed)
        self._drawing = Request(events, self)
        self._drawing.replied.connect(self._on_drawn)
        self._drawing.failed.connect(self._on_draw_failed)
        self._pacing = Request(events, self)
        self._pacing.replied.connect(self._on_paced)
        self._pacing.failed.connect(self._on_pace_failed)
        events.on(HistoryAppended).connect(self._on_history)
        library.live_changed.connect(self._on_live_changed)

    @property
    def live(self) -> bool:
        """The selected run is in training."""
        return self.run != "" and self.run == self._library.live

    @property
    def norms(self) -> dict[str, float]:
        """Phase → newest norm of its gradient; a single phase has the key ""."""
        return self._norms.get(self.run, {})

    def show_run(self, opened: RunOpened) -> None:
        """Select a run; its figures are requested when they are on the screen."""
        if opened.info.run != self.run:
            self.figures, self.step = (), -1
            self._drawing.drop()
            self._budget.reset()
            self._pause.stop()
        self.run, self.phases = opened.info.run, opened.phases
        self.illustrated = "figures" in opened.info.capabilities
        self.problem = ""
        self._stale = opened.live or bool(opened.info.checkpoint_steps)
        self._draw_if_needed()
        self.drawn.emit()
        self.changed.emit()
        self.measured.emit()

    def set_active(self, active: bool) -> None:
        """Set whether the figures are on the screen."""
        self._active = active
        self._draw_if_needed()

    def set_slow(self, slow: bool) -> None:
        """Limit the pace of the training, or remove the limit."""
        if self.live:
            self.slow = slow
            self._send_pace()

    def set_pace(self, pace_hz: float) -> None:
        """Set the steps per second, at most, while the training is slow."""
        self.pace_hz = min(max(pace_hz, MIN_PACE_HZ), MAX_PACE_HZ)
        if self.slow and self.live:
            self._send_pace()
        else:
            self.changed.emit()

    def set_only(self, phase: str) -> None:
        """Train only this phase; "" trains all."""
        if self.live and phase in ("", *self.phases):
            self.only = phase
            self._send_pace()

    # ---- figures -------------------------------------------------------------------------------------------------

    def _draw_if_needed(self) -> None:
        """Request figures, unless a request is under way or the last one took its share of the engine's time."""
        ready = not self._drawing.busy and not self._pause.isActive()
        if self._active and self._stale and self.illustrated and ready:
            self._stale = False
            self._budget.begin()
            self._drawing.send(DrawFigures(run=self.run))

    def _on_drawn(self, event: FiguresDrawn) -> None:
        self._start_pause()
        self.figures, self.step = event.figures, event.step
        self.drawn.emit()

    def _on_draw_failed(self, failure: CommandFailed) -> None:
        self._start_pause()
        self._report(failure)

    def _start_pause(self) -> None:
        self._pause.start(round(1000 * self._budget.end()))

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
                self._draw_if_needed()

    # ---- pace ----------------------------------------------------------------------------------------------------

    def _send_pace(self) -> None:
        phases = (self.only,) if self.only else ()
        self._pacing.send(PaceTraining(steps_per_s=self.pace_hz if self.slow else 0.0, phases=phases))
        self.problem = ""
        self.changed.emit()

    def _on_paced(self, _event: Done) -> None:
        self._confirmed = (self.slow, self.only)

    def _on_pace_failed(self, failure: CommandFailed) -> None:
        """Return to the pace that the engine has."""
        self.slow, self.only = self._confirmed
        self._report(failure)

    def _on_live_changed(self) -> None:
        """Reset the pace: a training starts at full speed, with all phases."""
        self.slow, self.only = self._confirmed = (False, "")
        self._pacing.drop()
        self.changed.emit()

    def _report(self, failure: CommandFailed) -> None:
        self.problem = "" if failure.reason is Reason.ENGINE_GONE else failure.message
        self.changed.emit()
