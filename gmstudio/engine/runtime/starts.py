"""Proposals for first runs: each family's own data and settings; training defaults, which depend on the data."""

from typing import Any

import msgspec

from gmstudio.data import SOURCES
from gmstudio.families.base import Family
from gmstudio.protocol.run_spec import RunSpec, Start


def start_spec(family: type[Family]) -> RunSpec:
    """Return all settings of the first run that a family proposes; ``digits`` in place of data that are not there."""
    return _complete(family, family.start)


def points_spec(family: type[Family]) -> RunSpec | None:
    """Return all settings that a family proposes for points of the plane; None: it proposes none."""
    return None if family.start_on_points is None else _complete(family, family.start_on_points)


def spec_on(family: type[Family], data: str) -> RunSpec | None:
    """Return all settings that a family proposes on a data source; None: it proposes none."""
    start = _start_on(family, data)
    return None if start is None else _complete(family, start)


def _start_on(family: type[Family], data: str) -> Start | None:
    proposed = (family.start_on_points, family.start)
    return next((start for start in proposed if start is not None and start.data == data), None)


def _complete(family: type[Family], start: Start) -> RunSpec:
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
    start = _start_on(family, data)
    return {**msgspec.to_builtins(family.training_defaults), **(start.training if start is not None else {})}
