"""Values of an axis as people type them."""

from typing import Annotated, Any, Literal

import msgspec
import pytest

from gmstudio.protocol.config import field, schema_of
from gmstudio.protocol.grid_values import can_vary, parse_values
from gmstudio.protocol.runs_grid import MAX_VALUES


class _Config(msgspec.Struct):
    rate: Annotated[float, field("Rate", "A rate.", gt=0, le=1)] = 0.1
    width: Annotated[int, field("Width", "A width.", ge=1, le=512)] = 8
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    kind: Annotated[Literal["plain", "gated"], field("Kind", "A kind.", labels={"gated": "Gated units"})] = "plain"
    bias: Annotated[bool, field("Bias", "A bias.")] = True
    sizes: Annotated[tuple[int, ...], field("Sizes", "Some sizes.")] = ()


SCHEMA: dict[str, Any] = schema_of(_Config)["properties"]


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("rate", "0.1, 0.5,1", (0.1, 0.5, 1.0)),
        ("rate", "1e-4:1e-2:3:log", (0.0001, 0.001, 0.01)),
        ("rate", "0.1 : 0.3 : 3", (0.1, 0.2, 0.3)),
        ("rate", "0.5, 0.5", (0.5,)),
        ("width", "1:256:3:log", (1, 16, 256)),
        ("width", "4:5:3", (4, 5)),  # whole numbers, each once
        ("limit", "none, 3", (None, 3)),
        ("kind", "plain, Gated units", ("plain", "gated")),
        ("bias", "on, off", (True, False)),
    ],
)
def test_values_are_read(name: str, text: str, values: tuple[Any, ...]) -> None:
    assert parse_values(text, SCHEMA[name]) == values


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("rate", "", "no values"),
        ("rate", "0.1, x", "'x'"),
        ("rate", "nan", "'nan'"),
        ("rate", "2", "at most 1"),
        ("rate", "0", "above 0"),
        ("rate", "0:1:3:log", "above 0"),
        ("rate", "0.1:1", "no range"),
        ("rate", "0.1:1:x", "no range"),
        ("rate", f"0.1:1:{MAX_VALUES + 1}", str(MAX_VALUES)),
        ("width", "1.5", "whole number"),
        ("width", "1:512:50:log,60:120:50", str(MAX_VALUES)),
        ("kind", "other", "plain"),
        ("bias", "perhaps", "true or false"),
        ("sizes", "1", "cannot be varied"),
    ],
)
def test_what_is_no_value_is_named(name: str, text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        parse_values(text, SCHEMA[name])


def test_lists_cannot_be_varied() -> None:
    assert [name for name, prop in SCHEMA.items() if not can_vary(prop)] == ["sizes"]
