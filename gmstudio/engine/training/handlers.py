"""Commands to the run in training."""

from gmstudio.engine.runs.handlers import Runs
from gmstudio.engine.runtime.context import EngineContext, Handlers
from gmstudio.engine.training.job import TrainingJob, resume_run, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import CommandFailed, Done
from gmstudio.protocol.training import (
    PaceTraining,
    PauseTraining,
    ResumeRun,
    ResumeTraining,
    StartTraining,
    StepTraining,
    StopTraining,
)


class Training:
    """Handles starting, pausing, stepping and stopping.

    Args:
        context: the engine's state.
        runs: tells the window of the run that begins.
    """

    def __init__(self, context: EngineContext, runs: Runs) -> None:
        self._context = context
        self._runs = runs
        self.handlers: Handlers = {
            StartTraining: self._on_start_training,
            ResumeRun: self._on_resume_run,
            PauseTraining: self._on_pause_training,
            ResumeTraining: self._on_resume_training,
            StepTraining: self._on_step_training,
            PaceTraining: self._on_pace_training,
            StopTraining: self._on_stop_training,
        }

    def _on_start_training(self, command: StartTraining) -> None:
        context = self._context
        self._refuse_a_second()
        plan = plan_run(
            context.data,
            command.family,
            command.config,
            command.data,
            command.data_config,
            command.training,
            context.device,
        )
        self._begin(start_training(plan, command.folder, context.device, context.send), command.request)

    def _on_resume_run(self, command: ResumeRun) -> None:
        context = self._context
        self._refuse_a_second()
        job = resume_run(command.run, command.steps, context.data, context.device, context.send)
        self._begin(job, command.request)

    def _refuse_a_second(self) -> None:
        if self._context.training is not None:
            raise ValueError(f"{self._context.training.path} is in training. Stop it before another run begins.")

    def _begin(self, job: TrainingJob, request: int) -> None:
        self._context.training = job
        self._runs.open(job.path, request)
        for warning in job.trainer.warnings:
            self._context.send(CommandFailed(command="ResumeRun", message=warning))
        job.announce()

    def _on_pause_training(self, command: PauseTraining) -> None:
        self._context.the_training().pause()
        self._done(command)

    def _on_resume_training(self, command: ResumeTraining) -> None:
        self._context.the_training().resume()
        self._done(command)

    def _on_step_training(self, command: StepTraining) -> None:
        self._context.the_training().make_steps(command.count, command.phases)
        self._done(command)

    def _on_pace_training(self, command: PaceTraining) -> None:
        self._context.the_training().pace(command.steps_per_s, command.phases)
        self._done(command)

    def _on_stop_training(self, command: StopTraining) -> None:
        self._context.the_training().stop()
        self._done(command)

    def _done(self, command: Command) -> None:
        self._context.send(Done(request=command.request))
