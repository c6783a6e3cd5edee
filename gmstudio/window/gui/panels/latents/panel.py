"""The Latents panel: the decoded image of a code, large, and the controls of the code."""

from typing import ClassVar

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.control_values import MOVED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.code_metrics import MetricsLine
from gmstudio.window.gui.panels.latents.companion import CompanionView
from gmstudio.window.gui.panels.latents.pictures import Stage
from gmstudio.window.gui.panels.latents.sliders import SlidersView
from gmstudio.window.gui.panels.latents.tabs import latent_tabs
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.state.latents.state import CAPABILITY, LatentsState
from gmstudio.window.state.runs.library import RunLibrary

MARGIN = 2 * GRID
SIDE_WIDTH, SIDE_SHARE = 64 * GRID, 0.36
"""Largest width of the sliders, and largest share of the panel's, until the user moves the splitter."""
NARROW, NARROWEST, LOW = 110 * GRID, 85 * GRID, 62 * GRID
"""Width below which the sliders stand below the images; where there is less than this height, at a smaller width."""
NO_RUN = (
    "No model with a latent space has been trained yet. Start a VAE or a GAN under Train; its code can be explored "
    "here while it trains."
)
WAITING = "Waiting for the engine …"
OPENING = "Opening the run …"
LOST = "The engine has ended. The image appears when it runs again."
IMAGE_TIP = "Decoded image with the weights as they are now: means of the pixels, black to white."


class LatentsPanel(Panel):
    """The decoded image, the original beside it, one of several views below, sliders at the side, or below all.

    Args:
        state: shown and changed.
        library: the runs to choose from.

    Attributes:
        tabs: of the views.
        views: the views by name, see ``tabs.VIEWS``.
    """

    name: ClassVar[str] = "latents"

    def __init__(self, state: LatentsState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state, self._library = state, library
        self.run = RunChooser(library, CAPABILITY)
        self.run.setObjectName("latents.run")
        self.weights = _label("muted")
        self.problem = _label("error")
        self.problem.setWordWrap(True)
        self.image, self.companion = LiveImage(), CompanionView(self, state, library)
        self.original = self.companion.original
        self.name_widget(self.image, "image", "Decoded image", IMAGE_TIP)
        self.image_caption = ElidedLabel()
        self.image_caption.setProperty("role", "muted")
        self.image_caption.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.metrics = MetricsLine(self, state)
        self.sliders = SlidersView(self, state)
        self.tabs = LazyTabs(latent_tabs(self, state), height="largest")
        self._set_up_tabs()
        self.views = {name: view for name, view in self.tabs.built.items() if isinstance(view, LatentView)}
        self.record_edits(state.edits)
        self._split_by_user = False
        self._lay_out()
        self._connect()
        state.choose_run(self.run.current())
        self._refresh()

    def _set_up_tabs(self) -> None:
        """Build all views, so that their shortcuts and what stands beside the image work from the start."""
        self.tabs.build_all()
        self.bar = self.tabs.bar_apart()
        self.name_widget(self.bar, "views", "Views of the latent space", "")
        self.name_widget(self.tabs, "tabs", "View of the latent space", "")
        self.remember(self.tabs)
        self.bar.setProperty("dense", True)
        self.bar.setUsesScrollButtons(True)
        self.add_tab_actions(self.tabs)

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        page = QVBoxLayout(self)
        page.setContentsMargins(MARGIN, GRID, MARGIN, GRID)
        page.setSpacing(GRID)
        self._header = QWidget()
        header = QHBoxLayout(self._header)
        header.setContentsMargins(0, 0, 0, 0)
        header.setSpacing(GRID)
        header.addWidget(self.run)
        header.addWidget(self.weights)
        header.addStretch(1)
        page.addWidget(self._header)
        page.addWidget(self.problem)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        self.stage = self._build_stage()
        column.addWidget(self.bar)
        column.addWidget(self.stage, 1)
        column.addWidget(self.tabs)
        self._body = QSplitter(Qt.Orientation.Horizontal)
        self._body.setHandleWidth(2 * GRID)
        self._body.addWidget(left)
        self._body.addWidget(self.sliders)
        self._body.setCollapsible(0, False)
        self._body.setStretchFactor(0, 1)
        self._body.setStretchFactor(1, 0)
        self.name_widget(self._body, "split_view", "Images and sliders", "")
        tip = "Drag to give images or sliders more room; at the edge of the panel the sliders hide."
        self._body.handle(1).setToolTip(tip)
        self._body.splitterMoved.connect(self._on_split)
        self.remember(self._body)
        page.addWidget(self._body, 1)

    def _build_stage(self) -> Stage:
        stage = Stage(
            self.companion.head, self.companion, self.companion.below, self.image_caption, self.image, self.metrics
        )
        views = self.views.values()
        stage.add_views(
            [view.beside for view in views if view.beside is not None],
            [view.instead for view in views if view.instead is not None],
        )
        return stage

    def _on_split(self) -> None:
        self._split_by_user = True

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the sliders below the images in a narrow window; until the user moves them, give the images the rest."""
        super().resizeEvent(event)
        low = self.room.height() < LOW
        for part in (self.tabs, self.stage):
            part.set_frugal(low and self.width() >= NARROWEST)
        narrow = self.width() < (NARROWEST if low else NARROW)
        orientation = Qt.Orientation.Vertical if narrow else Qt.Orientation.Horizontal
        if orientation != self._body.orientation():
            self._body.setOrientation(orientation)
            self._split_by_user = False
            self._body.setProperty(MOVED, False)
        if not self._split_by_user and not narrow:
            side = min(SIDE_WIDTH, max(self.sliders.minimumSizeHint().width(), int(SIDE_SHARE * self.width())))
            self._body.setSizes([self._body.width() - side, side])

    def minimumSizeHint(self) -> QSize:
        """Width of a narrow window, which is where the sliders stand below the images."""
        hint = super().minimumSizeHint()
        parts = (self.stage, self.tabs, self.sliders)
        width = max(part.minimumSizeHint().width() for part in parts) + 2 * MARGIN
        return QSize(min(hint.width(), width), hint.height())

    def _connect(self) -> None:
        state = self.state
        self.run.chosen.connect(state.choose_run)
        state.run_changed.connect(self._refresh)
        state.run_changed.connect(lambda: self.run.choose(state.run))  # a picture may have restored it
        state.shown_changed.connect(self._refresh)
        state.gallery.encoding_changed.connect(self._refresh_caption)
        self._library.changed.connect(self._refresh_texts)
        self.tabs.page_opened.connect(self._on_view_opened)
        state.user_image.taken.connect(lambda: self.tabs.show_page("user_image"))
        state.saved_views.restored.connect(
            lambda map_view: self.tabs.show_page("interpolation" if map_view is None else "map")
        )
        self._on_view_opened(self.tabs.open_page)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        shown = self.state.shown
        self.image.set_image(shown.image if shown else None, shown.request if shown else 0)
        self.stage.arrange()
        self._refresh_caption()
        self._refresh_texts()

    def _on_view_opened(self, name: str) -> None:
        """Show what a view has beside the images, or in place of the original."""
        opened = self.views[name]
        self.stage.open(opened.beside or opened.instead)
        self.companion.replace_by("" if opened.instead is None else "Your image")

    def _refresh_caption(self) -> None:
        shown, encoding = self.state.shown, self.state.gallery.encoding
        if shown is None:
            self.image_caption.set_words("")
        elif shown.preview:
            self.image_caption.set_words(f"Preview, {shown.preview}")
        elif encoding is not None and self.state.reconstructs:
            difference = shown.image.astype(np.float32) - encoding.image.astype(np.float32)
            error = float(np.sqrt(np.mean(np.square(difference / 255.0))))
            self.image_caption.set_words(f"Reconstruction, RMS error {error:.3f}")
        else:
            self.image_caption.set_words(self.state.space.spec.decoded)

    def _refresh_texts(self) -> None:
        state = self.state
        self.problem.setText(state.problem)
        self.problem.setVisible(bool(state.problem))
        if state.shown is None:
            self.weights.setText("")
        else:
            follows = ", follows the training" if state.space.live else ""
            self.weights.setText(f"Weights of step {state.shown.step:,}{follows}")
        self.image.set_placeholder(self._placeholder())

    def _placeholder(self) -> str:
        if not self.state.run:
            return NO_RUN if self._library.home else WAITING
        if self._library.catalog is None:
            return LOST
        return OPENING if not self.state.problem else ""

    def set_presenting(self, presenting: bool) -> None:
        """Show the stage and the sliders alone in presentation mode."""
        for widget in (self._header, self.bar, self.tabs):
            widget.setVisible(not presenting)
        self.sliders.set_settings_shown(not presenting)
        self.companion.set_controls_shown(not presenting)
        self.stage.set_presenting(presenting)

    def set_active(self, active: bool) -> None:
        """Follow the code and the weights only while the panel is on the screen."""
        self.state.set_active(active)


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    return label
