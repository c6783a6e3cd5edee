"""Diagnostics of the Train panel: figures, gradient norms, pace."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from fake_client import FakeClient
from numpy.typing import NDArray
from PySide6.QtCore import QPointF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot
from training_scene import GAME, opened

from gmstudio.protocol.array import Array
from gmstudio.protocol.runs import HistoryAppended, Series
from gmstudio.protocol.training import DrawFigures, FigureDrawn, FiguresDrawn, PaceTraining, TrainingChanged
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.diagnostics import DiagnosticsView
from gmstudio.window.gui.panels.train.figure_view import FigureWindow, list_columns
from gmstudio.window.gui.panels.train.pace import NOT_TRAINING, PaceView
from gmstudio.window.gui.widgets.plots.map_grid import Maps
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.diagnostics import Diagnostics

PHASES = ("discriminator", "generator")


class OnePanel(Panel):
    name, title, icon = "train", "Train", "train"


class Stage:
    """The view on a run of a GAN in training, without an engine."""

    def __init__(self, qtbot: QtBot) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.diagnostics = Diagnostics(self.client, self.library)
        self.library.run_opened.connect(self.diagnostics.show_run)
        self.panel = OnePanel()
        self.view = DiagnosticsView(self.diagnostics, self.panel)
        self.paces = PaceView(self.diagnostics, self.panel)
        qtbot.addWidget(self.panel)
        run = opened("/gan", objective=GAME, step=10, capabilities=("figures",), checkpoint_steps=(10,))
        self.client.deliver(msgspec.structs.replace(run, phases=PHASES))

    def draw(self, *figures: FigureDrawn, shown: NDArray[np.uint8] | None = None) -> None:
        self.diagnostics.set_active(True)
        self.answer(self.client.last(DrawFigures), *figures, shown=shown)

    def draw_again(self, *figures: FigureDrawn) -> None:
        self.diagnostics._pause.stop()
        self.diagnostics._stale = True
        self.diagnostics._draw_if_needed()
        self.answer(self.client.last(DrawFigures), *figures)

    def answer(
        self,
        command: DrawFigures,
        *figures: FigureDrawn,
        image: int = 0,
        pixel: tuple[int, int] = (1, 1),
        shown: NDArray[np.uint8] | None = None,
    ) -> None:
        array = None if shown is None else Array.of(shown)
        drawn = FiguresDrawn(
            request=command.request,
            run="/gan",
            step=12,
            figures=figures,
            num_images=7,
            image=image,
            pixel=pixel,
            shown=array,
        )
        self.client.deliver(drawn)

    def words(self) -> str:
        return " | ".join(label.text() for label in self.panel.findChildren(QLabel) if not label.isHidden())


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    stage = Stage(qtbot)
    yield stage
    qtbot.waitUntil(lambda: not stage.diagnostics._pause.isActive())


def test_figures_are_requested_when_the_tab_is_shown(stage: Stage) -> None:
    assert not [c for c in stage.client.sent if isinstance(c, DrawFigures)]
    stage.panel.show()
    stage.view.show()
    assert len([c for c in stage.client.sent if isinstance(c, DrawFigures)]) == 1


def test_columns_of_images_are_named(stage: Stage) -> None:
    images = Array.of(np.zeros((8, 1, 8, 8), np.uint8))
    names = ("input", "output") * 2
    stage.draw(
        FigureDrawn(
            kind="images", name="r", title="Pairs", help="Pairs of them.", series=names, images=images, columns=4
        )
    )
    assert "Pairs of them. From the left: input, output, and so on. (step 12)" in stage.words()
    stage.view.view.images.hovered.emit(5)
    assert "output" in stage.words().split(" | ")
    stage.view.view.images.hovered.emit(-1)
    assert "Pairs of them." in stage.words()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a", "b", "c"), "a, b, c"),
        (("a", "a", "a"), "a, and so on"),
        (("a", "b", "a", "b"), "a, b, and so on"),
        (("a", "b", "a"), "a, b, a"),
    ],
)
def test_repeated_columns_are_named_once(names: tuple[str, ...], words: str) -> None:
    assert list_columns(names) == words


def test_the_gradient_norm_of_every_phase_is_shown(stage: Stage) -> None:
    assert "Gradient norms" not in stage.words()
    norms = {"grad_norm_discriminator": 0.5, "grad_norm_generator": 2.0}
    series = tuple(Series("train", k, Array.of(np.array([11])), Array.of(np.array([v]))) for k, v in norms.items())
    stage.client.deliver(HistoryAppended(run="/gan", series=series))
    assert "Gradient norms: discriminator 0.500, generator 2.00" in stage.words()
    stage.diagnostics.set_only("generator")
    assert "Gradient norms: generator 2.00" in stage.words(), "the other one is not trained"


def field_map(values: list[float], **fields: Any) -> FigureDrawn:
    array = Array.of(np.array(values, np.float32).reshape(1, 1, 2, 2))
    return FigureDrawn(
        kind="maps", name="field", title="Field", help="Which pixels.", values=array, labels=("own",), **fields
    )


def test_maps_show_values_under_the_pointer_and_name_their_colours(stage: Stage, qtbot: QtBot) -> None:
    stage.panel.resize(400, 500)
    stage.view.resize(400, 500)
    stage.panel.show()
    stage.view.show()
    stage.draw(field_map([0.0, 1.0, 2.0, float("nan")], classes=("later", "seen", "blind spot", "unused")))
    maps, legend = stage.view.view.maps, stage.view.view.legend
    assert legend.texts() == ("later", "seen", "blind spot")
    qtbot.waitUntil(lambda: maps.width() > 200)
    rect = maps.image_rect(0)
    QTest.mouseMove(maps, (rect.topLeft() + QPointF(0.25 * rect.width(), 0.75 * rect.height())).toPoint())
    assert "own · row 1, column 0: blind spot" in stage.words()
    assert maps.maps is not None
    colours = maps.maps.colours()[0]
    assert len({tuple(colours[:, row, column]) for row in range(2) for column in range(2)}) == 4
    stage.draw_again(field_map([0.0, 1.0, 2.0, float("nan")], unit="nats"))
    assert legend.texts() == ("0", "2 nats")
    assert maps.maps.words_at(0, 0, 1) == "own · row 0, column 1: 1 nats"


def test_signed_maps_have_zero_in_the_middle_of_the_scale(qapp: QApplication) -> None:
    maps = Maps(np.array([[[[-1.0, 0.0, 4.0]]]]), ("w",), signed=True)
    assert maps.scale() == (-4.0, 4.0)
    neutral = maps.colours()[0, :, 0, 1]
    assert neutral.min() > 200, "light grey"
    each = Maps(np.array([[[[-1.0]]], [[[4.0]]]]), ("a", "b"), signed=True, each=True).colours()
    assert not np.array_equal(each[0], each[1]) and each[1, 0] > each[1, 2], "each at the end of its own scale"


def test_a_click_shows_the_figure_large_with_its_title(stage: Stage) -> None:
    stage.panel.show()
    stage.view.show()
    stage.draw(field_map([0.0, 1.0, 2.0, 3.0]))
    stage.view.view.maps.clicked.emit(0)
    large = stage.view.findChild(FigureWindow)
    assert large is not None and large.isVisible() and large.windowTitle() == "Field"
    stage.draw_again(field_map([0.0, 1.0, 2.0, 9.0]))
    shown = large.view.maps.maps
    assert shown is not None and shown.values.max() == 9, "it follows the training"
    stage.view.hide()
    assert stage.diagnostics._active, "figures are drawn for the large one"
    large.close()
    assert not stage.diagnostics._active


def test_a_table_lists_its_rows(stage: Stage) -> None:
    values = Array.of(np.array([[1200, 3], [0.25, 1.0]], np.float32))
    figure = FigureDrawn(
        kind="table",
        name="t",
        title="Table",
        help="Rows.",
        values=values,
        series=("count", "p(1)"),
        labels=("00", "01"),
    )
    stage.draw(figure)
    table = stage.view.view.table
    shown = [[table.item(row, column).text() for column in range(2)] for row in range(2)]
    assert shown == [["1,200", "0.2500"], ["3", "1.000"]]
    assert table.verticalHeaderItem(1).text() == "01"


def test_an_image_and_a_pixel_are_chosen(stage: Stage) -> None:
    assert not stage.view.thumbnail.isVisibleTo(stage.view), "no figure is of an image yet"
    stage.draw(field_map([0.0, 1.0, 2.0, 3.0], mark=(1, 1)), shown=np.zeros((1, 2, 2), np.uint8))
    assert stage.view.thumbnail.isVisibleTo(stage.view) and stage.view.image.maximum() == 6
    stage.view.image.setValue(4)
    command = stage.client.last(DrawFigures)
    assert command.image == 4 and command.pixel is None, "at once, not after a pause"
    stage.view.thumbnail.entry_clicked.emit(0, 1)
    assert stage.client.last(DrawFigures) is command, "one request at a time"
    stage.answer(command, field_map([0.0, 1.0, 2.0, 3.0], mark=(1, 1)), image=4, shown=np.zeros((1, 2, 2), np.uint8))
    command = stage.client.last(DrawFigures)
    assert (command.image, command.pixel) == (4, (0, 1))
    stage.answer(command, image=4, pixel=(0, 1), shown=np.zeros((1, 2, 2), np.uint8))
    assert (stage.view.row.value(), stage.view.column.value()) == (0, 1)


def test_the_pace_has_its_reason_where_it_cannot_be_set(stage: Stage) -> None:
    assert stage.paces.slow.isEnabled() and NOT_TRAINING not in stage.words()
    stage.client.deliver(TrainingChanged(run="/gan", status="finished", step=20))
    assert not stage.paces.slow.isEnabled() and NOT_TRAINING in stage.words()


def test_a_single_phase_at_a_limited_pace(stage: Stage) -> None:
    stage.paces.slow.click()
    stage.paces.only.setCurrentIndex(2)
    stage.paces.only.activated.emit(2)
    pace = stage.client.last(PaceTraining)
    assert pace.steps_per_s == stage.diagnostics.pace_hz and pace.phases == ("generator",)
