"""The rows of images below the decoded one: along a dimension, and between two codes."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.gui.panels.latents_view import LatentView
from gmstudio.gui.panels.panel import Panel
from gmstudio.gui.theme import GRID
from gmstudio.gui.widgets.slider_row import dim_label
from gmstudio.gui.widgets.traversal_strip import TraversalStrip
from gmstudio.gui.widgets.typed_slider import TypedSlider
from gmstudio.session.interpolation import MAX_SECONDS, MIN_SECONDS, PATHS
from gmstudio.session.latents import PATH_STEPS, TRAVERSED, LatentsSession

TITLE_WIDTH = 9 * GRID
BUTTON_WIDTH = 10 * GRID
EIGHTHS = ("A", "⅛", "¼", "⅜", "½", "⅝", "¾", "⅞", "B")
assert len(EIGHTHS) == PATH_STEPS
STRIP_TIP = "The image along the chosen dimension, all others as they are. Click an image, or drag, to go there."
PATH_TIP = "Images on the way from code A to code B. Click an image, or drag, to go there."
PATH_TIPS = {
    "linear": "(1 - t) A + t B: straight, through codes nearer 0 than the prior's draws are",
    "spherical": "Turning from A to B: codes in between are about as long as the ends",
}


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

    def __init__(self, panel: Panel, session: LatentsSession) -> None:
        super().__init__(panel)
        self._session = session
        self.title = QLabel()
        self.title.setProperty("role", "heading")
        self.value = QLabel()
        self.value.setProperty("role", "muted")
        self.strip = TraversalStrip(len(TRAVERSED))
        self.strip.set_captions([f"{round(float(value), 1):g}σ" if value else "0" for value in TRAVERSED])
        panel.name_widget(self.strip, "strip", "Traversal of the chosen dimension", STRIP_TIP)
        add = panel.add_action
        self.previous = add("previous_dim", "Dimension above", "K", lambda: session.move_dim(-1), icon="up")
        self.next = add("next_dim", "Dimension below", "J", lambda: session.move_dim(1), icon="down")
        self._lay_out(panel)
        session.run_changed.connect(self._refresh)
        session.code_changed.connect(self._refresh)
        session.dim_changed.connect(self._refresh)
        session.locks_changed.connect(self._refresh)
        session.traversal.changed.connect(self._on_images)
        self.strip.clicked.connect(lambda index: session.set_value(session.dim, float(TRAVERSED[index])))
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
            self.title.setText("Along …")
            self.value.setText("")
            self.strip.set_position(None)
            return
        symbol = session.opened.latent.symbol if session.opened and session.opened.latent else "z"
        value, locked = float(session.code[session.dim]), bool(session.locked[session.dim])
        self.title.setText(f"Along {dim_label(symbol, session.dim)}")
        self.value.setText(f"{value:.2f}σ" + (" fixed" if locked else ""))
        self.strip.setEnabled(not locked)
        spacing = float(TRAVERSED[1] - TRAVERSED[0])
        self.strip.set_position((value - float(TRAVERSED[0])) / spacing)

    def _on_images(self) -> None:
        show_images(self.strip, self._session.traversal.images)

    def _on_scrubbed(self, position: float) -> None:
        low, high = float(TRAVERSED[0]), float(TRAVERSED[-1])
        share = position / (len(TRAVERSED) - 1)
        self._session.set_value(self._session.dim, round(low + share * (high - low), 2))


class InterpolationView(LatentView):
    """Two slots, the images between them, and playing."""

    def __init__(self, panel: Panel, session: LatentsSession) -> None:
        super().__init__(panel)
        self._session, self._panel = session, panel
        self._way = session.interpolation
        self.strip = TraversalStrip(PATH_STEPS)
        self.strip.set_captions(list(EIGHTHS))
        panel.name_widget(self.strip, "path_strip", "Images between code A and code B", PATH_TIP)
        self._add_actions(panel)
        self.position = TypedSlider(0.0, 1.0)
        self.position.name("latents.position", "Position between A and B", "Where between A (0) and B (1) to be.")
        self.path = QComboBox()
        panel.name_widget(self.path, "path", "Path between the codes", "Which way to go from A to B.")
        for path in PATHS:
            self.path.addItem(path, path)
            self.path.setItemData(self.path.count() - 1, PATH_TIPS[path], Qt.ItemDataRole.ToolTipRole)
        self.seconds = QDoubleSpinBox()
        self.seconds.setRange(MIN_SECONDS, MAX_SECONDS)
        self.seconds.setDecimals(1)
        self.seconds.setSuffix(" s")
        self.seconds.setKeyboardTracking(False)
        panel.name_widget(self.seconds, "seconds", "Seconds from A to B", "How long playing takes from A to B.")
        self._lay_out(panel)
        self._connect()
        self._refresh()

    def _add_actions(self, panel: Panel) -> None:
        session, add = self._session, panel.add_action
        self.store_a = add("store_a", "Store A", "A", lambda: session.store("a"), tip="Keep this code in slot A")
        self.store_b = add("store_b", "Store B", "B", lambda: session.store("b"), tip="Keep this code in slot B")
        self.swap = add("swap", "Swap", "S", self._way.swap, icon="interpolate", tip="Exchange A and B")
        self.play = add("interpolate", "Play", "P", self._toggle, icon="play", tip="Go from A to B and back")
        self.play.setShortcuts([QKeySequence("P"), QKeySequence(Qt.Key.Key_Space)])

    def _lay_out(self, panel: Panel) -> None:
        title = QLabel("A to B")
        title.setProperty("role", "heading")
        head = QHBoxLayout()
        head.setSpacing(GRID)
        head.addWidget(title)
        head.addWidget(panel.button(self.play))
        head.addWidget(self.position, 1)
        head.addWidget(self.path)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addLayout(column_of(panel.button(self.store_a), panel.button(self.swap)))
        row.addWidget(self.strip, 1)
        row.addLayout(column_of(panel.button(self.store_b), self.seconds))
        lay_out_strip(self, head, row)

    def _connect(self) -> None:
        session, way = self._session, self._way
        session.run_changed.connect(self._refresh)
        session.code_changed.connect(self._refresh)
        session.path.changed.connect(lambda: show_images(self.strip, session.path.images))
        way.changed.connect(self._refresh)
        way.moved.connect(self._refresh)
        self.position.value_changed.connect(self._on_position)
        self.strip.clicked.connect(lambda index: self._on_position(index / (PATH_STEPS - 1)))
        self.strip.scrubbed.connect(lambda place: self._on_position(place / (PATH_STEPS - 1)))
        self.path.activated.connect(lambda index: way.set_path(self.path.itemData(index)))
        self.seconds.valueChanged.connect(way.set_seconds)

    def _toggle(self) -> None:
        if self._way.playing:
            self._way.pause()
        else:
            self._way.play()

    def _on_position(self, position: float) -> None:
        self._way.pause()
        self._way.go_to(position)

    def _refresh(self) -> None:
        way = self._way
        possible = way.possible and self._session.num_dims > 0
        for action in (self.play, self.swap, self.store_a, self.store_b):
            action.setEnabled(possible)
        self.position.setEnabled(possible)
        self.position.set_value(way.position)
        self.strip.set_position(way.position * (PATH_STEPS - 1) if way.followed else None)
        self.path.setCurrentIndex(self.path.findData(way.path))
        if not self.seconds.hasFocus():
            self.seconds.setValue(way.seconds)
        text = "Pause" if way.playing else "Play"
        if self.play.text() != text:
            self.play.setText(text)
            self._panel.set_action_icon(self.play, "pause" if way.playing else "play")


def lay_out_strip(view: QWidget, head: QHBoxLayout, body: QHBoxLayout) -> None:
    """A line of controls above a row of images."""
    column = QVBoxLayout(view)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addLayout(head)
    column.addLayout(body)


def column_of(*widgets: QWidget) -> QVBoxLayout:
    """Widgets of one width, one below the other, in the middle."""
    column = QVBoxLayout()
    column.setSpacing(GRID // 2)
    column.addStretch(1)
    for widget in widgets:
        widget.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        widget.setFixedWidth(BUTTON_WIDTH)
        column.addWidget(widget)
    column.addStretch(1)
    return column


def flat(button: QToolButton) -> QToolButton:
    """The button, without a face of its own."""
    button.setProperty("flat", True)
    return button


def show_images(strip: TraversalStrip, images: NDArray[np.uint8] | None) -> None:
    """Show (N, C, H, W) images, 0 … 255, or none."""
    strip.set_images(np.zeros((0, 1, 1, 1), np.uint8) if images is None else images)
