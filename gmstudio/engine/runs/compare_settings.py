"""Settings of a run in words, from its record alone: any version's, and of families that are not installed."""

from collections.abc import Iterator, Mapping
from typing import Any

from gmstudio.data import SOURCES
from gmstudio.engine.runs.label import shown_value, unit_of
from gmstudio.protocol.config import conditions_unmet, schema_of
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.protocol.runs_compare import SettingDescribed
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.record import RunRecord

LONGEST = 200
"""Characters of a value."""
DIGITS = 12
"""Characters of a digest that is shown."""
SPLITS = {"train": "Training", "valid": "Validation", "test": "Test"}
MODEL, TRAINING, DATA, ORIGIN = "Model", "Training", "Data", "Made with"


def settings_of(record: RunRecord, families: Mapping[str, FamilyEntry]) -> tuple[SettingDescribed, ...]:
    """Describe the settings of a run.

    Args:
        record: of the run.
        families: the catalog's entries by name; the run's own may be missing.
    """
    spec, family, source = record.spec, families.get(record.family), SOURCES.get(record.data)
    title = family.card.title if family is not None else record.family
    model_schema = family.config_schema if family is not None else {"properties": {}}
    data_schema = schema_of(source.Config) if source is not None else {"properties": {}}
    defaults = family.training_on(record.data) if family is not None else {}
    return (
        _fact(MODEL, "family", "Family", title),
        *_settings(MODEL, model_schema, record.config, {}),
        *_settings(TRAINING, schema_of(Training), spec.training, defaults),
        _fact(DATA, "data", "Data", source.title if source is not None else record.data),
        _fact(DATA, "image", "Images", str(record.image)),
        *_settings(DATA, data_schema, record.data_config, {}),
        *_fingerprint(record),
        *_origin(record),
    )


def _settings(
    section: str, schema: Mapping[str, Any], values: Mapping[str, Any], defaults: Mapping[str, Any]
) -> Iterator[SettingDescribed]:
    """Describe the values of a config in the order of its schema, then those that it does not know."""
    properties = schema["properties"]
    idle = conditions_unmet(schema, values)
    for name in [name for name in properties if name in values] + [name for name in values if name not in properties]:
        prop, value = properties.get(name, {}), values[name]
        unit = unit_of(value, prop)
        yield SettingDescribed(
            section=section,
            name=plain_text(name, MAX_TITLE),
            title=plain_text(str(prop.get("title", name)), MAX_TITLE),
            text=" ".join(filter(None, (shown_value(value, prop, LONGEST), unit))),
            usual=value == defaults.get(name, prop.get("default", value)),
            idle=name in idle,
        )


def _fingerprint(record: RunRecord) -> Iterator[SettingDescribed]:
    """Describe which images they were."""
    if record.fingerprint is None:
        return
    for split, size in record.fingerprint.sizes.items():
        yield _fact(DATA, f"size of {split}", f"{SPLITS.get(split, split)} images", f"{size:,}")
    for split, digest in record.fingerprint.digests.items():
        yield _fact(DATA, f"digest of {split}", f"Digest, {SPLITS.get(split, split).lower()}", digest[:DIGITS])


def _origin(record: RunRecord) -> Iterator[SettingDescribed]:
    if record.origin is not None:
        yield _fact(ORIGIN, "origin", "Began with", f"{record.origin.run}, step {record.origin.step:,}")
    yield _fact(ORIGIN, "device", "Device", record.device)
    for name, version in record.versions.items():
        yield _fact(ORIGIN, name, f"Version of {name}", version)


def _fact(section: str, name: str, title: str, text: str) -> SettingDescribed:
    return SettingDescribed(
        section=section,
        name=plain_text(name, MAX_TITLE),
        title=plain_text(title, MAX_TITLE),
        text=plain_text(text, LONGEST),
    )
