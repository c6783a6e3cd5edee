"""Cards of the dense autoregressive families."""

import pytest

from gmstudio.families import FAMILIES
from gmstudio.protocol.config import schema_of

NAMES = ["markov", "fvbn", "nade", "made"]
every_name = pytest.mark.parametrize("name", NAMES)


def test_they_stand_in_taxonomy_order_before_pixelcnn() -> None:
    names = [name for name in FAMILIES if name in ("markov", "fvbn", "nade", "made", "pixelcnn")]
    assert names == ["markov", "fvbn", "nade", "made", "pixelcnn"]


@every_name
@pytest.mark.filterwarnings("ignore:path is deprecated:DeprecationWarning")  # of ziamath, when it loads its font
def test_every_formula_can_be_drawn(name):
    import ziamath

    for objective in FAMILIES[name].card.objectives:
        for latex in (objective.latex, *(term.latex for term in objective.terms)):
            assert "<svg" in ziamath.Latex(latex).svg()


@every_name
def test_cards_name_branch_source_and_section(name):
    card = FAMILIES[name].card
    assert card.name == name
    assert card.branch == ("Explicit density", "Tractable density", "Autoregressive")
    assert "section" in card.source
    assert 2 <= card.summary.count(". ") + 1 <= 5


@every_name
def test_every_setting_is_described(name):
    for prop in schema_of(FAMILIES[name].Config)["properties"].values():
        assert prop["title"] and prop["description"]


@every_name
def test_every_combination_of_settings_has_an_objective(name):
    card, schema = FAMILIES[name].card, schema_of(FAMILIES[name].Config)["properties"]
    defaults = {key: prop["default"] for key, prop in schema.items()}
    for key, prop in schema.items():
        for value in prop.get("enum", [False, True] if prop.get("type") == "boolean" else []):
            assert card.objective({**defaults, key: value})
