"""Families that generate step by step say how to speak of it."""

import pytest

from gmstudio.families import FAMILIES

STEPWISE = [name for name, family in FAMILIES.items() if hasattr(family, "trajectory")]


def test_only_they_have_words_for_it() -> None:
    assert [name for name, family in FAMILIES.items() if family.card.trajectory is not None] == STEPWISE


@pytest.mark.parametrize("name", STEPWISE)
def test_the_words_are_sentences_and_only_chains_over_images_mix(name: str) -> None:
    card = FAMILIES[name].card.trajectory
    assert card is not None and card.steps and card.shown.endswith(".") and card.from_images.endswith(".")
    assert card.mixes == ("Markov chain" in FAMILIES[name].card.branch)
