"""Any sequence of edits and of runs that are shown: undoing all leads to the first state, redoing all to the last."""

from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QObject

from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.history import MAX_STEPS, History, Place

PANELS, RUNS, PARTS = 3, ("a", "b", "c"), ("code", "order")


class Shown(QObject):
    """A panel with two parts for each run; a run is opened by ``open``, as an engine does."""

    def __init__(self, history: History, number: int) -> None:
        super().__init__()
        self.run, self.is_open = RUNS[0], True
        self.content = {(run, part): 0 for run in RUNS for part in PARTS}
        self.edits = EditRecorder(self)
        for part in PARTS:
            self.edits.add_part(part, lambda part=part: self.content[self.run, part], self._restorer(part))  # type: ignore[misc]
        self.edits.about_run(lambda: self.run, self.choose, lambda run: run in RUNS, lambda: self.is_open)
        self.edits.edited.connect(lambda edit: history.push(edit, self.edits, Place(str(number))))
        self.edits.settled.connect(lambda: history.settle(self.edits))

    def _restorer(self, part: str):  # type: ignore[no-untyped-def]
        def restore(value: int) -> None:
            assert self.is_open, "content was restored before its run was open"
            self.content[self.run, part] = value

        return restore

    def choose(self, run: str) -> None:
        self.is_open = self.is_open and run == self.run
        self.run = run

    def open(self) -> None:
        self.is_open = True
        self.edits.settle()

    def set(self, part: str, value: int, drag: bool) -> None:
        with self.edits.recording(f"Set {part}", key=f"drag {part}" if drag else ""):
            self.content[self.run, part] = value


EDITS = st.tuples(st.integers(0, PANELS - 1), st.sampled_from(PARTS), st.integers(0, 3), st.booleans())
CHOICES = st.tuples(st.integers(0, PANELS - 1), st.sampled_from(RUNS))
ACTIONS = st.lists(st.one_of(EDITS, CHOICES, st.sampled_from(("undo", "redo"))), max_size=MAX_STEPS - 5)


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_undoing_all_leads_to_the_first_state_and_redoing_all_to_the_last(
    actions: list[tuple[int, str, int, bool] | tuple[int, str] | str],
) -> None:
    history = History()
    panels = [Shown(history, number) for number in range(PANELS)]

    def settle() -> None:
        for _ in range(3 * MAX_STEPS):
            waiting = [panel for panel in panels if not panel.is_open]
            if not waiting:
                return
            for panel in waiting:
                panel.open()
        raise AssertionError("the history waits for ever")

    def contents() -> list[dict[tuple[str, str], int]]:
        return [dict(panel.content) for panel in panels]

    first = contents()
    for action in actions:
        if isinstance(action, str):
            (history.undo if action == "undo" else history.redo)()
        elif len(action) == 2:
            panels[action[0]].choose(action[1])
        else:
            panels[action[0]].set(*action[1:])
        settle()
    last, end = contents(), history.index
    while history.undoable is not None:
        history.undo()
        settle()
    assert contents() == first
    history.go_to(end)
    settle()
    assert contents() == last
