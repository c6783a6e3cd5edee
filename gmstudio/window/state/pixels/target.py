"""Getting to a step of one generation.

The user sets a target, a step to get to; whenever the engine is free the next command towards the target is sent. A
newer target replaces an older one, so scrubbing is latest-wins and held keys add up. Commands that must not be lost
(opening, placing a value, forgetting the path) wait in a short queue and go first.
"""

from PySide6.QtCore import QObject

from gmstudio.protocol.pixels import AdvancePixels, ForgetPath, RewindPixels
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.pixels.breakpoints import Breakpoints, Stop
from gmstudio.window.state.pixels.path import PathMemory
from gmstudio.window.state.pixels.requests import Opening, PixelRequests, SessionCommand
from gmstudio.window.state.pixels.snapshot import PixelSnapshot, inverse_cdf, tempered

PLAY_BUDGET_MS = 12.0
FINISH_BUDGET_MS = 25.0


class PixelTarget(PixelRequests):
    """Sends what leads to the target, and remembers the path that was gone.

    Attributes:
        temperature: of the draws to come.
        seed: of the uniforms to come.
        playing: whether it plays.
        finishing: whether it runs to the end as fast as the engine can.
        breakpoints: where playing and finishing stop by themselves.
        stop: the breakpoint at which it stands, or None.
    """

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(events, parent)
        self.temperature = 1.0
        self.seed = 0
        self.playing = False
        self.finishing = False
        self.breakpoints = Breakpoints()
        self.stop: Stop | None = None
        self._memory = PathMemory()
        self._target: int | None = None
        self._target_draws = self._target_stops_at_breakpoints = False
        self._towards_target = False  # what was sent last was a move towards the target
        self._offset = 0  # to be added to wherever the request in flight leads

    def pause(self) -> None:
        """Stand still."""
        raise NotImplementedError

    # ---- the path --------------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> frozenset[int]:
        """Steps whose value the user chose."""
        return self._memory.chosen

    def follows_path(self) -> bool:
        """Whether going on places what the path remembers (and was seen before), rather than drawing."""
        return self.state is not None and self._memory.upcoming(self.state) is not None

    def upcoming(self) -> int | None:
        """The value that going on places next: the remembered one, or the draw; None at the end."""
        state = self.state
        if state is None or state.finished:
            return None
        remembered = self._memory.upcoming(state)
        if remembered is not None:
            return remembered
        return inverse_cdf(tempered(state.conditional, self.temperature), state.uniform)

    # ---- settings ----------------------------------------------------------------------------------------------

    def set_breakpoints(self, breakpoints: Breakpoints) -> None:
        """Stop elsewhere from now on."""
        self.breakpoints = breakpoints
        self.changed.emit()

    def set_temperature(self, temperature: float) -> None:
        """Temperature of the draws to come; the remembered path beyond is drawn anew when it is gone over."""
        if temperature != self.temperature:
            self.temperature = temperature
            self._memory.stale = True
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
        self._memory.stale = True
        self.changed.emit()

    # ---- towards the target ---------------------------------------------------------------------------------------

    def _set_target(self, step: int | None, *, draws: bool = False, stops_at_breakpoints: bool = False) -> None:
        self._target, self._target_draws, self._target_stops_at_breakpoints, self._offset = (
            step,
            draws,
            stops_at_breakpoints,
            0,
        )

    def _stop_finishing(self) -> None:
        if self.finishing:
            self.finishing = False
            self._set_target(None)
            self.changed.emit()

    def _go_on(self) -> None:
        """Send the next command, if the engine is free and there is something to do."""
        if self.busy:
            return
        if self._queue:
            self._towards_target = False
            self._send(self._queue.popleft())
            return
        state, self._towards_target = self.state, True
        if state is None or self._opened is None or self._target is None or self._target == state.step:
            self._set_target(None)
            self._stop_finishing()
        elif self._target < state.step or not self._target_draws:
            self._send(RewindPixels(session=0, step=min(self._target, state.path)))
        elif self._memory.stale:
            self._send(ForgetPath(session=0, seed=self.seed))
        else:
            self._send(self._advance(self._target - state.step))

    def _advance(self, count: int) -> AdvancePixels:
        budget = FINISH_BUDGET_MS if self.finishing else PLAY_BUDGET_MS
        points = self.breakpoints if self._target_stops_at_breakpoints else Breakpoints()
        return AdvancePixels(
            session=0,
            count=count,
            temperature=self.temperature,
            budget_ms=budget,
            stop_entropy=points.stop_entropy,
            stop_probability=points.stop_probability,
        )

    def _send(self, what: Opening | SessionCommand) -> None:
        super()._send(what)
        self.stop = None
        self._memory.stale = self._memory.stale and not isinstance(what, ForgetPath)

    # ---- replies -----------------------------------------------------------------------------------------------

    def _on_arrived(self, before: PixelSnapshot | None, opening: Opening | None) -> None:
        assert self.state is not None
        if opening is not None:
            asked_meanwhile = self._offset
            self._memory.begin(stale=opening.stale, same_prefix=opening.same_prefix)
            self._set_target(opening.target)
            self._offset = asked_meanwhile
        self._memory.learn(self.state)
        self._look_for_stop(before, self.state)
        self._target_after(before, self.state)
        overshot = opening is not None and self._target is not None and self._target < self.state.step
        passing = overshot or bool(self._queue)
        self._go_on()
        if opening is not None:
            self.opened.emit()
        if not passing:
            self.moved.emit()

    def _look_for_stop(self, before: PixelSnapshot | None, state: PixelSnapshot) -> None:
        """At a breakpoint, stand still."""
        stops_at_breakpoints = isinstance(self._sent, AdvancePixels) and self._target_stops_at_breakpoints
        if stops_at_breakpoints and (before is None or before.step != state.step):
            stop = self.breakpoints.hit(state)
            if stop is not None:
                self.pause()
                self._set_target(None)
                self.stop = stop
                self.changed.emit()

    def _target_after(self, before: PixelSnapshot | None, state: PixelSnapshot) -> None:
        """Add what was asked for meanwhile; when playing, let the clock set the next target."""
        went = self._towards_target and isinstance(self._sent, AdvancePixels | RewindPixels)
        if self._offset and not self._queue and self._target in (None, state.step):
            target = state.step + self._offset
            self._set_target(max(0, min(target, state.num_dims)), draws=self._offset > 0)
        elif went and (self.playing or (before is not None and before.step == state.step)):
            self._set_target(None)
