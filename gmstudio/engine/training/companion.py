"""Training along with rank 0: the same updates, each on this process's share of the batch; nothing is written."""

from collections.abc import Callable
from typing import Any

import msgspec
import torch
from numpy.typing import NDArray

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.building import build_model, family_class, note_labels, run_config
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.errors import error_sentence
from gmstudio.engine.runtime.memory import limit_memory
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.engine.training.averaging import TRAINED, load_parameters
from gmstudio.engine.training.batches import batches_for
from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.optimization import Optimization
from gmstudio.engine.training.part_check import examples_of
from gmstudio.families.base import Family
from gmstudio.runs.checkpoints import WEIGHTS
from gmstudio.runs.record import RunRecord
from gmstudio.system.heap import keep_freed_memory

State = dict[str, dict[str, NDArray[Any]]]


def train_along(ranks: Ranks, wants_end: Callable[[], bool]) -> bool:
    """Train along with rank 0 until the training ends.

    Args:
        ranks: process group, of which this is not rank 0.
        wants_end: whether this process is to end; all of them do then, after a checkpoint.

    Returns:
        False when there was nothing to train, or rank 0 has ended without notice.

    Raises:
        ValueError: when a process cannot train; all of them get the reason.
    """
    begun = ranks.receive_begin()
    if begun is None:
        return False
    content, step, state = begun
    companion = _begin(ranks, msgspec.json.decode(content, type=RunRecord), state)
    try:
        while companion is not None:
            ranks.end_wanted = wants_end()
            if not ranks.another_step():
                break
            companion.advance(step)
            step += 1
    except RuntimeError as error:
        if not ranks.is_lost(error):
            raise
        return False
    return True


def _begin(ranks: Ranks, record: RunRecord, state: State) -> "_Companion | None":
    """Build what rank 0 trains, and report whether that was possible here."""
    companion, problem = None, ""
    try:
        limit_memory(ranks.device)
        keep_freed_memory()
        dataset = load_run_data(DatasetCache(), record)
        family = family_class(record.family)
        config = run_config(family, record)
        model = build_model(family, config, record.image, ranks.device, record.training.seed)
        note_labels(model, dataset.train_labels)
        companion = _Companion(ranks, record, model, dataset, state)
    except Exception as error:  # reported by all processes, this one among them
        problem = error_sentence(error)
    ranks.report(problem)
    return companion


class _Companion:
    """Updates along with those of rank 0.

    Args:
        ranks: process group.
        record: of the run.
        model: the model; its weights become those of ``state``.
        dataset: data of the run.
        state: from which training continues.
    """

    def __init__(self, ranks: Ranks, record: RunRecord, model: Family, dataset: Dataset, state: State) -> None:
        training, self._model = record.training, model
        self._batches = batches_for(dataset, training, ranks.device)
        generator = torch.Generator(ranks.device)
        examples = examples_of(dataset, self._batches.batch_size, ranks.device)
        self._optimization = Optimization(model, training, generator, lambda _: None, examples, ranks)
        model.load_state_dict({name: torch.from_numpy(value) for name, value in state[WEIGHTS].items()})
        if TRAINED in state:  # rank 0 alone has their average
            load_parameters(model, state[TRAINED])
        self._optimization.load_state_arrays(state.get("optimizer", {}))
        generator.set_state(torch.from_numpy(state["random"]["generator"]))
        torch.set_rng_state(torch.from_numpy(state["random"]["torch"]))
        model.train()

    def advance(self, step: int) -> None:
        """Make one step after ``step`` others."""
        self._optimization.updates(self._batches, step, want_norm=False)
