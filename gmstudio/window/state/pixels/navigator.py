"""Moving through one generation: stepping, playing, scrubbing, choosing and editing."""

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.pixels import AdvancePixels, ForgetPath, RewindPixels
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.pixels.breakpoints import Breakpoints, Stop
from gmstudio.window.state.pixels.generation_link import GenerationCommand, GenerationLink, NewGeneration
from gmstudio.window.state.pixels.path import PathMemory
from gmstudio.window.state.pixels.phases import (
    Beginning,
    Closed,
    Edit,
    Editing,
    Finishing,
    Idle,
    Moving,
    Opening,
    Phase,
    Playing,
    Starting,
    Stepping,
    Then,
    check_transition,
    intended,
    visible,
)
from gmstudio.window.state.pixels.planner import Planner
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.play_clock import PlayClock

MIN_SPEED_HZ, MAX_SPEED_HZ = 1.0, 1000.0
BACKLOG_S = 2.0  # of a training step on a slow machine, which playing catches up


class PixelNavigator(QObject):
    """Position in a generation, and the moves to other positions.

    Whenever the engine is free, the next command towards the goal of the phase is sent. A newer goal replaces an older
    one, so scrubbing is latest-wins and held keys add up.

    Attributes:
        state: the open generation as the last reply reported it; None before the first is open.
        stop: the breakpoint that ended the last move, or None.
        speed_hz: sub-pixels per second while playing.
        start: step at which playing begins again: 0, or the number of observed sub-pixels.
        keep_following: an edit keeps the later values; otherwise they are drawn again.
        clock: of playing.
        planner: the settings of the draws to come, and the recorded path.

    Signals:
        moved: ``state`` is another.
        opened: a generation is open; ``moved`` follows.
        changed: the phase, or a setting.
        failed: the engine refused a command, a sentence with the reason.
    """

    moved = Signal()
    opened = Signal()
    changed = Signal()
    failed = Signal(str)

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: PixelSnapshot | None = None
        self.stop: Stop | None = None
        self.speed_hz = 60.0
        self.start = 0
        self.keep_following = True
        self.clock = PlayClock(self, backlog_s=BACKLOG_S)
        self._phase: Phase = Closed()
        self.planner = Planner()
        self._link = GenerationLink(events, self)
        self._link.moved.connect(self._on_moved)
        self._link.refused.connect(self._on_refused)
        self.clock.ticked.connect(self._on_tick)

    @property
    def phase(self) -> Phase:
        """The current phase."""
        return self._phase

    @property
    def busy(self) -> bool:
        """A command is in flight."""
        return self._link.busy

    @property
    def opening(self) -> bool:
        """A generation is requested that is not open yet."""
        return isinstance(self._phase, Opening)

    @property
    def usable(self) -> bool:
        """A generation is open and can be moved in."""
        return not isinstance(self._phase, Closed | Opening)

    @property
    def playing(self) -> bool:
        """It plays, or will as soon as the generation is open."""
        return isinstance(intended(self._phase), Playing)

    @property
    def finishing(self) -> bool:
        """It runs to the end as fast as the engine can."""
        return isinstance(intended(self._phase), Finishing)

    @property
    def editing(self) -> Edit | None:
        """The sub-pixel whose value is being changed, or None."""
        return self._phase.edit if isinstance(self._phase, Editing) else None

    @property
    def shown(self) -> PixelSnapshot | None:
        """The generation to be shown: during an edit, as it was before."""
        return self.editing.before if self.editing is not None else self.state

    @property
    def target(self) -> int:
        """The step that it is going to, or is at."""
        shown = self.shown
        if shown is None:
            return 0
        goal = None if isinstance(self._phase, Editing) else self._phase.goal(shown)
        return shown.step if goal is None else goal.step

    @property
    def chosen(self) -> frozenset[int]:
        """Steps whose value the user chose."""
        return self.planner.path.chosen

    @property
    def temperature(self) -> float:
        """Temperature of the draws to come."""
        return self.planner.temperature

    @property
    def seed(self) -> int:
        """Seed of the uniforms to come."""
        return self.planner.seed

    @property
    def breakpoints(self) -> Breakpoints:
        """Conditions at which playing and finishing stop."""
        return self.planner.breakpoints

    def upcoming(self) -> int | None:
        """Value that advancing places next: the recorded one, or the draw; None at the end."""
        return self.planner.upcoming(self.state) if self.state is not None else None

    def set_breakpoints(self, breakpoints: Breakpoints) -> None:
        """Set the conditions at which playing and finishing stop."""
        self.planner.breakpoints = breakpoints
        self.changed.emit()

    def set_temperature(self, temperature: float) -> None:
        """Set the temperature of the draws to come; the recorded path ahead is drawn again when it is passed again."""
        if temperature != self.temperature:
            self.planner.temperature = temperature
            self.planner.path.stale = True
            self.changed.emit()

    def set_seed(self, seed: int) -> None:
        """Set the seed of the uniforms to come; the recorded path ahead is drawn again when it is passed again."""
        if seed == self.seed:
            return
        self.planner.seed = seed
        state = self.state
        if self.usable and state is not None and state.step == state.path < state.num_dims and not self.busy:
            self._link.enqueue(ForgetPath(session=0, seed=seed))  # replies with the uniform of the next value
            self._proceed()
        self.planner.path.stale = True  # also for going back and advancing again
        self.changed.emit()

    def set_speed(self, speed_hz: float) -> None:
        """Set the sub-pixels per second while playing, 1 … 1000."""
        self.speed_hz = min(MAX_SPEED_HZ, max(MIN_SPEED_HZ, speed_hz))
        self.clock.due = min(self.clock.due, 1.0)  # what is due was counted at the speed of before
        self.changed.emit()

    def set_keep_following(self, keep: bool) -> None:
        """Choose whether an edit keeps the later values, or draws them again."""
        self.keep_following = keep
        self.changed.emit()

    def open(self, new: NewGeneration) -> None:
        """Open another generation in place of this one."""
        self._link.open(new)
        self.stop = None
        self._replace_phase(Opening(new))
        self.changed.emit()

    def lose(self) -> None:
        """Forget the generation, which is gone with the engine; the last snapshot is still shown."""
        self.state, self.stop = self.shown, None
        self._link.drop()
        self._enter(Closed())
        self.changed.emit()

    def close(self) -> None:
        """Close the generation and show none."""
        self._link.close()
        self.lose()
        self.state = None
        self.planner.path = PathMemory()
        self.moved.emit()

    # ---- moving ------------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Advance at ``speed_hz``; from the end, play it again from the start."""
        if self.playing or not (self.usable or self.opening):
            return
        shown = self.shown
        if not self._begin_with(Playing()):
            at_end = shown is not None and shown.finished
            self._leave_for(Starting(self.start, then=Playing()) if at_end else Playing())

    def pause(self) -> None:
        """Neither play nor run to the end."""
        if isinstance(self._phase, Playing | Finishing):
            self._enter(Idle())
        elif self.playing or self.finishing:
            self._begin_with(Idle())

    def finish(self) -> None:
        """Draw to the end as fast as the engine can; ``pause`` or a breakpoint ends it."""
        shown = self.shown
        unfinished = self.usable and shown is not None and not shown.finished
        if not self._begin_with(Finishing()) and unfinished and not self.finishing:
            self._leave_for(Finishing())

    def draw_to(self, step: int, *, stops_at_breakpoints: bool = False) -> None:
        """Generate (or replay) up to a step, optionally at most up to the first breakpoint."""
        shown = self.shown
        if self.usable and shown is not None:
            target = max(0, min(step, shown.num_dims))
            self._leave_for(Moving(target, draws=True, stops_at_breakpoints=stops_at_breakpoints))

    def go_to(self, step: int) -> None:
        """Go to a step of the recorded path; beyond its end, to its end."""
        shown = self.shown
        if self.usable and shown is not None:
            self._leave_for(Moving(max(0, min(step, shown.path))))

    def back(self, count: int = 1) -> None:
        """Go ``count`` sub-pixels back from the target."""
        self.forward(-count)

    def forward(self, count: int = 1) -> None:
        """Advance ``count`` sub-pixels from the target."""
        phase, shown = self._phase, self.shown
        earlier = intended(phase)
        counted = Stepping(count + (earlier.count if isinstance(earlier, Stepping) else 0))
        if self._begin_with(counted) or not self.usable or shown is None:
            return
        if self.busy and not isinstance(phase, Moving | Editing):
            self._enter(counted)
        else:
            target = (phase.target if isinstance(phase, Moving) else shown.step) + count
            (self.draw_to if target > shown.step else self.go_to)(target)

    def _begin_with(self, then: Then) -> bool:
        """Set what follows where the generation begins; return False where it has begun, or is closed."""
        if isinstance(self._phase, Beginning):
            self._enter(replace(self._phase, then=then))
            return True
        return False

    def choose(self, value: int) -> None:
        """Commit a value at the sub-pixel whose conditional is shown, whatever is in flight.

        That is the next one; during an edit, it is the edited one.
        """
        state = self.state
        if not self.usable or state is None or state.finished or not 0 <= value < state.spec.levels:
            return
        if isinstance(self._phase, Editing):
            self._change(self._phase.edit, value)
            return
        if self.busy or self._link.has_queued:
            self._link.enqueue(RewindPixels(session=0, step=state.step))
        self._link.enqueue(self.planner.place(state, value))
        self._replace_phase(Idle())

    def edit(self, step: int) -> None:
        """Show the conditional of a placed sub-pixel, so that ``choose`` changes its value; the image stays."""
        before = self.shown
        if self.usable and before is not None and 0 <= step < before.step:
            self._replace_phase(Editing(Edit(step, before)))

    def leave_edit(self) -> None:
        """End an edit without a change."""
        if isinstance(self._phase, Editing):
            self._leave_for(Idle())
            self.moved.emit()

    def _change(self, edit: Edit, value: int) -> None:
        keep, self.state = self.keep_following, edit.before
        self._link.enqueue(*self.planner.change(self.state, edit.step, value, keep=keep))
        self._replace_phase(Moving(self.state.step, draws=not keep))

    # ---- from phase to phase -----------------------------------------------------------------------------------------

    def _enter(self, phase: Phase) -> None:
        """Change the phase; playing starts and stops with it."""
        check_transition(self._phase, phase)
        before, self._phase = self._phase, phase
        starts = isinstance(phase, Playing) and not isinstance(before, Playing)
        if isinstance(before, Playing) and not isinstance(phase, Playing):
            self.clock.stop()
        if visible(before) != visible(phase):
            self.changed.emit()
        if starts and self._phase is phase:
            self.clock.start(due=float(self.busy))  # after the window has reacted, which would count as playing time
            self._play(1)

    def _replace_phase(self, phase: Phase) -> None:
        """Change the phase and send the next command."""
        self._enter(phase)
        self._proceed()

    def _leave_for(self, phase: Phase) -> None:
        """Change the phase; an edit ends without a change."""
        if isinstance(self._phase, Editing):
            self.state = self._phase.edit.before
            self._link.enqueue(RewindPixels(session=0, step=self.state.step))
        self._replace_phase(phase)

    def _proceed(self) -> None:
        """Send the next command, if the engine is free and there is something to do."""
        if self._link.busy:
            return
        if self._link.send_queued():
            self.stop = None
            return
        phase, state = self._phase, self.state
        if state is None:
            return
        goal = phase.goal(state)
        command = self.planner.next_command(goal, state) if goal is not None else None
        if command is not None:
            self.stop = None
            self._link.send(command)
        elif (following := phase.following(state)) != phase:
            self._replace_phase(following)

    # ---- the clock and the engine ------------------------------------------------------------------------------------

    def _on_tick(self) -> None:
        self._play(self.clock.take(self.speed_hz, free=not self.busy))

    def _play(self, count: int) -> None:
        """While the engine is free, advance by the number of sub-pixels that are due."""
        if self.busy or self.state is None or not isinstance(self._phase, Playing):
            return
        if self.state.finished:
            self._enter(Idle())
        elif count:
            self._replace_phase(Playing(self.state.step + count))

    def _on_moved(self, sent: NewGeneration | GenerationCommand, state: PixelSnapshot) -> None:
        before, self.state = self.state, state
        if isinstance(sent, NewGeneration):
            self.planner.path.begin(stale=sent.stale, same_prefix=sent.same_prefix, chosen=sent.chosen)
        self.planner.path.learn(state)
        phase = self._phase
        if isinstance(phase, Opening) and phase.new is sent:
            self._enter(Starting(state.step if sent.target is None else sent.target, then=phase.then))
        elif isinstance(sent, AdvancePixels):
            self._on_advanced(before, state)
        passed_by = isinstance(self._phase, Starting) and self._phase.target < state.step
        passing = passed_by or self._link.has_queued
        self._proceed()
        if isinstance(sent, NewGeneration):
            self.opened.emit()
        if not passing:
            self.moved.emit()

    def _on_advanced(self, before: PixelSnapshot | None, state: PixelSnapshot) -> None:
        """Stop at a breakpoint; while playing, leave the next target to the clock."""
        self.stop = self.planner.stop(self._phase.goal(state), before, state)
        if self.stop is not None:
            self._enter(Idle())
            self.changed.emit()
        elif isinstance(self._phase, Playing):  # what the engine had no time for within one command stays due
            self.clock.due += max(0, (self._phase.target or 0) - state.step)
            self._enter(Playing())

    def _on_refused(self, failure: CommandFailed) -> None:
        self._enter(Idle() if self._link.is_open else Closed())
        self.changed.emit()
        self.failed.emit(failure.message)
