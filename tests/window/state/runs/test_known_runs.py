import time

import msgspec
import pytest
from PySide6.QtCore import QObject, Signal
from pytestqt.qtbot import QtBot
from runs_scene import run as run_of

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.state.runs.known_runs import KnownRuns
from gmstudio.window.state.runs.list_parts import in_order
from gmstudio.window.state.runs.turns import BUDGET_S, MANY, Turns


def _runs(count: int) -> list[RunInfo]:
    return [
        msgspec.structs.replace(
            run_of(f"run {number}"),
            created=f"2026-01-{1 + number % 28:02}",
            starred=number % 5 == 0,
            example=number % 7 == 0,
            checkpoint_steps=(10,) if number % 3 else (),
            capabilities=("sample",) if number % 2 else (),
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("change", [{"note": "n"}, {"starred": True}, {"checkpoint_steps": (5,)}, {"example": True}])
def test_what_is_kept_is_what_would_be_made_anew(change: dict[str, object]) -> None:
    known, infos = KnownRuns(), {info.run: info for info in _runs(40)}
    known.update(infos.values())
    live = "run 6"
    for _ in range(2):
        known.ordered(), known.able("sample", live), known.able("", ""), known.examples("nade")
        infos["run 3"] = known["run 3"] = msgspec.structs.replace(infos["run 3"], **change)
        assert known.ordered() == in_order(infos.values())
        able = [i for i in known.ordered() if (i.checkpoint_steps or i.run == live) and "sample" in i.capabilities]
        assert known.able("sample", live) == sorted(able, key=lambda info: info.run != live)
        family = infos["run 3"].spec.family
        assert known.examples(family) == [info.run for info in infos.values() if info.example]
        assert known.newest(family, "") == next(info.run for info in known.ordered() if info.checkpoint_steps)
    known.remove(["run 3", "none"])
    assert "run 3" not in known and len(known) == 39 and len(known.ordered()) == 39


class _Source(QObject):
    changed = Signal()


class _Follower(QObject):
    def __init__(self, calls: list[str], name: str) -> None:
        super().__init__()
        self._calls, self._name = calls, name

    def work(self) -> None:
        self._calls.append(self._name)


def test_with_few_runs_all_follow_at_once_and_with_many_one_in_a_turn(qtbot: QtBot) -> None:
    source, calls, count = _Source(), list[str](), MANY - 1
    turns = Turns(source.changed, lambda: count, source)
    first, second = _Follower(calls, "a"), _Follower(calls, "b")
    turns.add(first.work)
    turns.add(second.work)
    source.changed.emit()
    assert calls == ["a", "b"] and not turns.waiting
    count = MANY
    source.changed.emit()
    source.changed.emit()
    assert calls == ["a", "b"] and turns.waiting
    qtbot.waitUntil(lambda: not turns.waiting)
    assert calls == ["a", "b"] * 2
    del first
    source.changed.emit()
    qtbot.waitUntil(lambda: not turns.waiting)
    assert calls == ["a", "b", "a", "b", "b"]


def test_lists_that_take_long_wait_for_the_next_turn_and_are_the_first_of_it(qtbot: QtBot) -> None:
    calls = list[str]()

    class Slow(_Follower):
        def work(self) -> None:
            super().work()
            end = time.thread_time() + BUDGET_S
            while time.thread_time() < end:
                pass

    source = _Source()
    turns = Turns(source.changed, lambda: 1, source)
    followers = [Slow(calls, name) for name in "ab"]
    for follower in followers:
        turns.add(follower.work)
    source.changed.emit()
    assert calls == ["a"] and turns.waiting
    source.changed.emit()
    assert calls == ["a", "b"], "what waits is not put off by another change"
    qtbot.waitUntil(lambda: not turns.waiting)
    assert calls == ["a", "b", "a"]
