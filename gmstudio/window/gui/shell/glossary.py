"""Glossary of the terms on the screen, read from its Markdown file and written as HTML for Help."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape

from gmstudio.system.resources import resource_path

FILE = "glossary.md"
COLUMNS = ("Term", "Symbol", "Definition", "On the screen", "Source")
_CELL = re.compile(r"(?<!\\)\|")
_QUOTE = re.compile(r"(\w+) → “([^”]+)”")


@dataclass(frozen=True)
class Entry:
    """Term of the glossary.

    Args:
        term: name of the term.
        symbol: formula in Unicode, or "".
        definition: one or two sentences.
        screen: panels and controls that show the term; texts of controls are in quotation marks.
        source: papers, or "".
    """

    term: str
    symbol: str
    definition: str
    screen: str
    source: str

    @property
    def quoted(self) -> tuple[tuple[str, str], ...]:
        """Title of a panel and text of a control there, for each text in quotation marks."""
        return tuple((panel, text) for panel, text in _QUOTE.findall(self.screen))


@dataclass(frozen=True)
class Section:
    """Part of the glossary.

    Args:
        title: heading.
        entries: terms, in the order of the file.
    """

    title: str
    entries: tuple[Entry, ...]


@cache
def read_glossary() -> tuple[Section, ...]:
    """Read the sections that have terms from the glossary file.

    Raises:
        FileNotFoundError: when the file is missing from the installation.
    """
    text = resource_path(FILE).read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:])
    sections = (Section(title.strip(), _entries(body)) for title, _, body in parts)
    return tuple(section for section in sections if section.entries)


def glossary_html(sections: Sequence[Section], accent: str, muted: str) -> str:
    """Write the glossary as HTML.

    Args:
        sections: of ``read_glossary``.
        accent: colour of the terms.
        muted: colour of places and sources.
    """
    return "".join(
        f'<h3 style="margin-top:16px">{escape(section.title)}</h3>'
        f'<table cellspacing="0" cellpadding="4">{"".join(_row(e, accent, muted) for e in section.entries)}</table>'
        for section in sections
    )


def _entries(body: str) -> tuple[Entry, ...]:
    rows = [line for line in body.splitlines() if line.startswith("|")][2:]  # below the head and its rule
    cells = ([cell.strip().replace("\\|", "|") for cell in _CELL.split(row)[1:-1]] for row in rows)
    return tuple(Entry(*row) for row in cells)


def _row(entry: Entry, accent: str, muted: str) -> str:
    symbol = f"<br>{escape(entry.symbol)}" if entry.symbol else ""
    notes = " · ".join(escape(note) for note in (entry.screen, entry.source) if note)
    return (
        f'<tr><td width="190" style="color:{accent}"><b>{escape(entry.term)}</b>{symbol}</td>'
        f'<td>{escape(entry.definition)}<br><span style="color:{muted}">{notes}</span></td></tr>'
    )
