"""The real window against the real engine: train, step a pixel, drag a slider, export, quit; by mouse and keyboard."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.media import read_provenance
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.gui.widgets.sliders.coordinate_slider import SigmaSlider
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

WAIT_MS = 60_000
STEPS = 12
WidgetT = TypeVar("WidgetT", bound=QWidget)
pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


class User:
    """Does what a person does: clicks, drags and types on what is visible."""

    def __init__(self, qtbot: QtBot, window: MainWindow, studio: Studio) -> None:
        self.qtbot, self.window, self.studio = qtbot, window, studio

    def find(self, name: str) -> QWidget:
        """The visible widget of this object name."""
        found = [w for w in self.window.findChildren(QWidget, name) if w.isVisible()]
        assert len(found) == 1, f"{len(found)} visible widgets named {name!r}"
        return found[0]

    def click(self, name: str) -> None:
        """Click once the control can be used."""
        self.wait(lambda: self.find(name).isEnabled())
        self.qtbot.mouseClick(self.find(name), Qt.MouseButton.LeftButton)

    def wait(self, condition: object) -> None:
        self.qtbot.waitUntil(condition, timeout=WAIT_MS)

    def train(self, family: str) -> str:
        """Train a family on the digits for a few steps; the path of its run."""
        self.click("sidebar.train")
        training = self.studio.state(TrainingState)
        training.setup.choose_family(family)
        training.setup.set_training({**training.setup.training, "steps": STEPS, "num_samples": 4}, {})
        self.wait(lambda: training.can_start)
        known = {info.run for info in self.studio.library.runs}
        self.click("train.start")
        self.wait(lambda: any(i.run not in known and i.status == "finished" for i in self.studio.library.runs))
        return next(info.run for info in self.studio.library.runs if info.run not in known)


@pytest.fixture
def user(qtbot: QtBot, home: Path) -> Iterator[User]:
    client = EngineClient()
    studio = Studio(client)
    client.start()
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    window.resize(1366, 768)
    window.show()
    user = User(qtbot, window, studio)
    user.wait(lambda: studio.library.catalog is not None)
    yield user
    client.close()
    qtbot.waitUntil(lambda: client.state.phase == "closed", timeout=WAIT_MS)


def ink(widget: QWidget) -> int:
    """Number of different colours that a widget shows."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)[:, : image.width()]
    return len(np.unique(pixels))


def step_a_pixel_and_keep_a_choice(user: User) -> None:
    run = user.train("pixelcnn")
    curve = user.studio.state(TrainingState).history(run).curve("train", "loss")
    assert len(curve.steps) == STEPS and np.isfinite(curve.values).all()
    user.click("sidebar.pixels")
    pixels = user.studio.state(PixelsState)
    pixels.choose_run(run)
    user.wait(lambda: pixels.navigator.state is not None and not pixels.navigator.busy)
    state = pixels.navigator.state
    assert state is not None and state.step == 0 and state.conditional.sum() == pytest.approx(1.0, abs=1e-5)
    user.click("pixels.step")
    user.wait(lambda: pixels.navigator.state is not None and pixels.navigator.state.step == 1)
    user.qtbot.keyClick(user.find("pixels.canvas"), Qt.Key.Key_Right)
    user.wait(lambda: pixels.navigator.state is not None and pixels.navigator.state.step == 2)
    pixels.navigator.choose(3)
    user.wait(lambda: pixels.navigator.state is not None and pixels.navigator.state.step == 3)
    last = pixels.navigator.state
    assert last is not None and last.image.reshape(-1)[2] == 3 and len(last.nats) == 3
    assert ink(user.find("pixels.canvas")) > 3


def drag_a_slider_and_export_the_image(user: User, target: Path) -> None:
    run = user.train("vae")
    user.click("sidebar.latents")
    latents = user.studio.state(LatentsState)
    latents.choose_run(run)
    user.wait(lambda: latents.shown is not None)
    before = latents.shown
    assert before is not None
    slider = next(s for s in user.window.findChildren(SigmaSlider) if s.isVisible())
    middle = slider.rect().center()
    user.qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=middle)
    for step in range(1, 9):
        user.qtbot.mouseMove(slider, middle + QPoint(step * slider.width() // 20, 0))
    user.qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=middle + QPoint(8 * slider.width() // 20, 0))
    user.wait(lambda: latents.shown is not None and np.array_equal(latents.shown.code, latents.code.values))
    after = latents.shown
    assert after is not None and not np.array_equal(after.code, before.code)
    assert not np.array_equal(after.image, before.image)
    export(user, target)
    provenance = read_provenance(target)
    assert provenance.folder == run and provenance.step == STEPS and provenance.codes is not None
    np.testing.assert_allclose(provenance.codes[0], after.code, atol=1e-6)
    with Image.open(target) as picture:
        assert np.asarray(picture).std() > 0


def export(user: User, target: Path) -> None:
    """Export the decoded image under this name, through the dialog."""
    user.qtbot.keyClick(user.find("latents.image"), Qt.Key.Key_7)
    source = user.find("latents.export_source")
    source.setCurrentIndex(source.findText("image", Qt.MatchFlag.MatchContains))  # type: ignore[attr-defined]
    source.activated.emit(source.currentIndex())  # type: ignore[attr-defined]
    form = user.find("latents.export_format")
    form.setCurrentIndex(form.findText("PNG", Qt.MatchFlag.MatchContains))  # type: ignore[attr-defined]
    form.activated.emit(form.currentIndex())  # type: ignore[attr-defined]
    user.click("latents.export")
    user.wait(lambda: user.window.findChild(QFileDialog, "export_dialog") is not None)
    dialog = user.window.findChild(QFileDialog, "export_dialog")
    assert dialog is not None
    dialog.fileSelected.emit(str(target))
    dialog.close()
    user.wait(target.exists)
    user.wait(lambda: not user.studio.state(LatentsState).export.busy)


def quit_in_order(user: User) -> None:
    """Close the window; the engine checkpoints and exits, and every run is whole on the disk."""
    user.window.close()
    user.wait(lambda: user.studio.client.state.phase == "closed")
    assert user.studio.client.state.process_exit is None, "the engine did not end in order"
    for info in user.studio.library.runs:
        record = json.loads((Path(user.studio.library.path_of(info.run)) / "run.json").read_text(encoding="utf-8"))
        assert record["status"] == "finished" and record["step"] == STEPS


def test_train_step_a_pixel_drag_a_slider_export_and_quit(user: User, tmp_path: Path) -> None:
    step_a_pixel_and_keep_a_choice(user)
    drag_a_slider_and_export_the_image(user, tmp_path / "code.png")
    quit_in_order(user)
