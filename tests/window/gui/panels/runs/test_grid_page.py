"""Page Grid: the form makes a grid, and its runs appear in their cells with samples and figures."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot
from runs_pages import only_pages
from runs_scene import RunsScene, run

from gmstudio.media.provenance import metadata_of
from gmstudio.media.reading import read_provenance
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.config import schema_of
from gmstudio.protocol.runs import FetchSamples, RunInfo, SamplesDrawn
from gmstudio.protocol.runs_compare import ComparedDrawn, DrawCompared
from gmstudio.protocol.runs_grid import ForgetGrid, GridCell, GridsListed, KeepGrid, ListGrids, RunGrid
from gmstudio.protocol.runs_queue import AddToQueue, RunsQueued
from gmstudio.protocol.training_settings import Training
from gmstudio.window.gui.panels.runs.grid import UNLIKE, GridPage
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.gui.shell.page import PanelPage
from gmstudio.window.state.runs.grid import RunGridState
from gmstudio.window.state.runs.grid_figures import BITS, figure_rows, figures_csv, figures_json, grid_of
from gmstudio.window.state.runs.grid_plan import GridPlan
from gmstudio.window.state.runs.picture_settings import restore
from tests.queue_scene import QueueEngine, queue_entry, tiny_grid, tiny_spec

TINY = tiny_grid()
CELLS = tuple(TINY.cells())


def cell_run(number: int, **values: Any) -> RunInfo:
    """The run of a cell; the last cell has none."""
    spec = TINY.spec(CELLS[number])
    info: RunInfo = run(f"run-{number}", best_bits=1.0 + number, tags=(TINY.tag,), **values)
    return msgspec.structs.replace(info, spec=spec)


class Stage:
    """The panel on the page Grid, and an engine that keeps grids."""

    def __init__(self, qtbot: QtBot, *runs: RunInfo) -> None:
        self.scene = RunsScene()
        self.queue = QueueEngine(self.scene)
        self.queue.entries = (msgspec.structs.replace(queue_entry("d"), spec=TINY.spec(CELLS[3]), tags=(TINY.tag,)),)
        self.grids: dict[str, RunGrid] = {TINY.name: TINY}
        self.scene.answers |= {
            ListGrids: self._list,
            ForgetGrid: lambda command: [self.grids.pop(command.name), *self._list(command)][1:],
            KeepGrid: self._keep,
            FetchSamples: self._samples,
            DrawCompared: self._draw,
            AddToQueue: lambda command: [RunsQueued(request=command.request, keys=("x",))],
        }
        self.scene.start(runs)
        assert self.scene.library.catalog is not None
        training = schema_of(Training)
        self.scene.library.catalog = msgspec.structs.replace(self.scene.library.catalog, training_schema=training)
        self.scene.state.next_spec = tiny_spec
        self.panel = RunsPanel(self.scene.state, self.scene.library)
        self.page = PanelPage(self.panel)
        qtbot.addWidget(self.page)
        self.page.resize(QSize(1290, 640))
        self.page.show()
        self.panel.tabs.show_page("grid")
        page = self.panel.tabs.page("grid")
        assert isinstance(page, GridPage)
        self.grid = page
        self.state, self.plan = self.scene.state.page(RunGridState), self.scene.state.page(GridPlan)
        self.settle()

    def settle(self) -> None:
        for _ in range(8):
            self.scene.serve()
            QGuiApplication.processEvents()

    def click(self, name: str) -> None:
        button = self.panel.findChild(QToolButton, f"runs.{name}")
        assert isinstance(button, QToolButton) and button.isEnabled(), name
        button.click()
        self.settle()

    def _list(self, command: ListGrids | ForgetGrid | KeepGrid) -> list[Event]:
        return [GridsListed(request=command.request, grids=tuple(self.grids.values()))]

    def _keep(self, command: KeepGrid) -> list[Event]:
        self.grids[command.grid.name] = command.grid
        return self._list(command)

    def _samples(self, command: FetchSamples) -> list[Event]:
        step = 12 if command.step is None else 6 if command.step < 12 else 12
        images = Array.of(np.full((4, 1, 8, 8), step, np.uint8))
        event = SamplesDrawn(run=command.run, step=step, kind="samples", images=images, kept=(6, 12))
        return [msgspec.structs.replace(event, request=command.request)]

    def _draw(self, command: DrawCompared) -> list[Event]:
        images = Array.of(np.full((command.count, 1, 8, 8), command.seed, np.uint8))
        reply = ComparedDrawn(run=command.run, step=12, seed=command.seed, kind="samples", images=images)
        return [msgspec.structs.replace(reply, request=command.request)]


@pytest.fixture
def stage(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    only_pages(monkeypatch, "grid", "library")
    made = Stage(qtbot, cell_run(0), cell_run(1), cell_run(2, status="failed"))
    yield made
    made.page.hide()


def test_runs_are_in_their_cells_with_samples_and_figures(stage: Stage) -> None:
    view = stage.grid.view
    assert view.titles == ("Learning rate", "Hidden units")
    assert (view.columns, view.rows) == (("0.001", "0.01"), ("4", "8"))
    assert [cell.caption for cell in view.cells] == [
        "1.000 bits/dim",
        "2.000 bits/dim",
        "3.000 bits/dim",
        "",
    ]
    assert [cell.share for cell in view.cells] == [0.0, 0.5, 1.0, None]
    assert [cell.words for cell in view.cells] == ["", "", "failed", "waits"]
    assert all(cell.images is not None and cell.images[0, 0, 0, 0] == 12 for cell in view.cells[:3])
    assert "3 of 4 runs begun" in stage.grid.words.words


def test_all_cells_show_one_step_and_new_samples_arrive(stage: Stage) -> None:
    stage.grid.slider.setValue(0)
    stage.settle()
    assert [cell.images[0, 0, 0, 0] for cell in stage.grid.view.cells[:3] if cell.images is not None] == [6, 6, 6]
    stage.state.show_step(None)
    stage.settle()
    newer = SamplesDrawn(run="run-1", step=18, kind="samples", images=Array.of(np.full((4, 1, 8, 8), 18, np.uint8)))
    stage.scene.client.deliver(newer)
    picture = stage.state.picture(CELLS[1])
    assert picture is not None and picture.step == 18 and stage.state.steps == [6, 12, 18]


def test_samples_are_drawn_from_the_same_noise(stage: Stage) -> None:
    stage.grid.seed.setValue(7)
    stage.click("grid_draw")
    assert [cell.images[0, 0, 0, 0] for cell in stage.grid.view.cells[:3] if cell.images is not None] == [7, 7, 7]
    assert "noise 7" in stage.grid.words.words


def test_figures_of_unlike_images_are_not_compared(stage: Stage) -> None:
    stage.scene.list((cell_run(0), cell_run(1, data_digest="d2")))
    stage.settle()
    assert [cell.share for cell in stage.grid.view.cells] == [None] * 4
    assert UNLIKE in stage.grid.words.words


def test_a_cell_opens_its_run_by_keys(stage: Stage) -> None:
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Return):
        QTest.keyClick(stage.grid.view, key)
    assert stage.scene.state.run == "run-1"


def test_the_picture_has_the_grid_inside(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "grid.png"
    origin = stage.grid.picture_origin(stage.grid)
    assert origin is not None and origin.folder == "run-0" and origin.step == 12
    from gmstudio.window.gui.widgets.save_forms import picture_of, png_writer

    png_writer(picture_of(stage.grid.view), metadata_of(origin))(path)
    assert grid_of(read_provenance(path).details) == msgspec.json.decode(msgspec.json.encode(TINY), type=RunGrid)


def test_a_picture_that_is_dropped_back_shows_the_grid_with_all_its_runs(stage: Stage) -> None:
    origin = stage.grid.picture_origin(stage.grid)
    assert origin is not None and origin.panel == stage.panel.name
    stage.panel.tabs.show_page("library")
    assert restore(stage.scene.state, origin) == f"grid {TINY.name}"
    assert stage.panel.tabs.open_page == "grid" and stage.state.name == TINY.name
    stage.click("grid_forget")
    assert stage.state.grid is None
    restore(stage.scene.state, origin)
    stage.settle()
    assert stage.state.grid == TINY and len(stage.state.infos) == 3, "its definition is in the file"
    stage.scene.state.page_wanted.disconnect()  # the page of comparisons is not built here
    stage.state.grids = (msgspec.structs.replace(TINY, seeds=(5,)),)
    assert restore(stage.scene.state, origin) == "3 runs compared", "another grid has its name"


def test_the_grid_is_saved_as_vector_graphics_too(stage: Stage) -> None:
    menu = stage.grid.save_menu()
    assert [one.text().partition(" as ")[2] for one in menu.actions()] == ["PNG…", "SVG…", "PDF…"]
    menu.deleteLater()


def test_figures_are_tables(stage: Stage) -> None:
    rows = figure_rows(stage.state)
    assert [(row["training.learning_rate"], row["config.num_hidden"], row[BITS]) for row in rows] == [
        (0.001, 4, 1.0),
        (0.01, 4, 2.0),
        (0.001, 8, 3.0),
        (0.01, 8, None),
    ]
    assert figures_csv(rows, {"Run": "x"}).splitlines()[:2] == ["# Run: x", ",".join(rows[0])]
    assert json.loads(figures_json(rows, {"Run": "x"}))["runs"] == rows


def test_the_form_makes_a_grid_and_says_what_is_wrong(stage: Stage) -> None:
    stage.click("grid_new")
    plan = stage.plan
    plan.set("columns_values", "0.1, x")
    assert "'x'" in stage.grid.form.note.text() and not stage.grid.form.add.isEnabled()
    plan.set("columns_values", "0.001:0.1:3:log")
    plan.set("rows", "training.batch_size")
    plan.set("rows_values", "16, 32")
    plan.set("seeds", "0, 1")
    assert stage.grid.form.note.text().startswith("12 runs · time: known when the first has trained")
    stage.click("grid_add")
    command = stage.scene.client.last(AddToQueue)
    assert command.grid is not None and command.grid.columns.values == (0.001, 0.01, 0.1)
    assert len(command.specs) == len(command.labels) == 12 and command.tags == ("grid:grid-1",)
    assert plan.values["name"] == "grid-2"
    stage.panel.undo.undo()
    assert plan.values["seeds"] == "0"


def test_a_forgotten_grid_comes_back(stage: Stage) -> None:
    stage.click("grid_forget")
    assert stage.state.grids == () and "no grid" in stage.grid.view.placeholder
    stage.panel.undo.undo()
    stage.settle()
    assert stage.state.name == TINY.name
    assert stage.state.info(GridCell(0, 0, 0)) is not None


def test_nothing_is_clipped_in_a_small_window(stage: Stage) -> None:
    stage.page.resize(888, 441)
    stage.settle()
    assert stage.grid.minimumSizeHint().width() <= 888 - 32
