"""Base of the laboratories: small computations that one sets, acts on and drags, each one file.

A lab holds its state: config, inputs, and what its actions have computed. ``scene`` draws it; everything random comes
from the bench's generators, so that the same seed, settings, inputs and actions give the same scene.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.families.base import Family
from gmstudio.protocol.labs import LabAction, LabCard
from gmstudio.protocol.scenes import Scene
from gmstudio.protocol.training_settings import Training

Numbers = NDArray[np.float64]
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class ReadyModel:
    """Trained model of a run.

    Args:
        model: with its weights, in evaluation mode.
        step: training step of the weights.
        title: name of the run in words.
        dataset: data that it was trained on; None: they are not at hand.
    """

    model: Family
    step: int
    title: str
    dataset: Dataset | None


class LabBench(Protocol):
    """What a lab works with."""

    seed: int
    """Of all noise and of all training."""
    device: torch.device

    def generator(self, offset: int = 0) -> torch.Generator:
        """Return a source of noise, the same one for the same seed and offset."""

    def due(self) -> bool:
        """Return whether it is time for a new scene (a few times a second), and begin the wait for the next one."""

    def ready(self, family: str) -> Generator[None, None, ReadyModel | None]:
        """Load the model of the run that is used for a family; returns None where there is none.

        Raises:
            RunError: when the run or its checkpoints are missing or damaged.
        """

    def data(self, source: str, config: Mapping[str, Any]) -> Generator[None, None, Dataset]:
        """Load a data set piece by piece; returns it.

        Raises:
            DataError: when it cannot be used.
        """

    def beside(self, work: Callable[[], Result]) -> Generator[None, None, Result]:
        """Do work that cannot be divided, and touches no model, beside the engine's loop; returns its result.

        Raises:
            Exception: the work's.
        """

    def build(self, family: str, config: Mapping[str, Any], dataset: Dataset) -> Family:
        """Build a model for a data set, with weights that depend on the seed."""

    def train(
        self, model: Family, dataset: Dataset, training: Training, updates: Mapping[str, int] | None = None
    ) -> Iterator[int]:
        """Train a model: yields the number of steps made, after each.

        Args:
            model: any family.
            dataset: its training images are used.
            training: steps, batch size, learning rate and schedule.
            updates: phase → updates in a step, in place of the phase's own number.
        """


class Lab(ABC):
    """Base of the laboratories.

    Args:
        bench: models, data and noise.
        config: an instance of ``Config`` whose fields are within their ranges.

    Attributes:
        config: settings in use.
        inputs: handles, guides, tables and clicks: name → float64 numbers.
    """

    card: ClassVar[LabCard]
    Config: ClassVar[type[Struct]]
    actions: ClassVar[tuple[LabAction, ...]] = ()
    growing_inputs: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose number of rows may change, for example points that can be added."""
    live_inputs: ClassVar[frozenset[str]] = frozenset()
    """Inputs that may be edited during an action, which then goes on; an edit of any other one ends it."""

    def __init__(self, bench: LabBench, config: Any) -> None:
        self.bench = bench
        self.config = config
        self.inputs: dict[str, Numbers] = self.default_inputs()

    def default_inputs(self) -> dict[str, Numbers]:
        """Numbers of all inputs at the start, for the present config."""
        return {}

    def prepare(self) -> Iterator[Scene | None]:
        """Load or train what the lab needs, in pieces of at most some tens of milliseconds; called once, first."""
        return iter(())

    def configure(self, config: Any) -> None:
        """Take new settings; what depends on the old ones is computed again or begins anew.

        An action that is under way has been ended before, between two of its pieces.

        Raises:
            ValueError: when settings contradict one another, before anything has changed.
        """
        self.config = config

    def edit(self, name: str, values: Numbers) -> str:
        """Take new numbers of an input.

        Args:
            name: of the input.
            values: float64 of the present ones' shape, or with another number of rows for ``growing_inputs``;
                finite, but that a cell that is NaN now may stay so.

        Returns:
            One sentence where they were changed, for example normalized; empty: they are used as they are.

        Raises:
            ValueError: when they cannot be used; the message names the value, the limit and the remedy.
        """
        self.inputs[name] = values
        return ""

    def act(self, action: str) -> Iterator[Scene | None]:
        """Carry out an action in pieces of at most some tens of milliseconds.

        Args:
            action: name of one of ``actions``.

        Returns:
            A generator of scenes, where ``bench.due()``, and of None otherwise; ``scene`` has the result.
        """
        raise NotImplementedError(f"{type(self).__name__} has no action {action!r}.")

    @abstractmethod
    def scene(self) -> Scene:
        """Draw the present state, within some tens of milliseconds."""
