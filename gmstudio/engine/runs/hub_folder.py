"""A model in a folder as the Hugging Face hub has them: ``config.json`` and ``model.safetensors``.

Such a folder may come from anyone. The settings are plain JSON of bounded size, checked field by field; the weights are
read by safetensors, which executes nothing, and their names and shapes are compared with the model's before any memory
is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import safetensors
import torch

import gmstudio
from gmstudio.engine.runtime.building import build_model, family_class, meta_model, note_labels
from gmstudio.engine.runtime.memory import limit_memory
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.runtime.weights import UnfitWeightsError, differences_of
from gmstudio.families.base import Family
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.record import RunDamagedError, RunError, RunMissingError, check_nesting
from gmstudio.system.regular_file import open_regular, regular_size

CONFIG_NAME = "config.json"
WEIGHTS_NAME = "model.safetensors"
FORMAT = 1
MAX_CONFIG_BYTES = 1 << 20
MAX_WEIGHTS_BYTES = 16 << 30


class HubConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``config.json``.

    Args:
        family: key in ``FAMILIES``.
        config: the family's settings as plain values.
        image: what the images are.
        labels: labels that training images had, rising; empty: none, or unknown.
        step: training steps of the weights.
        seed: of the training.
        data: name of the data.
        data_config: settings of the data, without paths of files.
        training: the training settings.
        library_name: always ``gmstudio``; the hub shows it.
        gmstudio_version: version that wrote the folder.
        gmstudio_format: one newer than ``FORMAT`` is refused.
    """

    family: str
    config: dict[str, Any]
    image: ImageSpec
    labels: tuple[Annotated[int, msgspec.Meta(ge=0)], ...] = ()
    step: int = 0
    seed: int = 0
    data: str = ""
    data_config: dict[str, Any] = {}
    training: dict[str, Any] = {}
    library_name: str = "gmstudio"
    gmstudio_version: str = ""
    gmstudio_format: int = FORMAT


def hub_config(loaded: Loaded) -> HubConfig:
    """Describe a model that was loaded from a run; what the data's settings say of this disk is left out."""
    record = loaded.record
    return HubConfig(
        family=record.family,
        config=record.config,
        image=record.image,
        labels=record.fingerprint.labels if record.fingerprint is not None else (),
        step=loaded.step,
        seed=record.training.seed,
        data=record.data,
        data_config={name: value for name, value in record.data_config.items() if not _names_a_file(value)},
        training=msgspec.to_builtins(record.training),
        gmstudio_version=gmstudio.__version__,
    )


def _names_a_file(value: object) -> bool:
    return isinstance(value, str) and ("/" in value or "\\" in value)


def open_hub_folder(folder: Path, device: torch.device) -> Family:
    """Load the model of a folder, in evaluation mode.

    Args:
        folder: has ``config.json`` and ``model.safetensors``.
        device: of the model.

    Raises:
        RunMissingError: when a file is missing.
        RunDamagedError: when a file is damaged, or not what its name promises.
        RunError: when a file cannot be read, or is of a newer format.
        ValueError: when the family is unknown here, a setting is outside its range, or the weights do not fit.
    """
    config = _read_config(folder / CONFIG_NAME)
    family = family_class(config.family)
    settings = parse_config(family.Config, _known_settings(family, config))
    limit_memory(device)
    with _opened(folder / WEIGHTS_NAME) as weights:
        shapes = {name: tuple(weights.get_slice(name).get_shape()) for name in tuple(weights.keys())}
        _check_shapes(meta_model(family, settings, config.image), shapes, folder / WEIGHTS_NAME)
        model = build_model(family, settings, config.image, device)
        model.load_state_dict({name: weights.get_tensor(name) for name in shapes})
    note_labels(model, config.labels)
    return model.eval()


def _known_settings(family: type[Family], config: HubConfig) -> dict[str, Any]:
    return {name: value for name, value in config.config.items() if name not in family.former_settings}


def _read_config(path: Path) -> HubConfig:
    with _problems_of(path), open_regular(path, MAX_CONFIG_BYTES) as file:
        content = file.read(MAX_CONFIG_BYTES + 1)
    try:
        config = msgspec.json.decode(content, type=HubConfig)
        for settings in (config.config, config.data_config, config.training):
            check_nesting(settings)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RunDamagedError(
            f"{path} does not describe a model of gmstudio ({' '.join(str(error).split())}). Export the run again."
        ) from error
    if config.gmstudio_format > FORMAT:
        raise RunError(
            f"{path} has format {config.gmstudio_format}; this gmstudio reads up to {FORMAT}. Open it with a newer one."
        )
    return config


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file of weights; safetensors checks its header against the size of the file."""
    with _problems_of(path):
        regular_size(path, MAX_WEIGHTS_BYTES)
    try:
        with safetensors.safe_open(path, "pt") as weights:
            yield weights
    except safetensors.SafetensorError as error:
        raise RunDamagedError(
            f"{path} is no safetensors file, or is damaged ({' '.join(str(error).split())}). Download or export it "
            "again."
        ) from error


def _check_shapes(model: Family, shapes: dict[str, tuple[int, ...]], path: Path) -> None:
    differences = differences_of(model, shapes)
    if differences:
        raise UnfitWeightsError(
            f"{path} does not fit the {model.card.title} that {CONFIG_NAME} describes: {'; '.join(differences)}. Take "
            "both files from the same export."
        )


@contextmanager
def _problems_of(path: Path) -> Iterator[None]:
    """Turn what the system says of a file into a sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise RunMissingError(
            f"{path.parent} is no folder of a model: it has no {path.name}. Choose a folder that has {CONFIG_NAME} and "
            f"{WEIGHTS_NAME}."
        ) from error
    except OSError as error:
        raise RunError(f"{path} could not be read ({error.strerror}). Check it, or download it again.") from error
