"""The map's and the directions' views, and names and hiding of dimensions, in the panel: controls and state agree."""

from pathlib import Path

import numpy as np
import pytest
from latent_engine import GAN, RBM, VAE, LatentEngine
from latent_fixture import click, control, engine, open_view, panel
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QAbstractSlider, QApplication, QLineEdit, QSplitter, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.latents.arithmetic import image_mime
from gmstudio.window.gui.panels.latents.panel import LatentsPanel
from gmstudio.window.state.latents.interpolation import MAX_KEYFRAMES

__all__ = ["engine", "panel"]


def test_the_map_moves_the_code_and_has_more_room_than_one_image(panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "map")
    engine.serve()
    view = panel.views["map"]
    assert view.canvas.isVisible() and view.canvas.width() > panel.image.width()
    shown = panel.state.map
    assert shown.images is not None and shown.scatter is not None
    view.canvas.moved.emit(1.0, -0.5)
    assert [panel.state.code.values[axis] for axis in shown.axes] == pytest.approx([1.0, -0.5], abs=1e-5)
    view.canvas.hovered.emit(3)
    assert shown.scatter.title(3) in view.status.words
    view.canvas.picked.emit(3)
    engine.serve()
    np.testing.assert_allclose(panel.state.code.values, shown.scatter.codes[3], atol=1e-5)
    assert panel.state.gallery.encoding is not None and panel.original.image is not None
    assert panel.companion.caption.words == shown.scatter.title(3)
    assert view.canvas.position == pytest.approx(shown.position)
    open_view(panel, "traversal")
    engine.serve()
    assert not view.canvas.isVisible()


def test_the_map_is_exported_with_as_many_images_as_it_has(panel: LatentsPanel, engine: LatentEngine) -> None:
    view = panel.views["export"]
    open_view(panel, "export")
    view.source_box.setCurrentIndex(view.source_box.findData("map"))
    view.source_box.activated.emit(0)
    assert view.format == "png" and not view.format_box.isEnabled() and not view.columns.isVisible()
    panel.state.map.set_side(7)
    side = 7 * 8 * view.scale.value() + 6 * (view.scale.value() // 2)
    assert view.extent.text() == f"{side:,}×{side:,} pixels"
    view.source_box.setCurrentIndex(0)
    view.source_box.activated.emit(0)
    assert view.format_box.isEnabled()


def test_metrics_stand_right_under_their_image(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    def close() -> bool:
        image, metrics = panel.image.geometry(), control(panel, "code_metrics").geometry()
        return metrics.top() == image.bottom() + 1 and panel.image.image_rect().height() > image.height() - 16

    panel.resize(1200, 1000)
    for name in ("map", "user_image", "traversal"):
        open_view(panel, name)
        engine.serve()
        qtbot.waitUntil(close)


def test_images_get_the_room_of_the_sliders(qtbot: QtBot, panel: LatentsPanel) -> None:
    split = control(panel, "split_view")
    assert isinstance(split, QSplitter)
    before = panel.image.width()
    split.setSizes([1, 0])
    qtbot.waitUntil(lambda: panel.image.width() > before + 150)
    assert panel.sliders.width() == 0 or panel.sliders.isHidden() or not panel.sliders.visibleRegion()
    split.setSizes([0, 1])
    assert panel.image.isVisible() and panel.image.width() > 90


def test_a_full_interpolation_is_reported(panel: LatentsPanel) -> None:
    open_view(panel, "interpolation")
    view, interpolation = panel.views["interpolation"], panel.state.interpolation
    interpolation.set_keyframes([panel.state.code.values] * MAX_KEYFRAMES)
    view.append.trigger()
    assert len(interpolation.keyframes) == MAX_KEYFRAMES
    assert f"at most {MAX_KEYFRAMES}" in view.problem.text() and "remove one" in view.problem.text()
    assert view.problem.isVisible()
    view.remove.trigger()
    assert not view.problem.isVisible()


def test_axes_size_and_layers_of_the_map_are_chosen(panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "map")
    engine.serve()
    view, shown = panel.views["map"], panel.state.map
    view.horizontal.setCurrentIndex(4)
    view.vertical.setCurrentIndex(0)
    view.vertical.activated.emit(0)
    assert shown.axes == (4, 0)
    view.side.setCurrentIndex(view.side.findData(13))
    view.side.activated.emit(view.side.currentIndex())
    view.span.setValue(2.0)
    engine.serve()
    assert (shown.side, shown.span) == (13, 2.0) and shown.images is not None and len(shown.images) == 169
    view.data.trigger()
    assert (shown.show_images, shown.show_data) == (True, False)
    view.images.trigger()
    assert not shown.show_images and view.canvas._grid.isNull()


def test_a_family_without_an_encoder_says_so(panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.run.choose(GAN)
    engine.serve()
    open_view(panel, "map")
    engine.serve()
    assert "no encoder" in panel.views["map"].status.words and not panel.views["map"].data.isEnabled()
    open_view(panel, "directions")
    engine.serve()
    view = panel.views["directions"]
    assert view.compute.isEnabled() and not view.strip.isEnabled()
    view.kind.setCurrentIndex(view.kind.findData("components"))
    view.kind.activated.emit(view.kind.currentIndex())
    assert "no encoder" in view.status.words and not view.compute.isEnabled()


def test_a_direction_is_found_added_named_saved_and_deleted(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine
) -> None:
    open_view(panel, "directions")
    engine.serve()
    click(qtbot, panel, "find_directions")
    engine.serve()
    directions = panel.state.directions
    slider = control(panel, "direction.0")
    assert isinstance(slider, QAbstractSlider)
    slider.setValue(slider.maximum())
    first = directions.all[0]
    assert panel.state.code.amount(first) == 6.0 and panel.state.code.values.any()
    name = control(panel, "direction_name.0")
    assert isinstance(name, QLineEdit)
    name.setFocus()
    name.selectAll()
    qtbot.keyClicks(name, "slant")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert directions.all[0].name == "slant" and panel.state.code.amount(directions.all[0]) == 6.0
    click(qtbot, panel, "direction_save.0")
    engine.serve()
    assert [d["name"] for d in engine.annotations[VAE]["directions"]] == ["slant"]
    assert not control(panel, "direction_save.0").isEnabled()
    click(qtbot, panel, "direction_delete.0")
    engine.serve()
    assert not engine.annotations[VAE]["directions"] and not panel.state.code.values.any()


def test_images_and_pictures_are_dropped_into_slots(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine, tmp_path: Path
) -> None:
    open_view(panel, "directions")
    engine.serve()
    arithmetic, slot = panel.state.arithmetic, control(panel, "slot_b")
    drop(slot, image_mime("valid", 6))
    engine.serve()
    assert arithmetic.operands["b"].source == ("valid", 6) and arithmetic.slot == "c"
    picture = QImage(20, 10, QImage.Format.Format_RGB32)
    picture.fill(0)
    picture.save(str(tmp_path / "a.png"))
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.png"))])
    drop(control(panel, "slot_a"), files)
    qtbot.waitUntil(lambda: (engine.serve(), "a" in arithmetic.operands)[1])
    assert arithmetic.operands["a"].title == "a.png"
    text = QMimeData()
    text.setText("no image")
    assert not drop(slot, text)
    with qtbot.waitSignal(panel.state.arithmetic.changed):
        (tmp_path / "b.png").write_text("no")
        files.setUrls([QUrl.fromLocalFile(str(tmp_path / "b.png"))])
        drop(slot, files)
    assert "b.png is not a PNG" in arithmetic.problem


def drop(target: QWidget, data: QMimeData) -> bool:
    """Drag something over a widget, and let it go where it is welcome."""
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, left, none)
    enter.ignore()
    QApplication.sendEvent(target, enter)
    if enter.isAccepted():
        QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, none))
    return enter.isAccepted()


def test_slots_take_images_and_codes(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "directions")
    engine.serve()
    view = panel.views["directions"]
    view.strip.clicked.emit(2)
    view.strip.clicked.emit(5)
    click(qtbot, panel, "set_slot")
    engine.serve()
    assert view.arithmetic.result.image is not None
    qtbot.mouseClick(control(panel, "slot_b"), Qt.MouseButton.LeftButton)
    assert panel.state.arithmetic.slot == "b"
    result = panel.state.arithmetic.result
    click(qtbot, panel, "go_to_result")
    np.testing.assert_array_equal(panel.state.code.values, result)


def test_a_dimension_is_named_by_key_and_called_so_everywhere(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine
) -> None:
    panel.state.code.choose_dim(2)
    panel.setFocus()
    qtbot.keyClick(panel.image, Qt.Key.Key_F2)
    editor = control(panel, "name")
    qtbot.keyClicks(editor, "slant")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    engine.serve()
    assert panel.state.annotations.names == {2: "slant"} and engine.annotations[VAE]["dimension_names"] == {
        "2": "slant"
    }
    assert panel.views["traversal"].title.words == "Traverse slant (z₂)"
    open_view(panel, "map")
    engine.serve()
    assert panel.views["map"].horizontal.findText("slant (z₂)") >= 0


def test_weak_dimensions_are_hidden_and_counted(qtbot: QtBot, panel: LatentsPanel) -> None:
    state = panel.state
    state.dimension_stats.kl = np.array([1.0, 0.001, 0.5, 0.0, 2.0], np.float32)
    state.dimension_stats.changed.emit()
    panel.setFocus()
    qtbot.keyClick(panel.image, Qt.Key.Key_H)
    assert list(panel.sliders.bank.order) == [4, 0, 2]
    assert "2 of 5 hidden" in panel.sliders.summary.text()
    panel.sliders.threshold.setValue(0.8)
    assert list(panel.sliders.bank.order) == [4, 0]
    state.code.choose_dim(0)
    state.step_dim(1)
    assert state.code.dim == 0
    panel.setFocus()
    qtbot.keyClick(panel.image, Qt.Key.Key_H)
    assert len(panel.sliders.bank.order) == 5


def test_the_prior_says_what_the_sliders_are(panel: LatentsPanel, engine: LatentEngine) -> None:
    scale = panel.sliders.scale
    assert scale.isVisible()
    scale.setCurrentIndex(scale.findData("quantile"))
    scale.activated.emit(scale.currentIndex())
    slider = control(panel, "slider.3")
    assert isinstance(slider, QAbstractSlider) and slider.maximum() == 999
    panel.run.choose(RBM)
    engine.serve()
    slider = control(panel, "slider.3")
    assert isinstance(slider, QAbstractSlider) and (slider.minimum(), slider.maximum()) == (0, 100)
    assert not scale.isVisible()


def test_axes_and_dots_of_the_exported_map_are_chosen(
    qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine, tmp_path: Path
) -> None:
    open_view(panel, "map")
    engine.serve()
    panel.state.map.show_label(3, alone=True)
    open_view(panel, "export")
    engine.serve()
    view = panel.views["export"]
    view.source_box.setCurrentIndex(view.source_box.findData("map"))
    view.source_box.activated.emit(0)
    sizes = []
    for axes, dots in ((False, False), (True, True)):
        view.axes.setChecked(axes)
        view.dots.setChecked(dots)
        view.export_to(str(tmp_path / f"map{axes}.png"))
        qtbot.waitUntil(lambda: (engine.serve(), not panel.state.export.busy)[1])
        with Image.open(tmp_path / f"map{axes}.png") as picture:
            sizes.append(picture.size)
    assert sizes[1][0] > sizes[0][0] and sizes[1][1] > sizes[0][1]
    figure = view._figure()
    assert figure is not None and figure.labels is not None and set(figure.labels.tolist()) == {3}
    view.source_box.setCurrentIndex(0)
    view.source_box.activated.emit(0)
    assert not view.axes.isVisible() and view._figure() is None


def test_a_dot_that_is_pointed_at_shows_its_original(panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "map")
    engine.serve()
    view = panel.views["map"]
    view.canvas.hovered.emit(6)
    engine.serve()
    assert not view.canvas._thumbnail.isNull() and view.canvas.toolTip() == ""
    view.canvas.hovered.emit(-1)
    assert view.canvas._thumbnail.isNull() and view.canvas.toolTip()
