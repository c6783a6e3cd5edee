"""Tools of the demonstrations: ready models, models trained at once, and small data."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from gmstudio.data import SOURCES
from gmstudio.data.dataset import DataError, Dataset
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.training.bench import Bench
from gmstudio.protocol.atlas import DemonstrationCard
from gmstudio.protocol.scenes import Scene

SMALL_DATA = "digits"
"""Data of models that are trained at once: images so small that a training takes seconds."""
SMALL_WORDS = "8×8 digits"


class Workbench(Bench):
    """What a demonstration works with: the bench, ready models and small data."""

    def ready(self, family: str, capability: str) -> Loaded | None:
        """Return the model of the run that was given for a family; None where none was.

        Raises:
            RunError: when the run or its checkpoints are missing or damaged.
        """
        run = self._models.get(family)
        return self._context.model(run, capability) if run else None

    def data_of(self, loaded: Loaded) -> Generator[None, None, Dataset | None]:
        """Load the data set of a model piece by piece; returns it, or None where it is not at hand."""
        for _loading in self._context.data.load_pieces(loaded.record.data, dict(loaded.record.data_config)):
            yield None
        try:
            return self._context.data_of(loaded)
        except DataError:
            return None

    def small_data(self, levels: int = 2) -> Generator[None, None, Dataset]:
        """Load the small digits; returns them."""
        return self.data(SMALL_DATA, {"levels": levels})


@dataclass(frozen=True)
class Demonstration:
    """A demonstration.

    Args:
        card: its description.
        run: computes it: yields None after each small piece of work, and scenes; the last scene has the result.
    """

    card: DemonstrationCard
    run: Callable[[Workbench], Iterator[Scene | None]]


def images_of(dataset: Dataset, count: int, split: str = "valid") -> Tensor:
    """(N, C, H, W) uint8 levels of the first images of a split."""
    size = len(dataset.split(split))
    return torch.from_numpy(dataset.view(split, range(min(count, size))))


def data_title(dataset: Dataset) -> str:
    """Name of a data set in a sentence."""
    return SOURCES[dataset.source].title if dataset.source in SOURCES else dataset.source
