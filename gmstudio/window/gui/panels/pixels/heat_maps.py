"""Base of the Pixels panel's views with a small map that can be laid over the large image."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.canvas.overlays import HeatOverlay
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture, Pixel, PixelCanvas
from gmstudio.window.gui.widgets.images.heat import scale_top
from gmstudio.window.gui.widgets.overlay_note import OverlayNote
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

WORDS_WIDTH = 27 * GRID
PAIR_WIDTH = 11 * GRID
"""Smallest width of each of two maps beside the words."""
WORDS_HEIGHT = 18 * GRID
TALL = 50 * GRID
"""From this height on the words are below the map."""
QWIDGETSIZE_MAX = 2**24 - 1
"""Qt's value for no limit."""


class CanvasOverlay:
    """Overlay of one view on the large image; removing it leaves those of other views in place.

    Args:
        canvas: the large image.
    """

    def __init__(self, canvas: PixelCanvas) -> None:
        self._canvas = canvas
        self._overlay: HeatOverlay | None = None
        self._marked: NDArray[np.bool_] | None = None

    def show(
        self, overlay: tuple[NDArray[np.floating], float, str] | None, marked: NDArray[np.bool_] | None = None
    ) -> None:
        """Lay a diverging heat map over the image, or outline pixels; None removes it.

        Args:
            overlay: (H, W) values, the top of their scale, and the legend.
            marked: (H, W) pixels to be outlined.
        """
        if overlay is not None:
            values, top, legend = overlay
            self._canvas.set_overlay(values, top, True, legend)
            self._overlay = self._canvas.overlay
        elif self._overlay is not None and self._canvas.overlay is self._overlay:
            self._canvas.set_overlay(None)
        if marked is not None:
            self._canvas.set_marked(marked)
            self._marked = marked
        elif self._marked is not None and self._canvas.marked is self._marked:
            self._canvas.set_marked(None)

    def remove(self) -> None:
        """Remove heat map and outlines."""
        self.show(None)


class MapView(ActiveWidget):
    """View with a row of controls, a small map of the image, and words beside it.

    Args:
        panel: gets the actions.
        session: a click on the map goes to that pixel in its generation.
        canvas: the large image, over which the map can be laid.

    Attributes:
        large: action that lays the map over the large image; set by the subclass.

    Signals:
        revealed: the user wants to see the view; its tab is to be opened.
    """

    revealed = Signal()
    large: QAction

    def __init__(self, panel: Panel, session: PixelsState, canvas: PixelCanvas) -> None:
        super().__init__(panel)
        self.session = session
        self.over = CanvasOverlay(canvas)
        self.map = PixelCanvas()
        self.map.reserve_scale()
        self.controls = QHBoxLayout()
        self.controls.setSpacing(GRID // 2)
        self.title = text_label("target")
        self.words = text_label("")
        self.reading = text_label("muted")
        self.problem = OverlayNote(self.map)
        self.map.clicked.connect(session.go_to)
        self.map.hovered.connect(self._on_hovered)
        self.hovered: Pixel = (-1, -1)
        self._scale: tuple[str, str, int] = ("", "", -1)
        self._top = 0.0

    def lay_out(self, *beside: QWidget) -> None:
        """Lay out map and words, with further widgets between title and words."""
        column = QVBoxLayout()
        column.setSpacing(GRID // 2)
        for widget in (self.title, *beside, self.words, self.reading):
            column.addWidget(widget)
        column.addStretch(1)
        side = QWidget()
        column.setContentsMargins(0, 0, 0, 0)
        side.setLayout(column)
        self._side = scrolled(side)
        self._body = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._body.setSpacing(GRID)
        self._body.addWidget(self.map, 1)
        self._body.addWidget(self._side)
        page = QVBoxLayout(self)
        page.setContentsMargins(GRID, GRID // 2, 0, 0)
        page.setSpacing(GRID // 2)
        page.addLayout(self.controls)
        page.addLayout(self._body, 1)
        self._place_words(below=False)

    def add_map(self, canvas: PixelCanvas) -> None:
        """Put a second map beside the first, of the same size; hidden until it is shown."""
        canvas.reserve_scale()
        for each in (self.map, canvas):
            each.setMinimumWidth(PAIR_WIDTH)
        self._body.insertWidget(1, canvas, 1)
        canvas.hide()

    def _place_words(self, *, below: bool) -> None:
        """Put the words below the map, which is then larger, or beside it."""
        directions, policy = QBoxLayout.Direction, QSizePolicy.Policy
        self._body.setDirection(directions.TopToBottom if below else directions.LeftToRight)
        self._side.setMinimumWidth(0 if below else WORDS_WIDTH)
        self._side.setMaximumWidth(QWIDGETSIZE_MAX if below else WORDS_WIDTH)
        self._side.setMinimumHeight(WORDS_HEIGHT if below else 0)
        self._side.setMaximumHeight(WORDS_HEIGHT if below else QWIDGETSIZE_MAX)
        self._side.setSizePolicy(policy.Preferred, policy.Ignored)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the words below the map in a tall view."""
        self._place_words(below=event.size().height() >= TALL)
        super().resizeEvent(event)

    def set_active(self, active: bool) -> None:
        """Remove the overlay of the large image when the view is hidden."""
        if not active:
            self.over.remove()

    def refresh(self) -> None:
        """Show the last answer of the engine."""
        raise NotImplementedError

    def refresh_if_active(self) -> None:
        """Show the last answer while the view is shown."""
        if self.active:
            self.refresh()

    def reading_at(self, row: int, column: int) -> str:
        """Reading of a pixel under the pointer."""
        raise NotImplementedError

    def show_values(self, values: NDArray[np.floating], smallest: float, legend: str, *, large: bool) -> None:
        """Lay a diverging heat map over the small image, or over the large one, so that the small one is the image.

        The scale of one model grows where it must, and never shrinks from step to step.

        Args:
            values: (H, W), NaN where there is none.
            smallest: lower bound of the top of the scale.
            legend: name and unit of the values.
            large: over the large image.
        """
        state = self.session.navigator.state
        scale = (legend, state.run if state is not None else "", state.weights_step if state is not None else -1)
        top = max(scale_top(values, smallest), self._top if scale == self._scale else 0.0)
        self._scale, self._top = scale, top
        self.map.set_marked(None)
        self.map.set_overlay(None if large else values, top, True, "nats")
        self.over.show((values, top, legend) if large else None)

    def show_problem(self, problem: str) -> None:
        """Show a sentence over the map, or none."""
        self.problem.set_sentence(problem)

    def show_reading(self) -> None:
        """Describe the pixel under the pointer."""
        row, column = self.hovered
        self.reading.setText(self.reading_at(row, column) if row >= 0 else "")

    def _on_hovered(self, row: int, column: int) -> None:
        self.hovered = (row, column)
        self.show_reading()


def scrolled(content: QWidget) -> QScrollArea:
    """Return a scroll area, vertical only, for a widget that may need more height than there is."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def text_label(role: str, text: str = "") -> QLabel:
    """Return a label for sentences, which wraps and does not widen its layout."""
    label = QLabel(text)
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def plain_picture(
    state: PixelSnapshot, context: NDArray[np.bool_], current: Pixel | None, blind: NDArray[np.bool_] | None = None
) -> Picture:
    """Return the image of a generation, below a map.

    Args:
        state: of the generation.
        context: (C, H, W) sub-pixels of the receptive field.
        current: the framed pixel, or None.
        blind: (H, W) blind spot, or None.
    """
    return Picture(
        image=state.image,
        levels=state.spec.levels,
        placed=state.placed(),
        context=context,
        current=current,
        surprisal=np.zeros(state.spec.shape[1:]),
        top=1.0,
        observed=np.zeros(state.spec.shape[1:], np.bool_),
        blind=blind,
    )
