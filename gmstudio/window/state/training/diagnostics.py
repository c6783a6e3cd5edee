"""Diagnostics of the selected run: its figures, of a chosen image and pixel, and the pace of its training."""

import numpy as np
from numpy.typing import NDArray
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
        run: name of the run, or "".
        figures: the newest figures; empty where the family draws none or none arrived yet.
        step: training step of the figures; -1 before.
        illustrated: the family draws figures.
        image: index of the validation image that figures of a single image show.
        pixel: row and column that figures of a single pixel show.
        num_images: validation images to choose from.
        shown: that image, (C, H, W) uint8, 0 … 255; None where no figure shows a single image.
        phases: names of the run's training phases.
        slow: the training is limited to ``pace_hz``.
        pace_hz: steps per second while ``slow``.
        only: name of the one phase that is trained, or "" for all.
        problem: reason why figures were refused, or "".
        pace_problem: reason why a pace was refused, or "".

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
        self.image, self.num_images = 0, 0
        self.pixel = (0, 0)
        self.shown: NDArray[np.uint8] | None = None
        self.problem = self.pace_problem = ""
        self._chosen_pixel: tuple[int, int] | None = None
        self._urgent = False
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
            self.image, self.num_images, self.shown = 0, 0, None
            self._chosen_pixel, self._urgent = None, False
            self._drawing.drop()
            self._budget.reset()
            self._pause.stop()
        self.run, self.phases = opened.info.run, opened.phases
        self.illustrated = "figures" in opened.info.capabilities
        self.problem = self.pace_problem = ""
        self._stale = opened.live or bool(opened.info.checkpoint_steps)
        self._draw_if_needed()
        self.drawn.emit()
        self.changed.emit()
        self.measured.emit()

    def set_active(self, active: bool) -> None:
        """Set whether the figures are on the screen."""
        self._active = active
        self._draw_if_needed()

    def choose_image(self, image: int) -> None:
        """Draw the figures of this validation image."""
        if image != self.image and 0 <= image < self.num_images:
            self.image = image
            self._draw_chosen()

    def choose_pixel(self, row: int, column: int) -> None:
        """Draw the figures of this pixel."""
        if self.shown is not None and (row, column) != self.pixel:
            height, width = self.shown.shape[1:]
            self.pixel = self._chosen_pixel = (min(max(row, 0), height - 1), min(max(column, 0), width - 1))
            self._draw_chosen()

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
            self._drawing.send(DrawFigures(run=self.run, image=self.image, pixel=self._chosen_pixel))

    def _on_drawn(self, event: FiguresDrawn) -> None:
        self._start_pause()
        self.figures, self.step = event.figures, event.step
        self.num_images = event.num_images
        self.shown = None if event.shown is None else event.shown.numpy()
        if not self._urgent:
            self.image, self.pixel = event.image, event.pixel
        self.drawn.emit()
        self._draw_urgent()

    def _on_draw_failed(self, failure: CommandFailed) -> None:
        self._start_pause()
        self.problem = _sentence(failure)
        self.changed.emit()

    def _draw_chosen(self) -> None:
        """Draw at the next opportunity, whatever share of the engine's time the last figures took."""
        self._urgent = True
        if not self._drawing.busy:
            self._draw_urgent()

    def _draw_urgent(self) -> None:
        if self._urgent:
            self._urgent, self._stale = False, True
            self._pause.stop()
            self._draw_if_needed()

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
        self.pace_problem = ""
        self.changed.emit()

    def _on_paced(self, _event: Done) -> None:
        self._confirmed = (self.slow, self.only)

    def _on_pace_failed(self, failure: CommandFailed) -> None:
        """Return to the pace that the engine has."""
        self.slow, self.only = self._confirmed
        self.pace_problem = _sentence(failure)
        self.changed.emit()

    def _on_live_changed(self) -> None:
        """Reset the pace: a training starts at full speed, with all phases."""
        self.slow, self.only = self._confirmed = (False, "")
        self._pacing.drop()
        self.changed.emit()


def _sentence(failure: CommandFailed) -> str:
    return "" if failure.reason is Reason.ENGINE_GONE else failure.message
