"""Commands for the run in training, and for checkpoints and diagnostics of any run."""

from collections.abc import Callable, Iterator
from itertools import chain

import msgspec
import torch

from gmstudio.engine.runs.describe import current_info, curve_pieces, describe_opened, read_stored
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.inspection import check_fit
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.training.changes import check_change, described_changes
from gmstudio.engine.training.diagnostics import FIGURE_IMAGES, chosen_pixel, figure_pieces, pixel_figure_pieces
from gmstudio.engine.training.job import Send, TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_copy, resume_run
from gmstudio.families.diagnostics import PixelIllustrated
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import Done, Warned
from gmstudio.protocol.runs import RunDescribed
from gmstudio.protocol.training import (
    ChangeTraining,
    DrawFigures,
    FigureDrawn,
    FiguresDrawn,
    KeepCheckpoint,
    PaceTraining,
    PauseTraining,
    ResumeRun,
    ResumeTraining,
    StartTraining,
    StepTraining,
    StopTraining,
    TrainOn,
)
from gmstudio.runs.folder import RunFolder

Resume = Callable[[str, Continuation, DatasetCache, torch.device, Send], TrainingJob]
"""``resume_run`` or ``resume_copy``."""


class TrainingFeature(Feature):
    """Start, pause, step and stop training; keep checkpoints; draw diagnostics."""

    def _on_start_training(self, command: StartTraining) -> Job | None:
        context, spec = self.context, command.spec
        self._refuse_a_second()

        def start() -> Job:
            self._refuse_a_second()  # another may have begun while the data were loaded
            plan = plan_run(context.data, spec, context.device)
            job = start_training(plan, command.folder, context.device, context.send)
            return begin_training(context, job, command.request)

        return context.when_data(command.request, spec.data, spec.data_config, start)

    def _on_resume_run(self, command: ResumeRun) -> Job | None:
        return self._continue(command, resume_run)

    def _on_train_on(self, command: TrainOn) -> Job | None:
        return self._continue(command, resume_copy)

    def _continue(self, command: ResumeRun | TrainOn, resume: Resume) -> Job | None:
        context = self.context
        self._refuse_a_second()
        with RunFolder.open(command.run) as run:
            record = run.record

        def begin() -> Job:
            self._refuse_a_second()
            choices = Continuation(command.steps, command.schedule)
            job = resume(command.run, choices, context.data, context.device, context.send)
            return begin_training(context, job, command.request)

        return context.when_data_of(record, command.request, begin)

    def _refuse_a_second(self) -> None:
        if self.context.training is not None:
            raise ValueError(f"{self.context.training.name} is in training. Stop it before starting another run.")

    def _on_change_training(self, command: ChangeTraining) -> Iterator[Event | None]:
        training = self.context.the_training()
        if not self.context.is_live(command.run):
            raise ValueError(f"{command.run} is not in training. Make a branch of one of its checkpoints.")
        assert isinstance(training, TrainingJob)
        check_change(training.record, training.step, command)
        return self._change(training, command)

    def _change(self, training: TrainingJob, command: ChangeTraining) -> Iterator[Event | None]:
        """Finish what belongs to the last step, then change the settings."""
        while not (training.at_boundary or training.over):
            training.advance()
            yield None
        if training.over:
            raise ValueError("The training has ended meanwhile. Resume the run with more steps, or branch from it.")
        record = check_change(training.record, training.step, command)
        lines = described_changes(training.record, record)
        if lines:
            training.change(record, f"{'; '.join(lines)}.")
            info = current_info(self.context, command.run)
            yield describe_opened(self.context, info, read_stored(command.run), request=0)
        yield Done(request=command.request)

    def _on_pause_training(self, command: PauseTraining) -> None:
        self.context.the_training().pause()
        self.done(command)

    def _on_resume_training(self, command: ResumeTraining) -> None:
        self.context.the_training().resume()
        self.done(command)

    def _on_step_training(self, command: StepTraining) -> None:
        self.context.the_training().make_steps(command.count, command.phases)
        self.done(command)

    def _on_pace_training(self, command: PaceTraining) -> None:
        self.context.the_training().pace(command.steps_per_s, command.phases)
        self.done(command)

    def _on_stop_training(self, command: StopTraining) -> None:
        self.context.the_training().stop()
        self.done(command)

    def _on_keep_checkpoint(self, command: KeepCheckpoint) -> Job | None:
        if command.keep and command.step is None:
            if not self.context.is_live(command.run):
                return self._keep_newest(command)
            self.context.the_training().keep_checkpoint()
        else:
            self._mark(command, command.step)
        self.done(command)
        return None

    def _keep_newest(self, command: KeepCheckpoint) -> Iterator[Event | None]:
        """Keep the newest checkpoint that is whole; it is read beside the loop."""
        with RunFolder.open(command.run) as run:
            newest = yield from beside(run.checkpoints.load)
        self._mark(command, newest.step)
        yield Done(request=command.request)

    def _mark(self, command: KeepCheckpoint, step: int | None) -> None:
        """Keep the checkpoint of a step or let it be pruned, then describe the run; None: let all of them."""
        with RunFolder.open(command.run, write=not self.context.is_live(command.run)) as run:
            if step is None:
                run.checkpoints.unmark_all()
            else:
                run.checkpoints.mark(step, command.keep)
        if not command.keep and command.step in (None, self.context.chosen_steps.get(command.run)):
            self.context.chosen_steps.pop(command.run, None)  # it may be pruned from now on
        self.context.send(RunDescribed(info=current_info(self.context, command.run)))

    def _on_draw_figures(self, command: DrawFigures) -> Job | None:
        loaded = self.context.model(command.run, "figures")
        return self.context.when_data_of(loaded.record, command.request, lambda: self._draw(loaded, command))

    def _draw(self, loaded: Loaded, command: DrawFigures) -> Job:
        dataset = self.context.data_of(loaded)
        check_fit(loaded.model, dataset)
        valid, device = dataset.valid.images, loaded.model.device
        pixel = chosen_pixel(loaded.model.image, command.pixel)
        if command.image and not 0 <= command.image < len(valid):
            raise ValueError(f"There is no validation image {command.image}; they are 0 to {len(valid) - 1}.")
        images = torch.from_numpy(valid[:FIGURE_IMAGES]).to(device)
        chosen = torch.from_numpy(valid[command.image : command.image + 1])
        of_pixel = pixel_figure_pieces(loaded.model, chosen.to(device), pixel)
        figures = figure_pieces(loaded.model, images, loaded.record.training.seed)
        shown = Array.of(to_display(chosen[0].numpy(), loaded.model.image.levels)) if len(chosen) else None
        drawn = FiguresDrawn(
            request=command.request,
            run=command.run,
            step=loaded.step,
            figures=(),
            num_images=len(valid),
            image=command.image,
            pixel=pixel,
            shown=shown if isinstance(loaded.model, PixelIllustrated) else None,
        )
        return _figures_drawn(drawn, chain(of_pixel, figures))


def begin_training(context: EngineContext, job: TrainingJob, request: int) -> Job:
    """Make a job the run in training, and send its description; returns the job that sends its curves."""
    context.training = job
    job.retries = True
    job.trainer.run.checkpoints.in_use = lambda: {context.chosen_steps.get(job.name, -1)}
    stored = read_stored(job.name)
    context.send(describe_opened(context, current_info(context, job.name), stored, request=request))
    for warning in filter(None, (stored.problem, *job.trainer.warnings)):
        context.send(Warned(run=job.name, message=warning))
    job.announce()
    return curve_pieces(context, job.name, request, warned=stored.problem)


def _figures_drawn(drawn: FiguresDrawn, pieces: Iterator[tuple[FigureDrawn, ...]]) -> Iterator[Event | None]:
    """Collect the figures, None after each piece of work; the last event has all."""
    figures: list[FigureDrawn] = []
    for some in pieces:
        figures += some
        yield None
    yield msgspec.structs.replace(drawn, figures=tuple(figures))
