"""The Pixels panel: an image of an autoregressive model, generated sub-pixel by sub-pixel."""

from itertools import pairwise
from typing import ClassVar

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QTabWidget, QVBoxLayout, QWidget

from gmstudio.gui.panels.panel import Panel
from gmstudio.gui.panels.pixels_completion import CompletionView
from gmstudio.gui.panels.pixels_conditional import CHANNELS, ConditionalView
from gmstudio.gui.panels.pixels_forks import ForksView
from gmstudio.gui.panels.pixels_surprise import Figures, SurpriseView
from gmstudio.gui.panels.pixels_transport import Transport
from gmstudio.gui.panels.pixels_views import FURTHER_VIEWS
from gmstudio.gui.run_chooser import RunChooser
from gmstudio.gui.theme import GRID
from gmstudio.gui.widgets.heat import scale_top
from gmstudio.gui.widgets.pixel_canvas import Picture, PixelCanvas
from gmstudio.session.library import RunLibrary
from gmstudio.session.pixel_state import PixelState
from gmstudio.session.pixels import CAPABILITY, PixelsSession

SIDE_WIDTH = 54 * GRID
NARROW = 130 * GRID
CANVAS_TIP = (
    "The image as far as it is generated; hatched pixels are still to come. The framed pixel is next, tinted ones are "
    "what the model can see for it. Click a pixel to go back to it, or to generate up to it."
)
LEGEND = "framed: next · tinted: what the model can see for it · hatched: to come"
NO_RUN = (
    "No autoregressive model has been trained yet. Start a PixelCNN under Train; it can be looked at here while it "
    "trains."
)


class PixelsPanel(Panel):
    """The image, large, with its transport; beside it the conditional, the figures, surprise, completion and forks.

    Args:
        session: what it shows and changes.
        library: the runs to choose from.
    """

    name: ClassVar[str] = "pixels"
    title: ClassVar[str] = "Pixels"
    icon: ClassVar[str] = "pixels"

    def __init__(self, session: PixelsSession, library: RunLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self._library = session, library
        self.run = RunChooser(library, CAPABILITY)
        self.run.setObjectName("pixels.run")
        self.canvas = PixelCanvas()
        self.name_widget(self.canvas, "canvas", "The image in the making", CANVAS_TIP)
        self._reading = QLabel(" ")
        self._reading.setProperty("role", "muted")
        self._reading.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._weights = QLabel()
        self._problem = QLabel()
        self._problem.setProperty("role", "error")
        self._problem.setWordWrap(True)
        self.transport = Transport(self, session)
        self.conditional = ConditionalView(self, session)
        self.figures = Figures(self, session)
        self.surprise = SurpriseView(self)
        self.completion = CompletionView(self, session)
        self.forks = ForksView(self, session)
        self.further = tuple((title, view(self, session, self.canvas)) for title, view in FURTHER_VIEWS)
        self._hovered = (-1, -1)
        self._add_view_actions()
        self._lay_out()
        self._connect()
        session.choose_run(self.run.current())
        self._refresh()
        self._refresh_notes()

    def _add_view_actions(self) -> None:
        self.context = self.add_action(
            "context",
            "Context",
            "C",
            self.canvas.set_show_context,
            icon="eye",
            tip="Tint the pixels that the model can see for the next one (its receptive field)",
            checkable=True,
        )
        self.context.setChecked(True)
        self.heat = self.add_action(
            "heat",
            "Heat map",
            "H",
            self._on_heat,
            icon="heat",
            tip="Show the surprise, −log p of each pixel, large, and the image small",
            checkable=True,
        )
        self.weights = self.add_action(
            "weights",
            "Use current weights",
            "U",
            self.session.use_current_weights,
            icon="refresh",
            tip="Take over what the run has learned since; the pixels placed so far stay and are scored anew",
        )
        self.follow = self.add_action(
            "follow",
            "Follow training",
            "T",
            self.session.set_following,
            icon="live",
            tip="Take over newer weights by itself while the run trains: watch the conditional and the surprise change",
            checkable=True,
        )
        self.reopen = self.add_action(
            "reopen", "Open again", "", self.session.reopen, icon="refresh", tip="Go on from this pixel"
        )
        self.choose = self.add_action(
            "choose",
            "Choose a value",
            "B",
            self.conditional.bars.setFocus,
            icon="pixels",
            tip="Go to the bars: ← → and Return choose a value; digits choose one from anywhere in the panel",
        )
        self.real = self.add_action(
            "real", "Start from a real image", "I", self._show_completion, icon="image", tip="Pick a real image"
        )

    # ---- layout ------------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        page.setSpacing(GRID)
        page.addWidget(self._header())
        page.addLayout(self._problem_row())
        body = QHBoxLayout()
        body.setSpacing(2 * GRID)
        body.addLayout(self._left(), 1)
        side = self._side()
        side.setFixedWidth(SIDE_WIDTH)
        body.addWidget(side)
        page.addLayout(body, 1)
        for before, after in pairwise((self, self.run, self._weights_button, self._follow_button, *self._toggles)):
            QWidget.setTabOrder(before, after)

    def _header(self) -> QWidget:
        header = QWidget()
        header.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(header)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.run)
        row.addWidget(self._weights)
        self._weights_button = self.button(self.weights)
        row.addWidget(self._weights_button)
        self._follow_button = self.button(self.follow)
        row.addWidget(self._follow_button)
        row.addStretch(1)
        self._toggles = (self.button(self.context), self.button(self.heat))
        for toggle in self._toggles:
            row.addWidget(toggle)
        return header

    def _problem_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addWidget(self._problem, 1)
        self._reopen_button = self.button(self.reopen)
        row.addWidget(self._reopen_button)
        return row

    def _left(self) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(GRID // 2)
        column.addWidget(self.canvas, 1)
        column.addWidget(self._reading)
        column.addWidget(self.transport)
        return column

    def _side(self) -> QWidget:
        side = QWidget()
        self.tabs = QTabWidget()
        self.name_widget(self.tabs, "views", "Surprise, completion, forks", "")
        self.tabs.addTab(self.surprise, "Surprise")
        self.tabs.addTab(self.completion, "Complete")
        self.tabs.addTab(self.forks, "Fork")
        for title, view in self.further:
            self.tabs.addTab(view, title)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID)
        self.tabs.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        column.addWidget(self.conditional, 5)
        column.addWidget(self.figures)
        column.addWidget(self.tabs, 6)
        return side

    def _connect(self) -> None:
        session = self.session
        self.run.chosen.connect(session.choose_run)
        session.walk.moved.connect(self._refresh)
        session.walk.changed.connect(self._refresh_notes)
        session.changed.connect(self._refresh_notes)
        session.changed.connect(self._refresh)
        session.forks_changed.connect(self._on_forks_changed)
        self.canvas.clicked.connect(session.click)
        self.surprise.canvas.clicked.connect(session.click)
        self.canvas.hovered.connect(self._on_hovered)
        self.surprise.canvas.hovered.connect(self._on_hovered)
        self.tabs.currentChanged.connect(self._on_tab)

    # ---- showing -----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        picture = self._picture()
        self.canvas.set_picture(picture)
        self.surprise.set_picture(picture)
        self._show_reading()

    def _picture(self) -> Picture | None:
        state, completion = self.session.state, self.session.completion
        if state is None:
            return None
        placed = np.zeros(state.spec.shape, np.bool_)
        channel, row, column = state.order[: state.step].T
        placed[channel, row, column] = True
        given = np.zeros(state.spec.shape[1:], np.bool_)
        if completion is not None:
            _, row, column = state.order[: completion.first].T
            given[row, column] = True
        surprise = state.surprise()
        position = state.position
        return Picture(
            image=state.image,
            levels=state.spec.levels,
            placed=placed,
            context=state.context,
            current=position[1:] if position else None,
            surprise=surprise,
            top=scale_top(surprise),
            given=given,
            chosen=tuple({state.place_of(step)[1:] for step in self.session.walk.chosen if step < state.step}),
        )

    def _refresh_notes(self) -> None:
        session, state = self.session, self.session.state
        self._problem.setText(session.problem)
        self._problem.setVisible(bool(session.problem))
        self._reopen_button.setVisible(bool(session.problem) and bool(session.run))
        self._weights.setText(f"weights of step {state.weights_step:,}" if state is not None else "")
        newer = session.has_newer_weights() and (session.walk.usable or session.walk.opening)
        live = bool(session.run) and session.run == self._library.live
        self.follow.setEnabled(live)
        self._follow_button.setVisible(live)
        self.weights.setEnabled(newer)
        self._weights_button.setVisible(newer and not (live and session.following))
        if newer:
            self.weights.setText(f"Use current weights (step {session.newest_step():,})")
        opening = session.walk.opening or (session.run and state is None)
        self.canvas.set_placeholder("Opening …" if opening and not session.problem else "" if session.run else NO_RUN)

    def _show_reading(self) -> None:
        """Say what is under the pointer."""
        state, (row, column) = self.session.state, self._hovered
        if state is None or row < 0 or row >= state.spec.height or column >= state.spec.width:
            self._reading.setText(self._legend() if state is not None else " ")
        else:
            self._reading.setText(f"Row {row}, column {column}: {reading(state, row, column)}")

    def _legend(self) -> str:
        chosen = " · corner: chosen by you" if self.session.walk.chosen else ""
        given = " · above the dashes: given" if self.session.completion is not None else ""
        return LEGEND + chosen + given

    def _on_hovered(self, row: int, column: int) -> None:
        self._hovered = (row, column)
        self._show_reading()

    def _on_heat(self, large: bool) -> None:
        if large:
            self.tabs.setCurrentWidget(self.surprise)  # has the colours' scale, and the image
        self.canvas.set_heat(large)
        self.surprise.set_swapped(large)

    def _on_tab(self, index: int) -> None:
        if self.tabs.widget(index) is self.completion:
            self.completion.load()

    def _show_completion(self) -> None:
        self.tabs.setCurrentWidget(self.completion)
        self.completion.load()
        self.completion.images.setFocus()

    def _on_forks_changed(self) -> None:
        if self.session.forking:
            self.tabs.setCurrentWidget(self.forks)

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Open the chosen run as soon as somebody looks."""
        super().showEvent(event)
        self.session.activate()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """In a narrow window the buttons above the image show their icons only."""
        styles = Qt.ToolButtonStyle
        narrow = event.size().width() < NARROW
        for button in (*self._toggles, self._weights_button, self._follow_button):
            button.setToolButtonStyle(styles.ToolButtonIconOnly if narrow else styles.ToolButtonTextBesideIcon)
        super().resizeEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: stop playing."""
        self.session.deactivate()
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Digits choose a value wherever the focus is, Return ends a number of several digits."""
        bars = self.conditional.bars
        if event.text().isdigit():
            bars.type_digit(int(event.text()))
        elif event.text() == "\r" and bars.typing:
            bars.choose_candidate()
        else:
            super().keyPressEvent(event)


def reading(state: PixelState, row: int, column: int) -> str:
    """Value, probability and nats of each sub-pixel of a pixel, in words."""
    parts = []
    for step in state.steps_of_pixel(row, column).tolist():
        channel = state.place_of(step)[0]
        colour = CHANNELS[state.spec.channels][channel]
        start = f"{colour} " if colour else "value "
        if step < state.step:
            nats = float(state.nats[step])
            parts.append(f"{start}{state.image[channel, row, column]}, p = {np.exp(-nats):.4g}, {nats:.3f} nats")
        else:
            parts.append(f"{start}to come at step {step}")
    return "; ".join(parts)
