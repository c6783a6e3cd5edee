"""Phases of moving through a generation, and the legal transitions between them.

One phase holds at a time. It defines the step to go to and the phase that follows there. Commands that must not be lost
(placing a value, an edit) go first, whatever the phase.
"""

from dataclasses import dataclass, field

from gmstudio.window.state.pixels.generation_link import NewGeneration
from gmstudio.window.state.pixels.planner import FINISH_BUDGET_MS, Goal
from gmstudio.window.state.pixels.snapshot import PixelSnapshot


@dataclass(frozen=True, eq=False)
class Edit:
    """A placed sub-pixel whose value is to be changed.

    Args:
        step: of the sub-pixel; the generation is there meanwhile, so that its conditional is shown.
        before: the generation before the edit, to which it returns.
    """

    step: int
    before: PixelSnapshot


def step_to_edit(state: PixelSnapshot, editing: Edit | None, row: int, column: int) -> int | None:
    """Step of the placed sub-pixel of a pixel that is edited by a click: the first one, or the one after ``editing``.

    Returns:
        None where the pixel is not placed.
    """
    steps = [step for step in state.steps_of_pixel(row, column).tolist() if step < state.step]
    at = steps.index(editing.step) + 1 if editing is not None and editing.step in steps else 0
    return steps[at % len(steps)] if steps else None


@dataclass(frozen=True)
class Phase:
    """Base of the phases."""

    def goal(self, state: PixelSnapshot) -> Goal | None:
        """Return the step to get to; None: stay where the commands in flight lead."""
        return None

    def following(self, state: PixelSnapshot) -> "Phase":
        """Return the phase that follows once the goal, if any, is reached and no command is in flight."""
        return self


@dataclass(frozen=True)
class Closed(Phase):
    """Nothing is open; the last snapshot may still be shown."""


@dataclass(frozen=True)
class Idle(Phase):
    """Nothing to do; a command may still be in flight."""


@dataclass(frozen=True)
class Moving(Phase):
    """On the way to a step.

    Args:
        target: the step.
        draws: advance to it, drawing beyond the recorded path.
        stops_at_breakpoints: the first breakpoint on the way ends the move.
    """

    target: int
    draws: bool = False
    stops_at_breakpoints: bool = False

    def goal(self, state: PixelSnapshot) -> Goal:
        """The target."""
        return Goal(self.target, self.draws, self.stops_at_breakpoints)

    def following(self, state: PixelSnapshot) -> Phase:
        """Stay there."""
        return Idle()


@dataclass(frozen=True)
class Stepping(Phase):
    """On the way to a step that counts from wherever the commands in flight lead.

    Args:
        count: sub-pixels to advance, negative to go back.
    """

    count: int

    def following(self, state: PixelSnapshot) -> Phase:
        """Move, now that the origin is known."""
        return Moving(max(0, min(state.step + self.count, state.num_dims)), draws=self.count > 0)


@dataclass(frozen=True)
class Playing(Phase):
    """Advancing at a speed.

    Args:
        target: the step that is due now; None: wait for the clock.
    """

    target: int | None = None

    def goal(self, state: PixelSnapshot) -> Goal | None:
        """The step that is due."""
        if self.target is None:
            return None
        return Goal(min(self.target, state.num_dims), draws=True, stops_at_breakpoints=True)

    def following(self, state: PixelSnapshot) -> Phase:
        """Wait for the clock."""
        return Playing()


@dataclass(frozen=True)
class Finishing(Phase):
    """On the way to the end, as fast as the engine can."""

    def goal(self, state: PixelSnapshot) -> Goal:
        """The end."""
        return Goal(state.num_dims, draws=True, stops_at_breakpoints=True, budget_ms=FINISH_BUDGET_MS)

    def following(self, state: PixelSnapshot) -> Phase:
        """Stay there."""
        return Idle()


@dataclass(frozen=True)
class Editing(Phase):
    """At a placed sub-pixel, to change its value; the image is shown as it was before.

    Args:
        edit: the sub-pixel, and the generation before.
    """

    edit: Edit

    def goal(self, state: PixelSnapshot) -> Goal:
        """The sub-pixel."""
        return Goal(self.edit.step)


Then = Idle | Stepping | Playing | Finishing
"""Phase that can be chosen before the generation is where it begins."""


@dataclass(frozen=True)
class Beginning(Phase):
    """Base of the phases before a generation is where it begins.

    Args:
        then: the phase that follows there.
    """

    then: Then = field(default=Idle(), kw_only=True)


@dataclass(frozen=True)
class Starting(Beginning):
    """On the way to the step where a generation begins, such as the end of the observed pixels.

    Args:
        target: that step, on the recorded path.
    """

    target: int

    def goal(self, state: PixelSnapshot) -> Goal:
        """The step where it begins."""
        return Goal(self.target)

    def following(self, state: PixelSnapshot) -> Phase:
        """Begin."""
        return self.then


@dataclass(frozen=True)
class Opening(Beginning):
    """A generation was requested and is not open yet.

    Args:
        new: the generation.
    """

    new: NewGeneration


_ANYTHING = frozenset({Closed, Opening, Starting, Idle, Moving, Stepping, Playing, Finishing, Editing})
TRANSITIONS: dict[type[Phase], frozenset[type[Phase]]] = {
    Closed: frozenset({Closed, Opening}),
    Opening: frozenset({Closed, Opening, Starting, Idle}),
    Starting: _ANYTHING,
    Idle: _ANYTHING,
    Moving: _ANYTHING - {Stepping},
    Stepping: _ANYTHING,
    Playing: _ANYTHING - {Starting},
    Finishing: _ANYTHING - {Starting, Finishing},
    Editing: _ANYTHING - {Stepping},
}
"""Phases that may follow each phase.

Every phase can be closed, and replaced by another generation; from ``Opening`` a refusal leads back to ``Idle``, or to
``Closed`` where nothing was open before.
"""


def check_transition(before: Phase, after: Phase) -> None:
    """Assert that a phase may follow another."""
    assert type(after) in TRANSITIONS[type(before)], f"{type(after).__name__} after {type(before).__name__}"


def intended(phase: Phase) -> Phase:
    """Return the phase itself, or the one that follows where the generation begins."""
    return phase.then if isinstance(phase, Beginning) else phase


def visible(phase: Phase) -> tuple[type[Phase] | None, Edit | None]:
    """Return the kind of motion and the edit, which is what the panel shows of a phase."""
    kind = type(intended(phase))
    return kind if kind in (Playing, Finishing) else None, phase.edit if isinstance(phase, Editing) else None
