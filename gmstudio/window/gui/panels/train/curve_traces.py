"""Curves of the overlaid runs as traces of plots: their group, positions on the horizontal axis, colours and marks."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from gmstudio.window.gui.theme import theme
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.curves import (
    Group,
    group_of,
    headline_of,
    images_seen,
    label_of,
    positions_on,
    unit_factor,
)
from gmstudio.window.state.training.state import TrainingState

if TYPE_CHECKING:
    from gmstudio.window.gui.widgets.plots.curve_line import Trace

SPLIT_LEGENDS = {"train": "train", "valid": "validation"}
DASHES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)


class CurveTraces:
    """Source of the traces.

    With one run, colours distinguish terms; with several, colours distinguish runs and dashes terms.

    Args:
        state: state of training.
        library: library of runs, for titles and image specs.
    """

    def __init__(self, state: TrainingState, library: RunLibrary) -> None:
        self._state = state
        self._library = library

    def marks(self, axis: str) -> list[tuple[int, QColor]]:
        """Positions of the kept checkpoints of all overlaid runs, in the runs' colours, and of changed settings."""
        several = len(self._state.overlays) > 1
        marks = []
        for run, color in self._state.overlays.items():
            info = self._library.info(run)
            shade = theme().series(color) if several else theme().color("muted")
            kept = np.array(info.kept_steps if info is not None else (), np.int64)
            places = self._positions(run, kept, axis) if len(kept) else None
            marks += [(int(place), shade) for place in places] if places is not None else []
            opened = self._library.opened.get(run)
            changed = np.array([change.step for change in opened.changes] if opened is not None else [], np.int64)
            places = self._positions(run, changed, axis) if len(changed) else None
            marks += [(int(place), theme().color("accent")) for place in places] if places is not None else []
        return marks

    def title(self, run: str) -> str:
        """Title of a run."""
        info = self._library.info(run)
        return info.title if info is not None else run

    def traces(self, run: str, unit: str, axis: str) -> list[tuple[Group, "Trace"]]:
        """Return the curves of a run, each with its group.

        Args:
            run: name of the run.
            unit: of log-likelihoods.
            axis: the horizontal axis, one of ``AXES``.
        """
        from gmstudio.window.gui.widgets.plots.curve_line import Trace
        from gmstudio.window.gui.widgets.plots.smoothed_curve import gap_of_steps

        history, objective = self._state.history(run), self._state.objective_of(run)
        info = self._library.info(run)
        several = len(self._state.overlays) > 1
        found: list[tuple[Group, Trace]] = []
        terms: dict[str, int] = {}
        headline = headline_of(objective, history)
        best = history.best(headline) if headline else None
        star = self._positions(run, np.array([best[0]]), axis) if best else None
        for name in history.names():
            group = group_of(objective, name, unit)
            term = terms[group.key] = terms.get(group.key, -1) + 1
            color, dash = self._style(run, term, several)
            factor = unit_factor(objective, name, unit, info.image if info else None)
            for split, legend in SPLIT_LEGENDS.items():
                curve = history.curve(split, name)
                positions = self._positions(run, curve.steps, axis) if curve is not None else None
                if curve is None or positions is None:
                    continue
                starred = (split, name) == ("valid", headline)
                trace = Trace(
                    key=(run, split, name),
                    label=label_of(name, objective),
                    steps=positions,
                    values=curve.values,
                    color=color,
                    dash=dash,
                    owner=info.title if info else run,
                    split=legend,
                    validation=split == "valid",
                    factor=factor,
                    generation=curve.generation,
                    best=int(star[0]) if star is not None and starred else None,
                    best_label=f"step {best[0]:,}" if best else "",
                    spacing=gap_of_steps(curve.steps),
                )
                found.append((group, trace))
        return found

    def _positions(self, run: str, steps: NDArray[np.int64], axis: str) -> NDArray[np.int64] | None:
        """Positions of a run's steps on the horizontal axis; None where it has none."""
        if axis == "step":  # as mostly: then nothing is to be counted, of which a run may have hundreds of curves
            return steps
        info, opened = self._library.info(run), self._library.opened.get(run)
        batch_size = info.training.batch_size if info is not None else 1
        num_train, changes = (opened.num_train, opened.batch_sizes) if opened is not None else (0, ())
        return positions_on(axis, steps, self._state.history(run), images_seen(batch_size, changes), num_train)

    def _style(self, run: str, term: int, several: bool) -> tuple[QColor, Qt.PenStyle]:
        if several:
            return theme().series(self._state.overlays[run]), DASHES[term % len(DASHES)]
        return theme().series(term), Qt.PenStyle.SolidLine


def steps_of(traces: list["Trace"]) -> tuple[int, int] | None:
    """First and last step of all traces; None without points."""
    filled = [t.steps for t in traces if len(t.steps)]
    return (min(int(s[0]) for s in filled), max(int(s[-1]) for s in filled)) if filled else None
