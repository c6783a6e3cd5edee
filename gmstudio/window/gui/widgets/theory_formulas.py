"""Formulas as objects in a text document: measured, placed on the baseline, and painted as vector graphics."""

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache

from PySide6.QtCore import QObject, QPointF, QRect, QRectF, QSizeF
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QFontMetrics,
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
EM = QTextFormat.Property.UserProperty + 2
"""Property of a formula's format: font size of the text around it in pixels."""
INLINE_SIZE = 1.12
"""Size of formulas relative to the text around them: their lower-case letters are smaller than those of the window."""
DISPLAY_SIZE = 1.25
ROW_GAP = 0.5
PART_GAP = 1.6
"""Gaps between rows and between parts of a row, relative to the size of the formula."""


@lru_cache(maxsize=1024)
def _renderer(svg: str, color: str) -> QSvgRenderer:
    """Renderer of a drawing in a colour, kept for the next page that has the formula."""
    return tinted(svg, QColor(color))


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
        return _renderer(svg, color.name())

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
        made.setProperty(EM, _em(font))
        drawn = self._formulas[index]
        made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
        if drawn.valid and not drawn.formula.display:
            # The layout takes the depth of an object from its font: one that reaches as deep as the formula.
            deep, wanted = QFont(font), drawn.descent * INLINE_SIZE * _em(font)
            while QFontMetrics(deep).descent() < wanted:
                deep.setPixelSize(QFontInfo(deep).pixelSize() + 1)
            made.setFont(deep)
        return made

    def formula(self, format_: QTextFormat) -> DrawnFormula:
        """The formula of a character format."""
        return self._formulas[int(format_.intProperty(INDEX))]

    def intrinsicSize(self, document: QTextDocument, position: int, format_: QTextFormat) -> QSizeF:
        """Room of a formula in its line."""
        drawn, em = self.formula(format_), format_.doubleProperty(EM)
        if not drawn.valid:
            metrics = QFontMetricsF(format_.toCharFormat().font())
            return QSizeF(metrics.horizontalAdvance(drawn.formula.latex), metrics.height())
        if drawn.formula.display:
            width, font_size = _room(document, em), DISPLAY_SIZE * em
            size = drawn.size(width / font_size)
            return size * (font_size * min(1.0, width / (size.width() * font_size)))
        font_size = INLINE_SIZE * em
        height = drawn.ascent * font_size + _depth(format_)
        return QSizeF(drawn.size(math.inf).width() * font_size, height)

    def drawObject(
        self, painter: QPainter, rect: QRectF | QRect, document: QTextDocument, position: int, format_: QTextFormat
    ) -> None:
        """Paint a formula; one that cannot be typeset as its source."""
        drawn, em, area = self.formula(format_), format_.doubleProperty(EM), QRectF(rect)
        if not drawn.valid:
            painter.drawText(area, drawn.formula.latex)
        elif drawn.formula.display:
            full = DISPLAY_SIZE * em
            room = _room(document, em) / full
            scale = area.width() / (drawn.size(room).width() * full)
            drawn.paint(painter, area.topLeft(), full * scale, room)
        else:
            baseline = area.bottom() - _depth(format_)
            corner = QPointF(area.left(), baseline - drawn.ascent * INLINE_SIZE * em)
            drawn.paint(painter, corner, INLINE_SIZE * em, math.inf)


def _depth(format_: QTextFormat) -> int:
    """Room below the baseline that the layout of Qt leaves for an object of this format."""
    return QFontMetrics(format_.toCharFormat().font()).descent()


def _room(document: QTextDocument, em: float) -> float:
    """Width of the page for a formula on a line of its own, pixels."""
    width = document.textWidth() - 2 * document.documentMargin() - document.indentWidth()
    return max(width, 4 * DISPLAY_SIZE * em)


def _em(font: QFont) -> float:
    """Size of a font in pixels."""
    return float(QFontInfo(font).pixelSize())
