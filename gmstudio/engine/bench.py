"""What the engine has on its bench: the device, data sets, models, and the run in training."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

from gmstudio.engine.device import choose_device
from gmstudio.engine.models import DataShelf, Loaded, ModelShelf
from gmstudio.engine.training_job import TrainingJob
from gmstudio.messages import Command, Event

Pieces = Iterator[Event | None]
"""A job: advanced a piece at a time; an event, or None when there is nothing to tell yet."""

Handlers = dict[type[Command], Callable[[Any], Pieces | None]]
"""Command → what answers it; a handler of long work returns its pieces."""


class Bench:
    """State that the handlers of commands share.

    Args:
        send: where events go.
    """

    def __init__(self, send: Callable[[Event], None]) -> None:
        self.send = send
        self.device: torch.device = choose_device("auto")
        self.data = DataShelf()
        self.models = ModelShelf()
        self.training: TrainingJob | None = None

    def is_live(self, run: str) -> bool:
        """Whether this run is the one in training."""
        return self.training is not None and self.training.path == run

    def the_training(self) -> TrainingJob:
        """The run in training.

        Raises:
            ValueError: when there is none.
        """
        if self.training is None:
            raise ValueError("Nothing is in training. Start or resume a run first.")
        return self.training

    def model(self, run: str, capability: str) -> Loaded:
        """The model of a run as it is now: in training, or from its latest checkpoint.

        Raises:
            ValueError: when its family has no such capability.
            RunError: when the run or its checkpoints are missing or damaged.
        """
        if self.is_live(run):
            trainer = self.the_training().trainer
            loaded = Loaded(trainer.model, trainer.step, trainer.run.record)
        else:
            loaded = self.models.load(run, self.device)
        if not callable(getattr(loaded.model, capability, None)):
            raise ValueError(f"{loaded.model.card.title} has no {capability}; choose another run.")
        return loaded
