"""Diagnostics of the Train panel: figures, gradient norms, pace."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from fake_client import FakeClient
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot
from training_scene import GAME, opened

from gmstudio.protocol.array import Array
from gmstudio.protocol.runs import HistoryAppended, Series
from gmstudio.protocol.training import DrawFigures, FigureDrawn, FiguresDrawn, PaceTraining
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.diagnostics import DiagnosticsView, list_columns
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
        qtbot.addWidget(self.panel)
        run = opened("/gan", objective=GAME, step=10, capabilities=("figures",), checkpoint_steps=(10,))
        self.client.deliver(msgspec.structs.replace(run, phases=PHASES))

    def draw(self, *figures: FigureDrawn) -> None:
        self.diagnostics.set_active(True)
        request = self.client.last(DrawFigures).request
        self.client.deliver(FiguresDrawn(request=request, run="/gan", step=12, figures=figures))

    def words(self) -> str:
        return " | ".join(label.text() for label in self.view.findChildren(QLabel) if not label.isHidden())


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
    stage.view.images.hovered.emit(5)
    assert "output" in stage.words().split(" | ")
    stage.view.images.hovered.emit(-1)
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


def test_a_single_phase_at_a_limited_pace(stage: Stage) -> None:
    stage.view.slow.click()
    stage.view.only.setCurrentIndex(2)
    stage.view.only.activated.emit(2)
    pace = stage.client.last(PaceTraining)
    assert pace.steps_per_s == stage.diagnostics.pace_hz and pace.phases == ("generator",)
