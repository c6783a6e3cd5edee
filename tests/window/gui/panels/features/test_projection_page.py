"""Projection page: settings, map, legend, images at the side and what is saved, by its controls."""

import csv
import io
from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import pytest
from features_scene import VAE
from projection_scene import COUNT, REFUSAL, ProjectionScene
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QListWidget, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.features import FindNeighbours
from gmstudio.protocol.features_projection import ProjectImages
from gmstudio.protocol.image_sets import GivenImages
from gmstudio.window.gui.panels.features.panel import FeaturesPanel
from gmstudio.window.gui.panels.features.projection import ProjectionPage
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.projection.image_map import ImageMap
from gmstudio.window.gui.widgets.save_forms import forms_of
from gmstudio.window.state.features.projection import ProjectionState

W = TypeVar("W", bound=QWidget)


class Shown:
    """The page on a scene, in its panel."""

    def __init__(self, qtbot: QtBot) -> None:
        self.scene = ProjectionScene()
        self.panel = FeaturesPanel(self.scene.state, self.scene.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1270, 640)
        self.panel.show()
        self.scene.start()
        self.panel.tabs.show_page("projection")
        page = self.panel.tabs.page("projection")
        assert isinstance(page, ProjectionPage)
        self.page, self.map = page, page.map
        qtbot.waitUntil(lambda: self.scene.state.run == VAE)
        self.scene.serve()
        self.state = self.scene.state.page(ProjectionState)

    def find(self, kind: type[W], name: str) -> W:
        found = self.panel.findChild(kind, f"features.projection_{name}")
        assert isinstance(found, kind), name
        return found

    def choose(self, name: str, data: object) -> None:
        combo = self.find(QComboBox, name)
        index = combo.findData(data)
        assert index >= 0
        combo.setCurrentIndex(index)
        combo.activated.emit(index)
        self.scene.serve()

    def at(self, index: int) -> QPoint:
        return QPoint(*np.round(self.map.pixels()[index]).astype(int).tolist())


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    shown = Shown(qtbot)
    yield shown
    shown.panel.hide()


def test_the_page_opens_with_a_map_and_its_classes(shown: Shown) -> None:
    assert shown.map.count == COUNT
    assert shown.page.title.words == ("VAE, posterior mean · pca of toys · 60 images of toys, test · weights of step 9")
    classes = shown.find(QListWidget, "classes")
    assert [classes.item(row).text() for row in range(classes.count())] == ["zero · 20", "one · 20", "two · 20"]


def test_a_class_that_is_unchecked_is_hidden(shown: Shown) -> None:
    classes = shown.find(QListWidget, "classes")
    classes.item(1).setCheckState(Qt.CheckState.Unchecked)
    assert len(shown.map.visible()) == 40
    classes.item(1).setCheckState(Qt.CheckState.Checked)
    assert len(shown.map.visible()) == COUNT


def test_tsne_is_begun_by_its_button_and_stopped(shown: Shown) -> None:
    shown.choose("method", "tsne")
    assert "Press Project" in shown.page.settings.note.text()
    assert shown.page.title.words.startswith("Other settings than chosen")
    shown.find(QToolButton, "project").click()
    assert shown.find(QToolButton, "stop").isEnabled()
    command = shown.scene.sent(ProjectImages)[-1]
    shown.scene.client.deliver(shown.scene.reply(command, 0.5))
    assert shown.page.settings.line.words == "Optimizing, step 5 of 10 · 8 s left"
    assert shown.page.settings.bar.value() == 500
    shown.find(QToolButton, "stop").click()
    assert not shown.find(QToolButton, "stop").isEnabled() and shown.map.count == COUNT


def test_a_refusal_is_shown_where_the_settings_are(shown: Shown) -> None:
    shown.scene.refusals[shown.scene.state.space] = "There is no principal component 9; choose one from 1 to 3."
    shown.find(IntegerField, "second").setValue(9)
    shown.scene.serve()
    assert shown.page.settings.note.text() == "There is no principal component 9; choose one from 1 to 3."
    assert shown.page.settings.note.property("role") == "error"


def test_an_image_under_the_pointer_is_shown_large(shown: Shown, qtbot: QtBot) -> None:
    shown.map.set_with_images(False)
    QTest.mouseMove(shown.map, shown.at(7))
    qtbot.waitUntil(lambda: shown.map.hover == 7)
    shown.scene.serve()
    assert shown.page.inspector.caption.text() == "test image 7 · one"
    image = shown.page.inspector.image.image
    assert image is not None and image[0, 0, 0] == 255  # the scene's image 7
    QTest.mouseMove(shown.map, QPoint(3, 3))
    qtbot.waitUntil(lambda: shown.map.hover == -1)
    assert shown.page.inspector.image.image is None


def test_a_selection_is_counted_and_shown_on_the_sheet(shown: Shown) -> None:
    shown.map.selected.emit(np.array([0, 3, 4]))
    inspector = shown.page.inspector
    assert inspector.about.text() == "3 images: zero (2), one (1)"
    assert inspector.sheet.count == 3
    shown.map.setFocus()
    QTest.keyClick(shown.map, Qt.Key.Key_Escape)
    assert inspector.sheet.count == 0 and not inspector.about.text()


def test_a_click_finds_neighbours_on_the_map_and_the_sheet(shown: Shown) -> None:
    QTest.mouseClick(shown.map, Qt.MouseButton.LeftButton, pos=shown.at(12))
    shown.scene.serve()
    inspector = shown.page.inspector
    assert inspector.tabs.currentIndex() == 1
    assert inspector.sheet.count == 24
    assert inspector.about.text() == "Nearest to image 12 by VAE, posterior mean: 8 of 24 have its label"
    inspector.count.setValue(6)
    shown.scene.serve()
    assert inspector.sheet.count == 6
    inspector.sheet.opened.emit(30)
    shown.scene.serve()
    assert "image 30" in inspector.about.text()


def test_a_pasted_or_dropped_picture_is_a_query(shown: Shown, qtbot: QtBot) -> None:
    picture = QImage(20, 20, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(picture)
    shown.find(QToolButton, "paste").click()
    qtbot.waitUntil(lambda: bool(shown.scene.sent(FindNeighbours)))
    shown.scene.serve()
    query = shown.scene.sent(FindNeighbours)[-1].query
    assert isinstance(query, GivenImages) and query.images.shape == (1, 3, 20, 20)
    assert shown.page.inspector.caption.text() == "The pasted picture"
    data = QMimeData()
    data.setImageData(picture)
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(9, 9), copy, data, left, none)
    QApplication.sendEvent(shown.map, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(shown.map, QDropEvent(QPointF(9, 9), copy, data, left, none))
    qtbot.waitUntil(lambda: len(shown.scene.sent(FindNeighbours)) == 2)


def test_points_are_coloured_by_a_statistic_between_quantiles(shown: Shown) -> None:
    shown.choose("colour", "statistic:log_prob")
    scale = shown.page.colouring.scale
    assert scale.ends == pytest.approx((-59 * 0.98, -59 * 0.02))
    shown.find(IntegerField, "low").setValue(0)
    shown.find(IntegerField, "high").setValue(50)
    assert scale.ends == pytest.approx((-59.0, -29.5))
    combo = shown.find(QComboBox, "colour")
    refused = combo.findData("statistic:ratio")
    assert combo.itemData(refused, Qt.ItemDataRole.ToolTipRole) == REFUSAL
    assert not combo.model().flags(combo.model().index(refused, 0)) & Qt.ItemFlag.ItemIsEnabled


def test_images_without_labels_have_one_colour_and_no_legend(shown: Shown) -> None:
    shown.scene.labelled = shown.scene.with_factors = False
    shown.find(IntegerField, "count").setValue(50)
    shown.scene.serve()
    assert shown.map.count == 50
    assert shown.find(QListWidget, "classes").count() == 0
    shown.map.selected.emit(np.array([1]))
    assert shown.page.inspector.about.text() == "1 image"


def test_points_are_saved_as_csv_and_the_map_as_a_picture(shown: Shown) -> None:
    shown.choose("colour", "factor:size")
    shown.map.selected.emit(np.array([2]))
    forms = {form.title: form for form in forms_of(shown.map, QPoint(1, 1))}
    assert list(forms) == ["Save map as PNG…", "Copy map", "Save points as CSV…", "Copy points as CSV"]
    copied = forms["Copy points as CSV"].copy
    assert copied is not None
    rows = list(csv.DictReader(io.StringIO(str(copied()))))
    assert len(rows) == COUNT
    assert rows[2] == {"image": "2", "x": "2.0", "y": "0.0", "label": "two", "size": rows[2]["size"], "selected": "1"}
    assert float(rows[30]["size"]) == pytest.approx(0.5) and rows[30]["selected"] == "0"
    assert forms_of(ImageMap(shown.panel), QPoint()) == []


def test_tools_and_settings_are_those_of_the_map(shown: Shown) -> None:
    shown.find(QToolButton, "lasso").click()
    assert shown.map.tool == "lasso"
    shown.find(QToolButton, "pan").click()
    assert shown.map.tool == "pan"
    before = shown.map.camera.scale
    shown.find(QToolButton, "zoom").click()
    assert shown.map.camera.scale > before
    shown.find(QToolButton, "fit").click()
    assert shown.map.camera.scale == pytest.approx(before)


def test_every_control_has_a_name_and_a_tooltip(shown: Shown) -> None:
    names = [w.objectName() for w in shown.page.findChildren(QWidget) if w.objectName().startswith("features.")]
    assert len(names) > 20
    for name in names:
        widget = shown.page.findChild(QWidget, name)
        assert widget is not None and widget.accessibleName(), name


def test_at_the_least_size_nothing_is_clipped(shown: Shown) -> None:
    hint = shown.page.minimumSizeHint()
    assert hint.width() <= 1230 and hint.height() <= 560
