"""Arithmetic on codes, a - b + c: three slots, the image of the result, and controls to use it."""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.picture_source import PictureSource, file_in
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.folding_row import FoldingRow, group_of
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.state.latents.arithmetic import SLOTS, LatentArithmetic, Slot
from gmstudio.window.state.latents.state import LatentsState

TILE_PX = 9 * GRID
"""Side of a slot: at least that of the images in a strip."""
SLOT_TIP = (
    "Slot {} of a - b + c. Drop an image of the data, or a picture's file, on it; or click it to fill it next, with an "
    "image that is clicked or with the current code."
)
RESULT_TIP = "Decoded image of the code a - b + c."
IMAGE_MIME = "application/x-gmstudio-image"


def image_mime(split: SplitName, index: int) -> QMimeData:
    """Return the data of a drag: an image of the run's data."""
    data = QMimeData()
    data.setData(IMAGE_MIME, f"{split} {index}".encode())
    return data


class SlotTile(LiveImage):
    """Image of a slot; the slot that is filled next is framed.

    Signals:
        chosen: it was clicked, or Return was pressed on it.
        dropped: the ``QMimeData`` of a drop; valid only in the slot of this signal.
    """

    chosen = Signal()
    dropped = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._marked = False
        self.setFixedSize(TILE_PX, TILE_PX)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_marked(self, marked: bool) -> None:
        """Frame the tile, or not."""
        if marked != self._marked:
            self._marked = marked
            self.update()

    def minimumSizeHint(self) -> QSize:
        """Size of a tile."""
        return QSize(TILE_PX, TILE_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the image and the frame."""
        super().paintEvent(event)
        with QPainter(self) as painter:
            painter.setPen(
                QPen(
                    theme().color("accent" if self._marked else "text" if self.hasFocus() else "border"),
                    2 if self._marked else 1,
                )
            )
            painter.drawRect(self.rect().adjusted(1, 1, -2, -2))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept images and files."""
        data = event.mimeData()
        if self.acceptDrops() and (data.hasFormat(IMAGE_MIME) or file_in(data) or data.hasImage()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Emit ``dropped``."""
        event.acceptProposedAction()
        self.dropped.emit(event.mimeData())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the slot."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the slot with Return."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)


class ArithmeticView(QWidget):
    """Three slots and their result.

    Args:
        panel: that it belongs to.
        state: shown and changed.
    """

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._state = state
        self._arithmetic: LatentArithmetic = state.arithmetic
        self.slots: dict[Slot, SlotTile] = {}
        self._titles: dict[Slot, ElidedLabel] = {}
        self._pictures = PictureSource(self)
        self._target: Slot = "a"
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
        fill_tip = "Fill the marked slot with the current code"
        self.fill = add("set_slot", "Set slot to current code", "C", arithmetic.set_to_code, icon="add", tip=fill_tip)
        go, go_tip = arithmetic.go_to_result, "Set the code to a − b + c"
        self.go = add("go_to_result", "Go to a − b + c", "T", go, tip=go_tip, needs="Fill the slots a, b and c first.")
        add_tip = "Add c − b to the directions, with a slider"
        self.add = add(
            "add_difference",
            "Add direction c − b",
            "G",
            self._add_direction,
            tip=add_tip,
            needs="Fill the slots b and c first.",
        )
        self.problem = QLabel()
        self.problem.setProperty("role", "error")
        self.problem.setWordWrap(True)
        self._lay_out(panel)
        state.run_changed.connect(self._refresh)
        arithmetic.changed.connect(self._refresh)
        self._pictures.taken.connect(self._on_picture)
        self._pictures.failed.connect(arithmetic.report)
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
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(grid)
        for actions in ((self.fill,), (self.go, self.add)):
            column.addWidget(FoldingRow(*(group_of(panel.button(action)) for action in actions), spacing=GRID // 2))
        column.addWidget(self.problem)

    def _add_direction(self) -> None:
        difference = self._arithmetic.difference
        if difference is not None:
            self._state.directions.add(difference)

    def _on_dropped(self, slot: Slot, data: QMimeData) -> None:
        """Fill a slot with an image of the data, or with a picture as soon as it is read."""
        if data.hasFormat(IMAGE_MIME):
            split, _, index = bytes(data.data(IMAGE_MIME).data()).decode().partition(" ")
            self._arithmetic.choose_slot(slot)
            self._arithmetic.set_to_image(next(name for name in SPLITS if name == split), int(index))
        else:
            self._target = slot
            self._pictures.take_mime(data)

    def _on_picture(self, picture: NDArray[np.uint8], name: str) -> None:
        user_image = self._state.user_image
        self._arithmetic.choose_slot(self._target)
        self._arithmetic.set_to_picture(picture, name, user_image.fitting, user_image.ink.statistics)

    def _refresh(self) -> None:
        arithmetic = self._arithmetic
        for slot, tile in self.slots.items():
            operand = arithmetic.operands.get(slot)
            tile.set_image(arithmetic.images.get(slot) if operand is not None else None)
            tile.set_marked(slot == arithmetic.slot)
            self._show_title(slot)
        self.result.set_image(arithmetic.images.get("result") if arithmetic.result is not None else None)
        self.fill.setEnabled(self._state.code.num_dims > 0)
        self.go.setEnabled(arithmetic.result is not None)
        self.add.setEnabled(arithmetic.difference is not None)
        self.problem.setText(arithmetic.problem)
        self.problem.setVisible(bool(arithmetic.problem))

    def _show_title(self, slot: Slot) -> None:
        """Show the label where there is one, which is short; the tooltip names the image."""
        operand, title = self._arithmetic.operands.get(slot), self._titles[slot]
        if operand is None:
            title.set_words(slot)
        else:
            title.set_words(f"{slot}: {operand.label}" if operand.label else operand.title)
            title.setToolTip(operand.description or operand.title)
