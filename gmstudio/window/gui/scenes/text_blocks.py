"""Blocks of words: numbers with their names, sentences, formulas."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.protocol.scenes import Block, Number, Numbers, Sentence
from gmstudio.protocol.scenes import Formula as FormulaWords
from gmstudio.window.gui.scenes.minus import with_minus
from gmstudio.window.gui.scenes.titled_block import TitledBlock
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.formula import INLINE, SEPARATOR, Formula
from gmstudio.window.gui.widgets.style_property import set_style_property

FORMULA_PX, NAME_PX = 18, 15
"""Font sizes of a formula, and of one that stands for the name of a number."""
LINE_PX, NAME_HEIGHT = 46, 22
"""Heights that they get, so that nothing moves when they are typeset."""


class NumbersBlock(TitledBlock):
    """Table of quantities: their names, or formulas in their place, and their values."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QWidget(), parent)
        self._form = QFormLayout(self.content)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(2 * GRID)
        self._form.setVerticalSpacing(2)
        self._shape: list[tuple[str, str]] = []
        self._names: dict[str, QWidget] = {}
        self.values: dict[str, QLabel] = {}

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Numbers)
        self.write(block.title, "")
        shape = [(number.name, number.latex) for number in block.numbers]
        if shape != self._shape:
            self._shape = shape
            while self._form.rowCount():
                self._form.removeRow(0)
            self._names, self.values = {}, {}
            for number in block.numbers:
                value = QLabel()
                value.setWordWrap(True)
                value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                self._names[number.name] = _name_widget(number)
                self._form.addRow(self._names[number.name], value)
                self.values[number.name] = value
        for number in block.numbers:
            value, name = self.values[number.name], self._names[number.name]
            value.setText(with_minus(number.value))
            value.setAccessibleName(f"{number.name}: {number.value}")
            tip = f"{number.name}: {number.help}" if number.latex and number.help else number.help or number.name
            for widget in (value, name):
                widget.setToolTip(tip)

    def height_for(self, width: int, room: int) -> int:
        """As the text needs."""
        return 0


def _name_widget(number: Number) -> QWidget:
    if not number.latex:
        name = QLabel(number.name)
        name.setProperty("role", "muted")
        return name
    formula = Formula(NAME_PX)
    formula.set_latex(INLINE + number.latex)
    formula.setAccessibleDescription(number.name)
    formula.setFixedHeight(NAME_HEIGHT)
    return formula


class SentenceBlock(QLabel):
    """Text of a few sentences; it keeps the height that it once needed, so that what is below stays in place."""

    adjustable = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._highest = 0

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Sentence)
        text = with_minus(block.text)
        if text != self.text():
            self.setText(text)
            self._grow()
        role = "heading" if block.finding else "muted"
        set_style_property(self, "role", role)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Begin anew at another width."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._highest = 0
            self._grow()

    def height_for(self, width: int, room: int) -> int:
        """As the text needs."""
        return 0

    def _grow(self) -> None:
        needed = self.heightForWidth(self.width())
        if self.isVisible() and needed > self._highest:
            self._highest = needed
            self.setMinimumHeight(needed)


class FormulaBlock(QWidget):
    """Typeset formula with a heading where it has one."""

    adjustable = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.formula = QLabel(self), Formula(FORMULA_PX, self)
        self.title.setProperty("role", "heading")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.title)
        column.addWidget(self.formula)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, FormulaWords)
        self.title.setText(block.title)
        self.title.setVisible(bool(block.title))
        self.formula.set_latex(block.latex)
        lines = max(1, len([part for part in SEPARATOR.split(block.latex) if part.strip()]))
        self.formula.setFixedHeight(lines * LINE_PX)

    def height_for(self, width: int, room: int) -> int:
        """As the formula needs."""
        return 0
