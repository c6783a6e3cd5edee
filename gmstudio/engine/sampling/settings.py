"""Settings of sampling and decoding, from plain values, for the families that have them."""

import copy
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from gmstudio.families.base import Family
from gmstudio.protocol.config import ConfigError, conditions_unmet, parse_config, schema_of

Use = Literal["samples", "trajectories"]


def sampler_of(model: Family, values: Mapping[str, Any], use: Use) -> Struct | None:
    """Parse the settings of sampling for a model; None where its family has none.

    Args:
        model: model of any family.
        values: field → value.
        use: of the sampler.

    Raises:
        ConfigError: for values out of range, or without an effect.
        ValueError: for any value where the family has no settings.
    """
    kind = model.SamplerConfig
    if kind is None:
        if values:
            raise ValueError(f"{model.card.title} has no settings of sampling; leave out {', '.join(values)}.")
        return None
    parsed = parse_config(kind, dict(values))
    idle = _idle(parsed, use)
    if refused := {name: sentence for name, sentence in idle.items() if name in values}:
        raise ConfigError(refused)
    return parsed


def with_decoder(model: Family, values: Mapping[str, Any]) -> Family:
    """Return a model with other settings of decoding, which shares all weights with the given one.

    Raises:
        ConfigError: for values out of range.
        ValueError: where the family has no settings of decoding.
    """
    if model.DecoderConfig is None:
        raise ValueError(f"{model.card.title} has no settings of decoding; choose a run of another family.")
    decoder = parse_config(model.DecoderConfig, dict(values))
    view = copy.copy(model)
    view.decoder = decoder
    return view


def sampler_text(sampler: Struct | None, use: Use) -> str:
    """Settings that have an effect, as ``--set`` takes them: ``sampler=ddim, eta=0.0, steps=20``."""
    if sampler is None:
        return ""
    idle = _idle(sampler, use)
    return ", ".join(f"{name}={value}" for name, value in msgspec.structs.asdict(sampler).items() if name not in idle)


def _idle(sampler: Struct, use: Use) -> dict[str, str]:
    """Fields without an effect: a sentence on each."""
    schema = schema_of(type(sampler))
    others = {
        name: f"{prop['title']} has no effect on {use}; leave it out."
        for name, prop in schema["properties"].items()
        if prop.get("use", use) != use
    }
    return others | conditions_unmet(schema, msgspec.structs.asdict(sampler))
