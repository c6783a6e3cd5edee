"""Commands about runs on disk: listing, opening, their samples, and keeping checkpoints."""

from pathlib import Path

from gmstudio.engine.runs.describe import describe_opened, run_info, whole_history
from gmstudio.engine.runtime.context import EngineContext, Handlers
from gmstudio.engine.runtime.models import family_class, meta_model
from gmstudio.families.base import Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.engine import Done
from gmstudio.protocol.runs import FetchSamples, ListRuns, OpenRun, RunInfo, RunsListed, SamplesDrawn
from gmstudio.protocol.training import KeepCheckpoint
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.library import list_runs, runs_home
from gmstudio.runs.record import RunError


class Runs:
    """Handles the library of runs.

    Args:
        context: the engine's state.
    """

    def __init__(self, context: EngineContext) -> None:
        self._context = context
        self.handlers: Handlers = {
            ListRuns: self._on_list_runs,
            OpenRun: self._on_open_run,
            FetchSamples: self._on_fetch_samples,
            KeepCheckpoint: self._on_mark_checkpoint,
        }

    def open(self, path: str, request: int) -> None:
        """Tell the window of a run and all its curves.

        Raises:
            RunError: when it is missing or damaged.
            ValueError: when its family is unknown here.
        """
        live = self._context.is_live(path)
        if live:
            training = self._context.the_training()
            training.flush()
            model = training.model
        else:
            model = _meta_model(path)
        self._context.send(describe_opened(model, self._info(path), live=live, request=request))
        self._context.send(whole_history(path, request))

    def _info(self, path: str) -> RunInfo:
        if not self._context.is_live(path):
            return run_info(path)
        training = self._context.the_training()
        status = "paused" if training.paused else "running"
        return run_info(path, live_status=status, live_step=training.step)

    def _on_list_runs(self, command: ListRuns) -> None:
        runs, problems = [], []
        for summary in list_runs(runs_home()):
            if summary.problem:
                problems.append(summary.problem)
            if summary.status == "damaged":
                continue
            try:
                runs.append(self._info(str(summary.path)))
            except (RunError, OSError) as error:  # it went while we looked
                problems.append(str(error))
        self._context.send(
            RunsListed(request=command.request, home=str(runs_home()), runs=tuple(runs), problems=tuple(problems))
        )

    def _on_open_run(self, command: OpenRun) -> None:
        self.open(str(Path(command.run).absolute()), command.request)

    def _on_fetch_samples(self, command: FetchSamples) -> None:
        with RunFolder.open(command.run) as run:
            kinds = run.history.image_kinds()
            kept = run.history.image_steps(kinds[0]) if kinds else []
            if not kept:
                raise ValueError(f"{command.run} keeps no samples yet.")
            step = max((s for s in kept if s <= command.step), default=kept[0])
            images = run.history.read_images(step, kinds[0])
        self._context.send(
            SamplesDrawn(
                request=command.request,
                run=command.run,
                step=step,
                kind=kinds[0],
                images=Array.of(images),
                kept=tuple(kept),
            )
        )

    def _on_mark_checkpoint(self, command: KeepCheckpoint) -> None:
        if self._context.is_live(command.run):
            self._context.the_training().keep_checkpoint(marked=command.marked)
        else:
            with RunFolder.open(command.run, write=True) as run:
                if command.marked:
                    run.checkpoints.mark(run.checkpoints.load().step)
                else:
                    run.checkpoints.unmark_all()
        self._context.send(Done(request=command.request))


def _meta_model(path: str) -> Family:
    """The model of a run without memory for its weights."""
    with RunFolder.open(path) as run:
        record = run.record
    family = family_class(record.family)
    return meta_model(family, parse_config(family.Config, record.config), record.image)
