"""A source of Python, to be read and copied, with its syntax in the colours of the theme."""

import builtins
import keyword
import re

from PySide6.QtGui import QColor, QFontDatabase, QSyntaxHighlighter, QTextCharFormat
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from gmstudio.window.gui.theme import theme

_TOKEN = re.compile(
    r"""(?P<comment>\#.*)|(?P<long>[rf]?(?:\"{3}|'{3}))|(?P<text>[rfb]?"(?:\\.|[^"\\])*"|[rfb]?'(?:\\.|[^'\\])*')"""
    r"""|(?P<defined>(?<=def\ )\w+|(?<=class\ )\w+)|(?P<decorator>@[\w.]+)|(?P<number>\b\d[\d_.]*(?:e-?\d+)?\b)"""
    r"""|(?P<word>[A-Za-z_]\w*)"""
)
_BUILT_IN = frozenset(name for name in dir(builtins) if name.islower())
_INSIDE = 1
"""State of a line that ends inside a documentation text."""


class PythonHighlighter(QSyntaxHighlighter):
    """Colours of comments, texts, keywords, numbers and definitions; each line is coloured when it is laid out."""

    def highlightBlock(self, text: str) -> None:
        """Colour one line; its state says whether it ends inside a text of several lines."""
        self.setCurrentBlockState(0)
        start = 0
        if self.previousBlockState() == _INSIDE:
            start = self._close(text, 0, 0)
        while start < len(text):
            match = _TOKEN.search(text, start)
            if match is None:
                return
            kind = match.lastgroup or ""
            if kind == "long":
                start = self._close(text, match.start(), match.end())
                continue
            colour = self._colour(kind, match[0])
            if colour is not None:
                self.setFormat(match.start(), len(match[0]), colour)
            start = match.end()

    def _close(self, text: str, begin: int, search: int) -> int:
        """Colour a long text from ``begin`` on; return where it ends in the line."""
        ends = [place for mark in ('"""', "'''") if (place := text.find(mark, search)) >= 0]
        end = min(ends) + 3 if ends else len(text)
        if not ends:
            self.setCurrentBlockState(_INSIDE)
        self.setFormat(begin, end - begin, _format(theme().series(2)))
        return end

    @staticmethod
    def _colour(kind: str, word: str) -> QTextCharFormat | None:
        if kind == "comment":
            return _format(theme().color("muted"))
        if kind == "text":
            return _format(theme().series(2))
        if kind in ("number", "decorator"):
            return _format(theme().series(1))
        if kind == "defined":
            return _format(theme().series(0), bold=True)
        if keyword.iskeyword(word):
            return _format(theme().series(3))
        return _format(theme().series(0)) if word in _BUILT_IN else None


class CodeView(QPlainTextEdit):
    """A source that can be selected and copied, and not be changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._highlighter = PythonHighlighter(self.document())
        theme().changed.connect(self._highlighter.rehighlight)

    def show_code(self, text: str) -> None:
        """Show another source from its first line; the same one stays where it is."""
        if text != self.toPlainText():
            self.setPlainText(text)


def _format(colour: QColor, *, bold: bool = False) -> QTextCharFormat:
    made = QTextCharFormat()
    made.setForeground(colour)
    if bold:
        made.setFontWeight(600)
    return made
