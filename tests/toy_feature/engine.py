"""The engine's answer; run as a program, an engine that has this feature."""

import sys

from toy_feature.protocol import CountParameters, ParametersCounted

from gmstudio.engine.__main__ import main
from gmstudio.engine.runtime.feature import Feature


class ToyFeature(Feature):
    """Count parameters."""

    def _on_count_parameters(self, command: CountParameters) -> None:
        model = self.context.model(command.run, "phases").model
        values = [parameter.detach() for parameter in model.parameters()]
        count = sum(int((value > command.above).sum()) for value in values)
        total = sum(value.numel() for value in values)
        self.context.send(ParametersCounted(request=command.request, run=command.run, count=count, total=total))


if __name__ == "__main__":
    sys.exit(main())
