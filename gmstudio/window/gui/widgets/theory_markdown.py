r"""Formulas in Markdown: found, and replaced by one character each, so that no rule of Markdown touches LaTeX.

``$…$`` is a formula in a line of text, ``$$…$$`` one on a line of its own; ``\$`` is a dollar sign. Code is left as it
is.
"""

import re
from dataclasses import dataclass

from gmstudio.window.gui.widgets.formula import INLINE, SEPARATOR

PLACE = "\ue000"
"""Character (for private use) that stands where a formula does."""
_LINE_BREAK = re.compile(r"\\\\")
_PARTS = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)|\$\$(?P<display>.+?)\$\$|(?<!\\)\$(?P<inline>[^$]+?)(?<!\\)\$", re.DOTALL
)
_ESCAPED = re.compile(r"\\\$")


@dataclass(frozen=True)
class FormulaText:
    r"""A formula of a text.

    Args:
        latex: its source, without dollar signs.
        display: it stands on a line of its own.
    """

    latex: str
    display: bool

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        r"""Pieces that are typeset apart: rows that ``\\`` separates, of parts that ``\quad`` separates.

        Parts of a row stand beside one another where there is room for that, else below one another.
        """
        if not self.display:
            return ((INLINE + self.latex,),)
        rows = (SEPARATOR.split(row) for row in _LINE_BREAK.split(self.latex))
        parts = (tuple(part.strip() for part in row if part.strip()) for row in rows)
        return tuple(row for row in parts if row)

    @property
    def pieces(self) -> tuple[str, ...]:
        """All parts of all rows."""
        return tuple(part for row in self.rows for part in row)

    @property
    def source(self) -> str:
        """The formula as Markdown."""
        return f"$${self.latex}$$" if self.display else f"${self.latex}$"


def take_formulas(markdown: str) -> tuple[str, tuple[FormulaText, ...]]:
    """Replace the formulas of a text.

    Args:
        markdown: text with formulas.

    Returns:
        The text with ``PLACE`` for each formula, and the formulas in this order.
    """
    found: list[FormulaText] = []

    def place(match: re.Match[str]) -> str:
        if match["code"] is not None:
            return match[0]
        display = match["display"] is not None
        latex = " ".join((match["display"] or match["inline"] or "").split())
        found.append(FormulaText(latex, display))
        return f"\n\n{PLACE}\n\n" if display else PLACE

    text = _PARTS.sub(place, markdown.replace(PLACE, ""))
    return _ESCAPED.sub("$", text), tuple(found)
