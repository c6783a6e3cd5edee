"""Optimization of a model: its phases with their optimizers, and the updates of one step."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.training.batches import Batches
from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.graphed_step import updates_for
from gmstudio.engine.training.optimizers import OTHER_OPTIMIZER, PhaseOptimizer
from gmstudio.engine.training.part_check import Examples, PhaseParts, check_parts, reasons
from gmstudio.engine.training.parted_batch import PartedBatch
from gmstudio.engine.training.step import Outcome, TrainStep, UpdateInput, Updates, WholeBatch
from gmstudio.families.base import Family
from gmstudio.protocol.training_settings import Training


class Optimization:
    """Phases of a model, an optimizer for each, and which of them are trained.

    Args:
        model: model on its device.
        training: learning rate, schedule, clipping, weight decay, precision.
        generator: source of the losses' noise.
        log: takes a sentence for the log of the run.
        examples: a few images, with which it is checked that a batch can be computed in parts, where it is to be.
        ranks: processes that share each batch; None: there is this one alone.

    Raises:
        ValueError: when processes are to share batches whose images act on one another.

    Attributes:
        phases: all phases.
        optimizers: of all phases, in their order.
        batches_per_step: batches of a step: updates of the phase that has most.
    """

    def __init__(
        self,
        model: Family,
        training: Training,
        generator: torch.Generator,
        log: Callable[[str], object],
        examples: Examples,
        ranks: Ranks | None = None,
    ) -> None:
        self._model, self._generator, self._log = model, generator, log
        self._examples, self._ranks = examples, ranks
        self._set_up(training)
        self._active = self.optimizers

    def _set_up(self, training: Training) -> None:
        self.phases = self._model.phases()
        self.optimizers = [PhaseOptimizer(phase, training, self._ranks) for phase in self.phases]
        self.batches_per_step = max(phase.updates_per_step for phase in self.phases)
        self._updates = self._updates_by(training)

    def _updates_by(self, training: Training) -> Updates:
        """Return the updates on whole batches, or on batches in parts."""
        if self._ranks is None and training.accumulate == 1:
            plain = TrainStep(self.optimizers, WholeBatch(self._generator, training))
            return updates_for(plain, self.optimizers, self._model, training, self._generator, self._log)
        checks = check_parts(self._model, self._examples)
        if self._ranks is not None:
            refuse_coupled(self._model, checks)
        elif reasons(checks):
            self._log(f"Accumulated batches are not quite one large batch: {reasons(checks)}.")
        if self._generator.device.type == "cuda" and training.cuda_graphs == "auto":
            self._log("Trains without CUDA graphs, since batches are computed in parts.")
        return TrainStep(self.optimizers, PartedBatch(self._model, checks, self._generator, training, self._ranks))

    def change(self, training: Training, model: Family) -> None:
        """Go on with other settings of training or model, with the state that the optimizers have.

        Args:
            training: settings of training.
            model: the model, or a copy of it.
        """
        names, arrays = self.active, self.state_arrays()
        self._model = model
        self._set_up(training)
        self.load_state_arrays(arrays)
        self._active = [optimizer for optimizer in self.optimizers if optimizer.phase.name in names]

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the phases that are trained."""
        return tuple(optimizer.phase.name for optimizer in self._active)

    def choose_phases(self, names: tuple[str, ...]) -> bool:
        """Train only these phases from the next step on; empty: all of them.

        Returns:
            Whether that is a change.

        Raises:
            ValueError: when there is no such phase.
        """
        there = [phase.name for phase in self.phases]
        for name in names:
            if name not in there:
                raise ValueError(f"There is no training phase {name!r}; there are {', '.join(there)}.")
        active = [optimizer for optimizer in self.optimizers if not names or optimizer.phase.name in names]
        before, self._active = self._active, active
        return active != before

    def updates(self, batches: Batches, step: int, want_norm: bool) -> list[Outcome]:
        """Make the updates of one step.

        Args:
            batches: source of the batches.
            step: steps made before.
            want_norm: measure the norms of the gradients.

        Returns:
            Outcomes of the phases that are updated on the step's last batch.
        """
        outcomes: list[Outcome] = []
        for update in range(1, self.batches_per_step + 1):
            index = step * self.batches_per_step + update - 1
            optimizers = [o for o in self._active if update > self.batches_per_step - o.phase.updates_per_step]
            batch = batches.train(index, self._generator)
            labels = batches.train_labels(index) if any(o.phase.takes_labels for o in optimizers) else None
            for before_update in filter(None, (o.phase.before_update for o in optimizers)):
                before_update(*batches.uncounted(index, batch))
            record = update == self.batches_per_step
            if optimizers:
                given = UpdateInput(optimizers, batch, labels, step, record=record, want_norm=want_norm and record)
                outcomes = self._updates.run(given)
        return outcomes

    def state_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return copies of the state of all optimizers, see ``PhaseOptimizer.state_arrays``."""
        arrays: dict[str, NDArray[np.generic]] = {}
        for optimizer in self.optimizers:
            arrays |= optimizer.state_arrays()
        return arrays

    def load_state_arrays(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Load what ``state_arrays`` returned, also with another optimizer, of which the log then has a sentence."""
        replaced = sum(optimizer.load_state_arrays(arrays) for optimizer in self.optimizers)
        if replaced:
            self._log(OTHER_OPTIMIZER.format(replaced))


def refuse_coupled(model: Family, checks: Mapping[str, PhaseParts]) -> None:
    """Check that several processes can train a model.

    Raises:
        ValueError: when the images of a batch act on one another in the loss.
    """
    if reasons(checks):
        raise ValueError(
            f"{model.card.title} with these settings is not trained by several processes: {reasons(checks)}. Start it "
            "without torchrun."
        )
