"""One history of the edits of all panels, in the order in which they were made.

A step keeps the run that it belongs to: undoing it shows that run again, waits until its content is there, and restores
it. Steps of a run that is gone are passed over with a sentence. The history is bounded: ``MAX_STEPS`` steps, and
``MAX_BYTES`` of what they hold; the oldest are dropped.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.content_size import array_sizes
from gmstudio.window.state.edits import Edit, EditRecorder

MAX_STEPS = 100
MAX_BYTES = 64 * 2**20
"""Room for the arrays of all steps, each counted once however many steps share it. A stroke on the largest canvas that
can be drawn on, 256×256 in colour, holds 192 KiB before and as much after."""


@dataclass(frozen=True)
class Place:
    """Where a step was made.

    Args:
        panel: name of the panel, or "".
        title: of the panel, as people read it.
        pages: object names of the tabs that were open, and the name of the page of each.
    """

    panel: str = ""
    title: str = ""
    pages: tuple[tuple[str, str], ...] = ()


@dataclass(eq=False)
class Step:
    """One step of the history.

    Args:
        edit: that was made.
        recorder: restores it.
        place: where it was made.
        checkpoint: step of the checkpoint with whose weights its run was explored; None: the newest weights.
        sizes: identity → bytes of each array that it holds.
    """

    edit: Edit
    recorder: EditRecorder
    place: Place = Place()
    checkpoint: int | None = None
    sizes: dict[int, int] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name of the edit, and the panel in which it was made."""
        return f"{self.edit.name} ({self.place.title})" if self.place.title else self.edit.name


class _Readiness(Enum):
    """Readiness of a step to be undone or redone."""

    READY = 1
    WAITS = 2
    GONE = 3


class History(QObject):
    """Edits that can be undone and redone.

    Attributes:
        steps: from the oldest to the newest, those that are undone at the end.
        index: number of steps that are not undone.
        show: called with a step before it is undone or redone, to show where it was made.
        checkpoint_of: returns the step of the checkpoint with whose weights a run is explored now; None: the newest.

    Signals:
        changed: ``steps`` or ``index`` changed.
        said: sentence on what was undone or redone, or why not.
    """

    changed = Signal()
    said = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.steps: list[Step] = []
        self.index = 0
        self.show: Callable[[Step], None] = lambda _step: None
        self.checkpoint_of: Callable[[str], int | None] = lambda _run: None
        self._aim = 0
        self._moves = 0
        self._merges = True
        self._works = False
        self._passed = 0
        self._awaited: EditRecorder | None = None

    # ---- recording -----------------------------------------------------------------------------------------------

    def push(self, edit: Edit, recorder: EditRecorder, place: Place = Place()) -> None:
        """Take an edit that was made; what is undone can no longer be redone."""
        del self.steps[self.index :]
        self._stop()
        last = self.steps[-1] if self.steps and self._merges else None
        merges = last is not None and last.recorder is recorder and bool(edit.key) and last.edit.key == edit.key
        if last is not None and merges and last.edit.run == edit.run:
            last.edit = last.edit.merged(edit)
            last.sizes = array_sizes((last.edit.before, last.edit.after))
            if last.edit.empty:
                self.steps.pop()
        else:
            checkpoint = self.checkpoint_of(edit.run) if edit.run else None
            self.steps.append(Step(edit, recorder, place, checkpoint, array_sizes((edit.before, edit.after))))
        self._merges = True
        self._bound()
        self.index = self._aim = len(self.steps)
        self.changed.emit()

    def forget(self, recorder: EditRecorder, run: str = "") -> None:
        """Drop the steps of a recorder, or those of one run."""
        kept = [not (s.recorder is recorder and run in ("", s.edit.run)) for s in self.steps]
        if not all(kept):
            self._stop()
            self.index = self._aim = sum(kept[: self.index])
            self.steps = [step for step, stays in zip(self.steps, kept, strict=True) if stays]
            self.changed.emit()

    @property
    def num_bytes(self) -> int:
        """Bytes of the arrays that the steps hold."""
        held: dict[int, int] = {}
        for step in self.steps:
            held |= step.sizes
        return sum(held.values())

    def _bound(self) -> None:
        del self.steps[: -MAX_STEPS or None]
        while len(self.steps) > 1 and self.num_bytes > MAX_BYTES:
            del self.steps[0]

    # ---- undoing and redoing -------------------------------------------------------------------------------------

    @property
    def undoable(self) -> Step | None:
        """Step that would be undone; None: there is none."""
        return self.steps[self._aim - 1] if self._aim else None

    @property
    def redoable(self) -> Step | None:
        """Step that would be redone; None: there is none."""
        return self.steps[self._aim] if self._aim < len(self.steps) else None

    def undo(self) -> None:
        """Undo the newest step, wherever it was made."""
        self.go_to(self._aim - 1)

    def redo(self) -> None:
        """Redo the step that was undone last."""
        self.go_to(self._aim + 1)

    def go_to(self, index: int) -> None:
        """Undo or redo steps until this many are not undone; as soon as the runs of the steps are shown."""
        aim = min(max(index, 0), len(self.steps))
        if self._aim == self.index:
            self._passed = 0
        self._moves = aim - self._aim
        self._aim = aim
        self._advance()

    def give_up(self, run: str, reason: str) -> None:
        """Pass over the step that waits for a run, which could not be opened."""
        awaited = self._awaited
        if awaited is not None and awaited.run == run:
            self._pass_over(back=self._aim < self.index)
            self.said.emit(reason)
            self._advance()

    def stop(self) -> None:
        """Wait for no run any longer: the engine is gone."""
        if self._awaited is not None:
            self._stop()
            self.changed.emit()

    def settle(self, recorder: EditRecorder) -> None:
        """Go on with the step that waited for the content of this recorder."""
        if recorder is self._awaited:
            self._advance()

    def _advance(self) -> None:
        if self._works:  # what is restored may settle at once
            return
        self._works, self._merges = True, False
        try:
            while self._aim != self.index:
                back = self._aim < self.index
                step = self.steps[self.index - 1 if back else self.index]
                readiness = self._prepare(step)
                if readiness is _Readiness.WAITS:
                    break
                if readiness is _Readiness.GONE:
                    self._pass_over(back=back)
                    continue
                self.index += -1 if back else 1
                step.recorder.restore(step.edit.before if back else step.edit.after)
                self._say(f"{'Undone' if back else 'Redone'}: {step.title}")
            else:
                self._awaited = None
                if self._passed and self._moves:
                    self._say("")
        finally:
            self._works = False
        self.changed.emit()

    def _prepare(self, step: Step) -> _Readiness:
        """Show where a step was made, and its run."""
        self._awaited = None
        subject, run = step.recorder.subject, step.edit.run
        if subject is None or not run:
            self.show(step)
            return _Readiness.READY
        if subject.shown() != run and not subject.known(run):
            if step.recorder.needs_run:
                return _Readiness.GONE
            self.show(step)
            return _Readiness.READY
        self.show(step)
        opens = subject.shown() != run
        if opens:
            subject.choose(run)
        if subject.ready() if step.recorder.needs_run else subject.opened():
            return _Readiness.READY
        self._awaited = step.recorder
        self.said.emit(f"{'Opening the run of' if opens else 'Waiting for what is computed now, then'}: {step.title}")
        return _Readiness.WAITS

    def _pass_over(self, *, back: bool) -> None:
        """Leave a step as it is; where one step was asked for, the next one takes its place."""
        self._passed += 1
        self.index += -1 if back else 1
        end = 0 if back else len(self.steps)
        if abs(self._moves) == 1 and self._aim == self.index != end:
            self._aim += -1 if back else 1

    def _say(self, sentence: str) -> None:
        passed, self._passed = self._passed, 0
        steps = "1 step" if passed == 1 else f"{passed} steps"
        skipped = f"Passed over {steps} of a run that is gone." if passed else ""
        self.said.emit(". ".join(filter(None, (sentence, skipped))) if sentence else skipped)

    def _stop(self) -> None:
        self._awaited, self._aim, self._passed = None, self.index, 0
