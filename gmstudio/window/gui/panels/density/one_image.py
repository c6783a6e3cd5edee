"""Page One image: one image through the chosen models, or one of every family, side by side."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from gmstudio.protocol.array import Array
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.density.card_content import content_of
from gmstudio.window.gui.picture_source import PictureSource
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.model_card import LEAST_WIDTH, ModelCardView
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.style_property import set_role
from gmstudio.window.state.density.one_image import OneImageState
from gmstudio.window.state.density.state import DensityState

MAX_INDEX = 10_000_000
NO_MODEL = "No model is chosen, and none is ready. Choose models at the left, or train one."


class OneImagePage(ActiveWidget):
    """Cards of the models, each filled as its answers arrive.

    Args:
        panel: that the controls belong to.
        state: of the panel.

    Attributes:
        cards: name of a run → its card.
    """

    def __init__(self, panel: Panel, state: DensityState) -> None:
        super().__init__()
        self._panel, self._owner = panel, state
        self._state = state.page(OneImageState)
        self.cards: dict[str, ModelCardView] = {}
        self._columns = 0
        self._pictures = PictureSource(self)
        self._pictures.taken.connect(self._take_picture)
        self._pictures.failed.connect(self._show_problem)
        self._problem = ""
        self._make_controls()
        self._lay_out()
        self._pictures.accept_drops(self)
        self._state.cards_changed.connect(self._show_cards)
        self._state.changed.connect(self._show_card)
        state.described.changed.connect(self._show_limits)
        state.library.changed.connect(self._mark_older)
        self._show_cards()
        self._show_limits()

    def _make_controls(self) -> None:
        add, name = self._panel.add_action, self._panel.name_widget
        self.every = add(
            "one_every",
            "Every family",
            "",
            self._state.set_every_family,
            icon="row",
            tip="Show one ready model of each family beside the chosen ones",
            checkable=True,
        )
        self.every.setChecked(self._state.every_family)
        self.paste = add(
            "one_paste", "Paste", "Ctrl+V", self._pictures.paste, icon="copy", tip="Show the picture in the clipboard"
        )
        self.previous = add(
            "one_previous", "Previous image", "Left", lambda: self._step(-1), icon="left", tip="Show the image before"
        )
        self.next = add(
            "one_next",
            "Next image",
            "Right",
            lambda: self._step(1),
            icon="right",
            tip="Show the next image",
        )
        self.refresh = add(
            "one_refresh",
            "Refresh",
            "",
            self._state.refresh,
            icon="refresh",
            tip="Compute everything again, with the present weights of a run in training",
        )
        self.stop = add(
            "one_stop",
            "Stop",
            "",
            self._state.stop,
            icon="stop",
            tip="End the computations; what is there stays",
            needs="Nothing is being computed.",
        )
        self.index = IntegerField()
        self.index.setRange(0, MAX_INDEX)
        self.index.setPrefix("image ")
        self.index.setKeyboardTracking(False)
        tip = "Number of the image in the set that is chosen at the left; a picture can be dropped on the page, too."
        name(self.index, "one_index", "Number of the image", tip)
        self.index.valueChanged.connect(self._state.set_index)
        self._panel.remember(self.every)

    def _lay_out(self) -> None:
        button = self._panel.button
        self.words = ElidedLabel()
        self.words.setProperty("role", "muted")
        top = QHBoxLayout()
        top.setSpacing(GRID)
        top.addWidget(button(self.previous, icon_only=True))
        top.addWidget(self.index)
        top.addWidget(button(self.next, icon_only=True))
        top.addWidget(button(self.paste))
        top.addWidget(button(self.every))
        top.addWidget(button(self.refresh, icon_only=True))
        top.addWidget(button(self.stop))
        top.addStretch(1)
        self.area = QScrollArea()
        tip = "What each model makes of the image."
        self._panel.name_widget(self.area, "one_cards", "Models", tip)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._content = QWidget()
        self._grid = QGridLayout(self._content)
        self._grid.setContentsMargins(0, 0, GRID, 0)
        self._grid.setSpacing(GRID)
        self._grid.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.area.setWidget(self._content)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, GRID, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(top)
        page.addWidget(self.words)  # a line of its own: beside the buttons a sentence would be cut short
        page.addWidget(self.area, 1)

    def set_active(self, active: bool) -> None:
        """Request only while the page is on the screen."""
        self._state.set_active(active)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the cards in as many columns as fit."""
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Arrange the cards anew for larger type, as of a presentation."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange) and hasattr(self, "area"):
            QTimer.singleShot(0, self, self._arrange)  # once the cards have the type, too

    # ---- cards ---------------------------------------------------------------------------------------------------

    def _show_cards(self) -> None:
        """Make a card for each model; those that are there stay."""
        state = self._state
        for run in [run for run in self.cards if run not in state.cards]:
            self.cards.pop(run).deleteLater()
        for number, run in enumerate(state.cards):
            if run not in self.cards:
                card = ModelCardView(self._content)
                card.clicked.connect(lambda _checked=False, run=run: self._panel.run_wanted.emit(run))
                self.cards[run] = card
            tip = "Open the model in the panel that is made for it."
            self._panel.name_widget(self.cards[run], f"one_card_{number}", "", tip)
        self.cards = {run: self.cards[run] for run in state.cards}
        self._columns = 0
        self._arrange()
        for run in self.cards:
            self._show_card(run)
        self.every.setChecked(state.every_family)
        self.index.blockSignals(True)
        self.index.setValue(state.index)
        self.index.blockSignals(False)
        self._problem = ""
        self._show_words()

    def _arrange(self) -> None:
        width = self.area.viewport().width() - GRID
        least = max((card.least_width() for card in self.cards.values()), default=LEAST_WIDTH)
        columns = max(1, (width + GRID) // (least + GRID))
        height_of = (width - (columns - 1) * GRID) // columns
        for card in self.cards.values():
            card.setFixedHeight(card.height_for(height_of))
        if columns == self._columns:
            return
        self._columns = columns
        while self._grid.count():
            self._grid.takeAt(0)
        for column in range(self._grid.columnCount()):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        for number, card in enumerate(self.cards.values()):
            self._grid.addWidget(card, number // columns, number % columns)
            self._grid.setColumnStretch(number % columns, 1)
            card.show()

    def _show_card(self, run: str) -> None:
        view, card = self.cards.get(run), self._state.cards.get(run)
        if view is not None and card is not None:
            view.set_content(content_of(card, self._owner.library.info(run), self._state.is_older(run)))
        self._show_words()

    def _mark_older(self) -> None:
        """Say on a card that its run has other weights by now."""
        for run, view in self.cards.items():
            if self._state.is_older(run) != view.content.older:
                self._show_card(run)

    def _show_words(self) -> None:
        state = self._state
        self.stop.setEnabled(state.busy)
        waiting = sum(card.waiting for card in state.cards.values())
        if self._problem:
            words = self._problem
        elif not state.cards:
            words = NO_MODEL if self._owner.library.home else "The engine is starting."
        elif state.busy:
            words = f"{len(state.cards) - waiting} of {len(state.cards)} models done"
        else:
            words = f"{len(state.cards)} models; a click on a card opens the model"
        set_role(self.words, error=bool(self._problem))
        self.words.set_words(words)

    def _show_limits(self) -> None:
        described = self._owner.described.described
        self.index.setMaximum(MAX_INDEX if described is None else max(described.count - 1, 0))

    # ---- the image -----------------------------------------------------------------------------------------------

    def _step(self, by: int) -> None:
        self.index.setValue(self.index.value() + by)

    def _take_picture(self, picture: Any, name: str) -> None:
        pixels: NDArray[np.uint8] = picture
        if pixels.shape[2] == 4:  # on black, as behind the digits of MNIST
            opacity = pixels[..., 3:].astype(np.uint16)
            pixels = (pixels[..., :3] * opacity // 255).astype(np.uint8)
        self._state.take_picture(Array.of(np.ascontiguousarray(pixels.transpose(2, 0, 1))), name)

    def _show_problem(self, text: str) -> None:
        self._problem = text
        self._show_words()
