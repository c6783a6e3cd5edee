"""Arithmetic on codes, a - b + c: three slots that take images, the image of the result, and going there."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.picture_source import PictureSource, file_in
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.state.latents.arithmetic import SLOTS, LatentArithmetic, Slot
from gmstudio.window.state.latents.state import LatentsState

TILE_PX = 6 * GRID
SLOT_TIP = (
    "Slot {} of a - b + c. Drop an image of the data below, or a picture's file, on it; or click it to fill it next, "
    "with an image that is clicked or with the present code."
)
RESULT_TIP = "What the code a - b + c decodes to. Take goes there."


IMAGE_MIME = "application/x-gmstudio-image"


def image_mime(split: SplitName, index: int) -> QMimeData:
    """What is dragged: an image of the run's data."""
    data = QMimeData()
    data.setData(IMAGE_MIME, f"{split} {index}".encode())
    return data


class SlotTile(LiveImage):
    """The image of a slot; the one that is filled next has a frame.

    Signals:
        chosen: it was clicked, or Return was pressed on it.
        dropped: what was dropped on it, the ``QMimeData``; only while the drop goes on.
    """

    chosen = Signal()
    dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._marked = False
        self.setFixedSize(TILE_PX, TILE_PX)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_marked(self, marked: bool) -> None:
        """Frame it, or no longer."""
        if marked != self._marked:
            self._marked = marked
            self.update()

    def minimumSizeHint(self) -> QSize:
        """Of a tile."""
        return QSize(TILE_PX, TILE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The image, and the frame."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(
            QPen(
                theme().color("accent" if self._marked else "text" if self.hasFocus() else "border"),
                2 if self._marked else 1,
            )
        )
        painter.drawRect(self.rect().adjusted(1, 1, -2, -2))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Images are welcome."""
        data = event.mimeData()
        if self.acceptDrops() and (data.hasFormat(IMAGE_MIME) or file_in(data) or data.hasImage()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        event.acceptProposedAction()
        self.dropped.emit(event.mimeData())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose it."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return chooses it."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)


class ArithmeticView(QWidget):
    """Three slots and their result."""

    def __init__(self, panel: Panel, session: LatentsState) -> None:
        super().__init__(panel)
        self._session = session
        self._arithmetic: LatentArithmetic = session.arithmetic
        self.slots: dict[Slot, SlotTile] = {}
        self._titles: dict[Slot, ElidedLabel] = {}
        self._pictures = PictureSource(self)
        self._wanting: Slot = "a"
        for slot in SLOTS:
            tile = self.slots[slot] = SlotTile()
            tile.chosen.connect(partial(self._arithmetic.choose_slot, slot))
            tile.setAcceptDrops(True)
            tile.dropped.connect(partial(self._on_dropped, slot))
            tile.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            panel.name_widget(tile, f"slot_{slot}", f"Slot {slot}", SLOT_TIP.format(slot))
        self.result = SlotTile()
        panel.name_widget(self.result, "slot_result", "Image of a - b + c", RESULT_TIP)
        add, arithmetic = panel.add_action, self._arithmetic
        put_tip = "Put the code that is set into the marked slot"
        self.put = add("put_code", "Put code", "C", arithmetic.put_code, icon="add", tip=put_tip)
        self.take = add("take_result", "Take", "T", arithmetic.take, tip="Set the sliders to a - b + c")
        as_direction = "Make the way from b to c a direction, to go along by a slider"
        self.keep = add("difference", "c − b", "G", self._add_direction, tip=as_direction)
        self.problem = QLabel()
        self.problem.setProperty("role", "error")
        self.problem.setWordWrap(True)
        self._lay_out(panel)
        session.run_changed.connect(self._refresh)
        arithmetic.changed.connect(self._refresh)
        self._pictures.taken.connect(self._on_picture)
        self._pictures.failed.connect(arithmetic.tell)
        self._refresh()

    def _lay_out(self, panel: Panel) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID // 4)
        grid.setVerticalSpacing(0)
        middle = Qt.AlignmentFlag.AlignCenter
        for place, (slot, sign) in enumerate(zip(SLOTS, ("−", "+", "="), strict=True)):
            title = self._titles[slot] = ElidedLabel()
            title.setProperty("role", "muted")
            title.setAlignment(middle)
            title.setFixedWidth(TILE_PX)
            grid.addWidget(self.slots[slot], 0, 2 * place)
            grid.addWidget(QLabel(sign), 0, 2 * place + 1, middle)
            grid.addWidget(title, 1, 2 * place)
        grid.addWidget(self.result, 0, 2 * len(SLOTS))
        grid.setColumnStretch(2 * len(SLOTS) + 1, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID // 2)
        for action in (self.put, self.take, self.keep):
            buttons.addWidget(panel.button(action))
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(grid)
        column.addLayout(buttons)
        column.addWidget(self.problem)

    def _add_direction(self) -> None:
        difference = self._arithmetic.difference
        if difference is not None:
            self._session.directions.add(difference)

    def _on_dropped(self, slot: Slot, data: QMimeData) -> None:
        """Put an image of the data there, or a picture from elsewhere as soon as it is read."""
        if data.hasFormat(IMAGE_MIME):
            split, _, index = bytes(data.data(IMAGE_MIME).data()).decode().partition(" ")
            self._arithmetic.choose_slot(slot)
            self._arithmetic.put_image(next(name for name in SPLITS if name == split), int(index))
        else:
            self._wanting = slot
            self._pictures.take_mime(data)

    def _on_picture(self, picture: NDArray[np.uint8], name: str) -> None:
        user_image = self._session.user_image
        self._arithmetic.choose_slot(self._wanting)
        self._arithmetic.put_picture(picture, name, user_image.fit, invert=user_image.invert)

    def _refresh(self) -> None:
        arithmetic = self._arithmetic
        for slot, tile in self.slots.items():
            operand = arithmetic.operands.get(slot)
            tile.set_image(arithmetic.images.get(slot) if operand is not None else None)
            tile.set_marked(slot == arithmetic.slot)
            self._show_title(slot)
        self.result.set_image(arithmetic.images.get("result") if arithmetic.result is not None else None)
        self.put.setEnabled(self._session.num_dims > 0)
        self.take.setEnabled(arithmetic.result is not None)
        self.keep.setEnabled(arithmetic.difference is not None)
        self.problem.setText(arithmetic.problem)
        self.problem.setVisible(bool(arithmetic.problem))

    def _show_title(self, slot: Slot) -> None:
        """The label where there is one, which is short; the tooltip says which image it is."""
        operand, title = self._arithmetic.operands.get(slot), self._titles[slot]
        if operand is None:
            title.set_words(slot)
        else:
            title.set_words(f"{slot}: {operand.label}" if operand.label else operand.title)
            title.setToolTip(operand.told or operand.title)
