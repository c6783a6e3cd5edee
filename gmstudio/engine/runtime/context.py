"""State shared by the engine's features: the device, data sets, models, and the run in training."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.device import choose_device
from gmstudio.engine.runtime.job import Job
from gmstudio.engine.runtime.loading import Answer, DataLoader
from gmstudio.engine.runtime.models import Loaded, ModelCache
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.families.base import Family
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Warned
from gmstudio.runs.names import same_name
from gmstudio.runs.record import RunRecord

ANY_FAMILY = "phases"
"""Capability that every family has."""


class AfterStepError(Exception):
    """A command cannot be answered while a step of training is being made, only after it."""


@dataclass(frozen=True)
class Progress:
    """Progress of a training.

    Args:
        title: title of the job, for example ``Training PixelCNN``.
        step: steps made.
        steps: steps of the whole training.
        images_per_s: rate; 0 when unknown.
        seconds_left: time to the end; negative when unknown.
    """

    title: str
    step: int
    steps: int
    images_per_s: float
    seconds_left: float


class LiveRun(Protocol):
    """Interface of the run in training to the other features."""

    name: str
    paused: bool
    over: bool

    @property
    def running(self) -> bool:
        """The training is neither paused nor over."""

    @property
    def model(self) -> Family:
        """Model with its present weights."""

    @property
    def step(self) -> int:
        """Training steps made."""

    @property
    def record(self) -> RunRecord:
        """Content of ``run.json``."""

    @property
    def waits(self) -> bool:
        """A full disk, or a history that another program locked, has paused the training."""

    def can_go_on(self) -> bool:
        """Return whether what training waits for is over."""

    def wait_s(self) -> float:
        """Return the seconds until the next step is due; 0: now."""

    def progress(self) -> Progress:
        """Return the progress."""

    def advance(self) -> None:
        """Do one piece of work."""

    def stop(self) -> None:
        """End the training with a checkpoint."""

    def abandon(self) -> None:
        """Close the run without a checkpoint, since the device is lost."""

    def pause(self, message: str = "") -> None:
        """Pause after the current piece."""

    def resume(self) -> None:
        """Continue after a pause."""

    def make_steps(self, count: int, phases: tuple[str, ...] = ()) -> None:
        """Make ``count`` steps and pause."""

    def pace(self, steps_per_s: float, phases: tuple[str, ...]) -> None:
        """Limit the pace, or train only some phases."""

    def flush(self) -> None:
        """Store and send the recorded scalars."""

    def keep_checkpoint(self) -> None:
        """Write a checkpoint of the present step that is kept until the user releases it."""


class RunQueue(Protocol):
    """Interface of the queue of runs to the engine's loop."""

    @property
    def due(self) -> bool:
        """The next entry is to be begun now."""

    def begin_next(self) -> tuple[Command, Job] | None:
        """Begin the next entry; returns a command and its job, or None where nothing can be begun."""

    def end(self) -> None:
        """Let the entry in training wait where the engine ends, to be resumed."""


class EngineContext:
    """State that the features share.

    Args:
        send: takes the events for the window.
    """

    def __init__(self, send: Callable[[Event], None]) -> None:
        self.send = send
        self.device: torch.device = choose_device("auto")
        self.data = DatasetCache()
        self._loader = DataLoader(self.data, send)
        self.models = ModelCache()
        self.training: LiveRun | None = None
        self.during_step = False
        """The training makes a step in another thread than the one that uses this context."""
        self.last_step: Loaded | None = None
        """During a step: copy of the model in training with the weights of a finished one."""
        self.queue: RunQueue | None = None
        """Queue of runs; None until somebody has looked at it."""
        self.chosen_steps: dict[str, int] = {}
        """Run → step of the checkpoint with whose weights it is explored, where that is not the newest."""
        self._warned: dict[str, tuple[str, ...]] = {}
        """Run → what was reported of its damaged checkpoints."""

    def is_live(self, run: str) -> bool:
        """Return whether a run is in training."""
        return self.training is not None and self.training.name in (run, same_name(run))

    def the_training(self) -> LiveRun:
        """Return the run in training.

        Raises:
            ValueError: when there is none.
        """
        if self.training is None:
            raise ValueError("Nothing is in training. Start or resume a run first.")
        return self.training

    def model(self, run: str, capability: str) -> Loaded:
        """Return the model of a run: that of the chosen checkpoint, else the one in training, else the latest.

        Args:
            run: name of the run.
            capability: name of a method that the model must have.

        Raises:
            ValueError: when its family has no such method.
            RunError: when the run or its checkpoints are missing or damaged.
            AfterStepError: during a step, when the model is neither copied nor loaded.
            StillReadingError: when its weights take longer to read than the server waits; it calls the handler again.
        """
        run = same_name(run)
        step = self.chosen_steps.get(run)
        if step is None and self.is_live(run):
            loaded = self._live_model()
        elif self.during_step and not self.models.has(run, step):  # to build one would change the random state
            raise AfterStepError
        else:
            loaded = self.models.load(run, self.device, step)
            self._warn_once(run, loaded.warnings)
        if not callable(getattr(loaded.model, capability, None)):
            raise ValueError(f"{loaded.model.card.title} has no {capability}; choose another run.")
        return loaded

    def _live_model(self) -> Loaded:
        if not self.during_step:
            live = self.the_training()
            return Loaded(live.model, live.step, live.record)
        if self.last_step is None:
            raise AfterStepError
        return self.last_step

    def read_model(self, run: str) -> Iterator[None]:
        """Read the weights of a run in a job, so that ``model`` returns at once; yields meanwhile. Empty: no effect.

        Raises:
            RunError: when the run is missing or damaged; what is wrong with its checkpoints ``model`` raises.
        """
        if not run:
            return
        run = same_name(run)
        step = self.chosen_steps.get(run)
        if step is not None or not self.is_live(run):
            yield from self.models.read_pieces(run, step)

    def _warn_once(self, run: str, warnings: tuple[str, ...]) -> None:
        """Report which checkpoints were passed over, at the first request of a model."""
        if warnings and self._warned.get(run) != warnings:
            self._warned[run] = warnings
            for warning in warnings:
                self.send(Warned(run=run, message=warning))

    def when_data(self, request: int, name: str, config: dict[str, Any], answer: Answer) -> Job | None:
        """Answer a command that needs a data set: at once where it is there, else by a job that loads it first.

        Args:
            request: number of the command.
            name: key of the data source.
            config: settings of the source.
            answer: answers from the cache, or returns a job.
        """
        return self._loader.when_loaded(request, name, config, answer)

    def when_data_of(self, record: RunRecord, request: int, answer: Answer) -> Job | None:
        """Answer a command that needs the data set of a run, see ``when_data``."""
        return self.when_data(request, record.data, record.data_config, answer)

    def data_of(self, loaded: Loaded) -> Dataset:
        """Return the data set that a model was trained on, at once within ``when_data_of``.

        Raises:
            DataUnavailableError: when its files cannot be used any more, or hold images that do not fit the model.
            DataChangedError: when it has changed since, and the change was not accepted.
        """
        return load_run_data(self.data, loaded.record)
