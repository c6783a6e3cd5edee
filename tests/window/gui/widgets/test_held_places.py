"""Places of the user against answers of the engine."""

import pytest

from gmstudio.window.gui.widgets import held_places
from gmstudio.window.gui.widgets.held_places import LATE_S, HeldPlaces


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(held_places.time, "monotonic", lambda: now[0])
    return now


def test_the_place_of_a_drag_counts_until_its_answer(clock: list[float]) -> None:
    places = HeldPlaces[str]()
    places.held = "a"
    for x in (1.0, 2.0, 3.0):
        places.put("a", (x,))
    places.settle({"a": (9.0,)})
    assert places.get("a") == (3.0,)
    places.held = None
    places.settle({"a": (1.0,)})
    assert places.get("a") == (3.0,)
    places.settle({"a": (3.0,)})
    assert places.get("a") is None


def test_a_place_at_a_limit_counts_as_soon_as_the_drag_ends(clock: list[float]) -> None:
    places = HeldPlaces[str]()
    places.settle({"a": (0.0,)})
    places.held = "a"
    places.put("a", (1.0,))
    places.put("a", (2.0,))
    places.settle({"a": (1.5,)})  # as far as it goes
    assert places.get("a") == (2.0,)
    places.release()
    assert places.get("a") is None


def test_without_an_answer_the_place_of_the_drag_counts(clock: list[float]) -> None:
    places = HeldPlaces[str]()
    places.settle({"a": (0.0,)})
    places.held = "a"
    places.put("a", (1.0,))
    places.release()
    assert places.get("a") == (1.0,)


def test_an_earlier_place_counts_when_it_comes_too_late_to_be_an_answer(clock: list[float]) -> None:
    places = HeldPlaces[str]()
    places.put("a", (1.0,))
    places.put("a", (2.0,))
    clock[0] += LATE_S + 0.1
    places.settle({"a": (1.0,)})
    assert places.get("a") is None


def test_what_is_no_longer_there_is_let_go(clock: list[float]) -> None:
    places = HeldPlaces[str]()
    places.held = "a"
    places.put("a", (1.0,))
    places.settle({})
    assert places.held is None
    assert places.get("a") is None


def test_a_refused_or_undone_move_returns_at_once_and_a_dragged_one_when_the_drag_ends(clock: list[float]) -> None:
    places = HeldPlaces[str]()
    places.settle({"a": (0.0,)})
    places.put("a", (1.0,))
    places.settle({"a": (0.0,)})
    assert places.get("a") == (1.0,)  # perhaps the answer to an earlier move
    places.confirm("a")
    assert places.get("a") is None
    places.held = "a"
    places.put("a", (2.0,))
    places.confirm("a")
    assert places.get("a") == (2.0,)
    places.release()
    assert places.get("a") is None
