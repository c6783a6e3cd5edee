"""The tables of docs/protocol.md, written from the message classes: ``python -m docs.messages``."""

import inspect
import re
from pathlib import Path

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.frames import commands, events

PAGE = Path(__file__).resolve().parent / "protocol.md"
BEGIN = "<!-- The tables below are written by `make protocol` from the classes in gmstudio/protocol/. -->"
OURS = "gmstudio.protocol."


def tables() -> str:
    """Markdown with a section per feature: its commands, then its events, with their fields and first sentences."""
    every: tuple[type[Command] | type[Event], ...] = (*commands(), *events())
    kinds = [kind for kind in every if kind.__module__.startswith(OURS)]
    features = sorted({kind.__module__ for kind in kinds}, key=lambda name: (name != f"{OURS}engine", name))
    sections = []
    for feature in features:
        rows = [_row(kind) for kind in kinds if kind.__module__ == feature]
        path = f"gmstudio/protocol/{feature.removeprefix(OURS)}.py"
        head = f"## {feature.removeprefix(OURS).capitalize()}\n\nDefined in `{path}`.\n"
        sections.append("\n".join([head, "| message | kind | fields | meaning |", "|---|---|---|---|", *rows]))
    return "\n\n".join(sections) + "\n"


def page_with_tables(page: str) -> str:
    """The page with the text behind the marker replaced by the present tables."""
    head, marker, _ = page.partition(BEGIN)
    assert marker, f"{PAGE} has no line {BEGIN}"
    return f"{head}{BEGIN}\n\n{tables()}"


def _row(kind: type[Command] | type[Event]) -> str:
    fields = ", ".join(f"`{name}`" for name in kind.__struct_fields__ if name != "request") or "–"
    word = "command" if issubclass(kind, Command) else "event"
    return f"| `{kind.__name__}` | {word} | {fields} | {_first_paragraph(kind)} |"


def _first_paragraph(kind: type) -> str:
    text = (inspect.getdoc(kind) or "").split("\n\n")[0]
    return re.sub(r"``(.*?)``", r"`\1`", " ".join(text.split())).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
