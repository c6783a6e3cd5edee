"""Families that other packages bring along: taken up, or left out with a sentence."""

import importlib.metadata
import sys
import types
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import pytest

from gmstudio.families import ENTRY_POINT_GROUP, FAMILIES, FAMILY_ERRORS, add_third_party
from gmstudio.families.autoregressive.pixelcnn import PixelCNN
from gmstudio.families.base import Family


class Foreign(PixelCNN):
    card = msgspec.structs.replace(PixelCNN.card, name="foreign", title="Foreign")


class Nameless(Family):
    def phases(self) -> list[Any]:
        return []


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes an entry point that loads the given object."""

    def make(thing: object, name: str = "theirs") -> EntryPoint:
        module = types.ModuleType("their_package")
        module.thing = thing  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "their_package", module)
        return EntryPoint(name, "their_package:thing", ENTRY_POINT_GROUP)

    return make


def test_a_family_is_added_after_those_that_are_there(point: Any) -> None:
    families = dict(FAMILIES)
    assert add_third_party(families, [point(Foreign)]) == {}
    assert list(families) == [*FAMILIES, "foreign"]
    assert families["foreign"] is Foreign


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (PixelCNN, "there is a family named 'pixelcnn' already"),
        (42, "not a subclass"),
        (dict, "not a subclass"),
        (Nameless, "it has no 'card'"),
    ],
)
def test_what_does_not_fit_is_left_out_and_explained(point: Any, thing: object, said: str) -> None:
    families = dict(FAMILIES)
    errors = add_third_party(families, [point(thing)])
    assert families == FAMILIES
    assert said in errors["theirs"] and "their_package:thing" in errors["theirs"]


def test_an_import_that_fails_is_explained_and_the_next_one_taken(point: Any) -> None:
    families = dict(FAMILIES)
    missing = EntryPoint("missing", "no_such_package:thing", ENTRY_POINT_GROUP)
    errors = add_third_party(families, [missing, point(Foreign)])
    assert list(errors) == ["missing"] and "no_such_package" in errors["missing"]
    assert "foreign" in families


def test_names_are_those_of_the_cards() -> None:
    assert all(name == family.card.name for name, family in FAMILIES.items())
    if not importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        assert FAMILY_ERRORS == {}
