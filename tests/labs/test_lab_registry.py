"""Laboratories that other packages bring along, and what every registered one has."""

import importlib.metadata
import sys
import types
from importlib.metadata import EntryPoint
from typing import Any

import msgspec
import pytest
from tiny_lab import TinyLab

from gmstudio.engine.catalog import lab_entries
from gmstudio.labs import ENTRY_POINT_GROUP, LAB_ERRORS, LABS, add_third_party
from gmstudio.labs.base import Lab
from gmstudio.protocol.config import parse_config


class Cardless(Lab):
    def scene(self) -> Any:
        raise AssertionError


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes an entry point that loads the given object."""

    def make(thing: object, name: str = "theirs") -> EntryPoint:
        module = types.ModuleType("their_package")
        module.thing = thing  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "their_package", module)
        return EntryPoint(name, "their_package:thing", ENTRY_POINT_GROUP)

    return make


def test_a_lab_is_added_after_those_that_are_there(point: Any) -> None:
    labs = dict(LABS)
    assert add_third_party(labs, [point(TinyLab)]) == {}
    assert list(labs) == [*LABS, "tiny"] and labs["tiny"] is TinyLab


@pytest.mark.parametrize(("thing", "said"), [(42, "not a subclass"), (dict, "not a subclass"), (Cardless, "'card'")])
def test_what_does_not_fit_is_left_out_and_explained(point: Any, thing: object, said: str) -> None:
    labs = dict(LABS)
    errors = add_third_party(labs, [point(thing)])
    assert labs == LABS
    assert said in errors["theirs"] and "The lab 'theirs' (their_package:thing) cannot be used" in errors["theirs"]


def test_a_name_that_is_taken_is_refused(point: Any) -> None:
    labs = {"tiny": TinyLab}
    assert "a lab named 'tiny' already" in add_third_party(labs, [point(TinyLab)])["theirs"]


def test_an_import_that_fails_is_explained_and_the_next_one_taken(point: Any) -> None:
    labs = dict(LABS)
    missing = EntryPoint("missing", "no_such_package:thing", ENTRY_POINT_GROUP)
    errors = add_third_party(labs, [missing, point(TinyLab)])
    assert list(errors) == ["missing"] and "no_such_package" in errors["missing"] and "tiny" in labs


def test_names_are_those_of_the_cards() -> None:
    assert all(name == lab.card.name for name, lab in LABS.items())
    if not importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        assert LAB_ERRORS == {}


def test_entries_follow_from_the_classes() -> None:
    (entry,) = lab_entries([TinyLab])
    assert entry.card is TinyLab.card and [action.name for action in entry.actions] == ["draw", "fail"]
    assert list(entry.config_schema["properties"]) == ["spread", "draws"]


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_every_lab_is_described_completely(lab: type[Lab]) -> None:
    card = lab.card
    assert 1 <= len(card.title.split()) <= 6
    assert card.question.endswith("?") and card.latex and (card.notes or card.book)
    assert len({action.name for action in lab.actions}) == len(lab.actions)
    assert all(action.title[:1].isupper() and action.help.endswith(".") for action in lab.actions)
    parse_config(lab.Config, {})
    (entry,) = lab_entries([lab])
    assert all(prop["title"] and prop["description"] for prop in entry.config_schema["properties"].values())
    msgspec.msgpack.encode(entry)
