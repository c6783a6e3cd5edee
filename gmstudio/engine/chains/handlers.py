"""Commands about generation step by step, whole images at a time."""

from gmstudio.engine.chains import trajectory
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.protocol.chains import RunTrajectory
from gmstudio.runs.folder import RunFolder


class ChainsFeature(Feature):
    """Run trajectories: chains, denoising, flow layers, and the kept samples of a training."""

    def _on_run_trajectory(self, command: RunTrajectory) -> Job | None:
        if command.kind == "training":
            with RunFolder.open(command.run) as run:
                return trajectory.training(run, command)
        loaded = self.context.model(command.run, "trajectory")
        if command.start != "data":
            return trajectory.generation(loaded.model, loaded.step, None, command)
        return self.context.when_data_of(
            loaded.record,
            command.request,
            lambda: trajectory.generation(loaded.model, loaded.step, self.context.data_of(loaded), command),
        )
