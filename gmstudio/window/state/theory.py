"""Texts on families and on the branches of their taxonomy, read from ``resources/theory/``.

A family of another package has no file here; its card has the text, or its words stand in for it.
"""

from functools import cache

from gmstudio.protocol.families import FamilyCard
from gmstudio.system.resources import resource_path

FOLDER = "theory"
BRANCHES: dict[tuple[str, ...], str] = {
    (): "maximum-likelihood",
    ("Explicit density",): "explicit-density",
    ("Explicit density", "Tractable density"): "tractable-density",
    ("Explicit density", "Tractable density", "Autoregressive"): "autoregressive",
    ("Explicit density", "Tractable density", "Change of variables"): "change-of-variables",
    ("Explicit density", "Approximate density"): "approximate-density",
    ("Explicit density", "Approximate density", "Variational"): "variational",
    ("Explicit density", "Approximate density", "Markov chain"): "markov-chain",
    ("Implicit density",): "implicit-density",
    ("Implicit density", "Direct"): "direct",
    ("Implicit density", "Markov chain"): "implicit-markov-chain",
    ("Not a generative model",): "not-placed",
}
"""Path of a branch, as cards name it (``FamilyCard.branch`` or a beginning of it) → name of its file."""


def family_theory(card: FamilyCard) -> str:
    """Markdown, with LaTeX between dollar signs, on a family.

    Args:
        card: of the family; its words and formulas stand in for a missing file.
    """
    return _read(f"families/{card.name}.md") or card.theory or card_theory(card)


def branch_theory(branch: tuple[str, ...]) -> str:
    """Markdown, with LaTeX between dollar signs, on a branch of the taxonomy; empty for one that is not ours.

    Args:
        branch: path from the root, which is ().
    """
    slug = BRANCHES.get(branch, "")
    return _read(f"branches/{slug}.md") if slug else ""


def branch_of(slug: str) -> tuple[str, ...] | None:
    """Path of the branch that a link names; None when there is no such branch."""
    return next((path for path, name in BRANCHES.items() if name == slug), None)


def card_theory(card: FamilyCard) -> str:
    """Markdown on a family from its card: title, summary, first objective with its terms, source."""
    parts = [f"# {card.title}", card.summary]
    if card.objectives:
        objective = card.objectives[0]
        terms = "\n".join(f"- ${term.latex}$: {term.help}" for term in objective.terms)
        parts += ["## Objective", f"$${objective.latex}$$", terms]
    if card.source:
        parts += ["## Source", card.source]
    return "\n\n".join(part for part in parts if part)


@cache
def _read(name: str) -> str:
    """Text of a file, or "" where there is none."""
    try:
        return resource_path(f"{FOLDER}/{name}").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
