"""The Plane panel: its controls write the state, and show it."""

import math
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from plane_scene import FLOW, GAN, IMAGES, LINE, MADE, RUNS, VAE, PlaneScene, info
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane import DrawInside, DrawSurface, SurfaceMetrics
from gmstudio.protocol.plane_layers import Dots, Guide, Heat, Paths
from gmstudio.window.gui.panels.plane.add_menu import add_menu
from gmstudio.window.gui.panels.plane.panel import ALONE, FULL, PlanePanel
from gmstudio.window.gui.panels.plane.stage import best_columns
from gmstudio.window.gui.panels.plane.tile_view import TileView
from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas


class Stage(PlaneScene):
    """The panel on a scene."""

    def __init__(self, qtbot: QtBot) -> None:
        super().__init__()
        self.panel = PlanePanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1290, 690)
        self.panel.show()
        self.state.set_active(True)
        qtbot.waitExposed(self.panel)

    def view(self, run: str) -> TileView:
        return self.panel.stage.views[run]

    def settle(self) -> None:
        """Answer all commands, and draw."""
        self.serve()
        self.panel.stage.refresh()
        self.panel.numbers.refresh()
        self.panel.point.refresh()

    def heat(self, run: str) -> Heat:
        return next(layer for layer in self.view(run).canvas.layers if isinstance(layer, Heat))

    def find(self, name: str) -> QWidget:
        found = self.panel.findChild(QWidget, f"plane.{name}")
        assert found is not None, name
        return found


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    stage = Stage(qtbot)
    stage.state.set_options(points="train")
    stage.arrive()
    stage.settle()
    yield stage
    stage.state.set_active(False)
    stage.panel.hide()


def layers(stage: Stage, run: str, kind: type[Dots] | type[Paths]) -> list[str]:
    return [layer.name for layer in stage.view(run).canvas.layers if isinstance(layer, kind)]


def click(canvas: PlaneCanvas, x: float, y: float, qtbot: QtBot) -> None:
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.mapping.point(x, y).toPoint())


def test_without_a_run_of_points_it_says_what_it_is_for(qtbot: QtBot) -> None:
    stage = Stage(qtbot)
    assert stage.panel.empty.isVisible() and "starting" in stage.panel.empty.words.text()
    stage.arrive([info(IMAGES, RUNS[-1].image)])
    assert stage.panel.empty.isVisible() and not stage.state.tiles
    stage.arrive()
    assert not stage.panel.empty.isVisible() and stage.state.run == MADE
    stage.state.set_active(False)


def test_the_surface_of_the_first_run_is_shown_with_method_and_step(stage: Stage) -> None:
    view = stage.view(MADE)
    assert view.title.words == "MADE" and view.badge.words == "exact · step 40"
    assert "By the chain rule." in view.badge.toolTip()
    heat = stage.heat(MADE)
    assert heat.extent == (-2.0, 2.0, -1.0, 3.0) and heat.values.shape == (16, 16)
    assert stage.panel.stage.truth.isVisible() and "2.000" in stage.panel.stage.truth.badge.words


def test_a_model_without_a_density_says_so(stage: Stage) -> None:
    tile = stage.state.chosen
    assert tile is not None
    tile.feed.refresh()
    drawn = stage.surface(stage.client.last(DrawSurface))
    unknown = SurfaceMetrics(**dict.fromkeys(SurfaceMetrics.__struct_fields__, math.nan))
    nothing = Array.of(np.full((16, 16), np.nan, np.float32))
    stage.client.deliver(msgspec.structs.replace(drawn, method=None, values=nothing, samples=None, metrics=unknown))
    stage.answered = len(stage.client.sent)
    stage.settle()
    assert stage.view(MADE).badge.words == "no density"
    assert not any(isinstance(layer, Heat) for layer in stage.view(MADE).canvas.layers)
    assert {cells[0].text() for cells in stage.panel.numbers.cells.values()} == {"–"}


def test_runs_are_added_from_a_menu_of_those_on_the_same_points(stage: Stage) -> None:
    menu = add_menu(stage.panel, stage.state, stage.panel.offers, "", lambda: None)
    offered = [action for action in menu.actions() if action.isEnabled() and not action.isSeparator()][:-1]
    assert [action.text().split(" · ")[0] for action in offered] == ["FLOW", "VAE", "GAN", "NADE"]
    offered[0].trigger()
    menu.deleteLater()
    stage.settle()
    assert [frame.title.words for frame in stage.panel.stage.frames] == ["MADE", "FLOW", "True distribution p*"]
    for run in (VAE, GAN):
        stage.state.add_run(run)
    assert FULL in stage.panel.beside.toolTip()
    stage.state.choose_run(VAE)
    assert stage.view(VAE).chosen and not stage.view(MADE).chosen and stage.panel.run.current() == VAE
    stage.panel.earlier.trigger()
    assert [tile.run for tile in stage.state.tiles] == [MADE, VAE, FLOW, GAN]
    for _ in range(3):
        stage.panel.remove.trigger()
    assert len(stage.state.tiles) == 1 and ALONE in stage.panel.remove.toolTip()


def test_all_planes_pan_and_zoom_together(stage: Stage) -> None:
    stage.state.add_run(FLOW)
    stage.settle()
    stage.view(MADE).canvas.zoom(2.0)
    spans = {round(frame.canvas.view.height, 6) for frame in stage.panel.stage.frames}
    assert len(spans) == 1 and spans.pop() < 4.0
    stage.state.add_run(VAE)
    stage.settle()
    assert stage.view(VAE).canvas.view.height < 4.0, "a new one shows the same part"
    stage.panel.show_row.fit.trigger()
    assert all(frame.canvas.view.height >= 4.0 for frame in stage.panel.stage.frames)


def test_the_scale_of_colours_is_common_or_each_its_own(stage: Stage) -> None:
    stage.state.add_run(FLOW)
    stage.settle()
    truth = stage.state.truth
    assert truth is not None
    assert stage.heat(MADE).top == stage.heat(FLOW).top == pytest.approx(float(truth.max()))
    stage.panel.show_row.common.trigger()
    stage.panel.stage.refresh()
    assert stage.heat(MADE).top == pytest.approx(float(stage.heat(MADE).values.numpy().max()))


def test_log_p_has_a_range_of_nats(stage: Stage) -> None:
    stage.panel.show_row.quantity.setCurrentIndex(1)
    stage.panel.show_row.quantity.activated.emit(1)
    stage.panel.stage.refresh()
    heat = stage.heat(MADE)
    assert heat.name == "log p(x)" and heat.unit == "nats" and heat.top - heat.low == pytest.approx(12.0)
    assert heat.values.numpy().max() <= 0


def test_data_samples_labels_contours_and_truth_are_switched(stage: Stage) -> None:
    row = stage.panel.show_row
    assert layers(stage, MADE, Dots) == ["training data"]
    for action in (row.samples, row.labels, row.contours):
        action.trigger()
    stage.panel.stage.refresh()
    assert layers(stage, MADE, Dots) == ["training data", "samples"] and stage.heat(MADE).contours > 0
    dots = next(layer for layer in stage.view(MADE).canvas.layers if isinstance(layer, Dots))
    assert dots.groups is not None and len(dots.points.numpy()) == 40
    for combo, index in ((row.points, 2), (row.truth, 1)):
        combo.activated.emit(index)
    stage.panel.stage.refresh()
    assert layers(stage, MADE, Dots)[0] == "validation data" and layers(stage, MADE, Paths) == ["p*(x)"]
    assert not stage.panel.stage.truth.isVisible()


def test_other_samples_are_drawn_with_another_seed(stage: Stage) -> None:
    stage.panel.show_row.resample.trigger()
    assert stage.client.last(DrawSurface).seed == 1 and stage.panel.show_row.samples.isChecked()


def test_a_click_chooses_a_point_that_arrows_move_and_esc_removes(stage: Stage, qtbot: QtBot) -> None:
    stage.state.add_run(FLOW)
    stage.settle()
    canvas = stage.view(FLOW).canvas
    click(canvas, 0.3, 1.2, qtbot)
    assert stage.state.run == FLOW and stage.state.point == pytest.approx((0.375, 1.125))
    stage.settle()
    for run in (MADE, FLOW):
        marked = [layer for layer in stage.view(run).canvas.layers if isinstance(layer, Dots) and layer.large]
        assert len(marked) == 1
    assert list(stage.panel.point.blocks) == [MADE, FLOW]
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    qtbot.keyClick(canvas, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert stage.state.point == pytest.approx((0.625, 2.875))
    assert stage.panel.point.fields[0].value() == pytest.approx(0.625)
    stage.panel.point.fields[1].setValue(0.0)
    assert stage.state.point == pytest.approx((0.625, 0.125))
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    assert stage.state.point is None and stage.panel.point.blocks == {}
    stage.panel.undo.undo()
    assert stage.state.point is not None


def test_the_slider_shows_a_recorded_step_and_now_follows(stage: Stage) -> None:
    transport = stage.panel.transport
    assert transport.where.text() == "now" and transport.slider.value == 40
    transport.slider.slider.setValue(12)
    stage.settle()
    assert stage.state.place.place == 12 and stage.view(MADE).badge.words == "exact · step 10"
    assert transport.where.text() == "past" and transport.slider.value == 12
    assert stage.panel.numbers.cells["forward_kl"][0].text() == f"{10 / 11:.3f}"
    transport.now.trigger()
    stage.settle()
    assert stage.view(MADE).badge.words == "exact · step 40"
    stage.record(MADE, 60)
    assert transport.slider.value == 60 and transport.where.text() == "now"


def test_the_curves_of_all_runs_are_drawn_with_the_entropy(stage: Stage) -> None:
    stage.state.add_run(FLOW)
    stage.settle()
    numbers = stage.panel.numbers
    numbers.curve.setCurrentIndex(numbers.curve.findData("cross_entropy"))
    numbers.curve.activated.emit(0)
    assert [trace.label for trace in numbers.plot.traces] == ["MADE", "FLOW", "H(p*)"]
    assert len({trace.color.name() for trace in numbers.plot.traces[:2]}) == 2
    numbers.plot.clicked.emit(20)
    assert stage.state.place.place == 20
    stage.state.set_axis("time")
    numbers.refresh()
    assert numbers.plot.traces[0].steps.tolist() == [0, 1000, 2000, 4000]


def test_a_view_is_chosen_for_the_outlined_run_and_its_line_is_dragged(stage: Stage) -> None:
    inside = stage.panel.inside
    titles = [inside.view.itemText(i) for i in range(inside.view.count())]
    assert titles == ["Density only", "Chain rule", "Denoising paths", "Codes"]
    inside.view.activated.emit(1)
    stage.settle()
    assert inside.note.text() == "What is seen." and "p(x₁)" in inside.numbers.values
    canvas = stage.view(MADE).canvas
    canvas.guide_moved.emit("x1", 0.8)
    assert stage.client.last(DrawInside).inputs["x1"].numpy().tolist() == [0.8]
    canvas.guide_moved.emit("x1", 0.9)
    stage.settle()
    canvas.guide_released.emit("x1", 0.9)
    canvas.guide_moved.emit("x1", 1.0)
    stage.settle()
    stage.panel.undo.undo()
    tile = stage.state.chosen
    assert tile is not None and tile.inside.inputs["x1"].tolist() == [0.9]
    stage.panel.undo.undo()
    assert tile.inside.inputs == {}


def test_a_view_on_axes_of_its_own_is_drawn_at_the_side(stage: Stage) -> None:
    inside = stage.panel.inside
    stage.panel.side.open("inside")
    assert not inside.plane.isVisible()
    stage.state.choose_view("codes")
    stage.settle()
    assert inside.plane.isVisible() and inside.plane.axes[0].title == "z₁" and len(inside.plane.layers) == 1
    inside.plane.handle_moved.emit("z", 0, 1.0, 2.0)
    assert stage.client.last(DrawInside).inputs["z"].numpy().tolist() == [[1.0, 2.0]]
    stage.state.choose_view("")
    stage.settle()
    assert not inside.plane.isVisible()


def test_an_animated_view_has_sliders_and_plays(stage: Stage) -> None:
    stage.state.choose_view("paths")
    stage.settle()
    inside = stage.panel.inside
    assert list(inside.sliders) == ["frame", "noise"] and inside.play.isEnabled()
    inside.sliders["noise"].field.setValue(0.7)
    assert stage.client.last(DrawInside).inputs["noise"].numpy().tolist() == [0.7]
    inside.play.trigger()
    tile = stage.state.chosen
    assert tile is not None and tile.inside.playing and inside.play.text() == "Pause view"
    inside.play.trigger()
    assert not tile.inside.playing
    inside.reset.trigger()
    assert inside.sliders["noise"].value == 0.5


def test_back_in_training_views_of_the_present_weights_are_hidden(stage: Stage) -> None:
    stage.state.choose_view("slices")
    stage.settle()
    assert any(isinstance(layer, Guide) for layer in stage.view(MADE).canvas.layers)
    stage.state.place.go(10.0)
    stage.settle()
    assert "present weights" in stage.panel.inside.note.text()
    assert not any(isinstance(layer, Guide) for layer in stage.view(MADE).canvas.layers)


def test_points_on_a_line_are_drawn_as_steps_with_the_truth(stage: Stage) -> None:
    stage.state.choose_run(LINE)
    stage.settle()
    view = stage.view(LINE)
    assert layers(stage, LINE, Paths) == ["training data", "p(x)", "p*(x)"]
    assert view.canvas.axes[1].title == "p(x)" and not stage.panel.stage.truth.isVisible()
    steps = next(layer for layer in view.canvas.layers if isinstance(layer, Paths) and layer.name == "p(x)")
    points = steps.points.numpy()
    assert points.shape == (1, 32, 2) and steps.filled and points[0, 0, 0] == -2 and points[0, -1, 0] == 2
    stage.panel.show_row.quantity.activated.emit(1)
    stage.panel.stage.refresh()
    assert view.canvas.axes[1].unit == "nats"
    stage.state.set_point((0.0, 0.0))
    stage.settle()
    assert len(layers(stage, LINE, Paths)) == 4
    assert not stage.panel.show_row.contours.isEnabled()


def test_presenting_leaves_the_planes_and_the_transport(stage: Stage) -> None:
    stage.panel.set_presenting(True)
    for name in ("beside", "samples", "metric", "view"):
        assert not stage.find(name).isVisible(), name
    assert stage.find("tile1").isVisible() and stage.find("play").isVisible()
    stage.panel.set_presenting(False)
    assert stage.find("beside").isVisible()


def test_nothing_moves_when_data_arrive(qtbot: QtBot) -> None:
    stage = Stage(qtbot)
    stage.state.set_options(truth="none")
    stage.arrive()
    stage.panel.layout().activate()  # type: ignore[union-attr]
    view = stage.view(MADE)
    qtbot.waitUntil(lambda: view.canvas.width() > 500)
    before = view.canvas.geometry()
    stage.settle()
    qtbot.waitUntil(lambda: len(view.canvas.layers) == 1)
    assert view.canvas.geometry() == before
    stage.state.set_active(False)


@pytest.mark.parametrize(
    ("count", "size", "columns"), [(1, (900, 560), 1), (2, (900, 560), 2), (4, (900, 560), 2), (4, (880, 280), 4)]
)
def test_the_grid_makes_the_planes_as_large_as_possible(count: int, size: tuple[int, int], columns: int) -> None:
    assert best_columns(count, *size) == columns


def test_keys_act_in_the_panel(stage: Stage, qtbot: QtBot) -> None:
    stage.panel.setFocus()
    qtbot.keyClick(stage.panel, Qt.Key.Key_C)
    assert stage.state.options.contours
    qtbot.keyClick(stage.panel, Qt.Key.Key_Space)
    assert stage.state.place.playing
    qtbot.keyClick(stage.panel, Qt.Key.Key_Space)
    assert not stage.state.place.playing


def test_the_names_over_the_numbers_are_whole_where_there_is_room(stage: Stage) -> None:
    stage.state.add_run(FLOW)
    stage.settle()
    titles = [title for title in stage.panel.numbers.titles if title.isVisible()]
    stage.panel.numbers.layout().activate()
    assert len(titles) == 2 and all("…" not in title.text() for title in titles)
