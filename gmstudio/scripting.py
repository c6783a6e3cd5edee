"""The public face for scripts and notebooks: families, runs and data in a few lines.

``gmstudio`` itself offers these names and imports this module when one of them is first used::

    import torch
    import gmstudio

    data = gmstudio.load_data("digits", levels=2)
    model = gmstudio.open_run("~/runs/my run")                     # weights of the latest checkpoint, evaluation mode
    nats = model.log_prob(torch.from_numpy(data.test.images))      # (B,), of a family that has a likelihood

    VAE = gmstudio.FAMILIES["vae"]
    fresh = VAE(VAE.Config(num_latent=2), gmstudio.ImageSpec(channels=1, height=28, width=28, levels=2))
"""

import os
import warnings
from os import PathLike
from pathlib import Path
from typing import Any

from gmstudio import data
from gmstudio.data import Dataset
from gmstudio.engine.runs.hub_folder import open_hub_folder
from gmstudio.engine.runtime.device import choose_device
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.names import typed_run
from gmstudio.system.typed_path import typed_path

__all__ = ["FAMILIES", "ImageSpec", "from_hub", "load_data", "open_run"]


def open_run(path: str | PathLike[str], device: str = "cpu") -> Family:
    """The model of a run with the weights of its latest checkpoint, in evaluation mode.

    Warns of each newer checkpoint that is damaged and was passed over.

    Args:
        path: the run's folder, where ``~`` is the home folder; or its name in the library.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``.

    Raises:
        RunError: when there is no run, or it has no checkpoint that can be read.
        ValueError: when its family is unknown here, its weights do not fit this version, there is no such device, or
            ``~`` names an unknown user's home.
    """
    loaded = ModelCache().load(str(typed_run(os.fspath(path))), choose_device(device))
    for sentence in loaded.warnings:
        warnings.warn(sentence, stacklevel=2)
    return loaded.model


def from_hub(folder: str | PathLike[str], device: str = "cpu") -> Family:
    """The model of a folder of the Hugging Face hub, in evaluation mode: what ``gmstudio export RUN --hub DIR`` writes.

    The folder may be one that ``huggingface_hub.snapshot_download`` returned. Nothing in it is executed.

    Args:
        folder: has ``config.json`` and ``model.safetensors``; ``~`` is the home folder.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto``.

    Raises:
        RunError: when a file is missing, damaged, or of a newer format.
        ValueError: when the family is unknown here, a setting is outside its range, the weights do not fit it, or there
            is no such device.
    """
    return open_hub_folder(Path(typed_path(os.fspath(folder))), choose_device(device))


def load_data(name: str, **config: Any) -> Dataset:
    """Load a data set: splits of integer images, (N, C, H, W) uint8.

    Args:
        name: of the data source, for example ``digits``.
        config: its settings, for example ``levels=2``; the others take their defaults.

    Raises:
        ConfigError: when a setting is unknown or outside its range.
        DataError: when there is no such source or a file cannot be used.
    """
    return data.load(name, config)
