"""docs/coverage.md names modules, definitions and panels that there are."""

import re
from pathlib import Path

import pytest

from gmstudio.labs import LABS
from gmstudio.window.gui.places import PLACES

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if re.match(r"\| \d", line)]
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]*)+)`")
PLACE_AND_NAMES = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.py)`:((?:,? `\w+`)+)")
CELL = re.compile(r"(?<!\\)\|")
ELSEWHERE = {"command line", "theory", "as above", "`docs/benchmarks.md`"}
rows = pytest.mark.parametrize("row", ROWS, ids=lambda row: row[:60])


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in CELL.split(row)[1:-1]]


def test_there_are_five_notes() -> None:
    sections = re.split(r"^## \d\. ", TEXT, flags=re.MULTILINE)[1:]
    assert len(sections) == 5
    assert all(sum(line in section for line in ROWS) > 5 for section in sections)


def test_every_path_exists() -> None:
    paths = set(PATH.findall(TEXT))
    assert len(paths) > 50
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert not missing


@rows
def test_every_name_is_defined_where_it_is_said_to_be(row: str) -> None:
    for path, names in PLACE_AND_NAMES.findall(row):
        source = (ROOT / path).read_text(encoding="utf-8")
        for name in re.findall(r"`(\w+)`", names):
            definition = rf"^\s*(def {name}\b|class {name}\b|{name}\s*[:=])"
            assert re.search(definition, source, re.MULTILINE), f"{name} is not defined in {path}"


@rows
def test_every_statement_has_a_place_or_says_that_it_has_none(row: str) -> None:
    line, statement, computed, shown = _cells(row)
    assert re.fullmatch(r"\d+(–\d+)?", line) and statement and computed and shown
    if computed == "–":
        assert "not yet" in shown or shown == "–" or shown.startswith("theory")
    if "*not yet*" in computed + shown or shown == "–":
        return
    places = {place.title for place in PLACES} | ELSEWHERE
    assert any(place in shown for place in places), shown


def test_every_laboratory_that_is_named_is_there_and_most_are_named() -> None:
    """Each is opened by ``tests/labs/test_every_lab.py``."""
    titles = {lab.card.title for lab in LABS.values()}
    named = {
        next((title for title in titles if part.startswith(title)), part)
        for row in ROWS
        for part in re.findall(r"Foundations → ([^;|]+)", row)
    }
    assert named <= titles
    assert len(named) >= 7


def test_lines_of_a_note_are_in_order() -> None:
    for section in re.split(r"^## \d\. ", TEXT, flags=re.MULTILINE)[1:]:
        starts = [int(_cells(line)[0].split("–")[0]) for line in section.splitlines() if re.match(r"\| \d", line)]
        assert starts == sorted(starts)
