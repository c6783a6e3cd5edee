"""State of the page Compare: which runs, their colours, their curves and what these have in common."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.families import Objective
from gmstudio.protocol.runs import HistoryAppended, RunInfo, RunOpened
from gmstudio.window.state.runs.compare_quantities import NLL, Measured, measured_by, parted, why_not
from gmstudio.window.state.runs.state import MAX_COMPARED, RunsState
from gmstudio.window.state.training.curves import UNITS, images_seen, positions_on
from gmstudio.window.state.training.history import RunHistory

AXES = {
    "step": "training step",
    "images": "images seen",
    "epoch": "epoch",
    "time": "training time, s",
}
"""Horizontal axes of the curves, and their names."""
MAX_DEPTH = 100
"""Branches of branches that are followed."""
NO_PARENT = (
    "the run that it branched from is not in the library, so its images are counted in batches of the present size."
)


class CompareState(QObject):
    """Runs that are compared, and their curves.

    Args:
        owner: state of the panel.

    Attributes:
        library: runs.
        unit: of likelihoods, one of ``UNITS``.
        axis: horizontal axis, one of ``AXES``.
        chosen: key of the quantity that is shown; one that no run has counts as the first that there is.
        problems: run → why it could not be opened, a sentence.

    Signals:
        runs_changed: other runs are compared, in another order, or their descriptions changed.
        curves_changed: curves, the quantity, the unit or the axis changed.
    """

    runs_changed = Signal()
    curves_changed = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._owner, self.library = owner, owner.library
        self.unit, self.axis, self.chosen = UNITS[1], "step", NLL
        self.problems: dict[str, str] = {}
        self._colours: dict[str, int] = {}
        self._histories: dict[str, RunHistory] = {}
        self._active = 0
        owner.compared_changed.connect(self._on_compared_changed)
        owner.active_changed.connect(self._open_all)
        self.library.changed.connect(self.runs_changed)
        self.library.run_opened.connect(self._on_run_opened)
        self.library.open_failed.connect(self._on_open_failed)
        self.library.engine_lost.connect(self._on_engine_lost)
        self.library.catalog_arrived.connect(self._open_all)
        owner.link.on(HistoryAppended).connect(self._on_history_appended)
        self._colour()

    # ---- runs ----------------------------------------------------------------------------------------------------

    @property
    def runs(self) -> tuple[str, ...]:
        """The runs, in their order."""
        return self._owner.compared

    @property
    def infos(self) -> dict[str, RunInfo]:
        """Descriptions of those runs that are in the library, in their order."""
        found = {run: self.library.info(run) for run in self.runs}
        return {run: info for run, info in found.items() if info is not None}

    def colour(self, run: str) -> int:
        """Index of the colour of a run, which it keeps while it is compared."""
        return self._colours.get(run, 0)

    def add(self, run: str) -> None:
        """Compare one more run."""
        if run and run not in self.runs and len(self.runs) < MAX_COMPARED:
            self._owner.compare((*self.runs, run))

    def remove(self, run: str) -> None:
        """Compare without a run."""
        self._owner.compare(tuple(other for other in self.runs if other != run))

    def move(self, run: str, by: int) -> None:
        """Move a run by some places, to the right or with a negative number to the left."""
        others = [other for other in self.runs if other != run]
        if run in self.runs:
            others.insert(min(max(self.runs.index(run) + by, 0), len(others)), run)
            self._owner.compare(tuple(others))

    def set_active(self, active: bool) -> None:
        """Open the runs only while a page about them is on the screen; pages count."""
        self._active += 1 if active else -1
        self._open_all()

    def _colour(self) -> None:
        """Keep the colours of the runs that stay, and give the new ones those that are free."""
        self._colours = {run: index for run, index in self._colours.items() if run in self.runs}
        for run in self.runs:
            if run not in self._colours:
                taken = set(self._colours.values())
                self._colours[run] = next(index for index in range(len(taken) + 1) if index not in taken)

    def _on_compared_changed(self) -> None:
        self._colour()
        self._histories = {run: history for run, history in self._histories.items() if run in self.runs}
        self.problems = {run: problem for run, problem in self.problems.items() if run in self.runs}
        self.runs_changed.emit()
        self.curves_changed.emit()
        self._open_all()

    def _open_all(self) -> None:
        """Open the runs for their curves, which another panel's opening may have brought before they were wanted."""
        if self._active > 0 and self._owner.active and self.library.catalog is not None:
            for run in self.runs:
                if run not in self._histories and run not in self.problems:
                    self.library.open(run, again=True)

    def _on_run_opened(self, event: RunOpened) -> None:
        if event.info.run in self.runs:
            self.problems.pop(event.info.run, None)
            self.curves_changed.emit()

    def _on_open_failed(self, run: str, failure: CommandFailed) -> None:
        if run in self.runs and failure.reason is not Reason.ENGINE_GONE:
            self.problems[run] = failure.message
            self.runs_changed.emit()

    def _on_engine_lost(self) -> None:
        """Fetch everything anew from the next engine: the run in training may go back to its checkpoint."""
        self._histories.clear()

    # ---- curves --------------------------------------------------------------------------------------------------

    @property
    def opening(self) -> bool:
        """Curves of a run have not arrived yet."""
        return any(run not in self._histories and run not in self.problems for run in self.runs)

    def history(self, run: str) -> RunHistory:
        """Return the curves of a run; empty ones where none arrived."""
        return self._histories.get(run) or RunHistory()

    def objective(self, run: str) -> Objective | None:
        """Return the objective of a run; None while it is not open."""
        opened = self.library.opened.get(run)
        return opened.objective if opened is not None else None

    def show(self, *, chosen: str | None = None, unit: str | None = None, axis: str | None = None) -> None:
        """Show another quantity, or in another unit, or on another horizontal axis."""
        wanted = (chosen or self.chosen, unit or self.unit, axis or self.axis)
        if wanted != (self.chosen, self.unit, self.axis):
            self.chosen, self.unit, self.axis = wanted
            self.curves_changed.emit()

    def quantities(self) -> dict[str, list[Measured]]:
        """Return the curves of all runs by the keys of their quantities, likelihoods first."""
        found: dict[str, list[Measured]] = {}
        for measured in self._measured():
            found.setdefault(measured.key, []).append(measured)
        return dict(sorted(found.items(), key=lambda item: (item[0] != NLL, -len(item[1]))))

    def overlaid(self) -> tuple[list[Measured], list[str]]:
        """Return the curves of the shown quantity that compare, and sentences on the runs without one."""
        quantities = self.quantities()
        key = self.chosen if self.chosen in quantities else next(iter(quantities), "")
        curves = quantities.get(key, [])
        shown, others = parted(curves)
        names, infos = self.names(), self.infos
        sentences = [why_not(curve, shown[0], names, infos) for curve in others]
        title = curves[0].title if curves else ""
        having = {curve.run for curve in curves}
        for run, info in infos.items():
            if self.axis == "images" and info.origin is not None and self._parent(info) is None:
                sentences.append(f"{names[run]}: {NO_PARENT}")
            if run in self._histories and run not in having and title:
                sentences.append(f"{names[run]} has no curve “{title}”.")
        return shown, sentences

    def names(self) -> dict[str, str]:
        """Names of the runs, distinct: those that would read the same are numbered."""
        plain = {run: info.name or info.label or info.title for run, info in self.infos.items()}
        names = list(plain.values())
        alike = [names[: place + 1].count(name) if names.count(name) > 1 else 0 for place, name in enumerate(names)]
        return {
            run: f"{name} ({number})" if number else name
            for (run, name), number in zip(plain.items(), alike, strict=True)
        }

    def positions(self, run: str, steps: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Return the positions of a run's steps on the horizontal axis; None where it has none."""
        info, opened = self.library.info(run), self.library.opened.get(run)
        seen = partial(self._images_seen, info) if info is not None else images_seen(1)
        if self.axis == "images":
            return seen(steps)
        return positions_on(self.axis, steps, self.history(run), seen, opened.num_train if opened is not None else 0)

    def _images_seen(self, info: RunInfo, steps: NDArray[np.int64], depth: int = 0) -> NDArray[np.int64]:
        """Images in the batches up to some steps.

        Where the run has no sizes of its own recorded, those before a branch came in batches of its parent's size.
        """
        opened = self.library.opened.get(info.run)
        if opened is not None and opened.batch_sizes:
            return images_seen(info.training.batch_size, opened.batch_sizes)(steps)
        batch, parent = info.training.batch_size, self._parent(info)
        if parent is None or info.origin is None or depth > MAX_DEPTH:
            return steps * batch
        branched = info.origin.step
        before = self._images_seen(parent, np.minimum(steps, branched), depth + 1)
        after: NDArray[np.int64] = np.maximum(steps - branched, 0) * batch
        return before + after

    def _parent(self, info: RunInfo) -> RunInfo | None:
        """Run from which a run branched; None where there is none, or it is not in the library."""
        parent = self.library.info(info.origin.run) if info.origin is not None else None
        return parent if parent is not None and info.origin and parent.created == info.origin.created else None

    def _measured(self) -> Iterator[Measured]:
        for run, info in self.infos.items():
            try:
                properties = self.library.entry(info.spec.family).config_schema["properties"]
            except ValueError:  # a family that this engine does not have: its settings are compared without titles
                properties = {}
            yield from measured_by(info, self.objective(run), self.history(run), self.unit, properties)

    def _on_history_appended(self, event: HistoryAppended) -> None:
        if event.run in self.runs and (event.reset or event.run in self._histories):
            self._histories.setdefault(event.run, RunHistory()).merge(event)
            self.curves_changed.emit()
