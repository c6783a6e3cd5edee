"""Proposals for first runs: each family's own data and settings; training defaults, which depend on the data."""

from typing import Any

import msgspec

from gmstudio.data import SOURCES
from gmstudio.families.base import Family
from gmstudio.protocol.run_spec import RunSpec


def start_spec(family: type[Family]) -> RunSpec:
    """Return all settings of the first run that a family proposes; ``digits`` in place of data that are not there."""
    start = family.start
    source = SOURCES.get(start.data)
    if source is None:
        return RunSpec(
            family=family.card.name,
            config=msgspec.to_builtins(family.Config()),
            data="digits",
            data_config=msgspec.to_builtins(SOURCES["digits"].Config()),
            training=msgspec.to_builtins(family.training_defaults),
        )
    return RunSpec(
        family=family.card.name,
        config={**msgspec.to_builtins(family.Config()), **start.config},
        data=start.data,
        data_config={**msgspec.to_builtins(source.Config()), **start.data_config},
        training=training_defaults_on(family, start.data),
    )


def training_defaults_on(family: type[Family], data: str) -> dict[str, Any]:
    """Return a family's default training settings on a data source, as plain values."""
    own = family.start.training if data == family.start.data else {}
    return {**msgspec.to_builtins(family.training_defaults), **own}
