import functools
import re
import sys

import numpy as np
import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtGui import QImage
from PySide6.QtSvg import QSvgRenderer
from pytestqt.qtbot import QtBot

from gmstudio.families import FAMILIES
from gmstudio.protocol.families import FamilyCard
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.formula import (
    PLACEHOLDER_COLOUR,
    RENDER_SIZE,
    SEPARATOR,
    Formula,
    formulas,
    typeset,
)

ELBO = r"\mathcal{L} = -\mathbb{E}_{q_\phi(z|x)}\left[\log p_\theta(x|z)\right] + \beta\, D_{KL}\left(q\,\|\,p\right)"


def _ink(formula: Formula) -> int:
    """Pixels that are not background."""
    image = formula.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32)
    return int((pixels != pixels[0]).sum())


@pytest.fixture
def formula(qtbot: QtBot) -> Formula:
    formula = Formula(24)
    qtbot.addWidget(formula)
    formula.resize(600, 60)
    return formula


def test_latex_becomes_graphics(formula: Formula, qtbot: QtBot) -> None:
    assert _ink(formula) == 0
    formula.set_latex(ELBO)
    qtbot.waitUntil(lambda: formula.drawn, timeout=20_000)
    assert _ink(formula) > 500


def test_a_narrow_place_shrinks_it(formula: Formula, qtbot: QtBot) -> None:
    formula.set_latex(ELBO)
    qtbot.waitUntil(lambda: formula.drawn, timeout=20_000)
    assert formula.heightForWidth(150) < formula.heightForWidth(1000) == formula.heightForWidth(2000)


def test_parts_are_placed_below_one_another(formula: Formula, qtbot: QtBot) -> None:
    formula.set_latex("x")
    qtbot.waitUntil(lambda: formula.drawn, timeout=20_000)
    one = formula.natural_size()
    formula.set_latex(r"x,\quad x")
    qtbot.waitUntil(lambda: formula.drawn, timeout=20_000)
    assert formula.natural_size().height() > 1.9 * one.height()
    assert formula.natural_size().width() == one.width()


def test_it_follows_the_theme(formula: Formula, qtbot: QtBot) -> None:
    formula.set_latex("x")
    qtbot.waitUntil(lambda: formula.drawn, timeout=20_000)
    before = theme().mode
    colors = []
    for mode in ("dark", "light"):
        theme().set_mode(mode)
        image = formula.grab().toImage()
        pixels = [image.pixelColor(x, y) for x in range(30) for y in range(60)]
        extreme = max if mode == "dark" else min
        colors.append(extreme(c.lightness() for c in pixels))
    theme().set_mode(before)
    assert colors[0] > 200 and colors[1] < 80


def test_what_cannot_be_typeset_is_shown_as_written(formula: Formula, qtbot: QtBot) -> None:
    for latex in (r"\frac{", r"\frac{a}", r"\binom{n}", r"\limits", r"\left", r"\text", r"\big", r"\unknown"):
        assert typeset(latex) == "", latex
    formula.set_latex(r"\frac{")
    qtbot.waitUntil(lambda: _ink(formula) > 0, timeout=20_000)
    assert not formula.drawn


def test_a_typesetter_that_cannot_be_loaded_leaves_the_source(
    formula: Formula, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "ziamath.zmath", None)
    formula.set_latex(r"x + \alpha_{17}")
    qtbot.waitUntil(lambda: _ink(formula) > 0, timeout=20_000)
    assert not formula.drawn and formulas().svg(r"x + \alpha_{17}") == ""
    assert "ziamath" in caplog.text


def test_the_colour_can_be_replaced() -> None:
    assert PLACEHOLDER_COLOUR in typeset("x + y")


LINE_HEIGHT = 1.5 * RENDER_SIZE
STRETCHES = re.compile(r"\\(left|right)(?![a-z])")


@functools.cache
def _height(latex: str) -> float:
    renderer = QSvgRenderer(QByteArray(typeset(latex).encode()))
    assert renderer.isValid(), latex
    return float(renderer.defaultSize().height())


def _formulas_of(card: FamilyCard) -> list[str]:
    """Every line of the objectives of a family and of their terms."""
    formulas = [latex for o in card.objectives for latex in (o.latex, *(term.latex for term in o.terms))]
    parts = [part.strip(", ") for latex in formulas for part in SEPARATOR.split(latex)]
    return list(dict.fromkeys(part for part in parts if part))


@pytest.mark.parametrize("family", FAMILIES)
def test_brackets_are_about_as_high_as_what_they_hold(qapp: object, family: str) -> None:
    for latex in _formulas_of(FAMILIES[family].card):
        height, without = _height(latex), _height(STRETCHES.sub("", latex))
        assert height <= 1.6 * without and height <= 4 * LINE_HEIGHT, latex


@pytest.mark.parametrize("operator", [r"\sum", r"\prod", r"\int", r"\bigcup", r"\max", r"\min"])
@pytest.mark.parametrize("limits", ["", "_i", "^n", "_{j<i}", "_{i=1}^n"])
def test_brackets_around_an_operator_are_not_higher_than_it_needs(qapp: object, operator: str, limits: str) -> None:
    assert _height(rf"\left({operator}{limits} x\right)") <= 1.6 * _height(rf"({operator}{limits} x)")
