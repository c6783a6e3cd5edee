"""Plan of a new run: all settings, checked together."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import msgspec
import torch

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.building import family_class, meta_model
from gmstudio.engine.runtime.datasets import DatasetCache, load_data
from gmstudio.engine.runtime.starts import training_defaults_on
from gmstudio.engine.training.averaging import refuse_second_average
from gmstudio.engine.training.loggers.targets import refusal_of
from gmstudio.families.base import Family
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training_settings import Training
from gmstudio.runs.record import RunRecord, new_record


@runtime_checkable
class _ClassConditional(Protocol):
    """Config of a family that can be conditioned on labels; None: as many classes as the data has."""

    num_classes: int | None


@dataclass(frozen=True)
class Plan:
    """Checked settings of a new run.

    Args:
        family: class of the family.
        config: settings of the family.
        dataset: data set.
        training: training settings.
        record: content of ``run.json`` at the start.
    """

    family: type[Family]
    config: msgspec.Struct
    dataset: Dataset
    training: Training
    record: RunRecord


def plan_run(cache: DatasetCache, spec: RunSpec, device: torch.device) -> Plan:
    """Check all settings of a new run together.

    Raises:
        ConfigError: with all refusals; fields are ``config.x``, ``data_config.x`` or ``training.x``.
        ValueError: when family or data source is unknown, or its files cannot be used.
    """
    family = family_class(spec.family)
    errors: dict[str, str] = {}
    parsed: dict[str, Any] = {}
    training_values = {**training_defaults_on(family, spec.data), **spec.training}
    for prefix, kind, values in (("config", family.Config, spec.config), ("training", Training, training_values)):
        try:
            parsed[prefix] = parse_config(kind, values)
        except ConfigError as error:
            errors |= {f"{prefix}.{field}": text for field, text in error.errors.items()}
    refused = refusal_of(parsed["training"].log_to) if "training" in parsed else ""
    errors |= {"training.log_to": refused} if refused else {}
    try:
        dataset = load_data(cache, spec.data, spec.data_config)
    except ConfigError as error:
        errors |= error.errors
    if errors:
        raise ConfigError(errors)
    parsed["config"] = _with_classes(parsed["config"], dataset)
    if parsed["training"].average:
        refuse_second_average(meta_model(family, parsed["config"], dataset.image), parsed["training"].average)
    complete = RunSpec(
        family=spec.family,
        config=msgspec.to_builtins(parsed["config"]),
        data=spec.data,
        data_config=dataset.config,
        training=msgspec.to_builtins(parsed["training"]),
    )
    record = new_record(complete, image=dataset.image, device=str(device))
    return Plan(family, parsed["config"], dataset, parsed["training"], record)


def _with_classes(config: msgspec.Struct, dataset: Dataset) -> msgspec.Struct:
    """Set the number of classes to that of the data where a family conditions on labels and the number is not set."""
    if not isinstance(config, _ClassConditional):
        return config
    wanted, there = config.num_classes, dataset.num_classes
    if wanted is None:
        return msgspec.structs.replace(config, num_classes=there)
    if wanted and not there:
        raise ConfigError({"config.num_classes": f"{wanted} classes, but {dataset.source} has no labels; enter 0."})
    if 0 < wanted < there:
        text = f"{wanted} classes, but {dataset.source} has labels 0 to {there - 1}; enter {there}."
        raise ConfigError({"config.num_classes": text})
    return config
