"""Page Pictures: samples of runs and picture files, compared in four ways, with their values and their origin."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from compare_scene import GAN, HEAVY, OTHER, PLAIN, STRANGE
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot
from runs_pages import LARGE, SMALL, CompareStage, only_pages

from gmstudio.media.levels import opaque
from gmstudio.window.gui.panels.runs.pictures import FULL, PicturesPage
from gmstudio.window.state.edits import Edit
from gmstudio.window.state.runs.compare_provenance import compared_runs
from gmstudio.window.state.runs.pictures import PictureFile, PicturesState


class Stage(CompareStage):
    """The panel on the page Pictures."""

    def __init__(self, qtbot: QtBot, *runs: str, size: QSize = LARGE) -> None:
        super().__init__(qtbot, "pictures", *runs, size=size)
        page = self.panel.tabs.page("pictures")
        assert isinstance(page, PicturesPage)
        self.page = page
        self.state = self.scene.state.page(PicturesState)

    def titles(self) -> list[str]:
        return [picture.title for picture in self.page.pictures.pictures]

    def row(self, number: int) -> list[str]:
        items = [self.page.table.item(number, column) for column in range(4)]
        return [item.text() if item is not None else "" for item in items]


@pytest.fixture
def stage(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Stage]]:
    only_pages(monkeypatch, "pictures")
    made: list[Stage] = []

    def make(*runs: str, size: QSize = LARGE) -> Stage:
        made.append(Stage(qtbot, *runs, size=size))
        return made[-1]

    yield make
    for one in made:
        one.frame.hide()


def write_picture(path: Path, value: int = 30, side: int = 17) -> str:
    image = QImage(side, side, QImage.Format.Format_Grayscale8)
    image.fill(value)
    assert image.save(str(path))
    return str(path)


def open_file(qtbot: QtBot, shown: Stage, path: str) -> None:
    with qtbot.waitSignal(shown.page._source.taken):
        shown.page._source.open(path)
    qtbot.waitUntil(lambda: not shown.page._converting.busy)
    shown.settle()


def test_runs_have_sheets_of_the_same_step(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN, HEAVY, STRANGE)
    assert shown.titles() == ["step 30 · PLAIN", "step 24 · HEAVY"]  # the third has no samples
    shown.scene.state.page(PicturesState).grids.show_step(11)
    shown.settle()
    assert shown.titles() == ["step 10 · PLAIN", "step 12 · HEAVY"]
    sheet = shown.page.pictures.pictures[0]
    assert sheet.pixels.shape == (1, 17, 17) and sheet.levels == 2 and sheet.cell == (8, 8)
    assert sheet.inside is not None and int(sheet.inside.sum()) == 4 * 64
    shown.page.image.setValue(3)
    assert shown.page.pictures.pictures[0].pixels.shape == (1, 8, 8)


def test_values_under_the_pointer_and_differences(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN, HEAVY)
    shown.page.pictures.place = (0.9, 0.1)
    shown.page.pictures.pointed.emit((0.9, 0.1))
    assert shown.row(0) == ["PLAIN", "no. 2: 1, 6", "0", ""]
    shown.click("pictures_difference")
    assert [shown.row(number)[3] for number in range(3)] == ["", "34", ""]
    assert shown.page.against.isEnabled() and not shown.page.rate.isEnabled()
    shown.page.against.activated.emit(1)
    assert [shown.row(number)[3] for number in range(3)] == ["34", "", ""]
    shown.scene.compare.add(GAN)
    shown.settle()
    assert shown.row(2)[0] == "GAN"


def test_the_mode_has_its_controls(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN, HEAVY)
    for mode, enabled in (("swipe", ()), ("blink", ("rate",)), ("difference", ("against", "absolute")), ("side", ())):
        shown.click(f"pictures_{mode}")
        assert shown.page.pictures.mode == mode
        assert {name for name in ("rate", "against", "absolute") if getattr(shown.page, name).isEnabled()} == set(
            enabled
        )
    assert not shown.page.pictures._timer.isActive()


def test_files_are_opened_moved_and_closed_and_that_is_undone(
    qtbot: QtBot, stage: Callable[..., Stage], tmp_path: Path
) -> None:
    shown = stage(PLAIN)
    edits: list[Edit] = []
    shown.scene.state.edits.edited.connect(edits.append)
    for name in ("one.png", "two.png"):
        open_file(qtbot, shown, write_picture(tmp_path / name))
    assert shown.titles() == ["step 30 · PLAIN", "one.png", "two.png"]
    shown.click("pictures_sources_left_3")
    assert shown.titles() == ["step 30 · PLAIN", "two.png", "one.png"]
    shown.click("pictures_sources_remove_2")
    assert shown.titles() == ["step 30 · PLAIN", "one.png"]
    assert [edit.name for edit in edits] == ["Open a picture", "Open a picture", "Move a picture", "Close a picture"]
    shown.scene.state.edits.restore(edits[-1].before)
    assert shown.titles() == ["step 30 · PLAIN", "two.png", "one.png"]
    shown.click("pictures_sources_remove_1")
    assert shown.scene.state.compared == () and shown.titles() == ["two.png", "one.png"]


def test_a_picture_that_cannot_be_read_is_a_sentence(qtbot: QtBot, stage: Callable[..., Stage], tmp_path: Path) -> None:
    shown = stage(PLAIN)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with qtbot.waitSignal(shown.page._source.failed):
        shown.page._source.open(str(tmp_path / "bad.png"))
    assert "bad.png is not a PNG" in shown.page.words.text() and shown.titles() == ["step 30 · PLAIN"]


def test_no_more_than_four_are_compared(qtbot: QtBot, stage: Callable[..., Stage], tmp_path: Path) -> None:
    shown = stage(PLAIN, HEAVY, GAN, OTHER)
    assert not shown.page.open.isEnabled() and not shown.page.add.isEnabled()
    open_file(qtbot, shown, write_picture(tmp_path / "one.png"))  # dropped
    assert shown.page.words.text() == FULL and not shown.state.files
    shown.scene.compare.remove(OTHER)
    for name in ("one.png", "two.png"):
        open_file(qtbot, shown, write_picture(tmp_path / name))
    assert shown.titles()[3:] == ["two.png"]  # the newest in place of the one before


def test_a_file_of_another_size_has_no_difference(qtbot: QtBot, stage: Callable[..., Stage], tmp_path: Path) -> None:
    shown = stage(PLAIN)
    open_file(qtbot, shown, write_picture(tmp_path / "one.png", side=9))
    shown.click("pictures_difference")
    item = shown.page.table.item(1, 3)
    assert item is not None and item.text() == "–" and "9×9 grey and 17×17 grey" in item.toolTip()


def test_the_picture_has_the_origin_of_all(qtbot: QtBot, stage: Callable[..., Stage], tmp_path: Path) -> None:
    shown = stage(PLAIN, HEAVY)
    open_file(qtbot, shown, write_picture(tmp_path / "one.png"))
    shown.click("pictures_swipe")
    shown.click("pictures_save")
    dialog = shown.panel.findChild(QFileDialog, "save_dialog")
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit(str(tmp_path / "a.png"))
    dialog.close()
    qtbot.waitUntil(lambda: shown.page.words.text().startswith("Written: "))
    saved = QImage(str(tmp_path / "a.png"))
    metadata = {key: saved.text(key) for key in saved.textKeys()}
    assert [(one.run, one.step, one.seed) for one in compared_runs(metadata)] == [(PLAIN, 30, 0), (HEAVY, 24, 0)]
    assert metadata["Files"] == "one.png" and metadata["Shows"] == "compared pictures, swipe"


def test_the_same_pictures_are_not_made_twice(stage: Callable[..., Stage]) -> None:
    shown = stage(PLAIN, HEAVY)
    before = shown.page.pictures.pictures
    shown.scene.library.changed.emit()
    assert shown.page.pictures.pictures is before


@pytest.mark.parametrize("size", [LARGE, SMALL])
def test_nothing_is_cut_off(stage: Callable[..., Stage], size: QSize) -> None:
    shown = stage(PLAIN, HEAVY, GAN, OTHER, size=size)
    assert shown.visible_controls(shown.page, "runs.pictures_")
    assert shown.page.pictures.height() >= 150


def test_differences_of_large_files_are_computed_in_a_thread(
    qtbot: QtBot, stage: Callable[..., Stage], tmp_path: Path
) -> None:
    shown = stage()
    for name, value in (("one.png", 30), ("two.png", 40)):
        open_file(qtbot, shown, write_picture(tmp_path / name, value, side=500))
    shown.click("pictures_difference")
    qtbot.waitUntil(lambda: shown.row(1)[3] == "10")
    shown.page.absolute.setChecked(True)
    assert shown.row(1)[3] == ""
    qtbot.waitUntil(lambda: shown.row(1)[3] == "10")


def test_what_is_transparent_is_white() -> None:
    pixels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], np.uint8)
    assert opaque(pixels)[:, 0].T.tolist() == [[10, 20, 30], [255, 255, 255]]
    assert opaque(np.zeros((2, 3, 1), np.uint8)).shape == (1, 2, 3)


def test_a_file_is_drawn_from_what_the_thread_converted(stage: Callable[..., Stage]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    opened = PictureFile.of("a.png", pixels)
    assert opened.packed.tolist() == np.dstack([pixels[..., ::-1], np.full((3, 4), 255)]).tolist()
    shown = stage()
    shown.state.add_file(opened)
    shown.settle()
    (picture,) = shown.page.pictures.pictures
    assert picture.packed is opened.packed
    image = shown.page.pictures._images[0]
    assert [image.pixelColor(3, 2).getRgb()[:3], (image.width(), image.height())] == [tuple(pixels[2, 3]), (4, 3)]
