"""Commands about the queue of runs and about grids."""

from collections.abc import Iterator
from functools import partial

from gmstudio.engine.catalog import family_entries
from gmstudio.engine.runs.label import label_of
from gmstudio.engine.runs.training_queue import TrainingQueue
from gmstudio.engine.runtime.building import meta_model
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.feature import Feature
from gmstudio.engine.training.plan import Plan, plan_run
from gmstudio.protocol.base import Event
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs_grid import ForgetGrid, GridsListed, KeepGrid, ListGrids, check_grid
from gmstudio.protocol.runs_queue import (
    MAX_QUEUED,
    AddToQueue,
    ArrangeQueue,
    ListQueue,
    PauseQueue,
    QueueEntry,
    RunsQueued,
    SetQueueRule,
    WorkQueue,
)
from gmstudio.runs.grids import forget_grid, read_grids, write_grid


class QueueFeature(Feature):
    """List, fill, order and work the queue; keep grids."""

    def __init__(self, context: EngineContext) -> None:
        super().__init__(context)
        self._queue = context.queue = TrainingQueue(context)
        if self._queue.waits:
            self._queue.announce()  # so that the window can say so

    def _on_list_queue(self, command: ListQueue) -> None:
        self._list(command.request)

    def _on_add_to_queue(self, command: AddToQueue) -> Iterator[Event | None]:
        if not command.specs:
            raise ValueError("No run was named to be added to the queue.")
        if len(command.specs) > MAX_QUEUED:
            raise ValueError(f"{len(command.specs):,} runs cannot be added at once; {MAX_QUEUED:,} can.")
        if command.grid is not None:
            check_grid(command.grid)
        return self._add(command)

    def _add(self, command: AddToQueue) -> Iterator[Event | None]:
        """Check all settings first, so that none is refused hours later."""
        labels = command.labels if len(command.labels) == len(command.specs) else ("",) * len(command.specs)
        families = family_entries()
        entries = []
        for spec, label in zip(command.specs, labels, strict=True):
            plans: list[Plan] = []
            check = partial(self._check, spec, plans)
            yield None
            try:
                loading = self.context.when_data(command.request, spec.data, spec.data_config, check)
                if loading is not None:
                    yield from loading
            except ConfigError as error:
                raise _of_run(error, label) from error
            except ValueError as error:
                raise (ValueError(f"{label}: {error}") if label else error) from error
            record = plans[0].record
            words = label_of(record.spec, record.image, families)
            entries.append(
                QueueEntry(
                    key="", spec=record.spec, label=label or words.model, data_label=words.data, tags=command.tags
                )
            )
        if command.grid is not None:
            write_grid(command.grid)
        keys = self._queue.add(tuple(entries))
        yield RunsQueued(request=command.request, keys=keys)

    def _check(self, spec: RunSpec, plans: list[Plan]) -> None:
        """Plan a run and build its model without memory, which finds what start would refuse."""
        plan = plan_run(self.context.data, spec, self.context.device)
        meta_model(plan.family, plan.config, plan.record.image)
        plans.append(plan)

    def _on_arrange_queue(self, command: ArrangeQueue) -> None:
        self._queue.arrange(command)
        self._list(command.request)

    def _on_work_queue(self, command: WorkQueue) -> None:
        self._queue.work(command)
        self._list(command.request)

    def _on_pause_queue(self, command: PauseQueue) -> None:
        self._queue.note = ""
        self._queue.pause()
        self._list(command.request)

    def _on_set_queue_rule(self, command: SetQueueRule) -> None:
        self._queue.set_rule(command.stop_at_failure)
        self._list(command.request)

    def _list(self, request: int) -> None:
        self.context.send(self._queue.listed(request))

    def _on_list_grids(self, command: ListGrids) -> None:
        self._list_grids(command.request)

    def _on_forget_grid(self, command: ForgetGrid) -> None:
        forget_grid(command.name)
        self._list_grids(command.request)

    def _on_keep_grid(self, command: KeepGrid) -> None:
        write_grid(command.grid)
        self._list_grids(command.request)

    def _list_grids(self, request: int) -> None:
        grids, problems = read_grids()
        self.context.send(GridsListed(request=request, grids=grids, problems=problems))


def _of_run(error: ConfigError, label: str) -> ConfigError:
    """Return a refusal that names the run among several."""
    return ConfigError({field: f"{label}: {text}" if label else text for field, text in error.errors.items()})
