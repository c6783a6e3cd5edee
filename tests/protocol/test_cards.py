"""Image specs, config fields and their refusals."""

import math
from typing import Annotated, Literal

import msgspec
import pytest

from gmstudio.protocol.config import ConfigError, check_config, describe_limits, field, parse_config, schema_of
from gmstudio.protocol.families import FamilyCard, Objective, Term
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training_settings import Training


class Example(msgspec.Struct, frozen=True, kw_only=True):
    width: Annotated[int, field("Width", "Units.", ge=1, le=64, unit="units", log=True)] = 8
    rate: Annotated[float, field("Rate", "Speed.", gt=0, le=1)] = 0.5
    kind: Annotated[Literal["mlp", "conv"], field("Kind", "Which.")] = "mlp"
    skip: Annotated[bool, field("Skip", "Whether.")] = False
    cap: Annotated[int, field("Cap", "Most.", ge=3)] | None = None


def test_bits_per_dimension() -> None:
    image = ImageSpec(channels=3, height=4, width=5, levels=256)
    assert image.num_dims == 60
    assert image.bits_per_dim(60 * math.log(256)) == pytest.approx(8.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"channels": 2}, "not 2"),
        ({"height": 0}, "height is 0"),
        ({"width": 257}, "width is 257"),
        ({"levels": 1}, "1 levels"),
        ({"levels": 257}, "257 levels"),
    ],
)
def test_absurd_images_are_refused(change: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ImageSpec(**{"channels": 1, "height": 8, "width": 8, "levels": 2, **change})


def test_one_pixel_is_an_image() -> None:
    assert ImageSpec(channels=1, height=1, width=1, levels=2).num_dims == 1


def test_the_schema_says_what_a_form_needs() -> None:
    properties = schema_of(Example)["properties"]
    assert list(properties) == ["width", "rate", "kind", "skip", "cap"]
    width = properties["width"]
    assert (width["title"], width["unit"], width["log"], width["default"]) == ("Width", "units", True, 8)
    assert (width["minimum"], width["maximum"]) == (1, 64)
    assert properties["kind"]["enum"] == ["conv", "mlp"] or properties["kind"]["enum"] == ["mlp", "conv"]
    assert describe_limits(width) == "a whole number from 1 to 64"
    assert describe_limits(properties["rate"]) == "a number above 0 and at most 1"
    assert describe_limits(properties["cap"]) == "a whole number, 3 or more, or empty"


def test_text_is_converted() -> None:
    config = parse_config(Example, {"width": "12", "rate": "1e-3", "skip": "true", "cap": None})
    assert config == Example(width=12, rate=1e-3, skip=True)


def test_nothing_is_the_empty_text_and_no_number() -> None:
    class Named(msgspec.Struct, frozen=True, kw_only=True):
        title: Annotated[str, field("Title", "Words.")] = "none"
        width: Annotated[int, field("Width", "Units.", ge=1)] = 8

    assert parse_config(Named, {"title": None}) == Named(title="")
    with pytest.raises(ConfigError, match="Width is None"):
        parse_config(Named, {"width": None})


def test_all_refusals_come_at_once_with_value_limit_and_name() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config(Example, {"width": 0, "rate": "fast", "kind": "rnn", "depth": 3})
    errors = refused.value.errors
    assert errors["width"] == "Width is 0; it must be a whole number from 1 to 64."
    assert "'fast'" in errors["rate"] and "at most 1" in errors["rate"]
    assert "'rnn'" in errors["kind"] and "mlp" in errors["kind"]
    assert "'depth'" in errors["depth"] and "width" in errors["depth"]


@pytest.mark.parametrize("value", ["nan", "inf", float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(ConfigError):
        parse_config(Example, {"rate": value})


def test_a_config_built_by_hand_is_checked_too() -> None:
    assert check_config(Example(width=3)) == Example(width=3)
    with pytest.raises(ConfigError, match="Width is 100"):
        check_config(Example(width=100))


def test_training_settings_are_described() -> None:
    for name, prop in schema_of(Training)["properties"].items():
        assert prop["title"] and prop["description"].endswith("."), name


def test_the_objective_follows_the_config() -> None:
    term = Term("loss", "L", "The loss.")
    card = FamilyCard(
        name="x",
        title="X",
        branch=("A",),
        summary="",
        source="",
        objectives=(Objective("a", (term,), {"kind": "mlp"}), Objective("b", (term,))),
    )
    assert card.objective({"kind": "mlp"}).latex == "a"
    assert card.objective({"kind": "conv"}).latex == "b"


def test_a_run_from_before_a_field_was_there_keeps_its_objective() -> None:
    term = Term("loss", "L", "The loss.")
    old, new = Objective("a", (term,), {"kind": "mlp", "extra": 1}), Objective("b", (term,))
    card = FamilyCard(name="x", title="X", branch=("A",), summary="", source="", objectives=(old, new))
    assert card.objective({"kind": "mlp"}) is old
    assert card.objective({"kind": "mlp", "extra": 2}) is new
