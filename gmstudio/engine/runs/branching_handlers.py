"""Commands about branches of runs."""

from collections.abc import Iterator
from pathlib import Path

from gmstudio.engine.runs.describe import opened_pieces
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.training.branch import BranchPlan, plan_branch
from gmstudio.engine.training.fixed_settings import fixed_settings
from gmstudio.engine.training.handlers import begin_training
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs_branching import BranchRun, FindFixedSettings, FixedSettingsFound
from gmstudio.runs.folder import RunFolder


class BranchingFeature(Feature):
    """Begin runs at checkpoints of others."""

    def _on_branch_run(self, command: BranchRun) -> Iterator[Event | None]:
        with RunFolder.open(command.run) as run:
            plan = plan_branch(run, command.step, command.training, command.config, command.schedule)
        return self._branch(plan, command)

    def _on_find_fixed_settings(self, command: FindFixedSettings) -> Iterator[Event | None]:
        with RunFolder.open(command.run) as run:
            name, record = run.name, run.record
        fields = yield from fixed_settings(record)
        yield FixedSettingsFound(request=command.request, run=name, fields=fields)

    def _branch(self, plan: BranchPlan, command: BranchRun) -> Iterator[Event | None]:
        """Copy checkpoint and history beside the loop, then train, or describe the branch that waits."""
        path: Path = yield from beside(plan.write)
        with RunFolder.open(path) as branch:
            name = branch.name
        loading: Job | None = None
        if command.train and self.context.training is None:
            loading = self.context.when_data_of(plan.record, command.request, lambda: self._train(name, command))
        else:
            loading = opened_pieces(self.context, name, command.request)
        if loading is not None:
            yield from loading

    def _train(self, run: str, command: BranchRun) -> Job:
        context = self.context
        if context.training is not None:  # another began while the data were loaded
            return opened_pieces(context, run, command.request)
        job = resume_run(run, Continuation(), context.data, context.device, context.send)
        return begin_training(context, job, command.request)
