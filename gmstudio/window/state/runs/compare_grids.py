"""Samples of compared runs at one training step: grids that were saved, and grids that are drawn now."""

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import RunInfo, RunOpened, SamplesDrawn
from gmstudio.protocol.runs_compare import ComparedDrawn, DrawCompared
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.steps import nearest
from gmstudio.window.state.training.samples import KeptSamples

Source = Literal["saved", "drawn"]
DEFAULT_COUNT = 36


class ShownGrid(NamedTuple):
    """Grid of a run.

    Args:
        images: (N, C, H, W) uint8, 0 … 255.
        step: training step of the weights that drew it.
        kind: as in ``SamplesDrawn``.
        seed: of the noise.
    """

    images: NDArray[np.uint8]
    step: int
    kind: str
    seed: int


class ComparedGrids(QObject):
    """Grids of the compared runs at a step that they share; each has the nearest one that there is.

    Args:
        owner: state of the panel.

    Attributes:
        step: that is shown; None: the newest of each run, and newer ones as they arrive.
        source: grids that were saved while the runs trained, or that are drawn now with ``seed``.
        seed: of the grids that are drawn now.
        count: images of a grid that is drawn now.
        problems: run → why nothing could be drawn now, a sentence.

    Signals:
        changed: grids, step, source or problems.
    """

    changed = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._owner, self._compared = owner, owner.page(CompareState)
        self.step: int | None = None
        self.source: Source = "saved"
        self.seed, self.count = 0, DEFAULT_COUNT
        self.problems: dict[str, str] = {}
        self._saved: dict[str, KeptSamples] = {}
        self._drawn: dict[str, ComparedDrawn] = {}
        self._made: dict[tuple[str, Source], tuple[SamplesDrawn | ComparedDrawn, ShownGrid]] = {}
        self._asked: dict[str, DrawCompared] = {}
        self._requests: dict[str, Request] = {}
        self._compared.runs_changed.connect(self._on_runs_changed)
        owner.library.run_opened.connect(self._on_run_opened)
        self._on_runs_changed()

    # ---- what there is -------------------------------------------------------------------------------------------

    @property
    def steps(self) -> list[int]:
        """Steps at which any of the runs has a saved grid, increasing."""
        return sorted({step for run in self._compared.runs for step in self.saved_steps(run)})

    def saved_steps(self, run: str) -> Sequence[int]:
        """Steps of the saved grids of a run, increasing."""
        kept = self._saved.get(run)
        return kept.steps if kept is not None else ()

    def grid(self, run: str) -> ShownGrid | None:
        """Return the grid of a run that is shown, the same object until it changes; None while there is none."""
        info, kept, drawn = self._compared.infos.get(run), self._saved.get(run), self._drawn.get(run)
        if self.source == "drawn":
            return self._grid(run, drawn, drawn.seed) if drawn is not None else None
        if info is None or kept is None or kept.shown is None:
            return None
        return self._grid(run, kept.shown, info.training.seed)

    def _grid(self, run: str, event: SamplesDrawn | ComparedDrawn, seed: int) -> ShownGrid:
        known = self._made.get((run, self.source))
        if known is None or known[0] is not event:
            known = event, ShownGrid(event.images.numpy(), event.step, event.kind, seed)
            self._made[run, self.source] = known
        return known[1]

    def busy(self, run: str) -> bool:
        """Return whether a grid of a run is being drawn now."""
        request = self._requests.get(run)
        return request is not None and request.busy

    def same_seed(self) -> bool:
        """Return whether all grids that are shown come from one seed."""
        grids = [self.grid(run) for run in self._compared.runs]
        return len({grid.seed for grid in grids if grid is not None}) <= 1

    # ---- what is chosen ------------------------------------------------------------------------------------------

    def show_step(self, step: int | None) -> None:
        """Show the grids that are nearest to a step; None: the newest ones."""
        newest = self.steps[-1] if self.steps else None
        self.step = None if step is None or (newest is not None and step >= newest) else step
        for run in self._compared.runs:
            self._show_saved(run)
        if self.source == "drawn":
            self._draw_missing()
        self.changed.emit()

    def show_saved(self) -> None:
        """Show the grids that were saved."""
        self._stop()
        self.source = "saved"
        self.changed.emit()

    def draw(self, seed: int, count: int) -> None:
        """Draw grids now, from the same noise with each run's nearest checkpoint, and show them."""
        self.source, self.seed, self.count = "drawn", seed, count
        self._asked.clear()
        self._draw_missing()
        self.changed.emit()

    # ---- how -----------------------------------------------------------------------------------------------------

    def _show_saved(self, run: str) -> None:
        kept = self._saved.get(run)
        if kept is None or not kept.steps:
            return
        if self.step is None:
            kept.follow()
            return
        wanted = nearest(kept.steps, self.step)
        if wanted is not None and (kept.shown is None or kept.shown.step != wanted):
            kept.show_step(wanted)
        kept.following = False

    def _draw_missing(self) -> None:
        """Draw the grids whose weights or noise are others than those that are shown or under way."""
        for run, info in self._compared.infos.items():
            step = nearest(info.checkpoint_steps, self.step) if self._is_of_a_checkpoint(info) else None
            command = DrawCompared(run=run, step=step, count=self.count, seed=self.seed)
            if self._asked.get(run) != command:
                self._asked[run] = command
                self.problems.pop(run, None)
                self._request(run).replace(command)

    def _is_of_a_checkpoint(self, info: RunInfo) -> bool:
        return self.step is not None and bool(info.checkpoint_steps)

    def _request(self, run: str) -> Request:
        if run not in self._requests:
            request = self._requests[run] = Request(self._owner.link, self)
            request.replied.connect(self._on_drawn)
            request.failed.connect(lambda failure: self._on_failed(run, failure))
            request.loading_changed.connect(self.changed)
        return self._requests[run]

    def _stop(self) -> None:
        for request in self._requests.values():
            request.cancel()
        self._asked.clear()

    def _on_drawn(self, event: ComparedDrawn) -> None:
        self._drawn[event.run] = event
        self.changed.emit()

    def _on_failed(self, run: str, failure: CommandFailed) -> None:
        self._asked.pop(run, None)
        if failure.reason is not Reason.ENGINE_GONE:
            self.problems[run] = failure.message
        self.changed.emit()

    def _on_runs_changed(self) -> None:
        """Keep the grids of the runs that stay."""
        runs = self._compared.runs
        for run in [run for run in self._saved if run not in runs]:
            self._saved.pop(run).deleteLater()
            self._drawn.pop(run, None)
            self._asked.pop(run, None)
            for source in get_args(Source):
                self._made.pop((run, source), None)
            if run in self._requests:
                self._requests[run].cancel()
        for run in runs:
            if run not in self._saved:
                kept = self._saved[run] = KeptSamples(self._owner.link, self)
                kept.changed.connect(partial(self._on_kept_changed, run))
                opened = self._owner.library.opened.get(run)
                if opened is not None and self._owner.active:
                    self._on_run_opened(opened)
        if self.source == "drawn" and self._owner.active:
            self._draw_missing()
        self.changed.emit()

    def _on_kept_changed(self, run: str) -> None:
        """Show a grid that was saved since and is nearer to the step."""
        if self.step is not None:
            self._show_saved(run)
        self.changed.emit()

    def _on_run_opened(self, event: RunOpened) -> None:
        kept = self._saved.get(event.info.run)
        if kept is not None:
            kept.show_run(event)
            self._show_saved(event.info.run)
