"""Handlers of the commands about anomalies: their detection, and background models."""

from pathlib import Path

from gmstudio.engine.density.background import background_spec, find_backgrounds
from gmstudio.engine.runtime.feature import Feature
from gmstudio.protocol.density_background import BackgroundProposed, ProposeBackground
from gmstudio.runs.library import runs_home
from gmstudio.runs.record import read_record


class AnomaliesFeature(Feature):
    """Detect anomalies; find and propose background models."""

    def _on_propose_background(self, command: ProposeBackground) -> None:
        existing = find_backgrounds(runs_home(), command.run)
        self.context.send(
            BackgroundProposed(
                request=command.request,
                run=command.run,
                spec=background_spec(command.run, command.mutation),
                existing=existing,
                mutations=tuple(read_record(Path(path)).training.mutation for path in existing),
            )
        )
