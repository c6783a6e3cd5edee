"""Models, images and anomalous images are chosen in the left column of the Density panel."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from density_scene import CNN, FLOW, GAN, VAE, DensityScene, run_info
from PySide6.QtCore import QMimeData, QPoint, QSignalBlocker, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListWidget, QStyledItemDelegate, QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from gmstudio.protocol.image_sets import DataImages, DescribeImages, FolderImages, GivenImages
from gmstudio.window.gui.panels.density.images_chooser import ImagesChooser
from gmstudio.window.gui.panels.density.models_list import elided_line
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.gui.shell.page import PanelPage
from gmstudio.window.gui.widgets.elided_label import ElidedLabel

CHECKED, UNCHECKED = Qt.CheckState.Checked, Qt.CheckState.Unchecked


@pytest.fixture
def scene() -> DensityScene:
    return DensityScene()


@pytest.fixture
def panel(qtbot: QtBot, scene: DensityScene) -> Iterator[DensityPanel]:
    panel = DensityPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.resize(1270, 640)
    panel.show()
    scene.start()
    yield panel
    panel.hide()


def choose(chooser: ImagesChooser, key: str) -> None:
    index = chooser.source.findData(key)
    assert index >= 0
    chooser.source.setCurrentIndex(index)
    chooser.source.activated.emit(index)


def test_models_are_checked_and_one_is_the_first(panel: DensityPanel, scene: DensityScene) -> None:
    models = panel.column.models.list
    assert [models.item(row).checkState() for row in range(4)] == [CHECKED, UNCHECKED, UNCHECKED, UNCHECKED]
    models.item(2).setCheckState(CHECKED)
    assert scene.state.runs == (FLOW, VAE)
    models.setCurrentRow(1)
    QTest.keyClick(models, Qt.Key.Key_Return)
    assert scene.state.runs == (CNN, FLOW, VAE) and models.item(1).font().bold() and not models.item(0).font().bold()
    for row in (1, 0):
        models.item(row).setCheckState(UNCHECKED)
    models.item(2).setCheckState(UNCHECKED)  # the last one stays
    assert scene.state.runs == (VAE,) and models.item(2).checkState() == CHECKED


def test_examples_have_a_heading_and_long_lists_a_filter(panel: DensityPanel, scene: DensityScene) -> None:
    column = panel.column.models
    assert column.filter.isHidden()
    scene.list_runs((run_info(FLOW), run_info(GAN, example=True)))
    assert [column.list.item(row).text().partition("\n")[0] for row in range(3)] == ["FLOW", "Examples", "GAN"]
    column.filter.show()
    column.filter.setText("gan")
    assert [column.list.item(row).isHidden() for row in range(3)] == [False, False, False]  # FLOW is checked
    scene.state.choose_run(GAN)
    scene.state.set_runs((GAN,))
    column.filter.setText("GaN")
    assert column.list.item(0).text().startswith("FLOW")


def test_a_long_list_shows_the_first_model(panel: DensityPanel, scene: DensityScene) -> None:
    models = panel.column.models.list
    runs = [msgspec.structs.replace(run_info(FLOW), run=f"/runs/{number}") for number in range(60)]
    scene.list_runs((*runs, run_info(GAN, example=True)))
    panel.column.images.source.setFocus()
    scene.state.choose_run(GAN)
    last = models.item(models.count() - 1)
    assert "GAN" in last.text() and models.viewport().rect().intersects(models.visualItemRect(last))
    models.verticalScrollBar().setValue(0)
    scene.list_runs((*runs, run_info(GAN, example=True)))
    assert models.verticalScrollBar().value() == 0  # the user's scrolling stays


def test_no_model_is_selected_without_the_focus(panel: DensityPanel, scene: DensityScene) -> None:
    models = panel.findChild(QListWidget, "density.models")
    assert isinstance(models, QListWidget)
    models.setFocus()
    models.setCurrentRow(1)
    assert models.selectedItems()
    panel.setFocus()
    assert not models.selectedItems()
    scene.library.changed.emit()
    assert not models.selectedItems() and models.currentRow() == 1


def test_the_figure_of_a_run_is_not_elided(panel: DensityPanel) -> None:
    models = panel.column.models.list
    metrics = models.fontMetrics()
    line = "MNIST subset 28×28 · 2,600 steps · 0.124 bits/dim"
    assert elided_line(line, metrics, 9999) == line
    width = metrics.horizontalAdvance("MNIST subset · 0.124 bits/dim")
    elided = elided_line(line, metrics, width)
    assert elided.startswith("MNIST") and elided.endswith("… · 0.124 bits/dim")
    assert metrics.horizontalAdvance(elided) <= width
    delegate, option = models.itemDelegate(), QStyleOptionViewItem()
    assert isinstance(delegate, QStyledItemDelegate)
    with QSignalBlocker(models):
        models.item(0).setText(f"FLOW\n{line}")
    option.widget = models
    option.rect = models.visualItemRect(models.item(0))
    delegate.initStyleOption(option, models.indexFromItem(models.item(0)))
    first, second = option.text.splitlines()
    assert first == "FLOW" and second.startswith("MNIST") and second.endswith("… · 0.124 bits/dim")


def test_a_source_its_part_and_its_settings(panel: DensityPanel, scene: DensityScene) -> None:
    images, state = panel.column.images, scene.state
    assert state.images == DataImages()
    choose(images, "data:digits")
    assert state.images == DataImages(data="digits")
    images.split.setCurrentIndex(images.split.findData("train"))
    images.split.activated.emit(images.split.currentIndex())
    images.labels.setText("1-3")
    images.labels.editingFinished.emit()
    images.count.setValue(50)
    assert state.images == DataImages(data="digits", split="train", labels=(1, 2, 3), count=50)
    assert scene.client.last(DescribeImages).images == state.images
    images.labels.setText("cats")
    images.labels.editingFinished.emit()
    assert "“cats” is no label" in images.words.text() and images.words.property("role") == "error"
    assert state.images == DataImages(data="digits", split="train", labels=(1, 2, 3), count=50)
    sources = {images.source.itemData(index) for index in range(images.source.count())}
    assert sources == {"own", "data:digits", "data:files", "folder", "given"}  # no points for images, no empty set


def test_settings_fit_into_the_column_and_open_where_a_folder_is_missing(
    qtbot: QtBot, panel: DensityPanel, scene: DensityScene
) -> None:
    images = panel.column.images
    choose(images, "data:digits")
    assert not images.fold.isChecked()
    choose(images, "data:files")
    assert images.fold.isChecked()
    content = panel.column.widget()
    qtbot.waitUntil(lambda: content.width() <= panel.column.viewport().width())
    assert content.minimumSizeHint().width() <= panel.column.viewport().width()
    images.fold.setChecked(False)
    scene.state.set_images(DataImages(data="files", data_config={"folder": "/somewhere"}))
    assert not images.fold.isChecked()


def test_what_the_set_holds_is_said(panel: DensityPanel, scene: DensityScene) -> None:
    against = panel.column.against
    assert against.words.isHidden() and against.source.currentData() == "none"
    choose(against, "own")
    against.labels.setText("7, 8, 9")
    against.labels.editingFinished.emit()
    scene.serve()
    assert against.words.text() == "Digits, others: 120 × 8×8 grey, 16 levels. Scaled from 16×16."
    assert len(against.preview.images) == 8
    choose(against, "none")
    assert scene.state.against is None and against.words.isHidden()


def test_a_folder_is_dropped(panel: DensityPanel, scene: DensityScene, tmp_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    images = panel.column.images
    buttons, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    images.dropEvent(QDropEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, buttons, none))
    assert scene.state.images == FolderImages(path=str(tmp_path))
    assert images.source.currentData() == "folder" and not images.count.isVisible()
    scene.fail(scene.client.last(DescribeImages), "The folder holds no picture; choose another.")
    assert images.words.text() == "The folder holds no picture; choose another."


def test_a_drawing_and_a_pasted_picture(qtbot: QtBot, panel: DensityPanel, scene: DensityScene) -> None:
    images, state = panel.column.images, scene.state
    choose(images, "given")
    assert isinstance(state.images, GivenImages) and state.images.images.shape == (1, 1, 8, 8)
    images.canvas.setFocus()
    QTest.keyClick(images.canvas, Qt.Key.Key_Space)
    assert isinstance(state.images, GivenImages) and state.images.images.numpy().max() == 255
    picture = QImage(10, 12, QImage.Format.Format_RGBA8888)
    picture.fill(Qt.GlobalColor.transparent)
    QGuiApplication.clipboard().setImage(picture)
    panel.findChild(type(panel.button(panel.choose)), "density.images_paste").click()
    qtbot.waitUntil(lambda: isinstance(state.images, GivenImages) and state.images.images.shape == (1, 3, 12, 10))
    assert isinstance(state.images, GivenImages) and np.all(state.images.images.numpy() == 255)
    QGuiApplication.clipboard().setText("words")
    panel.findChild(type(panel.button(panel.choose)), "density.images_paste").click()
    assert "holds no picture" in images.words.text()


def test_the_column_folds_in_a_narrow_panel(panel: DensityPanel, scene: DensityScene) -> None:
    assert panel.column.isVisible() and panel.tabs.isVisible() and not panel.choose.isChecked()
    panel.resize(720, 450)
    assert not panel.column.isVisible() and panel.tabs.isVisible()
    panel.choose.trigger()
    assert panel.column.isVisible() and not panel.tabs.isVisible()
    panel.resize(1270, 640)
    assert panel.column.isVisible() and panel.tabs.isVisible()


def test_a_small_page_scrolls_and_a_usual_one_does_not(qtbot: QtBot, scene: DensityScene) -> None:
    panel = DensityPanel(scene.state, scene.library)
    page = PanelPage(panel)
    qtbot.addWidget(page)
    page.resize(888, 441)
    page.show()
    scene.start()
    for name in ("scores", "anomalies"):
        panel.tabs.show_page(name)
        page.resize(888, 441)
        qtbot.waitUntil(lambda: page.verticalScrollBar().maximum() > 0)
        assert page.horizontalScrollBar().maximum() == 0 and panel.column.isHidden()
        page.resize(1290, 690)
        qtbot.waitUntil(lambda: page.verticalScrollBar().maximum() == 0)
        assert page.horizontalScrollBar().maximum() == 0 and panel.column.isVisible()
    page.hide()


def test_models_are_named_as_in_the_list_and_not_missed_before_they_are_listed(qtbot: QtBot) -> None:
    scene = DensityScene()
    assert scene.state.without_run == "The engine is starting."
    panel = DensityPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    scene.start()
    named = msgspec.structs.replace(run_info(FLOW), name="My flow")
    scene.list_runs((named, run_info(GAN)))
    assert panel.findChild(ElidedLabel, "density.summary").words.startswith("My flow")
    scene.list_runs(())
    assert scene.state.without_run == "There is no trained model; train one first."
