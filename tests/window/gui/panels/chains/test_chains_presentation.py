"""The Chains panel in presentation mode."""

from collections.abc import Iterator

import pytest
from chains_scene import ChainsScene
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.chains.panel import ChainsPanel


@pytest.fixture
def panel(qtbot: QtBot) -> Iterator[ChainsPanel]:
    scene = ChainsScene()
    panel = ChainsPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.resize(1280, 720)
    panel.show()
    scene.arrive()
    scene.answer(40, done=True)
    yield panel
    scene.state.pause()


def test_a_presentation_has_images_and_transport_alone(panel: ChainsPanel) -> None:
    QApplication.processEvents()
    left_out = (panel.run, panel.kind, panel.setup, panel.curves)
    before = panel.images.size()
    panel.set_presenting(True)
    QApplication.processEvents()
    assert not any(widget.isVisible() for widget in left_out)
    assert panel.images.width() > 1200 and panel.images.height() > before.height()
    assert panel.scrub.isVisible() and panel.speed.isVisible()
    panel.set_presenting(False)
    QApplication.processEvents()
    assert all(widget.isVisible() for widget in left_out) and panel.images.size() == before
