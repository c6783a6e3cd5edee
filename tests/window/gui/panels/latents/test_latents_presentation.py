"""The Latents panel in presentation mode."""

from latent_engine import LatentEngine
from latent_fixture import control, engine, open_view, panel
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from gmstudio.window.gui.panels.latents.panel import LatentsPanel

__all__ = ["engine", "panel"]


def left_out(panel: LatentsPanel) -> tuple[QWidget, ...]:
    return (panel.run, panel.bar, panel.tabs, control(panel, "reset"), panel.companion.kind)


def test_a_presentation_has_a_larger_image_and_the_sliders_alone(panel: LatentsPanel) -> None:
    panel.resize(1280, 720)
    QApplication.processEvents()
    before = panel.image.geometry()
    panel.set_presenting(True)
    QApplication.processEvents()
    assert not any(widget.isVisible() for widget in left_out(panel))
    assert panel.image.height() > 1.3 * before.height() and panel.sliders.bank.isVisible()
    assert panel.image.width() == panel.stage.width(), "no empty half beside it"
    panel.set_presenting(False)
    QApplication.processEvents()
    assert all(widget.isVisible() for widget in left_out(panel)) and panel.image.geometry() == before


def test_an_original_stands_beside_the_image_at_the_same_size(panel: LatentsPanel, engine: LatentEngine) -> None:
    panel.resize(1280, 720)
    panel.set_presenting(True)
    panel.state.gallery.encode_image("valid", 0)
    engine.serve()
    QApplication.processEvents()
    assert panel.state.gallery.encoding is not None
    assert panel.original.size() == panel.image.size() and panel.original.width() > 300
    assert panel.companion.caption.isVisible() and panel.companion.caption.words


def test_the_interpolation_is_played_by_its_key(panel: LatentsPanel, engine: LatentEngine) -> None:
    open_view(panel, "interpolation")
    panel.state.interpolation.add(panel.state.code.values)
    panel.state.code.set_value(0, 1.0)
    panel.state.interpolation.add(panel.state.code.values)
    engine.serve()
    panel.set_presenting(True)
    panel.setFocus()
    QTest.keyClick(panel, Qt.Key.Key_Space)
    assert panel.state.interpolation.playing
    panel.state.interpolation.pause()
