"""Fields of a config: described once beside their types, published as JSON Schema, checked with messages for people.

Nothing here imports torch or Qt, so the window and the engine can both read it.
"""

import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar

import msgspec

ConfigT = TypeVar("ConfigT", bound=msgspec.Struct)

_META: Any = msgspec.Meta  # its stub has one overload per pair of bounds


class ConfigError(ValueError):
    """Settings that cannot be used; says so field by field.

    Attributes:
        errors: field name → one sentence naming the value, the limit and the remedy.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(" ".join(errors.values()))


def field(
    title: str,
    help: str,
    *,
    ge: float | None = None,
    le: float | None = None,
    gt: float | None = None,
    unit: str = "",
    log: bool = False,
    advanced: bool = False,
    labels: Mapping[str, str] | None = None,
    when: Mapping[str, Any] | None = None,
    use: Literal["", "samples", "trajectories"] = "",
    files: bool = False,
    live: bool = False,
) -> msgspec.Meta:
    """Describe a config field, as in ``width: Annotated[int, field("Width", "…", ge=1)] = 500``.

    Args:
        title: the label in a form.
        help: the tooltip, one or two sentences in words of the field.
        ge: smallest value allowed.
        le: largest value allowed.
        gt: the value must be larger than this.
        unit: what is counted or measured, for example ``pixels``.
        log: the value spans orders of magnitude, so a form should step it by factors.
        advanced: a form may fold it away.
        labels: choice → display text, where the choice itself is not the field's usual term.
        when: values of other fields with which this one has an effect, a tuple where there are several; a form may
            disable it with others.
        use: of a sampler's field that concerns only its samples, or only its trajectories.
        files: of the path of a folder that may be one of a file, too.
        live: it can be changed while a run trains: a number in the loss or in the optimizer, on which neither the
            shape of a weight nor the meaning of what was learned depends.
    """
    extra = {"unit": unit, "log": log, "advanced": advanced, "labels": dict(labels or {})}
    extra |= {"when": dict(when)} if when else {}
    extra |= {"use": use} if use else {}
    extra |= {"files": True} if files else {}
    extra |= {"live": True} if live else {}
    meta: msgspec.Meta = _META(title=title, description=help, ge=ge, le=le, gt=gt, extra_json_schema=extra)
    return meta


def schema_of(config_type: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a config class, flat: ``{"properties": {...}}`` in declaration order.

    Each property has ``title``, ``description``, ``default``, ``unit``, ``log``, ``advanced``, ``labels``, ``when``,
    ``use``, ``files`` and ``live`` (where it has them) and either
    ``type`` (``integer``, ``number``, ``boolean``, ``string``) with ``minimum``/``maximum``/``exclusiveMinimum`` or
    ``enum`` (choices), or ``anyOf`` with a null for an optional value.
    """
    return json.loads(_schema_text(config_type))  # type: ignore[no-any-return]


@cache
def _schema_text(config_type: type[msgspec.Struct]) -> str:
    """The schema as JSON, of which each caller gets an object of its own; a library needs it for each of its runs."""
    schema = msgspec.json.schema(config_type)
    (definition,) = [d for name, d in schema["$defs"].items() if name == config_type.__name__]
    definition["properties"] = {name: _described(prop) for name, prop in definition["properties"].items()}
    return json.dumps(definition)


def _described(prop: dict[str, Any]) -> dict[str, Any]:
    """A property with its words outside the options: msgspec puts those of an optional number with limits inside."""
    inner = next((one for one in prop.get("anyOf", ()) if "title" in one), None)
    if inner is None:
        return prop
    limits = {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    options = [{key: value for key, value in one.items() if key in limits} for one in prop["anyOf"]]
    return {**{key: value for key, value in inner.items() if key not in limits}, **prop, "anyOf": options}


def parse_config(config_type: type[ConfigT], values: dict[str, Any]) -> ConfigT:
    """Build a config from plain values, checking every field.

    Args:
        config_type: a msgspec Struct class whose fields are described with ``field``.
        values: field name → value; strings are converted (``"500"`` → 500). Missing fields take their default.

    Raises:
        ConfigError: for unknown fields and values outside their range, all of them at once.
    """
    known = {f.name: f for f in msgspec.structs.fields(config_type)}
    properties = schema_of(config_type)["properties"]
    errors: dict[str, str] = {}
    parsed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            errors[name] = f"There is no setting {name!r}; there are {', '.join(known)}."
            continue
        if value is None and properties[name].get("type") == "string" and "enum" not in properties[name]:
            value = ""  # nothing, as the command line has it, is the empty text
        try:
            parsed[name] = msgspec.convert(value, known[name].type, strict=False)
        except msgspec.ValidationError:
            errors[name] = _refusal(properties[name], name, value)
            continue
        if isinstance(parsed[name], float) and not math.isfinite(parsed[name]):
            errors[name] = _refusal(properties[name], name, value)
    if errors:
        raise ConfigError(errors)
    return config_type(**parsed)


def check_config(config: ConfigT) -> ConfigT:
    """Return the config, or raise ``ConfigError``: msgspec does not check ranges in ``__init__``, this does."""
    return parse_config(type(config), {f: getattr(config, f) for f in config.__struct_fields__})


def live_fields(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the fields that can be changed while a run trains.

    Args:
        schema: of the config, see ``schema_of``.
    """
    return tuple(name for name, prop in schema["properties"].items() if prop.get("live"))


def _refusal(prop: dict[str, Any], name: str, value: object) -> str:
    return f"{prop.get('title', name)} is {value!r}; it must be {describe_limits(prop)}."


def conditions_unmet(schema: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, str]:
    """Fields that have no effect beside the values of others, each with a sentence that says which it needs.

    Args:
        schema: of the config, see ``schema_of``.
        values: field → value; fields that are missing have their default.
    """
    properties = schema["properties"]
    unmet = {}
    for name, prop in properties.items():
        for other, wanted in prop.get("when", {}).items():
            needed = properties.get(other, {"title": other})
            choices = wanted if isinstance(wanted, list | tuple) else (wanted,)
            if values.get(other, needed.get("default")) not in choices:
                shown = " or ".join(str(needed.get("labels", {}).get(str(choice), choice)) for choice in choices)
                unmet[name] = f"{prop['title']} has an effect only with {needed['title'].lower()} {shown}."
    return unmet


def describe_limits(prop: dict[str, Any]) -> str:
    """Describe the values that a schema property accepts: ``a whole number from 1 to 512``."""
    if "enum" in prop:
        return "one of " + ", ".join(str(v) for v in prop["enum"])
    options = [p for p in prop.get("anyOf", []) if p.get("type") != "null"]
    if options:
        return describe_limits({**options[0]}) + ", or empty"
    kind = {
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "string": "text",
        "array": "a list",
    }[prop["type"]]
    low, high, above = (_written(prop.get(key)) for key in ("minimum", "maximum", "exclusiveMinimum"))
    if low and high:
        return f"{kind} from {low} to {high}"
    if above and high:
        return f"{kind} above {above} and at most {high}"
    if low:
        return f"{kind}, {low} or more"
    if above:
        return f"{kind} above {above}"
    if high:
        return f"{kind}, {high} or less"
    return kind


def _written(limit: float | None) -> str:
    """A limit in digits, whole numbers with commas between the thousands; empty: none."""
    if limit is None:
        return ""
    whole = float(limit).is_integer() and abs(limit) < 1e15
    return f"{int(limit):,}" if whole else f"{limit:g}"
