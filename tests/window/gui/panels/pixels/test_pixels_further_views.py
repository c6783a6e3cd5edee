"""Views of the Pixels panel: saliency, comparison of two models, continuations."""

import numpy as np
import pytest
import torch
from pixel_engine import RUN, PixelEngine
from pixels_scene import make_panel
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QToolButton, QWidget
from pytestqt.qtbot import QtBot
from tiny_autoregressive import TinyAutoregressive

from gmstudio.families import FAMILIES
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import PixelAttributed
from gmstudio.window.gui.panels.pixels.attribution import AttributionView
from gmstudio.window.gui.panels.pixels.comparison import ComparisonView
from gmstudio.window.gui.panels.pixels.continuations import against_samples
from gmstudio.window.gui.panels.pixels.names import decimal
from gmstudio.window.gui.panels.pixels.panel import PixelsPanel
from gmstudio.window.gui.widgets.elided_label import ElidedLabel

SPEC = ImageSpec(channels=1, height=4, width=3, levels=4)
RGB = ImageSpec(channels=3, height=3, width=3, levels=4)
MANY = ImageSpec(channels=1, height=3, width=3, levels=256)
OTHER = "/runs/other"


def panel_beside(qtbot: QtBot, engine: PixelEngine) -> PixelsPanel:
    """The panel with five sub-pixels placed, and another run to compare with."""
    engine.others[OTHER] = TinyAutoregressive(engine.spec, seed=9)
    panel = make_panel(qtbot, engine, RUN, OTHER)
    panel.session.navigator.draw_to(5)
    engine.serve()
    return panel


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine(SPEC)


@pytest.fixture
def panel(qtbot: QtBot, engine: PixelEngine) -> PixelsPanel:
    return panel_beside(qtbot, engine)


def saliency_view(panel: PixelsPanel) -> AttributionView:
    (view,) = panel.findChildren(AttributionView)
    return view


def comparison_view(panel: PixelsPanel) -> ComparisonView:
    (view,) = panel.findChildren(ComparisonView)
    return view


def show_saliency(panel: PixelsPanel, engine: PixelEngine) -> AttributionView:
    view = saliency_view(panel)
    view.show_saliency.trigger()
    engine.serve()
    assert panel.tabs.currentWidget() is view
    return view


def compare(panel: PixelsPanel, engine: PixelEngine) -> ComparisonView:
    view = comparison_view(panel)
    view.compare.trigger()
    engine.serve()
    assert panel.tabs.currentWidget() is view
    return view


# ---- saliency ----------------------------------------------------------------------------------------------------


def test_the_sensitivity_is_laid_over_the_small_map(panel: PixelsPanel, engine: PixelEngine) -> None:
    view = show_saliency(panel, engine)
    overlay = view.map.overlay
    assert overlay is not None and overlay.diverging and "nats" in overlay.legend
    assert view.attribution.attributed is not None
    np.testing.assert_allclose(overlay.values[1, 1], view.attribution.attributed.sensitivity.numpy()[0, 1, 1])
    assert np.isnan(overlay.values[2:]).all() and np.abs(overlay.values[~np.isnan(overlay.values)]).max() <= overlay.top
    assert view.title.text().startswith("log p(x₅ = ") and "all 5 earlier pixels" in view.words.text()
    view.map.hovered.emit(0, 1)
    assert view.reading.text().startswith("Row 0, column 1: ") and "nats" in view.reading.text()


def test_large_and_small(panel: PixelsPanel, engine: PixelEngine) -> None:
    view = show_saliency(panel, engine)
    assert panel.canvas.overlay is None
    view.large.trigger()
    assert panel.canvas.overlay is not None and view.map.overlay is None, "the small one is the image then"
    panel.tabs.setCurrentWidget(panel.surprisal)
    assert panel.canvas.overlay is None, "it goes with its tab"
    panel.tabs.setCurrentWidget(view)
    engine.serve()
    assert panel.canvas.overlay is not None
    view.large.trigger()
    assert panel.canvas.overlay is None


def test_one_map_does_not_take_another_away(panel: PixelsPanel, engine: PixelEngine) -> None:
    show_saliency(panel, engine).large.setChecked(True)
    comparison_view(panel).large.setChecked(True)
    engine.serve()
    assert panel.tabs.currentWidget() is comparison_view(panel)
    assert panel.canvas.overlay is not None and "log p₂ − log p₁" in panel.canvas.overlay.legend
    show_saliency(panel, engine)
    assert panel.canvas.overlay is not None and "log p" in panel.canvas.overlay.legend


def test_the_receptive_field_shows_its_blind_spot(panel: PixelsPanel, engine: PixelEngine) -> None:
    view = show_saliency(panel, engine)
    attributed = view.attribution.attributed
    assert attributed is not None
    reach = attributed.receptive_field.numpy().copy()
    reach[0, 0, 2] = False
    view.attribution.attributed = PixelAttributed(
        session=attributed.session,
        step=5,
        value=1,
        sensitivity=attributed.sensitivity,
        kind="gradient",
        receptive_field=Array.of(reach),
    )
    view.mode.setCurrentIndex(1)
    assert view.map.overlay is None and view.map.picture is not None and view.map.picture.blind is not None
    assert np.argwhere(view.map.picture.blind).tolist() == [[0, 2]]
    assert "4 of the 5 earlier pixels" in view.words.text() and "blind spot" in view.words.text()
    view.large.setChecked(True)
    assert panel.canvas.marked is not None
    view.mode.setCurrentIndex(0)
    assert panel.canvas.marked is None and panel.canvas.overlay is not None


def test_ctrl_click_on_a_bar_attributes_it_without_placing_it(
    qtbot: QtBot, panel: PixelsPanel, engine: PixelEngine
) -> None:
    bars, view = panel.conditional.bars, saliency_view(panel)
    point = bars.bar_rect(3).center().toPoint()
    qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, point)
    engine.serve()
    assert panel.tabs.currentWidget() is view
    assert panel.session.state is not None and panel.session.state.step == 5
    assert view.attribution.attributed is not None and view.attribution.attributed.value == 3
    assert view.value.value() == 3 and not view.value.isHidden() and view.which.currentText() == "chosen"
    view.value.setValue(1)
    engine.serve()
    assert view.attribution.attributed.value == 1
    view.which.activated.emit(0)
    engine.serve()
    assert view.attribution.which == "most_likely" and view.value.isHidden()


def test_a_click_on_the_map_goes_there(panel: PixelsPanel, engine: PixelEngine) -> None:
    view = show_saliency(panel, engine)
    view.map.clicked.emit(0, 2)
    engine.serve()
    assert panel.session.state is not None and panel.session.state.step == 2
    assert view.attribution.attributed is not None and view.attribution.attributed.step == 2


def test_colours_are_summed_or_one_of_them(qtbot: QtBot) -> None:
    engine = PixelEngine(RGB)
    panel = panel_beside(qtbot, engine)
    view = show_saliency(panel, engine)
    assert [view.channel.itemText(i) for i in range(view.channel.count())] == ["summed", "red", "green", "blue"]
    assert view.map.overlay is not None and view.attribution.attributed is not None
    summed = view.map.overlay.values
    view.channel.setCurrentIndex(2)
    assert view.map.overlay is not None
    green = view.attribution.attributed.sensitivity.numpy()[1]
    np.testing.assert_allclose(view.map.overlay.values[0, 0], green[0, 0])
    assert summed[0, 0] != pytest.approx(green[0, 0])
    view.map.hovered.emit(0, 0)
    assert "red " in view.reading.text() and "blue " in view.reading.text()


# ---- two models --------------------------------------------------------------------------------------------------


def test_two_models_side_by_side(panel: PixelsPanel, engine: PixelEngine) -> None:
    view = compare(panel, engine)
    assert view.comparison.other == OTHER and panel.conditional.bars.other_model is not None
    state, compared = panel.session.state, view.comparison.compared
    assert state is not None and compared is not None

    def figure(name: str) -> str:
        label = panel.findChild(QLabel, f"pixels.compare.{name}")
        assert isinstance(label, QLabel)
        return label.text()

    assert figure("own.nats") == f"{state.total_nats:.2f}" and figure("own.bits") == f"{state.bits_per_dim:.4f}"
    assert figure("other.nats") == f"{compared.other_nats:.2f}"
    assert "KL(p₁‖p₂)" in view.words.text() and f"{abs(compared.advantage):.2f} nats" in view.words.text()
    names = [label.words for label in view.scores.findChildren(ElidedLabel)]
    assert names == list(view.comparison.names()) and names[0] != names[1]
    assert "■</span> PixelC" in panel.conditional._entropy.text()
    overlay = view.map.overlay
    assert overlay is not None and overlay.diverging
    assert np.nansum(overlay.values) == pytest.approx(-compared.advantage, abs=1e-4)
    view.map.hovered.emit(0, 0)
    assert "ratio" in view.reading.text()
    panel.tabs.setCurrentWidget(panel.surprisal)
    assert panel.conditional.bars.other_model is None, "bars are compared while the comparison is shown"


def test_without_another_run_it_says_what_to_do(panel: PixelsPanel, engine: PixelEngine) -> None:
    engine.list_runs(RUN)
    view = compare(panel, engine)
    assert "Train another autoregressive family" in view.map._placeholder
    assert view.other.currentIndex() == -1 and view.other.count() == 1


def test_a_refused_pair_is_reported_where_it_happened(panel: PixelsPanel, engine: PixelEngine) -> None:
    engine.others[OTHER] = TinyAutoregressive(ImageSpec(1, 3, 3, 4))
    view = compare(panel, engine)
    assert not view.problem.isHidden() and "same images" in view.problem.label.text()
    view.other.activated.emit(view.other.findData(RUN))
    engine.serve()
    assert view.problem.isHidden() and view.comparison.other == RUN and view.comparison.compared is not None


# ---- bars of many values, continuations ------------------------------------------------------------------------------


def test_actions_zoom_and_take_logarithms(qtbot: QtBot) -> None:
    engine = PixelEngine(MANY)
    panel = panel_beside(qtbot, engine)
    bars = panel.conditional.bars
    fit = panel.findChild(QToolButton, "pixels.bars.fit")
    assert isinstance(fit, QToolButton) and not fit.isHidden()
    panel.conditional.fit.trigger()
    panel.conditional.log.trigger()
    assert bars.fitting and bars.log and bars.chart().heights.floor > 0
    bars.show_values(bars.values.zoomed(2, 100))
    assert not panel.conditional.fit.isChecked()


def test_few_values_need_no_fitting(panel: PixelsPanel) -> None:
    fit = panel.findChild(QToolButton, "pixels.bars.fit")
    assert isinstance(fit, QToolButton) and fit.isHidden() and not panel.conditional.fit.isEnabled()


def test_the_most_likely_image_stands_first(panel: PixelsPanel, engine: PixelEngine) -> None:
    panel.continuations.sample.trigger()
    engine.serve()
    continuations = panel.session.continuations.sampled
    assert continuations is not None and panel.continuations.images._selected == 0
    nats = continuations.nats.numpy()
    assert panel.continuations.images._captions[0] == f"★{nats[0]:.1f}", "short enough for a small image"
    assert f"{nats[0]:.1f} nats; " in panel.continuations._text.text()


def test_greedy_against_samples() -> None:
    assert "2 of 3 samples are more likely" in against_samples(5.0, np.array([4.0, 4.5, 9.0]), 2)
    assert "another image may be more likely" in against_samples(3.0, np.array([4.0, 4.5, 9.0]), 2)


# ---- everywhere ----------------------------------------------------------------------------------------------------


def test_a_finished_image_and_a_narrow_window(panel: PixelsPanel, engine: PixelEngine) -> None:
    view = show_saliency(panel, engine)
    panel.session.navigator.finish()
    engine.serve()
    assert "finished" in view.words.text()
    compare(panel, engine)
    panel.resize(880, 520)
    assert panel.width() == 880
    assert not panel.grab().isNull()


def test_every_control_is_named_and_explained(panel: PixelsPanel) -> None:
    for view in (saliency_view(panel), comparison_view(panel), panel.conditional):
        for widget in view.findChildren(QWidget):
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.parent() is view:
                assert widget.objectName().startswith("pixels."), widget
                assert widget.accessibleName() and widget.toolTip(), widget.objectName()


@pytest.fixture
def blind_engine() -> PixelEngine:
    grey = ImageSpec(channels=1, height=7, width=7, levels=4)
    pixelcnn = FAMILIES["pixelcnn"]
    small = pixelcnn.Config(num_blocks=2, num_channels=4, num_head_channels=4, input_kernel_size=3)
    return PixelEngine(grey, pixelcnn(small, grey))


def test_a_changed_pixel_of_the_blind_spot_leaves_the_conditional_as_it_is(
    qtbot: QtBot, blind_engine: PixelEngine
) -> None:
    grey, gated = blind_engine.spec, FAMILIES["gated_pixelcnn"]
    torch.manual_seed(0)
    other = gated(gated.Config(num_layers=4, num_channels=4), grey)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.5)
    blind_engine.others[OTHER] = other
    panel = make_panel(qtbot, blind_engine, RUN, OTHER)
    view = saliency_view(panel)
    view.show_receptive_field()
    blind_engine.serve()
    assert not view.change.isEnabled() and "no blind spot" in view.change.toolTip()
    panel.session.navigator.draw_to(3 * 7 + 2)
    blind_engine.serve()
    panel.session.comparison.choose(OTHER)
    assert panel.canvas.picture is not None and panel.canvas.picture.blind is not None
    assert panel.canvas.picture.blind.any() and "blind spot" in panel._reading.words
    assert view.change.isEnabled()
    view.change.trigger()
    blind_engine.serve()
    first, second = view.measured.text().split(". ")
    assert "(blind spot)" in first and "the conditional stays exactly the same; under" in first
    assert "it changes, p by up to" in first.split("under")[1], "the gated one has no blind spot"
    assert "(receptive field)" in second and "the conditional changes, p by up to" in second
    assert view.map.marked is not None and view.map.marked.sum() == 2
    panel.transport.step.trigger()
    blind_engine.serve()
    assert not view.measured.text(), "it was about another position"


def test_the_receptive_fields_of_two_models_are_side_by_side_on_the_same_pixels(
    qtbot: QtBot, blind_engine: PixelEngine
) -> None:
    grey, gated = blind_engine.spec, FAMILIES["gated_pixelcnn"]
    blind_engine.others[OTHER] = gated(gated.Config(num_layers=4, num_channels=4), grey)
    panel = make_panel(qtbot, blind_engine, RUN, OTHER)
    panel.session.navigator.draw_to(3 * 7 + 2)
    view = compare(panel, blind_engine)
    view.mode.setCurrentIndex(1)
    left, right = view.map.picture, view.other_map.picture
    assert left is not None and right is not None and left.blind is not None and right.blind is not None
    assert (left.image == right.image).all() and left.current == right.current == (3, 2)
    assert left.blind.any() and not right.blind.any()
    qtbot.waitUntil(lambda: view.other_map.isVisible() and view.map.size() == view.other_map.size())
    assert "0 in the blind spot" in view.words.text()
    panel.resize(880, 560)
    QApplication.processEvents()
    right = view._side.geometry().right()
    assert right <= view.rect().right(), "the words are not cut off beside two maps"


def test_surprisal_has_one_scale_at_every_step(panel: PixelsPanel, engine: PixelEngine) -> None:
    tops = set()
    for _ in range(SPEC.num_dims - 5):
        panel.transport.step.trigger()
        engine.serve()
        tops.add(panel.surprisal.legend.top)
    assert len(tops) == 1


@pytest.mark.parametrize(("value", "text"), [(-1e-9, "0.000"), (-0.25, "−0.250"), (1.0, "1.000")])
def test_no_number_is_a_negative_zero(value: float, text: str) -> None:
    assert decimal(value, 3) == text
