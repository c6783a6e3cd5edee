"""The glossary's file is read completely and written for Help."""

import re

from gmstudio.system.resources import resource_path
from gmstudio.window.gui.shell.glossary import COLUMNS, FILE, Entry, glossary_html, read_glossary


def entries() -> list[Entry]:
    return [entry for section in read_glossary() for entry in section.entries]


def test_every_row_of_the_file_is_an_entry() -> None:
    text = resource_path(FILE).read_text(encoding="utf-8")
    head = f"| {' | '.join(COLUMNS)} |"
    rows = [line for line in text.splitlines() if line.startswith("| ") and line != head]
    assert text.count(head) == len(read_glossary()) > 3
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [entry.term for entry in entries()]


def test_entries_are_complete() -> None:
    for entry in entries():
        assert entry.term and entry.definition.endswith(".") and entry.screen, entry
    terms = [entry.term for entry in entries()]
    assert len(set(terms)) == len(terms)


def test_sources_are_listed_and_cited() -> None:
    """By first author and year."""
    listed = resource_path(FILE).read_text(encoding="utf-8").partition("## Sources")[2]
    works = {key(line.removeprefix("- ")) for line in listed.splitlines() if line.startswith("- ")}
    cited = {key(source) for entry in entries() for source in entry.source.split("; ") if source}
    assert cited == works


def key(work: str) -> tuple[str, str]:
    year = re.search(r"\((\d{4})\)", work)
    assert year is not None, work
    return re.split(r"[ ,]", work)[0], year[1]


def test_texts_of_controls_are_quoted() -> None:
    entry = Entry("Entropy", "H", "Expected surprisal.", "Pixels → “Stop at entropy >”; Train → curves", "")
    assert entry.quoted == (("Pixels", "Stop at entropy >"),)


def test_html_escapes_symbols() -> None:
    html = glossary_html(read_glossary(), "#ff0000", "#888888")
    assert (
        "x_&lt;i" in html
        and "<script" not in html
        and all(f"<b>{e.term}" in html for e in entries() if "&" not in e.term)
    )
