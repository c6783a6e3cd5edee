"""The lessons that come with the program: every formula can be typeset."""

import pytest

from gmstudio.window.gui.widgets.formula import typeset
from gmstudio.window.gui.widgets.theory_markdown import take_formulas
from gmstudio.window.state.lessons.state import TITLES, lessons


@pytest.mark.parametrize("name", TITLES)
def test_every_formula_can_be_typeset(name: str) -> None:
    for step in lessons()[name].steps:
        text, formulas = take_formulas(step.text)
        assert "$" not in text, f"{step.title}: a dollar sign without its other one"
        for formula in formulas:
            assert all(typeset(piece) for piece in formula.pieces), f"{step.title}: {formula.latex}"
