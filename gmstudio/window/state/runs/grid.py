"""State of the page Grid: runs of a grid in their cells, with samples of one seed and step, and their figures."""

from bisect import insort
from collections import deque
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import FetchSamples, RunInfo, SamplesDrawn
from gmstudio.protocol.runs_compare import ComparedDrawn, DrawCompared
from gmstudio.protocol.runs_grid import ForgetGrid, GridCell, GridsListed, KeepGrid, ListGrids, RunGrid
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.queue import QueueState
from gmstudio.window.state.runs.state import RunsState

SHOWN = 16
"""Images of a cell."""


class CellPicture(NamedTuple):
    """Samples of a cell.

    Args:
        images: (N, C, H, W) uint8, 0 … 255.
        step: training step of the weights.
    """

    images: NDArray[np.uint8]
    step: int


class RunGridState(QObject):
    """Grids of the library, and the cells of the one that is shown.

    Args:
        owner: state of the panel.

    Attributes:
        grids: of the library, the newest first.
        name: of the grid that is shown; empty: none.
        seed: index of the seed whose runs are shown.
        step: that is shown; None: the newest of each run.
        drawn_seed: of the noise of samples that are drawn now; None: the samples that were saved are shown.
        problem: why the last command was refused, or a grid cannot be read.

    Signals:
        grids_changed: ``grids`` or ``name`` changed.
        changed: cells, samples, step or seed changed.
    """

    grids_changed = Signal()
    changed = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._owner, self._queue = owner, owner.page(QueueState)
        self.grids: tuple[RunGrid, ...] = ()
        self.name = self.problem = ""
        self.seed = 0
        self.step: int | None = None
        self.drawn_seed: int | None = None
        self.steps: list[int] = []
        self._infos: dict[GridCell, RunInfo] = {}
        self._pictures: dict[str, CellPicture] = {}
        self._missing: set[str] = set()
        self._due: deque[str] = deque()
        self._forgotten: tuple[RunGrid, ...] = ()
        self._fetching, self._listing = Request(owner.link, self), Request(owner.link, self)
        self._fetching.replied.connect(self._on_samples)
        self._fetching.failed.connect(self._on_no_samples)
        self._fetching.dropped.connect(self._fetch_next)
        self._listing.replied.connect(self._on_listed)
        self._listing.failed.connect(self._on_failed)
        owner.link.on(SamplesDrawn).connect(self._on_drawn_while_training)
        owner.library.changed.connect(self._on_library_changed)
        owner.library.catalog_arrived.connect(self.refresh)
        self._queue.changed.connect(self.changed)
        owner.edits.add_part("grids forgotten", lambda: self._forgotten, self._restore_forgotten)
        if owner.library.catalog is not None:
            self.refresh()

    # ---- what there is -------------------------------------------------------------------------------------------

    @property
    def grid(self) -> RunGrid | None:
        """The grid that is shown."""
        return next((grid for grid in self.grids if grid.name == self.name), None)

    def info(self, cell: GridCell) -> RunInfo | None:
        """Return the run of a cell; None: there is none in the library."""
        return self._infos.get(cell)

    @property
    def infos(self) -> list[RunInfo]:
        """Runs of the grid that have the seed that is shown."""
        return [info for cell, info in self._infos.items() if cell.seed == self.seed]

    def picture(self, cell: GridCell) -> CellPicture | None:
        """Return the samples of a cell; None: they are not there."""
        info = self._infos.get(cell)
        return self._pictures.get(info.run) if info is not None else None

    def words(self, cell: GridCell) -> str:
        """Return where a cell stands, in a word or two."""
        grid, info = self.grid, self._infos.get(cell)
        if info is not None:
            if info.run == self._owner.library.live:
                return f"in training, step {info.step:,}"
            return info.status if info.status != "finished" else ""
        key = grid.key_of(grid.spec(cell)) if grid is not None else ()
        for entry in self._queue.entries:
            if grid is not None and grid.tag in entry.tags and grid.key_of(entry.spec) == key:
                return "failed" if entry.status == "failed" else "waits" if entry.status == "waiting" else entry.status
        return "no run"

    @property
    def compares(self) -> bool:
        """All runs of the grid were trained on the same images, so that their bits per dimension compare."""
        with_bits = [info for info in self._infos.values() if info.best_bits is not None]
        return len({(info.data_digest, info.image) for info in with_bits}) <= 1

    def figure(self, cell: GridCell) -> float | None:
        """Return the lowest validation value of a cell in bits per dimension; None where there is none to compare."""
        info = self._infos.get(cell)
        return info.best_bits if info is not None and self.compares else None

    def mean_figure(self, cell: GridCell) -> tuple[float, int] | None:
        """Return the mean of a cell's figures over the seeds, and their number; None where there are none."""
        grid = self.grid
        seeds = range(len(grid.seeds)) if grid is not None else ()
        found = [bits for seed in seeds if (bits := self.figure(cell._replace(seed=seed))) is not None]
        return (sum(found) / len(found), len(found)) if found else None

    # ---- what is chosen ------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Request the grids."""
        self._listing.send(ListGrids())

    def show(self, name: str) -> None:
        """Show another grid."""
        if name != self.name:
            self.name, self.seed, self.step = name, 0, None
            self._pictures, self.steps = {}, []
            self._missing.clear()
            self._place()
            self.grids_changed.emit()

    def bring(self, grid: RunGrid) -> bool:
        """Show a grid that a file defines, and list it again where it was forgotten; False: another has its name."""
        listed = next((one for one in self.grids if one.name == grid.name), None)
        if listed is None:
            self._listing.send(KeepGrid(grid=grid))
        elif msgspec.json.encode(listed) != msgspec.json.encode(grid):
            return False
        self.show(grid.name)
        return True

    def show_seed(self, index: int) -> None:
        """Show the runs of another seed."""
        if index != self.seed:
            self.seed = index
            self._fetch_all()

    def show_step(self, step: int | None) -> None:
        """Show the samples of all runs at one step, or just before it; None: the newest."""
        newest = self.steps[-1] if self.steps else None
        step = None if step is None or (newest is not None and step >= newest) else step
        if step != self.step:
            self.step = step
            self._fetch_all()

    def draw(self, seed: int | None) -> None:
        """Draw the samples now from the same noise; None: show those that were saved."""
        self.drawn_seed = seed
        self._pictures = {}
        self._fetch_all()

    def forget(self) -> None:
        """Remove the definition of the grid that is shown; its runs stay."""
        grid = self.grid
        if grid is not None:
            with self._owner.edits.recording(f"Forget the grid {grid.name}"):
                self._restore_forgotten((*self._forgotten, grid))

    # ---- how -----------------------------------------------------------------------------------------------------

    def _restore_forgotten(self, grids: tuple[RunGrid, ...]) -> None:
        before, self._forgotten = self._forgotten, grids
        for grid in grids:
            if grid not in before:
                self._listing.send(ForgetGrid(name=grid.name))
        for grid in before:
            if grid not in grids:
                self._listing.send(KeepGrid(grid=grid))

    def _on_listed(self, event: GridsListed) -> None:
        self.grids, self.problem = event.grids, " ".join(event.problems)
        names = [grid.name for grid in self.grids]
        shown = self.name if self.name in names else (*names, "")[0]
        if shown != self.name:
            self.show(shown)
        else:
            self._place()
            self.grids_changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problem = failure.message
        self.changed.emit()

    def _on_library_changed(self) -> None:
        if self.grid is not None:
            self._place()

    def _place(self) -> None:
        """Find the runs of the grid; of several in one cell the newest."""
        grid, before = self.grid, {info.run for info in self._infos.values()}
        found: dict[GridCell, RunInfo] = {}
        if grid is not None:
            places = grid.places()
            for info in self._owner.library.runs:
                cell = places.get(grid.key_of(info.spec)) if grid.tag in info.tags else None
                if cell is not None and (cell not in found or info.created > found[cell].created):
                    found[cell] = info
        self._infos = found
        new = [info.run for info in self.infos if info.run not in before]
        self._due.extend(run for run in new if run not in self._due)
        self._fetch_next()
        self.changed.emit()

    def _fetch_all(self) -> None:
        """Fetch the samples of all cells for another step, seed or noise; those that are shown stay until then."""
        self._due = deque(info.run for info in self.infos)
        self._missing.clear()
        self._fetching.cancel()
        self._fetch_next()
        self.changed.emit()

    def _fetch_next(self) -> None:
        """Request one cell after another, so that no other request waits for all of them."""
        if self._due and not self._fetching.busy:
            run = self._due.popleft()
            command: Command = FetchSamples(run=run, step=self.step)
            if self.drawn_seed is not None:
                command = DrawCompared(run=run, step=self.step, count=SHOWN, seed=self.drawn_seed)
            self._fetching.send(command)

    def _on_samples(self, event: SamplesDrawn | ComparedDrawn) -> None:
        self._keep(event)
        self._fetch_next()

    def _on_drawn_while_training(self, event: SamplesDrawn) -> None:
        """Show the samples of the run in training as they are drawn."""
        if event.request or all(info.run != event.run for info in self._infos.values()):
            return
        if self.step is None and self.drawn_seed is None:
            self._keep(event)
        elif event.step not in self.steps:
            insort(self.steps, event.step)
            self.changed.emit()

    def _keep(self, event: SamplesDrawn | ComparedDrawn) -> None:
        kept = event.kept if isinstance(event, SamplesDrawn) else ()
        self.steps = sorted({*self.steps, *kept, event.step})
        self._missing.discard(event.run)
        self._pictures[event.run] = CellPicture(event.images.numpy()[:SHOWN], event.step)
        self.changed.emit()

    def _on_no_samples(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self._missing.add(failure.run)
            self._pictures.pop(failure.run, None)
            self._fetch_next()
        self.changed.emit()
