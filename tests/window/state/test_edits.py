"""Recording edits as pairs of snapshots: names, merging, what is left out, and restoring."""

import numpy as np
import pytest
from PySide6.QtCore import QObject

from gmstudio.window.state.edits import Edit, EditRecorder, same_content


class Toy(QObject):
    """Two parts: numbers, and a word."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers, self.word = np.zeros(2), "a"
        self.restored: list[str] = []
        self.edits = EditRecorder(self)
        self.edits.add_part("numbers", lambda: self.numbers, self._restore_numbers)
        self.edits.add_part("word", lambda: self.word, self._restore_word)
        self.made: list[Edit] = []
        self.edits.edited.connect(self.made.append)

    def _restore_numbers(self, numbers: np.ndarray) -> None:
        self.set_numbers(*numbers)
        self.restored.append("numbers")

    def _restore_word(self, word: str) -> None:
        self.word = word
        self.restored.append("word")

    def set_numbers(self, *numbers: float) -> None:
        with self.edits.recording("Set", key="numbers"):
            self.numbers = np.array(numbers)


def test_an_edit_has_a_name_and_what_differs_before_and_after() -> None:
    toy = Toy()
    toy.set_numbers(1, 2)
    (edit,) = toy.made
    assert (edit.name, edit.key, set(edit.before)) == ("Set", "numbers", {"numbers"})
    toy.word = "b"
    toy.edits.restore(edit.before)
    assert toy.numbers.tolist() == [0, 0] and toy.word == "b" and toy.restored == ["numbers"]
    assert len(toy.made) == 1  # restoring is no edit


def test_an_edit_inside_another_belongs_to_it() -> None:
    toy = Toy()
    with toy.edits.recording("Both"):
        toy.word = "c"
        toy.set_numbers(3, 4)
    assert [edit.name for edit in toy.made] == ["Both"]
    assert set(toy.made[0].after) == {"numbers", "word"}


def test_no_edit_without_a_change_nor_where_recording_is_off() -> None:
    toy = Toy()
    toy.set_numbers(0, 0)
    with toy.edits.unrecorded():
        toy.set_numbers(5, 5)
    with pytest.raises(RuntimeError), toy.edits.recording("Failing"):
        raise RuntimeError
    assert toy.made == []
    toy.set_numbers(6, 6)
    assert len(toy.made) == 1  # recording goes on after an error


def test_edits_merge_to_one_from_the_first_to_the_last() -> None:
    toy = Toy()
    toy.set_numbers(1, 1)
    toy.set_numbers(2, 2)
    merged = toy.made[0].merged(toy.made[1])
    assert same_content(merged.before, {"numbers": np.zeros(2)}) and not merged.empty
    toy.set_numbers(0, 0)
    assert merged.merged(toy.made[2]).empty
