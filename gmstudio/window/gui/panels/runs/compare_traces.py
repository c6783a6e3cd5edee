"""Curves of compared runs as traces of a plot; what did not change is kept, as histories may have a million points."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gmstudio.window.gui.theme import theme
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.compare_quantities import Measured
from gmstudio.window.state.training.history import Curve, RunHistory

if TYPE_CHECKING:
    from gmstudio.window.gui.widgets.plots.curve_line import Trace

SPLITS = {"train": "train", "valid": "validation"}
Key = tuple[object, ...]
Places = NDArray[np.int64] | None


class ComparedTraces:
    """Source of the traces.

    Args:
        state: the compared runs.
    """

    def __init__(self, state: CompareState) -> None:
        self._state = state
        self._places: dict[Key, tuple[RunHistory, Places]] = {}
        self._used: dict[Key, tuple[RunHistory, Places]] = {}

    def make(self, shown: Sequence[Measured], splits: Sequence[str]) -> "list[Trace]":
        """Return the curves of all runs that have places on the axis.

        Args:
            shown: what is drawn.
            splits: those of ``train`` and ``valid`` that are drawn.
        """
        self._used = {}
        found = [self._trace(measured, split) for measured in shown for split in splits]
        self._places = self._used
        return [trace for trace in found if trace is not None]

    def without_places(self, shown: Sequence[Measured]) -> list[str]:
        """Return the runs that have no places on the axis."""
        first = np.array([1], np.int64)
        return [one.run for one in shown if self._state.positions(one.run, first) is None]

    def place(self, run: str, step: int) -> int | None:
        """Return the position of a step of a run on the axis; None where it has none."""
        positions = self._state.positions(run, np.array([step], np.int64))
        return None if positions is None else int(positions[0])

    def _trace(self, measured: Measured, split: str) -> "Trace | None":
        from gmstudio.window.gui.widgets.plots.curve_line import Trace
        from gmstudio.window.gui.widgets.plots.smoothed_curve import gap_of_steps

        state, history = self._state, self._state.history(measured.run)
        curve = history.curve(split, measured.name)
        positions = None if curve is None else self._positions(measured, split, curve, history)
        if curve is None or positions is None:
            return None
        best = history.best(measured.name) if split == "valid" and measured.lower_is_better else None
        return Trace(
            key=(measured.run, split, measured.name),
            label="",  # the table beside the plot is its legend
            steps=positions,
            values=curve.values,
            color=theme().series(state.colour(measured.run)),
            owner=state.names()[measured.run],
            split=SPLITS[split],
            validation=split == "valid",
            factor=measured.factor,
            generation=curve.generation,
            best=self.place(measured.run, best[0]) if best is not None else None,
            best_label=f"step {best[0]:,}" if best is not None else "",
            spacing=gap_of_steps(curve.steps),
        )

    def _positions(self, measured: Measured, split: str, curve: Curve, history: RunHistory) -> Places:
        """Positions of a curve's points, the same object as long as they are the same."""
        state, run = self._state, measured.run
        info, opened = state.library.info(run), state.library.opened.get(run)
        settings = (info.spec.training.get("batch_size"), info.origin) if info is not None else ()
        points = sum(len(found) for key in history if (found := history.curve(*key)) is not None)
        num_train = (opened.num_train, opened.batch_sizes) if opened is not None else (0, ())
        key = (run, split, measured.name, state.axis, id(history), points, curve.generation, settings, num_train)
        known = self._places.get(key)
        self._used[key] = known if known is not None else (history, state.positions(run, curve.steps))
        return self._used[key][1]


def signature(traces: "Sequence[Trace]") -> tuple[Key, ...]:
    """Return what must change for traces of kept positions to be drawn anew."""
    return tuple(
        (t.key, id(t.steps), len(t.values), t.generation, t.color.rgb(), t.factor, t.best, t.owner) for t in traces
    )
