"""Construction of models from a config or a run's record, with or without memory, and loading of their weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

import msgspec
import torch

from gmstudio.families import FAMILIES, FAMILY_ERRORS
from gmstudio.families.base import Family
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RECORD_NAME, RunError, RunRecord


@runtime_checkable
class _ClassConditional(Protocol):
    """Model that can be conditioned on labels."""

    num_classes: int
    trained_labels: tuple[int, ...] | None


def family_class(name: str) -> type[Family]:
    """Return the family of that name.

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
    """Build a model whose initial weights depend on the seed only; torch's global random state is left unchanged."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach the accelerators' too
        return family(config, image).to(device)


def meta_model(family: type[Family], config: msgspec.Struct, image: ImageSpec) -> Family:
    """Build a model without memory for its weights, to count its parameters and read its properties.

    A family whose constructor needs numbers is built with memory, on the CPU.
    """
    try:
        with torch.device("meta"):
            return family(config, image)
    except (RuntimeError, NotImplementedError, TypeError):  # what torch raises where meta tensors have no values
        return build_model(family, config, image, torch.device("cpu"))


def build_run_model(run: RunFolder, device: torch.device) -> Family:
    """Build the model of a run with its initial weights, and the labels that its training images have.

    Raises:
        RunError: when its family is unknown here, or its settings are not valid (any more).
    """
    record, family = run.record, _run_family(run)
    with _naming(run):
        model = build_model(family, run_config(family, record), record.image, device, record.training.seed)
    if record.fingerprint is not None:
        note_labels(model, record.fingerprint.labels)
    return model


def note_labels(model: Family, labels: tuple[int, ...]) -> None:
    """Note in a model that is conditioned on labels which of them training images have."""
    if isinstance(model, _ClassConditional) and model.num_classes:
        model.trained_labels = labels


def meta_run_model(run: RunFolder) -> Family:
    """Build the model of a run without memory for its weights.

    Raises:
        RunError: when its family is unknown here, or its settings are not valid (any more).
    """
    family, config = settings_of_run(run)
    with _naming(run):
        return meta_model(family, config, run.record.image)


def settings_of_run(run: RunFolder) -> tuple[type[Family], msgspec.Struct]:
    """Return family and settings of a run's model; quick, since nothing is built.

    Raises:
        RunError: when its family is unknown here, or its settings are not valid (any more).
    """
    family = _run_family(run)
    with _naming(run):
        return family, run_config(family, run.record)


def _run_family(run: RunFolder) -> type[Family]:
    """Return the family of a run.

    Raises:
        RunError: when it is unknown here, as after its package was removed.
    """
    name = run.record.family
    if name not in FAMILIES:
        reasons = " ".join(FAMILY_ERRORS.values())
        raise RunError(
            f"There is no family {name!r} here, which {run.path.name} trains. If it is of another package, install the "
            f"package and restart the engine. {reasons}".strip()
        )
    return FAMILIES[name]


@contextmanager
def _naming(run: RunFolder) -> Iterator[None]:
    """Name the file where the settings of a run cannot be used."""
    try:
        yield
    except ValueError as error:
        raise RunError(
            f"{run.path / RECORD_NAME} has settings that cannot be used. {error} Correct them there, or restore the "
            "file from a copy of the run."
        ) from error


def run_config(family: type[Family], record: RunRecord) -> msgspec.Struct:
    """Parse the settings of a run, without those that only earlier versions of its family had.

    Raises:
        ConfigError: when they are not valid any more.
    """
    known = {name: value for name, value in record.config.items() if name not in family.former_settings}
    return parse_config(family.Config, known)
