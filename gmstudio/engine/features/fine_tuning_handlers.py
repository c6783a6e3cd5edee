"""Handler of the command that fine-tunes encoders."""

from gmstudio.engine.features.fine_tuning import FineTuning
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.run_data import load_run_data
from gmstudio.protocol.features_fine_tuning import FineTune
from gmstudio.runs.folder import RunFolder


class FineTuningFeature(Feature):
    """Train encoders of models as classifiers."""

    def _on_fine_tune(self, command: FineTune) -> Job | None:
        with RunFolder.open(command.run) as run:
            record = run.record

        def answer() -> Job:
            dataset = load_run_data(self.context.data, record)
            yield from self.context.read_model(command.space.run)
            yield from FineTuning(self.context, dataset, command).run()

        return self.context.when_data_of(record, command.request, answer)
