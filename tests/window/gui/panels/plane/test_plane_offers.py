"""Runs that the Plane panel offers to train: on the empty page, in the menu, in the palette."""

from plane_scene import FLOW, MADE, OTHER, PlaneScene, family, info
from pytestqt.qtbot import QtBot

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.families import Objective
from gmstudio.protocol.runs import RunInfo, RunOpened
from gmstudio.protocol.training import StartTraining
from gmstudio.window.gui.panels.plane.add_menu import add_menu
from gmstudio.window.gui.panels.plane.panel import PlanePanel

FAMILIES = (family("made"), family("flow"), family("pixelcnn", on_points=False))


def shown(qtbot: QtBot) -> tuple[PlaneScene, PlanePanel]:
    scene = PlaneScene()
    panel = PlanePanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.resize(1290, 690)
    panel.show()
    return scene, panel


def test_the_empty_page_trains_a_family_on_a_set_with_one_click(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([], FAMILIES)
    page = panel.empty
    assert list(page.buttons) == ["made", "flow"] and "take a few seconds" in page.words.text()
    assert [page.shape.itemText(i) for i in range(page.shape.count())] == ["two moons", "ring"]
    page.shape.setCurrentIndex(1)
    page.buttons["flow"].click()
    spec = scene.client.last(StartTraining).spec
    assert spec.family == "flow" and spec.data_config == {"shape": "ring", "levels": 16}
    assert not page.buttons["made"].isEnabled() and "being started" in page.buttons["made"].toolTip()


def test_a_refusal_is_said_on_the_page(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([], FAMILIES)
    panel.empty.buttons["made"].click()
    request = scene.client.last(StartTraining).request
    scene.client.deliver(CommandFailed(request=request, command="StartTraining", message="The disk is full."))
    assert panel.empty.message.words == "The disk is full." and panel.empty.buttons["made"].isEnabled()


def test_the_run_that_begins_is_shown(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([], FAMILIES)
    scene.arrive([info(MADE)], FAMILIES)
    assert scene.state.run == MADE and not panel.empty.isVisible()


def test_the_menu_trains_another_family_on_the_same_points(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([info(MADE)], FAMILIES)
    menu = add_menu(panel, scene.state, panel.offers, "", lambda: None)
    action = next(action for action in menu.actions() if action.text() == "FLOW")
    action.trigger()
    menu.deleteLater()
    assert scene.client.last(StartTraining).spec.data_config == {"set": "moons", "shape": "moons", "levels": 16}


def test_the_menu_says_why_nothing_can_be_trained_now(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([info(MADE)], FAMILIES)
    panel.offers.start("flow", {})
    menu = add_menu(panel, scene.state, panel.offers, "", lambda: None)
    said = [action.text() for action in menu.actions()]
    assert "A run is being started." in said and "Train on these points" not in said
    menu.deleteLater()


def opened(scene: PlaneScene, run: RunInfo) -> None:
    """Deliver that the run that was started is open and trains."""
    scene.client.deliver(
        RunOpened(
            request=scene.client.last(StartTraining).request,
            info=run,
            live=True,
            objective=Objective(latex="", terms=()),
            latent=None,
            num_parameters=1,
            sample_steps=(),
        )
    )


def test_other_points_are_chosen_beside_runs_and_shown_in_their_place(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([info(MADE)], FAMILIES)
    panel.show_offers(True)
    assert panel.empty.isVisible() and panel.empty.back.isVisible()
    panel.empty.back.click()
    assert not panel.empty.isVisible()
    panel.show_offers(True)
    panel.empty.buttons["flow"].setFocus()
    panel.empty.buttons["flow"].click()
    opened(scene, info(OTHER, source="ring"))
    assert not panel.empty.isVisible() and [tile.run for tile in scene.state.tiles] == [OTHER]
    assert panel.focusWidget() is panel


def test_a_run_on_the_same_points_joins_the_others(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([info(MADE)], FAMILIES)
    panel.offers.start("flow", {})
    opened(scene, info(FLOW))
    assert [tile.run for tile in scene.state.tiles] == [MADE, FLOW] and scene.state.run == FLOW


def test_while_a_run_trains_none_can_be_started(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([info(MADE), info(FLOW)], FAMILIES)
    scene.train(FLOW)
    menu = add_menu(panel, scene.state, panel.offers, FLOW, lambda: None)
    action = next(action for action in menu.actions() if action.text() == "FLOW")
    assert not action.isEnabled() and "in training" in action.toolTip()
    menu.deleteLater()
    assert [tile.run for tile in scene.state.tiles] == [MADE, FLOW]


def test_the_palette_has_families_and_views(qtbot: QtBot) -> None:
    scene, panel = shown(qtbot)
    scene.arrive([info(MADE)], FAMILIES)
    scene.state.set_active(True)
    scene.serve()
    entries = {entry.title: entry for entry in panel.palette_entries()}
    assert list(entries) == [
        "Train MADE on these points",
        "Train FLOW on these points",
        "View: Chain rule",
        "View: Denoising paths",
        "View: Codes",
    ]
    entries["View: Chain rule"].run()
    assert scene.state.chosen is not None and scene.state.chosen.view_name == "slices"
    scene.state.set_active(False)
