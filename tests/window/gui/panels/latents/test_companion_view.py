"""The companion of the decoded image in the panel: chosen in its head line, of the decoded image's size."""

import numpy as np
from history_text import undo_text
from latent_engine import GAN, WIDE, LatentEngine
from latent_fixture import control, engine, open_view, panel
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.latents.panel import LatentsPanel

__all__ = ["engine", "panel"]


def choose(panel: LatentsPanel, engine: LatentEngine, kind: str) -> None:
    box = control(panel, "companion")
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findData(kind))
    box.activated.emit(box.currentIndex())
    engine.serve()


def test_each_kind_stands_in_one_place(panel: LatentsPanel, engine: LatentEngine) -> None:
    shown: dict[str, QWidget] = {"original": panel.original, "samples": panel.companion.samples}
    shown["run"] = panel.companion.other
    places = set()
    for kind, widget in shown.items():
        choose(panel, engine, kind)
        assert [w.isVisible() for w in shown.values()] == [other is widget for other in shown.values()]
        assert control(panel, "other_run").isVisible() == (kind == "run")
        assert control(panel, "new_samples").isVisible() == (kind == "samples")
        places.add((panel.companion.geometry().getRect(), panel.image.geometry().getRect()))
    assert len(places) == 1
    open_view(panel, "user_image")
    assert not panel.companion.isVisible() and panel.companion.caption.words == "Your image"
    assert not control(panel, "companion").isVisible()


def test_two_runs_stand_side_by_side(panel: LatentsPanel, engine: LatentEngine) -> None:
    choose(panel, engine, "run")
    panel.companion.run.choose(GAN)
    engine.serve()
    assert panel.companion.other.image is not None and panel.companion.below.words == "Same code"
    panel.state.code.set_value(1, 2.0)
    engine.serve()
    np.testing.assert_array_equal(panel.companion.other.image, engine.means(GAN, panel.state.code.values))
    panel.companion.run.choose(WIDE)
    engine.serve()
    assert panel.companion.other.image is None and "40 dimensions" in panel.companion.other._placeholder


def test_a_sample_is_clicked_and_new_ones_are_drawn(qtbot: QtBot, panel: LatentsPanel, engine: LatentEngine) -> None:
    choose(panel, engine, "samples")
    assert len(panel.companion.samples.images) == 16 and panel.companion.caption.words == "seed 0"
    panel.companion.samples.clicked.emit(5)
    assert undo_text(panel) == "Go to sample 6" and panel.state.code.values.any()
    panel.companion.draw.trigger()
    engine.serve()
    assert panel.companion.caption.words == "seed 1"
