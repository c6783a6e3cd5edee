"""Building models, opening runs, and the few models that are kept ready for exploring."""

from dataclasses import dataclass
from typing import Any

import msgspec
import torch
from cachetools import LRUCache
from numpy.typing import NDArray

from gmstudio.engine.runtime.memory import limit_memory
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunRecord

KEPT_MODELS = 4


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


class ModelCache:
    """Models of runs that are not in training, read from their latest checkpoint.

    The least recently used one is dropped for a new one.
    """

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[str, str], Loaded] = LRUCache(KEPT_MODELS)

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


def meta_model(family: type[Family], config: msgspec.Struct, image: ImageSpec) -> Family:
    """The model without memory for its weights, for counting and asking; however large, it costs nothing.

    A family that needs real numbers while it is built is built for real.
    """
    try:
        with torch.device("meta"):
            return family(config, image)
    except (RuntimeError, NotImplementedError):  # what torch raises where meta tensors have no values
        return build_model(family, config, image, torch.device("cpu"))


def load_weights(model: Family, arrays: dict[str, NDArray[Any]]) -> None:
    """Copy a checkpoint's arrays into a model.

    Raises:
        ValueError: when names or shapes are not the model's.
    """
    try:
        model.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
    except RuntimeError as error:
        raise ValueError(f"The checkpoint does not fit the {model.card.title} of this version: {error}") from error
