"""The Latents panel: the decoded image of a code, large, and the controls of the code."""

from typing import ClassVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.pictures import IMAGE_STRETCH, PictureColumn, PicturePair
from gmstudio.window.gui.panels.latents.sliders import SlidersView
from gmstudio.window.gui.panels.latents.tabs import BELOW_IMAGE, latent_tabs
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs
from gmstudio.window.state.latents.state import CAPABILITY, LatentsState
from gmstudio.window.state.runs.library import RunLibrary

SIDE_WIDTH = 64 * GRID
IMAGE_HEIGHT = 24 * GRID
CAPTION_HEIGHT = 3 * GRID
NO_RUN = (
    "No model with a latent space has been trained yet. Start a VAE or a GAN under Train; its code can be explored "
    "here while it trains."
)
WAITING = "Waiting for the engine …"
OPENING = "Opening the run …"
LOST = "The engine has ended. The image appears when it runs again."
IMAGE_TIP = "Decoded image with the weights as they are now: means of the pixels, black to white."
ORIGINAL_TIP = "The encoded image of the data, or your image."


class LatentsPanel(Panel):
    """The decoded image, the original beside it, one of several views below, sliders at the side.

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
        self.image, self.original = LiveImage(), LiveImage()
        self.name_widget(self.image, "image", "Decoded image", IMAGE_TIP)
        self.name_widget(self.original, "original", "Original image", ORIGINAL_TIP)
        self.image_caption, self.original_caption = _label("muted"), _label("muted")
        self.sliders = SlidersView(self, state)
        self.tabs = LazyTabs(latent_tabs(self, state), height="page")
        self._set_up_tabs()
        self.views = {name: view for name, view in self.tabs.built.items() if isinstance(view, LatentView)}
        self.forget = self.add_action(
            "forget", "Hide original", "X", state.gallery.forget, icon="close", tip="Show the decoded image alone"
        )
        self.record_edits(state.edits)
        self._lay_out()
        self._connect()
        state.choose_run(self.run.current())
        self._refresh()

    def _set_up_tabs(self) -> None:
        """Build all views, so that their shortcuts and what stands beside the image work from the start."""
        self.name_widget(self.tabs, "views", "Views of the latent space", "")
        self.tabs.tabBar().setProperty("dense", True)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.build_all()
        self.add_tab_actions(self.tabs)

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        page.setSpacing(GRID)
        header = QHBoxLayout()
        header.setSpacing(GRID)
        header.addWidget(self.run)
        header.addWidget(self.weights)
        header.addStretch(1)
        page.addLayout(header)
        page.addWidget(self.problem)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        column.addLayout(self._pictures(), 1)
        column.addWidget(self.tabs)
        body = QSplitter(Qt.Orientation.Horizontal)
        body.setHandleWidth(2 * GRID)
        body.addWidget(left)
        body.addWidget(self.sliders)
        body.setCollapsible(0, False)
        body.setSizes([7000, 4000])
        body.setStretchFactor(0, 7)
        body.setStretchFactor(1, 4)
        self.name_widget(body, "split_view", "Images and sliders", "")
        body.handle(1).setToolTip("Drag to give images or sliders more room; at the right edge the sliders hide.")
        self.sliders.setMaximumWidth(SIDE_WIDTH)
        page.addWidget(body, 1)

    def _pictures(self) -> QHBoxLayout:
        pictures = QHBoxLayout()
        pictures.setSpacing(GRID)
        close = self.button(self.forget, icon_only=True)
        close.setProperty("flat", True)
        head = QHBoxLayout()
        for widget in (self.original_caption, close):
            widget.setFixedHeight(CAPTION_HEIGHT)
        head.addStretch(1)
        head.addWidget(self.original_caption)
        head.addWidget(close)
        head.addStretch(1)
        self._original_side = PictureColumn(head, self.original)
        self.image_caption.setFixedHeight(CAPTION_HEIGHT)
        self.image_caption.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.image.setMinimumHeight(IMAGE_HEIGHT)
        self._decoded_side = PictureColumn(
            self.image_caption, self.image, *(make(self, self.state) for make in BELOW_IMAGE)
        )
        self._pair = PicturePair(self._original_side, self._decoded_side)
        self._pair.setSpacing(GRID)
        pictures.addLayout(self._pair, IMAGE_STRETCH)
        for view in self.views.values():
            if view.beside is not None:
                view.beside.setParent(self)
                pictures.addWidget(view.beside, view.beside_stretch)
        return pictures

    def _connect(self) -> None:
        state = self.state
        self.run.chosen.connect(state.choose_run)
        state.run_changed.connect(self._refresh)
        state.run_changed.connect(lambda: self.run.choose(state.run))  # a picture may have restored it
        state.shown_changed.connect(self._refresh)
        state.gallery.encoding_changed.connect(self._refresh_original)
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
        self._decoded_side.fit()
        self._refresh_original()
        self._refresh_texts()

    def _on_view_opened(self, name: str) -> None:
        """Show the widget beside the image that belongs to a view, and stack the images where there is one."""
        opened = self.views[name]
        for view in self.views.values():
            if view.beside is not None:
                view.beside.setVisible(view is opened)
        self._pair.stack(stacked=opened.beside is not None)
        self._refresh_original()

    def _refresh_original(self) -> None:
        encoding = self.state.gallery.encoding
        on_canvas = encoding is not None and not encoding.split and self.tabs.open_page == "user_image"
        self._original_side.setVisible(encoding is not None and not on_canvas)
        self.forget.setEnabled(encoding is not None)
        if encoding is not None and encoding.image is not self.original.image:
            self.original.set_image(encoding.image)
            self._original_side.fit()
            self.original_caption.setText(f"Original: {encoding.title}")
        self._refresh_caption()

    def _refresh_caption(self) -> None:
        shown, encoding = self.state.shown, self.state.gallery.encoding
        if shown is None:
            self.image_caption.setText("")
        elif encoding is not None and self.state.reconstructs:
            difference = shown.image.astype(np.float32) - encoding.image.astype(np.float32)
            error = float(np.sqrt(np.mean(np.square(difference / 255.0))))
            self.image_caption.setText(f"Reconstruction, RMS error {error:.3f}")
        else:
            self.image_caption.setText(self.state.space.spec.decoded)

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

    def set_active(self, active: bool) -> None:
        """Follow the code and the weights only while the panel is on the screen."""
        self.state.set_active(active)


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    return label
