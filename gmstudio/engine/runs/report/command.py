"""The command line that repeats a run: family, data, seed, steps, and every setting that is not what it would be."""

import shlex
from typing import Any

import msgspec

from gmstudio.data import SOURCES
from gmstudio.engine.runtime.building import family_class
from gmstudio.engine.runtime.starts import spec_on, training_defaults_on
from gmstudio.families.base import Family
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.history import DATA_CHANGED, FOREIGN, PHASES, SCHEDULE, SETTINGS_CHANGED
from gmstudio.runs.record import RunRecord

OWN_OPTIONS = ("steps", "seed")
"""Training settings that have an option of their own."""
UNREPEATED = {
    FOREIGN: "The first weights are those of another program.",
    DATA_CHANGED: "The data were changed in the course of the training.",
    SETTINGS_CHANGED: "Settings were changed while the run trained; its events have steps and former values.",
    SCHEDULE: "The run was continued with another course of the learning rate.",
    PHASES: "Some of the phases were trained alone for a while.",
}
"""Kind of an event → the reason why no command repeats a run that has one."""


def repeating_command(record: RunRecord) -> str:
    """Return the command that repeats a run, as a shell reads it.

    Raises:
        ValueError: when family or data source is not known here.
    """
    words = ["gmstudio", "train", record.family, "--data", record.data]
    words += ["--steps", str(record.training.steps), "--seed", str(record.training.seed), "--device", record.device]
    usual = _usual(family_class(record.family), record.data)
    for owner, values in (("config", record.config), ("data", record.data_config), ("training", _plain(record))):
        for name, value in values.items():
            if owner == "training" and name in OWN_OPTIONS:
                continue
            if name not in usual[owner] or usual[owner][name] != value:
                words += ["--set", f"{owner}.{name}={_text(value)}"]
    return shlex.join(words)


def command_remarks(record: RunRecord, event_kinds: set[str]) -> tuple[str, ...]:
    """Return sentences on what the command of a run cannot repeat, and on what it needs.

    Args:
        record: of the run.
        event_kinds: kinds of the events in its history.
    """
    differs = [text for kind, text in UNREPEATED.items() if kind in event_kinds]
    if record.origin is not None:
        differs.insert(0, f"The run began at step {record.origin.step:,} of {record.origin.run}.")
    if differs:
        last = "The command trains new weights with the settings that the run has now, so that its losses are others."
        found = [*differs, last]
    else:
        found = ["With the same versions and on the same device the losses are the same to the last bit."]
    if record.data_config.get("folder"):
        found.append(f"It needs the same files in {record.data_config['folder']}; the report has their digests.")
    return tuple(found)


def _usual(family: type[Family], data: str) -> dict[str, dict[str, Any]]:
    """Settings of the command without any ``--set``."""
    if data not in SOURCES:
        raise ValueError(f"There is no data source {data!r} here; install the package that brings it.")
    start = spec_on(family, data)
    return {
        "config": {**msgspec.to_builtins(family.Config()), **(start.config if start is not None else {})},
        "data": {**msgspec.to_builtins(SOURCES[data].Config()), **(start.data_config if start is not None else {})},
        "training": {**msgspec.to_builtins(Training()), **training_defaults_on(family, data)},
    }


def _plain(record: RunRecord) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(record.training)
    return plain


def _text(value: Any) -> str:
    """Write a value as ``--set`` reads it; floats come back exactly."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
