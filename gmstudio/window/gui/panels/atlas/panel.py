"""Atlas panel: the taxonomy of generative models as a tree, a page for each node, and demonstrations."""

from typing import Any, ClassVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.atlas.branch_page import BranchPage
from gmstudio.window.gui.panels.atlas.demonstration_page import DemonstrationPage
from gmstudio.window.gui.panels.atlas.family_page import LOW, FamilyPage
from gmstudio.window.gui.panels.atlas.tree import TaxonomyTree
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.style_property import set_style_property
from gmstudio.window.gui.widgets.wrapping_row import WrappingRow
from gmstudio.window.state.atlas.facts import likelihood
from gmstudio.window.state.atlas.state import AtlasState
from gmstudio.window.state.atlas.taxonomy import Path
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.theory import branch_of

TREE_SHARE, PAGE_SHARE = 11, 10
NARROW = 960
"""Width of the panel below which the row of demonstrations has no heading, and the tree more of the width."""
NARROW_TREE_SHARE = 12
PAGE_MINIMUM = QSize(340, 320)
LIKELIHOOD_DETAILS = {"none": "no likelihood"}
EXPLORE_TIP = "Open the model of this family in the panel for exploring it: Pixels, Latents or Chains"
NEEDS = {
    "pause": "No samples are drawn: no family with a model is selected.",
    "stop": "No demonstration is being computed.",
    "replay": "No demonstration was computed, or one is being computed.",
}
"""Reasons for actions that are disabled."""
NO_MODEL = "There is no model of this family yet; train one."


class _Pages(QStackedWidget):
    """Pages of one size: their texts scroll, so that none makes the panel higher."""

    def hasHeightForWidth(self) -> bool:
        """The height does not follow from the width."""
        return False


class AtlasPanel(Panel):
    """Tree at the left, page of the selected node or of a demonstration at the right, demonstrations below.

    Args:
        state: state of the Atlas.
        library: library of runs.
    """

    name: ClassVar[str] = "atlas"

    def __init__(self, state: AtlasState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.tree = TaxonomyTree(self)
        self.tree.setObjectName("atlas.tree")
        self._actions = self._make_actions()
        buttons = {name: self.button(action) for name, action in self._actions.items()}
        buttons["explore"].setProperty("primary", True)
        buttons["pause"].setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.family = FamilyPage(state, buttons, self)
        self.branch = BranchPage(self)
        self.demonstration = DemonstrationPage(state.player, buttons, self)
        self._pages = _Pages(self)
        for page in (self.branch, self.family, self.demonstration):
            self._pages.addWidget(page)
        self.bar = WrappingRow(self)
        self._lay_out()
        self.tree.opened.connect(self._open)
        self.branch.opened.connect(self._open)
        for page in (self.branch, self.family):
            page.link_activated.connect(self._follow_link)
        state.tree_changed.connect(self._show_tree)
        state.selected.connect(self._show_selected)
        state.facts_changed.connect(self._show_actions)
        state.player.changed.connect(self._show_actions)
        state.live.changed.connect(self._show_actions)
        state.thumbnails.drawn.connect(self._show_thumbnail)
        self._show_tree()
        self._show_selected()

    def set_active(self, active: bool) -> None:
        """Draw samples only while the panel is on the screen."""
        self._state.set_active(active)

    # ---- layout ------------------------------------------------------------------------------------------------

    def _make_actions(self) -> dict[str, QAction]:
        state = self._state
        rows: tuple[tuple[str, str, str, Any, str, str], ...] = (
            ("explore", "Explore", "E", self._explore, "eye", EXPLORE_TIP),
            ("train", "Train", "T", self._train, "train", "Set up a run of this family in Train"),
            ("pause", "Pause samples", "Space", self._pause, "pause", "Draw no further samples, or go on"),
            ("stop", "Stop", "Ctrl+.", state.player.stop, "stop", "End the computation of the demonstration"),
            ("replay", "Replay", "R", self._replay, "refresh", "Compute it again, with other random numbers"),
            ("back", "Close", "Backspace", self._close, "close", "Return to the page of the selected node"),
        )
        return {
            name: self.add_action(name, text, key, slot, icon=icon, tip=tip, needs=NEEDS.get(name, ""))
            for name, text, key, slot, icon, tip in rows
        }

    def _lay_out(self) -> None:
        page = QVBoxLayout(self)
        page.setContentsMargins(GRID, GRID, 2 * GRID, GRID)
        page.setSpacing(GRID)
        body = self._body = QHBoxLayout()
        body.setSpacing(GRID)
        body.addWidget(self.tree, TREE_SHARE)
        body.addWidget(self._pages, PAGE_SHARE)
        self._pages.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._pages.setMinimumSize(PAGE_MINIMUM)
        page.addLayout(body, 1)
        below = QHBoxLayout()
        below.setSpacing(GRID)
        self._heading = QLabel("Demonstrations", self)
        self._heading.setProperty("role", "heading")
        below.addWidget(self._heading, 0, Qt.AlignmentFlag.AlignVCenter)
        below.addWidget(self.bar, 1)
        page.addLayout(below)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the samples smaller in a low panel, and leave out a heading in a narrow one."""
        super().resizeEvent(event)
        narrow = event.size().width() < NARROW
        self.family.set_low(event.size().height() < LOW)
        self._heading.setVisible(not narrow)
        self._body.setStretch(0, NARROW_TREE_SHARE if narrow else TREE_SHARE)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _show_tree(self) -> None:
        state = self._state
        self.tree.set_tree(state.tree)
        details = {}
        for node in state.tree.nodes:
            if node.entry is not None:
                word, _ = likelihood(node.entry)
                details[node.name] = LIKELIHOOD_DETAILS.get(word, f"{word} likelihood" if word == "exact" else word)
                self._show_thumbnail(node.name)
        self.tree.set_details(details)
        self.bar.set_widgets([self._demonstration_button(card.name) for card in state.demonstrations])

    def _demonstration_button(self, name: str) -> QToolButton:
        card = next(card for card in self._state.demonstrations if card.name == name)
        button = QToolButton(self)
        button.setText(card.title)
        button.setObjectName(f"atlas.demonstration.{name}")
        button.setAccessibleName(f"Demonstration: {card.title}")
        button.setToolTip(f"{card.sentence} Computed now, by the engine.")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda: self._state.demonstrate(name))
        return button

    def _show_selected(self) -> None:
        state = self._state
        self.tree.set_selected(state.node.path)
        if state.demonstration:
            self.demonstration.show_demonstration()
            self._pages.setCurrentWidget(self.demonstration)
        elif state.node.entry is not None:
            self.family.show_family()
            self._pages.setCurrentWidget(self.family)
        else:
            self.branch.show_branch(state.node)
            self._pages.setCurrentWidget(self.branch)
        self._mark_related()
        self._show_actions()

    def _mark_related(self) -> None:
        """Outline the demonstrations that show the selected family."""
        related = {f"atlas.demonstration.{card.name}" for card in self._state.related()}
        for button in self.bar.widgets:
            is_related = button.objectName() in related
            set_style_property(button, "related", is_related)

    def _show_thumbnail(self, family: str) -> None:
        self.tree.set_sample(family, self._state.thumbnails.images.get(family))

    def _show_actions(self) -> None:
        state, actions = self._state, self._actions
        self.allow(actions["explore"], "" if state.ready else NO_MODEL)
        paused = state.live.paused
        actions["pause"].setText("Resume samples" if paused else "Pause samples")
        self.set_action_icon(actions["pause"], "play" if paused else "pause")
        actions["pause"].setEnabled(bool(state.ready))
        actions["stop"].setEnabled(state.player.running)
        actions["replay"].setEnabled(state.player.card is not None and not state.player.running)

    # ---- acting ------------------------------------------------------------------------------------------------

    def _open(self, path: Path) -> None:
        node = self._state.tree.find(path)
        if node is not None:
            self._state.select(node)

    def _follow_link(self, kind: str, name: str) -> None:
        """Open a node of the tree, a demonstration, or another panel."""
        state = self._state
        if kind == "panel":
            self.panel_wanted.emit(name)
            return
        if kind == "demonstration":
            state.demonstrate(name)
            return
        path = branch_of(name) if kind == "branch" else None
        node = state.tree.family(name) if kind == "family" else state.tree.find(path) if path is not None else None
        if node is not None:
            state.select(node)

    def _explore(self) -> None:
        if self._state.ready:
            self.run_wanted.emit(self._state.ready)

    def _train(self) -> None:
        if self._state.node.entry is not None:
            self.training_wanted.emit(self._state.node.entry.card.name)

    def _pause(self) -> None:
        self._state.live.pause(not self._state.live.paused)

    def _replay(self) -> None:
        self._state.player.replay(other_seed=True)

    def _close(self) -> None:
        self._state.player.stop()
        self._state.select(self._state.node)
