"""Texts on families and branches."""

import pytest

from gmstudio.families import FAMILIES
from gmstudio.protocol.families import FamilyCard, Objective, Term
from gmstudio.window.state import theory
from gmstudio.window.state.theory import BRANCHES, branch_of, branch_theory, card_theory, family_theory

FOREIGN = FamilyCard(
    name="elsewhere",
    title="From elsewhere",
    branch=("Explicit density", "Unheard of"),
    summary="Words of the card.",
    source="A paper.",
    objectives=(Objective(r"\mathcal{L} = -\log p(x)", (Term("loss", r"\mathcal{L}", "What is minimized."),)),),
)


def test_a_family_of_another_package_is_described_by_its_card() -> None:
    text = family_theory(FOREIGN)
    assert text == card_theory(FOREIGN)
    for words in (
        "# From elsewhere",
        "Words of the card.",
        r"$$\mathcal{L} = -\log p(x)$$",
        "What is minimized.",
        "A paper.",
    ):
        assert words in text


def test_a_card_without_formulas_gives_its_words() -> None:
    bare = FamilyCard(name="bare", title="Bare", branch=(), summary="Words.", source="", objectives=())
    assert family_theory(bare) == "# Bare\n\nWords."


def test_an_unknown_branch_has_no_text() -> None:
    assert branch_theory(FOREIGN.branch) == ""
    assert branch_of("unheard-of") is None


@pytest.mark.parametrize("family", FAMILIES)
def test_every_branch_of_a_family_is_listed(family: str) -> None:
    branch = FAMILIES[family].card.branch
    for length in range(len(branch) + 1):
        assert branch[:length] in BRANCHES
        assert branch_of(BRANCHES[branch[:length]]) == branch[:length]


def test_texts_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    theory._read.cache_clear()
    asked = []
    monkeypatch.setattr(
        theory, "resource_path", lambda name: asked.append(name) or (_ for _ in ()).throw(FileNotFoundError)
    )
    assert branch_theory(()) == branch_theory(()) == ""
    assert asked == ["theory/branches/maximum-likelihood.md"]
    theory._read.cache_clear()
