"""Choice of the commands that lead to a step of a generation, or change a value; their session is left open."""

from dataclasses import dataclass

from gmstudio.protocol.pixels import AdvancePixels, EditPixel, ForgetPath, PlacePixel, RewindPixels
from gmstudio.window.state.pixels.breakpoints import Breakpoints, Stop
from gmstudio.window.state.pixels.generation_link import GenerationCommand
from gmstudio.window.state.pixels.path import PathMemory
from gmstudio.window.state.pixels.snapshot import PixelSnapshot, inverse_cdf, tempered

PLAY_BUDGET_MS = 30.0
"""Only what is due is asked for, so this ends a command only behind a training, whose next step takes longer still."""
FINISH_BUDGET_MS = 25.0


@dataclass(frozen=True)
class Goal:
    """A step to get to.

    Args:
        step: sub-pixels to be placed.
        draws: advance to it, drawing beyond the recorded path; otherwise it is reached along that path only.
        stops_at_breakpoints: the first breakpoint on the way ends the move.
        budget_ms: engine time of one command.
    """

    step: int
    draws: bool = False
    stops_at_breakpoints: bool = False
    budget_ms: float = PLAY_BUDGET_MS


class Planner:
    """The settings of the draws to come, the recorded path, and the next command towards a goal.

    Attributes:
        temperature: of the draws to come.
        seed: of the uniforms to come.
        breakpoints: conditions at which a move ends early where its goal allows it.
        path: values of the path seen so far.
    """

    def __init__(self) -> None:
        self.temperature = 1.0
        self.seed = 0
        self.breakpoints = Breakpoints()
        self.path = PathMemory()

    def next_command(self, goal: Goal, state: PixelSnapshot) -> GenerationCommand | None:
        """Return the command to send now; None where the goal is reached."""
        step = goal.step if goal.draws else min(goal.step, state.path)
        if step == state.step:
            return None
        if step < state.step or not goal.draws:
            return RewindPixels(session=0, step=step)
        if self.path.stale:
            self.path.stale = False
            return ForgetPath(session=0, seed=self.seed)
        points = self.breakpoints if goal.stops_at_breakpoints else Breakpoints()
        return AdvancePixels(
            session=0,
            count=step - state.step,
            temperature=self.temperature,
            budget_ms=goal.budget_ms,
            stop_entropy=points.stop_entropy,
            stop_probability=points.stop_probability,
        )

    def stop(self, goal: Goal | None, before: PixelSnapshot | None, state: PixelSnapshot) -> Stop | None:
        """Return the breakpoint at which a generation stops after it was advanced from ``before`` to ``state``."""
        advanced = before is None or before.step != state.step
        return self.breakpoints.hit(state) if advanced and goal is not None and goal.stops_at_breakpoints else None

    def upcoming(self, state: PixelSnapshot) -> int | None:
        """Value that advancing places next: the recorded one, or the draw; None at the end."""
        if state.finished:
            return None
        recorded = self.path.upcoming(state)
        if recorded is not None:
            return recorded
        return inverse_cdf(tempered(state.conditional, self.temperature), state.uniform)

    def place(self, state: PixelSnapshot, value: int) -> PlacePixel:
        """Return the command that commits the user's value at the next sub-pixel."""
        self.path.choose(state.step)
        return PlacePixel(session=0, value=value)

    def change(self, state: PixelSnapshot, step: int, value: int, *, keep: bool) -> tuple[GenerationCommand, ...]:
        """Return the commands that change a placed sub-pixel.

        Args:
            state: the generation before.
            step: of the sub-pixel.
            value: its new level.
            keep: the later values stay, up to ``state.step``; otherwise they are to be drawn again.
        """
        self.path.choose(step, keep=keep)
        if not keep and self.path.stale:  # what follows is drawn with the new seed and temperature
            return RewindPixels(session=0, step=step), PlacePixel(session=0, value=value)
        change = EditPixel(session=0, step=step, value=value, keep=keep, temperature=self.temperature)
        return RewindPixels(session=0, step=state.step), change
