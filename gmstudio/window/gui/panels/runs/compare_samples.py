"""Samples of compared runs side by side, at one training step and from one seed."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QVBoxLayout, QWidget

from gmstudio.media.provenance import Provenance
from gmstudio.protocol.runs_compare import MAX_DRAWN
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.content import are_points, draw_points
from gmstudio.window.gui.panels.runs.compare_saving import CompareSaving
from gmstudio.window.gui.panels.train.samples import DISPLAY_LEVELS, GENERATED, KINDS, StepField
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.state.runs.compare import CompareState
from gmstudio.window.state.runs.compare_grids import DEFAULT_COUNT, ComparedGrids, ShownGrid
from gmstudio.window.state.runs.compare_provenance import compared_origin
from gmstudio.window.state.runs.state import MAX_COMPARED

OTHER_SEEDS = "The runs have other seeds, so that these are samples from other noise; Draw now draws from the same."
NO_RUNS = "Add runs to compare their samples."
WAITING = "No samples were saved yet."


class StepRow(QWidget):
    """Training step that all runs share: a slider over the steps of all saved grids, and a field.

    Args:
        panel: that the controls belong to.
        grids: whose step it is.
        control: beginning of the controls' names.
        key: of the action that shows the newest grids.
    """

    def __init__(self, panel: Panel, grids: ComparedGrids, control: str) -> None:
        super().__init__()
        self._grids = grids
        self.slider, self.field = QSlider(Qt.Orientation.Horizontal), StepField()
        panel.name_widget(self.slider, f"{control}_step", "Training step", "Show the samples nearest to this step.")
        tip = "Show the samples nearest to this training step."
        panel.name_widget(self.field, f"{control}_step_typed", "Training step, typed", tip)
        self.field.setFixedWidth(self.fontMetrics().horizontalAdvance("10,000,000") + 4 * GRID)
        self.newest = panel.add_action(
            f"{control}_newest", "Newest", "Ctrl+End", lambda: grids.show_step(None), tip="Show the newest samples"
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addWidget(QLabel("Step"))
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        row.addWidget(panel.button(self.newest))
        self.slider.valueChanged.connect(lambda index: grids.show_step(grids.steps[index]))
        self.field.editingFinished.connect(self._on_typed)
        self.field.stepped.connect(grids.show_step)
        grids.changed.connect(self._show)
        self._show()

    def _on_typed(self) -> None:
        try:
            step = self.field.value
        except ValueError:
            step = None
        if step is not None:
            self._grids.show_step(int(step))
        self._show()

    def _show(self) -> None:
        steps, step = self._grids.steps, self._grids.step
        many = len(steps) > 1
        self.field.set_saved(steps)
        for widget in (self.slider, self.field):
            widget.setEnabled(many)
        self.newest.setEnabled(many and step is not None)
        shown = steps[-1] if step is None and steps else step
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(len(steps) - 1, 0))
            if shown is not None and steps:
                self.slider.setValue(int(np.abs(np.array(steps) - shown).argmin()))
        if not self.field.hasFocus():
            self.field.set_value(shown)


class CompareSamples(ActiveWidget):
    """Grids of all runs at one size.

    Args:
        panel: that the controls belong to.
        state: the compared runs.
        grids: their samples.
        saving: writes files.
    """

    def __init__(self, panel: Panel, state: CompareState, grids: ComparedGrids, saving: CompareSaving) -> None:
        super().__init__()
        self._panel, self._state, self._grids, self._saving = panel, state, grids, saving
        self._drawn: list[tuple[ShownGrid | None, int]] = [(None, 0)] * MAX_COMPARED
        self.cells = [_GridCell(panel, number) for number in range(MAX_COMPARED)]
        self._make_controls()
        self._lay_out()
        for cell in self.cells:
            cell.grid.hovered.connect(self._point)
        for change in (grids.changed, state.runs_changed, theme().changed):
            change.connect(self._show)

    def set_active(self, active: bool) -> None:
        """Show what arrived while the page was hidden."""
        if active:
            self._show()

    def origin(self) -> Provenance:
        """Origin of the grids that are shown."""
        return grids_origin(self._state, self._grids, "samples of compared runs")

    def _make_controls(self) -> None:
        add, name = self._panel.add_action, self._panel.name_widget
        self.saved = add(
            "compare_saved",
            "Saved grids",
            "",
            self._grids.show_saved,
            tip="Show the grids that were saved while the runs trained",
        )
        self.draw = add(
            "compare_draw",
            "Draw now",
            "Ctrl+Return",
            self._draw,
            icon="dice",
            tip="Draw samples now, from the same seed, with the checkpoint of each run that is nearest to the step",
        )
        self.save = add(
            "compare_save_samples",
            "Save picture …",
            "Ctrl+S",
            self._save,
            icon="save",
            tip="Save the grids as one PNG, with the runs, steps, seeds and settings inside",
            needs="There are no samples yet.",
        )
        self.seed, self.count = IntegerField(), IntegerField()
        self.seed.setRange(0, MAX_SEED)
        self.seed.setPrefix("seed ")
        self.count.setRange(1, MAX_DRAWN)
        self.count.setValue(DEFAULT_COUNT)
        self.count.setSuffix(" images")
        name(self.seed, "compare_seed", "Seed", "Seed of the noise or the codes from which all runs draw.")
        name(self.count, "compare_count", "Images", f"Images of each grid that is drawn now, 1 to {MAX_DRAWN}.")
        for field in (self.seed, self.count):
            field.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._panel.remember(self.seed, self.count)
        self.words = ElidedLabel()
        self.words.setProperty("role", "muted")

    def _lay_out(self) -> None:
        button = self._panel.button
        steps = StepRow(self._panel, self._grids, "compare")
        shared = QHBoxLayout()
        shared.addWidget(steps, 1)
        now = group_of(
            button(self.draw),
            self.seed,
            self.count,
            button(self.saved),
            button(self.save, icon_only=True),
            spacing=GRID,
        )
        self.body = QWidget()
        row = QHBoxLayout(self.body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        for cell in self.cells:
            row.addWidget(cell, 1)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID // 2)
        page.addWidget(FoldingRow(shared, now, stretch=0, spacing=2 * GRID))
        page.addWidget(self.words)
        page.addWidget(self.body, 1)

    def _draw(self) -> None:
        self._grids.draw(self.seed.value(), self.count.value())

    def _save(self) -> None:
        from gmstudio.window.gui.widgets.save_forms import picture_of

        self._saving.picture(picture_of(self.body), "compared samples", self.origin())

    def _point(self, index: int) -> None:
        """Outline the image of the same number in all grids."""
        for cell in self.cells:
            cell.grid.point_at(index)

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        if not self.active:
            return
        state, grids = self._state, self._grids
        shown = {run: grids.grid(run) for run in state.runs}
        counts = [len(grid.images) for grid in shown.values() if grid is not None]
        names = state.names()
        for number, cell in enumerate(self.cells):
            cell.setVisible(number < max(len(state.runs), 1))
            run = state.runs[number] if number < len(state.runs) else ""
            grid = shown.get(run)
            cell.caption.set_words(self._caption(names.get(run, run), grid, run) if run else "")
            cell.set_colour(state.colour(run) if run else None)
            cell.grid.set_placeholder(NO_RUNS if not run else self._missing(run))
            self._put(number, grid, min(counts, default=0))
        several = grids.source == "saved" and not grids.same_seed()
        self.words.set_words(OTHER_SEEDS if several else "")
        ready = any(grid is not None for grid in shown.values())
        self.save.setEnabled(ready)
        self._panel.allow(self.saved, "" if grids.source == "drawn" else "They are shown.")
        self._panel.allow(self.draw, "" if state.infos else NO_RUNS)

    def _put(self, number: int, grid: ShownGrid | None, count: int) -> None:
        """Show the images of a grid, where they are others than those that are shown."""
        if self._drawn[number][0] is grid and self._drawn[number][1] == count:
            return
        self._drawn[number] = grid, count
        view = self.cells[number].grid
        view.set_images(view.images[:0] if grid is None else displayed(grid.images[:count]))

    def _missing(self, run: str) -> str:
        """Words in place of a grid."""
        if run in self._state.problems:
            return self._state.problems[run]
        if self._grids.source == "saved":
            return WAITING
        return self._grids.problems.get(run, "Drawing …" if self._grids.busy(run) else "")

    def _caption(self, name: str, grid: ShownGrid | None, run: str) -> str:
        """Caption of a grid: its run, step and kind."""
        if grid is None:
            return name
        drawing = " · drawing …" if self._grids.source == "drawn" and self._grids.busy(run) else ""
        problem = self._grids.problems.get(run, "") if self._grids.source == "drawn" else ""
        info = self._state.infos.get(run)
        generates = info is not None and "discriminate" in info.capabilities
        kind = GENERATED if generates else KINDS.get(grid.kind, grid.kind).lower()
        return " · ".join(filter(None, (f"step {grid.step:,}", name, kind, problem))) + drawing


class _GridCell(QWidget):
    """Caption and grid of a run."""

    def __init__(self, panel: Panel, number: int) -> None:
        super().__init__()
        self.caption, self.grid = ElidedLabel(middle=True), ImageGrid()
        self._bar = QWidget()
        self._bar.setFixedHeight(3)
        self._bar.setAutoFillBackground(True)
        tip = "Samples of a run; the image under the pointer is outlined in all grids."
        panel.name_widget(self.grid, f"compare_grid_{number + 1}", f"Samples of run {number + 1}", tip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.caption)
        column.addWidget(self._bar)
        column.addWidget(self.grid, 1)

    def set_colour(self, index: int | None) -> None:
        """Draw the line above the grid in the colour of its run."""
        palette = self._bar.palette()
        colour = theme().color("border") if index is None else theme().series(index)
        palette.setColor(self._bar.backgroundRole(), colour)
        self._bar.setPalette(palette)


def displayed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images as they are drawn: points of the plane as dots."""
    is_plane = len(images) > 0 and are_points(images.shape)
    return draw_points(images, DISPLAY_LEVELS) if is_plane else images


def grids_origin(state: CompareState, grids: ComparedGrids, shows: str) -> Provenance:
    """Origin of the grids that are shown: all runs with the steps and seeds of their samples."""
    shown = {run: grids.grid(run) for run in state.infos}
    found = {run: grid for run, grid in shown.items() if grid is not None}
    infos = [info for run, info in state.infos.items() if run in found]
    source = {"saved": "saved while training", "drawn": "drawn for the comparison"}[grids.source]
    steps = {run: grid.step for run, grid in found.items()}
    seeds = {run: grid.seed for run, grid in found.items()}
    return compared_origin(infos, shows, {"Samples": source}, steps, seeds)
