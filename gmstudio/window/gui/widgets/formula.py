"""Formulas: LaTeX is typeset once as vector graphics, in a thread, and tinted to the theme when painted."""

import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from xml.etree.ElementTree import Element, ParseError, fromstring

from PySide6.QtCore import QByteArray, QObject, QPointF, QRectF, QSize, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from gmstudio.window.gui.theme import theme

LEADING = 6
SEPARATOR = re.compile(r"\\quad\b")
UNKNOWN = re.compile(r"\\[A-Za-z]")
INLINE = r"\textstyle "
"""Beginning of a formula that stands in a line of text: limits beside the operators, small fractions."""
RENDER_SIZE = 32
"""Font size in which formulas are typeset; they are scaled from it."""
PLACEHOLDER_COLOUR = "#010203"
"""Colour in the cached graphics that is replaced by the theme's text colour."""


class Formulas(QObject):
    """Typesetter of formulas in a thread of its own, with a cache.

    Typesetting is Python code that takes milliseconds per formula, and a quarter of a second to load its fonts; the
    window stays responsive meanwhile.

    Signals:
        ready: LaTeX of a formula that was typeset, or failed to be.
    """

    ready = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._drawn: dict[str, str] = {}
        self._asked: set[str] = set()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="formulas")

    def svg(self, latex: str) -> str | None:
        """SVG of a formula in ``PLACEHOLDER_COLOUR``; empty when it cannot be typeset; None while typesetting."""
        if latex not in self._drawn and latex not in self._asked:
            self._asked.add(latex)
            # In a later turn of the event loop, so that the typesetter does not slow down building the rest of the
            # page.
            QTimer.singleShot(0, self, partial(self._submit, latex))
        return self._drawn.get(latex)

    def _submit(self, latex: str) -> None:
        # Reading the result reports unexpected exceptions on stderr instead of keeping them in the future.
        self._thread.submit(self._draw, latex).add_done_callback(lambda future: future.result())

    def _draw(self, latex: str) -> None:
        drawn = ""  # what cannot be typeset is shown as source, whatever the reason
        try:
            drawn = typeset(latex)
        finally:
            self._drawn[latex] = drawn
            self.ready.emit(latex)


def typeset(latex: str) -> str:
    """Typeset LaTeX as SVG in ``PLACEHOLDER_COLOUR``; empty when it cannot be typeset.

    Slow at the first call, which loads the typesetter and its fonts.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from the typesetter's search for its fonts
        # Imported here, because loading takes a fifth of a second that the start of the window should not wait for.
        from ziamath.config import config
        from ziamath.zmath import Math
    config.svg2 = False  # Qt draws SVG 1
    try:
        return str(Math(_mathml(latex), size=RENDER_SIZE).svg())
    except tuple(_refusals()):
        return ""


def _mathml(latex: str) -> Element:
    """Convert LaTeX to MathML in ``PLACEHOLDER_COLOUR``, with operators such as ∑ at their natural height.

    The typesetter takes them to be as stretchy as brackets; brackets around one that has a lower limit but no upper
    one would then have sixty times the height of a line.

    Raises:
        ValueError: when a command is unknown, which the parser passes on as text.
    """
    from ziamath.operators import get_params
    from ziamath.tex import tex2mml

    tree = fromstring(tex2mml(latex.removeprefix(INLINE), inline=latex.startswith(INLINE)))
    tree.set("mathcolor", PLACEHOLDER_COLOUR)
    for element in tree.iter():
        text = (element.text or "").strip()
        if UNKNOWN.match(text):
            raise ValueError(f"The LaTeX command {text} is unknown.")
        if get_params(text, "prefix").get("largeop") == "true":
            element.set("stretchy", "false")
    return tree


def _refusals() -> list[type[Exception]]:
    """Exceptions of the parser for LaTeX that it cannot read; they have no common base."""
    from latex2mathml import exceptions

    own = [e for e in vars(exceptions).values() if isinstance(e, type) and issubclass(e, Exception)]
    return [*own, ParseError, ValueError, KeyError, IndexError, AssertionError, StopIteration]


def tinted(svg: str, color: QColor) -> QSvgRenderer:
    """Renderer of the SVG of a formula, in a colour; its view box has the baseline at y = 0."""
    return QSvgRenderer(QByteArray(svg.replace(PLACEHOLDER_COLOUR, color.name()).encode()))


def formulas() -> Formulas:
    """Formulas of the running application; created at the first call."""
    app = QApplication.instance()
    assert isinstance(app, QApplication), "formulas need a QApplication"
    return _formulas_of(app)


@cache
def _formulas_of(app: QApplication) -> Formulas:
    return Formulas(app)


class Formula(QWidget):
    r"""Formula in at most ``font_size``, scaled down to the width.

    Parts separated by ``\quad`` are placed below one another. LaTeX that cannot be typeset is shown as source.

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
        """LaTeX of the formula."""
        return self._latex

    @property
    def drawn(self) -> bool:
        """The formula is typeset (neither pending nor shown as source)."""
        return bool(self._lines)

    def set_latex(self, latex: str) -> None:
        """Set the formula; empty: none."""
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
        """Size at the full font size."""
        return self.natural_size().toSize() + QSize(2, 4)

    def minimumSizeHint(self) -> QSize:
        """Smallest size; a formula may be scaled down."""
        return QSize(24, min(self.sizeHint().height(), 16))

    def hasHeightForWidth(self) -> bool:
        """The height follows from the width."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Height at the scale that fits the width."""
        natural = self.natural_size()
        return int(natural.height() * min(1.0, width / max(natural.width(), 1.0))) + 4

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the graphics in the text colour."""
        with QPainter(self) as painter:
            if not self._lines:
                # Nothing is shown while the formula is being typeset: the source would flash.
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
        """Load the graphics of all parts, once all are typeset, in the theme's colour."""
        drawings = [formulas().svg(part) for part in self._parts]
        self._lines = []
        if all(drawings):
            self._lines = [tinted(drawing or "", theme().color("text")) for drawing in drawings]
        self.setAccessibleName(self._latex)
        self.updateGeometry()
        self.update()
