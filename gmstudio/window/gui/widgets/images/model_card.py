"""Card with what a model makes of an image: pictures, a line with a badge, bars of the code, rows of small pictures.

Arrays and words in; the places of all that may come are reserved, so that nothing moves when it arrives.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QHelpEvent, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QToolTip, QWidget

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.images.grid import to_qimage
from gmstudio.window.gui.widgets.scaled import scaled_px

PAD = GRID
CODE_HEIGHT = 4 * GRID
LEAST_WIDTH = 36 * GRID
THUMBS = 5
ROW_TITLE = 9 * GRID
"""Width of the words before a row of small pictures, in the usual type."""
ROW_LINES = 2
"""Lines of these words."""
MAX_BARS = 256
_CENTRE = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)


@dataclass(frozen=True, eq=False)
class CardPicture:
    """A picture of a card.

    Args:
        pixels: (C, H, W) uint8, 0 … 255; None: there is none.
        caption: one line below it.
        tip: shown under the pointer.
    """

    pixels: NDArray[np.uint8] | None = None
    caption: str = ""
    tip: str = ""


@dataclass(frozen=True, eq=False)
class CardRow:
    """A row of small pictures.

    Args:
        title: words before them.
        pictures: (n, C, H, W) uint8, 0 … 255; None: there are none.
        tip: shown under the pointer.
    """

    title: str
    pictures: NDArray[np.uint8] | None = None
    tip: str = ""


@dataclass(frozen=True, eq=False)
class CardContent:
    """Content of a card.

    Args:
        title: of the model.
        subtitle: one line below it.
        pictures: three: the image, its reconstruction, its surprisal.
        badge: kind of the likelihood, one or two words; empty: not known yet.
        badge_role: colour of the badge, a role of the theme.
        line: the likelihood.
        line_tip: shown under the pointer.
        second: another line, for example D(x).
        code: (Z,) values; None: there are none.
        code_title: words above the bars.
        code_tip: shown under the pointer.
        rows: rows of small pictures.
        note: what is computed, or a problem.
        error: the note is a problem.
        older: the model has other weights by now, which the note says.
    """

    title: str
    subtitle: str = ""
    pictures: Sequence[CardPicture] = ()
    badge: str = ""
    badge_role: str = "muted"
    line: str = ""
    line_tip: str = ""
    second: str = ""
    second_tip: str = ""
    code: NDArray[np.float32] | None = None
    code_title: str = ""
    code_tip: str = ""
    rows: Sequence[CardRow] = ()
    note: str = ""
    error: bool = False
    older: bool = False
    description: str = field(default="")


class ModelCardView(QAbstractButton):
    """Card of a model; a click, Space or Return opens the model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = CardContent("")
        self._pictures: list[QImage | None] = []
        self._rows: list[list[QImage]] = []
        self._tips: list[tuple[QRectF, str]] = []
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    @property
    def content(self) -> CardContent:
        """What the card shows."""
        return self._content

    def set_content(self, content: CardContent) -> None:
        """Show other content."""
        self._content = content
        self._pictures = [
            None if picture.pixels is None else to_qimage(np.ascontiguousarray(picture.pixels))
            for picture in content.pictures
        ]
        self._rows = [
            [] if row.pictures is None else [to_qimage(np.ascontiguousarray(one)) for one in row.pictures]
            for row in content.rows
        ]
        self.setAccessibleName(content.title)
        self.setAccessibleDescription(content.description)
        self.update()

    # ---- geometry --------------------------------------------------------------------------------------------------

    def _line(self) -> int:
        return self.fontMetrics().height() + 2

    def _side(self, width: float) -> float:
        """Side of the pictures."""
        return (width - 2 * PAD - 2 * GRID) / 3

    def _thumb(self, width: float) -> float:
        """Side of the small pictures."""
        return min((width - 2 * PAD - scaled_px(self, ROW_TITLE)) / THUMBS - GRID / 2, 5.0 * GRID)

    def _row(self, width: float) -> float:
        """Height of a row of small pictures, in which its title has room, too."""
        return max(self._thumb(width), ROW_LINES * self.fontMetrics().height())

    def least_width(self) -> int:
        """Smallest width in which captions and values are legible."""
        return scaled_px(self, LEAST_WIDTH)

    def height_for(self, width: int) -> int:
        """Height of a card of a width."""
        words, rows = 7 * self._line(), 2 * (self._row(width) + GRID)
        return round(2 * PAD + words + self._side(width) + CODE_HEIGHT + rows + 2 * GRID)

    def sizeHint(self) -> QSize:
        """Legible size."""
        return QSize(self.least_width(), self.height_for(self.least_width()))

    def minimumSizeHint(self) -> QSize:
        """Smallest legible size."""
        return QSize(LEAST_WIDTH - 4 * GRID, self.height_for(LEAST_WIDTH - 4 * GRID))

    # ---- Qt --------------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Show the tip of what is under the pointer."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = QPointF(event.pos())
            tip = next((tip for rect, tip in self._tips if tip and rect.contains(place)), self.toolTip())
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the card from top to bottom."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
            focused = self.hasFocus() or self.underMouse()
            painter.setPen(QPen(theme().color("accent" if focused else "border"), 1))
            painter.setBrush(theme().color("base"))
            painter.drawRoundedRect(frame, 4, 4)
            self._tips = []
            content, line = self._content, self._line()
            width = self.width() - 2 * PAD
            top = float(PAD)
            self._text(painter, QRectF(PAD, top, width, line), content.title, "text", bold=True)
            self._text(painter, QRectF(PAD, top + line, width, line), content.subtitle, "muted")
            top += 2 * line + GRID / 2
            top = self._paint_pictures(painter, top)
            top = self._paint_likelihood(painter, top, width)
            self._text(painter, QRectF(PAD, top, width, line), content.second or "", "text")
            self._tips.append((QRectF(PAD, top, width, line), content.second_tip))
            top += line
            top = self._paint_code(painter, top, width)
            for row, pictures in zip(content.rows, self._rows, strict=True):
                top = self._paint_row(painter, top, row, pictures)
            note = QRectF(PAD, self.height() - PAD - line, width, line)
            self._text(painter, note, content.note, "error" if content.error else "muted")
            self._tips.append((note, content.note))

    def _text(self, painter: QPainter, rect: QRectF, words: str, role: str, *, bold: bool = False) -> None:
        font = QFont(self.font())
        font.setBold(bold)
        painter.setFont(font)
        painter.setPen(theme().color(role))
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(rect.width()))
        painter.drawText(rect, _LEFT, shown)

    def _paint_pictures(self, painter: QPainter, top: float) -> float:
        side, line = self._side(self.width()), self._line()
        for number, (picture, image) in enumerate(zip(self._content.pictures, self._pictures, strict=True)):
            square = QRectF(PAD + number * (side + GRID), top, side, side)
            self._paint_image(painter, square, image)
            self._text(painter, QRectF(square.left(), square.bottom(), side, line), picture.caption, "muted")
            self._tips.append((square.adjusted(0, 0, 0, line), picture.tip))
        return top + side + line

    def _paint_image(self, painter: QPainter, square: QRectF, image: QImage | None) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(theme().color("border"))
        if image is None:
            painter.drawRect(square.adjusted(0.5, 0.5, -0.5, -0.5))
            return
        size = image.size().scaled(square.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(QPointF(), size.toSizeF())
        place.moveCenter(square.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, size.width() < image.width())
        painter.drawImage(place, image)

    def _paint_likelihood(self, painter: QPainter, top: float, width: float) -> float:
        content, line = self._content, self._line()
        left = float(PAD)
        if content.badge:
            painter.setFont(self.font())
            length = self.fontMetrics().horizontalAdvance(content.badge) + GRID
            colour = QColor(theme().color(content.badge_role))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(left, top + 1, length, line - 2), 3, 3)
            painter.setPen(theme().color("base"))
            painter.drawText(QRectF(left, top, length, line), _CENTRE, content.badge)
            left += length + GRID
        rect = QRectF(left, top, width + PAD - left, line)
        self._text(painter, rect, content.line, "text")
        self._tips.append((QRectF(PAD, top, width, line), content.line_tip))
        return top + line

    def _paint_code(self, painter: QPainter, top: float, width: float) -> float:
        content, line = self._content, self._line()
        self._text(painter, QRectF(PAD, top, width, line), content.code_title, "muted")
        top += line
        lane = QRectF(PAD, top, width, CODE_HEIGHT)
        self._tips.append((lane.adjusted(0, -line, 0, 0), content.code_tip))
        if content.code is not None and len(content.code):
            values = content.code[:MAX_BARS]
            highest = float(np.abs(values).max()) or 1.0
            signed = bool((values < 0).any())
            zero = lane.center().y() if signed else lane.bottom()
            scale = (CODE_HEIGHT / 2 if signed else CODE_HEIGHT) / highest
            slot = width / len(values)
            for number, value in enumerate(values.tolist()):
                height = abs(value) * scale
                bar_top = zero - height if value > 0 else zero
                bar = QRectF(PAD + number * slot, bar_top, max(slot * 0.8, 0.75), height)
                painter.fillRect(bar, theme().color("accent"))
            painter.setPen(theme().color("border"))
            painter.drawLine(QPointF(PAD, zero), QPointF(PAD + width, zero))
        return top + CODE_HEIGHT + GRID

    def _paint_row(self, painter: QPainter, top: float, row: CardRow, pictures: list[QImage]) -> float:
        thumb, height, title = self._thumb(self.width()), self._row(self.width()), scaled_px(self, ROW_TITLE)
        left = float(PAD + title)
        painter.setFont(self.font())
        painter.setPen(theme().color("muted"))
        painter.drawText(QRectF(PAD, top, title - 4, height), _LEFT | int(Qt.TextFlag.TextWordWrap), row.title)
        for number, image in enumerate(pictures[:THUMBS]):
            self._paint_image(painter, QRectF(left + number * (thumb + GRID / 2), top, thumb, thumb), image)
        self._tips.append((QRectF(PAD, top, self.width() - 2 * PAD, height), row.tip))
        return top + height + GRID
