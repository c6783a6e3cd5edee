"""Bench of a laboratory: what ``LabBench`` promises, on the engine's device, data and models."""

from collections.abc import Generator

from gmstudio.data import SOURCES
from gmstudio.data.dataset import DataError
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.training.bench import Bench
from gmstudio.labs.base import ReadyModel
from gmstudio.protocol.config import parse_config


class EngineLabBench(Bench):
    """What a laboratory works with: the bench, and models of runs with their data."""

    def ready(self, family: str) -> Generator[None, None, ReadyModel | None]:
        """Load the model of the run that is used for a family, with the weights of its chosen or latest checkpoint.

        That of a run in training is read from its checkpoint too: the lab's numbers must not change while it looks.

        Returns:
            The model, or None where no run was given for the family.

        Raises:
            RunError: when the run or its checkpoints are missing or damaged.
            ValueError: when the run is of another family.
        """
        run = self._models.get(family)
        if not run:
            return None
        step = self._context.chosen_steps.get(run)
        loaded = yield from self._context.models.load_pieces(run, self.device, step)
        if loaded.record.family != family:
            raise ValueError(f"The run {run} is of the family {loaded.record.family}; choose one of {family}.")
        for _loading in self._context.data.load_pieces(loaded.record.data, dict(loaded.record.data_config)):
            yield None
        try:
            dataset = self._context.data_of(loaded)
        except DataError:
            dataset = None
        title = f"{loaded.model.card.title} · {_data_title(loaded)}"
        return ReadyModel(loaded.model, loaded.step, title, dataset)


def _data_title(loaded: Loaded) -> str:
    """Short name of the data of a run; the key of their source where it is not installed, or refuses its settings."""
    source = SOURCES.get(loaded.record.data)
    if source is None:
        return loaded.record.data
    try:
        return source.label(parse_config(source.Config, dict(loaded.record.data_config)))
    except ValueError:
        return source.title
