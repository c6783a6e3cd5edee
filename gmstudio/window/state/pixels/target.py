"""Getting to a step of one generation.

The user sets an aim, a step to get to; whenever the engine is free the next command towards the aim is sent. A newer
aim replaces an older one, so scrubbing is latest-wins and held keys add up. Commands that must not be lost (opening,
placing a value, forgetting the path) wait in a short queue and go first.
"""

from PySide6.QtCore import QObject

from gmstudio.protocol.pixels import AdvancePixels, ForgetPath, RewindPixels
from gmstudio.window.client.engine_client import EngineEvents
from gmstudio.window.state.pixels.breakpoints import Breakpoints, Stop
from gmstudio.window.state.pixels.path import PathMemory
from gmstudio.window.state.pixels.requests import Opening, PixelRequests, SessionCommand
from gmstudio.window.state.pixels.snapshot import PixelState, inverse_cdf, tempered

PLAY_BUDGET_MS = 12.0
FINISH_BUDGET_MS = 25.0


class PixelTravel(PixelRequests):
    """Sends what leads to the aim, and remembers the path that was gone.

    Attributes:
        temperature: of the draws to come.
        seed: of the uniforms to come.
        playing: whether it plays.
        finishing: whether it runs to the end as fast as the engine can.
        breakpoints: where playing and finishing stop by themselves.
        stop: the breakpoint at which it stands, or None.
    """

    def __init__(self, events: EngineEvents, parent: QObject | None = None) -> None:
        super().__init__(events, parent)
        self.temperature = 1.0
        self.seed = 0
        self.playing = False
        self.finishing = False
        self.breakpoints = Breakpoints()
        self.stop: Stop | None = None
        self._memory = PathMemory()
        self._aim: int | None = None
        self._aim_draws = self._aim_heeds = False
        self._towards_aim = False  # what was sent last was a move towards the aim
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

    # ---- towards the aim ---------------------------------------------------------------------------------------

    def _set_aim(self, step: int | None, *, draws: bool = False, heeds: bool = False) -> None:
        self._aim, self._aim_draws, self._aim_heeds, self._offset = step, draws, heeds, 0

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
            self._towards_aim = False
            self._send(self._queue.popleft())
            return
        state, self._towards_aim = self.state, True
        if state is None or self._opened is None or self._aim is None or self._aim == state.step:
            self._set_aim(None)
            self._stop_finishing()
        elif self._aim < state.step or not self._aim_draws:
            self._send(RewindPixels(session=0, step=min(self._aim, state.path)))
        elif self._memory.stale:
            self._send(ForgetPath(session=0, seed=self.seed))
        else:
            self._send(self._advance(self._aim - state.step))

    def _advance(self, count: int) -> AdvancePixels:
        budget = FINISH_BUDGET_MS if self.finishing else PLAY_BUDGET_MS
        points = self.breakpoints if self._aim_heeds else Breakpoints()
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

    def _on_arrived(self, before: PixelState | None, opening: Opening | None) -> None:
        assert self.state is not None
        if opening is not None:
            asked_meanwhile = self._offset
            self._memory.begin(stale=opening.stale, same_prefix=opening.same_prefix)
            self._set_aim(opening.aim)
            self._offset = asked_meanwhile
        self._memory.learn(self.state)
        self._look_for_stop(before, self.state)
        self._aim_after(before, self.state)
        overshot = opening is not None and self._aim is not None and self._aim < self.state.step
        passing = overshot or bool(self._queue)
        self._go_on()
        if opening is not None:
            self.opened.emit()
        if not passing:
            self.moved.emit()

    def _look_for_stop(self, before: PixelState | None, state: PixelState) -> None:
        """At a breakpoint, stand still."""
        heeded = isinstance(self._sent, AdvancePixels) and self._aim_heeds
        if heeded and (before is None or before.step != state.step):
            stop = self.breakpoints.hit(state)
            if stop is not None:
                self.pause()
                self._set_aim(None)
                self.stop = stop
                self.changed.emit()

    def _aim_after(self, before: PixelState | None, state: PixelState) -> None:
        """Add what was asked for meanwhile; when playing, let the clock set the next aim."""
        went = self._towards_aim and isinstance(self._sent, AdvancePixels | RewindPixels)
        if self._offset and not self._queue and self._aim in (None, state.step):
            aim = state.step + self._offset
            self._set_aim(max(0, min(aim, state.num_dims)), draws=self._offset > 0)
        elif went and (self.playing or (before is not None and before.step == state.step)):
            self._set_aim(None)
