"""Values of an axis of a grid as people type them: ``0.1, 1, 10``, or a range such as ``0.1 : 10 : 3 : log``."""

import math
from typing import Any

from gmstudio.protocol.config import describe_limits
from gmstudio.protocol.runs_grid import MAX_VALUES

LOG, LINEAR = "log", "linear"
DIGITS = 6
"""Significant digits of the values of a range."""
_WORDS = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}


def parse_values(text: str, prop: dict[str, Any]) -> tuple[Any, ...]:
    """Return the values in a text.

    Args:
        text: values between commas; or first and last value and their number, with colons between them, and ``log``
            at the end where the steps are factors.
        prop: property of the field in its schema.

    Raises:
        ValueError: names the part that is no value of the field, and what it accepts.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError(f"{_title(prop)} has no values; enter {describe_limits(prop)}, several with commas.")
    values: list[Any] = []
    for part in parts:
        values += _range(part, prop) if ":" in part and _number_kind(prop) else [parse_value(part, prop)]
    found = [value for index, value in enumerate(values) if value not in values[:index]]
    if len(found) > MAX_VALUES:
        raise ValueError(f"{_title(prop)} has {len(found)} values; enter {MAX_VALUES} at most.")
    return tuple(found)


def parse_value(text: str, prop: dict[str, Any]) -> Any:
    """Return one value of a field.

    Raises:
        ValueError: names the text and what the field accepts.
    """
    if _is_optional(prop) and text.lower() in ("none", "empty"):
        return None
    if "enum" in prop:
        labels = {str(label).lower(): choice for choice, label in prop.get("labels", {}).items()}
        wanted = labels.get(text.lower(), text)
        for choice in prop["enum"]:
            if str(choice).lower() == wanted.lower():
                return choice
        raise _refused(text, prop)
    kind = prop.get("type") or _number_kind(prop)
    if kind == "boolean":
        if text.lower() not in _WORDS:
            raise _refused(text, prop)
        return _WORDS[text.lower()]
    if kind in ("integer", "number"):
        return _checked(_number(text, prop), prop, text)
    if kind == "string":
        return text
    raise ValueError(f"{_title(prop)} cannot be varied in a grid; choose a number, a choice or a switch.")


def can_vary(prop: dict[str, Any]) -> bool:
    """Return whether a field can be an axis: numbers, choices, switches and texts can."""
    return "enum" in prop or prop.get("type") in ("boolean", "string") or bool(_number_kind(prop))


def _range(text: str, prop: dict[str, Any]) -> list[Any]:
    first, last, count, scale = _parts_of_range(text, prop)
    if scale == LOG and min(first, last) <= 0:
        raise ValueError(f"{text!r}: the ends of a logarithmic range must be above 0.")
    shares = [index / (count - 1) for index in range(count)]
    if scale == LOG:
        values = [first * (last / first) ** share for share in shares]
    else:
        values = [first + (last - first) * share for share in shares]
    return [_checked(_rounded(value, prop), prop, text) for value in values]


def _parts_of_range(text: str, prop: dict[str, Any]) -> tuple[float, float, int, str]:
    words = [word.strip() for word in text.split(":")]
    scale = words.pop().lower() if words[-1].lower() in (LOG, LINEAR) else LINEAR
    if len(words) != 3:
        raise ValueError(f"{text!r} is no range; write first : last : number, or first : last : number : log.")
    try:
        first, last, count = float(words[0]), float(words[1]), int(words[2])
    except ValueError:
        raise ValueError(f"{text!r} is no range of {_title(prop)}; write it as 0.1 : 10 : 3 : log.") from None
    if not (math.isfinite(first) and math.isfinite(last)) or not 2 <= count <= MAX_VALUES:
        raise ValueError(f"{text!r}: a range has 2 to {MAX_VALUES} values between two numbers.")
    return first, last, count, scale


def _rounded(value: float, prop: dict[str, Any]) -> int | float:
    return round(value) if _number_kind(prop) == "integer" else float(f"{value:.{DIGITS}g}")


def _number(text: str, prop: dict[str, Any]) -> int | float:
    try:
        value = float(text)
    except ValueError:
        raise _refused(text, prop) from None
    if not math.isfinite(value) or (_number_kind(prop) == "integer" and not value.is_integer()):
        raise _refused(text, prop)
    return int(value) if _number_kind(prop) == "integer" else value


def _checked(value: int | float, prop: dict[str, Any], text: str) -> int | float:
    """Return a number that is within the field's limits."""
    limits = _number_option(prop)
    low, high, above = (limits.get(key) for key in ("minimum", "maximum", "exclusiveMinimum"))
    if (
        (low is not None and value < low)
        or (high is not None and value > high)
        or (above is not None and value <= above)
    ):
        raise _refused(text, prop)
    return value


def _number_option(prop: dict[str, Any]) -> dict[str, Any]:
    """The property itself, or the number among the options of one that may be empty."""
    options = [one for one in prop.get("anyOf", ()) if one.get("type") in ("integer", "number")]
    return options[0] if options else prop


def _number_kind(prop: dict[str, Any]) -> str:
    kind = str(_number_option(prop).get("type", ""))
    return kind if kind in ("integer", "number") else ""


def _is_optional(prop: dict[str, Any]) -> bool:
    return any(one.get("type") == "null" for one in prop.get("anyOf", ()))


def _title(prop: dict[str, Any]) -> str:
    return str(prop.get("title", "The field"))


def _refused(text: str, prop: dict[str, Any]) -> ValueError:
    return ValueError(f"{_title(prop)} {text!r} cannot be; enter {describe_limits(prop)}.")
