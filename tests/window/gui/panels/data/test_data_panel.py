"""The Data panel over a scripted client: lists, pages, statistics, download, speed."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from data_panel_page import Shown, pictures
from data_scene import DETAILS, INFO, SPEC, measured
from history_text import undo_text
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QToolButton, QTreeView, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.data import BrowseData, DataLoading, MeasureData, SplitStats
from gmstudio.protocol.data_import import (
    DataSetDescribed,
    DataSetTrashed,
    DescribeDataSet,
    DownloadData,
    DownloadProgressed,
    DownloadsListed,
    ListDownloads,
    PreviewImport,
    RemoteDataSet,
    RestoreDataSet,
    TrashDataSet,
)
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.shell.page import PanelPage
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.page_grid import PageGrid
from gmstudio.window.gui.widgets.plots.class_bars import ClassBars

REMOTE = RemoteDataSet(
    name="letters",
    title="Letters",
    summary="Handwritten letters.",
    licence="CC0.",
    licence_url="https://example.org/licence",
    citation="A. Author 2001",
    bytes=10_000_000,
    there=4_000_000,
    servers=("example.org",),
)


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    scene = Shown(qtbot)
    yield scene
    scene.state.assistant.stop()
    scene.state.opened.show("", {})


def test_the_list_has_every_data_set_below_its_heading(shown: Shown) -> None:
    shown.reply(ListDownloads, DownloadsListed(home="/cache", sets=(REMOTE,)))
    titles = shown.titles()
    assert titles[0] == "With gmstudio" and titles[titles.index("Imported") :] == [
        "Imported",
        "birds",
        "old",
        "To download",
        "Letters",
    ]
    tree = shown.find(QTreeView, "sets")
    assert not tree.model().flags(tree.model().index(0, 0)) & Qt.ItemFlag.ItemIsSelectable


def test_choosing_a_row_opens_the_set_and_marks_it(shown: Shown) -> None:
    shown.row("birds")
    assert shown.state.opened.folder == INFO.folder
    assert shown.find(QTreeView, "sets").currentIndex().data() == "birds"
    shown.state.open_source("digits")
    assert "igits" in str(shown.find(QTreeView, "sets").currentIndex().data())


def test_a_page_fits_the_grid_and_is_turned_by_keys(shown: Shown, qtbot: QtBot) -> None:
    shown.row("birds")
    shown.reply(BrowseData, shown.browsed(total=5000))
    grid = shown.find(PageGrid, "images")
    qtbot.waitUntil(lambda: shown.client.last(BrowseData).count == grid.capacity)
    shown.reply(BrowseData, shown.browsed(total=5000))
    assert len(grid.images) == grid.capacity > 20
    qtbot.keyClick(grid, Qt.Key.Key_PageDown)
    assert shown.client.last(BrowseData).start == grid.capacity
    shown.reply(BrowseData, shown.browsed(total=5000))
    first = grid.image_rect(0)
    qtbot.keyClick(grid, Qt.Key.Key_End)
    start = shown.client.last(BrowseData).start
    assert start % grid.capacity == 0 and start + grid.capacity >= 5000
    left = shown.browsed(total=5000, images=Array.of(np.zeros((3, *SPEC.shape), np.uint8)))
    shown.reply(BrowseData, left)
    assert len(grid.images) == 3 and grid.image_rect(0) == first  # nothing moves on the last page
    assert not shown.find(QToolButton, "next").isEnabled()


def test_the_arrow_keys_lead_from_page_to_page(shown: Shown, qtbot: QtBot) -> None:
    shown.row("birds")
    shown.reply(BrowseData, shown.browsed(total=5000))
    grid = shown.find(PageGrid, "images")
    shown.reply(BrowseData, shown.browsed(total=5000))
    grid.setFocus()
    for _ in range(2):
        qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert shown.state.opened.start == 0
    grid.set_current(grid.capacity - 1)
    qtbot.keyClick(grid, Qt.Key.Key_Right)
    assert shown.state.opened.start == grid.capacity


def test_the_line_names_the_image_pointed_at(shown: Shown) -> None:
    shown.row("birds")
    labels = Array.of(np.array([1, 0], np.int64))
    indices = Array.of(np.array([40, 77], np.int64))
    images = Array.of(np.zeros((2, *SPEC.shape), np.uint8))
    page = shown.browsed(labels=labels, indices=indices, images=images, label_names=("owl", "wren"), total=2)
    shown.reply(BrowseData, page)
    shown.find(PageGrid, "images").hovered.emit(1)
    assert shown.find(ElidedLabel, "image").words == "Training image 77 · class owl"


def test_statistics_show_classes_duplicates_and_filter_by_class(shown: Shown) -> None:
    shown.row("birds")
    shown.reply(BrowseData, shown.browsed())
    so_far = {**measured().splits, "train": SplitStats(size=100, labels={0: 60, 1: 40}, repeated=1)}
    shown.reply(MeasureData, measured(done=40, splits=so_far))
    assert "1 training image is equal to another one" in shown.find(QLabel, "duplicates").text()
    shown.reply(MeasureData, measured())
    bars = shown.find(ClassBars, "classes")
    assert [(row.name, row.counts) for row in bars.rows] == [("owl", (60, 10, 0)), ("wren", (40, 0, 10))]
    text = shown.find(QLabel, "duplicates").text()
    assert "2 test images (20.0 %) are equal to training images." in text and "3 training images are" in text
    shown.reply(BrowseData, shown.browsed())  # of the page that fits the grid
    bars.chosen.emit(1)
    assert shown.client.last(BrowseData).label == 1
    combo = shown.find(QComboBox, "class")
    assert combo.currentData() == 1 and [combo.itemText(i) for i in range(combo.count())][1:] == ["owl", "wren"]
    bars.chosen.emit(1)
    assert shown.state.opened.label is None


def test_sequences_are_curves_and_points_are_dots(shown: Shown) -> None:
    grid = shown.find(PageGrid, "images")
    shown.row("birds")
    ramp = np.arange(16, dtype=np.uint8).reshape(1, 1, 1, 16) * 16
    shown.reply(BrowseData, shown.browsed(image=ImageSpec(1, 1, 16, 256), images=Array.of(ramp)))
    curve = grid.images[0, 0]
    rows = [int(np.flatnonzero(curve[:, column]).mean()) for column in (0, curve.shape[1] // 2, curve.shape[1] - 1)]
    assert rows[0] > rows[1] > rows[2]  # it rises
    shown.row("old")
    points = np.array([[0, 0], [255, 255], [255, 0]], np.uint8).reshape(3, 1, 1, 2)
    shown.reply(BrowseData, shown.browsed(image=ImageSpec(1, 1, 2, 256), images=Array.of(points)))
    (picture,) = grid.images[:, 0]
    assert picture[-2, 1] and picture[1, -2] and picture[-2, -2] and not picture[1, 1]


def test_loading_lies_over_the_page_and_can_be_cancelled(shown: Shown) -> None:
    shown.row("birds")
    shown.reply(BrowseData, DataLoading(load=1, title="birds", stage="Loading images", done=3, total=9))
    note = shown.find(PageGrid, "images").findChild(QLabel)
    assert note is not None and note.text() == "birds: loading images · 3 of 9"
    shown.click("load")
    assert note.text() == "Loading was cancelled."
    count = len([c for c in shown.client.sent if isinstance(c, BrowseData)])
    shown.click("load")
    assert len([c for c in shown.client.sent if isinstance(c, BrowseData)]) == count + 1


def test_about_says_where_a_set_is_from_and_what_was_left_out(shown: Shown) -> None:
    shown.row("birds")
    details = msgspec.structs.replace(
        DETAILS, num_bad=2, bad=(("a.png", "It is empty."),), guesses=("Grey was taken.",)
    )
    shown.reply(DescribeDataSet, DataSetDescribed(info=INFO, details=details))
    shown.panel.findChild(QWidget, "data.tabs").show_page("about")
    text = "\n".join(shown.find(QLabel, f"about_{n}").text() for n in range(7))
    for words in ("/data/birds", "abababab", "a.png: It is empty.", "and 1 more", "Grey was taken."):
        assert words in text


def test_a_set_goes_to_the_trash_and_comes_back(shown: Shown, qtbot: QtBot) -> None:
    shown.row("birds")
    tree = shown.find(QTreeView, "sets")
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Delete)
    assert shown.client.last(TrashDataSet).folder == INFO.folder
    shown.reply(TrashDataSet, DataSetTrashed(folder=INFO.folder, place="/trash/birds"))
    assert "birds" not in shown.titles() and undo_text(shown.panel) == "Move birds to the trash"
    shown.click("undo_trash")
    assert shown.client.last(RestoreDataSet).place == "/trash/birds"
    shown.reply(RestoreDataSet, DataSetDescribed(info=INFO, details=DETAILS))
    assert "birds" in shown.titles() and not shown.find(QToolButton, "undo_trash").isVisible()
    shown.panel.undo.undo()  # of bringing it back
    shown.reply(TrashDataSet, DataSetTrashed(folder=INFO.folder, place="/trash/birds (2)"))
    assert len(shown.panel.undo.steps) == 2
    shown.panel.undo.redo()
    assert shown.client.last(RestoreDataSet).place == "/trash/birds (2)"


def test_names_without_a_figure_take_the_whole_row(shown: Shown) -> None:
    tree = shown.find(QTreeView, "sets")
    model, top = tree.model(), QModelIndex()
    figures = [model.index(row, 1).data() for row in range(model.rowCount())]
    assert any(figures)
    assert [tree.isFirstColumnSpanned(row, top) for row in range(len(figures))] == [not figure for figure in figures]


def test_what_comes_with_the_program_cannot_be_trashed(shown: Shown, qtbot: QtBot) -> None:
    shown.row(shown.titles()[1])
    tree = shown.find(QTreeView, "sets")
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Delete)
    assert not [c for c in shown.client.sent if isinstance(c, TrashDataSet)]


# ---- download --------------------------------------------------------------------------------------------------------


def test_a_download_begins_after_its_licence_is_accepted(shown: Shown) -> None:
    shown.reply(ListDownloads, DownloadsListed(home="/cache", sets=(REMOTE,)))
    shown.row("Letters")
    assert "CC0." in shown.find(QLabel, "download_licence").text()
    start = shown.find(QToolButton, "download")
    assert not start.isEnabled() and "licence" in start.toolTip() and start.text() == "Continue download"
    shown.find(QCheckBox, "download_accept").setChecked(True)
    shown.click("download")
    assert shown.client.last(DownloadData).name == "letters"
    progress = DownloadProgressed(
        name="letters", stage="Downloading", file="a.gz", done=5_000_000, total=10_000_000, rate=2e6, seconds_left=3.0
    )
    shown.reply(DownloadData, progress)
    assert shown.find(QLabel, "download_line").text() == "Downloading a.gz · 5 MB of 10 MB · 2 MB/s · 3 s left"
    shown.click("stop_download")
    assert not shown.state.downloads.running


def test_a_download_is_opened_when_it_is_imported(shown: Shown) -> None:
    shown.reply(ListDownloads, DownloadsListed(home="/cache", sets=(REMOTE,)))
    shown.row("Letters")
    shown.find(QCheckBox, "download_accept").setChecked(True)
    shown.click("download")
    shown.reply(DownloadData, DataSetDescribed(info=INFO, details=DETAILS))
    assert shown.state.view == "set" and shown.state.opened.folder == INFO.folder


def test_a_class_is_chosen_where_files_are_classes(shown: Shown) -> None:
    remote = msgspec.structs.replace(REMOTE, there=0, classes=("cat", "owl"))
    shown.reply(ListDownloads, DownloadsListed(home="/cache", sets=(remote,)))
    shown.row("Letters")
    shown.find(QCheckBox, "download_accept").setChecked(True)
    assert "classes" in shown.find(QToolButton, "download").toolTip()
    classes = shown.panel.findChild(QWidget, "data.download_classes")
    classes.item(1).setCheckState(Qt.CheckState.Checked)  # type: ignore[union-attr, attr-defined]
    shown.click("download")
    assert shown.client.last(DownloadData).classes == ("owl",)


@pytest.mark.parametrize("view", ["set", "import", "download"])
def test_a_small_screen_has_room_for_it(shown: Shown, qtbot: QtBot, view: str) -> None:
    page = PanelPage(shown.panel)
    qtbot.addWidget(page)
    page.resize(888, 441)  # of a window of 960×500 points
    page.show()
    shown.reply(ListDownloads, DownloadsListed(home="/cache", sets=(REMOTE,)))
    if view == "set":
        shown.row("birds")
        shown.reply(BrowseData, shown.browsed())
        shown.reply(MeasureData, measured())
    elif view == "import":
        shown.state.import_files("/pictures")
        shown.reply(PreviewImport, pictures())
    else:
        shown.row("Letters")
    qtbot.wait(10)
    assert page.horizontalScrollBar().maximum() == page.verticalScrollBar().maximum() == 0
    page.hide()
    page.takeWidget()  # the fixture closes the panel


# ---- speed: the fixture ``loop_is_free`` fails what holds the event loop ---------------------------------------------


def test_three_hundred_sets_and_a_hundred_thousand_images_leave_the_loop_free(shown: Shown, qtbot: QtBot) -> None:
    many = [msgspec.structs.replace(INFO, folder=f"/data/{n}", name=f"set {n}") for n in range(300)]
    shown.state.sets.refresh()
    shown.list(*many)
    qtbot.wait(1)
    shown.row("set 123")
    spec = ImageSpec(1, 28, 28, 256)
    total = 100_000
    generator = np.random.default_rng(0)
    grid = shown.find(PageGrid, "images")
    for turn in range(12):
        asked = shown.client.last(BrowseData)
        images = generator.integers(0, 256, (asked.count, *spec.shape)).astype(np.uint8)
        shown.reply(BrowseData, shown.browsed(image=spec, images=Array.of(images), total=total))
        if turn > 1:
            shown.state.opened.turn_page(1)
        qtbot.wait(5)
    assert shown.state.opened.start >= 8 * grid.capacity
    labels = dict.fromkeys(range(1000), 100)
    stats = measured(image=spec, mean=Array.of(np.zeros(spec.shape, np.float32)))
    splits = {**stats.splits, "train": msgspec.structs.replace(stats.splits["train"], labels=labels)}
    for done in (20, 60, 120):
        shown.reply(MeasureData, msgspec.structs.replace(stats, splits=splits, done=done, label_names=()))
        qtbot.wait(5)
    assert len(shown.find(ClassBars, "classes").rows) == 1000
