"""Settings of a laboratory as the user left them: config, inputs, models and seed, and their JSON."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Snapshot = Mapping[str, Any]
MAX_KEPT = 100_000
"""Numbers of an input that are kept from one start of the window to the next."""


class LabSettings:
    """Settings of one laboratory.

    Attributes:
        config: field → value; empty: the defaults.
        inputs: input → numbers; empty: the defaults.
        models: family → path of the chosen run; a family that is missing uses the ready example.
        seed: seed of all noise.
        acted: actions have computed something that other settings would lose.
        begun: number that the engine gave the lab when it began; 0: it was not open since the window started.
    """

    def __init__(self) -> None:
        self.config: dict[str, Any] = {}
        self.inputs: dict[str, Numbers] = {}
        self.models: dict[str, str] = {}
        self.seed = 0
        self.acted = False
        self.begun = 0

    def snapshot(self) -> Snapshot:
        """What an edit can change."""
        return {
            "config": dict(self.config),
            "inputs": dict(self.inputs),
            "models": dict(self.models),
            "seed": self.seed,
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Take a snapshot."""
        self.config, self.inputs = dict(snapshot["config"]), dict(snapshot["inputs"])
        self.models, self.seed = dict(snapshot["models"]), snapshot["seed"]

    def clear(self) -> None:
        """Return to the defaults and to seed 0."""
        self.restore(LabSettings().snapshot())

    def to_json(self) -> dict[str, Any]:
        """Plain values; an input that JSON cannot hold, or that is very long, is left out."""
        kept = {name: values.tolist() for name, values in self.inputs.items() if _fits(values)}
        return {
            "config": self.config,
            "inputs": kept,
            "models": self.models,
            "seed": self.seed,
            "acted": self.acted,
        }

    @classmethod
    def from_json(cls, values: object) -> "LabSettings":
        """Take plain values that were kept, perhaps by another version; what is not of the right kind is left out."""
        settings = cls()
        if not isinstance(values, dict):
            return settings
        config, inputs, models = (values.get(name) for name in ("config", "inputs", "models"))
        settings.config = {str(name): value for name, value in config.items()} if isinstance(config, dict) else {}
        for name, numbers in inputs.items() if isinstance(inputs, dict) else ():
            try:
                settings.inputs[str(name)] = np.asarray(numbers, np.float64)
            except (ValueError, TypeError):  # ragged, or no numbers: the lab's default is used
                continue
        if isinstance(models, dict):
            settings.models = {str(name): run for name, run in models.items() if isinstance(run, str)}
        seed = values.get("seed")
        settings.seed = seed if isinstance(seed, int) and not isinstance(seed, bool) and seed >= 0 else 0
        settings.acted = values.get("acted") is True
        return settings


def _fits(values: Numbers) -> bool:
    return values.size <= MAX_KEPT and all(math.isfinite(value) for value in values.ravel())
