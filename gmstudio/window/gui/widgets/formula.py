"""Formulas: LaTeX becomes vector graphics off the window's thread, once, and is tinted to the theme when painted."""

import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from xml.etree.ElementTree import ParseError

from PySide6.QtCore import QByteArray, QObject, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme

LEADING = 6
SEPARATOR = re.compile(r"\\quad\b")
RENDER_SIZE = 32
"""Font size in which formulas are drawn; they are scaled from it."""
INK = "#010203"
"""Stands in the cached graphics for the theme's text colour."""


class Formulas(QObject):
    """Draws formulas one after the other in a thread of its own and remembers them.

    Typesetting is Python code that takes milliseconds per formula, and a quarter of a second for its fonts at first;
    the window goes on painting meanwhile.

    Signals:
        ready: a formula is drawn (or cannot be); its LaTeX.
    """

    ready = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawn: dict[str, str] = {}
        self._asked: set[str] = set()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="formulas")

    def svg(self, latex: str) -> str | None:
        """The formula as SVG in the colour ``INK``; empty when it cannot be typeset; None while it is being drawn."""
        if latex not in self._drawn and latex not in self._asked:
            self._asked.add(latex)
            # Not in this turn: what else is to be built in it would have to share the interpreter with the typesetter.
            QTimer.singleShot(0, self, partial(self._submit, latex))
        return self._drawn.get(latex)

    def _submit(self, latex: str) -> None:
        # Asking for the result has what was not foreseen reported on stderr instead of kept in the future.
        self._thread.submit(self._draw, latex).add_done_callback(lambda future: future.result())

    def _draw(self, latex: str) -> None:
        self._drawn[latex] = typeset(latex)
        self.ready.emit(latex)


def typeset(latex: str) -> str:
    """LaTeX → SVG in the colour ``INK``; empty when it is no LaTeX that can be typeset.

    Slow at its first call: it loads the typesetter and its fonts.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how the typesetter finds its own fonts
        # Here, because loading it costs a fifth of a second that the window's start need not wait for.
        from ziamath.config import config
        from ziamath.zmath import Latex
    config.svg2 = False  # Qt draws SVG 1
    try:
        return str(Latex(latex, size=RENDER_SIZE, color=INK).svg())
    except tuple(_refusals()):
        return ""


def _refusals() -> list[type[Exception]]:
    """What the parser raises for input that is no LaTeX; its errors have no common base."""
    from latex2mathml import exceptions

    own = [e for e in vars(exceptions).values() if isinstance(e, type) and issubclass(e, Exception)]
    return [*own, ParseError, ValueError, KeyError, IndexError]


def formulas() -> Formulas:
    """Formulas of the running application; created at the first call."""
    app = QApplication.instance()
    assert isinstance(app, QApplication), "formulas need a QApplication"
    return _formulas_of(app)


@cache
def _formulas_of(app: QApplication) -> Formulas:
    return Formulas(app)


class Formula(QWidget):
    r"""Shows a formula, no larger than ``font_size`` and as small as the width demands.

    Parts that are set apart by ``\quad`` stand below one another. LaTeX that cannot be typeset is shown as it is
    written.

    Args:
        font_size: pixels.
    """

    def __init__(self, font_size: int = 18, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._font_size = font_size
        self._latex = ""
        self._parts: list[str] = []
        self._lines: list[QSvgRenderer] = []
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme().changed.connect(self._load)
        formulas().ready.connect(self._on_ready)

    @property
    def latex(self) -> str:
        """What is shown."""
        return self._latex

    @property
    def drawn(self) -> bool:
        """The formula is typeset (not still on its way, and not shown as written)."""
        return bool(self._lines)

    def set_latex(self, latex: str) -> None:
        """Show a formula; empty: nothing."""
        if latex != self._latex:
            self._latex = latex
            self._parts = [part.rstrip(", ") for part in SEPARATOR.split(latex) if part.strip()]
            self._load()

    def natural_size(self) -> QSizeF:
        """Width and height at the full font size."""
        if not self._lines:
            return QSizeF(self.fontMetrics().horizontalAdvance(self._latex), self.fontMetrics().height())
        sizes = [line.defaultSize() for line in self._lines]
        scale = self._font_size / RENDER_SIZE
        height = sum(size.height() for size in sizes) * scale + LEADING * (len(sizes) - 1)
        return QSizeF(max(size.width() for size in sizes) * scale, height)

    def sizeHint(self) -> QSize:
        """At full font size."""
        return self.natural_size().toSize() + QSize(2, 4)

    def minimumSizeHint(self) -> QSize:
        """A formula may be shrunk."""
        return QSize(24, min(self.sizeHint().height(), 16))

    def hasHeightForWidth(self) -> bool:
        """A narrow formula is a low one."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height at the scale that fits the width."""
        natural = self.natural_size()
        return int(natural.height() * min(1.0, width / max(natural.width(), 1.0))) + 4

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the graphics, which are in the text colour."""
        painter = QPainter(self)
        if not self._lines:
            # While it is being drawn nothing is shown: the LaTeX would flash.
            if any(formulas().svg(part) == "" for part in self._parts):
                painter.setPen(theme().color("muted"))
                painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap, self._latex)
            return
        natural = self.natural_size()
        fit = min(1.0, self.width() / natural.width(), self.height() / natural.height())
        scale = fit * self._font_size / RENDER_SIZE
        top = (self.height() - natural.height() * fit) / 2
        for line in self._lines:
            size = line.defaultSize().toSizeF() * scale
            line.render(painter, QRectF(QPointF(0.0, top), size))
            top += size.height() + LEADING * fit

    def _on_ready(self, latex: str) -> None:
        if latex in self._parts:
            self._load()

    def _load(self) -> None:
        """Take the graphics of all parts, once all are drawn, in the theme's colour."""
        drawings = [formulas().svg(part) for part in self._parts]
        color = theme().color("text").name()
        self._lines = []
        if all(drawings):
            self._lines = [QSvgRenderer(QByteArray((d or "").replace(INK, color).encode())) for d in drawings]
        self.setAccessibleName(self._latex)
        self.updateGeometry()
        self.update()
