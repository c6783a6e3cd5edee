"""A page of text with formulas: Markdown in which ``$…$`` and ``$$…$$`` are LaTeX, as in papers and course notes."""

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QCursor,
    QDesktopServices,
    QFont,
    QResizeEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFragment,
)
from PySide6.QtWidgets import QTextBrowser, QTextEdit, QToolTip, QWidget

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.formula import formulas
from gmstudio.window.gui.widgets.theory_formulas import FORMULA_OBJECT, DrawnFormula, FormulaObjects
from gmstudio.window.gui.widgets.theory_markdown import PLACE, FormulaText, take_formulas

SCHEME = "gmstudio"
"""Scheme of links into the program: ``gmstudio:family/vae``, ``gmstudio:panel/latents``, ``gmstudio:branch/direct``."""
WEB = ("https", "http")
UNOPENED = "No program here can open pages of the web. The address is {}"
COLUMN_CHARACTERS = 104
"""Widest column of text, in characters of average width: longer lines are hard to read."""
HEADINGS = (1.55, 1.22, 1.05)
"""Sizes of the headings relative to the text."""
LINE_GAP = 3.0
"""Pixels between lines of text."""


class TheoryPage(QTextBrowser):
    """Markdown with formulas, typeset beside the event loop; it appears at once with all of its formulas.

    The page follows the theme and the font, formulas are vector graphics, and lines that are too wide for the page are
    broken (text), or placed below one another and scaled down (formulas).

    Attributes:
        column_characters: widest column of text, in characters of average width.

    Signals:
        completed: the text is shown with all its formulas.
        link_activated: kind and name of a link into the program, for example ``family`` and ``vae``.
        unopened: address of a page of the web that no program here can open; a tooltip says so.
    """

    completed = Signal()
    link_activated = Signal(str, str)
    unopened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.column_characters = COLUMN_CHARACTERS
        self.setOpenLinks(False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        self.document().setDocumentMargin(2 * GRID)
        self._objects = FormulaObjects(self)
        self.document().documentLayout().registerHandler(FORMULA_OBJECT, self._objects)
        self._markdown = ""
        self._text = ""
        self._formulas: tuple[FormulaText, ...] = ()
        self._pending = False
        self._font = QFont(self.font())
        self.anchorClicked.connect(self._on_link)
        formulas().ready.connect(self._on_typeset)
        theme().changed.connect(self._write)

    @property
    def pending(self) -> bool:
        """Formulas are being typeset; the page is blank until they are."""
        return self._pending

    @property
    def markdown(self) -> str:
        """Text of the page."""
        return self._markdown

    def set_markdown(self, text: str) -> None:
        """Show a text, from its beginning."""
        if text == self._markdown:
            return
        self._markdown = text
        self._text, self._formulas = take_formulas(text)
        self._write()
        self.verticalScrollBar().setValue(0)

    def unset_formulas(self) -> tuple[str, ...]:
        """LaTeX on the page that cannot be typeset and is shown as source."""
        return tuple(piece for formula in self._formulas for piece in formula.pieces if formulas().svg(piece) == "")

    # ---- Qt's events -----------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Wrap the text in the width of the page, but not in a wider column than can be read."""
        widest = self.column_characters * self.fontMetrics().averageCharWidth()
        self.setLineWrapColumnOrWidth(min(self.viewport().width(), widest))
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Write the text again in another font."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self.font() != self._font:
            self._font = QFont(self.font())
            self.resizeEvent(QResizeEvent(self.size(), self.size()))
            self._write()

    def sizeHint(self) -> QSize:
        """Size of a column of text."""
        metrics = self.fontMetrics()
        return QSize(60 * metrics.averageCharWidth(), 20 * metrics.lineSpacing())

    def createMimeDataFromSelection(self) -> QMimeData:
        """Copy text with formulas as LaTeX between dollar signs."""
        data = QMimeData()
        data.setText(self._selected_text())
        return data

    # ---- writing -----------------------------------------------------------------------------------------

    def _on_typeset(self, latex: str) -> None:
        if self._pending and any(latex in formula.pieces for formula in self._formulas):
            self._write()

    def _write(self) -> None:
        """Write the text when all its formulas are typeset; the page is blank before."""
        drawings = [formulas().svg(piece) for formula in self._formulas for piece in formula.pieces]
        self._pending = any(drawing is None for drawing in drawings)
        if self._pending:
            self._objects.set_formulas([])
            self.document().clear()
            return
        at = self.verticalScrollBar().value()
        document = self.document()
        self._objects.set_formulas([])
        document.setMarkdown(self._text, QTextDocument.MarkdownFeature.MarkdownDialectGitHub)
        color = theme().color("text")
        self._objects.set_formulas([DrawnFormula(formula, color) for formula in self._formulas])
        edit = QTextCursor(document)
        edit.beginEditBlock()  # the text is laid out once, at the end
        self._format_blocks(document)
        self._place_formulas(document)
        edit.endEditBlock()
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.verticalScrollBar().setValue(at)
        self.completed.emit()

    def _format_blocks(self, document: QTextDocument) -> None:
        """Set margins and line distances, sizes of headings, and the looks of links."""
        document.setIndentWidth(3 * GRID)
        for block in _blocks(document):
            QTextCursor(block).mergeBlockFormat(_block_format(block))
            level = block.blockFormat().headingLevel()
            for fragment in _fragments(block):
                form = fragment.charFormat()
                if level:
                    form.clearProperty(QTextCharFormat.Property.FontSizeAdjustment)
                    form.setFontPointSize(HEADINGS[min(level, len(HEADINGS)) - 1] * self.font().pointSizeF())
                    form.setFontWeight(QFont.Weight.DemiBold)
                if form.isAnchor():
                    _format_link(form)
                if level or form.isAnchor():
                    _selected(document, fragment).setCharFormat(form)

    def _place_formulas(self, document: QTextDocument) -> None:
        """Put the formulas where their places are."""
        cursor = QTextCursor(document)
        for index in range(len(self._formulas)):
            cursor = document.find(PLACE, cursor)
            around = cursor.charFormat()
            font = around.font().resolve(document.defaultFont())
            cursor.insertText("\ufffc", self._objects.format(index, around, font))

    # ---- links and selections --------------------------------------------------------------------------------

    def _on_link(self, url: QUrl) -> None:
        if url.scheme() == SCHEME:
            kind, _, name = url.path().partition("/")
            self.link_activated.emit(kind, name)
        elif url.scheme() in WEB and not QDesktopServices.openUrl(url):
            QToolTip.showText(QCursor.pos(), UNOPENED.format(url.toString()), self)
            self.unopened.emit(url.toString())

    def _selected_text(self) -> str:
        selection = self.textCursor()
        first, last = selection.selectionStart(), selection.selectionEnd()
        lines = []
        for block in _blocks(self.document()):
            if block.position() + block.length() <= first or block.position() >= last:
                continue
            lines.append("".join(self._text_between(fragment, first, last) for fragment in _fragments(block)))
        return "\n".join(lines)

    def _text_between(self, fragment: QTextFragment, first: int, last: int) -> str:
        start = fragment.position()
        if fragment.charFormat().objectType() == FORMULA_OBJECT:
            inside = first <= start < last
            return self._objects.formula(fragment.charFormat()).formula.source if inside else ""
        return fragment.text()[max(0, first - start) : max(0, last - start)]


def _block_format(block: QTextBlock) -> QTextBlockFormat:
    """Margins and line distance of a heading, a formula, an entry of a list, or text."""
    form = QTextBlockFormat()
    level, listed = block.blockFormat().headingLevel(), block.textList() is not None
    alone = block.text() == PLACE and QTextCursor(block).currentTable() is None
    top, bottom = 0.0, 0.5 if level or listed else 1.0
    if level and block.position():
        top = 2.0
    elif alone:
        top, bottom = 0.5, 1.5
        form.setIndent(1)
    elif listed and not block.next().textList():
        bottom = 1.0
    form.setTopMargin(top * GRID)
    form.setBottomMargin(bottom * GRID)
    form.setAlignment(Qt.AlignmentFlag.AlignLeft)
    distance = 0.0 if level or alone else LINE_GAP
    form.setLineHeight(distance, QTextBlockFormat.LineHeightTypes.LineDistanceHeight.value)
    return form


def _format_link(form: QTextCharFormat) -> None:
    """Show a link in the accent colour, with its address as tooltip."""
    form.setFontUnderline(False)
    form.setForeground(theme().color("accent"))
    if QUrl(form.anchorHref()).scheme() in WEB:
        form.setToolTip(f"{form.anchorHref()} (opens in the browser)")


def _selected(document: QTextDocument, fragment: QTextFragment) -> QTextCursor:
    cursor = QTextCursor(document)
    cursor.setPosition(fragment.position())
    cursor.setPosition(fragment.position() + fragment.length(), QTextCursor.MoveMode.KeepAnchor)
    return cursor


def _blocks(document: QTextDocument) -> list[QTextBlock]:
    """Paragraphs of a document."""
    found, block = [], document.begin()
    while block.isValid():
        found.append(block)
        block = block.next()
    return found


def _fragments(block: QTextBlock) -> list[QTextFragment]:
    """Pieces of one format in a paragraph."""
    found, iterator = [], block.begin()
    while not iterator.atEnd():
        found.append(iterator.fragment())
        iterator += 1
    return found
