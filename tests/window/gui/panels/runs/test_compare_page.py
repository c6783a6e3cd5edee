"""Page Compare: the runs, their curves, settings and samples, and the files with the origin of all of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from compare_scene import GAN, HEAVY, OTHER, PLAIN, STRANGE
from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot
from runs_pages import LARGE, SMALL, CompareStage, only_pages

from gmstudio.protocol.runs_compare import DrawCompared
from gmstudio.window.gui.panels.runs.compare import ComparePage
from gmstudio.window.gui.panels.runs.compare_chooser import CompareChooser
from gmstudio.window.gui.panels.runs.compare_curves import NOTHING, OPENING, CompareCurves
from gmstudio.window.gui.panels.runs.compare_samples import CompareSamples
from gmstudio.window.gui.panels.runs.compare_settings import CompareSettings
from gmstudio.window.state.runs.compare_provenance import compared_runs
from gmstudio.window.state.runs.state import MAX_COMPARED


class Stage(CompareStage):
    """The panel on the page Compare."""

    def __init__(self, qtbot: QtBot, *runs: str, size: QSize = LARGE) -> None:
        super().__init__(qtbot, "compare", *runs, size=size)
        compare = self.panel.tabs.page("compare")
        assert isinstance(compare, ComparePage)
        self.compare = compare

    def open(self, name: str) -> QWidget:
        self.compare.views.show_page(name)
        self.settle()
        return self.compare.views.page(name)

    def curves(self) -> CompareCurves:
        view = self.open("curves")
        assert isinstance(view, CompareCurves)
        view.refresh()
        return view


@pytest.fixture
def stage(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    only_pages(monkeypatch, "compare")
    made: list[Stage] = []

    def make(*runs: str, size: QSize = LARGE) -> Stage:
        made.append(Stage(qtbot, *runs, size=size))
        return made[-1]

    yield make
    for one in made:
        one.frame.hide()


def cells(view: CompareCurves, row: int) -> list[str]:
    items = [view.values.item(row, column) for column in range(view.values.columnCount())]
    return [item.text() if item is not None else "" for item in items]


def test_runs_are_added_moved_and_removed(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN)
    chooser = shown.compare.findChild(CompareChooser)
    assert isinstance(chooser, CompareChooser)
    chooser.add.fill()
    listed = [chooser.add.itemData(index) for index in range(chooser.add.count())]
    assert PLAIN not in listed and HEAVY in listed
    chooser.add.activated.emit(listed.index(HEAVY))
    assert [slot.name for slot in chooser.strip.slots] == ["PLAIN", "HEAVY"]
    shown.click("compare_runs_left_2")
    assert shown.scene.state.compared == (HEAVY, PLAIN)
    shown.click("compare_runs_remove_1")
    assert [slot.name for slot in chooser.strip.slots] == ["PLAIN"]
    for run in (HEAVY, GAN, OTHER):
        shown.scene.compare.add(run)
    assert len(shown.scene.state.compared) == MAX_COMPARED and not chooser.add.isEnabled()


def test_curves_and_values_at_the_cursor(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN, STRANGE, GAN)
    view = shown.curves()
    assert view.plot is not None
    assert [trace.owner for trace in view.plot.traces] == ["PLAIN", "PLAIN"]
    view.unit.setCurrentText("nats")
    view.smoothing.setValue(0)
    view.refresh()
    assert cells(view, 0) == ["PLAIN", "3.333", "≤ 9.000", "≤ 7.000", "20"]
    view.plot.hovered.emit(10.0)
    assert cells(view, 0) == ["PLAIN", "10.00", "≤ 12.00", "≤ 7.000", "20"]
    view.axis.setCurrentIndex(view.axis.findData("images"))
    view.refresh()
    assert view.plot.by == "images seen" and view.plot.traces[0].steps.tolist()[:2] == [10, 20]
    assert cells(view, 0)[-1] == "200"
    assert "STRANGE is left out" in view.words.text() and "GAN has no curve" in view.words.text()
    view.valid.setChecked(False)
    view.refresh()
    assert [trace.split for trace in view.plot.traces] == ["train"]


def test_while_runs_are_opened_that_is_said(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN)
    view = shown.curves()
    assert view.plot is not None and view.plot._title == "Negative log-likelihood"
    shown.scene.library.engine_lost.emit()
    view.refresh()
    assert shown.scene.compare.opening and view.plot._title == OPENING
    shown.scene.compare.problems[PLAIN] = "It is damaged."
    view.refresh()
    assert view.plot._title == NOTHING, "it will not be opened"


def test_another_quantity_is_chosen_from_those_that_there_are(stage: Callable[..., Stage]) -> None:
    view = stage(PLAIN, GAN, OTHER).curves()
    lines = [view.quantity.itemText(index) for index in range(view.quantity.count())]
    assert lines[0] == "Negative log-likelihood (2)" and "Learning rate (3)" in lines
    index = lines.index("Learning rate (3)")
    view.quantity.setCurrentIndex(index)
    view.quantity.activated.emit(index)
    view.refresh()
    assert view.plot is not None and {trace.owner for trace in view.plot.traces} == {"PLAIN", "GAN", "OTHER"}
    assert not view.unit.isEnabled()


def test_a_click_in_the_plot_shows_the_samples_of_that_step(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN, HEAVY)
    view = shown.curves()
    assert view.plot is not None
    view.plot.clicked.emit(11)
    samples = shown.open("samples")
    assert isinstance(samples, CompareSamples)
    assert [cell.caption.words.split(" · ")[0] for cell in samples.cells[:2]] == ["step 10", "step 12"]


def test_samples_of_one_step_and_of_one_seed(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN, GAN)
    view = shown.open("samples")
    assert isinstance(view, CompareSamples)
    assert [cell.isVisible() for cell in view.cells] == [True, True, False, False]
    assert "other seeds" in view.words.words and "G(z)" in view.cells[1].caption.words
    view.seed.setValue(7)
    view.count.setValue(5)
    shown.click("compare_draw")
    assert [command.seed for command in shown.scene.client.sent if isinstance(command, DrawCompared)] == [7, 7]
    assert [len(cell.grid.images) for cell in view.cells[:2]] == [5, 5] and not view.words.words
    view.cells[0].grid.hovered.emit(3)
    shown.click("compare_saved")
    assert [len(cell.grid.images) for cell in view.cells[:2]] == [4, 4]
    assert {cell.width() for cell in view.cells[:2]} == {view.cells[0].width()}


def test_settings_with_differences(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN, HEAVY)
    view = shown.open("settings")
    assert isinstance(view, CompareSettings)
    titles = [view.grid.item(row, 0).text() for row in range(view.grid.rowCount())]
    assert titles[:3] == ["Model", "Family", "β"] and view.words.words.startswith("1 of")
    view.only.setChecked(True)
    shown.settle()
    assert [view.grid.item(row, 0).text() for row in range(view.grid.rowCount())] == ["Model", "β"]
    shown.click("compare_copy_csv")
    assert QGuiApplication.clipboard().text() == "section,setting,PLAIN,HEAVY\nModel,β,1,4\n"


@pytest.mark.parametrize(
    ("view", "button", "name"),
    [
        ("curves", "compare_save_curves", "a.png"),
        ("samples", "compare_save_samples", "a.png"),
        ("settings", "compare_save_settings", "a.csv"),
        ("curves", "compare_save_values", "a.csv"),
    ],
)
def test_files_have_the_origin_of_all_runs(
    qtbot: QtBot, stage: Callable[..., Stage], tmp_path: Path, view: str, button: str, name: str
) -> None:
    shown = stage(PLAIN, HEAVY)
    shown.curves()
    shown.scene.compare.show(chosen="learning_rate")
    shown.curves()
    shown.open(view)
    shown.click(button)
    dialog = shown.panel.findChild(QFileDialog, "save_dialog")
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / name))
    dialog.close()
    qtbot.waitUntil(lambda: shown.compare.words.words.startswith("Written: "))
    if name.endswith("png"):
        picture = QImage(str(tmp_path / name))
        metadata = {key: picture.text(key) for key in picture.textKeys()}
    else:
        lines = (tmp_path / name).read_text().splitlines()
        metadata = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    assert [one.run for one in compared_runs(metadata)] == [PLAIN, HEAVY]
    assert metadata["Run"] == "plain"
    origin = shown.panel.picture_origin(shown.panel)
    assert origin is not None and origin.shows == metadata["Shows"]


@pytest.mark.parametrize("size", [LARGE, SMALL])
@pytest.mark.parametrize("view", ["curves", "settings", "samples"])
def test_nothing_is_cut_off(stage: Callable[..., Stage], size: QSize, view: str) -> None:
    shown = stage(PLAIN, HEAVY, GAN, OTHER, size=size)
    content = shown.open(view)
    for control in shown.visible_controls(content, "runs.compare_"):
        assert control.width() >= min(control.minimumSizeHint().width(), 24), control.objectName()


def test_an_empty_comparison_says_what_to_do(stage: Callable[..., Stage]) -> None:
    shown = stage()
    view = shown.curves()
    assert view.plot is not None and not view.picture.isEnabled()
    assert np.array(view.plot.traces).size == 0
    settings = shown.open("settings")
    assert isinstance(settings, CompareSettings) and settings.words.words == "Add runs to compare their settings."
