"""Moving through one generation: stepping, playing, scrubbing and choosing, with one request in flight.

The user sets an aim, a step to get to; whenever the engine is free the next command towards the aim is sent. A newer
aim replaces an older one, so scrubbing is latest-wins and held keys add up. Commands that must not be lost (opening,
placing a value, forgetting the path) wait in a short queue and go first.
"""

from collections import deque
from dataclasses import dataclass

import msgspec
import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from gmstudio.client import EngineEvents
from gmstudio.messages import (
    AdvancePixels,
    ClosePixels,
    Command,
    CommandFailed,
    ForgetPath,
    OpenPixels,
    PixelsMoved,
    PixelsOpened,
    PlacePixel,
    RewindPixels,
)
from gmstudio.session.pixel_state import PixelState, inverse_cdf, tempered

TICK_MS = 16
PLAY_BUDGET_MS = 12.0
FINISH_BUDGET_MS = 25.0
MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 1000.0
BACKLOG_S = 0.1
"""What playing may fall behind and catch up; beyond it, it is as fast as the engine."""

SessionCommand = AdvancePixels | PlacePixel | RewindPixels | ForgetPath


@dataclass(frozen=True)
class Opening:
    """A generation to be opened.

    Args:
        command: what to open.
        aim: step of its path to go to, once it is open; None: stay where it opens.
        stale: going on from an earlier step draws anew instead of following its path.
        same_weights: keep the weights of the generation that it replaces.
        same_prefix: it continues the sub-pixels placed so far, so the user's choices among them still stand.
    """

    command: OpenPixels
    aim: int | None = None
    stale: bool = False
    same_weights: bool = False
    same_prefix: bool = False


class PixelWalk(QObject):
    """Where the viewer stands in a generation, and how it gets elsewhere.

    Attributes:
        state: where the open generation stands; None before the first is open.
        temperature: of the draws to come.
        seed: of the uniforms to come.
        speed_hz: sub-pixels per second while playing.
        playing: whether it plays.
        finishing: whether it runs to the end as fast as the engine can.
        chosen: steps whose value the user chose.
        start: where playing begins again: 0, or the number of given sub-pixels.

    Signals:
        moved: ``state`` is another.
        opened: a generation is open; ``moved`` follows.
        changed: playing, finishing or a setting is another.
        failed: the engine refused, the sentence why.
    """

    moved = Signal()
    opened = Signal()
    changed = Signal()
    failed = Signal(str)

    def __init__(self, events: EngineEvents, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: PixelState | None = None
        self.temperature = 1.0
        self.seed = 0
        self.speed_hz = 60.0
        self.playing = False
        self.finishing = False
        self.chosen: frozenset[int] = frozenset()
        self.start = 0
        self._events = events
        self._opened: PixelsOpened | None = None
        self._previous: PixelsOpened | None = None
        self._opening: Opening | None = None
        self._in_flight = 0
        self._sent: Command | None = None
        self._queue: deque[Opening | SessionCommand] = deque()
        self._aim: int | None = None
        self._aim_draws = False
        self._offset = 0  # to be added to wherever the request in flight leads
        self._stale = False  # the path beyond was made with another seed or temperature, or is a given image
        self._known = np.zeros(0, dtype=np.uint8)  # values of the remembered path, as far as they were seen
        self._due = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_tick)
        events.pixels_opened.connect(self._on_opened)
        events.pixels_moved.connect(self._on_moved)
        events.command_failed.connect(self._on_failed)

    # ---- opening -----------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a request is in flight."""
        return self._in_flight != 0

    @property
    def opening(self) -> bool:
        """Whether a generation is asked for that is not open yet."""
        return self._opening is not None or any(isinstance(c, Opening) for c in self._queue)

    @property
    def usable(self) -> bool:
        """Whether there is an open generation to move in."""
        return self.state is not None and self._opened is not None and self._opening is None

    def open(self, opening: Opening) -> None:
        """Open another generation in place of this one."""
        self.pause()
        self._queue.clear()
        self._set_aim(None)
        self._queue.append(opening)
        self._go_on()
        self.changed.emit()

    def lose(self) -> None:
        """The engine is gone, and the generation with it; the last state stays to be looked at."""
        self.pause()
        self._queue.clear()
        self._in_flight = 0
        self._opened = self._previous = self._opening = None
        self._set_aim(None)
        self.changed.emit()

    def close(self) -> None:
        """Let the generation go and show none."""
        if self._opened is not None:
            self._events.send(ClosePixels(session=self._opened.session))
        self.lose()
        self.state = None
        self.chosen = frozenset()
        self.moved.emit()

    # ---- moving ------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Go on by itself at ``speed_hz``; from the end, play it again from the start."""
        if self.playing or not (self.usable or self.opening):
            return
        self._stop_finishing()
        if self.usable and self.state is not None and self.state.finished:
            self.go_to(self.start)
        self.playing = True
        self._due = 1.0
        self._clock.start()
        self._timer.start()
        self.changed.emit()
        self._on_tick()

    def pause(self) -> None:
        """Stand still: neither play nor run to the end."""
        self._stop_finishing()
        if self.playing:
            self._timer.stop()
            self.playing = False
            self._set_aim(None)
            self.changed.emit()

    @property
    def heading(self) -> int:
        """The step that it is going to, or stands at."""
        at = self.state.step if self.state is not None else 0
        return at if self._aim is None else self._aim

    def forward(self, count: int = 1) -> None:
        """Go ``count`` sub-pixels on, from where it is already going."""
        self._go_by(count)

    def back(self, count: int = 1) -> None:
        """Go ``count`` sub-pixels back, from where it is already going."""
        self._go_by(-count)

    def _go_by(self, count: int) -> None:
        if self.state is None or not (self.usable or self.opening):
            return
        self.pause()
        if self.opening or (self._aim is None and self.busy):
            self._offset += count
            return
        aim = (self.state.step if self._aim is None else self._aim) + count
        if aim > self.state.step:
            self.draw_to(aim)
        else:
            self.go_to(aim)

    def finish(self) -> None:
        """Draw to the end as fast as the engine can; ``pause`` stops it."""
        if self.usable and self.state is not None and not self.state.finished:
            self.pause()
            self.finishing = True
            self.changed.emit()
            self.draw_to(self.state.num_dims)

    def draw_to(self, step: int) -> None:
        """Generate (or replay) up to a step."""
        if self.usable and self.state is not None:
            self._set_aim(max(0, min(step, self.state.num_dims)), draws=True)
            self._go_on()

    def go_to(self, step: int) -> None:
        """Go to a step of the remembered path; beyond its end, to its end."""
        if self.usable and self.state is not None:
            self._stop_finishing()
            self._set_aim(max(0, min(step, self.state.path)))
            self._go_on()

    def choose(self, value: int) -> None:
        """Commit this value at the sub-pixel that is shown as the next one, whatever is on its way."""
        state = self.state
        if not self.usable or state is None or state.finished or not 0 <= value < state.spec.levels:
            return
        self.pause()
        if self.busy or self._queue:
            self._queue.append(RewindPixels(session=0, step=state.step))
        self._queue.append(PlacePixel(session=0, value=value))
        self._set_aim(None)
        self.chosen = frozenset(s for s in self.chosen if s < state.step) | {state.step}
        self._go_on()

    # ---- settings ----------------------------------------------------------------------------------------------

    def set_speed(self, speed_hz: float) -> None:
        """Sub-pixels per second while playing, 1 … 1000."""
        self.speed_hz = min(MAX_SPEED_HZ, max(MIN_SPEED_HZ, speed_hz))
        self.changed.emit()

    def set_temperature(self, temperature: float) -> None:
        """Temperature of the draws to come; the remembered path beyond is drawn anew when it is gone over."""
        if temperature != self.temperature:
            self.temperature = temperature
            self._stale = True
            self.changed.emit()

    def set_seed(self, seed: int) -> None:
        """Seed of the uniforms to come; the remembered path beyond is drawn anew when it is gone over."""
        if seed == self.seed:
            return
        self.seed = seed
        state = self.state
        if self.usable and state is not None and state.step == state.path < state.num_dims and not self.busy:
            self._queue.append(ForgetPath(session=0, seed=seed))  # shows the uniform that now chooses the next value
            self._go_on()
        self._stale = True
        self.changed.emit()

    def follows_path(self) -> bool:
        """Whether going on places what the path remembers (and was seen before), rather than drawing."""
        state = self.state
        return state is not None and not self._stale and state.step < min(len(self._known), state.path)

    def upcoming(self) -> int | None:
        """The value that going on places next: the remembered one, or the draw; None at the end."""
        state = self.state
        if state is None or state.finished:
            return None
        if self.follows_path():
            return int(self._known[state.step])
        return inverse_cdf(tempered(state.conditional, self.temperature), state.uniform)

    # ---- towards the aim ---------------------------------------------------------------------------------------

    def _set_aim(self, step: int | None, *, draws: bool = False) -> None:
        self._aim, self._aim_draws, self._offset = step, draws, 0

    def _stop_finishing(self) -> None:
        if self.finishing:
            self.finishing = False
            self._set_aim(None)
            self.changed.emit()

    def _go_on(self) -> None:
        """Send the next command, if the engine is free and there is something to do."""
        if self.busy:
            return
        if self._queue:
            self._send(self._queue.popleft())
            return
        state = self.state
        if state is None or self._opened is None or self._aim is None or self._aim == state.step:
            self._set_aim(None)
            self._stop_finishing()
        elif self._aim < state.step or not self._aim_draws:
            self._send(RewindPixels(session=0, step=min(self._aim, state.path)))
        elif self._stale:
            self._send(ForgetPath(session=0, seed=self.seed))
        else:
            budget = FINISH_BUDGET_MS if self.finishing else PLAY_BUDGET_MS
            count = self._aim - state.step
            self._send(AdvancePixels(session=0, count=count, temperature=self.temperature, budget_ms=budget))

    def _send(self, what: Opening | SessionCommand) -> None:
        command: Command
        if isinstance(what, Opening):
            self._opening, self._previous, self._opened = what, self._opened, None
            weights_of = self._previous.session if what.same_weights and self._previous else 0
            command = msgspec.structs.replace(what.command, weights_of=weights_of)
        else:
            assert self._opened is not None, "a move before a generation is open"
            command = msgspec.structs.replace(what, session=self._opened.session)
            self._stale = self._stale and not isinstance(what, ForgetPath)
        self._sent = command
        self._in_flight = self._events.send(command)

    def _on_tick(self) -> None:
        self._due += self._clock.restart() / 1000 * self.speed_hz
        if self.state is None or self.busy or self._opened is None:
            self._due = min(self._due, 1 + self.speed_hz * BACKLOG_S)
            return
        if self.state.finished:
            self.pause()
        elif self._due >= 1:
            count = int(self._due)
            self._due -= count
            self.draw_to(self.state.step + count)

    # ---- replies -----------------------------------------------------------------------------------------------

    def _on_opened(self, event: PixelsOpened) -> None:
        if not self.busy or event.request != self._in_flight or self._opening is None:
            return
        if self._previous is not None:
            self._events.send(ClosePixels(session=self._previous.session))
        self._opened, self._previous = event, None

    def _on_moved(self, event: PixelsMoved) -> None:
        if not self.busy or event.request != self._in_flight or self._opened is None:
            return
        self._in_flight = 0
        before, self.state = self.state, PixelState.of(self._opened, event)
        opening, self._opening = self._opening, None
        if opening is not None:
            self._begin(opening)
        self._learn(self.state)
        self._aim_after(before, self.state)
        overshot = opening is not None and self._aim is not None and self._aim < self.state.step
        self._go_on()
        if opening is not None:
            self.opened.emit()
        if not overshot:
            self.moved.emit()

    def _begin(self, opening: Opening) -> None:
        self._known = np.zeros(0, dtype=np.uint8)
        self._stale = opening.stale
        asked_meanwhile = self._offset
        self._set_aim(opening.aim)
        self._offset = asked_meanwhile
        if not opening.same_prefix:
            self.chosen = frozenset()

    def _aim_after(self, before: PixelState | None, state: PixelState) -> None:
        """Add what was asked for meanwhile; when playing, let the clock set the next aim."""
        went = isinstance(self._sent, AdvancePixels | RewindPixels)
        if self._offset and not self._queue and self._aim in (None, state.step):
            aim = state.step + self._offset
            self._set_aim(max(0, min(aim, state.num_dims)), draws=self._offset > 0)
        elif went and (self.playing or (before is not None and before.step == state.step)):
            self._set_aim(None)

    def _learn(self, state: PixelState) -> None:
        """Remember the values of the path, and which of the user's choices are still on it."""
        channel, row, column = state.order[: state.step].T
        placed = state.image[channel, row, column]
        self._known = np.concatenate((placed, self._known[state.step :]))[: state.path]
        self.chosen = frozenset(s for s in self.chosen if s < state.path)

    def _on_failed(self, event: CommandFailed) -> None:
        if not self.busy or event.request != self._in_flight:
            return
        self._in_flight = 0
        self._queue.clear()
        self._opening = None
        self._set_aim(None)
        self.pause()
        if self._opened is None:
            self._opened, self._previous = self._previous, None
        self.changed.emit()
        self.failed.emit(event.message)
