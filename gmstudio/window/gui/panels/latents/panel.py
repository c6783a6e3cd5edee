"""The Latents panel: the image of a code, large, and everything that moves the code."""

from functools import partial
from typing import ClassVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.pictures import IMAGE_STRETCH, PictureColumn, PicturePair
from gmstudio.window.gui.panels.latents.sliders import SlidersView
from gmstudio.window.gui.panels.latents.tab import LatentView, ViewTabs
from gmstudio.window.gui.panels.latents.tabs import BELOW_IMAGE, VIEWS
from gmstudio.window.gui.panels.latents.traversal import SpaceKeeper
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.images.traversal_strip import TraversalStrip
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
LOST = "The engine has ended; the image comes back with it."
IMAGE_TIP = "What the code decodes to with the weights as they are now: means of the pixels, black to white."
ORIGINAL_TIP = "The image of the data that was encoded."


class LatentsPanel(Panel):
    """The decoded image, the original beside it, one of several views below, sliders at the side.

    Args:
        session: what it shows and changes.
        library: the runs to choose from.

    Attributes:
        tabs: the views.
        views: the same by name, see ``latents_views.VIEWS``.
    """

    name: ClassVar[str] = "latents"

    def __init__(self, session: LatentsState, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self._library = session, library
        self.run = RunChooser(library, CAPABILITY)
        self.run.setObjectName("latents.run")
        self.weights = _label("muted")
        self.problem = _label("error")
        self.problem.setWordWrap(True)
        self.image, self.original = LiveImage(), LiveImage()
        self.name_widget(self.image, "image", "Decoded image", IMAGE_TIP)
        self.name_widget(self.original, "original", "Original image", ORIGINAL_TIP)
        self.image_caption, self.original_caption = _label("muted"), _label("muted")
        self.sliders = SlidersView(self, session)
        self.tabs = ViewTabs()
        self.views: dict[str, LatentView] = {}
        self._add_views()
        self.forget = self.add_action(
            "forget", "Hide original", "X", session.gallery.forget, icon="close", tip="Show the decoded image alone"
        )
        self._lay_out()
        self._keep_space()
        self._connect()
        session.choose_run(self.run.current())
        self._refresh()

    def _add_views(self) -> None:
        self.name_widget(self.tabs, "views", "Views of the latent space", "")
        for place, entry in enumerate(VIEWS):
            view = self.views[entry.name] = entry.make(self, self.session)
            self.tabs.addTab(view, entry.title)
            self.tabs.setTabToolTip(place, f"{entry.tip} ({entry.key})")
            go = partial(self.tabs.setCurrentWidget, view)
            self.add_action(f"view_{entry.name}", f"View: {entry.title}", entry.key, go, tip=entry.tip)

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
            self.image_caption, self.image, *(make(self, self.session) for make in BELOW_IMAGE)
        )
        self._pair = PicturePair(self._original_side, self._decoded_side)
        self._pair.setSpacing(GRID)
        pictures.addLayout(self._pair, IMAGE_STRETCH)
        for view in self.views.values():
            if view.beside is not None:
                view.beside.setParent(self)
                pictures.addWidget(view.beside, view.beside_stretch)
        return pictures

    def _keep_space(self) -> None:
        keeper = SpaceKeeper(self)
        for kind in (QAbstractButton, TraversalStrip):
            for widget in self.findChildren(kind):
                widget.installEventFilter(keeper)

    def _connect(self) -> None:
        session = self.session
        self.run.chosen.connect(session.choose_run)
        session.run_changed.connect(self._refresh)
        session.run_changed.connect(lambda: self.run.choose(session.run))  # it may have been brought back
        session.shown_changed.connect(self._refresh)
        session.gallery.encoding_changed.connect(self._refresh_original)
        self._library.changed.connect(self._refresh_words)
        self.tabs.currentChanged.connect(self._on_view_chosen)
        session.user_image.taken.connect(lambda: self.tabs.setCurrentWidget(self.views["user_image"]))
        session.saved_views.arrived.connect(
            lambda map_view: self.tabs.setCurrentWidget(self.views["interpolation" if map_view is None else "map"])
        )
        self._on_view_chosen()

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        shown = self.session.shown
        self.image.set_image(shown.image if shown else None, shown.request if shown else 0)
        self._decoded_side.fit()
        self._refresh_original()
        self._refresh_words()

    def _on_view_chosen(self) -> None:
        """Show what stands beside the image for this view; an original leaves it the width."""
        chosen = self.tabs.currentWidget()
        for view in self.views.values():
            if view.beside is not None:
                view.beside.setVisible(view is chosen)
        self._pair.stack(stacked=isinstance(chosen, LatentView) and chosen.beside is not None)
        self._refresh_original()

    def _refresh_original(self) -> None:
        encoding = self.session.gallery.encoding
        on_canvas = (
            encoding is not None and not encoding.split and self.tabs.currentWidget() is self.views.get("user_image")
        )
        self._original_side.setVisible(encoding is not None and not on_canvas)
        self.forget.setEnabled(encoding is not None)
        if encoding is not None and encoding.image is not self.original.image:
            self.original.set_image(encoding.image)
            self._original_side.fit()
            self.original_caption.setText(f"Original: {encoding.title}")
        self._refresh_caption()

    def _refresh_caption(self) -> None:
        shown, encoding = self.session.shown, self.session.gallery.encoding
        if shown is None:
            self.image_caption.setText("")
        elif encoding is not None and self.session.reconstructs:
            difference = shown.image.astype(np.float32) - encoding.image.astype(np.float32)
            error = float(np.sqrt(np.mean(np.square(difference / 255.0))))
            self.image_caption.setText(f"Reconstruction, RMS error {error:.3f}")
        else:
            self.image_caption.setText("Decoded from the code")

    def _refresh_words(self) -> None:
        session = self.session
        self.problem.setText(session.problem)
        self.problem.setVisible(bool(session.problem))
        if session.shown is None:
            self.weights.setText("")
        else:
            follows = ", follows the training" if session.live else ""
            self.weights.setText(f"Weights of step {session.shown.step:,}{follows}")
        self.image.set_placeholder(self._placeholder())

    def _placeholder(self) -> str:
        if not self.session.run:
            return NO_RUN if self._library.home else WAITING
        if self._library.catalog is None:
            return LOST
        return OPENING if not self.session.problem else ""

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Someone looks: follow the weights."""
        super().showEvent(event)
        self.session.set_watching(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: leave the engine alone."""
        super().hideEvent(event)
        self.session.set_watching(False)


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    return label
