"""Colours can be read, icons exist, and a switch reaches the application."""

import re
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import delete

from gmstudio.system.resources import resource_path
from gmstudio.window.gui.theme import ROLES, Mode, Theme, theme

READABLE = 4.5
"""Contrast that WCAG 2.1 asks of text (1.4.3)."""
VISIBLE = 3.0
"""And of graphics (1.4.11)."""
DARK_OR_LIGHT: tuple[Mode, ...] = ("dark", "light")


@pytest.fixture(params=DARK_OR_LIGHT)
def shown(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[Theme]:
    theme().set_mode(request.param)
    yield theme()
    theme().set_mode("system")


def luminance(color: QColor) -> float:
    """Relative luminance after WCAG 2.1."""
    channels = (color.redF(), color.greenF(), color.blueF())
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: QColor, b: QColor) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", ["window", "base", "raised"])
@pytest.mark.parametrize("role", ["text", "muted", "error", "warning", "good"])
def test_words_can_be_read(shown: Theme, role: str, background: str) -> None:
    assert contrast(shown.color(role), shown.color(background)) >= READABLE


def test_words_on_the_accent_can_be_read(shown: Theme) -> None:
    assert contrast(shown.color("accent_text"), shown.color("accent")) >= READABLE


def test_marks_and_curves_can_be_seen(shown: Theme) -> None:
    for color in (shown.color("mark"), shown.color("accent"), *(shown.series(i) for i in range(8))):
        assert contrast(color, shown.color("base")) >= VISIBLE


def test_curves_differ(shown: Theme) -> None:
    assert len({shown.series(i).name() for i in range(8)}) == 8
    assert shown.series(8) == shown.series(0)


def test_every_role_has_a_colour(shown: Theme) -> None:
    assert all(shown.color(role).isValid() for role in ROLES)


def test_switching_emits_a_signal_and_repaints(qtbot: QtBot, shown: Theme) -> None:
    other: Mode = "light" if shown.dark else "dark"
    with qtbot.waitSignal(shown.changed):
        shown.set_mode(other)
    assert shown.dark == (other == "dark")
    assert QApplication.palette().color(QPalette.ColorRole.Window) == shown.color("window")


def test_choosing_the_same_again_changes_nothing(qtbot: QtBot, shown: Theme) -> None:
    with qtbot.assertNotEmitted(shown.changed):
        shown.set_mode("dark" if shown.dark else "light")


ICON_FILES = sorted(resource_path("icons").glob("*.svg"))


@pytest.mark.parametrize("path", ICON_FILES, ids=lambda path: path.stem)
def test_icons_are_drawn_in_the_text_colour(shown: Theme, path: object) -> None:
    image = shown.icon(path.stem).pixmap(QSize(24, 24)).toImage()  # type: ignore[attr-defined]
    strongest = max(
        (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())), key=lambda c: c.alpha()
    )
    assert strongest.alpha() > 100
    assert contrast(strongest, shown.color("window")) > VISIBLE


@pytest.mark.parametrize("path", ICON_FILES, ids=lambda path: path.stem)
def test_icons_are_of_one_kind(path: object) -> None:
    drawing = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    assert 'viewBox="0 0 24 24"' in drawing
    assert 'stroke-width="1.75"' in drawing
    assert not re.search(r"#[0-9a-f]{3,6}", drawing), "icons have no colour of their own"


def test_an_icon_that_is_not_there(shown: Theme) -> None:
    with pytest.raises(FileNotFoundError, match="no_such_icon"):
        shown.icon("no_such_icon")


def test_a_window_has_the_style_sheet_of_the_colours_and_what_is_put_into_it_too(qtbot: QtBot) -> None:
    window, plain = QWidget(), QPushButton("Plain")
    qtbot.addWidget(window)
    theme().style_window(window)
    theme().set_mode("dark")
    dark, bare = window.styleSheet(), plain.sizeHint()
    theme().set_mode("light")
    assert theme().color("accent").name() in window.styleSheet() != dark
    QHBoxLayout(window).addWidget(plain)
    assert plain.sizeHint() != bare, "the margins of the style sheet"
    theme().set_mode("system")


def test_a_styled_window_that_is_gone_is_forgotten(qtbot: QtBot) -> None:
    gone, there = QWidget(), QWidget()
    qtbot.addWidget(there)
    for window in (gone, there):
        theme().style_window(window)
    delete(gone)
    sheets = set()
    for mode in DARK_OR_LIGHT:
        theme().set_mode(mode)
        sheets.add(there.styleSheet())
    assert len(sheets) == 2, "the others follow the colours"
    theme().set_mode("system")


def test_the_application_has_no_style_sheet_which_would_style_parts_at_each_level(qapp: QApplication) -> None:
    theme()
    assert qapp.styleSheet() == ""
