"""``gmstudio lab``: listing, opening the window, and exercises without a window."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from docs.exercises import PAGE, page
from gmstudio import app, cli
from gmstudio.cli.labs import EXERCISE_KEYS, LAB_KEYS
from gmstudio.engine.exercises.reading import all_exercises
from gmstudio.labs import LABS
from gmstudio.runs.names import folder_of


def call(*arguments: str) -> str:
    return CliRunner().invoke(cli.app, ["lab", *arguments], catch_exceptions=False).output


def test_all_laboratories_and_exercises_are_listed() -> None:
    output = call()
    assert all(name in output for name in (*LABS, *all_exercises()))


def test_the_document_has_its_keys() -> None:
    document = json.loads(call("--json"))
    assert [lab["name"] for lab in document["labs"]] == list(LABS)
    assert all(set(lab) == set(LAB_KEYS) for lab in document["labs"])
    assert all(set(exercise) == set(EXERCISE_KEYS) for exercise in document["exercises"])


def test_a_name_opens_the_window_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def run(_argv: list[str], *, lab: str) -> int:
        opened.append(lab)
        return 0

    monkeypatch.setattr(app, "run", run)
    call("distributions")
    assert opened == ["distributions"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing", "--out", "x"), "no exercise 'nothing'; there are"),
        (("cs236-hw1", "--out", "x"), "has no run to train"),
        (("cs294-hw1-1", "--out", "x", "--run", "c"), "no run 'c'; there are a-histogram, b-logistics"),
        (("cs294-hw1-1", "--steps", "3"), "belong to --out DIR"),
        (("bound", "--json"), "leave the name out"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        call(*arguments)


def test_an_exercise_is_done_without_a_window(tmp_path: Path) -> None:
    output = call("cs294-hw1-1", "--out", str(tmp_path / "hw"), "--run", "a-histogram", "--steps", "12", "--seed", "4")
    folder = tmp_path / "hw" / "a-histogram"
    names = {"curve.csv", "curve.png", "density.csv", "density.png", "samples.csv", "samples.png", "test.json"}
    assert {path.name for path in folder.iterdir()} == names
    document: dict[str, Any] = json.loads((folder / "test.json").read_text())
    assert document["step"] == 12 and document["spec"]["training"]["seed"] == 4
    assert f"test value: {document['value']:.4f}" in output and "nats per point" in output
    assert folder_of(document["run"]).is_dir(), "the run is kept"


def test_the_page_of_the_exercises_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write docs/exercises.md anew with: python -m docs.exercises"
