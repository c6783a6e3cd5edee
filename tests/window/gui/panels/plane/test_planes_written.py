"""Export of the Plane panel: pictures, table and film, with their provenance."""

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from plane_scene import FLOW, LINE, MADE, PlaneScene, truth
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.media.reading import read_provenance
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.plane import DrawSurface
from gmstudio.window.gui.panels.plane.export import NO_SURFACE, NOTHING_RECORDED, Content, PlaneExport, export_menu
from gmstudio.window.gui.panels.plane.film import MAX_FRAMES, film_places
from gmstudio.window.gui.panels.plane.panel import PlanePanel
from gmstudio.window.gui.widgets.save_forms import forms_of
from gmstudio.window.state.plane.recorded import RecordedSurfaces


class Stage(PlaneScene):
    """The panel with two runs."""

    def __init__(self, qtbot: QtBot) -> None:
        super().__init__()
        self.panel = PlanePanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1290, 690)
        self.panel.show()
        self.state.set_active(True)
        qtbot.waitExposed(self.panel)
        self.arrive()
        self.state.add_run(FLOW)
        self.settle()

    def settle(self) -> None:
        self.serve()
        self.panel.stage.refresh()


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    stage = Stage(qtbot)
    yield stage
    stage.state.set_active(False)
    stage.panel.hide()


def write(stage: Stage, content: Content, path: Path, qtbot: QtBot) -> None:
    export = stage.panel.export
    export.start(content, str(path))
    qtbot.waitUntil(lambda: export.message == f"Written: {path}", timeout=20_000)


def test_a_picture_has_all_tiles_and_their_provenance(stage: Stage, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "planes.png"
    write(stage, "png", path, qtbot)
    with Image.open(path) as picture:
        assert picture.width >= 2 * 780 and picture.height > 800
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 50
        texts = dict(picture.info)
    assert texts["Run"] == "MADE on moons" and texts["Step"] == "40" and texts["Shows"] == "plane"
    assert texts["Plane 2"] == f"FLOW on moons, step 40, exact, {FLOW}"


def test_an_svg_has_vectors_and_a_description(stage: Stage, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "planes.svg"
    write(stage, "svg", path, qtbot)
    text = path.read_text()
    assert "<title>MADE, FLOW, True distribution p*</title>" in text and "Plane 1: MADE on moons, step 40" in text
    assert text.count("<image") >= 3 and "<polyline" in text


def test_the_table_has_a_line_for_each_cell(stage: Stage, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "grid.csv"
    write(stage, "csv", path, qtbot)
    lines = path.read_text().splitlines()
    assert "# Run: MADE on moons" in lines
    rows = list(csv.reader(line for line in lines if not line.startswith("#")))
    assert rows[0] == ["x₁", "x₂", "p*", "p MADE", "p FLOW"] and len(rows) == 1 + 16 * 16
    numbers = np.array(rows[1:], np.float64)
    assert numbers[0, :2].tolist() == [-1.875, -0.875] and numbers[1, :2].tolist() == [-1.625, -0.875]
    assert numbers[:, 2].sum() == pytest.approx(1) and numbers[:, 2] == pytest.approx(truth().reshape(-1), rel=1e-5)


def test_the_table_of_a_line_has_one_coordinate(stage: Stage, tmp_path: Path, qtbot: QtBot) -> None:
    stage.state.choose_run(LINE)
    stage.settle()
    path = tmp_path / "line.csv"
    write(stage, "csv", path, qtbot)
    rows = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    assert rows[0] == "x₁,p*,p LINE" and len(rows) == 17


def test_a_film_shows_the_recorded_steps_and_goes_back(stage: Stage, tmp_path: Path, qtbot: QtBot) -> None:
    stage.state.place.go(10.0)
    stage.settle()
    path = tmp_path / "film.gif"
    stage.state.place.moved.connect(lambda: QTimer.singleShot(0, stage.state, stage.serve))
    write(stage, "gif", path, qtbot)
    with Image.open(path) as film:
        assert getattr(film, "n_frames", 1) == 4 and film.width <= 1000
        frames = []
        for index in range(4):
            film.seek(index)
            frames.append(np.asarray(film.convert("RGB")).copy())
    assert all((frames[i] != frames[i + 1]).any() for i in range(3))
    assert stage.state.place.place == 10.0
    origin = read_provenance(path)
    assert origin.run == "MADE on moons"


def test_a_film_ends_with_the_reason_of_a_failure(stage: Stage, tmp_path: Path, qtbot: QtBot) -> None:
    film = stage.panel.export.film
    stage.panel.export.start("gif", str(tmp_path / "film.gif"))
    assert film.recording and "frame 1 of 4" in stage.panel.message.words
    command = stage.client.last(DrawSurface)
    failure = CommandFailed(request=command.request, command="DrawSurface", message="The history is locked.")
    stage.client.deliver(failure)
    qtbot.waitUntil(lambda: not film.recording)
    assert stage.panel.message.words == "The history is locked." and stage.state.place.place is None
    assert not (tmp_path / "film.gif").exists()


def test_a_film_whose_planes_change_their_size_is_given_up(stage: Stage, tmp_path: Path, qtbot: QtBot) -> None:
    film = stage.panel.export.film
    stage.panel.export.start("gif", str(tmp_path / "film.gif"))
    stage.settle()
    qtbot.waitUntil(lambda: "frame 2 of 4" in film.message)
    stage.panel.resize(900, 500)
    QApplication.processEvents()
    stage.settle()
    qtbot.waitUntil(lambda: not film.recording)
    assert film.failed and "changed their size" in film.message
    assert not (tmp_path / "film.gif").exists()


def test_a_film_can_be_stopped(stage: Stage, tmp_path: Path) -> None:
    export = stage.panel.export
    export.start("gif", str(tmp_path / "film.gif"))
    menu = export_menu(stage.panel, export)
    assert menu.actions()[0].text() == "Stop the film"
    menu.actions()[0].trigger()
    menu.deleteLater()
    assert not export.film.busy and export.message == "The film was stopped."


def test_what_cannot_be_written_says_why(qtbot: QtBot, stage: Stage) -> None:
    scene = PlaneScene()
    panel = PlanePanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    export: PlaneExport = panel.export
    assert export.problem("png") == NO_SURFACE and not panel.save.isEnabled()
    for tile in stage.state.tiles:
        tile.recorded = RecordedSurfaces()
    stage.state.recorded.emit()
    assert stage.panel.export.problem("gif") == NOTHING_RECORDED and stage.panel.export.problem("png") == ""


def test_long_trainings_have_a_limited_number_of_frames() -> None:
    assert film_places(np.arange(5.0)).tolist() == [0, 1, 2, 3, 4]
    chosen = film_places(np.arange(1000.0))
    assert len(chosen) == MAX_FRAMES and chosen[0] == 0 and chosen[-1] == 999


def test_a_plane_has_forms_in_the_menu_of_the_window(stage: Stage, tmp_path: Path) -> None:
    canvas = stage.panel.stage.views[MADE].canvas
    forms = {form.title: form for form in forms_of(canvas, canvas.rect().center())}
    assert list(forms) == ["Save plane as PNG…", "Save plane as SVG…", "Copy plane"]
    write_svg, copy = forms["Save plane as SVG…"].write, forms["Copy plane"].copy
    assert write_svg is not None and copy is not None
    write_svg({"Run": "MADE"})(tmp_path / "plane.svg")
    assert "Run: MADE" in (tmp_path / "plane.svg").read_text()
    picture = copy()
    assert not isinstance(picture, str) and picture.width() == 2 * canvas.width()
