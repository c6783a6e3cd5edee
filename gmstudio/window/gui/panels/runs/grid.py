"""Page Grid: runs of a grid over two fields, with samples of one seed and step, coloured by their figure."""

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QPoint, QSignalBlocker, QSize, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QMenu,
    QScrollArea,
    QSlider,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gmstudio.media.provenance import Provenance
from gmstudio.protocol.runs import bits_text
from gmstudio.protocol.runs_grid import GridCell
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.compare_samples import displayed
from gmstudio.window.gui.panels.runs.compare_saving import CompareSaving
from gmstudio.window.gui.panels.runs.grid_form import GridForm
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.run_grid import RunGridView, ShownCell
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.state.runs.grid import RunGridState
from gmstudio.window.state.runs.grid_figures import figure_rows, figures_csv, figures_json, grid_origin
from gmstudio.window.state.runs.grid_plan import GridPlan
from gmstudio.window.state.runs.state import RunsState

NO_GRID = "There is no grid yet. New grid varies one or two fields, and adds a run for each combination to the queue."
UNLIKE = "The runs were trained on different images, so that their bits per dimension do not compare."
NO_BITS = "These models have no likelihood that compares."


class GridPage(ActiveWidget):
    """Choice of the grid, step and seed above the cells, or the form of the next grid.

    Args:
        panel: that the controls belong to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state, self._plan = state.page(RunGridState), state.page(GridPlan)
        self.grids, self.seeds, self.slider, self.seed = (
            QComboBox(),
            QComboBox(),
            QSlider(Qt.Orientation.Horizontal),
            IntegerField(),
        )
        self.view, self.form, self.words = RunGridView(), GridForm(panel, state), ElidedLabel()
        self.at = QLabel()
        self._saving = CompareSaving(panel)
        self._make_controls()
        self._lay_out()
        self._saving.said.connect(self.words.set_words)
        self._state.grids_changed.connect(self._show_grids)
        self._state.changed.connect(self._show)
        self._plan.added.connect(self._on_added)
        self.view.clicked.connect(self._open)
        self._show_grids()

    def set_active(self, active: bool) -> None:
        """Show what came while the page was hidden."""
        if active:
            self._state.refresh()
            self.form.show_plan()
            self._show_grids()

    def picture_origin(self, _widget: QWidget) -> Provenance | None:
        """Origin of the grid that is shown."""
        return grid_origin(self._state, "grid of runs")

    # ---- controls ------------------------------------------------------------------------------------------------

    def _make_controls(self) -> None:
        add, name = self._panel.add_action, self._panel.name_widget
        name(self.grids, "grid_chosen", "Grid", "Grid that is shown.")
        name(self.seeds, "grid_seed_shown", "Seed of the runs", "Runs of this seed are shown.")
        name(self.slider, "grid_step", "Training step", "Show the samples of all runs at this step, or just before it.")
        name(self.seed, "grid_draw_seed", "Seed of the noise", "Seed of samples that are drawn now.")
        name(self.view, "grid_cells", "Grid of runs", "Arrow keys move, Return or a click shows the run.")
        self.seed.setRange(0, MAX_SEED)
        self.seed.setPrefix("noise ")
        self.new = add(
            "grid_new", "New grid", "Ctrl+N", self._show_form, icon="add", tip="Vary one or two fields", checkable=True
        )
        self.draw = add(
            "grid_draw",
            "Draw now",
            "",
            lambda on: self._state.draw(self.seed.value() if on else None),
            icon="dice",
            tip="Draw the samples now, all from the same noise, in place of those that were saved",
            checkable=True,
        )
        needs = "There is no grid."
        self.actions_of_grid = [
            add(
                "grid_save",
                "Save picture …",
                "Ctrl+S",
                self._open_save_menu,
                icon="save",
                tip="Save the grid as PNG, SVG or PDF with all its settings inside",
                needs=needs,
            ),
            add(
                "grid_csv",
                "CSV …",
                "",
                partial(self._save_table, "csv"),
                icon="save",
                tip="Save the figures as CSV",
                needs=needs,
            ),
            add(
                "grid_json",
                "JSON …",
                "",
                partial(self._save_table, "json"),
                icon="save",
                tip="Save the figures as JSON",
                needs=needs,
            ),
            add(
                "grid_forget",
                "Forget",
                "",
                self._state.forget,
                icon="remove",
                tip="Remove the grid from this list; its runs stay",
                needs=needs,
            ),
        ]
        self.grids.activated.connect(lambda index: self._state.show(str(self.grids.itemData(index))))
        self.seeds.activated.connect(self._state.show_seed)
        self.slider.valueChanged.connect(self._on_slid)
        self.seed.valueChanged.connect(lambda seed: self._state.draw(seed) if self.draw.isChecked() else None)

    def _lay_out(self) -> None:
        button = self._panel.button
        self.grids.setMinimumWidth(20 * GRID)
        self.slider.setMinimumWidth(16 * GRID)
        self.at.setMinimumWidth(self.at.fontMetrics().horizontalAdvance("step 10,000,000"))
        first = group_of(self.grids, button(self.new), self.seeds, self.slider, self.at, spacing=GRID)
        first.setStretch(3, 1)
        save, csv, json, forget = self.actions_of_grid
        self._save_button = button(save, icon_only=True)
        second = group_of(
            button(self.draw),
            self.seed,
            self._save_button,
            button(csv),
            button(json),
            button(forget, icon_only=True),
            spacing=GRID,
        )
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.view)
        self.stack = QStackedWidget()
        self.stack.addWidget(scroll)
        self.stack.addWidget(self.form)
        self.words.setProperty("role", "muted")
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID // 2)
        page.addWidget(FoldingRow(first, second, stretch=0, spacing=2 * GRID))
        page.addWidget(self.words)
        page.addWidget(self.stack, 1)

    def minimumSizeHint(self) -> QSize:
        """Width of the controls, and the height of the form."""
        hint = super().minimumSizeHint()
        return QSize(hint.width(), min(hint.height(), 50 * GRID))

    def _show_form(self, shown: bool) -> None:
        self.stack.setCurrentIndex(1 if shown else 0)

    def _on_added(self, name: str) -> None:
        self._state.name = name  # shown once it is listed
        self._state.refresh()
        self.new.setChecked(False)

    def _on_slid(self, index: int) -> None:
        if index < len(self._state.steps):
            self._state.show_step(self._state.steps[index])

    def _open(self, row: int, column: int) -> None:
        info = self._state.info(GridCell(column, row, self._state.seed))
        if info is not None:
            self._owner.choose_run(info.run)
            self._owner.page_wanted.emit("library")

    def _open_save_menu(self) -> None:
        self.save_menu().popup(self._save_button.mapToGlobal(self._save_button.rect().bottomLeft()))

    def save_menu(self) -> QMenu:
        """Create the menu of the forms in which the grid is saved."""
        # Only now: it imports the plotting library, which the window's start does not wait for.
        from gmstudio.window.gui.widgets.save_forms import forms_of

        menu = QMenu(self)
        menu.setObjectName("runs.grid_save_menu")
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        origin = grid_origin(self._state, "grid of runs")
        for form in forms_of(self.view, QPoint()):
            if form.write is not None:
                save = partial(self._saving.form, form, f"grid {self._state.name}", origin)
                menu.addAction(form.title).triggered.connect(lambda _checked, save=save: save())
        return menu

    def _save_table(self, form: str) -> None:
        rows = figure_rows(self._state)
        write: Callable[..., str] = figures_csv if form == "csv" else figures_json

        def make(metadata: Mapping[str, str]) -> str:
            return write(rows, metadata)

        origin = grid_origin(self._state, "figures of a grid of runs")
        self._saving.table(make, f"grid {self._state.name}", origin, form)

    # ---- what is shown -------------------------------------------------------------------------------------------

    def _show_grids(self) -> None:
        with QSignalBlocker(self.grids):
            self.grids.clear()
            for one in self._state.grids:
                self.grids.addItem(one.name, one.name)
            self.grids.setCurrentIndex(self.grids.findData(self._state.name))
        grid = self._state.grid
        with QSignalBlocker(self.seeds):
            self.seeds.clear()
            for seed in grid.seeds if grid is not None else ():
                self.seeds.addItem(f"seed {seed}")
        self.seeds.setEnabled(self.seeds.count() > 1)
        self.grids.setEnabled(bool(self._state.grids))
        for action in self.actions_of_grid:
            action.setEnabled(grid is not None)
        self._show()

    def _show(self) -> None:
        state, grid = self._state, self._state.grid
        with QSignalBlocker(self.seeds):
            self.seeds.setCurrentIndex(state.seed)
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(len(state.steps) - 1, 0))
            shown = (
                len(state.steps) - 1
                if state.step is None
                else state.steps.index(state.step)
                if state.step in state.steps
                else 0
            )
            self.slider.setValue(max(shown, 0))
        self.slider.setEnabled(len(state.steps) > 1)
        self.at.setText("newest step" if state.step is None else f"step {state.step:,}")
        self.view.set_placeholder(state.problem or NO_GRID)
        if not self.active:
            return
        if grid is None:
            self.view.show_cells(("", ""), (), (), ())
            self.words.set_words(state.problem)
            return
        rows = grid.rows
        cells = [
            GridCell(c, r, state.seed)
            for r in range(len(rows.values) if rows else 1)
            for c in range(len(grid.columns.values))
        ]
        titles = grid.columns.title, rows.title if rows is not None else ""
        self.view.show_cells(
            titles, grid.columns.labels, rows.labels if rows is not None else ("",), self._cells(cells)
        )
        self.words.set_words(self._summary())

    def _cells(self, cells: list[GridCell]) -> list[ShownCell]:
        named = self._state.grid
        figures = {cell: self._state.figure(cell) for cell in cells}
        found = [figure for figure in figures.values() if figure is not None]
        low, high = min(found, default=0.0), max(found, default=0.0)
        shown = []
        for cell in cells:
            figure, picture, info = figures[cell], self._state.picture(cell), self._state.info(cell)
            share = None if figure is None or len(found) < 2 else (figure - low) / (high - low) if high > low else 0.0
            images = None if picture is None else displayed(picture.images)
            step = "" if picture is None else f"samples of step {picture.step:,}"
            mean = self._state.mean_figure(cell)
            several = f"mean of {mean[1]} seeds: {mean[0]:.3f} bits/dim" if mean is not None and mean[1] > 1 else ""
            about = (info.title, info.message, step, several) if info is not None else ()
            tip = "\n".join(filter(None, (named.label(cell) if named is not None else "", *about)))
            caption = bits_text(info) if info is not None and figure is not None else ""
            shown.append(ShownCell(images, caption, share, self._state.words(cell), tip))
        return shown

    def _summary(self) -> str:
        state, grid = self._state, self._state.grid
        assert grid is not None
        there, total = len(state.infos), sum(1 for cell in grid.cells() if cell.seed == state.seed)
        seed = "" if state.drawn_seed is None else f"samples drawn now from noise {state.drawn_seed}"
        bits = "" if state.compares else UNLIKE
        none = NO_BITS if there and all(info.best_bits is None for info in state.infos) else ""
        parts = (
            f"{there} of {total} runs begun",
            "the brighter, the fewer bits/dim" if not (bits or none) else "",
            seed,
            bits,
            none,
        )
        return " · ".join(filter(None, (*parts, state.problem)))
