"""The Atlas panel: the drawn tree walked by mouse and keys, its pages, and what it asks of the window."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from atlas_scene import AtlasScene, info
from atlas_stage import LOW, SIZES, Stage
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.atlas.node_button import NodeButton
from gmstudio.window.state.atlas.live import COUNT


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    scene = AtlasScene()
    scene.start()
    stage = Stage(qtbot, scene)
    yield stage
    stage.panel.hide()


@pytest.mark.parametrize("size", [*SIZES, LOW])
def test_no_node_lies_over_another_or_outside(stage: Stage, size: tuple[int, int]) -> None:
    stage.panel.resize(*size)
    QApplication.processEvents()
    tree = stage.panel.tree
    rects = {name: button.geometry() for name, button in ((b.objectName(), b) for b in tree.findChildren(NodeButton))}
    for name, rect in rects.items():
        assert tree.rect().contains(rect), name
    for (one, a), (other, b) in itertools.combinations(rects.items(), 2):
        assert not a.adjusted(1, 1, -1, -1).intersects(b.adjusted(1, 1, -1, -1)), (one, other)


@pytest.mark.parametrize("size", [*SIZES, LOW])
def test_titles_of_branches_are_not_cut(stage: Stage, size: tuple[int, int]) -> None:
    stage.panel.resize(*size)
    QApplication.processEvents()
    for button in stage.panel.tree.findChildren(NodeButton):
        if not button.is_leaf:
            widest = max(button.fontMetrics().horizontalAdvance(line) for line in button.lines())
            assert widest <= button.width() - 6, button.text()
            assert button.fontMetrics().height() * len(button.lines()) <= button.height(), button.text()


def test_large_type_leaves_room_for_the_titles_of_families(stage: Stage) -> None:
    tree = stage.panel.tree
    stage.panel.resize(1366, 768)
    large = tree.font()
    large.setPointSizeF(1.5 * large.pointSizeF())
    usual = stage.node("vae").fontMetrics().height()
    tree.setFont(large)
    QApplication.processEvents()
    _assert_titles_have_room(stage, usual)


def test_titles_of_families_can_be_told_apart_in_a_small_window(stage: Stage) -> None:
    stage.panel.resize(*LOW)
    QApplication.processEvents()
    _assert_titles_have_room(stage, 0, letters=12)


def _assert_titles_have_room(stage: Stage, least_height: int, letters: int = 15) -> None:
    for leaf in (button for button in stage.panel.tree.findChildren(NodeButton) if button.is_leaf):
        assert leaf.fontMetrics().height() >= least_height
        assert leaf.fontMetrics().averageCharWidth() * letters <= leaf.width() - leaf.height(), leaf.text()


@pytest.mark.parametrize("size", [*SIZES, LOW])
def test_facts_are_not_pressed_into_one_another(stage: Stage, size: tuple[int, int]) -> None:
    stage.panel.resize(*size)
    stage.click("vae")
    formula = stage.panel.family.formula
    formula.heightForWidth = lambda _width: 120  # type: ignore[method-assign]
    formula.updateGeometry()
    QApplication.processEvents()
    for name, value in stage.panel.family.values.items():
        assert value.height() >= value.fontMetrics().height(), name


def test_the_panel_fits_the_smallest_window_without_scrolling(stage: Stage) -> None:
    smallest = stage.panel.minimumSizeHint()
    assert smallest.width() <= SIZES[1][0] and smallest.height() <= SIZES[1][1]
    assert not stage.panel.hasHeightForWidth(), "a page would give it the height that it prefers"


def test_a_click_shows_the_family(stage: Stage) -> None:
    stage.click("vae")
    page = stage.panel.family
    assert page.isVisible() and page.title.text() == "VAE"
    assert page.source.words == "Source of vae."
    assert page.formula.latex == r"-\log p(x)"
    assert page.values["Likelihood"].text() == "lower bound"
    assert stage.node("vae").selected and not stage.node("gan").selected
    assert stage.node("explicit-density/approximate-density").on_path


def test_the_root_is_not_on_the_way_to_what_stands_beside_the_tree(stage: Stage) -> None:
    assert stage.panel.tree._tree is not None
    beside = stage.panel.tree._tree.beside
    stage.click(beside.children[0].name)
    assert stage.node(beside.name).on_path and not stage.node("root").on_path
    stage.click("vae")
    assert stage.node("root").on_path and not stage.node(beside.name).on_path


def test_a_branch_shows_its_page_and_its_children(stage: Stage) -> None:
    stage.click("implicit-density")
    page = stage.panel.branch
    assert page.isVisible() and page.theory.markdown
    children = [button.text() for button in page.findChildren(QPushButton) if button.isVisible()]
    assert children == ["Markov chain", "Direct"]
    (direct,) = [b for b in page.findChildren(QPushButton) if b.text() == "Direct"]
    stage.qtbot.mouseClick(direct, Qt.MouseButton.LeftButton)
    assert stage.scene.state.node.path == ("Implicit density", "Direct")


def test_arrows_walk_and_return_opens(stage: Stage) -> None:
    stage.click("root")
    walked = []
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Left):
        stage.press(key)
        walked.append(stage.focused)
    assert walked[0] in ("explicit-density", "implicit-density")
    stage.press(Qt.Key.Key_Home)
    assert stage.focused == "root"
    stage.press(Qt.Key.Key_Right)
    before = stage.scene.state.node.path
    assert before == (), "walking opens nothing"
    name = stage.focused
    stage.press(Qt.Key.Key_Return)
    assert stage.scene.state.node.name == name


def test_every_node_can_be_reached_by_arrows(stage: Stage) -> None:
    """Breadth first from the root, by the four keys alone; what stands beside the tree too."""
    tree = stage.panel.tree
    seen, queue = {()}, [()]
    while queue:
        path = queue.pop(0)
        for key in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down):
            tree._focus(path)
            stage.press(key)
            if tree.current not in seen:
                seen.add(tree.current)
                queue.append(tree.current)
    assert seen == {node.path for node in stage.scene.state.tree.nodes}


def test_left_leads_from_a_family_to_its_branch(stage: Stage) -> None:
    stage.click("gan")
    stage.press(Qt.Key.Key_Left)
    assert stage.focused == "implicit-density/direct"


def test_tab_stops_once_in_the_tree(stage: Stage) -> None:
    stage.click("vae")
    stops = [b for b in stage.panel.tree.findChildren(NodeButton) if b.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert [button.text() for button in stops] == ["VAE"]


def test_nodes_are_named_for_a_screen_reader(stage: Stage) -> None:
    assert stage.node("vae").accessibleName() == ("Family: Explicit density › Approximate density › Variational › VAE")
    assert stage.node("implicit-density").accessibleName() == "Branch: Implicit density"


def test_thumbnails_stand_in_the_tiles(stage: Stage) -> None:
    assert not stage.node("vae").has_image
    stage.qtbot.waitUntil(lambda: bool(stage.scene.draws(1)), timeout=5000)
    command = stage.scene.draws(1)[0]
    stage.scene.draw(command)
    assert stage.node(command.run.removeprefix("/")).has_image


def test_samples_are_shown_as_they_arrive(stage: Stage) -> None:
    stage.click("vae")
    page = stage.panel.family
    assert not len(page.samples.images)
    stage.scene.draw(stage.scene.draws(COUNT)[0], level=9, ms=18.0)
    assert np.unique(page.samples.images).tolist() == [9] and len(page.samples.images) == COUNT
    assert page.values["Time per sample"].text().startswith("2.0 ms")


def test_explore_wants_the_ready_model_and_train_the_family(stage: Stage) -> None:
    stage.click("vae")
    with stage.qtbot.waitSignal(stage.panel.run_wanted) as explored:
        stage.qtbot.mouseClick(stage.panel.findChild(QToolButton, "atlas.explore"), Qt.MouseButton.LeftButton)
    with stage.qtbot.waitSignal(stage.panel.training_wanted) as trained:
        stage.qtbot.mouseClick(stage.panel.findChild(QToolButton, "atlas.train"), Qt.MouseButton.LeftButton)
    assert (explored.args, trained.args) == (["/vae"], ["vae"])


def test_a_family_without_a_model_cannot_be_explored_and_says_why(stage: Stage) -> None:
    stage.click("gan")
    explore = stage.panel._actions["explore"]
    assert not explore.isEnabled() and "no model of this family yet" in explore.toolTip()
    stage.scene.list_runs(info("/gan", "gan"))
    assert explore.isEnabled()


def test_published_figures_stand_beside_ones_own(stage: Stage) -> None:
    stage.click("pixelcnn")
    data, figure, own = stage.panel.family.figures[0]
    assert (data.words, figure.words, own.words) == ("binarized MNIST", "81.30 nats", "none yet")
    assert "A paper, table 4" in figure.toolTip()
    stage.scene.list_runs(info("/mine", "pixelcnn", best_bits=0.5), info("/pixelcnn", "pixelcnn", example=True))
    assert own.words == "5.55 nats (validation)"
    stage.click("gan")
    assert not data.isVisible()


def test_links_in_the_theory_lead_through_the_program(stage: Stage) -> None:
    page = stage.panel.family
    page.link_activated.emit("family", "gan")
    assert stage.scene.state.node.name == "gan"
    page.link_activated.emit("branch", "variational")
    assert stage.scene.state.node.path[-1] == "Variational"
    with stage.qtbot.waitSignal(stage.panel.panel_wanted) as wanted:
        page.link_activated.emit("panel", "latents")
    assert wanted.args == ["latents"]


def test_the_pause_keeps_its_button_and_changes_its_name(stage: Stage) -> None:
    stage.click("vae")
    pause = stage.panel.findChild(QToolButton, "atlas.pause")
    assert pause is not None
    stage.qtbot.mouseClick(pause, Qt.MouseButton.LeftButton)
    assert stage.scene.state.live.paused and pause.accessibleName() == "Resume samples"
    stage.qtbot.mouseClick(pause, Qt.MouseButton.LeftButton)
    assert not stage.scene.state.live.paused
