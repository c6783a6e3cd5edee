"""The command about the code of a run's model."""

from collections.abc import Iterator

from gmstudio.engine.runtime.context import ANY_FAMILY
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs_code import CodeShown, ShowCode


class RunCode(Feature):
    """Write the models of runs as files of PyTorch."""

    def _on_show_code(self, command: ShowCode) -> Iterator[Event | None]:
        # Only now: the first command about runs does not wait for the formatter.
        from gmstudio.engine.runs.source_code.model_code import code_pieces

        yield from self.context.read_model(command.run)
        loaded = self.context.model(command.run, ANY_FAMILY)
        code = yield from code_pieces(loaded)
        yield CodeShown(request=command.request, run=command.run, step=loaded.step, text=code.text)
