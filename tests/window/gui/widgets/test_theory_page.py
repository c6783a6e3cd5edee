"""Pages of text with formulas."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QImage
from PySide6.QtWidgets import QToolTip
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.theory_formulas import FORMULA_OBJECT, FormulaObjects
from gmstudio.window.gui.widgets.theory_page import TheoryPage, _blocks, _fragments

BOUND = r"\log p_\theta(x) \geq \mathbb{E}_q\left[\log p_\theta(x|z)\right] - D_{KL}(q\,\|\,p)"
TEXT = rf"""# Title

A code $z$, of which $p(x) = \int p(x|z)\, p(z)\, dz$ holds; see [the paper](https://arxiv.org/abs/1312.6114),
[Latents](gmstudio:panel/latents).

$${BOUND}$$

## For

- a price of \$5 and `$code$`
"""


@pytest.fixture
def page(qtbot: QtBot) -> TheoryPage:
    page = TheoryPage()
    qtbot.addWidget(page)
    page.resize(640, 480)
    page.show()
    return page


def _show(page: TheoryPage, qtbot: QtBot, text: str = TEXT) -> None:
    page.set_markdown(text)
    qtbot.waitUntil(lambda: not page.pending, timeout=20_000)


def _pixels(page: TheoryPage) -> NDArray[np.uint32]:
    image = page.viewport().grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()).copy()


def _boxes(page: TheoryPage) -> list[tuple[bool, float, float]]:
    """Display or inline, width and height of each formula on the page."""
    objects = page.findChild(FormulaObjects)
    assert objects is not None
    found = []
    for block in _blocks(page.document()):
        for fragment in _fragments(block):
            form = fragment.charFormat()
            if form.objectType() == FORMULA_OBJECT:
                size = objects.intrinsicSize(page.document(), fragment.position(), form)
                found.append((objects.formula(form).formula.display, size.width(), size.height()))
    return found


def test_the_text_appears_at_once_with_all_its_formulas(page: TheoryPage, qtbot: QtBot) -> None:
    page.set_markdown(TEXT)
    if page.pending:  # unless another test has typeset them
        assert page.toPlainText() == ""
    qtbot.waitUntil(lambda: not page.pending, timeout=20_000)
    assert page.toPlainText().count("\ufffc") == 3
    assert "\\" not in page.toPlainText() and "$5" in page.toPlainText() and "$code$" in page.toPlainText()
    assert page.unset_formulas() == ()


def test_formulas_have_the_size_of_their_text(page: TheoryPage, qtbot: QtBot) -> None:
    _show(page, qtbot)
    line = page.fontMetrics().lineSpacing()
    for display, width, height in _boxes(page):
        assert 0.5 * line < height < (2.2 if display else 1.9) * line
        assert width > 4


def test_a_page_too_narrow_for_a_formula_scales_it_down(page: TheoryPage, qtbot: QtBot) -> None:
    _show(page, qtbot)
    wide = max(width for display, width, _ in _boxes(page) if display)
    page.resize(200, 480)
    narrow = max(width for display, width, _ in _boxes(page) if display)
    assert narrow < 200 < wide
    assert page.horizontalScrollBar().maximum() == 0


def test_parts_of_a_formula_wrap(page: TheoryPage, qtbot: QtBot) -> None:
    _show(page, qtbot, rf"$${BOUND} \quad a = b + c$$")
    page.resize(1200, 480)
    assert _boxes(page)[0][1] < page.width()
    one = _boxes(page)[0][2]
    page.resize(360, 480)
    assert _boxes(page)[0][2] > 1.5 * one


def test_formulas_follow_the_theme(page: TheoryPage, qtbot: QtBot) -> None:
    _show(page, qtbot, rf"$${BOUND}$$")
    before, pictures = theme().mode, []
    for mode in ("dark", "light"):
        theme().set_mode(mode)
        qtbot.waitUntil(lambda: not page.pending, timeout=20_000)
        pixels = _pixels(page)
        lightness = (pixels[pixels != pixels[0, 0]] & 0xFF).astype(int)
        assert len(lightness) > 300
        pictures.append(float(np.median(lightness)) - int(pixels[0, 0] & 0xFF))
    theme().set_mode(before)
    assert pictures[0] > 40 and pictures[1] < -40


def test_the_baseline_of_a_formula_is_that_of_its_text(page: TheoryPage, qtbot: QtBot) -> None:
    _show(page, qtbot, "x")
    plain = np.flatnonzero((_pixels(page)[:, 16:40] != _pixels(page)[0, 0]).any(1))
    for formula in ("$x$", r"$x_{y_j}$"):  # within the depth of the text, and deeper
        _show(page, qtbot, f"x {formula}")
        line = np.flatnonzero((_pixels(page)[:, 16:24] != _pixels(page)[0, 0]).any(1))
        symbol = (_pixels(page)[:, 26:33] != _pixels(page)[0, 0]).any(1)
        assert abs(int(np.flatnonzero(symbol).max()) - int(line.max())) <= 1, formula
        assert len(line) == len(plain)


def test_what_cannot_be_typeset_is_shown_as_source(page: TheoryPage, qtbot: QtBot) -> None:
    _show(page, qtbot, r"Text $\nosuchcommand{x}$ and $\frac{$.")
    assert len(page.unset_formulas()) == 2
    assert (_pixels(page) != _pixels(page)[0, 0]).sum() > 400


def test_links_into_the_program_are_signals(page: TheoryPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()) or True)
    with qtbot.waitSignal(page.link_activated) as signal:
        page.anchorClicked.emit(QUrl("gmstudio:panel/latents"))
    assert signal.args == ["panel", "latents"] and not opened
    page.anchorClicked.emit(QUrl("https://arxiv.org/abs/1312.6114"))
    assert opened == ["https://arxiv.org/abs/1312.6114"]
    page.anchorClicked.emit(QUrl("file:///etc/passwd"))
    assert len(opened) == 1


def test_a_page_that_no_program_opens_is_reported(
    page: TheoryPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda _url: False)
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, _widget: told.append(text))
    with qtbot.waitSignal(page.unopened) as signal:
        page.anchorClicked.emit(QUrl("https://arxiv.org/"))
    assert signal.args == ["https://arxiv.org/"]
    assert "https://arxiv.org/" in told[0]


def test_copied_formulas_are_latex(page: TheoryPage, qtbot: QtBot) -> None:
    _show(page, qtbot, "A code $z_1$ of\n\n$$a = b$$\n\nthe end")
    page.selectAll()
    assert page.createMimeDataFromSelection().text() == "A code $z_1$ of\n$$a = b$$\nthe end"


def test_larger_type_enlarges_the_formulas(page: TheoryPage, qtbot: QtBot) -> None:
    _show(page, qtbot)
    before = _boxes(page)
    font = page.font()
    font.setPointSizeF(1.5 * font.pointSizeF())
    page.setFont(font)
    qtbot.waitUntil(lambda: not page.pending, timeout=20_000)
    assert all(after[2] > 1.3 * was[2] for was, after in zip(before, _boxes(page), strict=True) if not was[0])
