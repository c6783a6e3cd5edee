"""The kept sample grids of the run that is looked at, and which of them is shown."""

from bisect import bisect_right, insort
from collections import OrderedDict

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.runs import FetchSamples, RunOpened, SamplesDrawn
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins

MAX_CACHED = 64


class KeptSamples(QObject):
    """Scrubs over the sample grids of one run, by step; follows the newest until the user goes back.

    Attributes:
        run: whose grids these are, or "".
        generated: they are drawn by a generator, G(z); else a model's samples or the means of its decoder.
        exact: a code decodes to one image and not to a distribution with a mean, as in a flow.
        steps: every step of which a grid is kept, rising.
        shown: the grid to be seen, or None.
        following: new grids are shown as they come.

    Signals:
        changed: another grid is shown, or there are more steps.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.generated = self.exact = False
        self.steps: list[int] = []
        self.shown: SamplesDrawn | None = None
        self.following = True
        self._cache: OrderedDict[int, SamplesDrawn] = OrderedDict()
        self._fetches = LatestWins(events, self)
        self._fetches.replied.connect(self._on_fetched)
        events.on(SamplesDrawn).connect(self._on_samples_drawn)

    def show_run(self, opened: RunOpened) -> None:
        """Look at a run; its newest grid is fetched."""
        if opened.info.run != self.run:
            self.shown = None
        self.run = opened.info.run
        capabilities = opened.info.capabilities
        self.generated, self.exact = "discriminate" in capabilities, "posterior" not in capabilities
        self.steps = list(opened.sample_steps)
        self.following = True
        self._cache.clear()
        self._fetches.reset()
        if self.steps:
            self._fetches.submit(FetchSamples(run=self.run, step=self.steps[-1]))
        self.changed.emit()

    def show_step(self, step: int) -> None:
        """Show the newest grid that is not after ``step`` (the first one, where there is none); stop following."""
        if not self.steps:
            return
        step = self.steps[max(bisect_right(self.steps, step) - 1, 0)]
        self.following = step == self.steps[-1]
        self._want(step)

    def follow(self) -> None:
        """Show the newest grid, and the next ones as they come."""
        self.following = True
        if self.steps:
            self._want(self.steps[-1])
        self.changed.emit()

    def _want(self, step: int) -> None:
        if self.shown is not None and self.shown.step == step:
            self.changed.emit()
        elif step in self._cache:
            self._show(self._cache[step])
        else:
            self._fetches.submit(FetchSamples(run=self.run, step=step))

    def _on_samples_drawn(self, event: SamplesDrawn) -> None:
        """A grid that the training drew just now."""
        if event.run != self.run or event.request:
            return
        self._remember(event)
        if self.following:
            self._show(event)
        else:
            self.changed.emit()

    def _on_fetched(self, event: SamplesDrawn) -> None:
        if event.run != self.run:
            return
        self._remember(event)
        if event.kept:
            self.steps = sorted({*event.kept, *self.steps})
        newest = bool(self.steps) and event.step == self.steps[-1]
        if newest or not self.following or self.shown is None:
            self._show(event)

    def _remember(self, event: SamplesDrawn) -> None:
        if event.step not in self.steps:
            insort(self.steps, event.step)
        self._cache[event.step] = event
        self._cache.move_to_end(event.step)
        while len(self._cache) > MAX_CACHED:
            self._cache.popitem(last=False)

    def _show(self, event: SamplesDrawn) -> None:
        self.shown = event
        self.changed.emit()
