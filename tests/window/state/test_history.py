"""History of the window: order over panels, merging, bounds, runs that are opened, and runs that are gone."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QObject

from gmstudio.window.state import history as history_module
from gmstudio.window.state.content_size import array_sizes
from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.history import MAX_STEPS, History, Place


class Toy(QObject):
    """Panel with one value for each run; a run is opened by ``open``."""

    def __init__(self, history: History, name: str) -> None:
        super().__init__()
        self.run, self.runs, self.is_open = "a", {"a", "b"}, True
        self.content: dict[str, object] = {"a": 0, "b": 0}
        self.edits = EditRecorder(self)
        self.edits.add_part("value", lambda: self.content[self.run], self._restore)
        self.edits.about_run(lambda: self.run, self.choose, lambda run: run in self.runs, lambda: self.is_open)
        self.edits.edited.connect(lambda edit: history.push(edit, self.edits, Place(name, name.title())))
        self.edits.cleared.connect(lambda run: history.forget(self.edits, run))
        self.edits.settled.connect(lambda: history.settle(self.edits))

    def choose(self, run: str, *, is_open: bool = False) -> None:
        self.run, self.is_open = run, is_open

    def open(self) -> None:
        self.is_open = True
        self.edits.settle()

    def set(self, value: object, key: str = "") -> None:
        with self.edits.recording(f"Set {value}", key):
            self._restore(value)

    def _restore(self, value: object) -> None:
        self.content[self.run] = value


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def said(history: History) -> list[str]:
    said: list[str] = []
    history.said.connect(said.append)
    return said


def test_edits_of_two_panels_are_undone_in_the_order_in_which_they_were_made(history: History, said: list[str]) -> None:
    one, two, shown = Toy(history, "one"), Toy(history, "two"), []
    history.show = lambda step: shown.append(step.place.panel)
    one.set(1)
    two.set(1)
    one.set(2)
    history.undo()
    assert (one.content["a"], two.content["a"]) == (1, 1)
    history.undo()
    history.undo()
    assert (one.content["a"], two.content["a"]) == (0, 0) and history.undoable is None
    assert shown == ["one", "two", "one"]
    assert said == ["Undone: Set 2 (One)", "Undone: Set 1 (Two)", "Undone: Set 1 (One)"]
    history.go_to(3)
    assert (one.content["a"], two.content["a"]) == (2, 1) and history.redoable is None
    history.undo()
    two.set(5)
    assert history.redoable is None, "a new edit ends what could be redone"


def test_undoing_shows_the_run_again_and_waits_until_it_is_open(history: History, said: list[str]) -> None:
    toy = Toy(history, "one")
    toy.set(1)
    toy.choose("b", is_open=True)
    toy.set(2)
    history.undo()
    history.undo()
    assert (toy.run, toy.content["a"]) == ("a", 1) and said[-1] == "Opening the run of: Set 1 (One)"
    toy.open()
    assert toy.content == {"a": 0, "b": 0} and said[-1] == "Undone: Set 1 (One)"
    history.redo()
    history.redo()  # before the run is open
    assert (toy.run, toy.content) == ("b", {"a": 1, "b": 0})
    toy.open()
    assert toy.content == {"a": 1, "b": 2}


def test_an_edit_ends_what_waits_for_a_run(history: History) -> None:
    toy, other = Toy(history, "one"), Toy(history, "two")
    toy.set(1)
    toy.choose("b", is_open=True)
    history.undo()
    other.set(3)
    toy.open()
    assert toy.content["a"] == 1 and len(history.steps) == 2


def test_steps_of_a_run_that_is_gone_are_passed_over_with_a_sentence(history: History, said: list[str]) -> None:
    toy, other = Toy(history, "one"), Toy(history, "two")
    other.set(7)
    toy.set(1)
    toy.set(2)
    toy.choose("b", is_open=True)
    toy.runs.discard("a")
    history.undo()
    assert other.content["a"] == 0 and toy.run == "b" and history.undoable is None
    assert said[-1] == "Undone: Set 7 (Two). Passed over 2 steps of a run that is gone."


def test_a_run_that_cannot_be_opened_is_passed_over(history: History, said: list[str]) -> None:
    toy, other = Toy(history, "one"), Toy(history, "two")
    other.set(7)
    toy.set(1)
    toy.choose("b", is_open=True)
    history.undo()
    history.give_up("b", "of another run")
    assert other.content["a"] == 7
    history.give_up("a", "It is damaged.")
    assert "It is damaged." in said and other.content["a"] == 0


def test_a_step_waits_no_longer_when_the_engine_is_gone(history: History) -> None:
    toy = Toy(history, "one")
    toy.set(1)
    toy.choose("b", is_open=True)
    history.undo()
    history.stop()
    toy.open()
    assert toy.content["a"] == 1 and history.undoable is not None


def test_movements_merge_but_not_across_an_undo_nor_with_another_run(history: History) -> None:
    toy = Toy(history, "one")
    for value in (1, 2, 3):
        toy.set(value, "move")
    assert len(history.steps) == 1
    toy.choose("b", is_open=True)
    toy.set(4, "move")
    assert len(history.steps) == 2
    toy.set(0, "move")
    assert len(history.steps) == 1, "it led back to the beginning"
    toy.choose("a", is_open=True)
    toy.set(5)
    history.undo()
    toy.set(6, "move")
    assert len(history.steps) == 2, "undoing ended the drag"


def test_the_history_of_one_run_can_be_forgotten(history: History) -> None:
    toy = Toy(history, "one")
    toy.set(1)
    toy.choose("b", is_open=True)
    toy.set(1)
    toy.edits.clear("a")
    assert [step.edit.run for step in history.steps] == ["b"] and history.index == 1
    toy.edits.clear()
    assert history.steps == [] and history.undoable is None


def test_it_holds_a_hundred_steps_and_no_more_than_its_bytes(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Toy(history, "one")
    for value in range(1, MAX_STEPS + 6):
        toy.set(value)
    assert len(history.steps) == MAX_STEPS
    while history.undoable is not None:
        history.undo()
    assert toy.content["a"] == 5
    monkeypatch.setattr(history_module, "MAX_BYTES", 4000)
    for value in range(5):
        toy.set(np.full(1000, value, np.uint8))
    assert len(history.steps) == 3 and history.num_bytes == 4000, "the array between two steps counts once"


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (lambda: np.zeros(10, np.float32), 40),
        (lambda: {"a": (np.zeros(4), [np.zeros(2, np.uint8)])}, 34),
        (lambda: np.zeros((8, 8))[0], 512),
        (lambda: "x" * 2000, 2000),
        (lambda: ("short", 3, None, 0.5), 0),
        (lambda: Place("a", "b", ()), 0),
    ],
)
def test_sizes_of_contents(content: Callable[[], object], size: int) -> None:
    assert sum(array_sizes(content()).values()) == size


def test_a_step_knows_with_which_checkpoint_its_run_was_explored(history: History) -> None:
    toy, chosen = Toy(history, "one"), {"a": 100}
    history.checkpoint_of = chosen.get
    toy.set(1)
    chosen.clear()
    toy.set(2, key="drag")
    chosen["a"] = 200
    toy.set(3, key="drag")
    assert [step.checkpoint for step in history.steps] == [100, None], "that at the beginning of the drag"
