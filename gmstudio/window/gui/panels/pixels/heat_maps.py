"""What the views beside the image of the Pixels panel share: a small map that can be laid over the large image."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.overlays import HeatOverlay
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture, Pixel, PixelCanvas
from gmstudio.window.gui.widgets.images.heat import scale_top
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

WORDS_WIDTH = 27 * GRID
WORDS_HEIGHT = 18 * GRID
TALL = 50 * GRID
"""From this height on the words stand below the map."""
QWIDGETSIZE_MAX = 2**24 - 1
"""Qt's word for no limit."""


class LaidOver:
    """What one view lays over the large image, and takes away again without touching another's.

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
        """Lay a diverging heat map over the image, or outline pixels; None takes away.

        Args:
            overlay: (H, W) values, the top of their scale and what they are.
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

    def take_away(self) -> None:
        """Show the image as if nothing had been laid over it."""
        self.show(None)


class MapView(QWidget):
    """A tab with a row of controls, a small map of the image, and words beside it.

    Args:
        panel: whose controls these are.
        session: a click on the map goes to that pixel in its generation.
        canvas: the large image, over which the map can be laid.
    """

    def __init__(self, panel: Panel, session: PixelsState, canvas: PixelCanvas) -> None:
        super().__init__(panel)
        self.session = session
        self.over = LaidOver(canvas)
        self.map = PixelCanvas()
        self.controls = QHBoxLayout()
        self.controls.setSpacing(GRID // 2)
        self.title = words("target")
        self.words = words("")
        self.reading = words("muted")
        self.problem = words("error")
        self.problem.hide()
        self.map.clicked.connect(session.go_to)
        self.map.hovered.connect(self._on_hovered)
        self.hovered: Pixel = (-1, -1)

    def lay_out(self, *beside: QWidget) -> None:
        """Put map and words in their places; further widgets stand between title and words."""
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
        page.addWidget(self.problem)
        page.addLayout(self._body, 1)
        self._place_words(below=False)

    def _place_words(self, *, below: bool) -> None:
        """In a tall view the words stand below the map, which is larger then; otherwise beside it."""
        directions, policy = QBoxLayout.Direction, QSizePolicy.Policy
        self._body.setDirection(directions.TopToBottom if below else directions.LeftToRight)
        self._side.setMinimumWidth(0 if below else WORDS_WIDTH)
        self._side.setMaximumWidth(QWIDGETSIZE_MAX if below else WORDS_WIDTH)
        self._side.setMinimumHeight(WORDS_HEIGHT if below else 0)
        self._side.setMaximumHeight(WORDS_HEIGHT if below else QWIDGETSIZE_MAX)
        self._side.setSizePolicy(policy.Preferred, policy.Ignored)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Find the better place for the words."""
        self._place_words(below=event.size().height() >= TALL)
        super().resizeEvent(event)

    def looked_at(self, looking: bool) -> None:
        """The view came into sight, or left it."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show what is known now."""
        raise NotImplementedError

    def refresh_if_seen(self) -> None:
        """The same while the view is in sight; it costs nothing otherwise."""
        if self.isVisible():
            self.refresh()

    def say(self, row: int, column: int) -> str:
        """What is known of a pixel under the pointer."""
        raise NotImplementedError

    def show_values(self, values: NDArray[np.floating], smallest: float, legend: str, *, large: bool) -> None:
        """Lay a diverging heat map over the small image, or over the large one, so that the small one is the image.

        Args:
            values: (H, W), NaN where there is none.
            smallest: the scale does not end below this.
            legend: what they are, with the unit.
            large: over the large image.
        """
        top = scale_top(values, smallest)
        self.map.set_marked(None)
        self.map.set_overlay(None if large else values, top, True, "nats")
        self.over.show((values, top, legend) if large else None)

    def show_problem(self, problem: str) -> None:
        """A sentence above the map, or none."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def show_reading(self) -> None:
        """Say what is under the pointer."""
        row, column = self.hovered
        self.reading.setText(self.say(row, column) if row >= 0 else "")

    def showEvent(self, event: QShowEvent) -> None:
        """Somebody looks."""
        super().showEvent(event)
        self.looked_at(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks any more: take away what was laid over the large image."""
        super().hideEvent(event)
        self.over.take_away()
        self.looked_at(False)

    def _on_hovered(self, row: int, column: int) -> None:
        self.hovered = (row, column)
        self.show_reading()


def scrolled(content: QWidget) -> QScrollArea:
    """A widget in as much room as there is; in low windows it is scrolled, down only."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


def words(role: str) -> QLabel:
    """A label for sentences; it takes as many lines as it needs and never widens what it stands in."""
    label = QLabel()
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def plain_picture(state: PixelSnapshot, context: NDArray[np.bool_], current: Pixel | None) -> Picture:
    """The image of a state, for a map to be laid over.

    Args:
        state: whose image it is.
        context: (C, H, W) what is tinted.
        current: the framed pixel, or None.
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
    )


def reveal(view: QWidget) -> None:
    """Bring the tab that shows a view to the front."""
    above = view.parentWidget()
    while above is not None and not isinstance(above, QTabWidget):
        above = above.parentWidget()
    if above is not None:
        above.setCurrentWidget(view)


def signed(nats: float) -> str:
    """A difference in nats with its sign: ``+0.12``, ``−3.4``."""
    return f"{nats:+.3g}".replace("-", "−")
