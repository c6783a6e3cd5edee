"""Record of a training: the scalars of its steps, its rate, and what is stored but not yet sent."""

import time
from collections.abc import Iterable, Mapping, Sequence

from gmstudio.engine.runs.series import series_of
from gmstudio.engine.training.scalars import PendingScalars, norm_name, term_name
from gmstudio.engine.training.step import Outcome
from gmstudio.families.base import Phase
from gmstudio.protocol.base import Event
from gmstudio.protocol.runs import HistoryAppended
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Curve


class StepRecorder:
    """Records the steps of one training.

    Args:
        run: run folder, open for writing.

    Attributes:
        pending: scalars and sentences that are not stored yet.
        images_per_s: rate at the last measurement; 0: unknown.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run.name
        self.pending = PendingScalars(run.history)
        self.images_per_s = 0.0
        self._unsent: list[Event] = []
        self.restart_clock(0)

    def add(self, step: int, outcomes: Iterable[Outcome], phases: Sequence[Phase], *, want_norm: bool) -> None:
        """Add the terms of a step, and where they are wanted the norms of the gradients."""
        for phase, terms, norm in outcomes:
            for name, value in terms.items():
                self.pending.add(step, term_name(phase, name, phases), value)
            if norm is not None and want_norm:
                self.pending.add(step, norm_name(phase, phases), norm)

    def restart_clock(self, step: int) -> None:
        """Measure the rate from a step on, without the time that validation, samples or a pause took."""
        self._timed_from = (time.perf_counter(), step)

    def measure_rate(self, step: int, batch_size: int) -> None:
        """Add the rate since the last measurement."""
        then, since = self._timed_from
        now = time.perf_counter()
        if step > since:
            self.images_per_s = (step - since) * batch_size / (now - then)
            self.pending.add(step, "images_per_s", self.images_per_s)
        self._timed_from = (now, step)

    @property
    def due(self) -> bool:
        """Scalars have waited long enough to be stored and sent."""
        return self.pending.due

    def store(self) -> Mapping[tuple[str, str], Curve]:
        """Store what is pending, and return it; it is kept to be sent.

        Raises:
            RunError: when it cannot be stored; it stays pending.
        """
        curves = self.pending.store()
        if curves:
            self.keep([self.appended(curves)])
        return curves

    def appended(self, curves: Mapping[tuple[str, str], Curve]) -> HistoryAppended:
        """Return stored curves as a message to the window."""
        return HistoryAppended(run=self._run, series=series_of(curves))

    def keep(self, events: Iterable[Event]) -> None:
        """Keep events to be sent."""
        self._unsent.extend(events)

    def take(self) -> tuple[Event, ...]:
        """Return the events that are kept, and keep them no longer."""
        events, self._unsent = tuple(self._unsent), []
        return events
