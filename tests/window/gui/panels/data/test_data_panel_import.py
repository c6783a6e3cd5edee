"""The import of the Data panel: preview before and after, settings, progress, drops."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from data_panel_page import Shown, pictures
from data_scene import Scene, preview
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QToolButton, QTreeView, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.data_import import (
    ImportData,
    ImportProgressed,
    PreviewedImage,
    PreviewImport,
    TrashDataSet,
)
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.gui.panels.data.panel import DataPanel
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.pair_grid import PairGrid


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    scene = Shown(qtbot)
    yield scene
    scene.state.assistant.stop()
    scene.state.opened.show("", {})


def test_a_long_problem_is_written_out_where_the_images_would_be(shown: Shown) -> None:
    shown.state.import_files("/pictures")
    line, pairs = shown.find(ElidedLabel, "import_line"), shown.find(PairGrid, "pairs")
    for message, placeholder in (("It is no zip archive.", ""), ("It is long. " * 60, "It is long. " * 60)):
        shown.state.assistant.refresh()
        shown.reply(PreviewImport, CommandFailed(command="PreviewImport", message=message, reason=Reason.BAD_SETTING))
        assert line.words == message and pairs.placeholder == placeholder


def test_a_pasted_path_is_previewed_before_and_after(shown: Shown, qtbot: QtBot) -> None:
    field = shown.find(QLineEdit, "path")
    field.setText("'/my pictures'")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert shown.client.last(PreviewImport).path == "'/my pictures'" and not field.text()
    assert not shown.find(QToolButton, "import").isEnabled()
    shown.reply(PreviewImport, pictures())
    pairs = shown.find(PairGrid, "pairs").pairs
    assert [pair.before is None for pair in pairs] == [False, False, True]
    assert [pair.caption for pair in pairs] == ["owl", "wren", "wren"] and "cut off" in pairs[2].tip
    line = shown.find(ElidedLabel, "import_line").words
    assert "30 images" in line and "2 classes (owl, wren)" in line and "1 of this sample cannot" in line
    assert "2 folders" in shown.find(QLabel, "guesses").text()
    left, right = shown.find(PairGrid, "pairs").pair_rects(0)
    assert left.size() == right.size() and left.right() < right.left() and left.width() > 60


def test_points_to_be_imported_are_dots_of_one_picture(shown: Shown) -> None:
    shown.state.import_files("/points.csv")
    point = PreviewedImage(name="row 0", rows=1, columns=2, raw=Array.of(np.array([[[255], [0]]], np.uint8)))
    images = Array.of(np.array([[[[255, 0]]]] * 12, np.uint8))
    event = preview(
        content="points", size=40, pages=4, image=ImageSpec(1, 1, 2, 256), shown=(point,) * 12, images=images
    )
    shown.reply(PreviewImport, event)
    assert shown.client.last(PreviewImport).count >= 1000
    images = Array.of(np.array([[[[255, 0]]]] * 40, np.uint8))
    shown.reply(PreviewImport, msgspec.structs.replace(event, shown=(point,) * 40, images=images, pages=1))
    assert not shown.state.assistant.previewing
    (pair,) = shown.find(PairGrid, "pairs").pairs
    assert pair.caption == "40 points" and pair.before is not None
    for picture in (pair.before[..., 0], pair.after[0]):
        assert picture[-2, -2] and not picture[1, 1]  # right and below


def test_the_tab_key_follows_the_eye(shown: Shown) -> None:
    shown.state.import_files("/pictures")
    shown.reply(PreviewImport, pictures())

    def following(name: str) -> list[str]:
        found, widget = [], shown.find(QWidget, name)
        for _ in range(40):
            widget = widget.nextInFocusChain()
            if widget.objectName().startswith("data."):
                found.append(widget.objectName().removeprefix("data."))
        return found

    for chain in (
        ("sets", "undo_trash", "import_folder", "import_file", "path"),
        ("import_name", "reread", "cancel_import", "import", "earlier_sample", "later_sample", "import.size"),
        ("split", "class", "images", "first_page", "previous", "first", "next", "last_page", "tabs"),
    ):
        after = following(chain[0])
        places = [after.index(name) for name in chain[1:] if name != "tabs"]
        assert places == sorted(places), chain


def test_the_focus_of_the_list_leaves_the_import_alone(shown: Shown, qtbot: QtBot) -> None:
    """Qt gives a list that gets the focus a current row, which nobody selected."""
    shown.state.import_files("/pictures")
    shown.reply(PreviewImport, pictures())
    tree = shown.find(QTreeView, "sets")
    tree.setFocus(Qt.FocusReason.TabFocusReason)
    assert tree.currentIndex().isValid() and shown.state.view == "import"
    qtbot.keyClick(tree, Qt.Key.Key_Delete)
    assert not [c for c in shown.client.sent if isinstance(c, TrashDataSet)]
    qtbot.keyClick(tree, Qt.Key.Key_Down)
    assert shown.state.view == "set"


def test_an_import_is_followed_and_cancelled(shown: Shown) -> None:
    shown.state.import_files("/pictures")
    shown.reply(PreviewImport, pictures())
    shown.find(QLineEdit, "import_name").setText("Mine")
    shown.find(QLineEdit, "import_name").textEdited.emit("Mine")
    shown.click("import")
    assert shown.client.last(ImportData).name == "Mine"
    progress = ImportProgressed(stage="Decoding images", done=10, total=30, bad=1, rate=5.0, seconds_left=4.0)
    shown.reply(ImportData, progress)
    words = shown.find(ElidedLabel, "import_line").words
    assert words == "Decoding images · 10 of 30 · 5 images/s · 4 s left · 1 cannot be decoded"
    assert shown.find(QToolButton, "cancel_import").text() == "Cancel"
    shown.click("cancel_import")
    assert not shown.state.assistant.importing and shown.find(QToolButton, "import").isEnabled()
    shown.click("cancel_import")
    assert shown.state.view != "import"


def test_a_setting_of_the_form_is_previewed(shown: Shown, qtbot: QtBot) -> None:
    shown.state.import_files("/pictures")
    shown.reply(PreviewImport, pictures())
    combo = shown.panel.findChild(QComboBox, "data.import.levels")
    assert combo is not None
    combo.setCurrentIndex(0)
    qtbot.waitUntil(lambda: shown.client.last(PreviewImport).settings.get("levels") == 2)
    assert "folder" not in shown.client.last(PreviewImport).settings


@pytest.mark.parametrize("kind", ["folder", "file", "pictures"])
def test_dropped_files_are_imported(shown: Shown, tmp_path: Path, kind: str) -> None:
    names = {"folder": ["birds"], "file": ["birds.zip"], "pictures": ["a.png", "b.png"]}[kind]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in names])
    event = QDropEvent(
        QPointF(300, 300),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    shown.panel.dropEvent(event)
    wanted = tmp_path if kind == "pictures" else tmp_path / names[0]
    assert shown.state.view == "import" and shown.client.last(PreviewImport).path == str(wanted)


def test_files_of_this_machine_are_not_offered_to_an_engine_elsewhere(qtbot: QtBot) -> None:
    scene = Scene()
    scene.client.is_local = False
    panel = DataPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    button = panel.findChild(QToolButton, "data.import_folder")
    assert button is not None and not button.isEnabled() and "another machine" in button.toolTip()
