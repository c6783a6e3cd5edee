"""The pictures in the documents: each that is shown exists, has words for who cannot see it, and can be taken again."""

import re
from pathlib import Path

import pytest

from benchmarks.scaling.plot import PATH as PLOT
from docs.pictures.take import NAMED_FILMS, PICTURES

ROOT = Path(__file__).parent.parent
SHOWN = re.compile(r"!\[(?P<words>[^\]]*)\]\((?P<path>[^)]+)\)")
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
LEAST_WORDS = 5


def shown() -> list[tuple[str, Path]]:
    return [
        (match["words"], (page.parent / match["path"]).resolve())
        for page in PAGES
        for match in SHOWN.finditer(page.read_text(encoding="utf-8"))
    ]


def test_every_picture_that_is_shown_exists_and_is_told_in_words() -> None:
    assert shown()
    for words, path in shown():
        assert path.is_file(), path
        assert len(words.split()) >= LEAST_WORDS, path


def test_every_picture_in_the_folder_is_shown_and_can_be_taken_again() -> None:
    files = {path.name for suffix in ("png", "gif") for path in (ROOT / "docs/pictures").glob(f"*.{suffix}")}
    can_be_taken = {f"{name}.png" for name in PICTURES} | {f"{name}.gif" for name in NAMED_FILMS}
    pictures = {path for _, path in shown() if path.parent == ROOT / "docs/pictures"}
    assert files == can_be_taken == {path.name for path in pictures}
    assert {path for _, path in shown()} - pictures == {PLOT}, "the plot that `benchmarks scaling --plot` draws"


def test_a_film_is_small_enough_for_the_first_page() -> None:
    for name in NAMED_FILMS:
        assert (ROOT / f"docs/pictures/{name}.gif").stat().st_size <= 4_000_000


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_needs_models_that_there_are(name: str) -> None:
    from docs.pictures.models import MODELS

    assert set(PICTURES[name].models) <= set(MODELS)
