"""The Train panel in presentation mode."""

import numpy as np
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from training_scene import Scene, grid, opened, points

from gmstudio.window.gui.panels.train.panel import TrainPanel

LEFT_OUT = ("start", "pause", "smoothing", "tabs")


def test_a_presentation_has_samples_and_curves_alone(qtbot: QtBot) -> None:
    scene = Scene()
    panel = TrainPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.resize(1280, 720)
    panel.show()
    scene.begin()
    scene.client.deliver(points("/runs/a", "loss", np.arange(50), np.arange(50.0)))
    scene.client.deliver(grid("/runs/a", 40))

    def find(name: str) -> QWidget:
        found = panel.findChild(QWidget, f"train.{name}")
        assert found is not None, name
        return found

    curves = find("curves")
    qtbot.waitUntil(lambda: bool(panel._curves.plots))
    samples, before = find("samples"), (find("samples").size(), curves.size())
    panel.set_presenting(True)
    QApplication.processEvents()
    assert not any(find(name).isVisible() for name in LEFT_OUT)
    assert samples.width() > 1200 and curves.width() > 1200
    assert all(plot.isVisible() for plot in panel._curves.plots.values()) and find("shown").isVisible()
    scene.client.deliver(points("/runs/a", "images_per_s", [1, 2], [10.0, 20.0]))
    panel._curves.refresh()
    assert not any(toggle.isVisible() for toggle in panel._curves._toggles.values())
    panel.set_presenting(False)
    QApplication.processEvents()
    assert all(find(name).isVisible() for name in LEFT_OUT)
    assert (samples.size(), curves.size()) == before
    scene.client.deliver(opened())
