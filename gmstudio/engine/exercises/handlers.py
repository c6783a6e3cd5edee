"""Commands of the exercises."""

from collections.abc import Iterator

from gmstudio.engine.exercises.deliverables import Written, write_deliverables
from gmstudio.engine.runtime.feature import Feature, Job
from gmstudio.engine.runtime.models import Loaded
from gmstudio.protocol.base import Event
from gmstudio.protocol.exercises import DeliverablesWritten, WriteDeliverables
from gmstudio.runs.names import folder_of
from gmstudio.system.typed_path import typed_path


class ExercisesFeature(Feature):
    """Write what exercises ask for."""

    def _on_write_deliverables(self, command: WriteDeliverables) -> Job | None:
        loaded = self.context.models.load(command.run, self.context.device)
        return self.context.when_data_of(loaded.record, command.request, lambda: self._write(loaded, command))

    def _write(self, loaded: Loaded, command: WriteDeliverables) -> Iterator[Event | None]:
        dataset, folder = self.context.data_of(loaded), typed_path(command.folder)
        last = Written(stage="")
        for state in write_deliverables(loaded, dataset, folder_of(command.run), command.deliverables, folder):
            last = state or last
            yield None if state is None else _event(command, state, done=False)
        yield _event(command, last, done=True)


def _event(command: WriteDeliverables, state: Written, *, done: bool) -> DeliverablesWritten:
    return DeliverablesWritten(
        request=command.request, run=command.run, stage=state.stage, files=state.files, test=state.test, done=done
    )
