"""The row of images below the decoded one, along a dimension, and what such rows share."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.tab import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.traversal_strip import TraversalStrip
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.latents.strips import NUM_TRAVERSED

TITLE_WIDTH = 11 * GRID
STRIP_TIP = "The image along the chosen dimension, all others as they are. Click an image, or drag, to go there."


class SpaceKeeper(QObject):
    """Lets Space press the button, and click the image, that has the focus, before the panel's shortcut takes it."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Accept the override, so that Qt delivers the key."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Space
        ):
            event.accept()
            return True
        return False


class TraversalView(LatentView):
    """The image along the dimension that was touched last."""

    def __init__(self, panel: Panel, session: LatentsState) -> None:
        super().__init__(panel)
        self._session = session
        self._captions: list[str] = []
        self.title = ElidedLabel()
        self.title.setProperty("role", "target")
        self.value = QLabel()
        self.value.setProperty("role", "muted")
        self.strip = TraversalStrip(NUM_TRAVERSED)
        panel.name_widget(self.strip, "strip", "Traversal of the chosen dimension", STRIP_TIP)
        add = panel.add_action
        self.previous = add("previous_dim", "Dimension above", "K", lambda: session.move_dim(-1), icon="up")
        self.next = add("next_dim", "Dimension below", "J", lambda: session.move_dim(1), icon="down")
        self._lay_out(panel)
        session.run_changed.connect(self._refresh)
        session.code_changed.connect(self._refresh)
        session.dim_changed.connect(self._refresh)
        session.locks_changed.connect(self._refresh)
        session.annotations.names_changed.connect(self._refresh)
        session.strips.traversal.changed.connect(self._on_images)
        self.strip.clicked.connect(lambda index: session.set_value(session.dim, float(session.strips.traversed[index])))
        self.strip.scrubbed.connect(self._on_scrubbed)
        self._refresh()

    def _lay_out(self, panel: Panel) -> None:
        turn = QHBoxLayout()
        turn.setSpacing(GRID // 2)
        for action in (self.previous, self.next):
            button = flat(panel.button(action, icon_only=True))
            button.setFixedWidth(4 * GRID)
            turn.addWidget(button)
        turn.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(GRID // 4)
        words.addStretch(1)
        words.addWidget(self.title)
        words.addWidget(self.value)
        words.addLayout(turn)
        words.addStretch(1)
        self.title.setFixedWidth(TITLE_WIDTH)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(words)
        row.addWidget(self.strip, 1)

    def _refresh(self) -> None:
        session = self._session
        if not session.num_dims:
            self.title.set_words("Along …")
            self.value.setText("")
            self.strip.set_position(None)
            return
        value, locked = float(session.code[session.dim]), bool(session.locked[session.dim])
        self.title.set_words(f"Along {session.label(session.dim)}")
        self.value.setText(session.range.told(value) + (" fixed" if locked else ""))
        self.strip.setEnabled(not locked)
        values, unit = session.strips.traversed, session.range.unit
        captions = [f"{round(float(value), 1):g}" for value in values]
        captions[0], captions[-1] = captions[0] + unit, captions[-1] + unit
        if captions != self._captions:
            self._captions = captions
            self.strip.set_captions(captions)
        spacing = float(values[1] - values[0])
        self.strip.set_position((value - float(values[0])) / spacing)

    def _on_images(self) -> None:
        show_images(self.strip, self._session.strips.traversal.images)

    def _on_scrubbed(self, position: float) -> None:
        low, high = self._session.range.near, self._session.range.far
        share = position / (NUM_TRAVERSED - 1)
        self._session.set_value(self._session.dim, round(low + share * (high - low), 2))


def lay_out_strip(view: QWidget, head: QHBoxLayout, body: QHBoxLayout) -> None:
    """A line of controls above a row of images."""
    column = QVBoxLayout(view)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addLayout(head)
    column.addLayout(body)


def flat(button: QToolButton) -> QToolButton:
    """The button, without a face of its user_image."""
    button.setProperty("flat", True)
    return button


def show_images(strip: TraversalStrip, images: NDArray[np.uint8] | None) -> None:
    """Show (N, C, H, W) images, 0 … 255, or none."""
    strip.set_images(np.zeros((0, 1, 1, 1), np.uint8) if images is None else images)
