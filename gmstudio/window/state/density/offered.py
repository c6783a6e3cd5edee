"""Statistics that the chosen models offer, each with its kind, or with the reason why it cannot be computed."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.density import ListStatistics, OfferedStatistic, StatisticCard, StatisticsListed
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.window.client.request import Request

if TYPE_CHECKING:
    from gmstudio.window.state.density.state import DensityState


class OfferedStatistics(QObject):
    """Statistics of each of the chosen runs, listed anew when the runs or the library change.

    Args:
        owner: state of the panel.

    Signals:
        changed: they changed.
    """

    changed = Signal()

    def __init__(self, owner: "DensityState") -> None:
        super().__init__(owner)
        self._owner = owner
        self._offered: dict[str, tuple[OfferedStatistic, ...]] = {}
        self._problems: dict[str, str] = {}
        self._requests: dict[str, Request] = {}
        self._active = False
        owner.runs_changed.connect(self._ask)
        owner.library.catalog_arrived.connect(self.renew)
        owner.library.checkpoint_chosen.connect(self._forget)
        owner.library.live_changed.connect(lambda _run: self.renew())

    def set_active(self, active: bool) -> None:
        """List them only while a page that shows them is on the screen."""
        self._active = active
        self._ask()

    def of(self, run: str, statistic: str) -> OfferedStatistic | None:
        """Return a statistic as it stands for a run; None: not listed yet."""
        return next((one for one in self._offered.get(run, ()) if one.card.name == statistic), None)

    def cards(self) -> tuple[StatisticCard, ...]:
        """Statistics of all chosen runs, in the order of the first one."""
        found = {one.card.name: one.card for run in self._owner.runs for one in self._offered.get(run, ())}
        return tuple(found.values())

    def refusal(self, run: str, statistic: str) -> str:
        """Return why a run has no such scores, a sentence; "" where it has, or where it is not known yet."""
        if run in self._problems:
            return self._problems[run]
        offered = self.of(run, statistic)
        if offered is not None:
            return offered.refusal
        return f"This model has no statistic “{statistic}”; choose another." if run in self._offered else ""

    def refusal_of_all(self, statistic: str) -> str:
        """Return the first run's refusal where every chosen run refuses a statistic; ""."""
        refusals = [self.refusal(run, statistic) for run in self._owner.runs]
        return refusals[0] if refusals and all(refusals) else ""

    def renew(self) -> None:
        """List all again, for example after a background model was trained; what is known stays until then."""
        for request in self._requests.values():
            request.drop()
        self._requests = {}
        self._ask()

    def _forget(self, run: str) -> None:
        self._requests.pop(run, None)
        self._ask()

    def _ask(self) -> None:
        if not self._active or self._owner.library.catalog is None:
            return
        for run in self._owner.runs:
            if run not in self._requests:
                request = self._requests[run] = Request(self._owner.link, self)
                request.replied.connect(self._on_listed)
                request.failed.connect(lambda failure, run=run: self._on_failed(run, failure))
                request.send(ListStatistics(run=run))

    def _on_listed(self, event: StatisticsListed) -> None:
        self._offered[event.run] = event.statistics
        self._problems.pop(event.run, None)
        self.changed.emit()

    def _on_failed(self, run: str, failure: CommandFailed) -> None:
        self._requests.pop(run, None)
        if failure.reason is not Reason.ENGINE_GONE:
            self._problems[run] = failure.message
        self.changed.emit()
