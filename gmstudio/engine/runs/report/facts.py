"""Tables of facts of a report: run, data, model, settings with those that differ marked, versions."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gmstudio.data import SOURCES
from gmstudio.engine.runs.info import run_info
from gmstudio.engine.runs.label import unit_of
from gmstudio.engine.runs.report.content import Fact, Facts
from gmstudio.families.base import Family
from gmstudio.protocol.config import schema_of
from gmstudio.protocol.families import FamilyEntry
from gmstudio.protocol.plain_text import plain_text
from gmstudio.protocol.runs import RunInfo
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunRecord

MAX_VALUE = 200
"""Characters of a value."""
MAX_EVENTS = 200


def info_of(run: RunFolder, families: Mapping[str, FamilyEntry]) -> RunInfo:
    """Describe the run, as in lists."""
    return run_info(run.name, families)


def tables_of(run: RunFolder, info: RunInfo, model: Family | None, step: int, entry: FamilyEntry | None) -> list[Facts]:
    """Build the tables.

    Args:
        run: its folder, open for reading.
        info: its description.
        model: with the weights that the report is about; None: there are none.
        step: of these weights.
        entry: of the family in the catalog; None: it is not known here.
    """
    record = run.record
    tables = [
        Facts("Run", tuple(_run_facts(record, info, model, step))),
        Facts("Data", tuple(_data_facts(record, info))),
    ]
    config_schema: dict[str, Any] = entry.config_schema if entry is not None else {"properties": {}}
    source = SOURCES.get(record.data)
    data_schema = schema_of(source.Config) if source is not None else {"properties": {}}
    usual = entry.training_on(record.data) if entry is not None else {}
    training: dict[str, Any] = msgspec.to_builtins(record.training)
    tables.append(Facts("Settings of the model", _settings(config_schema, record.config, {})))
    tables.append(Facts("Settings of the training", _settings(schema_of(Training), training, usual)))
    tables.append(Facts("Settings of the data", _settings(data_schema, record.data_config, {})))
    tables.append(Facts("Versions", tuple(Fact(name, version) for name, version in record.versions.items())))
    return [table for table in tables if table.rows]


def _run_facts(record: RunRecord, info: RunInfo, model: Family | None, step: int) -> list[Fact]:
    facts = [
        Fact("Family", info.family_title),
        Fact("Status", f"{info.status}, step {info.step:,} of {record.training.steps:,}"),
        Fact("Started", f"{record.created[:16].replace('T', ' ')} UTC"),
        Fact("Seed", str(record.training.seed)),
        Fact("Device", record.device),
    ]
    if model is not None:
        facts.append(Fact("Parameters", f"{model.num_parameters():,}"))
        facts.append(Fact("Weights", f"of step {step:,}"))
    if info.best_bits is not None:
        bound = "" if "log_prob" in info.capabilities else "≤ "
        facts.append(Fact("Best validation", f"{bound}{info.best_bits:.4f} bits/dim"))
    if record.origin is not None:
        facts.append(Fact("Began at", f"step {record.origin.step:,} of {record.origin.run}"))
        facts += [Fact("Changed there", line) for line in record.origin.changed]
    if info.tags:
        facts.append(Fact("Tags", ", ".join(info.tags)))
    if record.message:
        facts.append(Fact("Message", plain_text(record.message)))
    return facts


def _data_facts(record: RunRecord, info: RunInfo) -> list[Fact]:
    facts = [Fact("Data", info.data_label), Fact("Images", str(record.image))]
    if record.fingerprint is not None:
        for split, size in record.fingerprint.sizes.items():
            digest = record.fingerprint.digests.get(split, "")
            facts.append(Fact(f"{split.capitalize()} images", f"{size:,}, SHA-256 {digest}" if digest else f"{size:,}"))
    return facts


def _settings(schema: Mapping[str, Any], values: Mapping[str, Any], usual: Mapping[str, Any]) -> tuple[Fact, ...]:
    """One row a setting, in the schema's order; those that the schema lacks at the end."""
    properties = schema["properties"]
    rows = []
    for name in [
        *(name for name in properties if name in values),
        *(name for name in values if name not in properties),
    ]:
        prop = properties.get(name, {})
        default = usual.get(name, prop.get("default"))
        differs = name in properties and values[name] != default
        title, unit = str(prop.get("title", name)), unit_of(values[name], prop)
        shown = f"{_shown(values[name])} {unit}".strip()
        rows.append(Fact(title, shown, _shown(default) if differs else ""))
    return tuple(rows)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == "":
        return "none"
    return plain_text(f"{value:g}" if isinstance(value, float) else str(value), MAX_VALUE)


def checkpoints_of(run: RunFolder) -> list[tuple[str, str, str, str]]:
    """List the checkpoints: step, size, time, remark."""
    rows = []
    for info in run.checkpoints.list():
        words = [word for word, holds in (("latest", info.latest), ("kept", info.marked)) if holds]
        remark = plain_text(info.problem) or ", ".join(words)
        size = f"{info.size_bytes / 2**20:.1f} MiB"
        rows.append((f"{info.step:,}", size, info.created[:16].replace("T", " "), remark))
    return rows


def events_of(run: RunFolder) -> tuple[list[tuple[str, str, str]], set[str]]:
    """List the newest events (step, time, sentence), and the kinds of all."""
    events = run.history.read_events()
    rows = [
        (f"{event.step:,}", event.time[:16].replace("T", " "), plain_text(event.text)) for event in events[-MAX_EVENTS:]
    ]
    return rows, {event.kind for event in events}
