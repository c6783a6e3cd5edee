"""Forms in which pictures and plots are saved and copied."""

import csv
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.media import read_provenance
from gmstudio.media.provenance import Provenance, metadata_of
from gmstudio.window.gui.widgets.canvas.drawing_canvas import DrawingCanvas
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture, PixelCanvas
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.plots.bar_figure import BarFigure
from gmstudio.window.gui.widgets.plots.curve_line import Trace
from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot
from gmstudio.window.gui.widgets.save_forms import SaveForm, forms_of, savable

ORIGIN = Provenance(family="vae", run="β = 10", step=300, shows="Samples", details={"Frame": "x̂₀ at t = 3"})
RAMP = (np.arange(2 * 16).reshape(2, 1, 4, 4) * 8).astype(np.uint8)


def form_called(forms: list[SaveForm], title: str) -> SaveForm:
    return next(form for form in forms if form.title == title)


def save(form: SaveForm, path: Path) -> Path:
    assert form.write is not None
    form.write(metadata_of(ORIGIN))(path)
    return path


@pytest.fixture
def grid(qtbot: QtBot) -> ImageGrid:
    grid = ImageGrid()
    qtbot.addWidget(grid)
    grid.resize(300, 160)
    grid.set_images(RAMP)
    return grid


@pytest.fixture
def plot(qtbot: QtBot) -> CurvePlot:
    plot = CurvePlot("Loss", "nats")
    qtbot.addWidget(plot)
    plot.resize(400, 300)
    steps = np.array([0, 10, 20], np.int64)
    plot.set_traces(
        [
            Trace("a", "loss, all", steps, np.array([3.0, 2.0, 1.1]), QColor("red"), split="train", owner="run, one"),
            Trace(("chain", 0), "", steps, np.array([1.0, 2.0, 3.0]), QColor("blue"), factor=2.0),
        ]
    )
    plot.redraw()
    return plot


def test_one_image_is_saved_in_its_own_pixels_with_its_origin(grid: ImageGrid, tmp_path: Path) -> None:
    inside = grid.image_rect(1).center().toPoint()
    path = save(form_called(forms_of(grid, inside), "Save this image as PNG…"), tmp_path / "one.png")
    origin = read_provenance(path)
    assert (origin.run, origin.step, origin.shows, origin.details["Frame"]) == ("β = 10", 300, "Samples", "x̂₀ at t = 3")
    with Image.open(path) as picture:
        assert picture.size == (512, 512)
        pixels = np.asarray(picture.convert("L"))
    assert (pixels[64::128, 64::128] == RAMP[1, 0]).all()


def test_all_images_are_saved_as_they_are_arranged(grid: ImageGrid, tmp_path: Path) -> None:
    forms = forms_of(grid, QPoint(0, 0))
    assert [form.title for form in forms] == ["Save all images as PNG…", "Copy all images"]
    path = save(forms[0], tmp_path / "all.png")
    with Image.open(path) as picture:
        assert picture.size[0] == 9 * 57 and picture.size[1] == 4 * 57, "two of four pixels with a line between them"
    copied = forms[1].copy
    picture = copied() if copied is not None else None
    assert isinstance(picture, QImage) and not picture.isNull()


def test_curves_are_saved_as_picture_vector_graphics_and_table(plot: CurvePlot, tmp_path: Path) -> None:
    forms = forms_of(plot, QPoint())
    png = save(form_called(forms, "Save curves as PNG…"), tmp_path / "curves.png")
    with Image.open(png) as picture:
        assert picture.size == (800, 600) and len(np.unique(np.asarray(picture.convert("L")))) > 10
    svg = save(form_called(forms, "Save curves as SVG…"), tmp_path / "curves.svg")
    root = ElementTree.parse(svg).getroot()
    assert root.tag.endswith("svg") and "Run: β = 10" in svg.read_text("utf-8")
    assert sum(1 for element in root.iter() if element.tag.endswith(("path", "polyline"))) >= 2
    table = save(form_called(forms, "Save values as CSV…"), tmp_path / "curves.csv").read_text("utf-8")
    assert "# Run: β = 10\n" in table
    rows = list(csv.reader(line for line in table.splitlines() if not line.startswith("#")))
    assert rows[0] == ["run", "curve", "split", "training step", "value"]
    assert rows[3] == ["run, one", "loss, all", "train", "20", "1.1"]
    assert rows[6] == ["", "chain 0", "", "20", "6.0"], "in the unit that is shown"
    copied = form_called(forms, "Copy values as CSV").copy
    text = copied() if copied is not None else None
    assert isinstance(text, str) and text.startswith("run,curve")


def drawn_canvas() -> DrawingCanvas:
    canvas = DrawingCanvas()
    canvas.set_blank((1, 4, 4), 2)
    canvas.paint_at(2, 2)
    return canvas


def live_image() -> LiveImage:
    live = LiveImage()
    live.set_image(RAMP[0])
    return live


@pytest.mark.parametrize("make", [drawn_canvas, live_image, BarFigure], ids=["canvas", "live", "bars"])
def test_every_other_picture_is_saved_too(qtbot: QtBot, tmp_path: Path, make: Callable[[], QWidget]) -> None:
    widget = make()
    qtbot.addWidget(widget)
    widget.resize(200, 100)
    forms = forms_of(widget, QPoint())
    assert [bool(form.copy) for form in forms] == [False, True]
    assert read_provenance(save(forms[0], tmp_path / "out.png")).run == "β = 10"


def test_the_image_on_a_canvas_is_saved_without_what_lies_over_it(qtbot: QtBot, tmp_path: Path) -> None:
    canvas, levels = PixelCanvas(), np.arange(4, dtype=np.uint8).reshape(1, 2, 2)
    qtbot.addWidget(canvas)
    canvas.resize(200, 200)
    all_placed = np.ones((1, 2, 2), bool)
    heat = np.full((2, 2), 3.0)
    canvas.set_picture(Picture(levels, 4, all_placed, all_placed, (0, 0), heat, 3.0, all_placed[0]))
    forms = forms_of(canvas, QPoint())
    assert [form.title for form in forms if form.write] == ["Save image as PNG…", "Save picture as shown as PNG…"]
    with Image.open(save(forms[0], tmp_path / "image.png")) as picture:
        assert picture.size == (512, 512)
        assert np.asarray(picture.convert("L"))[128::256, 128::256].tolist() == [[0, 85], [170, 255]]


@pytest.mark.parametrize("make", [ImageGrid, LiveImage, PixelCanvas, lambda: CurvePlot("Loss")])
def test_what_shows_nothing_has_no_menu(qtbot: QtBot, make: Callable[[], QWidget]) -> None:
    widget = make()
    qtbot.addWidget(widget)
    assert forms_of(widget, QPoint()) == []


def test_a_part_of_a_plot_belongs_to_it(plot: CurvePlot, qtbot: QtBot) -> None:
    outer = QWidget()
    qtbot.addWidget(outer)
    layout, text = QVBoxLayout(outer), QLabel("text")
    layout.addWidget(plot)
    layout.addWidget(text)
    assert savable(plot._view.viewport(), outer) is plot and savable(plot._legend, outer) is plot
    assert savable(text, outer) is None and savable(None, outer) is None
    plot.setParent(None)


def test_a_file_that_cannot_be_written_leaves_nothing(grid: ImageGrid, tmp_path: Path) -> None:
    (tmp_path / "out.png").write_bytes(b"before")
    form = forms_of(grid, QPoint())[0]
    assert form.write is not None
    with pytest.raises(OSError, match="nowhere"):
        form.write({})(tmp_path / "nowhere" / "out.png")
    assert (tmp_path / "out.png").read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1
