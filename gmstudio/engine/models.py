"""Building models, opening runs, and the few models that are kept ready for exploring."""

import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from gmstudio import data
from gmstudio.cards import ConfigError, ImageSpec, Training, parse_config
from gmstudio.data.dataset import Dataset
from gmstudio.engine.catalog import capabilities_of
from gmstudio.engine.memory_limit import limit_memory
from gmstudio.engine.scalars import series_of
from gmstudio.engine.train import load_weights
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family, Latent
from gmstudio.messages import HistoryAppended, RunInfo, RunOpened
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import summarize
from gmstudio.runs.notes import read_notes
from gmstudio.runs.record import RunRecord, new_record

KEPT_MODELS = 4
KEPT_DATASETS = 3


@dataclass(frozen=True)
class Loaded:
    """A model ready for exploring.

    Args:
        model: in whatever mode its trainer left it; exploring puts it into evaluation mode for a moment.
        step: training step of its weights.
        record: the run's.
        warnings: one sentence for each newer checkpoint that was damaged and passed over.
    """

    model: Family
    step: int
    record: RunRecord
    warnings: tuple[str, ...] = ()


class DataShelf:
    """Loads data sets and keeps the last few."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Dataset] = OrderedDict()

    def load(self, name: str, config: dict[str, Any]) -> Dataset:
        """The data set of a source under these settings.

        Raises:
            ConfigError: for settings outside their range.
            DataError: when its files cannot be used.
        """
        key = json.dumps([name, config], sort_keys=True, default=str)
        if key not in self._kept:
            self._kept[key] = data.load(name, config)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_DATASETS:
            self._kept.popitem(last=False)
        return self._kept[key]


def load_data(shelf: DataShelf, name: str, config: dict[str, Any]) -> Dataset:
    """Load a data set; what cannot be used is said at the setting that leads to it.

    Raises:
        ConfigError: with fields ``data_config.x``; files that cannot be used are laid to the folder.
        DataError: when there is no such source, or it has no files to choose.
    """
    try:
        return shelf.load(name, config)
    except ConfigError as error:
        raise ConfigError({f"data_config.{field}": text for field, text in error.errors.items()}) from error
    except data.DataError as error:
        if name not in data.SOURCES or "folder" not in data.SOURCES[name].Config.__struct_fields__:
            raise
        raise ConfigError({"data_config.folder": str(error)}) from error


class ModelShelf:
    """Models of runs that are not in training, read from their latest checkpoint; keeps the last few."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Loaded] = OrderedDict()

    def load(self, path: str, device: torch.device) -> Loaded:
        """The model of a run with the weights of its latest checkpoint.

        Raises:
            RunError: when the run or its checkpoints are missing or damaged.
            ValueError: when its family is unknown here, or the checkpoint does not fit.
        """
        with RunFolder.open(path) as run:
            saved = [f"{info.step} {info.created}" for info in run.checkpoints.list() if info.latest]
            key = (path, f"{run.record.created} {' '.join(saved)}")  # another run may have taken the folder's place
            if key not in self._kept:
                limit_memory(device)
                found = run.checkpoints.load()
                family = family_class(run.record.family)
                model = build_model(family, parse_config(family.Config, run.record.config), run.record.image, device)
                load_weights(model, found.tensors["model"])
                self._kept[key] = Loaded(model.eval(), found.step, run.record, found.warnings)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT_MODELS:
            self._kept.popitem(last=False)
        return self._kept[key]

    def clear(self) -> None:
        """Let all models go."""
        self._kept.clear()


def family_class(name: str) -> type[Family]:
    """The family of that name.

    Raises:
        ValueError: when there is none.
    """
    try:
        return FAMILIES[name]
    except KeyError:
        raise ValueError(f"There is no family {name!r}; there are {', '.join(FAMILIES)}.") from None


def build_model(
    family: type[Family], config: msgspec.Struct, image: ImageSpec, device: torch.device, seed: int = 0
) -> Family:
    """Make a model whose initial weights depend on the seed only; nobody else's random numbers are disturbed."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach the accelerators' too
        return family(config, image).to(device)


def outline_model(family: type[Family], config: msgspec.Struct, image: ImageSpec) -> Family:
    """The model without memory for its weights, for counting and asking; however large, it costs nothing.

    A family that needs real numbers while it is built is built for real.
    """
    try:
        with torch.device("meta"):
            return family(config, image)
    except (RuntimeError, NotImplementedError):  # what torch raises where meta tensors have no values
        return build_model(family, config, image, torch.device("cpu"))


@dataclass(frozen=True)
class Plan:
    """Everything that a new run needs, checked.

    Args:
        family: the class.
        config: its settings.
        dataset: the images.
        training: how to train.
        record: what run.json will say.
    """

    family: type[Family]
    config: msgspec.Struct
    dataset: Dataset
    training: Training
    record: RunRecord


def plan_run(
    shelf: DataShelf,
    family_name: str,
    config: dict[str, Any],
    data_name: str,
    data_config: dict[str, Any],
    training: dict[str, Any],
    device: torch.device,
) -> Plan:
    """Check all settings of a new run together; training settings that are not given are the family's.

    Raises:
        ConfigError: with all refusals; fields are ``config.x``, ``data_config.x`` or ``training.x``.
        ValueError: when family or data source is unknown, or its files cannot be used.
    """
    family = family_class(family_name)
    errors: dict[str, str] = {}
    parsed: dict[str, Any] = {}
    training_values = {**msgspec.structs.asdict(family.training_defaults), **training}
    for prefix, kind, values in (("config", family.Config, config), ("training", Training, training_values)):
        try:
            parsed[prefix] = parse_config(kind, values)
        except ConfigError as error:
            errors |= {f"{prefix}.{field}": text for field, text in error.errors.items()}
    try:
        dataset = load_data(shelf, data_name, data_config)
    except ConfigError as error:
        errors |= error.errors
    if errors:
        raise ConfigError(errors)
    parsed["config"] = _with_classes(parsed["config"], dataset)
    record = new_record(
        family=family_name,
        config=msgspec.to_builtins(parsed["config"]),
        data=data_name,
        data_config=dataset.config,
        image=dataset.image,
        training=parsed["training"],
        device=str(device),
    )
    return Plan(family, parsed["config"], dataset, parsed["training"], record)


def _with_classes(config: Any, dataset: Dataset) -> Any:
    """The config of a family that can take labels, with as many classes as the data has where it does not say."""
    if "num_classes" not in config.__struct_fields__:
        return config
    wanted, there = config.num_classes, dataset.num_classes
    if wanted is None:
        return msgspec.structs.replace(config, num_classes=there)
    if wanted and not there:
        raise ConfigError({"config.num_classes": f"{wanted} classes, but {dataset.source} has no labels; take 0."})
    if 0 < wanted < there:
        raise ConfigError(
            {"config.num_classes": f"{wanted} classes, but {dataset.source} has labels 0 to {there - 1}; take {there}."}
        )
    return config


def run_info(path: str, *, live_status: str = "", live_step: int = -1) -> RunInfo:
    """A run as the window shows it.

    Raises:
        RunError: when it is damaged.
    """
    with RunFolder.open(path) as run:
        record = run.record
        summary = summarize(Path(path))
        family = FAMILIES.get(record.family)
        checkpoints = tuple(info.step for info in run.checkpoints.list() if not info.problem)
    return RunInfo(
        run=path,
        title=record.title or Path(path).name,
        family=record.family,
        family_title=family.card.title if family else record.family,
        config=record.config,
        data=record.data,
        data_config=record.data_config,
        image=record.image,
        training=record.training,
        status=live_status or summary.status,
        step=live_step if live_step >= 0 else max(record.step, *checkpoints, 0),
        created=record.created,
        capabilities=capabilities_of(family) if family else (),
        checkpoint_steps=checkpoints,
        best=summary.best_valid,
        message=record.message,
    )


def describe_opened(model: Family, info: RunInfo, *, live: bool, request: int) -> RunOpened:
    """The event that says a run is open, with what the panels need to know of its model."""
    with RunFolder.open(info.run) as run:
        kinds = run.history.image_kinds()
        steps = tuple(run.history.image_steps(kinds[0])) if kinds else ()
        notes = read_notes(run.path)
    return RunOpened(
        request=request,
        info=info,
        live=live,
        objective=model.card.objective(info.config),
        latent=model.latent if isinstance(model, Latent) else None,
        num_parameters=model.num_parameters(),
        sample_steps=steps,
        phases=tuple(phase.name for phase in model.phases()),
        notes=notes,
    )


def whole_history(path: str, request: int) -> HistoryAppended:
    """All curves of a run on disk."""
    with RunFolder.open(path) as run:
        curves = run.history.read_scalars()
    return HistoryAppended(request=request, run=path, series=series_of(curves), reset=True)
