"""Other settings for a run that trains, or for a branch of it: checked, and described in lines."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gmstudio.engine.runtime.building import family_class, meta_model, run_config
from gmstudio.engine.training.averaging import refuse_second_average
from gmstudio.engine.training.fixed_settings import COUNTS, counts_images
from gmstudio.engine.training.resume import Continuation, continued
from gmstudio.protocol.config import ConfigError, live_fields, parse_config, schema_of
from gmstudio.protocol.training import ChangeTraining, ContinuedSchedule
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.record import RunRecord

Values = Mapping[str, Any]


def with_changes(record: RunRecord, training: Values, config: Values, *, live: bool) -> RunRecord:
    """Return a run's record with other settings.

    Args:
        record: of the run.
        training: fields of ``Training`` that change, as plain values.
        config: settings of the family that change, as plain values.
        live: while it trains, so that only fields that are ``live`` may change.

    Raises:
        ConfigError: with all refusals; fields are ``training.x`` or ``config.x``.
        ValueError: when the settings do not fit each other or the images.
    """
    kind = family_class(record.family)
    before = {"training": record.training, "config": run_config(kind, record)}
    parsed: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for part, values in (("training", training), ("config", config)):
        settings = type(before[part])
        try:
            parsed[part] = parse_config(settings, {**msgspec.to_builtins(before[part]), **values})
        except ConfigError as error:
            errors |= {f"{part}.{field}": text for field, text in error.errors.items()}
            continue
        if live:
            errors |= _fixed(part, before[part], parsed[part])
    if errors:
        raise ConfigError(errors)
    model = meta_model(kind, parsed["config"], record.image)  # which refuses settings that do not fit each other
    refuse_second_average(model, parsed["training"].average)
    changed = msgspec.structs.replace(record, training=parsed["training"], config=msgspec.to_builtins(parsed["config"]))
    if changed.training.batch_size != record.training.batch_size and record.step and counts_images(model):
        text = COUNTS.format(title=model.card.title, size=record.training.batch_size)
        raise ConfigError({"training.batch_size": text})
    return changed


def check_change(record: RunRecord, step: int, command: ChangeTraining) -> RunRecord:
    """Return the record of the run in training with the settings that a command changes.

    Args:
        record: as it is.
        step: training steps made.
        command: the change.

    Raises:
        ConfigError: with all refusals.
        ScheduleOpenError: when the learning rate would jump with the new number of steps, and no schedule is chosen.
        ValueError: when the settings do not fit each other.
    """
    training = {name: value for name, value in command.training.items() if name != "steps"}
    changed = with_changes(msgspec.structs.replace(record, step=step), training, command.config, live=True)
    if "steps" in command.training:
        changed = prolonged(changed, step, command.training["steps"], command.schedule)
    return changed


def prolonged(record: RunRecord, step: int, steps: Any, schedule: ContinuedSchedule) -> RunRecord:
    """Return a record with another number of steps, of which the first ``step`` are made.

    Raises:
        ConfigError: when there are not more steps than are made.
        ScheduleOpenError: when the learning rate would jump, and no schedule is chosen.
    """
    wanted = parse_config(Training, {**msgspec.to_builtins(record.training), "steps": steps}).steps
    if wanted <= step:
        text = f"Steps is {wanted:,}, but {step:,} are made; enter more."
        raise ConfigError({"training.steps": text})
    return continued(record, step, Continuation(wanted, schedule))


def _fixed(part: str, before: msgspec.Struct, after: msgspec.Struct) -> dict[str, str]:
    """Refusals of changes of fields that cannot change while the run trains."""
    schema = schema_of(type(before))
    allowed = live_fields(schema)
    return {
        f"{part}.{name}": f"{schema['properties'][name]['title']} cannot be changed while the run trains; branch "
        "from one of its checkpoints, or start a new run."
        for name in before.__struct_fields__
        if name not in allowed and getattr(before, name) != getattr(after, name)
    }


def described_changes(before: RunRecord, after: RunRecord) -> tuple[str, ...]:
    """Return one line for each setting of family and training that differs, with both values."""
    kind = family_class(before.family)
    lines = []
    for settings, old, new in (
        (kind.Config, before.config, after.config),
        (Training, msgspec.to_builtins(before.training), msgspec.to_builtins(after.training)),
    ):
        properties = schema_of(settings)["properties"]
        for name, prop in properties.items():
            was, now = old.get(name, prop.get("default")), new.get(name, prop.get("default"))
            if was != now:
                lines.append(f"{prop['title']} {_written(prop, was)} → {_written(prop, now)}")
    return tuple(lines)


def _written(prop: Mapping[str, Any], value: Any) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:g}"
    return str(prop.get("labels", {}).get(str(value), value))
