"""Points in the Data panel, on the screen: the plane, drawing with the mouse, tools, settings, drops."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from points_scene import PointsScene
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.plane_layers import Dots, Heat, Paths
from gmstudio.protocol.points import PointAxis
from gmstudio.window.gui.panels.data.density_brush import DensityBrush
from gmstudio.window.gui.panels.data.panel import DataPanel
from gmstudio.window.gui.panels.data.points_layers import are_alike
from gmstudio.window.gui.panels.data.points_view import PointsView
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs

WidgetT = TypeVar("WidgetT", bound=QWidget)


class ShownPoints(PointsScene):
    """The panel on the screen, with points open."""

    def __init__(self, qtbot: QtBot) -> None:
        super().__init__()
        self.panel = DataPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1150, 700)
        self.panel.show()
        qtbot.waitExposed(self.panel)
        self.open_points()

    def find(self, kind: type[WidgetT], name: str) -> WidgetT:
        widget = self.panel.findChild(kind, f"data.{name}")
        assert widget is not None, name
        return widget

    @property
    def plane(self) -> DensityBrush:
        return self.find(DensityBrush, "points_plane")

    @property
    def view(self) -> PointsView:
        view = self.panel.findChild(PointsView)
        assert view is not None
        return view

    def place(self, x: float, y: float) -> QPoint:
        """Place on the plane's widget of a point of the plane."""
        return self.plane.mapping.point(x, y).toPoint()

    def drag(self, *points: tuple[float, float]) -> None:
        places = [self.place(*point) for point in points]
        QTest.mousePress(self.plane, Qt.MouseButton.LeftButton, pos=places[0])
        for place in places[1:]:
            QTest.mouseMove(self.plane, place)
        QTest.mouseRelease(self.plane, Qt.MouseButton.LeftButton, pos=places[-1])


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[ShownPoints]:
    made = ShownPoints(qtbot)
    yield made
    made.close()


def test_the_distribution_and_its_points_are_shown_with_their_numbers(shown: ShownPoints) -> None:
    heat, dots = shown.plane.layers
    assert isinstance(heat, Heat) and isinstance(dots, Dots)
    assert heat.extent == (-4, 4, -4, 4) and dots.groups is not None
    points = dots.points.numpy()
    assert np.abs(points).max() < 4 and len(np.unique(points[:, 0])) > 1000  # spread within their cells
    words = shown.find(ElidedLabel, "points_numbers").words
    assert "6.569 nats" in words and "64×64 cells" in words
    shown.find(QToolButton, "show_points").click()
    assert shown.plane.layers == (heat,)
    shown.find(QToolButton, "show_density").click()
    assert shown.plane.layers == ()


def test_points_of_a_line_are_shown_as_probabilities_and_shares(shown: ShownPoints) -> None:
    shown.change(shape="mixture_1d")
    truth, shares = shown.plane.layers
    assert isinstance(truth, Paths) and isinstance(shares, Paths) and truth.filled
    assert shown.plane.axes[1].title == "probability of a cell"
    assert shares.points.numpy()[0, :, 1].max() < shown.plane.axes[1].high


def test_axes_have_one_scale_where_their_ranges_are_alike() -> None:
    side, longer, long = (PointAxis("x", 0, high) for high in (1, 3, 100))
    assert are_alike((side, longer)) and not are_alike((side, long)) and not are_alike((side,))


def test_a_file_that_is_not_chosen_yet_is_an_invitation_and_a_wrong_one_a_mistake(shown: ShownPoints) -> None:
    remarks = shown.find(QLabel, "points_remarks")
    shown.state.points.set_values(shape="picture")
    shown.refuse("File is empty. Choose a picture.")
    assert remarks.property("role") == "muted"
    shown.state.points.set_values(path="/no/picture.png")
    shown.refuse("There is no /no/picture.png.")
    assert remarks.property("role") == "error" and remarks.text() == "There is no /no/picture.png."


def test_a_shape_is_chosen_in_the_order_of_the_settings(shown: ShownPoints) -> None:
    combo = shown.find(QComboBox, "shape")
    assert combo.itemText(0) == "Two moons" and combo.currentIndex() == 0
    index = combo.findData("spirals")
    combo.setCurrentIndex(index)
    combo.activated.emit(index)
    assert shown.asked["shape"] == "spirals"


def test_a_density_is_drawn_with_the_mouse(shown: ShownPoints) -> None:
    shown.choose_drawing()
    invitation = shown.find(QLabel, "points_remarks")
    assert invitation.text() == "Nothing is drawn." and invitation.property("role") == "muted"
    before = shown.plane.geometry()
    shown.drag((-2, 0), (0, 1), (2, 0))
    shown.settle()
    (line,) = shown.state.points.strokes.split(";")
    assert line.startswith("30 25") and len(line.split()) >= 3
    assert isinstance(shown.plane.layers[0], Heat) and shown.plane.geometry() == before
    shown.find(QToolButton, "undo_stroke").click()
    assert shown.state.points.strokes == ""
    shown.find(QToolButton, "redo_stroke").click()
    assert shown.state.points.strokes == line
    shown.find(QToolButton, "clear_drawing").click()
    assert shown.state.points.strokes == "" and not shown.find(QToolButton, "clear_drawing").isEnabled()


def test_panning_draws_nothing_and_the_eraser_erases(shown: ShownPoints) -> None:
    shown.choose_drawing()
    shown.find(QToolButton, "look").click()
    shown.drag((-2, 0), (2, 0))
    assert shown.state.points.strokes == ""
    shown.find(QToolButton, "erase").click()
    assert shown.state.points.tool == "erase" and not shown.find(QToolButton, "look").isChecked()
    shown.drag((-2, 0), (2, 0))
    assert shown.state.points.strokes.startswith("-30")


def test_escape_drops_the_stroke_under_the_mouse(shown: ShownPoints) -> None:
    shown.choose_drawing()
    shown.plane.setFocus()
    QTest.mousePress(shown.plane, Qt.MouseButton.LeftButton, pos=shown.place(0, 0))
    QTest.keyClick(shown.plane, Qt.Key.Key_Escape)
    QTest.mouseRelease(shown.plane, Qt.MouseButton.LeftButton, pos=shown.place(1, 1))
    assert shown.state.points.strokes == ""


def test_settings_show_what_has_an_effect_and_keep_the_drawing(shown: ShownPoints) -> None:
    shown.choose_drawing()
    shown.draw((0.2, 0.5), (0.8, 0.5))
    shown.find(LazyTabs, "tabs").show_page("settings")
    assert shown.panel.findChild(QWidget, "data.settings.strokes") is None
    noise, points = (shown.find(QWidget, f"settings.{name}") for name in ("noise", "num_points"))
    assert not noise.isVisible() and points.isVisible()
    points.lineEdit().setText("500")  # type: ignore[attr-defined]
    assert shown.asked["num_points"] == 500 and shown.asked["strokes"] == "30 200,500 800,500"
    shown.describe()
    shown.change(shape="moons")
    assert noise.isVisible()


def test_a_dropped_picture_becomes_the_density_and_a_table_the_points(shown: ShownPoints, tmp_path: Path) -> None:
    path = tmp_path / "whale.png"
    image = QImage(20, 10, QImage.Format.Format_Grayscale8)
    image.fill(0)
    assert image.save(str(path))
    drop(shown.view, path)
    assert (shown.asked["shape"], shown.asked["path"]) == ("picture", str(path))
    shown.describe()
    assert "uniform" in shown.find(QLabel, "points_remarks").text()
    table = tmp_path / "points.csv"
    table.write_text("a,b\n" + "\n".join(f"{i},{i % 3}" for i in range(30)))
    drop(shown.view, table)
    assert shown.asked["shape"] == "csv"
    shown.describe()
    assert shown.plane.axes[0].title == "a" and "p* is unknown" in shown.find(ElidedLabel, "points_numbers").words


def drop(view: PointsView, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    view.dropEvent(QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))


def test_a_pasted_picture_is_kept_as_a_file(shown: ShownPoints, qtbot: QtBot, home: Path) -> None:
    shown.state.points.set_values(shape="picture")
    shown.refuse("File is empty.")
    image = QImage(8, 8, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.red)
    QGuiApplication.clipboard().setImage(image)
    with qtbot.waitSignal(shown.view.tools.pasted.kept):
        shown.find(QToolButton, "paste_density").click()
    path = Path(shown.asked["path"])
    assert path.parent == home / "pictures" and QImage(str(path)).pixelColor(0, 0).red() == 255
    shown.describe()
    QGuiApplication.clipboard().clear()
    shown.find(QToolButton, "paste_density").click()
    assert "no picture" in shown.find(QLabel, "points_remarks").text()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_tab_key_goes_through_the_tools_in_their_order(shown: ShownPoints) -> None:
    shown.choose_drawing()
    chain = [widget for widget in shown.view.in_tab_order if widget.isVisible() and widget.isEnabled()]
    chain[0].setFocus()
    reached = [shown.panel.focusWidget()]
    for _ in chain[1:]:
        QTest.keyClick(shown.panel.focusWidget(), Qt.Key.Key_Tab)
        reached.append(shown.panel.focusWidget())
    assert [w.objectName() for w in reached] == [w.objectName() for w in chain]
