"""Curves that arrived in the window, so that of a run in training elsewhere only the rest is fetched."""

from gmstudio.protocol.runs import HistoryAppended, RunInfo
from gmstudio.window.client.engine_link import EngineLink


class ReceivedCurves:
    """Newest step of the curves of each run that arrived.

    Args:
        events: connection to the engine.
    """

    def __init__(self, events: EngineLink) -> None:
        self._ends: dict[str, int] = {}
        events.on(HistoryAppended).connect(self._on_history_appended)

    def since(self, known: RunInfo, info: RunInfo) -> int:
        """Return the step after which the curves of a run in training elsewhere are wanted; negative: from the start.

        A validation may be stored a little later than the steps that follow it, so that its last one is sent again.

        Args:
            known: description of before.
            info: newest description.
        """
        if not info.writer or info.step <= known.step or known.writer != info.writer:
            return -1
        return max(-1, self._ends.get(info.run, -1) - info.training.validate_every - 1)

    def _on_history_appended(self, event: HistoryAppended) -> None:
        ends = [int(series.steps.numpy()[-1]) for series in event.series if series.steps.numpy().size]
        if ends:
            self._ends[event.run] = max(ends)
