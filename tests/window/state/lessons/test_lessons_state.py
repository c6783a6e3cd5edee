"""Which lesson is open, and where the reader is in each."""

import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.state.lessons.state import TITLES, LessonsState, lessons


def test_lessons_have_four_to_ten_steps() -> None:
    assert {name: lesson.title for name, lesson in lessons().items()} == TITLES
    for lesson in lessons().values():
        assert 4 <= len(lesson.steps) <= 10, lesson.name
        assert 5 <= lesson.minutes <= 40
        assert all(step.highlights for step in lesson.steps), lesson.name


def test_a_step_is_kept_when_the_lesson_is_closed_and_in_the_next_window(qtbot: QtBot) -> None:
    state = LessonsState()
    with qtbot.waitSignal(state.changed):
        state.open("game")
    state.go(2)
    state.close()
    assert state.lesson is None
    later = LessonsState()
    later.restore_choices(state.choices())
    later.open("game")
    assert later.number == 2
    assert later.step is lessons()["game"].steps[2]


def test_steps_end_at_the_ends_and_a_finished_lesson_begins_anew() -> None:
    state = LessonsState()
    state.open("bound")
    state.go(-1)
    assert state.number == 0
    state.go(100)
    assert state.number == len(lessons()["bound"].steps) - 1
    state.close()
    state.open("bound")
    assert state.number == 0


@pytest.mark.parametrize("kept", [{}, {"places": 3}, {"places": {"game": 99, "other": 1, "bound": "2"}}])
def test_places_that_do_not_exist_are_left_out_or_the_last_one(kept: dict[str, object]) -> None:
    state = LessonsState()
    state.restore_choices(kept)
    assert [state.place(name) for name in TITLES if name != "game"] == [0] * (len(TITLES) - 1)
    assert 0 <= state.place("game") < len(lessons()["game"].steps)
    state.open("unknown")
    assert state.lesson is None
