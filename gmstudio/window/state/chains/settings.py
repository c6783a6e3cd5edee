"""Settings of a trajectory: those that are kept for each family, and their description in words."""

from collections.abc import Mapping
from typing import Any

from gmstudio.protocol.chains import RunTrajectory
from gmstudio.protocol.config import conditions_unmet
from gmstudio.protocol.families import FamilyEntry

MAX_STEPS = 10_000
FIRST_GRIDS = 200
TRAINING = ""
"""Key of the settings of a training history, in place of a family."""


class FamilySettings:
    """Numbers of steps and settings of the sampler for each family, kept from one start of the window to the next."""

    def __init__(self) -> None:
        self._steps: dict[str, int] = {}
        self._samplers: dict[str, dict[str, Any]] = {}

    def steps(self, entry: FamilyEntry | None) -> int:
        """Number of steps of a family's trajectory; of grids of a training history, for None."""
        key, default = TRAINING, FIRST_GRIDS
        if entry is not None:
            key = entry.card.name
            default = entry.card.trajectory.default_steps if entry.card.trajectory else FIRST_GRIDS
        return self._steps.get(key, default)

    def set_steps(self, entry: FamilyEntry | None, steps: int) -> None:
        """Set the number of steps of a family, or of a training history."""
        self._steps[TRAINING if entry is None else entry.card.name] = min(max(steps, 1), MAX_STEPS)

    def sampler(self, entry: FamilyEntry | None) -> dict[str, Any]:
        """Settings of a family's sampler that have an effect on its trajectories; none where it has no settings."""
        if entry is None or not entry.sampler_schema:
            return {}
        properties = trajectory_schema(entry)["properties"]
        kept = self._samplers.get(entry.card.name, {})
        values = {name: kept.get(name, prop.get("default")) for name, prop in properties.items()}
        unmet = conditions_unmet({"properties": properties}, values)
        return {name: value for name, value in values.items() if name not in unmet}

    def all_of(self, entry: FamilyEntry) -> dict[str, Any]:
        """All settings of a family's sampler, also those that have no effect beside the others."""
        properties = trajectory_schema(entry)["properties"]
        return {name: prop.get("default") for name, prop in properties.items()} | self._samplers.get(
            entry.card.name, {}
        )

    def set_sampler(self, entry: FamilyEntry, values: Mapping[str, Any]) -> None:
        """Set the settings of a family's sampler."""
        self._samplers[entry.card.name] = dict(values)

    def choices(self) -> dict[str, Any]:
        """All of them as JSON values."""
        return {"steps": self._steps, "samplers": self._samplers}

    def restore(self, values: Mapping[str, Any]) -> None:
        """Take what was kept, perhaps by another version."""
        steps, samplers = values.get("steps"), values.get("samplers")
        for name, number in steps.items() if isinstance(steps, dict) else ():
            if isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MAX_STEPS:
                self._steps[str(name)] = number
        for name, kept in samplers.items() if isinstance(samplers, dict) else ():
            if isinstance(kept, dict):
                self._samplers[str(name)] = kept


def trajectory_schema(entry: FamilyEntry) -> dict[str, Any]:
    """Schema of a family's settings of the sampler, of those that concern trajectories."""
    properties = entry.sampler_schema.get("properties", {})
    return {"properties": {n: p for n, p in properties.items() if p.get("use", "trajectories") == "trajectories"}}


def describe(command: RunTrajectory, entry: FamilyEntry | None) -> str:
    """Settings of a trajectory in a few words: ``DDIM · η 0 · 50 steps · seed 3``."""
    if command.kind == "training" or entry is None or entry.card.trajectory is None:
        return f"up to {command.steps:,} saved samples"
    properties = trajectory_schema(entry)["properties"]
    words = []
    for name, value in command.sampler.items():
        prop = properties.get(name, {})
        label = prop.get("labels", {}).get(str(value))
        words.append(
            label or f"{prop.get('title', name)} {value:g}" if isinstance(value, float) else label or str(value)
        )
    words += [f"{command.steps:,} steps", f"seed {command.seed}"]
    return " · ".join(words)


def differences(applied: RunTrajectory, wanted: RunTrajectory) -> frozenset[str]:
    """Names of the settings in which two trajectories differ."""
    compared = {"count", "steps", "seed", "start", "sampler"}
    if wanted.kind == "training":
        compared = {"count", "steps"}
    elif wanted.start == "data":
        compared.add("index")
    elif wanted.start == "image":
        compared.add("image")
    return frozenset(name for name in compared if _differ(getattr(applied, name), getattr(wanted, name)))


def _differ(a: Any, b: Any) -> bool:
    return bool(a != b)
