"""Saved sample grids of the selected run, and the grid that is shown."""

from bisect import bisect_right, insort

from cachetools import LRUCache
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.runs import FetchSamples, RunOpened, SamplesDrawn
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins

MAX_CACHED = 64


class KeptSamples(QObject):
    """Sample grids of a run by training step; the newest is shown until the user selects an earlier one.

    Attributes:
        run: name of the run, or "".
        generated: the images are G(z) of a generator; otherwise samples of a model or means of its decoder.
        exact: a code decodes to one image, as in a flow, and not to a distribution with a mean.
        steps: increasing steps of the saved grids.
        shown: grid that is shown, or None.
        following: new grids are shown as they arrive.

    Signals:
        changed: another grid is shown, or a grid was saved.
    """

    changed = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = ""
        self.generated = self.exact = False
        self.steps: list[int] = []
        self.shown: SamplesDrawn | None = None
        self.following = True
        self._cache: LRUCache[int, SamplesDrawn] = LRUCache(MAX_CACHED)
        self._fetches = LatestWins(events, self)
        self._fetches.replied.connect(self._on_fetched)
        events.on(SamplesDrawn).connect(self._on_samples_drawn)

    def show_run(self, opened: RunOpened) -> None:
        """Select a run, and fetch its newest grid.

        ``opened`` may be older than the grids that were saved since, so the engine is asked in any case. An earlier
        grid of the same run that the user chose stays.
        """
        stays = opened.info.run == self.run and not self.following and self.shown is not None
        if opened.info.run != self.run:
            self.shown = None
        self.run = opened.info.run
        capabilities = opened.info.capabilities
        self.generated, self.exact = "discriminate" in capabilities, "posterior" not in capabilities
        self.steps = list(opened.sample_steps)
        self.following = not stays
        self._cache.clear()
        self._fetches.reset()
        step = self.shown.step if stays and self.shown is not None else None
        self._fetches.submit(FetchSamples(run=self.run, step=step))
        self.changed.emit()

    def clear(self) -> None:
        """Show no run."""
        self.run, self.steps, self.shown = "", [], None
        self._fetches.reset()
        self.changed.emit()

    def show_step(self, step: int) -> None:
        """Show the latest grid at or before ``step``, or the first one; stop following."""
        if not self.steps:
            return
        step = self.steps[max(bisect_right(self.steps, step) - 1, 0)]
        self.following = step == self.steps[-1]
        self._fetch(step)

    def follow(self) -> None:
        """Show the newest grid, and new ones as they arrive."""
        self.following = True
        if self.steps:
            self._fetch(self.steps[-1])
        self.changed.emit()

    def _fetch(self, step: int) -> None:
        if self.shown is not None and self.shown.step == step:
            self.changed.emit()
        elif step in self._cache:
            self._show(self._cache[step])
        else:
            self._fetches.submit(FetchSamples(run=self.run, step=step))

    def _on_samples_drawn(self, event: SamplesDrawn) -> None:
        """Take a grid that the training has just drawn."""
        if event.run != self.run or event.request:
            return
        self._keep(event)
        if self.following:
            self._show(event)
        else:
            self.changed.emit()

    def _on_fetched(self, event: SamplesDrawn) -> None:
        if event.run != self.run:
            return
        self._keep(event)
        if event.kept:
            self.steps = sorted({*event.kept, *self.steps})
        newest = bool(self.steps) and event.step == self.steps[-1]
        if newest or not self.following or self.shown is None:
            self._show(event)

    def _keep(self, event: SamplesDrawn) -> None:
        if event.step not in self.steps:
            insort(self.steps, event.step)
        self._cache[event.step] = event

    def _show(self, event: SamplesDrawn) -> None:
        self.shown = event
        self.changed.emit()
