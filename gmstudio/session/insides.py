"""A run's insides while it trains: its figures, how fast it goes, and which of its phases go."""

from PySide6.QtCore import QObject, Signal

from gmstudio.client import ENGINE_GONE, EngineEvents
from gmstudio.messages import CommandFailed, DrawFigures, FigureDrawn, FiguresDrawn, PaceTraining, RunOpened

MIN_PACE_HZ, MAX_PACE_HZ = 0.2, 200.0
FIRST_PACE_HZ = 5.0


class Insides(QObject):
    """Figures and pace of the run that is looked at.

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
    """

    drawn = Signal()
    changed = Signal()

    def __init__(self, events: EngineEvents, parent: QObject | None = None) -> None:
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
        self._requests: set[int] = set()
        events.figures_drawn.connect(self._on_drawn)
        events.command_failed.connect(self._on_failed)

    def show_run(self, opened: RunOpened) -> None:
        """Look at a run; a run that begins goes at full speed, all phases together."""
        if opened.info.run != self.run or (opened.live and not self.live):
            self.slow, self.only = False, ""
        if opened.info.run != self.run:
            self.figures, self.step = (), -1
        self.run, self.phases, self.live = opened.info.run, opened.phases, opened.live
        self.illustrated = "figures" in opened.info.capabilities
        self.problem = ""
        if self.illustrated and (opened.live or opened.info.checkpoint_steps):
            self._send(DrawFigures(run=self.run))
        self.drawn.emit()
        self.changed.emit()

    def set_live(self, live: bool) -> None:
        """Say whether the run is in training; when it ends, the pace is forgotten."""
        if live != self.live:
            self.live = live
            if not live:
                self.slow, self.only = False, ""
            self.changed.emit()

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
            self._send(PaceTraining(steps_per_s=self.pace_hz if self.slow else 0.0, phases=phases))
        self.problem = ""
        self.changed.emit()

    def _send(self, command: DrawFigures | PaceTraining) -> None:
        self._requests.add(self._events.send(command))

    def _on_drawn(self, event: FiguresDrawn) -> None:
        self._requests.discard(event.request)
        if event.run == self.run and event.step >= self.step:
            self.figures, self.step = event.figures, event.step
            self.drawn.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        if event.request in self._requests:
            self._requests.discard(event.request)
            self.problem = "" if event.message == ENGINE_GONE else event.message
            self.changed.emit()
