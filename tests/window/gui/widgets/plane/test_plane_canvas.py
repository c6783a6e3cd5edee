"""The canvas of a plane by pointer and keys, and what it paints."""

import msgspec
import numpy as np
import pytest
from plane_making import X1, X2, dots, heat
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Guide, Handles, Mesh
from gmstudio.protocol.points import PointAxis
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas, link_views
from gmstudio.window.gui.widgets.plane.plane_view import PlaneView

HOME = PlaneView(-4.0, 4.0, -2.0, 2.0)


def handles(*points: tuple[float, float], along: str | None = None) -> Handles:
    return Handles(name="means", points=Array.of(np.array(points)), help="Moves a mean.", along=along)  # type: ignore[arg-type]


@pytest.fixture
def canvas(qtbot: QtBot) -> PlaneCanvas:
    made = PlaneCanvas()
    qtbot.addWidget(made)
    made.set_axes(X1, X2)
    made.resize(500, 420)
    with qtbot.waitExposed(made):
        made.show()
    return made


def place(canvas: PlaneCanvas, x: float, y: float) -> QPoint:
    return canvas.mapping.point(x, y).toPoint()


def drag(qtbot: QtBot, canvas: PlaneCanvas, *places: tuple[float, float], release: bool = True) -> None:
    points = [place(canvas, *at) for at in places]
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(canvas, point)
    if release:
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=points[-1])


def wheel(canvas: PlaneCanvas, at: QPoint, steps: int) -> QWheelEvent:
    position = QPointF(at)
    none = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(position, canvas.mapToGlobal(position), QPoint(), QPoint(0, 120 * steps), *none, False)
    QApplication.sendEvent(canvas, event)
    return event


def test_the_first_row_of_a_map_is_the_lowest(canvas: PlaneCanvas) -> None:
    values = np.zeros((2, 2))
    values[0, 1] = 1.0
    canvas.set_layers([heat(values)])
    picture = canvas.grab().toImage()
    strong = picture.pixelColor(place(canvas, 2.0, -1.0))
    assert all(picture.pixelColor(place(canvas, x, y)) != strong for x, y in ((-2.0, -1.0), (2.0, 1.0), (-2.0, 1.0)))


def test_a_missing_value_has_no_colour_of_the_scale(canvas: PlaneCanvas) -> None:
    canvas.set_layers([heat(np.array([[np.nan, 1.0], [0.5, 0.0]]))])
    assert canvas.grab().toImage().pixelColor(place(canvas, -2.0, -1.0)) == theme().color("border")


def test_each_cell_of_a_mesh_has_the_colour_of_its_shade(canvas: PlaneCanvas) -> None:
    points = np.stack(np.meshgrid([-3.0, -1.0, 1.0, 3.0], [-1.0, 1.0]), axis=-1)
    shade = Array.of(np.array([[1.0, 0.0, -1.0]]))
    canvas.set_layers([Mesh(name="grid", points=Array.of(points), shade=shade)])
    image, at = canvas.grab().toImage(), [(-2.0, 0.0), (0.0, 0.0), (2.0, 0.0)]
    first, middle, last = (image.pixelColor(place(canvas, *where)) for where in at)
    assert first.red() > first.blue() + 50 and last.blue() > last.red() + 50
    assert abs(middle.red() - middle.blue()) < 50
    points[0, 0] = np.nan  # a corner of the first cell alone
    canvas.set_layers([Mesh(name="grid", points=Array.of(points), shade=shade)])
    image = canvas.grab().toImage()
    assert image.pixelColor(place(canvas, *at[0])) == theme().color("base")
    assert image.pixelColor(place(canvas, *at[2])) == last


def test_the_readout_gives_place_and_value_under_the_pointer(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    canvas.set_layers([heat(np.array([[0.25, 1.0], [0.5, 0.0]]), unit="nats")])
    qtbot.mouseMove(canvas, place(canvas, -2.0, -1.0))
    assert canvas.readout.startswith("x₁ −2.0")
    assert canvas.readout.endswith("p(x) 0.25 nats")


def test_a_handle_is_dragged(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    canvas.set_layers([heat(np.eye(4)), handles((0.0, 0.0), (1.0, 1.0))])
    moved, released = [], []
    canvas.handle_moved.connect(lambda *args: moved.append(args))
    canvas.handle_released.connect(lambda *args: released.append(args))
    drag(qtbot, canvas, (1.0, 1.0), (1.5, 0.5), (2.0, -1.0))
    assert moved[-1][:2] == ("means", 1)
    assert moved[-1][2:] == pytest.approx((2.0, -1.0), abs=0.05)
    assert released == [moved[-1]]
    assert canvas.view == HOME


def test_layers_do_not_move_a_handle_that_is_dragged_nor_do_late_answers(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    canvas.set_layers([handles((0.0, 0.0))])
    moved: list[tuple[float, float]] = []
    canvas.handle_moved.connect(lambda _name, _index, x, y: moved.append((x, y)))
    drag(qtbot, canvas, (0.0, 0.0), (1.0, 0.5), (2.0, 1.0), release=False)
    assert canvas.dragging
    canvas.set_layers([handles(moved[0]), dots(3)])
    assert canvas.handle_points("means")[0] == pytest.approx(moved[-1])
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=place(canvas, 2.0, 1.0))
    canvas.set_layers([handles(moved[0]), dots(4)])  # an answer to an earlier place of the drag
    assert canvas.handle_points("means")[0] == pytest.approx(moved[-1])
    canvas.set_layers([handles(moved[-1]), dots(5)])  # the answer to the last one
    canvas.set_layers([handles(moved[0]), dots(6)])  # and a scene that puts it back
    assert canvas.handle_points("means")[0] == pytest.approx(moved[0])


def test_another_place_than_those_of_the_drag_is_taken(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    canvas.set_layers([handles((0.0, 0.0))])
    drag(qtbot, canvas, (0.0, 0.0), (1.0, 0.5))
    canvas.set_layers([handles((-3.0, 1.5))])
    assert canvas.handle_points("means")[0] == pytest.approx((-3.0, 1.5))


def test_a_handle_on_an_axis_stays_on_it(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    canvas.set_layers([handles((0.0, 0.5), along="x")])
    drag(qtbot, canvas, (0.0, 0.5), (2.0, -1.0))
    assert canvas.handle_points("means")[0] == pytest.approx((2.0, 0.5), abs=0.05)


def test_a_guide_is_dragged(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    canvas.set_layers([Guide(name="slice", axis="x", value=1.0, label="x₁ = 1"), Guide(name="", axis="y", value=0.0)])
    values: list[float] = []
    canvas.guide_moved.connect(lambda _name, value: values.append(value))
    drag(qtbot, canvas, (1.0, 1.0), (-1.0, 0.5))
    assert values[-1] == pytest.approx(-1.0, abs=0.05)
    assert canvas.handle_points("slice") == pytest.approx([values[-1]])
    drag(qtbot, canvas, (3.0, 0.0), (3.0, 0.2), (3.0, 1.0))  # a guide without a name stays, and the plane is panned
    assert len(values) == 1
    assert canvas.view != HOME


def test_a_click_gives_its_place_and_a_drag_pans(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    clicks: list[tuple[float, float]] = []
    canvas.clicked.connect(lambda x, y: clicks.append((x, y)))
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place(canvas, 1.0, -1.0))
    assert clicks[0] == pytest.approx((1.0, -1.0), abs=0.05)
    drag(qtbot, canvas, (0.0, 0.0), (0.5, 0.0), (1.0, 0.5))
    assert len(clicks) == 1
    assert canvas.view.left < -4.4
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=place(canvas, 0.0, 0.0))
    assert canvas.view == HOME


def test_the_wheel_zooms_at_the_pointer(canvas: PlaneCanvas) -> None:
    at = place(canvas, 2.0, 1.0)
    before = canvas.mapping.at(QPointF(at))
    wheel(canvas, at, 2)
    assert canvas.view.width < 6.0
    assert canvas.mapping.at(QPointF(at)) == pytest.approx(before)


def test_on_a_page_that_scrolls_the_wheel_needs_the_focus(canvas: PlaneCanvas) -> None:
    canvas.wheel_needs_focus = True
    canvas.clearFocus()
    assert not wheel(canvas, place(canvas, 0.0, 0.0), 1).isAccepted()
    assert canvas.view == HOME


def test_keys_pan_zoom_fit_and_move_handles(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    canvas.set_layers([handles((0.0, 0.0), (1.0, 1.0)), Guide(name="slice", axis="y", value=0.5)])
    clicks: list[tuple[float, float]] = []
    canvas.clicked.connect(lambda x, y: clicks.append((x, y)))
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.view.left == pytest.approx(-3.2)
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert clicks == [pytest.approx((0.8, 0.0))]
    qtbot.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.view.width == pytest.approx(8 / 1.25)
    qtbot.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.view == HOME
    for _ in range(2):
        qtbot.keyClick(canvas, Qt.Key.Key_Space)
    qtbot.keyClick(canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert canvas.handle_points("means")[1] == pytest.approx((0.2, 1.0))
    assert canvas.readout == "point 2: (0.2, 1)"
    qtbot.keyClick(canvas, Qt.Key.Key_Space)
    qtbot.keyClick(canvas, Qt.Key.Key_Up)
    assert canvas.handle_points("slice") == pytest.approx([0.54])
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)
    qtbot.keyClick(canvas, Qt.Key.Key_Up)
    assert canvas.view.bottom == pytest.approx(-1.6)


def test_linked_canvases_share_the_view(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    other = PlaneCanvas()
    qtbot.addWidget(other)
    other.set_axes(X1, X2)
    link_views([canvas, other])
    canvas.zoom(2.0)
    assert other.view == canvas.view == PlaneView(-2.0, 2.0, -1.0, 1.0)
    other.fit()
    assert canvas.view == HOME


def test_the_view_stays_when_only_a_title_changes(canvas: PlaneCanvas) -> None:
    canvas.zoom(2.0)
    canvas.set_axes(PointAxis("height", -4.0, 4.0, "cm"), X2)
    assert canvas.view.width == pytest.approx(4.0)
    canvas.set_axes(PointAxis("height", 0.0, 4.0, "cm"), X2)
    assert canvas.view.left == 0.0


def test_what_is_kept_for_panning_is_what_a_new_painting_gives(qtbot: QtBot, canvas: PlaneCanvas) -> None:
    canvas.set_layers([heat(np.outer(np.hanning(32), np.hanning(32)), contours=4), dots(300)])
    canvas.grab()
    step = 20 / canvas.mapping.x_scale
    canvas.set_view(HOME.panned(step, 0.0))
    moved = canvas.grab().toImage()
    canvas.hide()  # forgets what it kept
    canvas.show()
    anew = canvas.grab().toImage()
    pixels = [np.frombuffer(image.constBits(), np.uint8).astype(int) for image in (moved, anew)]
    assert np.abs(pixels[0] - pixels[1]).mean() < 2.0


def test_a_long_legend_ends_within_the_plane(canvas: PlaneCanvas) -> None:
    layers = [msgspec.structs.replace(dots(1), name=f"layer number {number}") for number in range(9)]
    for width in range(200, 420, 7):
        canvas.resize(width, 300)
        canvas.set_layers([heat(np.eye(2)), *layers])
        picture = canvas.grab().toImage()
        edge = {picture.pixelColor(picture.width() - 1, y).name() for y in range(20)}
        assert len(edge) == 1, width
