"""The Atlas panel: the drawn tree walked by mouse and keys, its pages, and what it asks of the window."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from atlas_scene import AtlasScene, info
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import RunDemonstration, SceneShown
from gmstudio.protocol.scenes import Bars, Curves, Line, Maps, Number, Numbers, Pictures, Scene, Sentence
from gmstudio.window.gui.panels.atlas.node_button import NodeButton
from gmstudio.window.gui.panels.atlas.panel import AtlasPanel
from gmstudio.window.gui.scenes.picture_blocks import PicturesBlock
from gmstudio.window.gui.theme import theme
from gmstudio.window.state.atlas.live import COUNT

SIZES = [(1290, 640), (880, 430)]
"""Sizes of the panel in a window of 1366×768, and of 960×540."""
LOW = (870, 400)
"""Size of the panel in a window of 960×510, which a title bar and a dock leave of a screen of 960×540."""


class Stage:
    """A shown panel on a scene.

    Attributes:
        scene: engine's side and state.
        panel: the panel.
    """

    def __init__(self, qtbot: QtBot, scene: AtlasScene) -> None:
        self.qtbot, self.scene = qtbot, scene
        self.panel = AtlasPanel(scene.state, scene.library)
        self.panel.resize(*SIZES[0])
        qtbot.addWidget(self.panel)
        self.panel.show()
        QApplication.processEvents()

    def node(self, name: str) -> NodeButton:
        button = self.panel.tree.button(name)
        assert button is not None, name
        return button

    def click(self, name: str) -> None:
        self.qtbot.mouseClick(self.node(name), Qt.MouseButton.LeftButton)

    def press(self, *keys: Qt.Key) -> None:
        for key in keys:
            self.qtbot.keyClick(self.panel.tree.focusWidget() or self.panel.tree, key)

    @property
    def focused(self) -> str:
        """Name of the node that has the focus."""
        tree = self.panel.tree
        return next(tree._nodes[path].name for path, button in tree._buttons.items() if button is tree.focusWidget())


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


# ---- demonstrations --------------------------------------------------------------------------------------------


def all_blocks(number: int) -> Scene:
    """One scene with a block of every kind."""
    images = np.full((4, 1, 3, 3), number, np.uint8)
    maps = np.full((1, 3, 3), float(number), np.float32)
    maps[0, 0, 0] = np.nan
    line = Line("one", Array.of(np.arange(3.0)), Array.of(np.arange(3.0) * number))
    return Scene(
        rows=(
            (
                Pictures(title="Left", images=Array.of(images), captions=("a", "b", "c", "d"), columns=2),
                Maps(title="Right", values=Array.of(maps), unit="nats", mark=(1, 1), note="a note"),
            ),
            (
                Curves(title="Curve", x_title="step", y_title="nats", lines=(line,)),
                Bars(title="Bars", labels=("a", "b"), series=("s",), values=Array.of(np.ones((1, 2), np.float32))),
            ),
            (Numbers(title="Table", numbers=(Number("speed", f"{number} px/s"),)),),
            (Sentence(text=f"Sentence {number}.", finding=True),),
        ),
        stage=f"Step {number}",
        progress=number / 10,
    )


def show(stage: Stage, scene: Scene, *, done: bool = False) -> None:
    request = stage.scene.client.last(RunDemonstration).request
    stage.scene.client.deliver(SceneShown(request=request, name="race", scene=scene, done=done))


def start_race(stage: Stage) -> None:
    button = stage.panel.findChild(QToolButton, "atlas.demonstration.race")
    assert button is not None
    stage.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def settle() -> None:
    """Let layouts that follow from one another take place."""
    for _ in range(4):
        QApplication.processEvents()


def test_one_click_starts_a_demonstration_and_it_can_be_stopped(stage: Stage) -> None:
    start_race(stage)
    page = stage.panel.demonstration
    assert page.isVisible() and page.title.text() == "Race"
    assert page.stage.words == "Preparing …" and page.progress.isVisible()
    stop = stage.panel.findChild(QToolButton, "atlas.stop")
    assert stop is not None and stop.isEnabled()
    stage.qtbot.mouseClick(stop, Qt.MouseButton.LeftButton)
    assert not stop.isEnabled() and page.stage.words == "Stopped."
    assert not page.progress.isVisible()


def test_a_scene_of_every_block_is_drawn_and_updated_in_place(stage: Stage) -> None:
    start_race(stage)
    show(stage, all_blocks(3))
    view = stage.panel.demonstration.scene
    before = [widget for row in view.blocks for widget in row]
    pictures = before[0]
    assert isinstance(pictures, PicturesBlock)
    assert np.unique(pictures.grid.images).tolist() == [3]
    show(stage, all_blocks(5))
    after = [widget for row in view.blocks for widget in row]
    assert all(a is b for a, b in zip(before, after, strict=True)), "widgets that stay do not flicker"
    assert np.unique(pictures.grid.images).tolist() == [5]
    assert stage.panel.demonstration.progress.value() == 500
    assert stage.panel.demonstration.stage.words == "Step 5"


def test_rows_that_come_later_move_none_above_them(stage: Stage) -> None:
    start_race(stage)
    whole = all_blocks(3)
    show(stage, Scene(rows=whole.rows[:1]))
    settle()
    view = stage.panel.demonstration.scene
    first = view.blocks[0][0]
    place = first.mapTo(view.widget(), QPoint(0, 0)), first.size()
    show(stage, whole)
    settle()
    assert view.blocks[0][0] is first
    assert (first.mapTo(view.widget(), QPoint(0, 0)), first.size()) == place


def test_scenes_are_repainted_in_either_theme(stage: Stage) -> None:
    start_race(stage)
    show(stage, all_blocks(3))
    view = stage.panel.demonstration.scene
    before = theme().mode
    pictures = []
    for mode in ("light", "dark"):
        theme().set_mode(mode)
        QApplication.processEvents()
        pictures.append(view.grab().toImage())
    theme().set_mode(before)
    assert pictures[0] != pictures[1]


def test_closing_a_demonstration_returns_to_the_node(stage: Stage) -> None:
    stage.click("vae")
    start_race(stage)
    stage.panel._actions["back"].trigger()
    assert stage.panel.family.isVisible() and not stage.scene.state.player.running


def test_demonstrations_of_the_selected_family_are_outlined(stage: Stage) -> None:
    marked = lambda: [b.objectName() for b in stage.panel.bar.widgets if b.property("related")]  # noqa: E731
    assert marked() == []
    stage.click("pixelcnn")
    assert marked() == ["atlas.demonstration.race"]
    stage.click("implicit-density")
    assert marked() == []


def test_every_demonstration_of_the_catalog_has_a_button(stage: Stage) -> None:
    buttons = [b for b in stage.panel.bar.widgets if isinstance(b, QAbstractButton)]
    assert [button.text() for button in buttons] == ["Race", "Holes"]
    assert buttons[0].toolTip().startswith("Two race.")
