"""The texts of the window use the field's terms: those of the glossary occur, retired phrases do not."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import toy_panels
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QTabWidget,
    QTreeWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gmstudio.engine.catalog import build_catalog
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES, Place
from gmstudio.window.gui.shell.glossary import read_glossary
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio

WINDOW = Path(__file__).parents[1] / "gmstudio" / "window"
PHRASES = (
    # everywhere
    r"\btold\b",
    r"\btells?\b",
    r"\banew\b",
    r"\bstand still\b",
    r"\bgo on after\b",
    r"\bread (runs )?again\b",
    r"\bmessages of the engine\b",
    r"\bit has written none\b",
    r"\bbring back\b",
    r"\bfile says what it shows\b",
    # Train
    r"\bnats by step\b",
    r"\binsides\b",
    r"\bgoes on inside\b",
    r"\bfigures of its\b",
    r"\bfor good\b",
    r"\bfirst corner\b",
    r"\bchannels [hp]\b",
    r"\bbinarize: ",
    r"\bvalidation share\b",
    r"\bclasses \(text\)",
    r"\bsamples against data\b",
    r"\bwrites an image as one reads\b",
    r"\byounger than\b",
    # Pixels
    r"\bsurprise\b",
    r"\bsurprised?s? the model\b",
    r"\blooks at\b",
    r"\bmodel to look at\b",
    r"\bforks?\b",
    r"\bgiven set\b",
    r"\bdoubtful\b",
    r"\bthe hole\b",
    r"\bstands next\b",
    r"\bpath to \d",
    r"\bgone along again\b",
    r"\binto the share\b",
    r"\bkept ahead\b",
    r"\bhatched.*\bto come\b",
    r"^(one|ten) on\b(?! top)",
    r"\bput back\b",
    r"\brival\b",
    # Latents
    r"\bdecoded from the code\b",
    r"\bnone is collapsed\b",
    r"\bround.trip error\b",
    r"\bprior makes\b",
    r"\bdraw a code near\b",
    r"\bmarked in\b",
    r"\balong the dimension\b",
    r"\bjourney\b",
    r"\bitinerary\b",
    r"\blegs?\b",
    r"\bcounts on\b",
    r"\bbring forward\b",
    r"\bchange places\b",
    r"\bput the present code\b",
    r"\btake the chosen keyframe out\b",
    r"\bof valid\b",
    r"\bcomponents of (codes|features)\b",
    r"\bfrom label to label\b",
    r"\bput code\b",
    r"\bdirections that mean\b",
    r"\bfound at step\b",
    r"\bhow far the map\b",
    r"\bdimension across\b",
    r"\bsearching for the nearest\b",
    r"\bis no (PNG|GIF|MP4)\b",
    r"\bfind its code\b",
    # Chains
    r"\bmoments?\b",
    r"\btimeline\b",
    r"\bkept sample grids\b",
    r"\bgrids at most\b",
    r"\bbegin (anew|with)\b",
    r"\bdrawn last\b",
    r"\bnoised to depth\b",
    r"\bcome together\b",
    r"\btoo long to tell\b",
    r"\bon their way\b",
)
"""Regular expressions of phrases that the window no longer uses anywhere, whatever their case."""
LABELS = (
    *("Inside", "Mark", "Colours"),
    *("Given", "Fork", "(?-i:this)", "(?-i:second)"),
    *("Vary", "Hide below", "Along", "Closed", "Draw two", "Take", "Search", "Whole", "Crop", "effect"),
    *("From here",),
)
"""Labels that are retired as a whole, though their words may occur in others."""
RETIRED = re.compile("|".join((*PHRASES, rf"^(?:{'|'.join(LABELS)})$")), re.IGNORECASE)


@pytest.fixture
def studio(qapp: object) -> Studio:
    return Studio(EngineClient(["never-started"]))


@pytest.fixture(params=PLACES, ids=lambda place: place.name)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


def texts(root: QWidget) -> set[str]:
    """Every text of a widget and those in it: labels, choices, tabs, tooltips, accessible names."""
    found: set[str] = set()
    for action in root.findChildren(QAction):
        found |= {action.text().replace("&", ""), action.toolTip()}
    for widget in (root, *root.findChildren(QWidget)):
        found |= {widget.toolTip(), widget.accessibleName(), widget.accessibleDescription(), *_texts_of(widget)}
        found.add(str(getattr(widget, "words", "")))  # of an elided label
    return found - {""}


def _texts_of(widget: QWidget) -> Iterator[str]:
    match widget:
        case QLabel() | QAbstractButton() | QAbstractSpinBox():
            yield widget.text()
        case QLineEdit():
            yield from (widget.text(), widget.placeholderText())
        case QComboBox():
            yield from (widget.placeholderText(), *(widget.itemText(i) for i in range(widget.count())))
        case QGroupBox():
            yield widget.title()
        case QTabWidget():
            for index in range(widget.count()):
                yield from (widget.tabText(index), widget.tabToolTip(index))
        case QTreeWidget():
            yield from (widget.headerItem().text(column) for column in range(widget.columnCount()))


def retired(found: set[str]) -> list[str]:
    return sorted(f"{match[0]!r} in {text!r}" for text in found if (match := RETIRED.search(text)) is not None)


def test_no_label_of_a_panel_is_retired(qtbot: QtBot, studio: Studio, place: Place) -> None:
    panel = place.build(studio)
    qtbot.addWidget(panel)
    found = texts(panel)
    assert len(found) > 20
    assert retired(found | {place.title, place.tip}) == []


def test_no_label_of_the_window_around_the_panels_is_retired(qtbot: QtBot, studio: Studio) -> None:
    window = MainWindow(studio, toy_panels.PLACES)
    qtbot.addWidget(window)
    found = texts(window)
    assert {"Theme", "Engine log", "Refresh runs"} <= found
    assert retired(found) == []


def strings(value: Any) -> set[str]:
    """Every text in nested lists and dictionaries, but for values of settings: their labels are shown."""
    if isinstance(value, dict):
        shown = {name: part for name, part in value.items() if name not in ("enum", "default")}
        return {text for part in shown.values() for text in strings(part)}
    if isinstance(value, list | tuple):
        return {text for part in value for text in strings(part)}
    return {value} if isinstance(value, str) else set()


def test_no_text_of_a_family_or_setting_is_retired() -> None:
    found = strings(msgspec.to_builtins(build_catalog("cpu")))
    assert len(found) > 100
    assert retired(found) == []


def literals(path: Path) -> set[str]:
    """Texts with spaces among the string literals of a module, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documentation = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in documentation)
    return {node.value for node in constants if isinstance(node.value, str) and " " in node.value}


FORMER_KEYWORDS = {"Seconds a leg"}
"""Keywords in pictures that earlier versions exported, which are still read."""


def test_no_message_in_the_sources_of_the_window_is_retired() -> None:
    found = {
        str(path.relative_to(WINDOW)): retired(text for text in literals(path) if text not in FORMER_KEYWORDS)
        for path in sorted(WINDOW.rglob("*.py"))
    }
    assert len(found) > 50
    assert {path: phrases for path, phrases in found.items() if phrases} == {}


def test_every_text_that_the_glossary_quotes_is_on_its_panel(qtbot: QtBot, studio: Studio, place: Place) -> None:
    panel = place.build(studio)
    qtbot.addWidget(panel)
    found = [text.casefold() for text in texts(panel)]
    quoted = {text for entry in _entries() for title, text in entry.quoted if title == place.title}
    assert quoted
    assert sorted(text for text in quoted if not any(text.casefold() in other for other in found)) == []


def test_the_glossary_names_panels_that_are_there() -> None:
    titles = {place.title for place in PLACES}
    places = {(entry.term, part.split(" → ")[0]) for entry in _entries() for part in entry.screen.split("; ")}
    assert {(term, title) for term, title in places if title not in titles} == set()
    assert {title for _, title in places} == titles


def _entries() -> Iterator[Any]:
    return (entry for section in read_glossary() for entry in section.entries)
