"""Formulas as objects in a text document: measured, placed on the baseline, and painted as vector graphics."""

from collections.abc import Sequence
from functools import cached_property

from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QFontMetricsF,
    QPainter,
    QPyTextObject,
    QTextCharFormat,
    QTextDocument,
    QTextFormat,
)
from PySide6.QtSvg import QSvgRenderer

from gmstudio.window.gui.widgets.formula import RENDER_SIZE, formulas, tinted
from gmstudio.window.gui.widgets.theory_markdown import FormulaText

FORMULA_OBJECT = QTextFormat.ObjectTypes.UserObject + 1
INDEX = QTextFormat.Property.UserProperty + 1
INLINE_SIZE = 1.12
"""Size of formulas relative to the text around them: their lower-case letters are smaller than those of the window."""
DISPLAY_SIZE = 1.25
ROW_GAP = 0.5
PART_GAP = 1.6
"""Gaps between rows and between parts of a row, relative to the size of the formula."""


class DrawnFormula:
    """A typeset formula in one colour; all its measures are in units of the font size.

    Args:
        formula: the formula; all its pieces are typeset already.
        color: colour of the ink.
    """

    def __init__(self, formula: FormulaText, color: QColor) -> None:
        self.formula = formula
        self._rows = [[self._drawn(part, color) for part in row] for row in formula.rows]

    @staticmethod
    def _drawn(latex: str, color: QColor) -> QSvgRenderer:
        svg = formulas().svg(latex)
        assert svg is not None, f"{latex} is not typeset yet"
        return tinted(svg, color)

    @cached_property
    def valid(self) -> bool:
        """Every piece could be typeset."""
        return all(part.isValid() for row in self._rows for part in row)

    @cached_property
    def ascent(self) -> float:
        """Height above the baseline of an inline formula."""
        return -self._box(self._rows[0][0]).top()

    @cached_property
    def descent(self) -> float:
        """Depth below the baseline of an inline formula, at least 0."""
        return max(0.0, self._box(self._rows[0][0]).bottom())

    @staticmethod
    def _box(part: QSvgRenderer) -> QRectF:
        box = part.viewBoxF()
        scale = 1.0 / RENDER_SIZE
        return QRectF(box.left() * scale, box.top() * scale, box.width() * scale, box.height() * scale)

    def lines(self, width: float) -> list[list[QSvgRenderer]]:
        """Parts of each line, so that as many as fit into the width stand beside one another."""
        made: list[list[QSvgRenderer]] = []
        for row in self._rows:
            at = 0.0
            for number, part in enumerate(row):
                part_width = self._box(part).width()
                if number and at + PART_GAP + part_width <= width:
                    made[-1].append(part)
                    at += PART_GAP + part_width
                else:
                    made.append([part])
                    at = part_width
        return made

    def size(self, width: float) -> QSizeF:
        """Width and height of all lines."""
        lines = self.lines(width)
        widths = [sum(self._box(part).width() for part in line) + PART_GAP * (len(line) - 1) for line in lines]
        heights = [above + below for above, below in map(self._extent, lines)]
        return QSizeF(max(widths), sum(heights) + ROW_GAP * (len(lines) - 1))

    def _extent(self, line: Sequence[QSvgRenderer]) -> tuple[float, float]:
        """Heights above and below the common baseline of a line."""
        boxes = [self._box(part) for part in line]
        return max(-box.top() for box in boxes), max(box.bottom() for box in boxes)

    def paint(self, painter: QPainter, origin: QPointF, font_size: float, width: float) -> None:
        """Paint all lines from the upper left corner.

        Args:
            painter: painter of the document.
            origin: upper left corner.
            font_size: pixels.
            width: room for a line, in units of the font size.
        """
        top = origin.y()
        for line in self.lines(width):
            above, below = self._extent(line)
            left = origin.x()
            for part in line:
                box = self._box(part)
                corner = QPointF(left, top + (above + box.top()) * font_size)
                part.render(painter, QRectF(corner, box.size() * font_size))
                left += (box.width() + PART_GAP) * font_size
            top += (above + below + ROW_GAP) * font_size


class FormulaObjects(QPyTextObject):
    """Handler of the formulas in a document; ``format`` makes the character format of one.

    Args:
        parent: owner.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._formulas: list[DrawnFormula] = []

    def set_formulas(self, drawn: Sequence[DrawnFormula]) -> None:
        """Set the formulas that indices of formats refer to."""
        self._formulas = list(drawn)

    def format(self, index: int, around: QTextCharFormat, font: QFont) -> QTextCharFormat:
        """Character format of a formula, which places its baseline on that of the text.

        Args:
            index: in ``set_formulas``.
            around: format of the text around it, whose font size and link it has.
            font: of that text.
        """
        made = QTextCharFormat(around)
        made.setObjectType(FORMULA_OBJECT)
        made.setProperty(INDEX, index)
        drawn = self._formulas[index]
        deep = drawn.valid and drawn.descent * _inline_size(font) > QFontMetricsF(font).descent()
        alignments = QTextCharFormat.VerticalAlignment
        made.setVerticalAlignment(alignments.AlignMiddle if deep else alignments.AlignBaseline)
        return made

    def formula(self, format_: QTextFormat) -> DrawnFormula:
        """The formula of a character format."""
        return self._formulas[int(format_.intProperty(INDEX))]

    def intrinsicSize(self, document: QTextDocument, position: int, format_: QTextFormat) -> QSizeF:
        """Room of a formula in its line."""
        drawn, font = self.formula(format_), _font_at(document, format_)
        if not drawn.valid:
            metrics = QFontMetricsF(font)
            return QSizeF(metrics.horizontalAdvance(drawn.formula.latex), metrics.height())
        if drawn.formula.display:
            width, font_size = self._room(document, font), _display_size(font)
            size = drawn.size(width / font_size)
            return size * (font_size * min(1.0, width / (size.width() * font_size)))
        size = drawn.size(float("inf"))
        font_size = _inline_size(font)
        above, below = self._inline_extent(drawn, format_, font)
        return QSizeF(size.width() * font_size, above + below)

    def drawObject(
        self, painter: QPainter, rect: QRectF, document: QTextDocument, position: int, format_: QTextFormat
    ) -> None:
        """Paint a formula; one that cannot be typeset as its source."""
        drawn, font = self.formula(format_), _font_at(document, format_)
        if not drawn.valid:
            painter.drawText(rect, drawn.formula.latex)
        elif drawn.formula.display:
            full = _display_size(font)
            room = self._room(document, font) / full
            scale = rect.width() / (drawn.size(room).width() * full)
            drawn.paint(painter, rect.topLeft(), full * scale, room)
        else:
            font_size = _inline_size(font)
            above, _ = self._inline_extent(drawn, format_, font)
            corner = QPointF(rect.left(), rect.top() + above - drawn.ascent * font_size)
            drawn.paint(painter, corner, font_size, float("inf"))

    @staticmethod
    def _inline_extent(drawn: DrawnFormula, format_: QTextFormat, font: QFont) -> tuple[float, float]:
        """Room above and below the baseline, as the layout of Qt will divide the height by the alignment."""
        metrics, font_size = QFontMetricsF(font), _inline_size(font)
        above, below = drawn.ascent * font_size, drawn.descent * font_size
        alignment = format_.toCharFormat().verticalAlignment()
        if alignment == QTextCharFormat.VerticalAlignment.AlignBaseline:
            return above, metrics.descent()
        half = metrics.xHeight() / 2  # the middle of the object is placed at half the height of an x
        height = max(2 * above - half, 2 * below + half)
        return (height + half) / 2, (height - half) / 2

    @staticmethod
    def _room(document: QTextDocument, font: QFont) -> float:
        width = document.textWidth() - 2 * document.documentMargin() - document.indentWidth()
        return max(width, 4 * _display_size(font))


def _font_at(document: QTextDocument, format_: QTextFormat) -> QFont:
    return format_.toCharFormat().font().resolve(document.defaultFont())


def _em(font: QFont) -> float:
    """Size of a font in pixels."""
    return float(QFontInfo(font).pixelSize())


def _inline_size(font: QFont) -> float:
    return INLINE_SIZE * _em(font)


def _display_size(font: QFont) -> float:
    return DISPLAY_SIZE * _em(font)
