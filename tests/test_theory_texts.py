"""The texts on families and branches: complete, with formulas that can be typeset and links that lead somewhere."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray
from PySide6.QtSvg import QSvgRenderer

from gmstudio.engine.atlas.demonstrations import DEMONSTRATIONS
from gmstudio.families import FAMILIES
from gmstudio.system.resources import resource_path
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.widgets.formula import INLINE, RENDER_SIZE, typeset
from gmstudio.window.gui.widgets.theory_markdown import PLACE, take_formulas
from gmstudio.window.state.theory import BRANCHES, branch_of, branch_theory, card_theory, family_theory

HOME = resource_path("theory")
FILES = sorted(HOME.rglob("*.md"))
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
ARXIV = re.compile(r"https://arxiv\.org/abs/(\d{4}\.\d{4,5})")
STRETCHES = re.compile(r"\\(left|right)(?![a-z])")
LINE_HEIGHT = 1.5 * RENDER_SIZE
texts = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def _height(latex: str) -> float:
    svg = typeset(latex)
    assert svg, f"{latex} cannot be typeset"
    assert "\\" not in re.sub(r"<[^>]*>", "", svg), latex
    return float(QSvgRenderer(QByteArray(svg.encode())).defaultSize().height())


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_a_page(family: str) -> None:
    card = FAMILIES[family].card
    assert (HOME / "families" / f"{family}.md").is_file()
    assert family_theory(card) != card_theory(card)
    assert family_theory(card).startswith("# ")


@pytest.mark.parametrize("branch", BRANCHES, ids=BRANCHES.get)
def test_every_branch_has_a_page(branch: tuple[str, ...]) -> None:
    assert branch_theory(branch).startswith("# ")


def test_every_page_belongs_to_a_family_or_branch() -> None:
    names = {f"families/{name}" for name in FAMILIES} | {f"branches/{slug}" for slug in BRANCHES.values()}
    assert {f"{path.parent.name}/{path.stem}" for path in FILES} == names


@texts
def test_pages_are_complete(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    sections = _sections(text)
    for title in ("For", "Against"):
        assert sections[title].strip().startswith("- "), title
    for title in ("Try it", "Sources"):
        assert sections[title].strip(), title
    if path.parent.name == "families":
        assert {"Formula", "Training", "Sampling", "Likelihood"} <= set(sections)
    assert 250 <= len(text.split()) <= 600
    assert any(formula.display for formula in take_formulas(text)[1])


@texts
def test_formulas_are_typeset_at_the_height_of_their_text(qapp: object, path: Path) -> None:
    rest, formulas = take_formulas(path.read_text(encoding="utf-8"))
    code = re.sub(r"`[^`]*`", "", rest)
    assert "$" not in code and "\\" not in code and rest.count(PLACE) == len(formulas)
    for formula in formulas:
        for piece in formula.pieces:
            height, without = _height(piece), _height(STRETCHES.sub("", piece))
            assert height <= 1.6 * without, piece
            assert height <= (2.5 if formula.display else 1.3) * LINE_HEIGHT, piece
            assert piece.startswith(INLINE) != formula.display


@texts
def test_links_lead_somewhere(path: Path) -> None:
    known = {
        "family": set(FAMILIES),
        "panel": {place.name for place in PLACES},
        "demonstration": set(DEMONSTRATIONS),
        "branch": {slug for slug in BRANCHES.values() if branch_of(slug) is not None},
    }
    for words, address in LINK.findall(path.read_text(encoding="utf-8")):
        if address.startswith("gmstudio:"):
            kind, _, name = address.removeprefix("gmstudio:").partition("/")
            assert name in known[kind], address
        else:
            paper = ARXIV.fullmatch(address)
            assert paper and words == f"arXiv:{paper[1]}", (words, address)


@texts
def test_no_link_leads_to_its_own_page(path: Path) -> None:
    kind = {"families": "family", "branches": "branch"}[path.parent.name]
    own = f"gmstudio:{kind}/{path.stem}"
    assert own not in [address for _, address in LINK.findall(path.read_text(encoding="utf-8"))]
