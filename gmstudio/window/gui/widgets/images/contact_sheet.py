"""Contact sheet: a grid of any number of images that scrolls and holds the pictures of the visible ones.

A *place* is a position in the sheet, row by row; an *index* is the number of an image in its set. ``set_order`` says
which image is at which place.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QSizePolicy, QToolTip, QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.grid import GAP
from gmstudio.window.gui.widgets.images.sheet_layout import LEAST_CELL, MARK_PX, SheetLayout
from gmstudio.window.gui.widgets.images.sheet_pictures import LIMIT_BYTES, SheetPictures

DEBOUNCE_MS = 25
"""Pictures are asked for once scrolling has rested for this long, or has gone on for ``LONGEST_WAIT_MS``."""
LONGEST_WAIT_MS = 100
MOST_WANTED = 1024


class ContactSheet(QAbstractScrollArea):
    """Grid of images in an order, of which only the visible ones hold pictures.

    The arrow keys, Page Up, Page Down, Home and End move the current image; Return or Space opens it.

    Args:
        limit_bytes: memory for pictures; those shown last stay.

    Signals:
        wanted: indices of visible images whose pictures it lacks, and of those that follow; to be answered by
            ``show_images``. A newer one replaces those before it.
        opened: index of the image that was clicked or opened by a key.
        hovered: index of the image under the pointer or the current one of the keyboard; -1: none.
    """

    wanted = Signal(tuple)
    opened = Signal(int)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None, *, limit_bytes: int = LIMIT_BYTES) -> None:
        super().__init__(parent)
        self._pictures = SheetPictures(limit_bytes)
        self._count = 0
        self._order: NDArray[np.int64] | None = None
        self._image_size = QSize(28, 28)
        self._caption: Callable[[int], str] | None = None
        self._tip: Callable[[int], str] | None = None
        self._mark: Callable[[int], QColor | None] | None = None
        self._placeholder = ""
        self._hover = self._current = -1
        """Places."""
        self._selected = -1
        """Index."""
        self._first = 0
        """First visible place, which stays where the width changes."""
        self._layout = SheetLayout(0, 0, 28, 28)
        self._rest, self._longest = QTimer(self), QTimer(self)
        for timer, wait in ((self._rest, DEBOUNCE_MS), (self._longest, LONGEST_WAIT_MS)):
            timer.setSingleShot(True)
            timer.setInterval(wait)
            timer.timeout.connect(self.ask_now)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.viewport().setMouseTracking(True)
        theme().changed.connect(self.viewport().update)

    # ---- what it shows -----------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """Number of places."""
        return self._count

    @property
    def current(self) -> int:
        """Index of the current image of the keyboard; -1: none."""
        return self.index_of(self._current)

    @property
    def columns(self) -> int:
        """Number of columns."""
        return self._layout.columns

    def set_count(self, count: int) -> None:
        """Show the images 0 … ``count`` − 1 in the order of their numbers, and forget all pictures."""
        self._pictures.clear()
        self._take_order(None, count)

    def set_order(self, order: NDArray[np.int64], *, to_top: bool = True) -> None:
        """Show images in an order; pictures that are known stay.

        Args:
            order: (n,) indices, the first at the top left.
            to_top: scroll to the first; otherwise the sheet stays where it is.
        """
        self._take_order(order.astype(np.int64), len(order), to_top)

    def set_image_size(self, height: int, width: int) -> None:
        """Choose the cells for images of this size, whole multiples of their pixels; those shown decide otherwise."""
        size = QSize(width, height)
        if size != self._image_size:
            self._image_size = size
            self._lay_out()

    def show_images(self, indices: NDArray[np.int64] | tuple[int, ...], images: NDArray[Any], levels: int) -> None:
        """Show pictures of images.

        Args:
            indices: (n,) numbers of the images.
            images: (n, C, H, W) integers below ``levels``, C 1 or 3.
            levels: 2 to 256.

        Raises:
            ValueError: for other shapes.
        """
        if images.ndim != 4 or images.shape[1] not in (1, 3) or len(images) != len(indices):
            raise ValueError(f"{len(indices)} images are (n, 1 or 3, H, W), not {images.shape}.")
        self._pictures.add(indices, images, levels)
        if len(images):
            self.set_image_size(images.shape[2], images.shape[3])
        self.viewport().update()

    def forget_images(self) -> None:
        """Forget all pictures, and ask for the visible ones again."""
        self._pictures.clear()
        self.ask_again()
        self.viewport().update()

    def set_captions(self, caption: Callable[[int], str] | None) -> None:
        """Write a caption below each image, by its index; None: there are none."""
        self._caption = caption
        self._lay_out()

    def set_tips(self, tip: Callable[[int], str] | None) -> None:
        """Show a tooltip of each image, by its index."""
        self._tip = tip

    def set_marks(self, mark: Callable[[int], QColor | None] | None) -> None:
        """Draw a line in a colour above each image, by its index; None: there is none."""
        self._mark = mark
        self.viewport().update()

    def set_placeholder(self, text: str) -> None:
        """Set the text shown while there is no image."""
        self._placeholder = text
        self.viewport().update()

    def set_selected(self, index: int) -> None:
        """Outline an image in the accent colour; -1: none."""
        if index != self._selected:
            self._selected = index
            self.viewport().update()

    def pixels(self, index: int) -> NDArray[np.uint8] | None:
        """Intensities of an image, (3, H, W) uint8; None: its picture is not there."""
        return self._pictures.pixels(index)

    def visible_pixels(self) -> list[NDArray[np.uint8]]:
        """Intensities of the visible images, each (3, H, W), row by row; those without a picture are left out."""
        indices = map(self.index_of, self._visible())
        return [pixels for index in indices if (pixels := self._pictures.pixels(index)) is not None]

    # ---- where things are --------------------------------------------------------------------------------------

    def index_of(self, place: int) -> int:
        """Index of the image at a place; -1 outside."""
        if not 0 <= place < self._count:
            return -1
        return place if self._order is None else int(self._order[place])

    def place_at(self, position: QPoint) -> int:
        """Place at a point of the viewport; -1 between and outside images."""
        return self._layout.place_at(position + QPoint(0, self.verticalScrollBar().value()))

    def index_at(self, position: QPoint) -> int:
        """Index of the image at a point of the viewport; -1 between and outside images."""
        return self.index_of(self.place_at(position))

    def image_rect(self, place: int) -> QRect:
        """Rectangle of the image at a place, in the viewport's coordinates."""
        return self._layout.rect(place).translated(0, -self.verticalScrollBar().value())

    def show_place(self, place: int) -> None:
        """Scroll by the least distance that brings a place into view, and make it the current one."""
        if not self._count:
            return
        self._current = max(0, min(place, self._count - 1))
        rect, bar, height = self._layout.whole_rect(self._current), self.verticalScrollBar(), self.viewport().height()
        bar.setValue(max(min(bar.value(), rect.top()), min(rect.bottom() + 1 - height, rect.top())))
        self.setAccessibleDescription(self._caption(self.current) if self._caption else str(self.current))
        self.hovered.emit(self.current)
        self.viewport().update()

    def sizeHint(self) -> QSize:
        """Size in which some rows are visible."""
        return QSize(480, 320)

    def minimumSizeHint(self) -> QSize:
        """Smallest useful size: one row."""
        return QSize(120, 2 * LEAST_CELL)

    def _visible(self) -> range:
        return self._layout.visible(self.verticalScrollBar().value(), self.viewport().height())

    def _lay_out(self) -> None:
        """Fit as many columns as there is room for; the first visible image stays at the top."""
        size = self._image_size
        caption = self.fontMetrics().height() if self._caption is not None else 0
        layout = SheetLayout(self._count, self.viewport().width(), size.width(), size.height(), caption)
        self._layout, height = layout, self.viewport().height()
        bar, first = self.verticalScrollBar(), self._first
        bar.setRange(0, max(0, layout.height - height))
        bar.setPageStep(layout.rows_in(height) * layout.row_height)
        bar.setSingleStep(max(1, layout.row_height // 3))
        if first // layout.columns != layout.first_at(bar.value()) // layout.columns:
            bar.setValue(first // layout.columns * layout.row_height)
        self._first = first
        self.ask_again()
        self.viewport().update()

    def _take_order(self, order: NDArray[np.int64] | None, count: int, to_top: bool = True) -> None:
        self._order, self._count = order, count
        self._hover = -1
        self._current = -1 if to_top else min(self._current, count - 1)
        if to_top:
            self._first = 0
            self.verticalScrollBar().setValue(0)
        self._lay_out()

    # ---- pictures that it lacks --------------------------------------------------------------------------------

    def ask_again(self) -> None:
        """Ask for what is missing, once scrolling rests; for example again after a failure."""
        self._rest.start()
        if not self._longest.isActive():
            self._longest.start()

    def ask_now(self) -> None:
        """Ask for the visible pictures that are missing, and for those of the page that follows."""
        self._rest.stop()
        self._longest.stop()
        if not self.isVisible() or not self._count:
            return
        visible = self._visible()
        after = range(visible.stop, min(visible.stop + len(visible), self._count))
        missing = [index for place in visible if (index := self.index_of(place)) not in self._pictures]
        if missing:
            missing += [index for place in after if (index := self.index_of(place)) not in self._pictures]
            self.wanted.emit(tuple(missing[:MOST_WANTED]))

    # ---- painting ----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible images, their captions and outlines."""
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), theme().color("window"))
            if not self._count:
                painter.setPen(theme().color("muted"))
                flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
                painter.drawText(self.viewport().rect().adjusted(16, 16, -16, -16), flags, self._placeholder)
                return
            exposed, empty, muted = event.rect(), theme().color("raised"), theme().color("muted")
            elide, metrics = Qt.TextElideMode.ElideRight, painter.fontMetrics()
            for place in self._visible():
                rect = self.image_rect(place)
                if not exposed.intersects(rect.adjusted(0, -MARK_PX, 0, self._layout.caption)):
                    continue
                index = self.index_of(place)
                image = self._pictures.image(index)
                if image is None:
                    painter.fillRect(rect, empty)
                else:
                    painter.drawImage(QRectF(rect), image)
                colour = self._mark(index) if self._mark else None
                if colour is not None:
                    painter.fillRect(rect.x(), rect.y() - MARK_PX, rect.width(), MARK_PX - 1, colour)
                if self._caption is not None:
                    below = QRect(rect.left() - GAP // 2, rect.bottom() + 1, rect.width() + GAP, self._layout.caption)
                    text = metrics.elidedText(self._caption(index), elide, below.width())
                    painter.setPen(muted)
                    painter.drawText(below, Qt.AlignmentFlag.AlignCenter, text)
            self._paint_outlines(painter)

    def _paint_outlines(self, painter: QPainter) -> None:
        current = self._current if self.hasFocus() else -1
        visible = self._visible()
        selected = next((place for place in visible if self.index_of(place) == self._selected >= 0), -1)
        for place, role, style in (
            (self._hover, "muted", Qt.PenStyle.SolidLine),
            (selected, "accent", Qt.PenStyle.SolidLine),
            (current, "accent", Qt.PenStyle.DashLine),
        ):
            if place in visible:
                painter.setPen(QPen(theme().color(role), 2, style))
                painter.drawRect(QRectF(self.image_rect(place)).adjusted(-1, -1, 1, 1))

    # ---- Qt ----------------------------------------------------------------------------------------------------

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Paint what comes into view."""
        self._first = self._layout.first_at(self.verticalScrollBar().value())
        self._hover = -1
        self.ask_again()
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the columns to the width."""
        super().resizeEvent(event)
        self._lay_out()

    def event(self, event: QEvent) -> bool:
        """Outline the current image while the keyboard is here."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.viewport().update()
        return super().event(event)

    def changeEvent(self, event: QEvent) -> None:
        """Fit the rows to the type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.ApplicationFontChange):
            self._lay_out()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the pictures."""
        super().showEvent(event)
        self.ask_again()

    def viewportEvent(self, event: QEvent) -> bool:
        """Show tooltips; and notice that the pointer leaves."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self._tip is not None:
            index = self.index_at(event.pos())
            QToolTip.showText(event.globalPos(), self._tip(index) if index >= 0 else self.toolTip(), self.viewport())
            return True
        if event.type() == QEvent.Type.Leave:
            self._set_hover(-1)
        return super().viewportEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Emit the index of the image under the pointer."""
        self._set_hover(self.place_at(event.position().toPoint()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open the image that is clicked."""
        place = self.place_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and place >= 0:
            self._current = place
            self.opened.emit(self.current)
            self.viewport().update()
        else:
            super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Take the end of a click."""
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the current image; open it by Return or Space."""
        key = Qt.Key(event.key())
        rows = self._layout.rows_in(self.viewport().height())
        target = self._layout.target(key, self._current, self._first, rows)
        if target is not None:
            self.show_place(target)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current >= 0:
            self.opened.emit(self.current)
        else:
            event.ignore()

    def _set_hover(self, place: int) -> None:
        if place != self._hover:
            self._hover = place
            shape = Qt.CursorShape.PointingHandCursor if place >= 0 else Qt.CursorShape.ArrowCursor
            self.viewport().setCursor(shape)
            self.hovered.emit(self.index_of(place))
            self.viewport().update()
