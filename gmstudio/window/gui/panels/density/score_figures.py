"""What the page of scores shows of its results: rows of the table, and histograms."""

import math
from collections.abc import Callable

from gmstudio.window.gui.panels.density.score_table import ScoreRow
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.overlaid_histograms import Histogram
from gmstudio.window.state.density.scores import WHICH, ScoresState
from gmstudio.window.state.density.state import DensityState

Naming = Callable[[str], str]
"""Run → its name for display."""


def score_rows(owner: DensityState, state: ScoresState, name: Naming) -> tuple[list[ScoreRow], str]:
    """Return a row for each chosen run that is listed, and the unit of the scores."""
    rows, unit, index = [], "", state.inspected.index
    for place, run in enumerate(owner.runs):
        if owner.library.info(run) is None:
            continue  # the runs are not listed yet
        result = state.result(run)
        problem = state.problems.get(run) or state.offered.refusal(run, state.statistic)
        row = ScoreRow(run, name(run), theme().series(place), problem=problem)
        if result is not None:
            unit = result.statistic.unit
            values, errors = result.values.numpy(), result.errors
            inside = 0 <= index < len(values)
            row = row._replace(
                kind=result.kind,
                kind_text=result.kind_text,
                figures=state.figures(run),
                step=result.weights_step,
                stale=state.stale(run),
                image=float(values[index]) if inside else math.nan,
                image_error=float(errors.numpy()[index]) if inside and errors is not None else math.nan,
            )
        rows.append(row)
    return rows, unit


def score_histograms(owner: DensityState, state: ScoresState, name: Naming) -> tuple[list[Histogram], str]:
    """Return histograms of the images, and of those to compare with, under each run; and the title of their axis."""
    sets, unit, index = [], "", state.inspected.index
    for which in WHICH:
        for place, run in enumerate(owner.runs):
            result = state.result(run, which)
            if result is None:
                continue
            unit, values = f"{result.statistic.title}, {result.statistic.unit}".rstrip(", "), result.values.numpy()
            mark = float(values[index]) if which == "images" and 0 <= index < len(values) else math.nan
            title = name(run) if which == "images" else f"{name(run)}: {result.title}"
            legend = title if which == "images" else result.title
            colour = theme().series(place)
            sets.append(Histogram(title, values, colour, dashed=which == "against", mark=mark, legend=legend))
    return sets, unit
