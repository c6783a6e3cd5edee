"""The family tree of runs: found by name, or by the start of a run that was renamed or moved."""

from typing import Any

import msgspec
from training_scene import info

from gmstudio.protocol.runs import RunInfo, RunOrigin
from gmstudio.window.state.runs.family_tree import family_tree, parents_of


def run(name: str, created: str, origin: tuple[str, str, int] | None = None) -> RunInfo:
    began = None if origin is None else RunOrigin(run=origin[0], created=origin[1], step=origin[2])
    values: dict[str, Any] = {"created": created, "origin": began}
    return msgspec.structs.replace(info(name), **values)


ROOT = run("root", "1")
EARLY, LATE = run("early", "3", ("root", "1", 100)), run("late", "2", ("root", "1", 700))
CHILD = run("child", "4", ("early", "3", 300))
OTHER, ORPHAN = run("other", "5"), run("orphan", "6", ("gone", "0", 50))
RUNS = (ORPHAN, OTHER, CHILD, EARLY, LATE, ROOT)


def shape(runs: tuple[RunInfo, ...], name: str) -> list[tuple[str, int, int, str]]:
    return [(one.info.run, one.row, one.begin, one.parent) for one in family_tree(runs, name)]


def test_each_run_is_below_the_one_it_began_from() -> None:
    expected = [("root", 0, 0, ""), ("early", 1, 100, "root"), ("child", 2, 300, "early"), ("late", 3, 700, "root")]
    for name in ("root", "early", "child", "late"):
        assert shape(RUNS, name) == expected
    assert shape(RUNS, "other") == [("other", 0, 0, "")]
    assert shape(RUNS, "orphan") == [("orphan", 0, 0, "")], "its parent is not in the library"
    assert shape(RUNS, "unknown") == []


def test_a_parent_that_was_renamed_is_found_by_its_start_and_another_run_of_its_name_is_none() -> None:
    renamed = run("renamed", "1")
    impostor = run("root", "9")
    assert parents_of((renamed, impostor, EARLY)) == {"early": "renamed"}


def test_runs_that_lead_in_a_circle_are_drawn_once() -> None:
    first, second = run("first", "1", ("second", "2", 5)), run("second", "2", ("first", "1", 7))
    assert sorted(one[0] for one in shape((first, second), "first")) == ["first", "second"]
